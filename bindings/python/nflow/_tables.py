# SPDX-License-Identifier: MIT
"""_tables.py - configs of the library from keywords, by the library's own tables of fields

A field that the library gains is known here without a change: nf_config_field tells name, kind, choices, range and help.
"""

import inspect
import operator
import os
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ._native import ffi, lib

YES_NO = ('yes', 'no')
ARRAY_CHOICES = {'kind': 'NF_COLUMN_'}  # arrays of choices, whose names the library has as constants only


class Field(NamedTuple):
    """One field of a config."""

    name: str
    help: str
    kind: int
    choices: Tuple[str, ...]
    required: bool
    fallback: float
    offset: int
    count_offset: int


def text(pointer: Any) -> Optional[str]:
    """A string of the library, or None for NULL."""
    return None if pointer == ffi.NULL else ffi.string(pointer).decode('utf-8', 'replace')


def names(at: Callable[[int], Any]) -> List[str]:
    """All names of a list such as nf_layer_type_at."""
    found: List[str] = []
    while True:
        name = text(at(len(found)))
        if name is None:
            return found
        found.append(name)


_cache: Dict[str, Dict[str, Field]] = {}


def fields(config: str) -> Mapping[str, Field]:
    """The fields of the config called `config`, in order."""
    if config not in _cache:
        _cache[config] = _read_fields(config)
    return _cache[config]


def _array_choices(name: str, kind: int) -> Tuple[str, ...]:
    prefix = ARRAY_CHOICES.get(name) if kind == lib.NF_FIELD_I64_ARRAY else None
    constants = [constant for constant in dir(lib) if prefix and constant.startswith(prefix)]
    return tuple(constant[len(prefix or '') :].lower() for constant in sorted(constants, key=lambda c: int(getattr(lib, c))))


def _read_fields(config: str) -> Dict[str, Field]:
    found: Dict[str, Field] = {}
    out = ffi.new('nf_field *')
    while lib.nf_config_field(config.encode(), len(found), out) == lib.NF_OK:
        choices = text(out.choices)
        name = text(out.name) or ''
        found[name] = Field(
            name,
            text(out.help) or '',
            out.kind,
            tuple(choices.split(',')) if choices else _array_choices(name, out.kind),
            bool(out.properties & lib.NF_FIELD_REQUIRED),
            out.fallback,
            out.offset,
            out.count_offset,
        )
    return found


RECIPE_PREFIX = 'nf_flow_create_'


def recipes() -> Dict[str, str]:
    """{recipe: its config}, of every nf_flow_create_<recipe>; some share one. The config is what the last argument points to."""
    found: Dict[str, str] = {}
    for name in dir(lib):
        if name.startswith(RECIPE_PREFIX):
            struct = ffi.typeof(getattr(lib, name)).args[-1].item.cname.split()[-1]
            found[name[len(RECIPE_PREFIX) :]] = struct[len('nf_') : -len('_config')]
    return found


def settable(config: str) -> List[Field]:
    """The fields that keywords may set: all but callbacks."""
    return [field for field in fields(config).values() if field.kind != lib.NF_FIELD_POINTER]


def _choice(field: Field, value: Any) -> int:
    if isinstance(value, str):
        if value not in field.choices:
            raise ValueError('%s is %r, must be one of %s' % (field.name, value, ', '.join(field.choices)))
        return field.choices.index(value) + 1
    if isinstance(value, bool) and field.choices == YES_NO:
        return 1 if value else 2
    return operator.index(value)


def _elements(field: Field, value: Any) -> List[Any]:
    one = isinstance(value, str) or not hasattr(value, '__iter__')
    whole = field.kind == lib.NF_FIELD_I64_ARRAY
    values = [(_choice(field, v) if field.choices else operator.index(v)) if whole else float(v) for v in ((value,) if one else value)]
    return [0] if field.name.endswith('hidden') and not values else values  # C: {0} is none, an empty array the default


class Config:
    """A config struct filled from keywords; `pointer` is valid as long as the object."""

    def __init__(self, config: str, values: Mapping[str, Any]) -> None:
        self.name = config
        self.pointer = ffi.new('nf_%s_config *' % config)
        self.pointer.struct_size = ffi.sizeof(self.pointer[0])
        self._kept: List[Any] = []
        self._by_offset = {member.offset: name for name, member in ffi.typeof(self.pointer[0]).fields}
        table = fields(config)
        for name, value in values.items():
            if name not in table:
                raise TypeError('%s has no field %r; it has %s' % (config, name, ', '.join(f.name for f in settable(config))))
            if value is not None:
                self._set(table[name], value)

    def _set(self, field: Field, value: Any) -> None:
        if field.kind in (lib.NF_FIELD_I32, lib.NF_FIELD_I64, lib.NF_FIELD_U64):
            converted: Any = operator.index(value)
        elif field.kind == lib.NF_FIELD_F64:
            converted = float(value)
        elif field.kind == lib.NF_FIELD_CHOICE:
            converted = _choice(field, value)
        elif field.kind == lib.NF_FIELD_FLAG:
            converted = int(bool(value))
        elif field.kind == lib.NF_FIELD_STRING:
            converted = self._keep('char[]', os.fsencode(value))
        elif field.kind in (lib.NF_FIELD_I64_ARRAY, lib.NF_FIELD_F64_ARRAY):
            values = _elements(field, value)
            converted = self._keep('int64_t[]' if field.kind == lib.NF_FIELD_I64_ARRAY else 'double[]', values)
            setattr(self.pointer, self._by_offset[field.count_offset], len(values))
        else:
            raise TypeError('%s of %s is a callback of C: see nflow.c' % (field.name, self.name))
        try:
            setattr(self.pointer, field.name, converted)
        except OverflowError:
            raise ValueError('%s is %r, out of range' % (field.name, value)) from None

    def _keep(self, ctype: str, value: Any) -> Any:
        self._kept.append(ffi.new(ctype, value))
        return self._kept[-1]

    def set_pointer(self, name: str, value: Any) -> None:
        """Sets a callback or its argument, and keeps what it points to."""
        self._kept.append(value)
        setattr(self.pointer, name, value)


def describe(field: Field) -> str:
    """A line of documentation."""
    parts = [field.help]
    if field.choices:
        parts.append('one of ' + ', '.join(repr(choice) for choice in field.choices))
    if field.required:
        parts.append('required')
    elif field.kind == lib.NF_FIELD_CHOICE and 1 <= field.fallback <= len(field.choices):
        parts.append('default %r' % field.choices[int(field.fallback) - 1])
    elif field.fallback:
        parts.append('default %g' % field.fallback)
    return '    %s: %s' % (field.name, '; '.join(parts))


def dress(function: Callable[..., Any], config: str, summary: str, extra: Sequence[str] = ()) -> None:
    """Gives a function of **fields the signature and the documentation of a config."""
    found = settable(config)
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [inspect.Parameter('self', inspect.Parameter.POSITIONAL_OR_KEYWORD)] if function.__name__ == '__init__' else []
    parameters = own + [
        inspect.Parameter(f.name, keyword, default=inspect.Parameter.empty if f.required else None) for f in found
    ]
    parameters += [inspect.Parameter(name, keyword, default=None) for name in extra]
    setattr(function, '__signature__', inspect.Signature(parameters))
    function.__doc__ = summary + '\n\n' + '\n'.join(describe(f) for f in found) + '\n'
