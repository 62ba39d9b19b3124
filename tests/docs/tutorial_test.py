#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tutorial_test.py - two moons from every language: the numbers that docs/tutorial.md prints, and the same model to the byte

    tutorial_test.py SOURCE-ROOT SHARED-LIBRARY NFLOW TWO-MOONS TWO-MOONS-CPP CC...

A program takes a folder, --epochs N and --preset NAME, leaves one model (.safetensors) in the folder and prints two lines, of the NLL
and the entropy, among others. A further language is a row of PROGRAMS.
"""
import ctypes
import glob
import os
import re
import subprocess
import sys
import tempfile

ROOT, LIBRARY, NFLOW, TWO_MOONS, TWO_MOONS_CPP = (os.path.abspath(a) for a in sys.argv[1:6])
CC = sys.argv[6:]
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, 'tests', 'support'))
from cases import Skip, expect, run

PROGRAMS = {
    'c': [TWO_MOONS],
    'c++': [TWO_MOONS_CPP],
    'shell': ['sh', os.path.join(ROOT, 'examples', 'two_moons.sh')],
}
EPOCHS = 60
LINES = re.compile(r'^(?:held-out NLL|true entropy) .*$', re.M)


def tutorial():
    with open(os.path.join(ROOT, 'docs', 'tutorial.md'), encoding='utf-8') as file:
        return file.read()


def start(command, folder):
    """(the two lines, the bytes of the model)"""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, 'NFLOW': NFLOW,
                          'LD_LIBRARY_PATH': os.path.dirname(LIBRARY)}, timeout=240)
    expect(done.returncode == 0, '%s: exit %d: %s' % (' '.join(command), done.returncode, done.stderr))
    models = glob.glob(os.path.join(folder, '*.safetensors'))
    expect(len(models) == 1, '%s leaves %d models' % (' '.join(command), len(models)))
    with open(models[0], 'rb') as file:
        return LINES.findall(done.stdout), file.read()


def result(language, *options):
    with tempfile.TemporaryDirectory() as folder:
        return start(PROGRAMS[language] + [folder, *options], folder)


def of_document():
    """What the program in the document prints and makes."""
    program = re.search(r'^```c\n(.*?)^```$', tutorial(), re.S | re.M).group(1)
    with tempfile.TemporaryDirectory() as folder:
        source, binary = os.path.join(folder, 'tutorial.c'), os.path.join(folder, 'tutorial')
        with open(source, 'w', encoding='utf-8') as file:
            file.write(program)
        subprocess.run(CC + ['-std=c11', '-I', os.path.join(ROOT, 'include'), source, LIBRARY, '-lm', '-o', binary], check=True)
        return start([binary], folder)


def same(one, other, what):
    expect(len(one[0]) == 2, '%s prints %s' % (what, one[0]))
    expect(one[0] == other[0], '%s: %s, not %s' % (what, one[0], other[0]))
    expect(one[1] == other[1], what + ': another model file')


def check_languages(options):
    wanted = result('c', *options)
    for language in PROGRAMS:
        if language != 'c':
            same(result(language, *options), wanted, language)
    return wanted


def check_tutorial():
    same(of_document(), check_languages(['--epochs', str(EPOCHS)]), 'the program in docs/tutorial.md')


def check_printed():
    """The numbers in the document; kernels without FMA have other last digits."""
    library = ctypes.CDLL(LIBRARY)
    library.nf_context_isa.restype = ctypes.c_char_p
    if library.nf_context_isa(None) == b'baseline':
        raise Skip('this machine has no FMA: its last digits are its own')
    printed = LINES.findall(re.search(r'^```\n(.*?)^```$', tutorial(), re.S | re.M).group(1))
    got = result('shell', '--epochs', str(EPOCHS))[0]
    expect(printed == got, 'docs/tutorial.md prints %s, not %s' % (printed, got))


def control():
    """One epoch less is another result."""
    few, fewer = result('shell', '--epochs', '2'), result('shell', '--epochs', '1')
    expect(few[0] != fewer[0] and few[1] != fewer[1], 'another run has the same numbers')


run([('tutorial__same_numbers_in_every_language', check_tutorial),
     ('tutorial__numbers_are_those_printed', check_printed),
     ('tutorial__recipe_of_the_book_too', lambda: check_languages(['--epochs', '1', '--preset', 'book'])),
     ('tutorial__control_sees_another_run', control)])
