# SPDX-License-Identifier: MIT
"""How arrays go in and out: without a copy where they fit, copied by the rule where they do not, refused where they mean
nothing."""

import numpy as np
import pytest

import nflow
from nflow._arrays import FLOAT32, table


class Tensor:
    """What DLPack asks of a tensor, and nothing that NumPy could take otherwise."""

    def __init__(self, array, device=None):
        self.array, self.device, self.exported = array, device, 0

    def __dlpack__(self, **options):
        self.exported += 1
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.device or self.array.__dlpack_device__()


def test_what_fits_is_not_copied(moons):
    assert table(moons, FLOAT32, 2, 'x') is moons
    assert np.shares_memory(table(Tensor(moons), FLOAT32, 2, 'x'), moons)
    assert np.shares_memory(table(moons[100:200], FLOAT32, 2, 'x'), moons)


@pytest.mark.parametrize(
    'change',
    [
        np.asfortranarray,
        lambda x: x.astype('float64'),
        lambda x: x.astype('>f4'),
        lambda x: x.tolist(),
        lambda x: np.repeat(x, 2, axis=0)[::2],
        Tensor,
        lambda x: np.frombuffer(b'\0' + x.tobytes(), 'u1')[1:].view('f4').reshape(x.shape),
    ],
    ids=['fortran', 'float64', 'big-endian', 'list', 'strided', 'dlpack', 'unaligned'],
)
def test_any_layout_gives_the_same_bits(trained, moons, change):
    assert np.array_equal(trained.log_prob(change(moons)), trained.log_prob(moons))


def test_whole_numbers_and_bools():
    flow = nflow.Flow([], nflow.bases.normal(dim=2))
    assert flow.log_prob(np.array([[0, 1]])) == pytest.approx(flow.log_prob(np.array([[0.0, 1.0]])))
    assert np.array_equal(flow.log_prob(np.array([[False, True]])), flow.log_prob([[0, 1]]))


def test_what_is_refused(trained):
    for x, error, text in [
        ([1.0, 2.0], ValueError, 'Reshape'),
        (np.zeros((3, 1)), ValueError, 'must have 2'),
        (np.zeros((2, 2), complex), ValueError, 'Complex'),
        ([['a', 'b']], TypeError, 'real numbers'),
        (np.zeros((1, 2), object), TypeError, 'real numbers'),
        (np.zeros((1, 2, 1)), ValueError, 'axes'),
        (Tensor(np.zeros((1, 2), 'f4'), (2, 0)), ValueError, 'CPU'),
    ]:
        with pytest.raises(error, match=text):
            trained.log_prob(x)


def test_out(trained, moons):
    out = np.empty(len(moons))
    assert trained.log_prob(moons, out=out) is out and np.array_equal(out, trained.log_prob(moons))
    z = np.empty_like(moons)
    assert trained.forward(moons, out=z) is z and np.array_equal(z, trained.forward(moons))
    assert trained.sample(10, seed=1, out=z[:10]).base is z
    frozen = np.empty(len(moons))
    frozen.flags.writeable = False
    for wrong in (np.empty(3), np.empty(len(moons), 'f4'), np.empty(2 * len(moons))[::2], [0.0] * len(moons), frozen):
        with pytest.raises((ValueError, BufferError, TypeError)):
            trained.log_prob(moons, out=wrong)


def test_no_rows(trained):
    assert trained.log_prob(np.empty((0, 2), 'float32')).shape == (0,)
    assert trained.sample(0, seed=1).shape == (0, 2)
    assert trained.score(np.empty((0, 2))).shape == (0, 2)


def test_results_go_out_by_dlpack(trained, moons):
    z = trained.forward(moons)
    assert np.shares_memory(np.from_dlpack(z), z)
    x = trained.params
    assert all(np.from_dlpack(np.array(value)).shape == value.shape for value in x.values())


def test_torch(trained, moons):
    torch = pytest.importorskip('torch', reason='torch is not installed')
    tensor = torch.from_numpy(moons)
    assert np.array_equal(trained.log_prob(tensor), trained.log_prob(moons))
    assert torch.from_dlpack(trained.sample(5, seed=1)).shape == (5, 2)


def test_cond_is_one_row_or_a_row_each(conditional):
    x = np.random.default_rng(1).standard_normal((5, 3))
    one, each = np.array([0.5, -1.0]), np.tile([0.5, -1.0], (5, 1))
    assert np.array_equal(conditional.log_prob(x, one), conditional.log_prob(x, each))
    assert not np.array_equal(conditional.log_prob(x, one), conditional.log_prob(x, -each))
    with pytest.raises(ValueError, match='cond has the shape'):
        conditional.log_prob(x, each[:4])
    with pytest.raises(nflow.ArgumentError):
        conditional.log_prob(x)


def test_rows_that_are_not_finite(trained, moons):
    x = moons.copy()
    x[3, 1] = np.nan
    with pytest.warns(nflow.RowsWarning, match='row 3|first'):
        got = trained.log_prob(x)
    assert np.isnan(got[3]) and np.array_equal(np.delete(got, 3), np.delete(trained.log_prob(moons), 3))
