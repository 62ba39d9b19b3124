# SPDX-License-Identifier: MIT
"""_arrays.py - arrays of the caller as the library wants them

The rule: a NumPy array that is C-contiguous, of the flow's precision and in the machine's byte order is read where it is.
Anything else is copied once: other strides, other real or whole number types, lists, data frames. Tensors are taken by DLPack,
without a copy when they are on the CPU and of that form. Complex numbers, text and objects are refused.
"""

from typing import Any, Dict, Optional, Tuple

import numpy as np

from ._native import ffi, lib

FLOAT32 = np.dtype('float32')
FLOAT64 = np.dtype('float64')
NULL = ffi.NULL
from_buffer = ffi.from_buffer
DLPACK_CPU = (1, 3)  # kDLCPU, kDLCUDAHost

DTYPES = {lib.NF_F32: FLOAT32, lib.NF_F64: FLOAT64}
CODES = {FLOAT32: lib.NF_F32, FLOAT64: lib.NF_F64}
POINTERS = {FLOAT32: ffi.typeof('float[]'), FLOAT64: ffi.typeof('double[]')}


def dtype_code(dtype: Any) -> int:
    """NF_F32 or NF_F64 of what NumPy takes for a dtype."""
    code = CODES.get(np.dtype({'f32': 'float32', 'f64': 'float64'}.get(dtype, dtype) if isinstance(dtype, str) else dtype))
    if code is None:
        raise ValueError('dtype is %r, must be float32 or float64' % (dtype,))
    return int(code)


def plain(x: Any, name: str) -> np.ndarray:
    """Any array-like as an array of real numbers."""
    if not isinstance(x, np.ndarray):
        if hasattr(x, '__dlpack__') and hasattr(x, '__dlpack_device__'):
            device = x.__dlpack_device__()
            if device[0] not in DLPACK_CPU:
                raise ValueError('%s is on device %r: move it to the CPU first' % (name, tuple(int(d) for d in device)))
            try:
                x = np.from_dlpack(x)
            except (
                BufferError,
                RuntimeError,
                TypeError,
                ValueError,
            ):  # of a type that NumPy lacks, or in need of detach(): asarray tells
                pass
        x = np.asarray(x)
    if x.dtype.kind == 'c':
        raise ValueError('Complex data not supported: %s is %s' % (name, x.dtype))
    if x.dtype.kind not in 'fiub':
        raise TypeError('%s holds %s, must hold real numbers' % (name, x.dtype))
    return x


def contiguous(x: Any, dtype: np.dtype, name: str) -> np.ndarray:
    """x itself where it is of the right form, else a copy."""
    return np.ascontiguousarray(plain(x, name), dtype=dtype)


def table(x: Any, dtype: np.dtype, columns: Optional[int], name: str) -> np.ndarray:
    """Rows [n][columns]."""
    x = plain(x, name)
    if x.ndim != 2:
        raise ValueError(
            '%s has %d axes, must be [rows][columns]: Reshape your data, x.reshape(1, -1) for one row' % (name, x.ndim)
        )
    if columns is not None and x.shape[1] != columns:
        raise ValueError('%s has %d columns, must have %d' % (name, x.shape[1], columns))
    return np.ascontiguousarray(x, dtype=dtype)


def vector(x: Any, n: int, name: str) -> np.ndarray:
    """[n] numbers in double."""
    x = contiguous(x, FLOAT64, name)
    if x.shape != (n,):
        raise ValueError('%s has the shape %r, must be (%d,)' % (name, x.shape, n))
    return x


def output(out: Optional[np.ndarray], shape: Tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """The array for results: the caller's, which must fit exactly, or a new one."""
    if out is None:
        return np.empty(shape, dtype)
    if (
        not isinstance(out, np.ndarray)
        or out.dtype != dtype
        or out.shape != shape
        or not out.flags.c_contiguous
        or not out.flags.writeable
    ):
        raise ValueError('out must be a writable C-contiguous array of %s with the shape %r' % (dtype, shape))
    return out


def pointer(x: Optional[np.ndarray]) -> Any:
    """Where an array begins; NULL for None."""
    return NULL if x is None else from_buffer(POINTERS[x.dtype], x)


def both(name: str) -> Dict[np.dtype, Any]:
    """{dtype: function} of a call that comes in both precisions."""
    return {FLOAT32: getattr(lib, name), FLOAT64: getattr(lib, name + '_f64')}
