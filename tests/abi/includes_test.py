# SPDX-License-Identifier: MIT
"""includes_test.py - the #include lines point down the house (docs/architecture.md, section 2), and libraries stay in their rooms

usage: includes_test.py <root of the source>
"""
import os
import re
import sys

ROOT = sys.argv[1]
sys.path.insert(0, os.path.join(ROOT, 'tests', 'support'))
sys.dont_write_bytecode = True
from cases import expect, run

# Low to high; a file includes its own module and lower ones. io comes before train, because checkpoints are written through it.
MODULES = ['core', 'math', 'nets', 'ode', 'layers', 'bases', 'flow', 'data', 'optim', 'io', 'train']
# Headers of other libraries, and the one module that may know each.
ROOMS = {'jansson.h': 'io', 'cblas.h': 'math', 'zlib.h': 'data', 'png.h': 'data', 'pthread.h': 'core', 'locale.h': 'core'}
NOWHERE = ['assert.h', 'signal.h', 'setjmp.h', 'omp.h', 'dlfcn.h', 'sys/mman.h', 'cairo.h', 'check.h']


def files(folder):
    for place, _, names in os.walk(os.path.join(ROOT, folder)):
        for name in sorted(names):
            if name.endswith(('.c', '.h', '.cpp')):
                yield os.path.relpath(os.path.join(place, name), ROOT)


def includes(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as file:
        return re.findall(r'^\s*#\s*include\s*([<"][^>"]+[>"])', file.read(), re.M)


def complaint_of_library(path, include):
    """What is wrong with an #include in lib/, or None."""
    module, kind, name = path.split('/')[1], include[0], include[1:-1]
    if module not in MODULES:
        return 'unknown module ' + module
    if kind == '<':
        if name in NOWHERE and (name, path) not in EXCEPTIONS:
            return 'no file of the library may include it'
        if ROOMS.get(name, module) != module and (name, path) not in EXCEPTIONS:
            return 'only lib/%s may include it' % ROOMS[name]
        return None
    other = name.split('/')[0]
    if '/' not in name or other not in MODULES:
        return 'not of the form "module/file.h"'
    if MODULES.index(other) > MODULES.index(module):
        return '%s lies above %s' % (other, module)
    return None


# (header, file): why.
EXCEPTIONS = {
    ('sys/mman.h', 'lib/core/memory.c'): 'madvise: large blocks ask for huge pages; nothing is mapped',
    ('signal.h', 'lib/core/pool.c'): 'workers block all signals, so that the host\'s handlers run on its own threads',
    ('setjmp.h', 'lib/data/png.c'): 'libpng reports errors by a callback that must not return; the jump stays inside one call of ours',
}


def complaint_of_header(path, include):
    """Public headers know libc and each other alone."""
    return None if re.match(r'<(nflow/\w+\.h|stdint\.h)>', include) else 'a public header includes public headers and <stdint.h> alone'


def complaint_of_program(path, include):
    """Tools and examples use the public API and headers of their own."""
    name = include[1:-1]
    return 'internal header' if include[0] == '"' and name.split('/')[0] in MODULES + ['lib'] else None


def complaints(folder, judge):
    found = ['%s: %s: %s' % (p, i, judge(p, i)) for p in files(folder) for i in includes(p) if judge(p, i)]
    expect(any(True for _ in files(folder)), 'no files in ' + folder)
    expect(not found, '\n  '.join([''] + found))


def check_exceptions_are_used():
    stale = [e for e in EXCEPTIONS if '<%s>' % e[0] not in includes(e[1])]
    expect(not stale, 'exceptions without use: %s' % stale)


# Names that two modules share so far; the list may only get shorter.
SHARED_NAMES = ['check.c', 'registry.c']


def check_file_names():
    """One noun, one file: names are unique across lib/."""
    seen, twice = {}, []
    for path in files('lib'):
        name = os.path.basename(path)
        twice += [(seen[name], path)] if name in seen and name not in SHARED_NAMES else []
        seen[name] = path
    expect(not twice, 'same name twice: %s' % twice)


def control():
    for path, include in [('lib/core/rng.c', '"math/vec.h"'), ('lib/layers/affine.c', '"flow/flow.h"'), ('lib/optim/adam.c', '"io/file.h"'),
                          ('lib/flow/chain.c', '<jansson.h>'), ('lib/core/pool.c', '<cblas.h>'), ('lib/io/file.c', '"train/trainer.h"'),
                          ('lib/io/model.c', '"../tools/common.h"'), ('lib/data/csv.c', '<assert.h>')]:
        expect(complaint_of_library(path, include), '%s in %s passes' % (include, path))
    expect(complaint_of_library('lib/train/fit.c', '"core/rng.h"') is None, 'a downward arrow is refused')
    expect(complaint_of_header('include/nflow/flow.h', '<jansson.h>'), 'jansson in a public header passes')
    expect(complaint_of_program('tools/main.c', '"flow/flow.h"'), 'an internal header in a tool passes')


run([('includes__point_down_the_house', lambda: complaints('lib', complaint_of_library)),
     ('includes__public_headers_are_closed', lambda: complaints('include', complaint_of_header)),
     ('includes__tools_use_the_public_api', lambda: complaints('tools', complaint_of_program)),
     ('includes__examples_use_the_public_api', lambda: complaints('examples', complaint_of_program)),
     ('includes__exceptions_are_used', check_exceptions_are_used),
     ('includes__file_names_are_unique', check_file_names),
     ('includes__control_sees_a_wrong_arrow', control)])
