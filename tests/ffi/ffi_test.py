# SPDX-License-Identifier: MIT
"""ffi_test.py - the whole life of a model from a language that is not C: train, score, sample, save, load, in another process too

usage: ffi_test.py <root of the source> <libnflow.so>
       ffi_test.py <root of the source> <libnflow.so> --score <model file>      prints the bits of the scores
"""
import ctypes as c
import hashlib
import os
import subprocess
import sys
import tempfile

ROOT, PATH = sys.argv[1:3]
sys.path[:0] = [os.path.join(ROOT, 'tests', 'support'), os.path.join(ROOT, 'tests', 'ffi')]
sys.dont_write_bytecode = True
from cases import expect, run
from nflow_ffi import Library

N = 1000
lib = Library(PATH, os.path.join(ROOT, 'include'))


def bits(array):
    return hashlib.sha256(bytes(array)).hexdigest()


def moons(n, seed):
    """(dataset handle, its rows)."""
    data, x = lib.create('nf_dataset_synthetic', None, b'moons', n, -1.0, seed), (c.c_float * (2 * n))()
    lib.must('nf_dataset_copy', data, 0, n, c.byref(x), None)
    return data, x


def small_flow(context=None, **fields):
    config = lib.make('nf_realnvp_config', dim=2, layers=4, hidden=(c.c_int64 * 2)(32, 32), n_hidden=2, seed=11, **fields)
    return lib.create('nf_flow_create_realnvp', context, c.byref(config))


def train(context=None, epochs=12, **fields):
    """(flow, fit report, data, rows)."""
    data, x = moons(N, 5)
    flow = small_flow(context)
    optimizer = lib.create('nf_optimizer_adam_create', None, c.byref(lib.make('nf_adam_config', lr=5e-3)))
    report = lib.make('nf_fit_report')
    lib.must('nf_flow_fit', flow, optimizer, data, None, c.byref(lib.make('nf_fit_config', epochs=epochs, batch=100, **fields)),
             c.byref(report))
    lib.nf_optimizer_unref(optimizer)
    return flow, report, data, x


def score(flow, x):
    n = len(x) // 2
    log_prob = (c.c_double * n)()
    lib.must('nf_flow_log_prob', flow, n, c.byref(x), None, c.byref(log_prob))
    return log_prob


def mean(values):
    return sum(values) / len(values)


MODEL = {}


def model():
    """One trained model for all cases."""
    if not MODEL:
        MODEL['flow'], MODEL['report'], MODEL['data'], MODEL['x'] = train()
    return MODEL['flow'], MODEL['x']


def check_layouts():
    """What ctypes makes of the headers has the sizes that the library uses: its init functions fill in struct_size."""
    for name, struct in lib.S.items():
        if name.endswith('_config') and name + '_init' in lib.functions:
            config = struct()
            getattr(lib, name + '_init')(c.byref(config))
            expect(config.struct_size == c.sizeof(struct), '%s: %d bytes here, %d there' % (name, c.sizeof(struct), config.struct_size))


def check_training():
    flow, x = model()
    before, after = -mean(score(small_flow(), x)), -mean(score(flow, x))
    expect(MODEL['report'].epochs == 12 and abs(MODEL['report'].train_nll - after) < 1e-5, 'report: nll %r' % MODEL['report'].train_nll)
    expect(after < before - 0.3, 'mean nll %.3f before, %.3f after' % (before, after))


def check_samples():
    """Samples are likely under the model, the same when drawn apart, and their log_prob is that of scoring."""
    flow, _ = model()
    x, log_prob, one = (c.c_float * 400)(), (c.c_double * 200)(), (c.c_float * 2)()
    lib.must('nf_flow_sample', flow, 7, 0, 200, None, 1.0, c.byref(x), c.byref(log_prob))
    lib.must('nf_flow_sample', flow, 7, 123, 1, None, 1.0, c.byref(one), None)
    expect(bytes(one) == bytes(x)[123 * 8:124 * 8], 'sample 123 alone is another one')
    worst = max(abs(a - b) for a, b in zip(log_prob, score(flow, x)))
    expect(worst < 1e-4, 'log_prob of sampling and of scoring differ by %g' % worst)


def check_file():
    flow, x = model()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'moons.safetensors')
        lib.must('nf_flow_save', flow, path.encode())
        loaded = lib.create('nf_flow_load', None, path.encode())
        expect(bits(score(loaded, x)) == bits(score(flow, x)), 'other bits after loading')
        lib.nf_flow_unref(loaded)
        other = subprocess.run([sys.executable, __file__, ROOT, PATH, '--score', path], text=True, capture_output=True)
        expect(other.returncode == 0, other.stderr)
        expect(other.stdout.strip() == bits(score(flow, x)), 'other bits in another process')


def check_memory_file():
    flow, x = model()
    size = c.c_int64()
    lib.must('nf_flow_save_memory', flow, None, 0, c.byref(size))
    buffer = (c.c_char * size.value)()
    lib.must('nf_flow_save_memory', flow, c.byref(buffer), size.value, c.byref(size))
    loaded = lib.create('nf_flow_load_memory', None, c.byref(buffer), size.value)
    expect(bits(score(loaded, x)) == bits(score(flow, x)), 'other bits after loading from memory')
    lib.nf_flow_unref(loaded)


def check_threads():
    """Three threads train to the bits of one."""
    context = lib.create('nf_context_create', c.byref(lib.make('nf_context_config', threads=3)))
    flow, _, data, x = train(context)
    expect(bits(score(flow, x)) == bits(score(model()[0], x)), 'other bits with three threads')
    for unref, handle in (('flow', flow), ('dataset', data), ('context', context)):
        getattr(lib, 'nf_%s_unref' % unref)(handle)


def check_callback():
    """A progress callback in the other language sees every epoch and can stop the run."""
    seen = []
    kind = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p)

    def progress(user, at):
        seen.append(c.cast(at, c.POINTER(lib.S['nf_fit_progress'])).contents.epoch)
        return len(seen) == 3

    callback = kind(progress)
    data, _ = moons(200, 1)
    flow, adam = small_flow(), lib.create('nf_optimizer_adam_create', None, c.byref(lib.make('nf_adam_config')))
    config = lib.make('nf_fit_config', epochs=50, progress=c.cast(callback, c.c_void_p))
    status = lib.nf_flow_fit(flow, adam, data, None, c.byref(config), None)
    expect(status == 2 and seen == [1, 2, 3], 'status %d, epochs %s' % (status, seen))
    for unref, handle in (('flow', flow), ('dataset', data), ('optimizer', adam)):
        getattr(lib, 'nf_%s_unref' % unref)(handle)


def check_own_loop():
    """A training loop of the caller's own over the flat vector."""
    flow, adam = small_flow(), lib.create('nf_optimizer_adam_create', None, c.byref(lib.make('nf_adam_config', lr=5e-3)))
    _, x = moons(200, 9)
    nll = c.c_double()
    losses = []
    for _ in range(60):
        lib.must('nf_flow_nll_grad', flow, 200, c.byref(x), None, c.byref(nll))
        lib.must('nf_optimizer_step', adam, flow)
        losses.append(nll.value)
    expect(losses[-1] < losses[0] - 0.2, 'from %.3f to %.3f' % (losses[0], losses[-1]))
    lib.nf_flow_unref(flow)
    lib.nf_optimizer_unref(adam)


def control():
    """The digest sees one bit, and a failing call is noticed."""
    flow, x = model()
    log_prob = score(flow, x)
    digest, raw = bits(log_prob), bytearray(bytes(log_prob))
    raw[17] ^= 1
    expect(bits(raw) != digest, 'one bit passes')
    try:
        lib.must('nf_flow_load', c.byref(c.c_void_p()), None, b'/nowhere/at/all')
    except AssertionError as error:
        expect('/nowhere/at/all' in str(error), 'no path in: %s' % error)
        return
    raise AssertionError('a file that does not exist was loaded')


if len(sys.argv) == 5 and sys.argv[3] == '--score':
    print(bits(score(lib.create('nf_flow_load', None, sys.argv[4].encode()), moons(N, 5)[1])))
    sys.exit(0)
run([('ffi__structs_have_the_library_s_sizes', check_layouts),
     ('ffi__training_lowers_the_loss', check_training),
     ('ffi__samples_agree_with_scores', check_samples),
     ('ffi__file_keeps_bits_in_this_and_another_process', check_file),
     ('ffi__memory_file_keeps_bits', check_memory_file),
     ('ffi__threads_give_the_same_bits', check_threads),
     ('ffi__callback_sees_epochs_and_stops', check_callback),
     ('ffi__own_training_loop', check_own_loop),
     ('ffi__control', control)])
