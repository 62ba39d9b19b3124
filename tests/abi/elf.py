# SPDX-License-Identifier: MIT
"""elf.py - what nm and readelf tell of a shared library"""
import re
import subprocess


def _lines(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True, env={'LC_ALL': 'C', 'PATH': '/usr/local/bin:/usr/bin:/bin'}
                          ).stdout.splitlines()


def exported(library):
    """[(name, version, kind)] of the dynamic symbols defined here; kind T: function, D B R V: data. Version nodes left out."""
    rows = (line.split() for line in _lines('nm', '-D', '--defined-only', '-P', library))
    found = []
    for name, kind, *_ in rows:
        base, _, version = name.partition('@')
        if kind != 'A':
            found.append((base, version.lstrip('@'), kind))
    return found


def undefined(library):
    """[(name, version, is_weak)] of the dynamic symbols that others must define."""
    found = []
    for line in _lines('nm', '-D', '--undefined-only', '-P', library):
        name, kind, *_ = line.split()
        base, _, version = name.partition('@')
        found.append((base, version, kind in 'wv'))
    return found


def writable(library):
    """[(name, section, bytes)] of objects in sections that stay writable after relocation, thread-local ones included."""
    sections = {}
    for line in _lines('readelf', '-SW', library):
        match = re.match(r'\s*\[\s*(\d+)\]\s+(\S+)\s+(\S+)\s+\S+\s+\S+\s+\S+\s+\S+\s+(\w*)', line)
        if match:
            sections[match.group(1)] = (match.group(2), match.group(4))
    relro = ('.data.rel.ro', '.dynamic', '.got', '.init_array', '.fini_array')
    found = []
    for line in _lines('readelf', '-sW', library):
        parts = line.split()
        if len(parts) < 8 or parts[3] not in ('OBJECT', 'TLS', 'COMMON') or parts[6] not in sections:
            continue
        section, flags = sections[parts[6]]
        if 'W' in flags and not section.startswith(relro):
            found.append((parts[7].split('.')[0].split('@')[0], section, int(parts[2], 0)))
    return sorted(set(found))


def dynamic(library):
    """[(tag, value)] of the dynamic section."""
    found = []
    for line in _lines('readelf', '-dW', library):
        match = re.match(r'\s*0x[0-9a-f]+ \((\w+)\)\s+(.*)', line)
        if match:
            found.append((match.group(1), match.group(2).strip()))
    return found


def segments(library):
    """Lines of the program headers."""
    return _lines('readelf', '-lW', library)


def needed(library):
    return [re.search(r'\[(.*)\]', value).group(1) for tag, value in dynamic(library) if tag == 'NEEDED']


def soname(library):
    return next((re.search(r'\[(.*)\]', value).group(1) for tag, value in dynamic(library) if tag == 'SONAME'), '')
