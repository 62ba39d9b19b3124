# SPDX-License-Identifier: MIT
"""_fit.py - training, with progress and interrupts"""

import threading
from typing import Any, Callable, Dict, Optional

import numpy as np

from ._arrays import pointer
from ._context import logger
from ._dataset import Dataset, Report, new_report, read_report
from ._errors import check
from ._native import ffi, lib
from ._parts import Optimizer
from ._tables import Config, fields as config_fields


class _Watch:
    """What one run of fit tells Python. The library calls after every step, so that a pending interrupt is seen."""

    def __init__(self, function: Optional[Callable[[Report], Any]], every: int) -> None:
        self.function = function
        self.every = every  # steps between calls of the function, 0: epochs only
        self.error: Optional[BaseException] = None

    def __call__(self, p: Any) -> int:
        if self.function is None or not (p.end_of_epoch or (self.every and p.step % self.every == 0)):
            return 0
        return int(bool(self.function(read_report(p))))


def _failed(kind: Any, error: BaseException, trace: Any) -> int:
    """An exception in the callback, KeyboardInterrupt above all, stops the training and is raised again behind it."""
    if trace is not None:
        ffi.from_handle(trace.tb_frame.f_locals['user']).error = error
    return 1


@ffi.def_extern(name='nflow_progress', error=1, onerror=_failed)
def _progress(user: Any, progress: Any) -> int:
    return int(ffi.from_handle(user)(progress))


class _Bar:
    """A bar of tqdm."""

    def __init__(self, tqdm: Any) -> None:
        self.tqdm, self.bar = tqdm, None  # type: Any, Any

    def __call__(self, p: Report) -> None:
        if not p.end_of_epoch:
            return
        if self.bar is None:
            self.bar = self.tqdm(total=p.epochs, initial=p.epoch - 1, unit='epoch')
        figures = {'train': '%.4f' % p.train_nll}
        if np.isfinite(p.valid_nll):
            figures['valid'] = '%.4f' % p.valid_nll
        self.bar.set_postfix(figures, refresh=False)
        self.bar.update()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


class _Lines:
    """Lines in the log, a tenth of the epochs apart."""

    def __call__(self, p: Report) -> None:
        if p.end_of_epoch and (p.epoch == p.epochs or p.epoch % max(1, p.epochs // 10) == 0):
            logger.info(
                'epoch %d/%d: train %.4f, valid %.4f, %.0f s left', p.epoch, p.epochs, p.train_nll, p.valid_nll, p.eta_seconds
            )

    def close(self) -> None:
        pass


def _reporter(progress: Any) -> Any:
    """None, the caller's function, a bar or lines."""
    if not progress or callable(progress):
        return progress or None
    try:
        from tqdm.auto import tqdm  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        return _Lines()
    return _Bar(tqdm)


def fit(
    flow: Any, data: Dataset, valid: Optional[Dataset], optimizer: Optional[Optimizer], progress: Any, given: Dict[str, Any]
) -> Report:
    """See Flow.fit."""
    config = Config('fit', given)
    reporter = _reporter(progress)
    watch = _Watch(reporter, int(given.get('progress_steps') or 0))
    main = threading.current_thread() is threading.main_thread()
    if main or reporter is not None:
        if main:
            config.pointer.progress_steps = 1
        config.set_pointer('progress', lib.nflow_progress)
        config.set_pointer('progress_user', ffi.new_handle(watch))
    report = new_report('nf_fit_report')
    capacity = config.pointer.epochs or int(config_fields('fit')['epochs'].fallback)
    curves = np.full((2, max(capacity, 0)), np.nan)
    report.curve_train, report.curve_valid, report.curve_capacity = pointer(curves[0]), pointer(curves[1]), curves.shape[1]
    optimizer = Optimizer('adam') if optimizer is None else optimizer
    try:
        status = lib.nf_flow_fit(
            flow._handle, optimizer._handle, data._handle, ffi.NULL if valid is None else valid._handle, config.pointer, report
        )
        if watch.error is None:
            check(status, 4)
    finally:
        if isinstance(reporter, (_Bar, _Lines)):
            reporter.close()
    if watch.error is not None:
        raise watch.error
    result = read_report(report)
    result.curve_train, result.curve_valid = curves[0, : report.curve_count].copy(), curves[1, : report.curve_count].copy()
    return result
