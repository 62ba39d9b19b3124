# SPDX-License-Identifier: MIT
"""headers.py - what the public headers declare: files, structs with their fields, constants, functions

A reader for the C of these headers alone, so that the tests need no C parser: one declaration a statement, fields without bit-fields,
functions marked NF_API.
"""
import os
import re

COMMENT = re.compile(r'/\*.*?\*/', re.S)


def names(include):
    """The header files, sorted."""
    return sorted(f for f in os.listdir(os.path.join(include, 'nflow')) if f.endswith('.h'))


def text(include, name):
    """A header without comments."""
    with open(os.path.join(include, 'nflow', name), encoding='utf-8') as file:
        return COMMENT.sub(' ', file.read())


def _statements(source):
    """Without preprocessor lines, continued ones included."""
    lines, skipping = [], False
    for line in source.split('\n'):
        if not (skipping or line.lstrip().startswith('#')):
            lines.append(line)
            skipping = False
            continue
        skipping = line.endswith('\\')
    return '\n'.join(lines)


def functions(include):
    """{name: (returned type, [(type, name)])} of everything marked NF_API."""
    found = {}
    for header in names(include):
        for declaration in re.findall(r'\bNF_API\b([^;]+);', _statements(text(include, header))):
            flat = ' '.join(declaration.split())
            match = re.fullmatch(r'(.+?)(nf\w+)\s*\((.*)\)', flat)
            if not match:
                raise ValueError('%s: cannot read: %s' % (header, flat))
            if match.group(2) in found:
                raise ValueError('%s: %s is declared twice' % (header, match.group(2)))
            found[match.group(2)] = (match.group(1).strip(), _parameters(match.group(3)))
    return found


def _parameters(inside):
    if inside.strip() in ('', 'void'):
        return []
    parts = (re.fullmatch(r'(.*?)(\w+)', part.strip()) for part in inside.split(','))
    return [(part.group(1).strip(), part.group(2)) for part in parts]


def structs(include):
    """{name: [field]} of every struct that is not opaque."""
    found = {}
    for header in names(include):
        for body, name in re.findall(r'typedef struct \w+ \{(.*?)\} (\w+);', _statements(text(include, header)), re.S):
            found[name] = _fields(body)
    return found


def _fields(body):
    fields = []
    for declaration in filter(None, (' '.join(d.split()) for d in body.split(';'))):
        pointer = re.match(r'.*?\(\*(\w+)\)', declaration)
        if pointer:
            fields.append(pointer.group(1))
            continue
        for one in declaration.split(','):
            fields.append(re.search(r'(\w+)(\[\w+\])?$', one.strip()).group(1))
    return fields


def constants(include):
    """Names of every enumerator, those of the status list included."""
    found = []
    for header in names(include):
        source = text(include, header)
        for body in re.findall(r'\benum \{(.*?)\}', _statements(source), re.S):
            found += re.findall(r'\b(NF_\w+) =', body)
        found += re.findall(r'\bX\(-?\d+, (NF_\w+),', source)
    return found
