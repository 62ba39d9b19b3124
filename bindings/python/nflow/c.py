# SPDX-License-Identifier: MIT
"""c.py - the low level: the C API under its own names

    from nflow.c import ffi, lib

lib has every function and constant of the public headers, ffi their types; both are made from the headers when the package is
built. The GIL is released during calls. What the headers say holds: ownership, errors, threads.

    config = nflow.c.config("nf_adam_config", lr=1e-3)              struct_size set, strings are names of choices
    adam = nflow.c.create("nf_optimizer_adam_create", None, config) raises nflow.Error; released by itself
    nflow.c.check(lib.nf_optimizer_set_lr(adam, 1e-4))
    x = nflow.c.ffi.from_buffer("float[]", array)                   no copy
"""

import weakref
from typing import Any

from ._errors import check as _check
from ._errors import create as _create
from ._native import ffi, lib
from ._tables import Config, fields

__all__ = ['ffi', 'lib', 'check', 'config', 'create', 'fields', 'report']

_kept: Any = weakref.WeakKeyDictionary()


def check(status: int) -> int:
    """Raises nflow.Error after a failure, warns of rows that are not finite; gives the status back."""
    return _check(status, 3)


def config(struct: str, **values: Any) -> Any:
    """A config struct, "nf_realnvp_config", with fields from keywords; what it points to lives as long as it does."""
    made = Config(struct[len('nf_') : -len('_config')], values)
    _kept[made.pointer] = made._kept
    return made.pointer


def report(struct: str) -> Any:
    """A zeroed struct with its size set, for the library to fill: "nf_check_report"."""
    made = ffi.new(struct + ' *')
    made.struct_size = ffi.sizeof(made[0])
    return made


def create(function: str, *arguments: Any) -> Any:
    """The handle that a constructor makes, given back when Python has forgotten it. None is NULL."""
    kind = ffi.typeof(getattr(lib, function)).args[0].item.item.cname.split()[-1]
    unref = getattr(lib, kind + '_unref')
    return _create(getattr(lib, function), kind, unref, *(ffi.NULL if a is None else a for a in arguments))
