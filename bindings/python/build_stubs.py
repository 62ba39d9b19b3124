# SPDX-License-Identifier: MIT
"""build_stubs.py - writes the type stubs of what is made from the library's own tables, by asking the library just built

usage: build_stubs.py <extension module> <include folder> <output folder>
"""

import importlib.util
import os
import re
import sys
import types

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = '# Written by build_stubs.py.\n'
TYPING = 'from os import PathLike\nfrom typing import Any, Iterable, Literal, Optional, Union\n\n'


def load(extension):
    """nflow._native and nflow._tables without the package itself, which needs NumPy."""
    package = types.ModuleType('nflow')
    package.__path__ = [os.path.join(HERE, 'nflow')]
    sys.modules['nflow'] = package
    spec = importlib.util.spec_from_file_location('nflow._native', extension)
    native = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(native)
    sys.modules['nflow._native'] = native
    return native, importlib.import_module('nflow._tables'), importlib.import_module('nflow._parts')


class Stubs:
    def __init__(self, native, tables):
        lib = native.lib
        self.tables = tables
        self.lists = lib.NF_FIELD_I64_ARRAY
        self.kinds = {
            lib.NF_FIELD_I32: 'int',
            lib.NF_FIELD_I64: 'int',
            lib.NF_FIELD_U64: 'int',
            lib.NF_FIELD_F64: 'float',
            lib.NF_FIELD_FLAG: 'bool',
            lib.NF_FIELD_STRING: 'Union[str, bytes, PathLike[str]]',
            lib.NF_FIELD_I64_ARRAY: 'Union[int, Iterable[int]]',
            lib.NF_FIELD_F64_ARRAY: 'Union[float, Iterable[float]]',
        }

    def type_of(self, field):
        if field.name == 'dtype':
            return 'Any'
        if field.choices and field.kind == self.lists:
            return 'Iterable[Union[Literal[%s], int]]' % ', '.join(repr(choice) for choice in field.choices)
        if field.choices:
            return 'Union[Literal[%s], int]' % ', '.join(repr(choice) for choice in field.choices)
        return self.kinds[field.kind]

    def keywords(self, config):
        for field in self.tables.settable(config):
            kind = self.type_of(field)
            if field.required:
                yield '%s: %s' % (field.name, kind)
            else:
                yield '%s: %s = ...' % (field.name, kind if kind == 'Any' else 'Optional[%s]' % kind)
        yield 'context: Optional[Context] = ...'

    def function(self, name, config, result):
        return 'def %s(\n    *,\n    %s,\n) -> %s: ...\n' % (name, ',\n    '.join(self.keywords(config)), result)

    def constructor(self, name, config):
        return 'class %s(Optimizer):\n    def __init__(\n        self,\n        *,\n        %s,\n    ) -> None: ...\n' % (
            name,
            ',\n        '.join(self.keywords(config)),
        )


def functions_of(include):
    """{name: number of parameters} of everything marked NF_API."""
    found = {}
    for header in sorted(os.listdir(os.path.join(include, 'nflow'))):
        with open(os.path.join(include, 'nflow', header), encoding='utf-8') as file:
            source = re.sub(r'/\*.*?\*/', ' ', file.read(), flags=re.S)
        for name, inside in re.findall(r'\bNF_API\b[^;(]*?\b(nf_\w+)\s*\(([^;]*)\);', source):
            found[name] = [] if inside.strip() in ('', 'void') else [part.strip() for part in inside.split(',')]
    return found


def result_of(native, name):
    kind = native.ffi.typeof(getattr(native.lib, name)).result
    plain = {'double': 'float', 'float': 'float', 'void': 'None'}
    return plain.get(kind.cname, 'int') if kind.kind in ('primitive', 'void') else 'Any'


def native_stub(native, include):
    lines = [HEAD + 'from typing import Any\n\nffi: Any\n\nclass _Library:\n']
    functions = functions_of(include)
    for name in sorted(dir(native.lib)):
        if name in functions:
            parameters = [re.search(r'(\w+)$', part).group(1) for part in functions[name]]
            arguments = ''.join(', %s: Any' % p for p in parameters) + (', /' if parameters else '')
            lines.append('    def %s(self%s) -> %s: ...\n' % (name, arguments, result_of(native, name)))
        else:
            lines.append('    %s: %s\n' % (name, 'int' if isinstance(getattr(native.lib, name), int) else 'Any'))
    return ''.join(lines) + '\nlib: _Library\n'


def main(extension, include, folder):
    native, tables, parts = load(extension)
    stubs = Stubs(native, tables)
    lib = native.lib

    def write(name, text):
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
            file.write(text)

    def module(result, origin, functions):
        return '%s%sfrom ._context import Context\nfrom .%s import %s\n\n__all__ = %r\n\n%s' % (
            HEAD,
            TYPING,
            origin,
            result,
            [name for name, _ in functions],
            '\n'.join(text for _, text in functions),
        )

    write('_native.pyi', native_stub(native, include))
    layers = tables.names(lib.nf_layer_type_at)
    write('layers.pyi', module('Layer', '_parts', [(n, stubs.function(n, n, 'Layer')) for n in layers]))
    bases = tables.names(lib.nf_base_type_at)
    write('bases.pyi', module('Base', '_parts', [(n, stubs.function(n, 'base_' + n, 'Base')) for n in bases]))
    rules = tables.names(lib.nf_optimizer_type_at)
    titles = [(parts.OPTIMIZER_NAMES.get(n, n.capitalize()), n) for n in rules]
    write('optimizers.pyi', module('Optimizer', '_parts', [(title, stubs.constructor(title, n)) for title, n in titles]))
    write('recipes.pyi', module('Flow', '_flow', [(n, stubs.function(n, config, 'Flow')) for n, config in tables.recipes().items()]))


if __name__ == '__main__':
    main(*sys.argv[1:])
