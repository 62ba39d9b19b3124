# SPDX-License-Identifier: MIT
"""_fit.py - training, with progress and interrupts"""

import threading
from typing import Any, Callable, Dict, NamedTuple, Optional

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


def failed(kind: Any, error: BaseException, trace: Any) -> int:
    """An exception in the callback, KeyboardInterrupt above all, stops the training and is raised again behind it."""
    if trace is not None:
        ffi.from_handle(trace.tb_frame.f_locals['user']).error = error
    return 1


@ffi.def_extern(name='nflow_progress', error=1, onerror=failed)
def _progress(user: Any, progress: Any) -> int:
    return int(ffi.from_handle(user)(progress))


class Line(NamedTuple):
    """Where a run stands."""

    unit: str
    done: int
    total: int
    figures: Dict[str, str]


def _epoch(p: Report) -> Optional[Line]:
    if not p.end_of_epoch:
        return None
    figures = {'train': '%.4f' % p.train_nll}
    if np.isfinite(p.valid_nll):
        figures['valid'] = '%.4f' % p.valid_nll
    return Line('epoch', p.epoch, p.epochs, figures)


class _Bar:
    """A bar of tqdm."""

    def __init__(self, line: Callable[[Report], Optional[Line]], tqdm: Any) -> None:
        self.line, self.tqdm, self.bar = line, tqdm, None  # type: Any, Any, Any

    def __call__(self, p: Report) -> None:
        line = self.line(p)
        if line is None:
            return
        if self.bar is None:
            self.bar = self.tqdm(total=line.total, unit=line.unit)
        self.bar.set_postfix(line.figures, refresh=False)
        self.bar.update(line.done - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


class _Lines:
    """Lines in the log, a tenth of the run apart."""

    def __init__(self, line: Callable[[Report], Optional[Line]]) -> None:
        self.line, self.tenth = line, 0

    def __call__(self, p: Report) -> None:
        line = self.line(p)
        if line is None or 10 * line.done // line.total == self.tenth:
            return
        self.tenth = 10 * line.done // line.total
        figures = ', '.join('%s %s' % figure for figure in line.figures.items())
        logger.info('%s %d/%d: %s, %.0f s left', line.unit, line.done, line.total, figures, p.eta_seconds)

    def close(self) -> None:
        pass


def reporter(progress: Any, line: Callable[[Report], Optional[Line]]) -> Any:
    """None, the caller's function, a bar or lines."""
    if not progress or callable(progress):
        return progress or None
    try:
        from tqdm.auto import tqdm  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        return _Lines(line)
    return _Bar(line, tqdm)


def close(reporter: Any) -> None:
    """Of a reporter that is not the caller's."""
    if isinstance(reporter, (_Bar, _Lines)):
        reporter.close()


def fit(
    flow: Any, data: Dataset, valid: Optional[Dataset], optimizer: Optional[Optimizer], progress: Any, given: Dict[str, Any]
) -> Report:
    """See Flow.fit."""
    config = Config('fit', given)
    shown = reporter(progress, _epoch)
    watch = _Watch(shown, int(given.get('progress_steps') or 0))
    main = threading.current_thread() is threading.main_thread()
    if main or shown is not None:
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
        close(shown)
    if watch.error is not None:
        raise watch.error
    result = read_report(report)
    result.curve_train, result.curve_valid = curves[0, : report.curve_count].copy(), curves[1, : report.curve_count].copy()
    return result
