# SPDX-License-Identifier: MIT
"""_target.py - flows and densities that are known up to a factor: fitting, and importance weights"""

from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np

from ._arrays import FLOAT64, contiguous, pointer
from ._dataset import Dataset, Report, new_report, read_report
from ._errors import check
from ._fit import Line, close, failed, reporter
from ._native import ffi, lib
from ._parts import Optimizer
from ._tables import Config


class _Target:
    """The caller's log density during one call of the library, and what it raised."""

    def __init__(self, function: Callable[..., Any], cond_dim: int, progress: Any = None) -> None:
        if not callable(function):
            raise TypeError('log_density is %r, must be a function' % (function,))
        self.function, self.cond_dim, self.progress = function, cond_dim, progress
        self.error: Optional[BaseException] = None

    def ask(self, x: np.ndarray, cond: Optional[np.ndarray], want_grad: bool) -> Tuple[np.ndarray, Optional[np.ndarray]]:
        answer = self.function(x) if cond is None else self.function(x, cond)
        log_p, grad = answer if isinstance(answer, tuple) else (answer, None)
        if want_grad and grad is None:
            raise TypeError('log_density must return (log_p, gradient) where a flow is fitted to it')
        return _like(log_p, x.shape[:1], 'log_p'), _like(grad, x.shape, 'gradient') if want_grad else None


def _like(values: Any, shape: Tuple[int, ...], name: str) -> np.ndarray:
    values = contiguous(values, FLOAT64, name)
    if values.shape != shape:
        raise ValueError('log_density returns a %s of the shape %r, must be %r' % (name, values.shape, shape))
    return values


def _copy(numbers: Any, n: int, columns: int) -> np.ndarray:
    """A copy: what the library lends ends with the call."""
    return np.frombuffer(ffi.buffer(numbers, 8 * n * columns)).reshape(n, columns).copy()


@ffi.def_extern(name='nflow_log_density', error=1, onerror=failed)
def _log_density(user: Any, n: int, dim: int, x: Any, cond: Any, log_p: Any, grad: Any) -> int:
    target = ffi.from_handle(user)
    wants = grad != ffi.NULL
    given = None if cond == ffi.NULL else _copy(cond, n, target.cond_dim)
    values, gradient = target.ask(_copy(x, n, dim), given, wants)
    ffi.memmove(log_p, pointer(values), 8 * n)
    if wants:
        ffi.memmove(grad, pointer(gradient), 8 * n * dim)
    return int(lib.NF_OK)


@ffi.def_extern(name='nflow_target_progress', error=1, onerror=failed)
def _progress(user: Any, progress: Any) -> int:
    return int(bool(ffi.from_handle(user).progress(read_report(progress))))


def _round(p: Report) -> Line:
    return Line('step', p.step, p.steps, {'loss': '%.4f' % p.loss, 'ELBO': '%.4f' % p.elbo})


def _finish(status: int, target: _Target) -> None:
    """An exception of the caller's functions goes before what the library says of it."""
    if target.error is not None:
        raise target.error
    check(status)


def fit(
    flow: Any, function: Any, data: Optional[Dataset], optimizer: Optional[Optimizer], progress: Any, given: Dict[str, Any]
) -> Report:
    """See Flow.fit_target."""
    config = Config('target', given)
    shown = reporter(progress, _round)
    target = _Target(function, flow.cond_dim, shown)
    user = ffi.new_handle(target)
    if shown is not None:
        config.set_pointer('progress', lib.nflow_target_progress)
        config.set_pointer('progress_user', user)
    report = new_report('nf_target_report')
    optimizer = Optimizer('adam') if optimizer is None else optimizer
    try:
        status = lib.nf_flow_fit_target(
            flow._handle,
            optimizer._handle,
            lib.nflow_log_density,
            user,
            ffi.NULL if data is None else data._handle,
            config.pointer,
            report,
        )
    finally:
        close(shown)
    _finish(status, target)
    return read_report(report)


def importance(flow: Any, function: Any, n: int, seed: int, first: int, cond: Optional[np.ndarray]) -> Report:
    """See Flow.importance."""
    target = _Target(function, flow.cond_dim)
    user = ffi.new_handle(target)
    x, log_weight = np.empty((max(n, 0), flow.dim)), np.empty(max(n, 0))
    report = new_report('nf_importance_report')
    status = lib.nf_flow_importance(
        flow._handle, lib.nflow_log_density, user, seed, first, n, pointer(cond), pointer(x), pointer(log_weight), report
    )
    _finish(status, target)
    result = read_report(report)
    result.x, result.log_weight = x, log_weight
    return result
