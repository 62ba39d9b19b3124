# SPDX-License-Identifier: MIT
"""hygiene_test.py - what the library takes from its process, and what it leaves there

No exit, no printing, no environment, no locale of the process, no writable data but texts of a thread, nothing at dlopen, no flag
that changes the host's arithmetic.

usage: hygiene_test.py <root of the source> <libnflow.so> <build folder>
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT, LIBRARY, BUILD = sys.argv[1:4]
sys.path.insert(0, os.path.join(ROOT, 'tests', 'support'))
sys.dont_write_bytecode = True
import elf
from cases import Skip, expect, run

# The thread-local texts, and what compilers put into every shared library.
WRITABLE = {'status_line': '.tbss', 'description': '.tbss', 'nf_blas_description': '.tbss'} # gcc's and clang's name of one
RUNTIME_WRITABLE = {'completed', '__dso_handle', '__TMC_END__', 'object', '__cpu_model', '__cpu_features2'}
# Never to be put on the list of undefined symbols, whatever the reason.
FORBIDDEN = re.compile(r'^(_?exit|_Exit|quick_exit|atexit|abort|__assert\w*|signal|sigaction|raise|kill|setlocale|localeconv|strto\w+|ato[fil]\w*'
                       r'|s?rand(om)?(_r)?|[dlm]rand48|getenv|secure_getenv|setenv|putenv|environ|mmap(64)?|printf|f?puts|putchar|v?fprintf|perror'
                       r'|fopen(64)?|fdopen|fwrite|stdout|stderr|stdin|syslog|system|popen|chdir|umask|openblas_set_num_threads|omp_\w+'
                       r'|GOMP_\w+|dlopen|fesetround|feenableexcept|json_set_alloc_funcs2?|json_object_seed|scanf|sscanf|__isoc\w+)$')
NEEDED = re.compile(r'^(libc|libm|libpthread|libjansson|libz|libpng16|ld-linux.*|lib(open|c|f77|sat|tat)?blas[a-z0-9_]*|libblis[a-z0-9_-]*|libflexiblas)\.so[.0-9]*$')


def allowed():
    """({name: optional}) of undefined.txt; each line needs a reason."""
    names = {}
    with open(os.path.join(ROOT, 'tests', 'abi', 'undefined.txt'), encoding='utf-8') as file:
        for line in filter(str.strip, file):
            if line.startswith('#'):
                continue
            name, _, reason = line.strip().partition(' ')
            expect(reason.strip(), 'undefined.txt: %s has no reason' % name)
            expect(name.lstrip('?') not in names, 'undefined.txt: %s stands twice' % name)
            names[name.lstrip('?')] = name.startswith('?')
    return names


def plain(name):
    """__memcpy_chk is memcpy; clang compares for equality by bcmp."""
    match = re.fullmatch(r'__(\w+)_chk', name)
    name = match.group(1) if match else name
    return 'memcmp' if name == 'bcmp' else name


def used():
    return {plain(name) for name, _, _ in elf.undefined(LIBRARY)}


def unlisted(names, listed):
    return sorted(names - set(listed))


def forbidden(names):
    return sorted(filter(FORBIDDEN.match, names))


def check_undefined():
    wrong = unlisted(used(), allowed())
    expect(not wrong, 'not in undefined.txt: ' + ', '.join(wrong))


def check_unused():
    names = used()
    stale = [n for n, optional in allowed().items() if not optional and n not in names and n + '64' not in names]
    expect(not stale, 'in undefined.txt, but no longer used: ' + ', '.join(stale))


def check_forbidden():
    wrong = forbidden(used() | set(allowed()))
    expect(not wrong, ', '.join(wrong))


def mutable(rows):
    return ['%s (%s, %d bytes)' % row for row in rows if row[0] not in RUNTIME_WRITABLE and WRITABLE.get(row[0]) != row[1]]


def check_writable():
    wrong = mutable(elf.writable(LIBRARY))
    expect(not wrong, 'mutable static data: ' + ', '.join(wrong))


def fast_math(library):
    """The start-up code that -ffast-math links in, which changes the arithmetic of the whole process."""
    names = subprocess.run(['nm', library], check=True, text=True, capture_output=True).stdout
    return bool(re.search(r'\b(set_fast_math|crtfastmath)\b', names))


def check_fast_math():
    expect(not fast_math(LIBRARY), 'linked with crtfastmath')


def check_flags():
    path = os.path.join(BUILD, 'compile_commands.json')
    if not os.path.exists(path):
        raise Skip('no compile_commands.json in the build folder')
    with open(path, encoding='utf-8') as file:
        commands = json.load(file)
    bad = re.compile(r'\s(-ffast-math|-Ofast|-funsafe-math-optimizations|-fassociative-math|-ffinite-math-only|-fopenmp|-march=native)\b')
    ours = [c for c in commands if re.search(r'(^|/)lib/', c['file'])]
    expect(ours, 'no file of lib/ is compiled')
    for entry in ours:
        expect(not bad.search(entry['command']), '%s: %s' % (entry['file'], bad.findall(entry['command'])))
        expect('-ffp-contract=off' in entry['command'], entry['file'] + ': compiled without -ffp-contract=off')


def check_needed():
    wrong = [n for n in elf.needed(LIBRARY) if not NEEDED.match(n)]
    expect(not wrong, 'needs ' + ', '.join(wrong))


def check_load():
    """Hardened, relocatable, and nothing of ours runs at dlopen."""
    flags = ' '.join(value for tag, value in elf.dynamic(LIBRARY) if tag.startswith('FLAGS'))
    tags = {tag for tag, _ in elf.dynamic(LIBRARY)}
    expect('STATIC_TLS' not in flags, 'STATIC_TLS: dlopen may fail')
    expect('TEXTREL' not in tags and 'TEXTREL' not in flags, 'text relocations')
    expect('NOW' in flags, 'not bound at load time')
    program = '\n'.join(elf.segments(LIBRARY))
    expect('GNU_RELRO' in program, 'no RELRO')
    stack = re.search(r'GNU_STACK.*', program)
    expect(stack and not re.search(r'\bRWE\b', stack.group(0)), 'executable stack')
    sizes = dict(tag_value for tag_value in elf.dynamic(LIBRARY) if tag_value[0] == 'INIT_ARRAYSZ')
    # frame_dummy of the C run-time, and __cpu_indicator_init where libgcc answers __builtin_cpu_supports
    expect(int(sizes.get('INIT_ARRAYSZ', '0').split()[0]) <= 16, 'constructors: INIT_ARRAYSZ ' + sizes.get('INIT_ARRAYSZ', ''))


def control_library(folder, name, source, *flags):
    path = os.path.join(folder, name + '.so')
    subprocess.run([COMPILER, '-shared', '-fPIC', '-x', 'c', '-', '-o', path, *flags], input=source, text=True, check=True,
                   capture_output=True)
    return path


def control():
    with tempfile.TemporaryDirectory() as folder:
        source = '#include <stdlib.h>\nint counter; static char text[8] = "x"; char *nf_text(void) { counter++; return getenv(text); }\n'
        bad = control_library(folder, 'bad', source)
        names = {n for n, _, _ in elf.undefined(bad)}
        expect('getenv' in unlisted(names, allowed()) and forbidden(names) == ['getenv'], 'getenv passes')
        expect(len(mutable(elf.writable(bad))) == 2, 'mutable static data pass: %s' % elf.writable(bad))
        expect(mutable([('status_line', '.bss', 1024)]), 'a text shared by all threads passes')
    expect(not NEEDED.match('libgomp.so.1') and NEEDED.match('libblas.so.3') and NEEDED.match('libopenblas.so.0'), 'the list of libraries')


def control_fast_math():
    with tempfile.TemporaryDirectory() as folder:
        if not fast_math(control_library(folder, 'fast', 'int nf_one(void) { return 1; }\n', '-ffast-math')):
            raise Skip(COMPILER + ' no longer links crtfastmath into shared libraries: nothing to be seen')


COMPILER = next((c for c in ('gcc', 'cc', 'clang') if shutil.which(c)), None)
run([('hygiene__undefined_symbols_are_listed', check_undefined),
     ('hygiene__list_has_no_stale_lines', check_unused),
     ('hygiene__nothing_forbidden', check_forbidden),
     ('hygiene__no_mutable_static_data', check_writable),
     ('hygiene__no_fast_math_start_up_code', check_fast_math),
     ('hygiene__flags_keep_arithmetic_exact', check_flags),
     ('hygiene__needs_few_libraries', check_needed),
     ('hygiene__loads_hardened_and_quiet', check_load),
     ('hygiene__control_sees_a_bad_library', control),
     ('hygiene__control_sees_fast_math', control_fast_math)])
