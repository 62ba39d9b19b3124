# SPDX-License-Identifier: MIT
"""header_test.py - nflow/nflow.hpp alone, and its tests, under every compiler and standard there is; what it leaves out of the C API

usage: header_test.py <root of the source>
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = sys.argv[1]
sys.path[:0] = [os.path.join(ROOT, 'tests', 'support'), os.path.join(ROOT, 'tests', 'abi')]
sys.dont_write_bytecode = True
import headers
from cases import Skip, expect, run

INCLUDE = os.path.join(ROOT, 'include')
STRICT = ['-Wall', '-Wextra', '-pedantic', '-Werror']
STRICTER = STRICT + ['-Wshadow', '-Wconversion', '-Wcast-qual', '-Wold-style-cast', '-Wundef', '-Wnon-virtual-dtor', '-Woverloaded-virtual']
# Functions of C that the header does not call, and why.
LEFT_OUT = {
    r'nf_\w+_config_init': 'sized<C> sets the same bytes, which a test proves',
    r'nf_(version|version_number|status_text|last_error|blas_description|config_field|maker_alloc|fail_row)': 'as good in C++ as they are',
    r'nf_\w+_at': 'as good in C++ as they are',
    r'nf_flow_(fit_target|importance)': 'a callback of C, which C++ can pass as it is',
    r'nf_flow_nll_grad(_f64)?': 'the weighted calls without weights are the same',
}


def compilers():
    found = [c for c in ('g++', 'clang++') if shutil.which(c)]
    if not found:
        raise Skip('neither g++ nor clang++')
    return [(c, std) for c in found for std in ('c++17', 'c++20')]


def compile_text(compiler, std, warnings, source, *more):
    command = [compiler, '-std=' + std, '-x', 'c++', *warnings, '-I' + INCLUDE, '-', *(more or ['-fsyntax-only'])]
    done = subprocess.run(command, input=source, text=True, capture_output=True)
    return done.stderr if done.returncode or done.stderr else ''


def check_alone():
    for compiler, std in compilers():
        complaint = compile_text(compiler, std, STRICTER, '#include <nflow/nflow.hpp>\n' * 2)
        expect(not complaint, '%s %s: %s' % (compiler, std, complaint))


def check_programs():
    """The tests and the examples, which instantiate every template."""
    sources = [('tests', 'cpp', 'cpp_test.cpp'), ('examples', 'embed.cpp'), ('examples', 'two_moons.cpp'), ('tests', 'consumer', 'bits.cpp')]
    for source in sources:
        with open(os.path.join(ROOT, *source), encoding='utf-8') as file:
            text = file.read()
        for compiler, std in compilers():
            if (compiler == 'g++') == (std == 'c++17'):
                continue  # one standard a compiler: the build compiles the tests as both
            complaint = compile_text(compiler, std, STRICT, text)
            expect(not complaint, '%s, %s %s: %s' % (source[-1], compiler, std, complaint))


def check_units():
    """Two files of a program may both include it."""
    compiler, std = compilers()[0]
    with tempfile.TemporaryDirectory() as folder:
        for name in 'ab':
            text = '#include <nflow/nflow.hpp>\nnf_status %s() { return nflow::check(NF_OK); }\n' % name
            complaint = compile_text(compiler, std, STRICT, text, '-c', '-o', os.path.join(folder, name + '.o'))
            expect(not complaint, complaint)
        done = subprocess.run([compiler, '-r', '-nostdlib', '-o', 'both.o', 'a.o', 'b.o'], cwd=folder, text=True, capture_output=True)
        expect(done.returncode == 0, done.stderr)


def header():
    with open(os.path.join(INCLUDE, 'nflow', 'nflow.hpp'), encoding='utf-8') as file:
        return headers.COMMENT.sub(' ', file.read())


def unreached(functions, text):
    return sorted(f for f in functions if not re.search(r'\b%s\b' % f, text) and not any(re.fullmatch(p, f) for p in LEFT_OUT))


def check_functions():
    missing = unreached(headers.functions(INCLUDE), header())
    expect(not missing, 'not in nflow.hpp, nor in the list of what is left out: ' + ', '.join(missing))


def check_structs():
    """Every config, and every report that a function fills, has its name in C++."""
    names = [s for s in headers.structs(INCLUDE) if re.search(r'_(config|report|view)$', s)]
    missing = [s for s in names if 'sized<%s>' % s not in header()]
    expect(len(names) > 25 and not missing, 'no alias in nflow.hpp: ' + ', '.join(missing))


def control():
    for compiler, std in compilers():
        expect(compile_text(compiler, std, STRICT, '#include <nflow/nflow.hpp>\nnflow::flow f(const nflow::flow &g) { return g; }\n'), 'a flow is copied')
        expect(compile_text(compiler, std, STRICT, '#include <nflow/nflow.hpp>\nint f(int n) { return 0; }\n'), 'no warning')
    expect(unreached(['nf_flow_fly'], header()) == ['nf_flow_fly'], 'an unknown function passes')


run([('cpp__header_compiles_alone', check_alone),
     ('cpp__programs_compile_without_warnings', check_programs),
     ('cpp__two_units_link', check_units),
     ('cpp__every_function_is_reached_or_left_out', check_functions),
     ('cpp__every_struct_has_a_name', check_structs),
     ('cpp__control_sees_faults', control)])
