# SPDX-License-Identifier: MIT
"""convert.py - trained flows of nflows, normflows and zuko as flows and model files of this library

    flow = nflow.convert.convert(module)                    a nflow.Flow that computes the same
    nflow.convert.save(module, 'model.safetensors')         with rows and PyTorch's own log_prob, for nf_flow_verify
    python -m nflow.convert state.pt --build mymodels:make -o model.safetensors

What has no exact counterpart is refused: the error names its place in the model, its class, and what works. Every conversion is
compared with PyTorch before it is given out, both in double. PyTorch is imported when a module is converted, not before.
Manual: docs/convert.md.
"""

import argparse
import contextlib
import copy
import importlib
import os
import sys
import warnings
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import _peers, _selftest
from ._arrays import table
from ._errors import Error, RowsWarning
from ._flow import Flow
from ._networks import ConvertError
from ._parts import Base, Layer

__all__ = ['ConvertError', 'convert', 'main', 'save']
Array = np.ndarray
Networks = Mapping[type, Callable[[Any], Any]]
AGREE = 1e-9  # of PyTorch and the library, both in double; relative where the value is above 1
STEADY = {'float64': 1e-10, 'float32': 1e-4}  # the last bits of x may change log p so much: a tenth of what is compared


def _torch() -> Any:
    return importlib.import_module('torch')


@contextlib.contextmanager
def _default(torch: Any, dtype: Any) -> Iterator[None]:
    """PyTorch's default precision for a while: some modules make zeros and ones of it, and lose digits."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_default_dtype(before)


def _still(module: Any) -> Any:
    """A copy of the module on the CPU, in eval mode: the caller's is not touched."""
    return copy.deepcopy(module).cpu().eval()


def _dtype(module: Any, dtype: Any) -> np.dtype:
    if dtype is not None:
        return np.dtype(dtype)
    tensors = list(module.parameters()) or [t for t in module.state_dict().values() if t.is_floating_point()]
    found = sorted({str(t.dtype).split('.')[-1] for t in tensors}) or ['float32']
    if len(found) > 1 or found[0] not in ('float32', 'float64'):
        raise ConvertError('the model has parameters of %s, must be all float32 or all float64' % ', '.join(found))
    return np.dtype(found[0])


def _build(parts: _peers.Parts) -> Flow:
    """Parts as a flow in double."""
    layers = [Layer(part.type, **part.fields) for part in parts.layers]
    flow = Flow(layers, Base(parts.base.type, **parts.base.fields), dtype='float64')
    weights = {'layers.%d.%s' % (i, name): value for i, part in enumerate(parts.layers) for name, value in part.weights.items()}
    weights.update({'base.' + name: value for name, value in parts.base.weights.items()})
    return flow.set_params(weights)


def _asked(torch: Any, module: Any, x: Array, cond: Optional[Array]) -> Array:
    """log p of rows, by PyTorch in the precision of x."""
    real = getattr(torch, x.dtype.name)
    tensors = [None if a is None else torch.tensor(a.tolist(), dtype=real) for a in (x, cond)]
    with _default(torch, real):
        answer = _peers.log_prob(module.to(real), *tensors)
    return np.array(answer.double().tolist())


def _rows(flow: Flow, rows: Union[int, Any], cond: Any, seed: int) -> Tuple[Array, Optional[Array]]:
    """(x, cond): the caller's, else samples; conditions that nobody gave are standard normal. Rows that are not finite are left
    out, and rows at which rounding alone would show."""
    given: Any = None if isinstance(rows, int) else table(rows, flow.dtype, flow.dim, 'rows')
    n = int(rows) if given is None else len(given)
    if n < 1:
        raise ValueError('rows is %d, must be at least 1' % n)
    if cond is None and flow.cond_dim:
        cond = np.random.default_rng(seed).standard_normal((n, flow.cond_dim))
    conditions = None if cond is None else table(cond, flow.dtype, flow.cond_dim, 'cond')
    if conditions is not None and len(conditions) != n:
        raise ValueError('cond has %d rows, x has %d' % (len(conditions), n))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RowsWarning)
        x = flow.sample(n, seed=seed, cond=conditions) if given is None else given
        here, beside = (flow.log_prob(a, conditions) for a in (x, x * (1 + 2 * np.finfo(flow.dtype).eps)))
    with np.errstate(invalid='ignore'):
        good = np.isfinite(here) & (np.abs(here - beside) <= STEADY[flow.dtype.name] * np.maximum(1.0, np.abs(here)))
    if not good.any():
        raise ConvertError('at none of %d rows the density is finite and steady against the last bits of x: give rows of data' % n)
    return x[good], None if conditions is None else conditions[good]


def _difference(theirs: Array, ours: Array) -> float:
    return float(np.max(np.abs(theirs - ours) / np.maximum(1.0, np.abs(theirs)), initial=0.0))


def convert(
    module: Any,
    *,
    rows: Union[int, Any] = 16,
    cond: Any = None,
    networks: Optional[Networks] = None,
    dtype: Any = None,
    seed: int = 0,
) -> Flow:
    """The flow that computes what a module of nflows, normflows or zuko computes in eval mode.

    rows, cond  where both are compared: so many samples, or an array of data; conditions are standard normal unless given
    networks    {class: function}: for networks of your own, what holds their Linear layers and activations, or the class that
                they compute the same as; conditions are the last inputs
    dtype       default: that of the parameters

    ConvertError names what cannot be converted, or by how much densities differ; then there is no flow.
    """
    return _convert(module, rows, cond, networks, dtype, seed)[0]


def _convert(module: Any, rows: Any, cond: Any, networks: Optional[Networks], dtype: Any, seed: int) -> Tuple[Flow, float]:
    torch = _torch()
    wanted, double = _dtype(module, dtype), _still(module).double()
    with _default(torch, torch.float64):
        flow = _build(_peers.take(double, networks or {}))
    x, conditions = _rows(flow, rows, cond, seed)
    difference = _difference(_asked(torch, double, x, conditions), flow.log_prob(x, conditions))
    if not difference <= AGREE:
        raise ConvertError(
            "log_prob differs from PyTorch's by %.2g in double, at most %.0e is allowed: the model computes something else "
            'than its classes say, or a class of `networks` does' % (difference, AGREE)
        )
    return flow if wanted == flow.dtype else flow.convert(wanted), difference


def save(
    module: Any,
    path: Any,
    *,
    rows: Union[int, Any] = 16,
    cond: Any = None,
    networks: Optional[Networks] = None,
    dtype: Any = None,
    seed: int = 0,
) -> float:
    """Converts and writes a model file with rows and PyTorch's own log_prob of them, in the model's precision.

    Arguments as convert(). The file is verified before the path has it, which keeps what it held if anything fails. Gives the
    largest error of the library at those rows, absolute, as nf_flow_verify.
    """
    torch = _torch()
    flow, _ = _convert(module, rows, cond, networks, dtype, seed)
    x, conditions = _rows(flow, rows, cond, seed)
    theirs = _asked(torch, _still(module), x, conditions)
    producer = 'nflow.convert, from %s by torch %s' % (type(module).__module__.split('.')[0], torch.__version__)
    try:
        return _selftest.write(path, _selftest.with_rows(flow, x, conditions, theirs, producer))
    except Error as error:
        raise ConvertError('nothing was written to %s: %s' % (os.fspath(path), error)) from error


# ---- the command

_PICKLE = """%s: files of whole modules are pickles: reading one runs any program that its author put into it.
  safe:    python -m nflow.convert state.pt --build package.module:function -o model.safetensors
           where function() makes the untrained module, and state.pt holds torch.save(module.state_dict(), ...)
  unsafe:  --unsafe-pickle, for a file that you made yourself"""


def _named(text: str) -> Any:
    """What "package.module:name" names, from the current folder too."""
    where, _, name = text.partition(':')
    sys.path.insert(0, os.getcwd())
    try:
        return getattr(importlib.import_module(where), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConvertError('--build %s: %s; must be package.module:function' % (text, error)) from error
    finally:
        sys.path.pop(0)


def _load(options: Any) -> Any:
    """The module of the command line."""
    if not options.build and not options.unsafe_pickle:
        raise ConvertError(_PICKLE % options.file)
    torch = _torch()
    if options.build:
        weights = torch.load(options.file, map_location='cpu', weights_only=True)
        module = _named(options.build)()
        module.load_state_dict(weights)
        return module
    module = torch.load(options.file, map_location='cpu', weights_only=False)
    if isinstance(module, dict):
        raise ConvertError('%s: holds weights without a model: give --build package.module:function' % options.file)
    return module


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m nflow.convert', description='Turns a trained flow of nflows, normflows or zuko into a model file.'
    )
    parser.add_argument('file', help='what torch.save wrote: a state_dict (with --build) or a module (with --unsafe-pickle)')
    parser.add_argument('-o', '--output', required=True, help='the model file to write')
    parser.add_argument('--build', metavar='MODULE:FUNCTION', help='a function of yours that makes the untrained module')
    parser.add_argument('--unsafe-pickle', action='store_true', help='read a whole module: runs what is in the file')
    parser.add_argument('--rows', type=int, default=16, help='self-test rows (default 16)')
    parser.add_argument('--dtype', choices=('float32', 'float64'), help='default: that of the parameters')
    return parser


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The command. 0: written; 1: refused, the reason on stderr."""
    options = _parser().parse_args(arguments)
    try:
        error = save(_load(options), options.output, rows=options.rows, dtype=options.dtype)
    except Exception as failure:
        print('nflow.convert: %s' % failure, file=sys.stderr)
        return 1
    flow = Flow.load(options.output)
    print('%s: %r, %d rows by torch, largest difference %.2g' % (options.output, flow, options.rows, error))
    return 0


if __name__ == '__main__':
    sys.exit(main())
