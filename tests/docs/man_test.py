#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""man_test.py - the manual has a page for everything public, says what the headers say, and shows what runs

    man_test.py SOURCE-ROOT SHARED-LIBRARY NFLOW MANUAL CC...

MANUAL is the folder of the build in which man3, man5 and man7 are. Examples are taken from the pages themselves: whole programs are
compiled and run in a folder with data.csv and m.safetensors, fragments are compiled as docs_test.py does, functions must stand to the
letter in a program of examples/, which the build compiles and runs.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT, LIBRARY, NFLOW, MANUAL = (os.path.abspath(a) for a in sys.argv[1:5])
CC = sys.argv[5:]
sys.dont_write_bytecode = True
for folder in ('tests/abi', 'tests/support', 'tests/docs', 'docs/man'):
    sys.path.insert(0, os.path.join(ROOT, folder))
import docs_test
import headers
from cases import Skip, expect, run

INCLUDE = os.path.join(ROOT, 'include')
GENERATOR = os.path.join(ROOT, 'docs', 'man', 'generate.py')
TOLD_ELSEWHERE = {'NF_STATUS_LIST'}


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def page(name, manual=MANUAL):
    """The page that `man 3 name` shows, or ''."""
    path = os.path.join(manual, 'man3', name + '.3')
    if not os.path.exists(path):
        return ''
    text = read(path)
    link = re.fullmatch(r'\.so (man3/\w+\.3)\n', text)
    return text if not link else read(os.path.join(manual, link.group(1))) if os.path.exists(os.path.join(manual, link.group(1))) else ''


def pages(manual=MANUAL):
    """Those that are no links."""
    return [p for p in sorted(glob.glob(os.path.join(manual, 'man[357]', '*'))) if not read(p).startswith('.so ')]


def shown(text):
    """A page as plain words: no macros, no escapes."""
    text = re.sub(r'\\\[u([0-9A-F]{4,5})\]', lambda m: chr(int(m.group(1), 16)), text)
    return text.replace('\\&', '').replace('\\(dq', '"').replace('\\e', '\\')


def section(text, title):
    match = re.search(r'^\.Sh %s\n(.*?)(?=^\.Sh |\Z)' % title, text, re.S | re.M)
    return match.group(1) if match else ''


def exported():
    return re.findall(r'^    (nf_\w+);', read(os.path.join(ROOT, 'lib', 'nflow.map')), re.M)


# ---- what there is

def without_page(manual=MANUAL):
    """Exported functions, and types, that no page names."""
    wanted = exported() + list(headers.structs(INCLUDE))
    return [n for n in wanted if not re.search(r'^\.Nm %s\b' % n, page(n, manual), re.M)]


def check_functions_have_pages():
    missing = without_page()
    expect(not missing, 'no page: ' + ', '.join(missing))


def check_prototypes():
    for name, (result, parameters) in headers.functions(INCLUDE).items():
        match = re.search(r'^\.Ft (.*)\n\.Fo %s\n((?:\.Fa .*\n)*)\.Fc' % name, section(page(name), 'SYNOPSIS'), re.M)
        expect(match, name + ': no synopsis')
        said = [re.sub(r'\s', '', a.strip('"')) for a in re.findall(r'^\.Fa (.*)$', match.group(2), re.M)]
        wanted = [re.sub(r'\s', '', kind + one) for kind, one in parameters]
        expect(said == wanted, '%s: %s, not %s' % (name, said, wanted))
        expect(match.group(1).strip('"') == result, '%s: returns %s' % (name, match.group(1)))


def check_fields():
    for struct, fields in headers.structs(INCLUDE).items():
        text = shown(page(struct))
        part = text[text.index('.Ss struct ' + struct):]
        for field in fields:
            told = field in ('struct_size', 'reserved') or re.search(r'^\.It Vt .*\b%s\b' % field, part, re.M)
            expect(told, '%s: no %s' % (struct, field))


def check_constants():
    everything = '\n'.join(read(p) for p in pages())
    for name in set(headers.constants(INCLUDE)) - TOLD_ELSEWHERE:
        expect(re.search(r'^\.(It|It Dv) "?%s\b' % name, everything, re.M), 'no page explains ' + name)


def check_configs():
    """nf_config_field(3) names every config."""
    text = shown(page('nf_config_field'))
    for struct in headers.structs(INCLUDE):
        name = re.fullmatch(r'nf_(\w+)_config', struct)
        expect(not name or '"%s"' % name.group(1) in text, 'nf_config_field(3) does not name ' + struct)


def check_sections():
    for path in pages():
        text = read(path)
        wanted = ['NAME', 'DESCRIPTION', 'SEE ALSO'] + ['SYNOPSIS', 'HISTORY', 'EXAMPLES'] * path.endswith('.3')
        for title in wanted:
            expect(section(text, title).strip(), '%s: no %s' % (os.path.basename(path), title))
        expect(re.search(r'^\.Nd (\\\(dq)?\w', text, re.M), os.path.basename(path) + ': NAME says nothing')


def dead_references(manual=MANUAL):
    there = {os.path.basename(p) for p in glob.glob(os.path.join(manual, 'man[357]', '*'))} | {'nflow.1'}
    found = set()
    for path in pages(manual):
        for name, number in re.findall(r'^\.(?:It )?Xr (?:[(\[] )*([\w-]+) (\d)', read(path), re.M):
            if '%s.%s' % (name, number) not in there:
                found.add('%s in %s' % (name, os.path.basename(path)))
    return found


def check_references():
    dead = dead_references()
    expect(not dead, 'references to nothing: ' + ', '.join(sorted(dead)))


def check_statuses():
    text = read(os.path.join(MANUAL, 'man7', 'nflow-errors.7'))
    for name in re.findall(r'X\(-?\d+, (NF_\w+),', read(os.path.join(INCLUDE, 'nflow', 'status.h'))):
        expect(re.search(r'^\.It %s, -?\d+$' % name, text, re.M), 'nflow-errors(7): no ' + name)


# ---- how it reads

def lint(paths):
    if not shutil.which('mandoc'):
        raise Skip('mandoc is not installed')
    done = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning'] + paths, capture_output=True, text=True)
    return done.stdout + done.stderr


def groff(path):
    """What groff warns of."""
    done = subprocess.run(['groff', '-ww', '-Kutf8', '-Tutf8', '-z', '-mandoc', path], capture_output=True, text=True)
    return done.stderr


def check_lint():
    said = lint(pages() + [os.path.join(ROOT, 'docs', 'man', 'nflow.1')])
    expect(not said, said)


def check_groff():
    if not shutil.which('groff'):
        raise Skip('groff is not installed')
    for path in pages()[::6] + [os.path.join(MANUAL, 'man5', 'nflow-model.5'), os.path.join(MANUAL, 'man7', 'nflow-errors.7')]:
        expect(not groff(path), groff(path))


def generate(root, folder, **environment):
    for name in ('man3', 'man5', 'man7'):
        subprocess.run([sys.executable, '-B', os.path.join(root, 'docs', 'man', 'generate.py'), root, name, os.path.join(folder, name)], check=True,
                       env={**os.environ, **environment})
    return {os.path.relpath(p, folder): read(p) for p in glob.glob(os.path.join(folder, '*', '*'))}


def check_reproducible():
    """Whatever the day, the zone, the locale and the order of sets."""
    with tempfile.TemporaryDirectory() as folder:
        again = generate(ROOT, folder, SOURCE_DATE_EPOCH='1', TZ='Asia/Tokyo', LC_ALL='C', PYTHONHASHSEED='7')
    built = {os.path.relpath(p, MANUAL): read(p) for p in glob.glob(os.path.join(MANUAL, 'man[357]', '*'))}
    expect(again == built, 'other pages: ' + ', '.join(n for n in sorted({*again, *built}) if again.get(n) != built.get(n)))


# ---- what it shows

def examples(manual=MANUAL):
    """[(page, where it is from, text)]"""
    for path in pages(manual):
        told = section(read(path), 'EXAMPLES')
        match = re.search(r'^\.Pa (\S+) :\n\.Bd [^\n]*\n(.*?)^\.Ed$', told, re.S | re.M)
        if match:
            yield os.path.basename(path), match.group(1), shown(match.group(2))


class Shop:
    """A folder in which examples are compiled and run, each once."""

    def __init__(self):
        self.tester = docs_test.Tester(ROOT, LIBRARY, NFLOW, CC, [], quiet=True)
        self.folder, self.done = self.tester.work, {}
        shutil.copy(os.path.join(ROOT, 'examples', 'measurements.csv'), os.path.join(self.folder, 'data.csv'))
        self.tester.run([NFLOW, 'train', 'density:moons', '--layers', '2', '--hidden', '8', '--epochs', '2', '-n', '300', '--seed', '1', '--quiet',
                         '-o', 'm.safetensors'], 'a model', self.folder)
        shutil.copy(os.path.join(self.folder, 'm.safetensors'), os.path.join(self.folder, 'model.safetensors'))

    def faults(self, name, source, text):
        """What is wrong with an example, or []."""
        if text not in self.done:
            before = len(self.tester.failures)
            if source.startswith('examples/') and not re.search(r'^int main\(void\)', text, re.M):
                self.tester.check(text.strip('\n') in read(os.path.join(ROOT, source)), 'not in ' + source)
            else:
                self.tester.block_c(text, name, 'example%d' % len(self.done), self.folder)
            self.done[text] = self.tester.failures[before:]
        return self.done[text]


def check_examples():
    shop = Shop()
    wrong = ['%s: %s' % (name, fault) for name, source, text in examples() for fault in shop.faults(name, source, text)]
    wrong += shop.tester.failures
    shop.tester.close()
    expect(not wrong, '; '.join(wrong))
    expect(len(shop.done) > 30, 'only %d examples were found' % len(shop.done))


def check_examples_call():
    """A page's example calls one of its functions."""
    for name, _, text in examples():
        functions = re.findall(r'^\.Fo (\w+)$', read(os.path.join(MANUAL, 'man3', name)), re.M)
        expect(name == 'libnflow.3' or any(re.search(r'\b%s\b' % f, text) for f in functions), name + ': its example calls none of its functions')


# ---- controls

def spoiled(folder):
    """A manual with a page gone."""
    manual = os.path.join(folder, 'manual')
    shutil.copytree(MANUAL, manual, ignore=lambda d, names: [n for n in names if d == MANUAL and n not in ('man3', 'man5', 'man7')])
    os.remove(os.path.join(manual, 'man3', 'nf_flow_log_prob.3'))
    return manual


def control_sees_a_missing_page():
    with tempfile.TemporaryDirectory() as folder:
        manual = spoiled(folder)
        expect(set(without_page(manual)) == {'nf_flow_log_prob', 'nf_flow_log_prob_f64'}, 'missing pages: %s' % without_page(manual))
        expect(any(d.startswith('nf_flow_log_prob ') for d in dead_references(manual)), 'a dead reference passes')


def control_sees_bad_examples():
    shop = Shop()
    for source, text in (('docs/x.md', 'status = nf_flow_no_such_call(flow);\n'), ('docs/x.md', 'int main(void)\n{\n    return 1;\n}\n'),
                         ('examples/first.c', 'static void nowhere(void)\n{\n}\n')):
        expect(shop.faults('control', source, text), 'passes: ' + text)
    expect(not shop.faults('control', 'docs/x.md', 'int main(void)\n{\n    return 0;\n}\n'), 'a good example does not pass')
    shop.tester.close()


def control_sees_bad_mdoc():
    with tempfile.NamedTemporaryFile('w', suffix='.3') as file:
        file.write('.Dd October 1, 2025\n.Dt X 3\n.Os\n.Sh NAME\n.Nm x\n.Nd y\n.Sh DESCRIPTION\n.Bl -tag\n.It Xx a\n')
        file.flush()
        expect(lint([file.name]), 'a list that does not end passes')


def control_follows_the_headers():
    """A function that is added to a header gets its page, one that is renamed loses it."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ('include', 'docs', 'examples'):
            shutil.copytree(os.path.join(ROOT, name), os.path.join(folder, name))
        shutil.copy(os.path.join(ROOT, 'meson.build'), folder)
        header = os.path.join(folder, 'include', 'nflow', 'flow.h')
        text = read(header).replace('nf_flow_reserve(', 'nf_flow_retain(')
        with open(header, 'w', encoding='utf-8') as file:
            file.write(text)
        made = generate(folder, os.path.join(folder, 'manual'))
        expect('man3/nf_flow_retain.3' in made and 'man3/nf_flow_reserve.3' not in made, 'the pages do not follow the headers')


if __name__ == '__main__':
    run([('man__every_function_has_a_page', check_functions_have_pages),
         ('man__synopsis_is_the_prototype', check_prototypes),
         ('man__every_field_is_there', check_fields),
         ('man__every_constant_is_explained', check_constants),
         ('man__every_config_is_named', check_configs),
         ('man__pages_have_their_sections', check_sections),
         ('man__references_lead_somewhere', check_references),
         ('man__every_status_has_cause_and_cure', check_statuses),
         ('man__mandoc_has_no_complaint', check_lint),
         ('man__groff_has_no_warning', check_groff),
         ('man__same_sources_same_bytes', check_reproducible),
         ('man__examples_compile_and_run', check_examples),
         ('man__examples_call_what_they_explain', check_examples_call),
         ('man__control_sees_a_missing_page', control_sees_a_missing_page),
         ('man__control_sees_bad_examples', control_sees_bad_examples),
         ('man__control_sees_bad_mdoc', control_sees_bad_mdoc),
         ('man__control_follows_the_headers', control_follows_the_headers)])
