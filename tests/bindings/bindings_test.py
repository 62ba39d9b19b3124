# SPDX-License-Identifier: MIT
"""bindings_test.py - what the bindings copy from the C headers is what the headers say: no compiler of theirs is needed for that

Rust and Julia name functions, types, sizes and numbers again. Each of them is read here as text and held to the headers, to
tests/abi/layout_pins.h and to lib/nflow.map. Sizes of Julia's structs are computed from its field types by the rules of C.

usage: bindings_test.py <root of the source>
"""
import os
import re
import subprocess
import sys

ROOT = sys.argv[1]
sys.path[:0] = [os.path.join(ROOT, 'tests', name) for name in ('support', 'abi', 'ffi')]
sys.dont_write_bytecode = True
import headers
import nflow_ffi
from cases import expect, run

INCLUDE = os.path.join(ROOT, 'include')
SYS = 'bindings/rust/nflow-sys/src/bindings.rs'
GENERATED = 'bindings/julia/src/generated.jl'
MODULE = 'bindings/julia/src/Nflow.jl'
# Functions that the safe Rust crate does not call, and why.
RUST_LEFT_OUT = {
    r'nf_\w+_config_init': 'builders begin with zeros',
    r'nf_\w+_type_at|nf_\w+_synthetic_at|nf_config_field|nf_blas_description|nf_version_number|nf_status_text': 'lists for programs that show them',
    r'nf_(layer|base|optimizer)_create|nf_base_(normal_full|normal_conditional|mixture|student|box)_create|nf_(layer|base)_cond_dim|nf_context_backend': 'by name, from a struct of C: nflow-sys',
    r'nf_layer_create_custom|nf_context_register_layer|nf_maker_alloc|nf_fail|nf_fail_row': 'layer types of one\'s own are tables of C: nflow-sys',
    r'nf_flow_nll_grad(_f64)?|nf_optimizer_step': 'the weighted, the clipped call is the same',
    r'nf_dataset_(set_)?image_shape': 'a reader sets it',
}


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as file:
        return file.read()


def pins():
    """({struct: size}, {struct: [offset]}, {constant: value}) of layout_pins.h."""
    text, offsets = read('tests/abi/layout_pins.h'), {}
    for struct, offset in re.findall(r'^FIELD\((\w+), \w+, (\d+)\)', text, re.M):
        offsets.setdefault(struct, []).append(int(offset))
    sizes = {name: int(size) for name, size in re.findall(r'^STRUCT\((\w+), (\d+)\)', text, re.M)}
    return sizes, offsets, {name: int(value) for name, value in re.findall(r'^VALUE\((\w+), (-?\d+)\)', text, re.M)}


def exported():
    return set(re.findall(r'^\s*(nf_\w+);', read('lib/nflow.map'), re.M))


# ---- both

KINDS = {'c_int': 'i32', 'c_uint': 'u32', 'c_long': 'i64', 'c_ulong': 'u64', 'c_double': 'f64', 'c_float': 'f32', 'c_void_p': 'pointer', 'c_char_p': 'pointer',
         'c_char': 'char'}


def field_kinds():
    """{struct: [(field, kind)]} as ctypes has them, which tests/ffi proves against the library."""
    found = {}
    for name, struct in nflow_ffi.structs(INCLUDE).items():
        found[name] = [(field, KINDS[getattr(kind, '_type_', kind).__name__ if hasattr(kind, '_length_') else kind.__name__] +
                        ('[%d]' % kind._length_ if hasattr(kind, '_length_') else '')) for field, kind in struct._fields_]
    return found


def rust_kinds(text):
    def kind(type):
        array = re.fullmatch(r'\[([\w:]+); (\d+)usize\]', type)
        if array:
            return kind(array.group(1)) + '[%s]' % array.group(2)
        return {'::core::ffi::c_char': 'char'}.get(type, type if re.fullmatch(r'[iuf]\d+', type) else 'pointer')
    bodies = re.findall(r'pub struct (nf_\w+) \{\n(.*?)^\}', text, re.M | re.S)
    return {name: [(field, kind(type)) for field, type in re.findall(r'pub (\w+?)_?: (.*?),(?= pub |$)', ' '.join(body.split()))] for name, body in bodies}


def julia_kinds(text):
    def kind(type):
        array = re.fullmatch(r'NTuple\{(\d+),(\w+)\}', type)
        if array:
            return kind(array.group(2)) + '[%s]' % array.group(1)
        return {'Int32': 'i32', 'UInt32': 'u32', 'Int64': 'i64', 'UInt64': 'u64', 'Float32': 'f32', 'Float64': 'f64', 'UInt8': 'char'}.get(type, 'pointer')
    bodies = re.findall(r'^(?:mutable )?struct (nf_\w+)\n(.*?)^end', text, re.M | re.S)
    return {name: [(field, kind(type)) for field, type in re.findall(r'^    (\w+)::(\S+)$', body, re.M)] for name, body in bodies}


def wrong_kinds(got):
    wanted = field_kinds()
    return differences(got, {name: wanted.get(name) for name in got})


def check_generated():
    done = subprocess.run([sys.executable, '-B', os.path.join(ROOT, 'bindings', 'generate.py'), '--check'], text=True, capture_output=True)
    expect(done.returncode == 0, done.stderr)


# ---- Rust

RUST = {'int32_t': 'i32', 'uint32_t': 'u32', 'int64_t': 'i64', 'uint64_t': 'u64', 'double': 'f64', 'float': 'f32', 'nf_status': 'nf_status',
        'char': '::core::ffi::c_char', 'void': '::core::ffi::c_void'}


def rust_type(kind):
    """A C type as bindgen writes it."""
    kind = ' '.join(kind.split())
    if kind == 'nf_layer *const *':
        return '*const *mut nf_layer'
    constant, word, stars = re.fullmatch(r'(const )?(\w+)((?: \*+)?)', kind).groups()
    plain = RUST.get(word, word)
    for i in range(stars.count('*')):
        plain = '*%s %s' % ('const' if constant and i == 0 else 'mut', plain)
    return plain


def rust_functions(text):
    """{name: (result, [type])} of the extern blocks."""
    found = {}
    for block in re.findall(r'extern "C" \{(.*?)\n\}', text, re.S):
        for name, inside, result in re.findall(r'pub fn (nf_\w+)\(([^)]*)\)(?: -> ([^;]+))?;', ' '.join(block.split())):
            parameters = [' '.join(p.split()) for p in inside.split(',') if p.strip()]
            found[name] = (result or 'void', [re.sub(r'^(?:r#)?\w+: ', '', p) for p in parameters])
    return found


def rust_expected():
    found = {}
    for name, (result, parameters) in headers.functions(INCLUDE).items():
        found[name] = ('void' if result == 'void' else rust_type(result), [rust_type(kind) for kind, _ in parameters])
    return found


def differences(got, wanted):
    return ['%s: %s, the headers say %s' % (name, got.get(name), wanted.get(name)) for name in sorted(set(got) | set(wanted)) if got.get(name) != wanted.get(name)]


def check_rust_functions():
    got = rust_functions(read(SYS))
    expect(set(got) == exported(), 'not those of nflow.map: %s' % sorted(set(got) ^ exported()))
    wrong = differences(got, rust_expected())
    expect(not wrong, '; '.join(wrong))


def rust_layouts(text):
    """({struct: size}, {struct: [offset]}) of the assertions that bindgen writes."""
    sizes = {name: int(n) for name, n in re.findall(r'\["Size of (\w+)"\]\s*\[::core::mem::size_of::<\w+>\(\) - (\d+)usize\]', text)}
    offsets = {}
    for name, n in re.findall(r'\["Offset of field: (\w+)::\w+"\]\s*\[::core::mem::offset_of!\(\w+, \w+\) - (\d+)usize\]', text):
        offsets.setdefault(name, []).append(int(n))
    return sizes, offsets


def check_rust_layouts():
    sizes, offsets, values = pins()
    got = rust_layouts(read(SYS))
    expect(got[0] == sizes, '; '.join(differences(got[0], sizes)))
    expect(got[1] == offsets, '; '.join(differences(got[1], offsets)))
    kinds = {name: fields for name, fields in rust_kinds(read(SYS)).items() if name in sizes}
    expect(set(kinds) == set(sizes) and not wrong_kinds(kinds), '; '.join(wrong_kinds(kinds)) or 'structs are missing')
    constants = {name: int(value) for name, value in re.findall(r'pub const (NF_\w+): \w+ = (-?\d+);', read(SYS))}
    constants.pop('NF_LAYER_TYPE_VERSION')
    expect(constants == values, '; '.join(differences(constants, values)))


def rust_crate():
    folder = os.path.join(ROOT, 'bindings', 'rust', 'nflow', 'src')
    return {name: read(os.path.join('bindings/rust/nflow/src', name)) for name in os.listdir(folder)}


def check_rust_reach():
    text = '\n'.join(rust_crate().values())
    missing = sorted(f for f in exported() if not re.search(r'\b%s\b' % f, text) and not any(re.fullmatch(p, f) for p in RUST_LEFT_OUT))
    expect(not missing, 'not in the safe crate, nor in the list of what is left out: ' + ', '.join(missing))
    statuses = {name for name in pins()[2] if name.startswith('NF_ERR_')}
    named = set(re.findall(r'\b\w+ = (NF_ERR_\w+)', rust_crate()['error.rs']))
    expect(statuses == named, 'statuses: %s' % sorted(statuses ^ named))


def check_rust_unsafe():
    """unsafe stands in one module, which the others cannot add to."""
    crate = rust_crate()
    users = [name for name, text in crate.items() if re.search(r'\bunsafe\b', re.sub(r'//.*|unsafe_code', '', text))]
    expect(users == ['raw.rs'], 'unsafe in %s' % users)
    expect('#![deny(unsafe_code)]' in crate['lib.rs'] and crate['lib.rs'].count('allow(unsafe_code)') == 1, 'lib.rs does not deny it')
    blocks = re.findall(r'(?m)^.*\bunsafe (?:\{|impl\b).*$', crate['raw.rs'])
    expect(len(blocks) > 50 and crate['raw.rs'].count('// SAFETY: ') > 50, 'unsafe blocks without their reason')


# ---- Julia

WIDTHS = {'Int32': 4, 'UInt32': 4, 'Int64': 8, 'UInt64': 8, 'Float32': 4, 'Float64': 8, 'UInt8': 1}


def julia_width(kind):
    """(size, alignment) of a field."""
    array = re.fullmatch(r'NTuple\{(\d+),(\w+)\}', kind)
    if array:
        return int(array.group(1)) * WIDTHS[array.group(2)], WIDTHS[array.group(2)]
    return (8, 8) if kind.startswith('Ptr{') else (WIDTHS[kind], WIDTHS[kind])


def julia_layouts(text):
    """({struct: size}, {struct: [offset]}) by the rules of C."""
    sizes, offsets = {}, {}
    for name, body in re.findall(r'^(?:mutable )?struct (nf_\w+)\n(.*?)^end', text, re.M | re.S):
        at, widest = 0, 1
        for kind in re.findall(r'^    \w+::(\S+)$', body, re.M):
            size, alignment = julia_width(kind)
            at = (at + alignment - 1) // alignment * alignment
            offsets.setdefault(name, []).append(at)
            at, widest = at + size, max(widest, alignment)
        sizes[name] = (at + widest - 1) // widest * widest
    return sizes, offsets


def check_julia_layouts():
    text, (sizes, offsets, values) = read(GENERATED), pins()
    got = julia_layouts(text)
    expect(len(got[0]) > 25, 'only %d structs were found' % len(got[0]))
    for name in got[0]:
        expect(got[0][name] == sizes[name], '%s has %d bytes, pinned are %d' % (name, got[0][name], sizes[name]))
        expect(got[1][name] == offsets[name], '%s: offsets %s, pinned are %s' % (name, got[1][name], offsets[name]))
    expect(not wrong_kinds(julia_kinds(text)), '; '.join(wrong_kinds(julia_kinds(text))))
    users = [s for s in sizes if re.search(r'_(config|report|view|progress)$', s)]
    expect(set(users) == set(got[0]), 'structs: %s' % sorted(set(users) ^ set(got[0])))
    constants = {name: int(value) for name, value in re.findall(r'^const (NF_\w+) = Int32\((-?\d+)\)', text, re.M)}
    expect(constants == values, '; '.join(differences(constants, values)))


JULIA_SIZES = {'Int32': {'int32_t', 'nf_status'}, 'Int64': {'int64_t'}, 'UInt64': {'uint64_t'}, 'UInt32': {'uint32_t'}, 'Float64': {'double'},
               'Cvoid': {'void'}, 'Cstring': {'char *'}}


def fits(julia, kind):
    """A ccall type and the C type that it must be."""
    kind = kind.replace('const ', '').replace(' const', '').strip()
    if re.fullmatch(r'nf_\w+_fn', kind):
        return julia == 'Ptr{Cvoid}'
    if julia.startswith('Ptr{'):
        inner = {'Ptr{Float32}': 'float *', 'Ptr{Float64}': 'double *', 'Ptr{Int64}': 'int64_t *', 'Ptr{Ptr{Float32}}': 'float **', 'Ptr{Ptr{Float64}}': 'double **',
                 'Ptr{UInt8}': 'char *'}.get(julia)
        return kind == inner if inner else kind.count('*') == julia.count('Ptr') and kind.split()[0] in ('void',) or kind.startswith('nf_') and kind.count('*') == julia.count('Ptr')
    return kind in JULIA_SIZES[julia]


def julia_calls(text):
    """[(name, result, [type], number of arguments)] of every ccall of the library."""
    found = []
    for name, result, types, rest in re.findall(r'ccall\(\(:(\w+), libnflow\), (\S+), \(([^()]*)\)((?:, \w+)*)\)', text):
        found.append((name, result, [t.strip() for t in re.split(r',\s*(?![^{]*\})', types) if t.strip()], rest.count(',')))
    return found


def wrong_calls(calls):
    declared, wrong = headers.functions(INCLUDE), []
    for name, result, types, count in calls:
        if name not in declared:
            wrong.append(name + ' is no function')
            continue
        returned, parameters = declared[name]
        if not fits(result, returned) or len(types) != len(parameters) or count != len(parameters) or not all(map(fits, types, [k for k, _ in parameters])):
            wrong.append('%s: %s (%s), the headers say %s' % (name, result, ', '.join(types), declared[name]))
    return wrong


def check_julia_calls():
    calls = julia_calls(read(GENERATED))
    expect({c[0] for c in calls} == exported(), 'not those of nflow.map: %s' % sorted({c[0] for c in calls} ^ exported()))
    wrong = wrong_calls(calls)
    expect(not wrong, '; '.join(wrong))


def check_julia_names():
    """What the module calls exists, with as many arguments; functions passed on are taken to be called alike."""
    text, known = re.sub(r'#.*', '', read(MODULE)), {c[0]: c[3] for c in julia_calls(read(GENERATED))}
    structs = set(julia_layouts(read(GENERATED))[0])
    used = set(re.findall(r'\bnf_\w+', text))
    expect(len(used) > 40 and not used - set(known) - structs, 'unknown: %s' % sorted(used - set(known) - structs))
    wrong = []
    for name in known:
        for match in re.finditer(r'\b%s\(' % name, text):
            arguments = inside(text, match.end())
            if count_of(arguments) != known[name]:
                wrong.append('%s(%s) takes %d arguments' % (name, arguments, known[name]))
    expect(not wrong, '; '.join(wrong))


def inside(text, start):
    depth, at = 1, start
    while depth:
        depth += {'(': 1, '[': 1, ')': -1, ']': -1}.get(text[at], 0)
        at += 1
    return text[start:at - 1]


def count_of(arguments):
    depth, commas = 0, 0
    for c in arguments:
        depth += {'(': 1, '[': 1, '{': 1, ')': -1, ']': -1, '}': -1}.get(c, 0)
        commas += c == ',' and depth == 0
    return commas + 1 if arguments.strip() else 0


# ---- the controls

def control_rust():
    text = read(SYS)
    moved = text.replace('offset_of!(nf_fit_config, batch) - 16usize', 'offset_of!(nf_fit_config, batch) - 24usize')
    expect(rust_layouts(moved)[1] != pins()[1], 'a moved field passes')
    expect(wrong_kinds(rust_kinds(text.replace('    pub batch: i64,', '    pub batch: f64,'))), 'a field of another type passes')
    narrowed = re.sub(r'(pub fn nf_flow_reserve\([^)]*n: )i64', r'\1i32', text)
    expect(narrowed != text and differences(rust_functions(narrowed), rust_expected()), 'a narrowed parameter passes')
    expect(len(rust_functions(text)) > 100 and rust_functions(text)['nf_flow_load'][1][2] == '*const ::core::ffi::c_char', 'functions are misread')


def control_julia():
    text = read(GENERATED)
    expect(wrong_kinds(julia_kinds(text.replace('    batch::Int64\n', '    batch::Int32\n'))), 'a narrowed field passes')
    expect(julia_layouts(text.replace('    batch::Int64\n', ''))[1]['nf_fit_config'] != pins()[1]['nf_fit_config'], 'a missing field passes')
    expect(wrong_calls(julia_calls(text.replace('(:nf_flow_dim, libnflow), Int64', '(:nf_flow_dim, libnflow), Int32'))), 'a narrowed result passes')
    expect(wrong_calls(julia_calls('ccall((:nf_flow_fly, libnflow), Int32, (Ptr{Cvoid},), x)')), 'an unknown function passes')
    expect(count_of('a, (b, c), d[1, 2]') == 3 and count_of('') == 0 and inside('f(g(x), 1) + 2', 2) == 'g(x), 1', 'arguments are miscounted')


run([('bindings__generated_files_are_fresh', check_generated),
     ('rust__functions_are_those_of_the_headers', check_rust_functions),
     ('rust__layouts_and_constants_are_pinned', check_rust_layouts),
     ('rust__safe_crate_reaches_every_function', check_rust_reach),
     ('rust__unsafe_stands_in_one_module', check_rust_unsafe),
     ('julia__layouts_and_constants_are_pinned', check_julia_layouts),
     ('julia__calls_are_those_of_the_headers', check_julia_calls),
     ('julia__module_calls_what_there_is', check_julia_names),
     ('rust__control_sees_a_doctored_file', control_rust),
     ('julia__control_sees_a_doctored_file', control_julia)])
