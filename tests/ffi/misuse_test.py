# SPDX-License-Identifier: MIT
"""misuse_test.py - every public call with every argument wrong in turn: nothing crashes, and each answers the documented code

The cases follow from the headers: each pointer NULL, each handle of another kind or released, sizes {0, -1, 2^31, max/8, max}, numbers
and choices outside their range, every field of every config outside the range of its field table, configs too small, too old and too
new. Sizes of arrays are wrong only where the library can know: it cannot see that an array is shorter than the call says.
The cases run in a child process, which notes each before it runs it, so that a crash names its case.

usage: misuse_test.py <root of the source> <libnflow.so>
"""
import ctypes as c
import os
import subprocess
import sys
import tempfile

ROOT, PATH = map(os.path.abspath, sys.argv[1:3])
sys.path[:0] = [os.path.join(ROOT, 'tests', 'support'), os.path.join(ROOT, 'tests', 'ffi')]
sys.dont_write_bytecode = True
from cases import expect, run
from nflow_ffi import Library

NULL, ARG, SHAPE, OVERFLOW, ALIAS, MEMORY, HANDLE, SMALL, OLD, NEW, DTYPE = range(-1, -12, -1)
LIMIT, IO, FORMAT, PARSE, UNKNOWN, NONFINITE, DEGENERATE, DIVERGED, UNSUPPORTED = -16, -17, -18, -21, -22, -24, -27, -28, -29
MAX, N = 2 ** 63 - 1, 32
SIZES = [0, -1, 2 ** 31, MAX // 8, MAX]
KINDS = ['context', 'layer', 'base', 'flow', 'optimizer', 'dataset']

# Pointers that may be NULL: (function prefix, parameter).
OPTIONAL = [('', 'context'), ('', 'cond'), ('', 'weights'), ('', 'log_det'), ('nf_flow_sample', 'log_prob'), ('nf_flow_score', 'log_prob'),
            ('nf_flow_create', 'config'), ('nf_flow_fit', 'config'), ('nf_flow_fit', 'valid'), ('nf_flow_fit', 'report'), ('nf_flow_fit_target', 'data'), ('', 'user'),
            ('nf_flow_importance', 'x'), ('nf_flow_importance', 'log_weight'),
            ('nf_context_create', 'config'), ('nf_optimizer_', 'config'), ('nf_dataset_load', 'config'), ('nf_dataset_copy', 'x'), ('nf_flow_params', 'theta'),
            ('nf_flow_params', 'grad'), ('nf_flow_params', 'count'), ('nf_flow_save_memory', 'buffer'), ('nf_flow_to_json', 'buffer'),
            ('nf_optimizer_step_clipped', 'norm'), ('nf_flow_verify', 'max_error'), ('nf_flow_verify', 'rows'),
            ('nf_flow_nll_grad', 'mean_nll'), ('nf_fail', 'line'), ('nf_flow_direction', 'cond_with'), ('nf_flow_direction', 'cond_without')]
NOT_OPTIONAL = [('nf_context_register_layer', 'context'), ('nf_flow_create_realnvp', 'config'), ('nf_flow_create_glow', 'config'), ('nf_flow_create_ffjord', 'config'),
                *((f'nf_flow_create_{r}', 'config') for r in ('nsf', 'maf', 'iaf', 'nice'))]
# What takes any number of rows: work space is of blocks, however many there are.
ANY_COUNT = ('nf_flow_reserve', 'nf_flow_step_memory')
# What cannot be called without an object that only the library makes, or has no wrong argument.
LEFT_OUT = {'nf_maker_alloc': 'its maker exists only inside a layer type\'s create; tests/layers calls it',
            'nf_fail_row': 'its tile exists only inside a layer type\'s operations; the continuous layer calls it'}


@c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_int64, c.c_int64, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p)
def flat_density(user, n, dim, x, cond, log_p, grad):
    """A target that is the same everywhere."""
    c.memset(log_p, 0, 8 * n)
    if grad:
        c.memset(grad, 0, 8 * n * dim)
    return 0


class World:
    """Good objects and arguments."""

    def __init__(self, folder):
        self.lib = Library(PATH, os.path.join(ROOT, 'include'))
        lib, self.folder, self.kept = self.lib, folder, []
        self.context = lib.create('nf_context_create', None)
        self.dataset = lib.create('nf_dataset_synthetic', self.context, b'moons', N, -1.0, 1)
        self.layer = lib.create('nf_affine_create', self.context, self.keep(lib.make('nf_affine_config', dim=2)))
        self.base = lib.create('nf_base_normal_create', self.context, 2)
        self.optimizer = lib.create('nf_optimizer_adam_create', self.context, self.keep(lib.make('nf_adam_config')))
        self.flow, self.flow64 = self.make_flow(1), self.make_flow(2)
        self.model = os.path.join(folder, 'model.safetensors').encode()
        lib.must('nf_flow_save', self.flow, self.model)
        with open(self.model, 'rb') as file:
            self.bytes = file.read()
        self.csv = os.path.join(folder, 'rows.csv').encode()
        with open(self.csv, 'wb') as file:
            file.write(b'1,2\n3,4.5\n')
        size = c.c_int64()
        lib.must('nf_flow_to_json', self.flow, None, 0, c.byref(size))
        self.json = (c.c_char * size.value)()
        lib.must('nf_flow_to_json', self.flow, c.cast(self.json, c.c_void_p), size.value, c.byref(size))
        self.count = lib.nf_flow_param_count(self.flow)

    def refresh(self):
        """New objects in the place of those that calls change."""
        lib = self.lib
        for flow in (self.flow, self.flow64):
            lib.nf_flow_unref(flow)
        lib.nf_optimizer_unref(self.optimizer)
        self.kept = []
        self.optimizer = lib.create('nf_optimizer_adam_create', self.context, self.keep(lib.make('nf_adam_config')))
        self.flow, self.flow64 = self.make_flow(1), self.make_flow(2)

    def keep(self, thing):
        self.kept.append(thing)
        return c.cast(c.byref(thing) if isinstance(thing, c.Structure) else thing, c.c_void_p)

    def make_flow(self, dtype):
        return self.lib.create('nf_flow_create_realnvp', self.context, self.keep(self.config('nf_realnvp_config', dtype=dtype)))

    def config(self, struct, **fields):
        """A config that its constructor accepts, small."""
        names = [name for name, _ in self.lib.S[struct]._fields_]
        good = {'nf_permutation_config': {'dim': 2}, 'nf_base_mixture_config': {'components': 2}, 'nf_base_normal_conditional_config': {'cond_dim': 2}, 'nf_table_config': {'dim': 2, 'layers': 2}, 'nf_realnvp_config': {'dim': 2, 'layers': 2}, 'nf_fit_config': {'epochs': 1},
                'nf_target_config': {'steps': 1, 'batch': 4, 'report_draws': 4},
                'nf_invconv_config': {'height': 2, 'width': 2, 'channels': 2}, 'nf_squeeze_config': {'height': 2, 'width': 2, 'channels': 2},
                'nf_coupling_conv_config': {'height': 2, 'width': 2, 'channels': 2, 'hidden': 4}, 'nf_split_config': {'height': 2, 'width': 2, 'channels': 2},
                'nf_glow_config': {'height': 2, 'width': 2, 'channels': 1, 'steps': 1, 'hidden': 4},
                'nf_realnvp_image_config': {'height': 2, 'width': 2, 'channels': 1, 'hidden': 4, 'blocks': 1}}
        values = {**({'dim': 2} if 'dim' in names and struct != 'nf_coupling_affine_config' else {}), **good.get(struct, {}), **fields}
        if struct == 'nf_coupling_affine_config':
            values.setdefault('dim', 2)
        return self.lib.make(struct, **values)

    def array(self, kind, count=2048):
        return self.keep((kind * count)(*[(i * 37 % 101) / 101 for i in range(min(count, 2 * N))]))

    def good(self, function, kind, name):
        """A good argument for a parameter."""
        special = self.special(function, kind, name)
        if special is not None:
            return special
        if kind in ('const float *', 'float *'):
            return self.array(c.c_float)
        if kind in ('const double *', 'double *'):
            return self.array(c.c_double)
        if kind.endswith('**') or name in ('report', 'out') or kind == 'int64_t *':
            return self.out(kind)
        if 'config *' in kind:
            struct = kind.replace('const', '').replace('*', '').strip().replace('adamw', 'adam').replace('adamax', 'adam')
            return self.keep(self.config(struct))
        for handle in KINDS:
            if kind.replace('const ', '') == 'nf_%s *' % handle:
                return self.flow64 if handle == 'flow' and function.endswith('_f64') else getattr(self, handle)
        return {'n': N, 'dim': 2, 'height': 1, 'width': 2, 'channels': 1, 'cond_dim': 2, 'first': 0, 'index': 0, 'column': 0, 'count': self.count, 'seed': 3, 'dtype': 2,
                'gradient': 1, 'robust': 0, 'capacity': 8192, 'size': 8, 'n_layers': 1, 'temperature': 1.0, 'fraction': 0.5, 'noise': -1.0,
                'n_with': N, 'n_without': N, 'n_temperatures': 1, 'steps': N, 'path': 1, 'amount': 0.5,
                'low': 0.0, 'high': 1.0, 'lr': 0.1, 'max_norm': 1.0, 'status': -1}[name]

    def special(self, function, kind, name):
        if kind == 'const char *':
            types = {'nf_base_create': b'normal', 'nf_layer_create': b'affine', 'nf_optimizer_create': b'adam'}
            path = {'nf_dataset_load': self.csv, 'nf_flow_save': self.model + b'.copy'}
            return {'path': path.get(function, self.model), 'name': b'moons', 'description': self.json.value, 'line': b'a line',
                    'config': b'adam', 'type': types.get(function)}[name]
        if name == 'log_density':
            return c.cast(flat_density, c.c_void_p)
        if name == 'user':
            return c.c_void_p()
        if name == 'weights':
            return self.keep((c.c_double * N)(*[1.0] * N))
        if name == 'bytes':
            return self.keep(c.create_string_buffer(b'1,2\n3,4\n' if 'dataset' in function else self.bytes))
        if name == 'size' and kind == 'int64_t':
            return 8 if 'dataset' in function else len(self.bytes)
        if name == 'buffer':
            return self.keep(c.create_string_buffer(1 << 18))
        if name == 'capacity':
            return 1 << 18
        if function == 'nf_dataset_copy' or function == 'nf_dataset_copy_f64':
            return None if name != 'cond' else c.c_void_p()
        if name == 'temperatures':
            return self.keep((c.c_double * 1)(0.7))
        if name in ('cond', 'cond_with', 'cond_without') and 'set_cond' not in function:
            return c.c_void_p()
        if name == 'theta' and kind in ('double *', 'const double *'):
            return self.array(c.c_double, max(2048, self.count))
        if name == 'layers':
            return self.keep((c.c_void_p * 1)(self.layer))
        if name == 'valid':
            return self.dataset
        if name in ('train', 'data'):
            return self.dataset
        if kind == 'const nf_layer_type *':
            return c.c_void_p()  # NULL is refused: the type's own tests build real ones
        if kind == 'const void *' and name == 'config':
            struct = {'nf_base_create': 'nf_base_normal_config', 'nf_layer_create': 'nf_affine_config'}.get(function, 'nf_adam_config')
            return self.keep(self.config(struct))
        return None

    def out(self, kind):
        if kind.endswith('_report *') or kind in ('nf_param_view *', 'nf_field *'):
            report = self.lib.S[kind.rstrip(' *')]()
            if hasattr(report, 'struct_size'):
                report.struct_size = c.sizeof(report)
            return self.keep(report)
        return self.keep((c.c_void_p * 2)(0xdead, 0xdead))


class Matrix:
    def __init__(self, world, progress):
        self.world, self.lib, self.progress = world, world.lib, progress
        self.cases, self.wrong = 0, []

    def call(self, label, function, arguments, allowed):
        """One case: the status must be among `allowed` (None: the function returns none), with a line, and out-handles NULL."""
        result, parameters = self.lib.functions[function]
        self.cases += 1
        os.pwrite(self.progress, ('%s(%s)' % (function, label)).ljust(300).encode(), 0)
        answer = getattr(self.lib, function)(*arguments)
        if result != 'nf_status' or allowed is None:
            return answer
        if answer not in allowed:
            self.wrong.append('%s(%s): %d (%s), expected one of %s' % (function, label, answer, self.lib.error(), sorted(allowed)))
        elif answer < 0 and function != 'nf_fail':
            if not self.lib.error():
                self.wrong.append('%s(%s): %d without a line' % (function, label, answer))
            for (kind, name), argument in zip(parameters, arguments):
                if kind.endswith('**') and kind.startswith('nf_') and argument and argument.value and \
                        c.cast(argument, c.POINTER(c.c_void_p))[0] is not None:
                    self.wrong.append('%s(%s): %d, but %s is not NULL' % (function, label, answer, name))
        elif answer >= 0:
            self.release(parameters, arguments)
        return answer

    def release(self, parameters, arguments):
        for (kind, _), argument in zip(parameters, arguments):
            if kind.endswith('**') and kind.startswith('nf_') and argument and argument.value:
                handle = c.c_void_p(c.cast(argument, c.POINTER(c.c_void_p))[0])
                if handle.value not in (None, 0xdead):
                    getattr(self.lib, kind.replace(' **', '_unref'))(handle)

    def arguments(self, function):
        return [self.world.good(function, kind, name) for kind, name in self.lib.functions[function][1]]

    def with_one(self, function, at, value):
        arguments = self.arguments(function)
        arguments[at] = value
        return arguments

    def run(self):
        for function in sorted(self.lib.functions):
            if function in LEFT_OUT or function.endswith('_unref') or function.endswith('_ref'):
                continue
            self.world.refresh()
            self.control(function)
            for at, (kind, name) in enumerate(self.lib.functions[function][1]):
                self.parameter(function, at, kind, name)
        self.configs()
        self.references()
        if os.environ.get('NFLOW_MISUSE') == 'live':
            print('left out: released handles: looking at them is what a sanitizer reports')
        else:
            self.released()

    def control(self, function):
        """With nothing wrong the call succeeds: otherwise the cases of its arguments would prove nothing."""
        fails = {'nf_fail': {-1}, 'nf_context_register_layer': {NULL}, 'nf_layer_create_custom': {NULL}}
        self.call('all good', function, self.arguments(function), fails.get(function, {0}))

    def parameter(self, function, at, kind, name):
        if '*' in kind or kind.endswith('_fn'):
            optional = any(function.startswith(f) and name == p for f, p in OPTIONAL) and \
                not any(function.startswith(f) and name == p for f, p in NOT_OPTIONAL)
            allowed = {0} if optional else {NULL}
            if function == 'nf_fail':
                allowed = {-1}
            if function == 'nf_layer_create_custom':
                allowed = {NULL}
            self.call('%s = NULL' % name, function, self.with_one(function, at, None), allowed)
            self.kinds(function, at, kind, name)
            self.strings(function, at, kind, name)
        elif kind == 'int64_t':
            self.sizes(function, at, name)
        elif kind == 'int32_t':
            for value in (-1, 99, -2 ** 31, 2 ** 31 - 1):
                self.call('%s = %d' % (name, value), function, self.with_one(function, at, value), self.choice(function, name, value))
        elif kind == 'double':
            for value in (float('nan'), float('inf'), float('-inf'), -1.0, 0.0, 1e308):
                self.call('%s = %r' % (name, value), function, self.with_one(function, at, value), {0, 1, ARG, NONFINITE})
        elif kind == 'uint64_t':
            for value in (0, 2 ** 64 - 1):
                self.call('%s = %d' % (name, value), function, self.with_one(function, at, value), {0})

    def choice(self, function, name, value):
        if name == 'dtype' or function == 'nf_config_field':
            return {ARG}
        return {0, ARG}

    def kinds(self, function, at, kind, name):
        """Handles of the other kinds."""
        wanted = next((k for k in KINDS if kind.replace('const ', '') == 'nf_%s *' % k), None)
        for other in KINDS:
            if wanted and other != wanted:
                answer = self.call('%s is a %s' % (name, other), function, self.with_one(function, at, getattr(self.world, other)),
                                   {NULL, HANDLE} if function in ('nf_layer_create_custom', 'nf_context_register_layer') else {HANDLE})
                if self.lib.functions[function][0] != 'nf_status' and answer and answer == answer:
                    self.wrong.append('%s(%s is a %s): %r, expected 0, NaN or NULL' % (function, name, other, answer))
        if wanted == 'flow' and function.endswith('_f64'):
            self.call('%s is of f32' % name, function, self.with_one(function, at, self.world.flow), {DTYPE})

    def strings(self, function, at, kind, name):
        if kind != 'const char *' or function == 'nf_fail':
            return
        for text in (b'', b'x' * 100000, b'\xff\xfe%s%n', b'%n%n%n%n', b'/'):
            allowed = {IO, FORMAT, PARSE, UNKNOWN, ARG, LIMIT} | ({0} if name == 'path' and b'%' in text else set())  # names of files
            self.call('%s = %r' % (name, text[:8]), function, self.with_one(function, at, text), allowed)

    def sizes(self, function, at, name):
        unseen = {'cond_dim': 'set_cond', 'size': 'memory', 'capacity': ''}  # sizes of arrays that the library has to believe
        bad = {ARG, SHAPE, OVERFLOW, LIMIT, MEMORY, DTYPE, PARSE, FORMAT}
        for value in SIZES:
            if value > 0 and name in unseen and unseen[name] in function:
                continue
            if value == 2 ** 31 and name in ('n', 'n_layers', 'n_with', 'n_without', 'steps', 'n_temperatures') and function not in ('nf_dataset_synthetic', *ANY_COUNT):
                continue
            allowed = bad | ({0} if value == 0 or name in ('first', 'index', 'column') or function in ANY_COUNT else set())
            if name == 'first' and 'sample' in function:
                allowed |= {0}
            self.call('%s = %d' % (name, value), function, self.with_one(function, at, value), allowed)

    def configs(self):
        """Every constructor with every field of its config out of range, and with sizes of other releases."""
        makers = {'nf_flow_create_realnvp': 'realnvp', 'nf_coupling_affine_create': 'coupling_affine', 'nf_permutation_create': 'permutation',
                  'nf_actnorm_create': 'actnorm', 'nf_affine_create': 'affine', 'nf_standardise_create': 'standardise',
                  'nf_logit_create': 'logit', 'nf_linear_create': 'linear', 'nf_invconv_create': 'invconv',
                  'nf_squeeze_create': 'squeeze', 'nf_coupling_conv_create': 'coupling_conv', 'nf_split_create': 'split', 'nf_coupling_spline_create': 'coupling_spline',
                  'nf_flow_create_glow': 'glow', 'nf_flow_create_nsf': 'table', 'nf_flow_create_maf': 'table', 'nf_flow_create_iaf': 'table',
                  'nf_flow_create_nice': 'table', 'nf_flow_create_ffjord': 'ffjord', 'nf_cnf_create': 'cnf', 'nf_autoregressive_create': 'autoregressive', 'nf_flow_create_realnvp_image': 'realnvp_image', 'nf_dequantise_create': 'dequantise', 'nf_columns_create': 'columns', 'nf_optimizer_adam_create': 'adam',
                  'nf_optimizer_adamw_create': 'adamw', 'nf_optimizer_adamax_create': 'adamax', 'nf_optimizer_sgd_create': 'sgd',
                  'nf_context_create': 'context', 'nf_flow_create': 'flow', 'nf_flow_fit': 'fit', 'nf_flow_fit_target': 'target', 'nf_dataset_load': 'read'}
        for function, config in makers.items():
            parameters = self.lib.functions[function][1]
            at = next(i for i, (_, name) in enumerate(parameters) if name == 'config')
            struct = 'nf_%s_config' % config.replace('adamw', 'adam').replace('adamax', 'adam')
            self.world.refresh()
            self.config_sizes(function, at, struct)
            self.config_fields(function, at, struct, config)

    def config_sizes(self, function, at, struct):
        size = c.sizeof(self.lib.S[struct])
        for value, code in ((0, SMALL), (1, SMALL), (4, SMALL), (12, OLD), (2 ** 32 - 1, SMALL)):
            config = self.world.config(struct)
            config.struct_size = value
            self.call('struct_size = %d' % value, function, self.with_one(function, at, self.world.keep(config)), {code, SMALL, OLD, NEW})
        room = (c.c_char * (size + 64))()
        for tail, allowed in ((0, {0}), (1, {NEW})):
            c.memmove(room, c.byref(self.world.config(struct)), size)
            c.cast(room, c.POINTER(c.c_uint32))[0] = size + 64
            room[size + 40] = tail
            self.call('a config of a newer release, tail %d' % tail, function, self.with_one(function, at, self.world.keep(room)), allowed)

    def config_fields(self, function, at, struct, config):
        field, index = self.lib.S['nf_field'](), 0
        while self.lib.nf_config_field(config.encode(), index, c.byref(field)) == 0:
            index += 1
            name = field.name.decode()
            for value in self.field_values(field):
                filled = self.world.config(struct, **{name: value})
                inside = not isinstance(value, float) and field.kind in (1, 2, 5, 6) and (value == 0 or field.min <= value <= field.max)
                outside = not inside and field.kind != 3
                allowed = {ARG, SHAPE, LIMIT, OVERFLOW, MEMORY, UNSUPPORTED, FORMAT} | (set() if outside and field.kind != 4 else {0})
                if field.kind == 4:
                    allowed = {0, ARG, SHAPE, DEGENERATE, DIVERGED} if value == value and abs(value) < 1e300 else {ARG, NONFINITE}
                self.call('%s.%s = %r' % (struct, name, value), function, self.with_one(function, at, self.world.keep(filled)), allowed)

    def field_values(self, field):
        name = field.name.decode()
        if field.kind in (1, 5, 6):
            return [v for v in (-1, 99, -2 ** 31, 2 ** 31 - 1) if not (name == 'threads' and v > 0 and v < 1025)]
        if field.kind == 2:  # counts of arrays and of epochs are believed when they are in range
            return [-1, -2 ** 63] + ([] if name.startswith('n_') or name == 'epochs' else [2 ** 31, MAX])
        if field.kind == 4:
            return [float('nan'), float('inf'), -1.0, 1e308]
        return []

    def references(self):
        """ref and unref: NULL is fine, handles of other kinds are left alone."""
        self.world.refresh()
        for kind in KINDS:
            for verb in ('ref', 'unref'):
                self.call('NULL', 'nf_%s_%s' % (kind, verb), [None], None)
            for other in KINDS:
                if other != kind:
                    self.call('a %s' % other, 'nf_%s_unref' % kind, [getattr(self.world, other)], None)
        for function in ('nf_flow_log_prob', 'nf_dataset_copy', 'nf_optimizer_lr', 'nf_layer_dim', 'nf_base_dim', 'nf_context_threads'):
            self.control(function)

    def released(self):
        """Handles used after their end, and closed twice as a finaliser would: best effort, so any failure will do."""
        lib, world = self.lib, self.world
        makers = {'flow': lambda: world.make_flow(1),
                  'layer': lambda: lib.create('nf_affine_create', None, world.keep(lib.make('nf_affine_config', dim=2))),
                  'base': lambda: lib.create('nf_base_normal_create', None, 2),
                  'dataset': lambda: lib.create('nf_dataset_synthetic', None, b'moons', 8, -1.0, 1),
                  'optimizer': lambda: lib.create('nf_optimizer_adam_create', None, world.keep(lib.make('nf_adam_config'))),
                  'context': lambda: lib.create('nf_context_create', None)}
        uses = {'flow': ('nf_flow_log_prob', 0), 'layer': ('nf_layer_dim', 0), 'base': ('nf_base_dim', 0), 'dataset': ('nf_dataset_rows', 0),
                'optimizer': ('nf_optimizer_step', 0), 'context': ('nf_flow_from_json', 1)}
        for kind in KINDS:
            handle = makers[kind]()
            getattr(lib, 'nf_%s_unref' % kind)(handle)
            function, at = uses[kind]
            self.call('%s was released' % kind, function, self.with_one(function, at, handle), {HANDLE})
            self.call('released before', 'nf_%s_unref' % kind, [handle], None)


def matrix_in_child():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # some of the odd paths are names of files
        matrix = Matrix(World(folder), int(os.environ['NFLOW_PROGRESS']))
        matrix.run()
    for line in matrix.wrong:
        print(line)
    print('%d cases, %d wrong' % (matrix.cases, len(matrix.wrong)))
    sys.exit(1 if matrix.wrong else 0)


def in_child(*arguments):
    """(how it ended, what it printed, the last case begun)."""
    with tempfile.TemporaryFile() as progress:
        environment = dict(os.environ, NFLOW_PROGRESS=str(progress.fileno()))
        done = subprocess.run([sys.executable, os.path.abspath(__file__), ROOT, PATH, *arguments], text=True, capture_output=True, env=environment,
                              pass_fds=[progress.fileno()])
        progress.seek(0)
        return done.returncode, done.stdout + done.stderr, progress.read().decode(errors='replace').strip()


def check_matrix():
    code, text, last = in_child('--matrix')
    expect(code >= 0, 'signal %d in %s\n%s' % (-code, last, text))
    expect(code == 0, '%s' % text)
    print(text.strip())
    expect(int(text.split()[-4]) >= 700, 'only: ' + text)


def control():
    """The harness sees a crash and names its case."""
    code, _, last = in_child('--crash')
    if os.environ.get('NFLOW_MISUSE') == 'live':
        code = -abs(code)  # a sanitizer turns the signal into an exit code
    expect(code < 0 and last == 'nf_nothing(a crash)', 'code %d, last %r' % (code, last))


if sys.argv[3:] == ['--matrix']:
    matrix_in_child()
if sys.argv[3:] == ['--crash']:
    os.pwrite(int(os.environ['NFLOW_PROGRESS']), b'nf_nothing(a crash)', 0)
    c.string_at(8)
run([('misuse__answers_the_documented_code', check_matrix), ('misuse__control_sees_a_crash', control)])
