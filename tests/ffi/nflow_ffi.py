# SPDX-License-Identifier: MIT
"""nflow_ffi.py - libnflow through ctypes, declared from the public headers

Every function gets its types from its NF_API declaration and every struct its fields from the header, so that what is tested is the
header as a binding's author would read it.
"""
import ctypes as c
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'abi'))
import headers

PLAIN = {'int32_t': c.c_int32, 'uint32_t': c.c_uint32, 'int64_t': c.c_int64, 'uint64_t': c.c_uint64, 'double': c.c_double,
         'float': c.c_float, 'nf_status': c.c_int32}


def ctype(text):
    """The ctypes type of a C type without its name: numbers as they are, strings as char *, every other pointer as void *."""
    text = text.strip()
    if text == 'const char *':
        return c.c_char_p
    if '*' in text or re.fullmatch(r'nf_\w+_fn', text):
        return c.c_void_p
    return None if text == 'void' else PLAIN[text]


def structs(include):
    """{name: ctypes.Structure} of the configs and reports."""
    found = {}
    for header in headers.names(include):
        source = headers._statements(headers.text(include, header))
        for body, name in re.findall(r'typedef struct \w+ \{(.*?)\} (\w+);', source, re.S):
            found[name] = type(name, (c.Structure,), {'_fields_': list(_fields(body))})
    return found


def _fields(body):
    for declaration in filter(None, (' '.join(d.split()) for d in body.split(';'))):
        pointer = re.match(r'.*?\(\*(\w+)\)', declaration)
        if pointer:
            yield pointer.group(1), c.c_void_p
            continue
        kind, rest = re.fullmatch(r'((?:const )?\w+(?: const)?[ *]*?)\s*((?:\*?\w+(?:\[\w+\])?(?:, )?)+)', declaration).groups()
        for one in rest.split(','):
            stars, name, count = re.fullmatch(r'\s*(\**)(\w+)(?:\[(\w+)\])?', one).groups()
            base = c.c_char if kind.strip() == 'char' and count else ctype(kind + (' ' + stars if stars else ''))
            yield name, base * int(count) if count else base


class Library:
    """The functions by name; structs as attributes of S; make() fills a config from keywords."""

    def __init__(self, path, include):
        self._dll = c.CDLL(path)
        self.S = structs(include)
        self.functions = headers.functions(include)
        for name, (result, parameters) in self.functions.items():
            function = getattr(self._dll, name)
            function.restype = ctype(result)
            function.argtypes = [ctype(kind) for kind, _ in parameters]
            setattr(self, name, function)

    def make(self, struct, **fields):
        config = self.S[struct]()
        config.struct_size = c.sizeof(config)
        for name, value in fields.items():
            setattr(config, name, c.cast(value, c.c_void_p) if isinstance(value, c.Array) else value)
        config._kept = fields  # arrays live as long as the config
        return config

    def error(self):
        return self.nf_last_error().decode(errors='replace')  # it may quote the caller's bytes

    def must(self, name, *arguments):
        """Calls a function that must succeed; out-handles come first: pass no argument for them."""
        status = getattr(self, name)(*arguments)
        if status != 0:
            raise AssertionError('%s: %d, %s' % (name, status, self.error()))

    def create(self, name, *arguments):
        handle = c.c_void_p()
        self.must(name, c.byref(handle), *arguments)
        return handle
