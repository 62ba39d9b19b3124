# SPDX-License-Identifier: MIT
"""abi_diff_test.py - the ABI is the committed one: packaging/abi by abidiff, debian/libnflow0.symbols by the version map

packaging/abi.py tells how, and how a change that is meant is recorded. The controls change a copy of the headers as a careless commit
would, and must be noticed.

usage: abi_diff_test.py <root of the source>
"""
import contextlib
import io
import os
import shutil
import sys
import tempfile

ROOT = sys.argv[1]
sys.path[:0] = [os.path.join(ROOT, 'tests', 'support'), os.path.join(ROOT, 'packaging')]
sys.dont_write_bytecode = True
import abi
from cases import Skip, expect, run


def bits_of(header, old, new, in_map=None):
    """abidiff's bits when `old` in a public header, and a name in the map, is replaced."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        shutil.copytree(abi.INCLUDE, os.path.join(folder, 'include'))
        shutil.copy(abi.MAP, folder)
        replace(os.path.join(folder, 'include', 'nflow', header), old, new)
        if in_map:
            replace(os.path.join(folder, 'nflow.map'), *in_map)
        stack.callback(restore, abi.INCLUDE, abi.MAP)
        abi.INCLUDE, abi.MAP = os.path.join(folder, 'include'), os.path.join(folder, 'nflow.map')
        return abi.compare_headers(abi.baseline())[0]


def restore(include, version_map):
    abi.INCLUDE, abi.MAP = include, version_map


def replace(path, old, new):
    with open(path, encoding='utf-8') as file:
        text = file.read()
    expect(text.count(old) == 1, '%s: "%s" stands there %d times' % (os.path.basename(path), old, text.count(old)))
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text.replace(old, new))


def possible(case):
    def guarded():
        try:
            abi.need_tools()
        except abi.Impossible as reason:
            raise Skip(str(reason))
        if not os.path.exists(abi.baseline()):
            raise Skip('no baseline for this machine: ' + os.path.basename(abi.baseline()))
        case()
    return guarded


def check_baseline():
    bits, report = abi.compare_headers(abi.baseline())
    broken = ' OLD PROGRAMS BREAK: a new soname is due.' if bits & abi.INCOMPATIBLE else ''
    expect(not bits, 'abidiff says %d.%s %s\n%s' % (bits, broken, abi.MEANT, report))


def check_private():
    with open(abi.baseline(), encoding='utf-8') as file:
        text = file.read()
    expect('nfi_' not in text and ROOT not in text, 'the baseline tells of private types or of folders')


def check_symbols():
    expect(abi.symbols_written() == abi.symbols(), 'debian/libnflow0.symbols is not what lib/nflow.map asks for: python3 packaging/abi.py update')


def control_symbols():
    text = abi.symbols()
    expect(text.startswith('libnflow.so.0 libnflow0') and ' nf_flow_fit@NFLOW_0.1 0.1.0\n' in text and text.count('\n') > 100, text[:300])


def control_compatible():
    """A field more, two exchanged, one renamed, one narrowed, a narrower result: changes, which the update must record."""
    for new in ('double low, high, more;', 'double high, low;', 'double low, top;', 'float low, high;'):
        bits = bits_of(*A_FIELD, new)
        expect(bits & abi.CHANGED, '"%s" gives %d' % (new, bits))
    bits = bits_of(*A_FUNCTION, A_FUNCTION[1].replace('int64_t', 'int32_t'))
    expect(bits & abi.CHANGED, 'a narrower result gives %d' % bits)


def control_incompatible():
    bits = bits_of(*A_FUNCTION, '', ('    nf_flow_dim;\n', ''))
    expect(bits & abi.INCOMPATIBLE, 'a function taken away gives %d' % bits)


A_FIELD = ('base.h', 'double low, high;')
A_FUNCTION = ('flow.h', 'NF_API int64_t nf_flow_dim(const nf_flow *flow);')
run([('abi__is_the_committed_one', possible(check_baseline)),
     ('abi__baseline_hides_what_is_private', possible(check_private)),
     ('abi__debian_symbols_are_those_of_the_map', check_symbols),
     ('abi__control_symbols', control_symbols),
     ('abi__control_sees_a_changed_type', possible(control_compatible)),
     ('abi__control_sees_a_lost_function', possible(control_incompatible))])
