# SPDX-License-Identifier: MIT
"""headers_test.py - each public header compiles alone, as C11 and as C++17, without a warning; every field and constant is pinned

usage: headers_test.py <root of the source>
"""
import os
import re
import shutil
import subprocess
import sys

ROOT = sys.argv[1]
sys.path.insert(0, os.path.join(ROOT, 'tests', 'support'))
sys.dont_write_bytecode = True
import headers
from cases import Skip, expect, run

INCLUDE = os.path.join(ROOT, 'include')
WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wundef', '-Wcast-qual', '-Wconversion', '-Werror']
LANGUAGES = {'c': ['-std=c11', '-Wstrict-prototypes', '-Wmissing-prototypes'], 'c++': ['-std=c++17']}
COMPILERS = [('gcc', 'c'), ('clang', 'c'), ('g++', 'c++'), ('clang++', 'c++')]


def compile_text(compiler, language, source):
    """The compiler's complaint, or ''."""
    command = [compiler, '-x', language, *LANGUAGES[language], *WARNINGS, '-I' + INCLUDE, '-fsyntax-only', '-']
    done = subprocess.run(command, input=source, text=True, capture_output=True)
    return done.stderr if done.returncode or done.stderr else ''


def available(language):
    found = [c for c, l in COMPILERS if l == language and shutil.which(c)]
    if not found:
        raise Skip('no compiler among ' + ', '.join(c for c, l in COMPILERS if l == language))
    return found


def check_alone(language):
    for compiler in available(language):
        for header in headers.names(INCLUDE):
            twice = '#include <nflow/%s>\n' % header * 2  # the include guard takes part
            complaint = compile_text(compiler, language, twice + 'extern int nf_test_unit;\n')
            expect(not complaint, '%s, %s: %s' % (header, compiler, complaint))


def check_initialisers():
    """NF_..._CONFIG_INIT in C: every config has one, and it leaves no field to a warning."""
    configs = [s for s in headers.structs(INCLUDE) if s.endswith('_config')]
    lines = ['#include <nflow/nflow.h>', 'int main(void) {']
    lines += ['    { %s c = %s_INIT; (void)c; }' % (c, c.upper()) for c in configs] + ['    return 0;', '}']
    for compiler in available('c'):
        complaint = compile_text(compiler, 'c', '\n'.join(lines) + '\n')
        expect(not complaint, complaint)


def check_init_functions():
    functions = headers.functions(INCLUDE)
    missing = [s for s in headers.structs(INCLUDE) if s.endswith('_config') and s + '_init' not in functions]
    expect(not missing, 'no init function: ' + ', '.join(missing))


def pins():
    with open(os.path.join(ROOT, 'tests', 'abi', 'layout_pins.h'), encoding='utf-8') as file:
        return re.findall(r'^(STRUCT|FIELD|VALUE)\((\w+)(?:, (\w+))?, -?\d+\)', file.read(), re.M)


def unpinned(pinned):
    """What the headers declare and the list of pins lacks, and the other way round."""
    declared = set()
    for struct, fields in headers.structs(INCLUDE).items():
        declared.add(('STRUCT', struct, ''))
        declared |= {('FIELD', struct, field) for field in fields}
    declared |= {('VALUE', constant, '') for constant in headers.constants(INCLUDE)}
    return sorted(declared ^ set(pinned))


def check_pins():
    wrong = unpinned(pins())
    expect(not wrong, 'layout_pins.h and the headers differ in: %s' % wrong)


def check_types():
    """Fixed widths, pointers and handles alone cross the ABI."""
    allowed = re.compile(r'^(const )?(void|char|float|double|int32_t|int64_t|uint32_t|uint64_t|nf_\w+)( \*| \*const \*| \*\*)?$')
    for name, (result, parameters) in headers.functions(INCLUDE).items():
        for kind in [result] + [t for t, _ in parameters]:
            expect(allowed.match(kind) or kind == 'const char *', '%s: type %s' % (name, kind))
    by_value = set(headers.structs(INCLUDE))
    for name, (result, parameters) in headers.functions(INCLUDE).items():
        expect(not by_value & {result, *[t for t, _ in parameters]}, name + ': a struct by value')


def control_compiler():
    """A header that is not C++ and one with a missing include are noticed."""
    for language in LANGUAGES:
        for compiler in available(language):
            expect(compile_text(compiler, language, 'extern int64_t nf_test_unit;\n'), compiler + ' accepts an unknown type')
            expect(compile_text(compiler, language, 'int x(void) { int n = 3.5; return n; }\n'), compiler + ' does not warn')
    expect(compile_text(available('c++')[0], 'c++', 'extern int class;\n'), 'C++ accepts a keyword as a name')


def control_pins():
    expect(unpinned(pins()[1:]) and unpinned(pins() + [('FIELD', 'nf_flow_config', 'gone')]), 'a missing and a stale pin pass')


run([('headers__compile_alone_as_c11', lambda: check_alone('c')),
     ('headers__compile_alone_as_cxx17', lambda: check_alone('c++')),
     ('headers__initialisers_are_clean', check_initialisers),
     ('headers__configs_have_init_functions', check_init_functions),
     ('headers__every_field_is_pinned', check_pins),
     ('headers__only_plain_types_cross', check_types),
     ('headers__control_sees_a_bad_header', control_compiler),
     ('headers__control_sees_a_missing_pin', control_pins)])
