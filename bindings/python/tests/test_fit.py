# SPDX-License-Identifier: MIT
"""Training: data, curves, progress, interrupts, the log."""

import logging
import os
import shutil
import signal
import sys
import threading
import time

import numpy as np
import pytest

import nflow


def small(**fields):
    return nflow.recipes.realnvp(**{'dim': 2, 'layers': 4, 'hidden': (32, 32), 'seed': 11, **fields})


def test_report_and_curves(moons):
    flow = small()
    report = flow.fit(moons[200:], valid=moons[:200], epochs=5, batch=100, seed=3)
    assert report.epochs == 5 and report.steps == 40 and report.stopped == 0
    assert report.curve_train.shape == (5,) and np.isfinite(report.curve_valid).all()
    assert report.valid_nll == pytest.approx(flow.mean_nll(moons[:200]), abs=1e-9)
    with pytest.raises(AttributeError):
        report.curve
    again = small()
    again.fit(nflow.Dataset(moons[200:]), valid=nflow.Dataset(moons[:200]), epochs=5, batch=100, seed=3)
    assert again.to_bytes() == flow.to_bytes(), 'the same seeds, other bits'


def test_threads_do_not_change_bits(moons):
    flows = [small(context=nflow.Context(threads=n)) for n in (1, 3)]
    for flow in flows:
        flow.fit(moons, epochs=3, seed=1)
    assert flows[0].to_bytes() == flows[1].to_bytes()


def test_cond_and_weights(moons):
    random = np.random.default_rng(0)
    cond = (random.random((len(moons), 1)) < 0.5).astype('float32')
    flow = small(cond_dim=1)
    flow.fit(moons + 3 * cond, cond=cond, weights=1.0 + cond[:, 0], epochs=30, optimizer=nflow.Adam(lr=5e-3))
    gap = flow.sample(500, seed=1, cond=[1.0]).mean(0) - flow.sample(500, seed=1, cond=[0.0]).mean(0)
    assert np.abs(gap - 3).max() < 0.7
    with pytest.raises(ValueError, match='belong to the Dataset'):
        flow.fit(nflow.Dataset(moons, cond), cond=cond)
    with pytest.raises(ValueError, match='rows'):
        nflow.Dataset(moons, cond[:-1])
    with pytest.raises(nflow.ArgumentError):
        nflow.Dataset(moons, weights=-np.ones(len(moons)))


def test_progress_function(moons):
    seen = []
    small().fit(moons, epochs=3, batch=250, progress=lambda p: seen.append((p.epoch, p.step, p.end_of_epoch)))
    assert [row[0] for row in seen] == [1, 2, 3] and all(row[2] for row in seen)
    seen.clear()
    small().fit(moons, epochs=1, batch=250, progress_steps=2, progress=lambda p: seen.append((p.step, p.end_of_epoch)))
    assert (2, 0) in seen and seen[-1][1] == 1 and (1, 0) not in seen and (3, 0) not in seen
    report = small().fit(moons, epochs=50, progress=lambda p: p.epoch == 4)
    assert report.epochs == 4 and report.stopped == 2


def test_progress_function_that_raises(moons):
    flow = small()

    def fail(p):
        raise KeyError('mine')

    with pytest.raises(KeyError, match='mine'):
        flow.fit(moons, epochs=50, progress=fail)
    assert np.isfinite(flow.log_prob(moons)).all()
    assert flow.fit(moons, epochs=1).epochs == 1, 'the flow is not busy for ever'


def test_progress_function_may_use_the_flow(moons):
    flow, seen = small(), []
    flow.fit(moons, epochs=2, progress=lambda p: seen.append(float(flow.log_prob(moons[:50]).mean())))
    assert len(seen) == 2 and np.isfinite(seen).all()


@pytest.mark.skipif(sys.platform == 'win32', reason='signals of POSIX')
def test_keyboard_interrupt(moons):
    """Ctrl-C ends the training soon, the best weights stay, and the interrupt goes on."""
    flow = nflow.recipes.realnvp(dim=2, seed=1)
    started = flow.mean_nll(moons)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.perf_counter()
    try:
        with pytest.raises(KeyboardInterrupt):
            flow.fit(moons, epochs=10**6, batch=100, progress=lambda p: time.perf_counter() - start > 60)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert 0.5 < time.perf_counter() - start < 10
    assert flow.mean_nll(moons) < started - 0.3
    assert flow.fit(moons, epochs=1).epochs == 1


def test_training_in_another_thread(moons):
    flow, reports = small(), []
    thread = threading.Thread(target=lambda: reports.append(flow.fit(moons, epochs=5)))
    thread.start()
    thread.join()
    assert reports[0].epochs == 5


def test_bar_of_tqdm(moons, capsys):
    pytest.importorskip('tqdm', reason='tqdm is not installed')
    small().fit(moons[100:], valid=moons[:100], epochs=3, progress=True)
    printed = capsys.readouterr().err
    assert '3/3' in printed and 'train=' in printed and 'valid=' in printed


def test_lines_without_tqdm(moons, caplog, monkeypatch):
    monkeypatch.setitem(sys.modules, 'tqdm.auto', None)
    with caplog.at_level(logging.INFO, 'nflow'):
        small().fit(moons, epochs=20, progress=True)
    lines = [r.getMessage() for r in caplog.records if r.name == 'nflow']
    assert sum('epoch' in line for line in lines) == 10 and 'epoch 20/20' in lines[-1]


def test_the_library_logs(moons, caplog, tmp_path):
    """A checkpoint that cannot be written in between is a warning of the library's."""
    folder = tmp_path / 'folder'
    folder.mkdir()

    def vanish(p):
        shutil.rmtree(folder, ignore_errors=True)

    with caplog.at_level(logging.INFO, 'nflow'), pytest.raises(nflow.InputOutputError):
        small().fit(moons, epochs=4, checkpoint=folder / 'c.safetensors', checkpoint_epochs=1, progress=vanish)
    assert any(r.name == 'nflow' and r.levelno == logging.WARNING for r in caplog.records)


def test_checkpoint_and_resume(moons, tmp_path):
    path = tmp_path / 'c.safetensors'
    whole, part = small(), small()
    whole.fit(moons, epochs=6, seed=2, optimizer=nflow.Adam())
    part.fit(moons, epochs=3, seed=2, optimizer=nflow.Adam(), checkpoint=path)
    resumed = small()
    resumed.fit(moons, epochs=6, seed=2, optimizer=nflow.Adam(), resume=path)
    assert resumed.to_bytes() == whole.to_bytes()


def test_datasets(tmp_path, moons):
    path = tmp_path / 'data.csv'
    path.write_text('a,b,c\n1,2,3\n4,5,6\n7,8,9.5\n')
    data = nflow.Dataset.load(path, cond_columns=[2])
    assert data.column_names == ['a', 'b'] and data.cond_dim == 1 and len(data) == 3
    assert np.array_equal(data.rows(), [[1, 2], [4, 5], [7, 8]]) and np.array_equal(data.cond(), [[3], [6], [9.5]])
    assert np.array_equal(np.asarray(data), data.rows())
    memory = nflow.Dataset.load_memory(path.read_bytes(), format='csv', columns=[1, 0])
    assert np.array_equal(memory.rows(), [[2, 1], [5, 4], [8, 7]])
    np.save(tmp_path / 'x.npy', moons)
    assert np.array_equal(nflow.Dataset.load(tmp_path / 'x.npy').rows(dtype='float32'), moons)
    first, second = data.split(2 / 3, seed=None)
    assert len(first) == 2 and np.array_equal(second.rows(), [[7, 8]])
    assert data.check(0).mean == 4.0 and data.standardise().type == 'standardise'
    assert data.image_shape is None
    picture = nflow.Dataset(np.zeros((2, 12)))
    picture.image_shape = (2, 2, 3)
    assert picture.image_shape == (2, 2, 3) and 'dim=12' in repr(picture)
    assert 'moons' in nflow.Dataset.synthetic_names() and nflow.Dataset.synthetic_entropy('moons') > 0
    path.write_text('1,2\n3,x\n')
    with pytest.raises(nflow.FileError, match='line 2'):
        nflow.Dataset.load(path)
