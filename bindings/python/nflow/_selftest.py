# SPDX-License-Identifier: MIT
"""_selftest.py - model files whose self-test rows come from another program: docs/model-format.md"""

import json
import os
import secrets
import struct
from typing import Any, Dict, List, Optional

import numpy as np

from ._flow import Flow

Array = np.ndarray


def _table() -> Array:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(0x82F63B78), table >> 1)
    return table


_TABLE = _table()


def _apply(matrix: Array, vector: int) -> int:
    """A matrix over GF(2), its columns as 32 bits, times a vector."""
    return int(np.bitwise_xor.reduce(matrix[[bool(vector >> i & 1) for i in range(32)]], initial=np.uint32(0)))


def _behind(count: int) -> Array:
    """The matrix of count zero bytes that follow."""
    power = np.array([_TABLE[1 << i] if i < 8 else 1 << (i - 8) for i in range(32)], np.uint32)
    matrix = np.array([1 << i for i in range(32)], np.uint32)
    while count:
        if count & 1:
            matrix = np.array([_apply(power, int(column)) for column in matrix], np.uint32)
        power = np.array([_apply(power, int(column)) for column in power], np.uint32)
        count >>= 1
    return matrix


def crc32c(data: bytes) -> str:
    """CRC-32C as model files have it. Many stretches side by side, then put together: checksums are linear."""
    lanes = int(len(data) ** 0.5)
    steps = len(data) // lanes if lanes else 0
    rows = np.frombuffer(data, np.uint8, lanes * steps).reshape(lanes, steps)
    state = np.zeros(lanes, np.uint32)
    for k in range(steps):
        state = _TABLE[(state ^ rows[:, k]) & 0xFF] ^ state >> 8
    matrix, crc = _behind(steps), 0xFFFFFFFF
    for lane in state:
        crc = _apply(matrix, crc) ^ int(lane)
    for byte in data[lanes * steps :]:
        crc = int(_TABLE[(crc ^ byte) & 0xFF]) ^ crc >> 8
    return 'crc32c:%08x' % (crc ^ 0xFFFFFFFF)


def with_rows(flow: Flow, x: Array, cond: Optional[Array], log_prob: Array, producer: str) -> bytes:
    """The bytes of a model file whose self-test rows are these."""
    own = flow.to_bytes()
    (size,) = struct.unpack('<Q', own[:8])
    head = json.loads(own[8 : 8 + size])
    meta: Dict[str, str] = head.pop('__metadata__')
    real = {4: 'F32', 8: 'F64'}[flow.dtype.itemsize]
    tensors = [('selftest.log_prob', 'F64', log_prob.shape, np.asarray(log_prob, '<f8').tobytes())]
    for name, rows in (('selftest.x', x), ('selftest.cond', cond)):
        if rows is not None:
            tensors.append((name, real, rows.shape, np.ascontiguousarray(rows, flow.dtype.newbyteorder('<')).tobytes()))
    for name, tensor in head.items():
        if not name.startswith('selftest.'):
            begin, end = tensor['data_offsets']
            tensors.append((name, tensor['dtype'], tensor['shape'], own[8 + size + begin : 8 + size + end]))
    tensors.sort(key=lambda tensor: tensor[1].endswith('32'))  # 8-byte types first
    return _put_together(meta, tensors, producer)


def _put_together(meta: Dict[str, str], tensors: List[Any], producer: str) -> bytes:
    data = b''.join(tensor[3] for tensor in tensors)
    head: Dict[str, Any] = {'__metadata__': {**meta, 'nflow.checksum': crc32c(data), 'nflow.producer': producer}}
    offset = 0
    for name, dtype, shape, raw in tensors:
        head[name] = {'dtype': dtype, 'shape': [int(n) for n in shape], 'data_offsets': [offset, offset + len(raw)]}
        offset += len(raw)
    text = json.dumps(head, separators=(',', ':'), ensure_ascii=False).encode()
    text += b' ' * (-(8 + len(text)) % 64)
    return struct.pack('<Q', len(text)) + text + data


def write(path: Any, data: bytes) -> float:
    """Writes a model file and lets the library verify it before the path has it; gives the largest error of its rows."""
    path = os.path.realpath(os.fspath(path))
    temporary = os.path.join(os.path.dirname(path), '.nflow-%d-%s.tmp' % (os.getpid(), secrets.token_hex(4)))
    try:
        with open(temporary, 'xb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        error, _ = Flow.verify(temporary)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    return error
