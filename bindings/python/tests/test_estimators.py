# SPDX-License-Identifier: MIT
"""Estimators, in scikit-learn's hands and without it."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import nflow

QUICK = {
    'NSF': dict(n_layers=2, hidden=(8,), bins=4, epochs=3),
    'RealNVP': dict(n_layers=2, hidden=(8,), epochs=3),
    'Glow': dict(n_steps=1, hidden=8, epochs=3),
    'FFJORD': dict(hidden=(8,), epochs=2),
    'FlowEstimator': dict(epochs=2),
}


def make_flow(dim):
    return nflow.Flow([nflow.layers.affine(dim=dim)], nflow.bases.diagonal(dim=dim))


@pytest.mark.parametrize('name', list(QUICK) + ['FlowEstimator of a function'])
def test_check_estimator(name):
    checks = pytest.importorskip('sklearn.utils.estimator_checks', reason='scikit-learn is not installed')
    estimator = nflow.FlowEstimator(make_flow, epochs=2) if ' ' in name else getattr(nflow, name)(**QUICK[name])
    results = checks.check_estimator(estimator, on_fail=None, on_skip=None)
    counts = {status: sum(r['status'] == status for r in results) for status in ('passed', 'skipped', 'failed', 'xfail')}
    print('check_estimator(%r): %s' % (estimator, counts))
    for result in results:
        if result['status'] == 'skipped':
            print('  skipped: %s: %s' % (result['check_name'], result['exception']))
    assert not counts['xfail'] and not counts['failed'], [
        (r['check_name'], r['exception']) for r in results if r['status'] == 'failed'
    ]
    assert counts['passed'] > 35


def test_density(moons):
    model = nflow.RealNVP(epochs=60, learning_rate=5e-3, random_state=0).fit(moons)
    assert model.score_samples(moons).shape == (1000,) and model.score(moons) == pytest.approx(model.score_samples(moons).mean())
    assert -model.score(moons) < nflow.Dataset.synthetic_entropy('moons') + 0.25
    assert model.sample(5, random_state=1).shape == (5, 2) and model.n_features_in_ == 2
    assert np.array_equal(model.sample(5, random_state=1), model.sample(5, random_state=1))
    again = nflow.RealNVP(epochs=60, learning_rate=5e-3, random_state=0, n_jobs=2).fit(moons)
    assert np.array_equal(again.score_samples(moons), model.score_samples(moons)), 'threads changed the bits'
    other = pickle.loads(pickle.dumps(model))
    assert np.array_equal(other.score_samples(moons), model.score_samples(moons)) and other.get_params() == model.get_params()


def test_files(moons, tmp_path):
    model = nflow.FFJORD(hidden=(8,), epochs=2, random_state=0).fit(moons)
    model.save(tmp_path / 'm.safetensors')
    loaded = nflow.FFJORD.load(tmp_path / 'm.safetensors')
    assert np.array_equal(loaded.score_samples(moons), model.score_samples(moons))
    assert np.array_equal(nflow.Flow.load(tmp_path / 'm.safetensors').log_prob(moons), model.score_samples(moons))


def test_weights_count(moons):
    weights = (moons[:, 0] > 0).astype(float)
    model = nflow.FlowEstimator(make_flow, epochs=60, batch_size=100, learning_rate=3e-2, random_state=0).fit(
        moons, sample_weight=weights
    )
    assert np.abs(model.sample(4000, random_state=0).mean(0) - moons[weights > 0].mean(0)).max() < 0.2


def test_images():
    random = np.random.RandomState(0)
    pictures = random.randint(0, 256, (60, 16))
    model = nflow.Glow(n_steps=1, hidden=4, image_shape=(4, 4, 1), n_levels=1, epochs=2, random_state=0).fit(pictures)
    drawn = model.sample(3, random_state=0)
    assert drawn.shape == (3, 16) and np.array_equal(drawn, np.floor(drawn)) and drawn.min() >= 0 and drawn.max() <= 255
    assert np.isfinite(model.score_samples(pictures)).all()
    with pytest.raises(ValueError, match='makes 12'):
        nflow.Glow(image_shape=(2, 2, 3)).fit(pictures)


def test_what_is_refused(moons):
    flat = np.column_stack([moons, np.ones(len(moons))])
    for estimator, x, text in [
        (nflow.RealNVP(), flat, 'column 2 is constant'),
        (nflow.RealNVP(), moons[:, :1], 'n_features = 1'),
        (nflow.NSF(bins=1), moons, 'bins'),
        (nflow.Glow(), moons[:, :1], 'n_features = 1'),
        (nflow.RealNVP(), moons[:1], 'n_samples = 1'),
        (nflow.FlowEstimator(make_flow(3)), moons, 'the flow 3'),
        (nflow.RealNVP(preset='x'), moons, 'preset'),
    ]:
        with pytest.raises(ValueError, match=text):
            estimator.fit(x)
    with pytest.raises((ValueError, AttributeError)):
        nflow.RealNVP().score_samples(moons)


def test_a_given_flow_stays_as_it_is(moons):
    flow = make_flow(2)
    before = flow.to_bytes()
    model = nflow.FlowEstimator(flow, epochs=3).fit(moons)
    assert flow.to_bytes() == before and model.flow_.to_bytes() != before


def test_model_selection(moons):
    selection = pytest.importorskip('sklearn.model_selection', reason='scikit-learn is not installed')
    pipeline = pytest.importorskip('sklearn.pipeline')
    preprocessing = pytest.importorskip('sklearn.preprocessing')
    search = selection.GridSearchCV(nflow.RealNVP(epochs=4, hidden=(8,), random_state=0), {'n_layers': [1, 4]}, cv=2).fit(moons)
    assert search.best_params_['n_layers'] in (1, 4)
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), nflow.RealNVP(epochs=2, random_state=0)).fit(moons)
    assert model.score_samples(moons).shape == (1000,)


def test_without_scikit_learn():
    """The same calls and the same bits where scikit-learn cannot be imported."""
    program = '''
import sys
if sys.argv[1] == "without":
    sys.modules["sklearn"] = sys.modules["sklearn.base"] = None
import nflow, numpy as np
x = np.random.RandomState(0).standard_normal((200, 2))
model = nflow.RealNVP(n_layers=2, hidden=(8,), epochs=3, random_state=0)
assert model.get_params()["n_layers"] == 2 and model.set_params(epochs=4) is model and model.epochs == 4
print(model)
try:
    model.score_samples(x)
    raise SystemExit("scored before fit")
except ValueError:
    pass
for wrong in (x[0], x * np.nan, x * 1j):
    try:
        model.fit(wrong)
        raise SystemExit("took %r" % (wrong,))
    except ValueError:
        pass
model.fit(x)
print(repr(model.score(x)), model.sample(2, random_state=1).tolist())
'''
    outputs = [
        subprocess.run([sys.executable, '-c', program, how], text=True, capture_output=True) for how in ('without', 'with')
    ]
    for output in outputs:
        assert output.returncode == 0, output.stderr
    assert outputs[0].stdout.split('\n')[1] == outputs[1].stdout.split('\n')[1]
    assert 'n_layers=2' in outputs[0].stdout


def test_an_interrupted_estimator_is_fitted(moons):
    def interrupt(p):
        if p.epoch == 3:
            raise KeyboardInterrupt

    model = nflow.RealNVP(n_layers=2, hidden=(8,), verbose=interrupt, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(moons)
    assert np.isfinite(model.score(moons)) and model.sample(2, random_state=0).shape == (2, 2)
