# SPDX-License-Identifier: MIT
"""build_native.py - writes the C of the extension module nflow._native from the public headers

usage: build_native.py <include folder> <output.c>

What cffi is told is made of the headers themselves, so that it cannot differ from them: comments, preprocessor lines and NF_API
are taken away, the list of statuses is written out as an enum. The compiler compares every declaration with the header once more.
"""

import os
import re
import sys

import cffi

COMMENT = re.compile(r'/\*.*?\*/', re.S)
# What the library calls back: nflow/_context.py, nflow/_fit.py and nflow/_target.py.
CALLBACKS = '''
extern "Python" void nflow_log(void *user, int32_t level, const char *line);
extern "Python" int32_t nflow_progress(void *user, const nf_fit_progress *progress);
extern "Python" int32_t nflow_target_progress(void *user, const nf_target_progress *progress);
extern "Python" nf_status nflow_log_density(void *user, int64_t n, int64_t dim, const double *x, const double *cond, double *log_p,
                                            double *grad);
'''


def header_order(include):
    """The public headers so that each comes after what it includes."""
    order = []

    def visit(name):
        if name in order or name == 'nflow':
            return
        with open(os.path.join(include, 'nflow', name + '.h'), encoding='utf-8') as file:
            for other in re.findall(r'#include <nflow/(\w+)\.h>', file.read()):
                visit(other)
        order.append(name)

    for file in sorted(os.listdir(os.path.join(include, 'nflow'))):
        if file.endswith('.h'):
            visit(file[:-2])
    return order


def statuses(source):
    """The enum that NF_STATUS_LIST stands for."""
    rows = re.findall(r'X\((-?\d+), (NF_\w+),', source)
    return 'enum { %s };\n' % ', '.join('%s = %s' % (name, number) for number, name in rows) if rows else ''


def numbers(source):
    """Macros that are plain whole numbers."""
    return ''.join('#define %s %s\n' % pair for pair in re.findall(r'^#define (NF_\w+) (\d+)\s*$', source, re.M))


def declarations(source):
    """The C that is left of a header."""
    plain = []
    skipping = False
    for line in source.split('\n'):
        if not skipping and not line.lstrip().startswith('#'):
            plain.append(line)
        else:
            skipping = line.endswith('\\')
    text = '\n'.join(plain)
    text = re.sub(r'enum \{\s*NF_STATUS_LIST\(\w+\)\s*\};', '', text)
    return re.sub(r'\b(NF_API|NF_BEGIN_DECLS|NF_END_DECLS)\b', '', text)


def cdef(include):
    parts = []
    for name in header_order(include):
        with open(os.path.join(include, 'nflow', name + '.h'), encoding='utf-8') as file:
            source = COMMENT.sub(' ', file.read())
        parts += [statuses(source), numbers(source), declarations(source)]
    return re.sub(r'\n\s*\n+', '\n', ''.join(parts))


def builder(include):
    ffi = cffi.FFI()
    ffi.cdef(cdef(include) + CALLBACKS)
    ffi.set_source('nflow._native', '#include <nflow/nflow.h>\n#include <nflow/layer_type.h>\n')
    return ffi


def main(include, output):
    builder(include).emit_c_code(output)
    with open(output + '.d', 'w', encoding='utf-8') as file:
        folder = os.path.join(include, 'nflow')
        file.write('%s: %s\n' % (output, ' '.join(os.path.join(folder, h) for h in sorted(os.listdir(folder)))))


if __name__ == '__main__':
    main(*sys.argv[1:])
