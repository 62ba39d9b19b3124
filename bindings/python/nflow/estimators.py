# SPDX-License-Identifier: MIT
"""estimators.py - density estimators in scikit-learn's shape

    nflow.RealNVP(random_state=0).fit(X).score_samples(X)

With scikit-learn installed they are its estimators (clone, pipelines, model selection, check_estimator); without it they work the
same by themselves. score is the mean log-likelihood (as GaussianMixture's; KernelDensity's is the sum), sample returns X alone.
"""

import os
from typing import TYPE_CHECKING, Any, Dict, Optional, Sequence, Tuple, Union

import numpy as np

from . import layers
from ._arrays import FLOAT64, plain
from ._context import Context
from ._dataset import Dataset
from ._flow import Flow
from ._parts import Optimizer
from ._plain import PlainEstimator

try:
    from sklearn.base import BaseEstimator, DensityMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

    HAVE_SKLEARN = True
except ImportError:  # absent, or before 1.6
    HAVE_SKLEARN = False

if TYPE_CHECKING or not HAVE_SKLEARN:
    _Base = PlainEstimator
else:

    class _Base(DensityMixin, BaseEstimator):
        """scikit-learn's own."""


VALIDATE_FROM = 20  # rows from which on some are held out
MAX_SEED = 2**31 - 1


class NotFitted(ValueError, AttributeError):
    """An estimator that has not seen data yet was asked about some; with scikit-learn it is its NotFittedError."""


def _random(random_state: Any) -> Any:
    """A numpy RandomState of an int, None or a RandomState."""
    if HAVE_SKLEARN:
        return check_random_state(random_state)
    return random_state if isinstance(random_state, np.random.RandomState) else np.random.RandomState(random_state)


class _Estimator(_Base):
    """What all share. Subclasses say in _make which flow to train."""

    # the parameters that all constructors have
    epochs: int
    batch_size: int
    learning_rate: float
    validation_fraction: float
    patience: int
    dtype: Any
    n_jobs: Optional[int]
    verbose: Any
    random_state: Any
    fit_options: Optional[Dict[str, Any]]

    flow_: Flow

    def _make(self, x: np.ndarray, mean: np.ndarray, sd: np.ndarray, seed: int, context: Context) -> Flow:
        raise NotImplementedError

    def _validate(self, X: Any, reset: bool) -> np.ndarray:
        if HAVE_SKLEARN:
            return validate_data(self, X, reset=reset, dtype=[np.float64, np.float32], order='C')
        X = plain(X, 'X')
        X = X if X.dtype.kind == 'f' else X.astype(FLOAT64)
        if X.ndim != 2:
            raise ValueError('Expected 2D array, got %dD array instead. Reshape your data' % X.ndim)
        if not np.isfinite(X).all():
            raise ValueError('Input X contains NaN or infinity.')
        if reset:
            self.n_features_in_ = X.shape[1]
        elif X.shape[1] != self.n_features_in_:
            raise ValueError('X has %d features, but %s is expecting %d' % (X.shape[1], type(self).__name__, self.n_features_in_))
        return X

    def _weights(self, sample_weight: Any, X: np.ndarray) -> Optional[np.ndarray]:
        if sample_weight is None:
            return None
        if HAVE_SKLEARN:
            return np.asarray(_check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True))
        return np.broadcast_to(np.asarray(sample_weight, dtype=np.float64), (len(X),))

    def _fitted(self) -> Flow:
        if HAVE_SKLEARN:
            check_is_fitted(self, 'flow_')
        elif not hasattr(self, 'flow_'):
            raise NotFitted('This %s instance is not fitted yet' % type(self).__name__)
        return self.flow_

    def _split(self, n: int, random: Any) -> Tuple[np.ndarray, np.ndarray]:
        """Rows to train on, and rows held out: none when there are few."""
        held = int(round(self.validation_fraction * n)) if n >= VALIDATE_FROM else 0
        order = random.permutation(n) if held else np.arange(n)
        return np.sort(order[held:]), np.sort(order[:held])

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Trains on rows X; y is ignored. After KeyboardInterrupt the estimator holds the best weights so far."""
        X = self._validate(X, True)
        if len(X) < 2:
            raise ValueError('n_samples = 1: a density needs at least two rows')
        weights = self._weights(sample_weight, X)
        random = _random(self.random_state)
        seed = int(random.randint(MAX_SEED))
        train, held = self._split(len(X), random)
        if weights is not None and len(held) and not (weights[held].any() and weights[train].any()):
            train, held = np.arange(len(X)), np.arange(0)
        mean = np.average(X, axis=0, weights=weights)
        sd = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
        self.flow_ = self._make(X, mean, sd, seed, Context(threads=1 if self.n_jobs is None else self.n_jobs))

        def part(rows: np.ndarray) -> Dataset:
            return Dataset(X[rows], weights=None if weights is None else weights[rows])

        options = {'epochs': self.epochs, 'batch': self.batch_size, 'seed': seed, 'patience': self.patience if len(held) else 0}
        options.update(self.fit_options or {})
        report = self.flow_.fit(
            part(train),
            valid=part(held) if len(held) else None,
            optimizer=Optimizer('adam', lr=self.learning_rate),
            progress=self.verbose,
            **options,
        )
        self.n_iter_ = report.epochs
        self.report_ = report
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """log p(x) of each row, in nats."""
        flow = self._fitted()
        return flow.log_prob(self._validate(X, False))

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of score_samples."""
        return float(np.mean(self.score_samples(X)))

    def sample(self, n_samples: int = 1, random_state: Any = None) -> np.ndarray:
        """n_samples rows of the density learned; random_state None: that of the estimator."""
        flow = self._fitted()
        random = _random(self.random_state if random_state is None else random_state)
        return np.asarray(flow.sample(n_samples, seed=int(random.randint(MAX_SEED))))

    def save(self, path: Union[str, 'os.PathLike[str]']) -> None:
        """Writes the flow as a model file, which nflow.Flow.load, C and the nflow command read."""
        self._fitted().save(path)

    @classmethod
    def load(cls, path: Union[str, 'os.PathLike[str]'], **params: Any) -> Any:
        """An estimator that holds the flow of a model file; params are those of the constructor."""
        estimator = cls(**params)
        estimator.flow_ = Flow.load(path)
        estimator.n_features_in_ = estimator.flow_.dim
        return estimator


def _spread(sd: np.ndarray, X: np.ndarray) -> np.ndarray:
    """The columns' sd, refused where a column does not vary: it has no density."""
    constant = np.flatnonzero(X.max(axis=0) == X.min(axis=0))
    if len(constant):
        raise ValueError('column %d is constant: leave it out, it has no density' % constant[0])
    return sd


def _two_columns(name: str, X: np.ndarray) -> None:
    if X.shape[1] < 2:
        raise ValueError('%s needs at least two columns, one conditions the other: n_features = 1' % name)


class RealNVP(_Estimator):
    """RealNVP on standardised columns.

    n_layers couplings, networks of `hidden` units, preset "default" or "book"; None takes what the preset has. Trained by Adam
    with a cosine schedule; of 20 rows or more, validation_fraction is held out to choose the best epoch and to stop after
    `patience` epochs without a better one (0: never). dtype is the precision; n_jobs the threads, with the same results for any
    number; verbose as `progress` of nflow.Flow.fit; fit_options are further fields of nf_fit_config.
    """

    def __init__(
        self,
        n_layers: Optional[int] = None,
        hidden: Optional[Sequence[int]] = None,
        *,
        preset: str = 'default',
        epochs: int = 100,
        batch_size: int = 256,
        learning_rate: float = 3e-3,
        validation_fraction: float = 0.1,
        patience: int = 20,
        dtype: Any = 'float32',
        n_jobs: Optional[int] = None,
        verbose: Any = False,
        random_state: Any = None,
        fit_options: Optional[Dict[str, Any]] = None,
    ) -> None:
        self.n_layers = n_layers
        self.hidden = hidden
        self.preset = preset
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state
        self.fit_options = fit_options

    def _make(self, x: np.ndarray, mean: np.ndarray, sd: np.ndarray, seed: int, context: Context) -> Flow:
        _two_columns('RealNVP', x)
        return Flow.recipe(
            'realnvp',
            context=context,
            dim=x.shape[1],
            layers=self.n_layers,
            hidden=self.hidden,
            preset=self.preset,
            dtype=self.dtype,
            seed=seed,
            mean=mean,
            sd=_spread(sd, x),
        )


class NSF(_Estimator):
    """Neural spline flow on standardised columns: the usual choice for tables.

    n_layers couplings of splines with `bins` bins, networks of `hidden` units; None takes what the recipe has. The other
    parameters are those of RealNVP.
    """

    def __init__(
        self,
        n_layers: Optional[int] = None,
        hidden: Optional[Sequence[int]] = None,
        *,
        bins: Optional[int] = None,
        epochs: int = 100,
        batch_size: int = 256,
        learning_rate: float = 3e-3,
        validation_fraction: float = 0.1,
        patience: int = 20,
        dtype: Any = 'float32',
        n_jobs: Optional[int] = None,
        verbose: Any = False,
        random_state: Any = None,
        fit_options: Optional[Dict[str, Any]] = None,
    ) -> None:
        self.n_layers = n_layers
        self.hidden = hidden
        self.bins = bins
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state
        self.fit_options = fit_options

    def _make(self, x: np.ndarray, mean: np.ndarray, sd: np.ndarray, seed: int, context: Context) -> Flow:
        return Flow.recipe(
            'nsf',
            context=context,
            dim=x.shape[1],
            layers=self.n_layers,
            hidden=self.hidden,
            bins=self.bins,
            dtype=self.dtype,
            seed=seed,
            mean=mean,
            sd=_spread(sd, x),
        )


class FFJORD(_Estimator):
    """FFJORD, a continuous flow, on standardised columns.

    blocks continuous layers with networks of `hidden` units, solved to the tolerances rtol and atol; preset "toy" or "tabular";
    None takes what the preset has. The other parameters are those of RealNVP.
    """

    def __init__(
        self,
        blocks: Optional[int] = None,
        hidden: Optional[Sequence[int]] = None,
        *,
        preset: str = 'toy',
        rtol: Optional[float] = None,
        atol: Optional[float] = None,
        epochs: int = 100,
        batch_size: int = 256,
        learning_rate: float = 3e-3,
        validation_fraction: float = 0.1,
        patience: int = 20,
        dtype: Any = 'float32',
        n_jobs: Optional[int] = None,
        verbose: Any = False,
        random_state: Any = None,
        fit_options: Optional[Dict[str, Any]] = None,
    ) -> None:
        self.blocks = blocks
        self.hidden = hidden
        self.preset = preset
        self.rtol = rtol
        self.atol = atol
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state
        self.fit_options = fit_options

    def _make(self, x: np.ndarray, mean: np.ndarray, sd: np.ndarray, seed: int, context: Context) -> Flow:
        return Flow.recipe(
            'ffjord',
            context=context,
            dim=x.shape[1],
            blocks=self.blocks,
            hidden=self.hidden,
            preset=self.preset,
            rtol=self.rtol,
            atol=self.atol,
            dtype=self.dtype,
            seed=seed,
            mean=mean,
            sd=_spread(sd, x),
        )


class Glow(_Estimator):
    """GLOW: of images, or of a table.

    image_shape (height, width, channels): rows are images in this order, of whole numbers 0..255 (bits 8; fewer drop the lowest
    bits; 17: real numbers). n_steps steps at each of n_levels levels, networks of `hidden` channels. image_shape None: a table,
    which is an image of one pixel; its steps are actnorm, an invertible matrix and a coupling with a network of two layers of
    `hidden` units, on standardised columns. None takes the recipe's own: 8 steps, as many levels as fit up to 3, 128 channels (64
    units). The other parameters are those of RealNVP.
    """

    def __init__(
        self,
        n_steps: Optional[int] = None,
        hidden: Optional[int] = None,
        *,
        image_shape: Optional[Tuple[int, int, int]] = None,
        n_levels: Optional[int] = None,
        bits: int = 8,
        epochs: int = 100,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        validation_fraction: float = 0.1,
        patience: int = 20,
        dtype: Any = 'float32',
        n_jobs: Optional[int] = None,
        verbose: Any = False,
        random_state: Any = None,
        fit_options: Optional[Dict[str, Any]] = None,
    ) -> None:
        self.n_steps = n_steps
        self.hidden = hidden
        self.image_shape = image_shape
        self.n_levels = n_levels
        self.bits = bits
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state
        self.fit_options = fit_options

    def _make(self, x: np.ndarray, mean: np.ndarray, sd: np.ndarray, seed: int, context: Context) -> Flow:
        if self.image_shape is None:
            return self._table(x, mean, sd, seed, context)
        height, width, channels = self.image_shape
        if height * width * channels != x.shape[1]:
            raise ValueError(
                'X has %d columns, image_shape %r makes %d' % (x.shape[1], self.image_shape, height * width * channels)
            )
        return Flow.recipe(
            'glow',
            context=context,
            height=height,
            width=width,
            channels=channels,
            levels=self.n_levels,
            steps=self.n_steps,
            hidden=self.hidden,
            bits=self.bits,
            dtype=self.dtype,
            seed=seed,
        )

    def _table(self, x: np.ndarray, mean: np.ndarray, sd: np.ndarray, seed: int, context: Context) -> Flow:
        _two_columns('Glow of a table', x)
        dim, width = x.shape[1], 64 if self.hidden is None else self.hidden
        chain = [layers.standardise(dim=dim, mean=mean, sd=_spread(sd, x), context=context)]
        for _ in range(8 if self.n_steps is None else self.n_steps):
            chain += [
                layers.actnorm(dim=dim, context=context),
                layers.linear(dim=dim, context=context),
                layers.coupling_affine(dim=dim, mask='half', hidden=(width, width), context=context),
            ]
        return Flow(chain, dtype=self.dtype, seed=seed, context=context)


class FlowEstimator(_Estimator):
    """Any flow as an estimator.

    flow: a nflow.Flow, of which a copy is trained, or a function of the number of columns that makes one; None: RealNVP's
    default. The other parameters are those of RealNVP; dtype is that of the flow.
    """

    def __init__(
        self,
        flow: Any = None,
        *,
        epochs: int = 100,
        batch_size: int = 256,
        learning_rate: float = 3e-3,
        validation_fraction: float = 0.1,
        patience: int = 20,
        n_jobs: Optional[int] = None,
        verbose: Any = False,
        random_state: Any = None,
        fit_options: Optional[Dict[str, Any]] = None,
    ) -> None:
        self.flow = flow
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state
        self.fit_options = fit_options

    def _make(self, x: np.ndarray, mean: np.ndarray, sd: np.ndarray, seed: int, context: Context) -> Flow:
        if self.flow is None:
            _two_columns('FlowEstimator without a flow', x)
            return Flow.recipe('realnvp', context=context, dim=x.shape[1], seed=seed, mean=mean, sd=_spread(sd, x))
        flow = self.flow if isinstance(self.flow, Flow) else self.flow(x.shape[1])
        if flow.dim != x.shape[1]:
            raise ValueError('X has %d columns, the flow %d' % (x.shape[1], flow.dim))
        return Flow.from_bytes(flow.to_bytes(), context=context)
