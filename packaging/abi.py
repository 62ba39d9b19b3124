#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""abi.py - the ABI that is promised: packaging/abi/<architecture>.abi for abidiff, debian/libnflow0.symbols for dpkg

usage: python3 packaging/abi.py check [library]   0: as promised; 1: not so, and what differs; 77: cannot be told here, and why
       python3 packaging/abi.py update            writes both files anew, to be committed with the change that made them differ

The baseline describes a library made of the public headers alone: every function that they declare, with an empty body, linked by
lib/nflow.map. So private types stay hidden whatever their headers are called (abigail tells headers by their last name, and lib/ has
a base.h, too), the description is the same from any build, and takes a second. That the true library has these functions and no
others is asked by tests/abi/symbols_test.py; that it has these types, by its compiler, and again here when a library with debug
information is given. Nothing is suppressed. abidiff's answer is a set of bits: 4 is a change, 8 one that breaks old programs. Either
fails `check`; 8 needs a new soname besides (abi_version in meson.build).
"""
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'abi'))
sys.dont_write_bytecode = True
import headers

INCLUDE = os.path.join(ROOT, 'include')
MAP = os.path.join(ROOT, 'lib', 'nflow.map')
SYMBOLS = os.path.join(ROOT, 'debian', 'libnflow0.symbols')
CHANGED, INCOMPATIBLE = 4, 8
MEANT = 'if this is meant: python3 packaging/abi.py update, and commit what it writes with the change'
SYMBOLS_HEAD = 'libnflow.so.0 libnflow0 #MINVER#\n* Build-Depends-Package: libnflow-dev\n'


class Impossible(Exception):
    """Nothing can be compared here; the reason."""


def baseline():
    """The committed file of this machine's ABI."""
    return os.path.join(ROOT, 'packaging', 'abi', platform.machine() + '.abi')


def need_tools():
    for tool in ('abidw', 'abidiff', 'gcc'):
        if not shutil.which(tool):
            raise Impossible('no %s (Debian: %s)' % (tool, 'gcc' if tool == 'gcc' else 'abigail-tools'))


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        raise RuntimeError('%s\n%s' % (' '.join(command), done.stdout[-4000:]))


def build(folder):
    """A shared library of the public headers alone."""
    lines = ['#include <nflow/%s>' % name for name in headers.names(INCLUDE)]
    for name, (result, parameters) in sorted(headers.functions(INCLUDE).items()):
        inside = ', '.join('%s%s%s' % (kind, '' if kind.endswith('*') else ' ', word) for kind, word in parameters) or 'void'
        lines.append('%s %s(%s) { __builtin_trap(); }' % (result, name, inside))
    with open(os.path.join(folder, 'abi.c'), 'w', encoding='utf-8') as file:
        file.write('\n'.join(lines) + '\n')
    library = os.path.join(folder, 'libnflow.so')
    run(['gcc', '-std=c11', '-g', '-O0', '-w', '-fPIC', '-shared', '-I', INCLUDE, 'abi.c', '-o', library, '-Wl,-soname,' + soname(),
         '-Wl,--version-script,' + MAP], cwd=folder)
    return library


def soname():
    with open(os.path.join(ROOT, 'meson.build'), encoding='utf-8') as file:
        return 'libnflow.so.' + re.search(r"^abi_version = '(\d+)[\d.]*'", file.read(), re.M).group(1)


def describe(path):
    """Writes what the headers promise, without places or anything of this machine."""
    need_tools()
    with tempfile.TemporaryDirectory() as folder:
        run(['abidw', '--no-show-locs', '--no-corpus-path', '--no-comp-dir-path', '--no-elf-needed', '--type-id-style', 'hash',
             '--out-file', path, build(folder)])


def compare(old, new, *options):
    """(abidiff's bits, its report) of two descriptions or libraries."""
    done = subprocess.run(['abidiff', *options, old, new], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode & 3:
        raise RuntimeError('abidiff: ' + done.stdout)
    return done.returncode, done.stdout


def compare_headers(old):
    """compare() of a description and the headers as they are."""
    with tempfile.TemporaryDirectory() as folder:
        new = os.path.join(folder, 'new.abi')
        describe(new)
        return compare(old, new, '--harmless')


def compare_library(old, library):
    """compare() of a description and a library with debug information."""
    return compare(old, library, '--headers-dir2', os.path.join(INCLUDE, 'nflow'), '--drop-private-types', '--exported-interfaces-only')


def symbols():
    """Debian's list of the version map: a node NFLOW_x.y came with version x.y.0."""
    with open(MAP, encoding='utf-8') as file:
        nodes = re.findall(r'^(NFLOW_([\d.]+)) \{(.*?)^\}', file.read(), re.M | re.S)
    lines = []
    for node, version, body in nodes:
        names = [node] + re.findall(r'^\s*(nf_\w+);', body, re.M)
        lines += [' %s@%s %s.0' % (name, node, version) for name in names]
    return SYMBOLS_HEAD + '\n'.join(sorted(lines)) + '\n'


def symbols_written():
    with open(SYMBOLS, encoding='utf-8') as file:
        return file.read()


def check(library=None):
    need_tools()
    if not os.path.exists(baseline()):
        raise Impossible('no baseline for ' + platform.machine())
    bits, report = compare_headers(baseline())
    if not bits and library:
        bits, report = compare_library(baseline(), library)
    if bits & INCOMPATIBLE:
        print('old programs break: a new soname is due (abi_version in meson.build, CHANGELOG under ABI)')
    if bits:
        print(report + MEANT)
    if symbols_written() != symbols():
        print('debian/libnflow0.symbols is not what lib/nflow.map asks for: python3 packaging/abi.py update')
        bits = bits or CHANGED
    return 1 if bits else 0


def update():
    with open(SYMBOLS, 'w', encoding='utf-8') as file:
        file.write(symbols())
    os.makedirs(os.path.dirname(baseline()), exist_ok=True)
    describe(baseline())
    return 0


def main():
    actions = {'check': check, 'update': update}
    if len(sys.argv) < 2 or sys.argv[1] not in actions or len(sys.argv) > (3 if sys.argv[1] == 'check' else 2):
        sys.exit(__doc__)
    try:
        return actions[sys.argv[1]](*sys.argv[2:])
    except Impossible as reason:
        print('skipped: abi: %s' % reason)
        return 77


if __name__ == '__main__':
    sys.exit(main())
