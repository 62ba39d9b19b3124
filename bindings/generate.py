#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""generate.py - what the bindings take from the C headers, written down in their languages

  bindings/rust/nflow/src/configs.rs     a builder for every config, and the constants
  bindings/julia/src/generated.jl        the structs, the constants, the functions' types

usage: generate.py [--check]     --check writes nothing, names the files that differ and ends with 1

`sh bindings/regenerate.sh` runs this, and bindgen for bindings/rust/nflow-sys; run it after a change of include/nflow.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'abi'))
sys.dont_write_bytecode = True
import headers

INCLUDE = os.path.join(ROOT, 'include')
NUMBERS = {'int32_t': 'i32', 'uint32_t': 'u32', 'int64_t': 'i64', 'uint64_t': 'u64', 'double': 'f64', 'float': 'f32'}
RUST_KEYWORDS = set('as box const do dyn else enum final fn for if impl in let loop match mod move mut pub ref self static struct trait type use where yield'.split())
JULIA_KEYWORDS = set('baremodule begin catch const do else elseif end export finally for function global if import let local macro module quote return struct try '
                     'using while'.split())
JULIA = {'int32_t': 'Int32', 'uint32_t': 'UInt32', 'int64_t': 'Int64', 'uint64_t': 'UInt64', 'double': 'Float64', 'float': 'Float32',
         'nf_status': 'Int32', 'char': 'UInt8', 'void': 'Cvoid'}


class Field:
    """type: as in C without the name; count: of an array; comment: what stands behind it on its line."""

    def __init__(self, kind, name, count, comment):
        self.type, self.name, self.count, self.comment = kind, name, count, comment


def structs():
    """{name: [Field]} in the order of the headers."""
    found = {}
    for header in headers.names(INCLUDE):
        with open(os.path.join(INCLUDE, 'nflow', header), encoding='utf-8') as file:
            source = file.read()
        comments = []
        source = headers.COMMENT.sub(lambda m: comments.append(m.group(0)) or '\x01%d\x02' % (len(comments) - 1), source)
        source = re.sub(r'(?m)^[ \t]*\x01\d+\x02', '', headers._statements(source))  # those that stand before a declaration
        for body, name in re.findall(r'typedef struct \w+ \{(.*?)\} (\w+);', source, re.S):
            found[name] = [f for d in re.findall(r'([^;\x01\x02]+);[ \t]*(?:\x01(\d+)\x02)?', body) for f in fields(d[0], comments[int(d[1])] if d[1] else '')]
    return found


def fields(declaration, comment):
    declaration = ' '.join(declaration.split())
    words = ' '.join(re.sub(r'(?m)^\s*\*?|/\*|\*/', ' ', comment).split())
    pointer = re.match(r'.*?\(\*(\w+)\)', declaration)
    if pointer:
        yield Field('void *', pointer.group(1), None, words)
        return
    kind, rest = re.fullmatch(r'((?:const )?\w+(?: const)?)\s*((?:\**\w+(?:\[\w+\])?(?:, )?)+)', declaration).groups()
    for one in rest.split(','):
        stars, name, count = re.fullmatch(r'\s*(\**)(\w+)(?:\[(\w+)\])?', one).groups()
        yield Field((kind + ' ' + stars).strip(), name, count, words)


def constants():
    """[(name, value)] of layout_pins.h, which a test holds to the headers."""
    with open(os.path.join(ROOT, 'tests', 'abi', 'layout_pins.h'), encoding='utf-8') as file:
        return [(name, int(value)) for name, value in re.findall(r'^VALUE\((\w+), (-?\d+)\)', file.read(), re.M)]


def camel(name):
    return ''.join(part[:1].upper() + part[1:] for part in re.sub('^nf_', '', name).split('_'))


# ---- Rust

RUST_HEAD = '''// SPDX-License-Identifier: MIT
//
// Written by bindings/generate.py from include/nflow: do not edit.

//! Builders of the configs, and the constants that their fields take.
//!
//! A field that is not set has its default. Which fields there are and what they mean is documented in the C headers; their
//! comments stand here too.

use crate::raw::Plain;
use nflow_sys as sys;
use std::ffi::CString;

/// A builder as the struct of C that it stands for. The pointers in it are valid as long as the builder is borrowed.
pub(crate) trait ToC {
    type C;
    fn to_c(&self) -> Self::C;
}

fn text(value: &str) -> Option<CString> {
    CString::new(value.replace('\\0', "\\u{fffd}")).ok()
}
'''


def rust_setter(field, struct_fields):
    """(member of the builder, method, line of to_c) of one field; None: not a field for users."""
    name = field.name + '_' if field.name in RUST_KEYWORDS else field.name  # as bindgen has it
    counts = {f.name for f in struct_fields}
    if name in ('struct_size', 'reserved') or (name.startswith('n_') and name[2:] in counts):
        return None
    doc = '    /// %s\n' % escape(field.comment).replace('%', '%%') if field.comment else ''
    method = doc + '    #[must_use]\n    pub fn %s(mut self, %s: %%s) -> Self {\n        self.%%s;\n        self\n    }\n' % (name, name)
    array = re.fullmatch(r'const (int64_t|double) \*', field.type)
    if array:
        rust = NUMBERS[array.group(1)]
        return ('    %s: Vec<%s>,' % (name, rust), method % ('&[%s]' % rust, '%s = %s.to_vec()' % (name, name)),
                '        if !self.%s.is_empty() {\n            c.%s = self.%s.as_ptr();\n            c.n_%s = self.%s.len() as i64;\n        }' % ((name,) * 5))
    if field.type == 'const char *':
        return ('    %s: Option<CString>,' % name, method % ('&str', '%s = text(%s)' % (name, name)),
                '        c.%s = self.%s.as_ref().map_or(std::ptr::null(), |t| t.as_ptr());' % (name, name))
    if field.type in NUMBERS:
        return None, method % (NUMBERS[field.type], 'c.0.%s = %s' % (name, name)), None
    return None  # callbacks


def escape(comment):
    return re.sub(r'([\[\]<>|])', r'\\\1', comment)


def rust_config(name, struct_fields):
    parts = [p for p in (rust_setter(f, struct_fields) for f in struct_fields) if p]
    members, lines = [p[0] for p in parts if p[0]], [p[2] for p in parts if p[2]]
    title = camel(name)
    return '\n'.join(['', '/// `%s`' % name, '#[derive(Clone, Debug, Default)]', 'pub struct %s {' % title, '    c: Plain<sys::%s>,' % name, *members, '}', '',
                      'impl %s {' % title, '    #[must_use]\n    pub fn new() -> Self {\n        Self::default()\n    }', *[p[1].rstrip('\n') for p in parts], '}', '',
                      'impl ToC for %s {' % title, '    type C = sys::%s;' % name, '    fn to_c(&self) -> sys::%s {' % name,
                      '        let mut c = self.c.0;', '        c.struct_size = std::mem::size_of::<sys::%s>() as u32;' % name, *lines, '        c', '    }', '}', ''])


def rust():
    text = RUST_HEAD
    for name, struct_fields in structs().items():
        if name.endswith('_config'):
            text += rust_config(name, struct_fields)
    text += '\n/// The constants of the C headers without their prefix: `NF_PRESET_BOOK` is `PRESET_BOOK`.\npub mod constants {\n'
    for name, value in constants():
        if not re.match(r'NF_(ERR_|OK$|ROWS_NONFINITE$|STOPPED$)', name):
            text += '    pub const %s: i32 = %d;\n' % (name[3:], value)
    return text + '}\n'


# ---- Julia

def julia_type(kind, count=None):
    kind = kind.replace('const ', '').replace(' const', '').strip()
    stars = kind.count('*')
    word = kind.replace('*', '').strip()
    if word == 'char' and stars:
        plain = 'Ptr{UInt8}' if stars == 1 else 'Ptr{Ptr{UInt8}}'
    elif re.fullmatch(r'nf_\w+_fn', word):
        plain = 'Ptr{Cvoid}'
    else:
        plain = JULIA.get(word, 'Cvoid')
        for _ in range(stars):
            plain = 'Ptr{%s}' % plain
    return 'NTuple{%s,%s}' % (count, plain) if count else plain


def julia_argument(kind):
    """As julia_type, but texts are Cstring, and structs and handles go by the address that the caller takes."""
    kind = kind.replace('const ', '').replace(' const', '').strip()
    if kind == 'char *':
        return 'Cstring'
    if kind.startswith('nf_') and '*' in kind:
        return 'Ptr{Ptr{Cvoid}}' if '**' in kind.replace(' ', '') else 'Ptr{Cvoid}'
    return julia_type(kind)


def julia():
    text = '# SPDX-License-Identifier: MIT\n#\n# Written by bindings/generate.py from include/nflow: do not edit.\n\n'
    for name, value in constants():
        text += 'const %s = Int32(%d)\n' % (name, value)
    plain = {name: found for name, found in structs().items() if re.search(r'_(config|report|view|progress)$', name)}
    for name, struct_fields in plain.items():
        read_only = name.endswith('_progress')
        text += '\n%sstruct %s\n' % ('' if read_only else 'mutable ', name)
        for field in struct_fields:
            text += '    %s::%s\n' % (field.name, julia_type(field.type, field.count))
        text += 'end\n' if read_only else '    %s() = zeroed(new())\nend\n' % name
    text += '\n# Size and offsets, as the headers have them: checked when the module is loaded.\nconst LAYOUTS = (\n'
    with open(os.path.join(ROOT, 'tests', 'abi', 'layout_pins.h'), encoding='utf-8') as file:
        pins = file.read()
    for name in plain:
        size = re.search(r'^STRUCT\(%s, (\d+)\)' % name, pins, re.M).group(1)
        offsets = re.findall(r'^FIELD\(%s, \w+, (\d+)\)' % name, pins, re.M)
        text += '    (%s, %s, (%s,)),\n' % (name, size, ', '.join(offsets))
    text += ')\n\n'
    for name, (result, parameters) in headers.functions(INCLUDE).items():
        names = [n for _, n in parameters]
        types = ''.join(julia_argument(k) + ', ' for k, _ in parameters)
        text += '%s(%s) = ccall((:%s, libnflow), %s, (%s)%s)\n' % (
            name, ', '.join(names), name, julia_argument(result), types.rstrip(' ') if len(names) == 1 else types.rstrip(', '), ''.join(', ' + n for n in names))
    return text


def refuse_keywords():
    """Names that Julia could not take: better another one in C."""
    names = [f.name for found in structs().values() for f in found]
    names += [name for _, parameters in headers.functions(INCLUDE).values() for _, name in parameters]
    if set(names) & JULIA_KEYWORDS:
        sys.exit('words of Julia: ' + ', '.join(sorted(set(names) & JULIA_KEYWORDS)))


OUTPUTS = {os.path.join('bindings', 'rust', 'nflow', 'src', 'configs.rs'): rust,
           os.path.join('bindings', 'julia', 'src', 'generated.jl'): julia}


def main():
    differ = []
    refuse_keywords()
    for path, make in OUTPUTS.items():
        full, text = os.path.join(ROOT, path), make()
        present = open(full, encoding='utf-8').read() if os.path.exists(full) else ''
        if text == present:
            continue
        differ.append(path)
        if '--check' not in sys.argv[1:]:
            with open(full, 'w', encoding='utf-8') as file:
                file.write(text)
            print('written: ' + path)
    if '--check' in sys.argv[1:] and differ:
        sys.exit('not what the headers say, run `sh bindings/regenerate.sh`: ' + ', '.join(differ))


if __name__ == '__main__':
    main()
