# SPDX-License-Identifier: MIT
"""_errors.py - statuses of the library as exceptions and warnings"""

import warnings
from typing import Any, Dict, Tuple, Type

from ._native import ffi, lib
from ._tables import Config


class Error(Exception):
    """A call of the library failed. The text is the library's own line: function, argument, value, limit.

    status: the number, NF_ERR_... of nflow.c.lib; name: its name, "NF_ERR_SHAPE". docs/errors.md has cause and cure of each.
    """

    status: int
    name: str

    def __init__(self, status: int, line: str) -> None:
        super().__init__(status, line)
        self.status = status
        self.name = ffi.string(lib.nf_status_name(status)).decode()
        self.line = line

    def __str__(self) -> str:
        return '%s (%s)' % (self.line, self.name)

    def __reduce__(self) -> Tuple[Type['Error'], Tuple[int, str]]:
        return type(self), (self.status, self.line)


class ArgumentError(Error, ValueError):
    """An argument, a shape, a value or a config is not allowed."""


class FileError(Error, ValueError):
    """A file is not what it should be: format, version, checksum, text."""


class InputOutputError(Error, OSError):
    """The operating system refused to read or write."""


class OutOfMemoryError(Error, MemoryError):
    """The allocator refused, or a limit of the context would be exceeded."""


class ComputeError(Error, ArithmeticError):
    """Found while computing: outside a layer's domain, singular, diverged, the solver gave up."""


class StateError(Error, RuntimeError):
    """Not now, not on this object, or not in this build: busy, cancelled, unsupported."""


class RowsWarning(RuntimeWarning):
    """Some rows hold NaN or Inf, and got NaN; the others are exact."""


_CLASSES: Dict[Type[Error], str] = {
    ArgumentError: 'NULL ARG SHAPE OVERFLOW ALIAS CONFIG_SMALL CONFIG_OLD CONFIG_NEW DTYPE UNKNOWN NONFINITE DEGENERATE',
    FileError: 'FORMAT VERSION CORRUPT PARSE',
    InputOutputError: 'IO',
    OutOfMemoryError: 'MEMORY LIMIT',
    ComputeError: 'DOMAIN SINGULAR NOT_INVERTIBLE DIVERGED ODE_MAXSTEPS ODE_STEP ODE_TOL ODE_RHS',
    StateError: 'HANDLE BUSY STATE CANCELLED CALLBACK UNSUPPORTED',
}
_CLASS_OF: Dict[int, Type[Error]] = {
    getattr(lib, 'NF_ERR_' + name): kind for kind, names in _CLASSES.items() for name in names.split()
}


def error(status: int) -> Error:
    """The exception of a failure of this thread's latest call."""
    line = ffi.string(lib.nf_last_error()).decode('utf-8', 'replace')
    return _CLASS_OF.get(status, Error)(status, line)


def check(status: int, stacklevel: int = 3) -> int:
    """Raises after a failure, warns of rows that are not finite; gives the status back."""
    if status < 0:
        raise error(status)
    if status == lib.NF_ROWS_NONFINITE:
        warnings.warn(ffi.string(lib.nf_last_error()).decode('utf-8', 'replace'), RowsWarning, stacklevel)
    return status


def create(function: Any, kind: str, unref: Any, *arguments: Any) -> Any:
    """A handle made by function(out, ...), given back by unref when Python has forgotten it. Configs are passed whole: they own
    the arrays that their structs point to."""
    out = ffi.new(kind + ' **')
    check(function(out, *(a.pointer if isinstance(a, Config) else a for a in arguments)), 4)
    return ffi.gc(out[0], unref)
