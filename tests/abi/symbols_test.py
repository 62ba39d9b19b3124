# SPDX-License-Identifier: MIT
"""symbols_test.py - the headers, the symbol map and the library name the same functions, the documents and Debian's list no others

Nothing else is visible, and every function is explained: by a comment in its header.

usage: symbols_test.py <root of the source> <libnflow.so> <libnflow.a>
"""
import glob
import os
import re
import subprocess
import sys

ROOT, LIBRARY, ARCHIVE = sys.argv[1:4]
sys.path.insert(0, os.path.join(ROOT, 'tests', 'support'))
sys.dont_write_bytecode = True
import elf
import headers
from cases import expect, run


def map_nodes():
    """[(node, [name])] of the version script."""
    with open(os.path.join(ROOT, 'lib', 'nflow.map'), encoding='utf-8') as file:
        source = headers.COMMENT.sub(' ', file.read())
    return [(node, re.findall(r'^\s*([\w*?]+);', body, re.M)) for node, body in re.findall(r'([\w.]+) \{(.*?)\}[^;]*;', source, re.S)]


def map_names():
    names = [name for _, listed in map_nodes() for name in listed if name != '*']
    expect(len(names) == len(set(names)), 'a name stands twice in nflow.map')
    return set(names)


def disagreements(declared, mapped, exported):
    """One line for each name that is not in all three."""
    places = (('the headers', set(declared)), ('nflow.map', set(mapped)), ('the library', set(exported)))
    lines = []
    for name in sorted(set().union(*(names for _, names in places))):
        absent = [place for place, names in places if name not in names]
        if absent:
            lines.append('%s is not in %s' % (name, ', '.join(absent)))
    return lines


def stray(symbols):
    """Exports that are no nf_ function with a version."""
    return ['%s (%s, version "%s")' % row for row in symbols if not re.match(r'nf_[a-z]', row[0]) or row[2] != 'T' or not row[1]]


def all_three():
    return list(headers.functions(os.path.join(ROOT, 'include'))), map_names(), [name for name, _, _ in elf.exported(LIBRARY)]


def check_agreement():
    wrong = disagreements(*all_three())
    expect(not wrong, '; '.join(wrong))


def check_stray():
    symbols = elf.exported(LIBRARY)
    expect(len(symbols) > 100, 'only %d exports: wrong library?' % len(symbols))
    expect(not stray(symbols), '; '.join(stray(symbols)))


def check_versions():
    """Every export carries the version node that lists it in the map."""
    node_of = {name: node for node, names in map_nodes() for name in names}
    wrong = ['%s@%s' % (n, v) for n, v, _ in elf.exported(LIBRARY) if node_of.get(n) != v]
    expect(not wrong, 'other version than in nflow.map: ' + ', '.join(wrong))


def check_archive():
    """In the archive names are not hidden from the program that links it: those not static start with nf_ or nfi_."""
    done = subprocess.run(['nm', '-g', '--defined-only', '-P', ARCHIVE], check=True, text=True, capture_output=True)
    names = {line.split()[0] for line in done.stdout.splitlines() if len(line.split()) > 2}
    wrong = sorted(n for n in names if not re.match(r'nfi?_', n) and not n.startswith('DW.ref.') and not n.startswith('__odr_asan'))
    expect(names and not wrong, 'global names of the archive without prefix: ' + ', '.join(wrong))


def documents():
    """{path: text} of everything that is read by people."""
    paths = [os.path.join(ROOT, name) for name in ('README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'RELEASING.md')]
    for pattern in ('docs/*.md', 'docs/man/*.[1-8]', 'docs/man/examples/*.c', 'examples/*.c', 'examples/*.cpp'):
        paths += sorted(glob.glob(os.path.join(ROOT, pattern)))
    found = {}
    for path in filter(os.path.isfile, paths):
        with open(path, encoding='utf-8') as file:
            found[os.path.relpath(path, ROOT)] = file.read()
    return found


def unknown(text, known):
    """Names of the library's in a document that no header declares; `nf_flow_*` and `nf_..._init` are no names."""
    return sorted(set(re.findall(r'(?<![\w-])nf_[a-z0-9_]*[a-z0-9]\b(?![*_.])', text)) - known)


def check_documents():
    include = os.path.join(ROOT, 'include')
    everything = '\n'.join(headers.text(include, name) for name in headers.names(include))
    known = set(re.findall(r'\bnf_\w+', everything))
    texts = documents()
    expect(len(texts) > 20, 'only %d documents: wrong folder?' % len(texts))
    wrong = ['%s: %s' % (path, name) for path, text in texts.items() for name in unknown(text, known)]
    expect(not wrong, 'named by documents, declared nowhere: ' + ', '.join(wrong))


def unexplained(source):
    """Functions of a header whose paragraph has no comment. NF_..._CONFIG_INIT and its functions follow the paragraph of the config."""
    paragraphs = [p for p in source.split('\n\n') if not p.startswith('#define')]
    return [name for p in paragraphs if '/*' not in p for name in re.findall(r'^NF_API [^;(]*?(nf_\w+)\(', p, re.M)]


def check_explained():
    include = os.path.join(ROOT, 'include')
    for header in headers.names(include):
        with open(os.path.join(include, 'nflow', header), encoding='utf-8') as file:
            wrong = unexplained(file.read())
        expect(not wrong, '%s: without a comment: %s' % (header, ', '.join(wrong)))


def debian_symbols(text):
    """{(name, node)} of a .symbols file of dpkg's."""
    return set(re.findall(r'^ (nf_\w+)@([\w.]+) ', text, re.M))


def check_debian():
    path = os.path.join(ROOT, 'debian', 'libnflow0.symbols')
    with open(path, encoding='utf-8') as file:
        text = file.read()
    listed, wanted = debian_symbols(text), {(name, node) for node, names in map_nodes() for name in names if name != '*'}
    wrong = ['%s@%s' % row for row in sorted(listed ^ wanted)]
    expect(not wrong, 'only in one of nflow.map and debian/libnflow0.symbols (python3 packaging/abi.py update): ' + ', '.join(wrong))
    expect(text.startswith('%s libnflow0 ' % elf.soname(LIBRARY)), 'debian/libnflow0.symbols is of another soname')


def control():
    declared, mapped, exported = all_three()
    expect(disagreements(declared[1:], mapped, exported), 'a function without declaration passes')
    expect(disagreements(declared, mapped - {declared[0]}, exported), 'a function missing in the map passes')
    expect(disagreements(declared, mapped, exported[1:]), 'a function missing in the library passes')
    expect(stray([('nfi_hidden', 'NFLOW_0.1', 'T')]) and stray([('nf_table', 'NFLOW_0.1', 'D')]) and stray([('nf_x', '', 'T')]),
           'an internal name, exported data or a name without version passes')
    expect(unknown('`nf_flow_fly`, nf_flow_dim(f), nf_flow_*, nf_..._init', {'nf_flow_dim'}) == ['nf_flow_fly'], 'a name of nothing passes')
    expect(unexplained('NF_API int nf_a(void);\n\n/* b. */\nNF_API int nf_b(void);\n') == ['nf_a'], 'a function without comment passes')
    expect(debian_symbols(' nf_a@NFLOW_0.1 0.1.0\n nfi_b@X 1\n') == {('nf_a', 'NFLOW_0.1')}, "Debian's list is not read")


run([('symbols__headers_map_and_library_agree', check_agreement),
     ('symbols__only_versioned_nf_functions', check_stray),
     ('symbols__versions_are_those_of_the_map', check_versions),
     ('symbols__archive_names_are_prefixed', check_archive),
     ('symbols__documents_name_what_there_is', check_documents),
     ('symbols__every_function_is_explained', check_explained),
     ('symbols__debian_lists_the_map', check_debian),
     ('symbols__control_sees_a_doctored_list', control)])
