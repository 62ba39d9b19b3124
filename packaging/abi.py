#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""abi.py - the ABI that is promised: packaging/abi/<architecture>.abi for abidiff, debian/libnflow0.symbols for dpkg

usage: python3 packaging/abi.py check [build folder]     0: the same; 1: not the same, and what differs; 77: cannot be compared here
       python3 packaging/abi.py update [build folder]    writes both files anew, to be committed with the change that made them differ

The library is built once more, with debug information and without optimisation, in the folder given (build-abi). Private headers are
hidden, nothing is suppressed. abidiff's answer is a set of bits: 4 is a change, 8 one that breaks old programs. Either fails `check`;
8 also needs a new soname (abi_version in meson.build), 4 does not.
"""
import os
import platform
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INCLUDE = os.path.join(ROOT, 'include', 'nflow')
MAP = os.path.join(ROOT, 'lib', 'nflow.map')
SYMBOLS = os.path.join(ROOT, 'debian', 'libnflow0.symbols')
CHANGED, INCOMPATIBLE = 4, 8
SYMBOLS_HEAD = 'libnflow.so.0 libnflow0 #MINVER#\n* Build-Depends-Package: libnflow-dev\n'


class Impossible(Exception):
    """Nothing can be compared here; the reason."""


def baseline():
    """The committed file of this machine's ABI."""
    return os.path.join(ROOT, 'packaging', 'abi', platform.machine() + '.abi')


def need_tools():
    for tool, package in (('abidw', 'abigail-tools'), ('abidiff', 'abigail-tools'), ('gcc', 'gcc'), ('meson', 'meson')):
        if not shutil.which(tool):
            raise Impossible('no %s (Debian: %s)' % (tool, package))


def quiet(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        sys.exit('%s\n%s' % (' '.join(command), done.stdout[-4000:]))


def build(folder):
    """The shared library with debug information; always by gcc, whose description of types the baseline has."""
    if not os.path.exists(os.path.join(folder, 'build.ninja')):
        quiet(['meson', 'setup', folder, ROOT, '--buildtype=debug', '-Doptimization=0', '-Dtests=false', '-Dtools=false',
               '-Dexamples=false', '-Dbench=false', '-Dwerror=false'], env=dict(os.environ, CC='gcc', CXX='g++', CFLAGS='-w'))
    library = os.path.join('lib', 'libnflow.so.' + abi_version())
    quiet(['ninja', '-C', folder, library])
    return os.path.join(folder, library)


def abi_version():
    with open(os.path.join(ROOT, 'meson.build'), encoding='utf-8') as file:
        return re.search(r"^abi_version = '([\d.]+)'", file.read(), re.M).group(1)


def describe(library, path):
    """What the library promises by its public headers, without places, names of libraries needed, or anything of this machine."""
    quiet(['abidw', '--headers-dir', INCLUDE, '--drop-private-types', '--no-show-locs', '--no-corpus-path', '--no-comp-dir-path',
           '--no-elf-needed', '--no-write-default-sizes', '--type-id-style', 'hash', '--out-file', path, library])


def compare(old, new):
    """(abidiff's bits, its report) of two descriptions."""
    done = subprocess.run(['abidiff', '--harmless', old, new], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode & 3:
        sys.exit('abidiff: ' + done.stdout)
    return done.returncode, done.stdout


def symbols():
    """Debian's list of the version map: a node NFLOW_x.y came with version x.y.0."""
    with open(MAP, encoding='utf-8') as file:
        nodes = re.findall(r'^(NFLOW_([\d.]+)) \{(.*?)^\}', file.read(), re.M | re.S)
    lines = []
    for node, version, body in nodes:
        names = [node] + re.findall(r'^\s*(nf_\w+);', body, re.M)
        lines += [' %s@%s %s.0' % (name, node, version) for name in names]
    return SYMBOLS_HEAD + '\n'.join(sorted(lines)) + '\n'


def check(folder):
    need_tools()
    if not os.path.exists(baseline()):
        raise Impossible('no baseline for ' + platform.machine())
    new = os.path.join(folder, 'new.abi')
    describe(build(folder), new)
    bits, report = compare(baseline(), new)
    if bits & INCOMPATIBLE:
        print('old programs break: a new soname is due (abi_version in meson.build, CHANGELOG under ABI)')
    if bits:
        print('%sif this is meant: python3 packaging/abi.py update, and commit what it writes with the change' % report)
    with open(SYMBOLS, encoding='utf-8') as file:
        listed = file.read() == symbols()
    if not listed:
        print('debian/libnflow0.symbols is not what lib/nflow.map asks for: python3 packaging/abi.py update')
    return 1 if bits or not listed else 0


def update(folder):
    with open(SYMBOLS, 'w', encoding='utf-8') as file:
        file.write(symbols())
    need_tools()
    os.makedirs(os.path.dirname(baseline()), exist_ok=True)
    describe(build(folder), baseline())
    return 0


def main():
    actions = {'check': check, 'update': update}
    if not 2 <= len(sys.argv) <= 3 or sys.argv[1] not in actions:
        sys.exit(__doc__)
    try:
        return actions[sys.argv[1]](os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else os.path.join(ROOT, 'build-abi')))
    except Impossible as reason:
        print('skipped: abi: %s' % reason)
        return 77


if __name__ == '__main__':
    sys.exit(main())
