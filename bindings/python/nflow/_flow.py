# SPDX-License-Identifier: MIT
"""_flow.py - flows: exact densities and exact samples"""

import os
import secrets
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import _fit, _target
from ._arrays import (
    DTYPES,
    FLOAT64,
    NULL,
    POINTERS,
    both,
    contiguous,
    dtype_code,
    from_buffer,
    output,
    plain,
    pointer,
    table,
    vector,
)
from ._context import Context, context_or_default
from ._dataset import Dataset, Report, as_dataset, new_report, read_report
from ._errors import check, create
from ._native import ffi, lib
from ._parts import Base, Layer
from ._tables import RECIPE_PREFIX, Config, recipes

Array = np.ndarray
_DOUBLES = POINTERS[FLOAT64]
_ndarray, _empty = np.ndarray, np.empty

_log_prob, _sample, _forward, _inverse = (
    both('nf_flow_log_prob'),
    both('nf_flow_sample'),
    both('nf_flow_forward'),
    both('nf_flow_inverse'),
)
_score, _nll_grad, _params = both('nf_flow_score'), both('nf_flow_nll_grad_weighted'), both('nf_flow_params')
_init_data, _check_flow, _solver_report = both('nf_flow_init_data'), both('nf_flow_check'), both('nf_flow_solver_report')
_interpolate, _direction, _move = both('nf_flow_interpolate'), both('nf_flow_direction'), both('nf_flow_move')
_sample_temperatures = both('nf_flow_sample_temperatures')


def random_seed() -> int:
    """A seed that nobody knows beforehand."""
    return secrets.randbits(63)


class Flow:
    """A flow: a chain of layers over a base, and its weights.

    layers[0] is next to the data; base None is the standard normal. Other keywords are those of the flow's config about conditions: cond_dim,
    cond_mean, cond_sd, embed_dim, embed_hidden, embed_activation; layers have cond_dim = embed_dim then. x, z are [rows][dim], cond [rows][cond_dim] or one row for
    all; logarithms are natural. Calls that do not change the flow may run in any number of threads at once. Rows that are not
    finite become NaN, with a nflow.RowsWarning. How arrays are taken: nflow/_arrays.py.
    """

    __slots__ = ('_handle', '_dtype', '_dim', '_cond_dim', '_reals', '_c_log_prob', '__weakref__')
    _handle: Any
    _dtype: Any
    _reals: Any

    def __init__(
        self,
        layers: Sequence[Layer],
        base: Optional[Base] = None,
        *,
        dtype: Any = 'float32',
        seed: int = 0,
        context: Optional[Context] = None,
        **conditions: Any,
    ) -> None:
        context = context_or_default(context)
        if base is None:
            if not layers:
                raise ValueError('a flow without layers needs a base')
            base = Base('normal', dim=layers[-1].dim, context=context)
        handles = ffi.new('nf_layer *[]', [layer._handle for layer in layers])
        config = Config('flow', {**conditions, 'dtype': dtype_code(dtype), 'seed': seed})
        self._take(
            create(lib.nf_flow_create, 'nf_flow', lib.nf_flow_unref, context._handle, config, base._handle, handles, len(layers))
        )

    def _take(self, handle: Any) -> 'Flow':
        self._handle = handle
        self._dtype = DTYPES[lib.nf_flow_dtype(handle)]
        self._reals = POINTERS[self._dtype]
        self._dim = lib.nf_flow_dim(handle)
        self._cond_dim = lib.nf_flow_cond_dim(handle)
        self._c_log_prob = _log_prob[self._dtype]
        return self

    @classmethod
    def _create(cls, function: Any, *arguments: Any) -> 'Flow':
        return cls.__new__(cls)._take(create(function, 'nf_flow', lib.nf_flow_unref, *arguments))

    # ---- where flows come from, and go to

    @classmethod
    def recipe(cls, name: str, *, context: Optional[Context] = None, **fields: Any) -> 'Flow':
        """A flow by recipe, "realnvp", "nsf", "glow", ...: nflow.recipes has a function with documentation for each."""
        config = recipes().get(name)
        if config is None:
            raise ValueError('no recipe is called %r: %s' % (name, ', '.join(recipes())))
        if fields.get('dtype') is not None and not isinstance(fields['dtype'], int):
            fields['dtype'] = dtype_code(fields['dtype'])
        return cls._create(getattr(lib, RECIPE_PREFIX + name), context_or_default(context)._handle, Config(config, fields))

    @classmethod
    def load(cls, path: Any, *, context: Optional[Context] = None) -> 'Flow':
        """Reads a model file, checked in full: it is data only, and may come from anyone."""
        return cls._create(lib.nf_flow_load, context_or_default(context)._handle, os.fsencode(path))

    @classmethod
    def from_bytes(cls, data: Any, *, context: Optional[Context] = None) -> 'Flow':
        """The same from the bytes of a model file."""
        view = from_buffer(data)
        return cls._create(lib.nf_flow_load_memory, context_or_default(context)._handle, view, len(view))

    @classmethod
    def from_json(cls, description: str, *, context: Optional[Context] = None) -> 'Flow':
        """A flow from a description, with fresh weights."""
        return cls._create(lib.nf_flow_from_json, context_or_default(context)._handle, description.encode())

    @staticmethod
    def verify(path: Any, *, context: Optional[Context] = None) -> Tuple[float, int]:
        """Loads a file and computes its self-test rows again: (largest error, rows)."""
        error, rows = ffi.new('double *'), ffi.new('int64_t *')
        check(lib.nf_flow_verify(context_or_default(context)._handle, os.fsencode(path), error, rows))
        return float(error[0]), int(rows[0])

    def save(self, path: Any) -> None:
        """Writes a model file: the path holds the old file or the new one, whole, whatever happens."""
        check(lib.nf_flow_save(self._handle, os.fsencode(path)))

    def _bytes(self, function: Any, ctype: str) -> Any:
        size = ffi.new('int64_t *')
        check(function(self._handle, NULL, 0, size))
        buffer = ffi.new(ctype, size[0])
        check(function(self._handle, buffer, size[0], size))
        return ffi.buffer(buffer, size[0])[:]

    def to_bytes(self) -> bytes:
        """The bytes of a model file; equal flows give equal bytes."""
        return bytes(self._bytes(lib.nf_flow_save_memory, 'char[]'))

    def to_json(self) -> str:
        """The description that model files carry: layers and their fields, without weights."""
        return str(self._bytes(lib.nf_flow_to_json, 'char[]')[:-1].decode())

    def __reduce__(self) -> Tuple[Any, Tuple[bytes]]:
        return Flow.from_bytes, (self.to_bytes(),)

    def copy(self) -> 'Flow':
        """A flow of its own with the same weights."""
        return self.convert(self._dtype)

    def convert(self, dtype: Any) -> 'Flow':
        """A copy in the other precision, or the same."""
        return self._create(lib.nf_flow_convert, self._handle, dtype_code(dtype))

    # ---- what it is

    @property
    def dim(self) -> int:
        """Columns of x and z."""
        return int(self._dim)

    @property
    def cond_dim(self) -> int:
        """Conditioning columns, 0 for none."""
        return int(self._cond_dim)

    @property
    def dtype(self) -> Any:
        """The precision that it computes in."""
        return self._dtype

    @property
    def param_count(self) -> int:
        """Number of weights."""
        return int(lib.nf_flow_param_count(self._handle))

    @property
    def layers(self) -> List[Layer]:
        """Its layers, the one next to the data first."""
        return [
            Layer._of(ffi.gc(lib.nf_layer_ref(lib.nf_flow_layer(self._handle, i)), lib.nf_layer_unref))
            for i in range(lib.nf_flow_layers(self._handle))
        ]

    @property
    def base(self) -> Base:
        """The distribution of z."""
        return Base._of(ffi.gc(lib.nf_base_ref(lib.nf_flow_base(self._handle)), lib.nf_base_unref))

    @property
    def image_shape(self) -> Optional[Tuple[int, int, int]]:
        """(height, width, channels) of its rows when they are images."""
        sizes = ffi.new('int64_t[3]')
        check(lib.nf_flow_image_shape(self._handle, sizes, sizes + 1, sizes + 2))
        return (sizes[0], sizes[1], sizes[2]) if sizes[0] else None

    def info(self) -> Report:
        """Sizes and costs, nf_flow_info_report."""
        report = new_report('nf_flow_info_report')
        check(lib.nf_flow_info(self._handle, report))
        return read_report(report)

    def step_memory(self, n: int) -> Report:
        """What a step of training with n rows takes, in bytes."""
        report = new_report('nf_step_memory_report')
        check(lib.nf_flow_step_memory(self._handle, n, report))
        return read_report(report)

    def check(self, x: Any, cond: Any = None) -> Report:
        """Checks round trip, log-determinant and gradients on rows of yours: read its `passed`."""
        x = self._rows(x)
        cond = self._cond(cond, len(x))
        report = new_report('nf_check_report')
        check(_check_flow[self._dtype](self._handle, len(x), pointer(x), pointer(cond), report))
        return read_report(report)

    def solver_report(self, x: Any, cond: Any = None) -> Report:
        """What its continuous layers needed for these rows."""
        x = self._rows(x)
        cond = self._cond(cond, len(x))
        report = new_report('nf_solver_report')
        check(_solver_report[self._dtype](self._handle, len(x), pointer(x), pointer(cond), report))
        return read_report(report)

    def __repr__(self) -> str:
        condition = ', cond_dim=%d' % self._cond_dim if self._cond_dim else ''
        return '<nflow flow: dim=%d%s, %d layers over %s, %s parameters, %s>' % (
            self._dim,
            condition,
            lib.nf_flow_layers(self._handle),
            self.base.type,
            format(self.param_count, ','),
            self._dtype,
        )

    # ---- arrays

    def _rows(self, x: Any, name: str = 'x') -> Array:
        return table(x, self._dtype, self._dim, name)

    def _row(self, x: Any, name: str) -> Array:
        x = contiguous(x, self._dtype, name)
        if x.shape != (self._dim,):
            raise ValueError('%s has the shape %r, must be one row, (%d,)' % (name, x.shape, self._dim))
        return x

    def _cond(self, cond: Any, n: int) -> Optional[Array]:
        if cond is None:
            return None
        cond = plain(cond, 'cond')
        if cond.shape in ((self._cond_dim,), (1, self._cond_dim)):
            cond = np.broadcast_to(cond, (n, self._cond_dim))
        cond = table(cond, self._dtype, None, 'cond')
        if self._cond_dim and cond.shape != (n, self._cond_dim):
            raise ValueError('cond has the shape %r, must be (%d, %d)' % (cond.shape, n, self._cond_dim))
        return cond

    # ---- densities and samples

    def log_prob(self, x: Any, cond: Any = None, *, out: Optional[Array] = None) -> Array:
        """log p(x) of each row, [rows] in double, in nats and in the units of x."""
        if (
            type(x) is not _ndarray
            or x.dtype is not self._dtype
            or x.ndim != 2
            or x.shape[1] != self._dim
            or not x.flags.c_contiguous
        ):
            x = table(x, self._dtype, self._dim, 'x')
        n = len(x)
        if out is None:
            out = _empty(n)
        elif type(out) is not _ndarray or out.dtype is not FLOAT64 or out.shape != (n,) or not out.flags.c_contiguous:
            out = output(out, (n,), FLOAT64)
        status = self._c_log_prob(
            self._handle,
            n,
            from_buffer(self._reals, x),
            NULL if cond is None else pointer(self._cond(cond, n)),
            from_buffer(_DOUBLES, out, True),
        )
        if status:
            check(status)
        return out

    def sample(
        self,
        n: int,
        *,
        seed: Optional[int] = None,
        first: int = 0,
        cond: Any = None,
        temperature: float = 1.0,
        log_prob: bool = False,
        out: Optional[Array] = None,
    ) -> Any:
        """n samples, numbers first .. first + n - 1 of the endless sequence that `seed` names; None: a seed that nobody knows.

        log_prob=True: (x, log p(x)). Every sample has the same bits whether drawn alone or in a million.
        """
        x = output(out, (n, self._dim), self._dtype)
        density = np.empty(n) if log_prob else None
        cond = self._cond(cond, n)
        check(
            _sample[self._dtype](
                self._handle,
                random_seed() if seed is None else seed,
                first,
                n,
                pointer(cond),
                temperature,
                pointer(x),
                pointer(density),
            )
        )
        return x if density is None else (x, density)

    def sample_temperatures(
        self, n: int, temperatures: Any, *, seed: Optional[int] = None, first: int = 0, cond: Any = None
    ) -> Array:
        """The same samples at several temperatures, [temperatures][n][dim]."""
        temperatures = contiguous(temperatures, FLOAT64, 'temperatures').reshape(-1)
        x = np.empty((len(temperatures), n, self._dim), self._dtype)
        cond = self._cond(cond, n)
        check(
            _sample_temperatures[self._dtype](
                self._handle,
                random_seed() if seed is None else seed,
                first,
                n,
                pointer(cond),
                len(temperatures),
                pointer(temperatures),
                pointer(x),
            )
        )
        return x

    def _map(self, function: Any, x: Array, cond: Any, log_det: bool, out: Optional[Array]) -> Any:
        out = output(out, x.shape, self._dtype)
        determinant = np.empty(len(x)) if log_det else None
        cond = self._cond(cond, len(x))
        check(function(self._handle, len(x), pointer(x), pointer(cond), pointer(out), pointer(determinant)), 4)
        return out if determinant is None else (out, determinant)

    def forward(self, x: Any, cond: Any = None, *, log_det: bool = False, out: Optional[Array] = None) -> Any:
        """z = f(x); log_det=True: (z, log|det dz/dx|)."""
        return self._map(_forward[self._dtype], self._rows(x), cond, log_det, out)

    def inverse(self, z: Any, cond: Any = None, *, log_det: bool = False, out: Optional[Array] = None) -> Any:
        """x = f^-1(z); log_det=True: (x, log|det dx/dz|)."""
        return self._map(_inverse[self._dtype], self._rows(z, 'z'), cond, log_det, out)

    def score(self, x: Any, cond: Any = None, *, log_prob: bool = False, out: Optional[Array] = None) -> Any:
        """d log p(x) / dx of each row; log_prob=True: (gradient, log p(x))."""
        x = self._rows(x)
        out = output(out, x.shape, self._dtype)
        density = np.empty(len(x)) if log_prob else None
        cond = self._cond(cond, len(x))
        check(_score[self._dtype](self._handle, len(x), pointer(x), pointer(cond), pointer(density), pointer(out)))
        return out if density is None else (out, density)

    def mean_nll(self, data: Union[Dataset, Any], cond: Any = None, weights: Any = None) -> float:
        """Mean negative log-likelihood of a dataset or array, nats a row."""
        mean = ffi.new('double *')
        check(lib.nf_flow_mean_nll(self._handle, as_dataset(data, cond, weights)._handle, mean))
        return float(mean[0])

    # ---- latent space

    def interpolate(self, x0: Any, x1: Any, steps: int, *, path: str = 'linear', cond: Any = None) -> Array:
        """Rows on the way from x0 to x1, in z: path "linear" or "spherical"."""
        paths = {'linear': lib.NF_PATH_LINEAR, 'spherical': lib.NF_PATH_SPHERICAL}
        if path not in paths:
            raise ValueError('path is %r, must be one of %s' % (path, ', '.join(paths)))
        x0, x1, cond = self._row(x0, 'x0'), self._row(x1, 'x1'), self._cond(cond, steps)
        x = np.empty((max(steps, 0), self._dim), self._dtype)
        check(_interpolate[self._dtype](self._handle, paths[path], steps, pointer(x0), pointer(x1), pointer(cond), pointer(x)))
        return x

    def direction(self, x_with: Any, x_without: Any, cond_with: Any = None, cond_without: Any = None) -> Array:
        """The direction in z of an attribute that some rows have and others have not, [dim]: for move()."""
        x_with, x_without = self._rows(x_with, 'x_with'), self._rows(x_without, 'x_without')
        cond_with, cond_without = self._cond(cond_with, len(x_with)), self._cond(cond_without, len(x_without))
        out = np.empty(self._dim, self._dtype)
        check(
            _direction[self._dtype](
                self._handle,
                len(x_with),
                pointer(x_with),
                pointer(cond_with),
                len(x_without),
                pointer(x_without),
                pointer(cond_without),
                pointer(out),
            )
        )
        return out

    def move(self, x: Any, direction: Any, amount: float, cond: Any = None) -> Array:
        """Rows moved along a direction of z."""
        x, direction = self._rows(x), self._row(direction, 'direction')
        cond = self._cond(cond, len(x))
        out = np.empty_like(x)
        check(_move[self._dtype](self._handle, len(x), pointer(x), pointer(cond), pointer(direction), amount, pointer(out)))
        return out

    # ---- weights and training

    def _blocks(self) -> Tuple[Array, Array]:
        """The weights and their gradient where they are; the arrays keep the flow's memory alive."""
        real = self._reals.item.cname + ' **'
        theta, grad, count = ffi.new(real), ffi.new(real), ffi.new('int64_t *')
        check(_params[self._dtype](self._handle, theta, grad, count), 4)
        return self._block(theta[0], count[0]), self._block(grad[0], count[0])

    def _block(self, first: Any, count: int) -> Array:
        if count == 0:
            return np.empty(0, self._dtype)
        memory = ffi.buffer(ffi.gc(first, _Release(self._handle)), count * self._dtype.itemsize)
        return np.frombuffer(memory, self._dtype)

    def _views(self, block: Array) -> Dict[str, Array]:
        views: Dict[str, Array] = {}
        view = new_report('nf_param_view')
        while lib.nf_flow_param(self._handle, len(views), view) == lib.NF_OK:
            shape = tuple(view.shape[i] for i in range(view.rank))
            views[ffi.string(view.name).decode()] = block[view.offset : view.offset + view.count].reshape(shape)
        return views

    @property
    def params(self) -> Dict[str, Array]:
        """{name: weights}, read-only views of the flow's own memory: they show later changes. set_params() writes."""
        block = self._blocks()[0]
        block.flags.writeable = False
        return self._views(block)

    @property
    def grads(self) -> Dict[str, Array]:
        """{name: gradient}, views of the flow's own memory; may be written."""
        return self._views(self._blocks()[1])

    def set_params(self, params: Union[Mapping[str, Any], Array]) -> 'Flow':
        """Sets weights by name, those not named stay; or all of them as one flat array. All or nothing."""
        if not isinstance(params, Mapping):
            flat = vector(params, self.param_count, 'params')
        else:
            flat = np.empty(self.param_count)
            check(lib.nf_flow_get_params(self._handle, len(flat), pointer(flat)))
            views = self._views(flat)
            for name, value in params.items():
                if name not in views:
                    raise KeyError(name)
                value = plain(value, name)
                if value.shape != views[name].shape:
                    raise ValueError('%s has the shape %r, must be %r' % (name, value.shape, views[name].shape))
                views[name][...] = value
        check(lib.nf_flow_set_params(self._handle, len(flat), pointer(flat)))
        return self

    def get_params(self) -> Array:
        """A copy of all weights as one flat array of double."""
        flat = np.empty(self.param_count)
        check(lib.nf_flow_get_params(self._handle, len(flat), pointer(flat)))
        return flat

    def nll_grad(self, x: Any, cond: Any = None, weights: Any = None) -> float:
        """The mean NLL of rows; adds its gradient to `grads`. An optimizer's step(flow) applies and zeroes it."""
        x = self._rows(x)
        cond = self._cond(cond, len(x))
        weights = None if weights is None else vector(weights, len(x), 'weights')
        mean = ffi.new('double *')
        check(_nll_grad[self._dtype](self._handle, len(x), pointer(x), pointer(cond), pointer(weights), mean))
        return float(mean[0])

    def zero_grad(self) -> None:
        """Zeroes the gradient."""
        check(lib.nf_flow_zero_grad(self._handle))

    def update(self) -> None:
        """Brings packed copies of the weights up to date, after writing weights through the low level."""
        check(lib.nf_flow_update(self._handle))

    def init_data(self, x: Any, cond: Any = None) -> None:
        """Initialises the layers that want to see data first; fit() does it by itself."""
        x = self._rows(x)
        cond = self._cond(cond, len(x))
        check(_init_data[self._dtype](self._handle, len(x), pointer(x), pointer(cond)))

    def reserve(self, n: int, gradient: bool = False) -> None:
        """Prepares work space for calls of up to n rows."""
        check(lib.nf_flow_reserve(self._handle, n, int(gradient)))

    def fit(
        self,
        data: Union[Dataset, Any],
        cond: Any = None,
        weights: Any = None,
        *,
        valid: Union[Dataset, Any, None] = None,
        optimizer: Any = None,
        progress: Any = None,
        **fields: Any,
    ) -> Report:
        """Trains by maximum likelihood; returns nf_fit_report with the curves as arrays.

        optimizer  default nflow.Adam()
        progress   True: a bar of tqdm where it is installed, else lines in the log "nflow"; or a function that is called with the
                   figures of each epoch (and each progress_steps steps) and stops the training by returning something true
        fields     of nf_fit_config: epochs, batch, seed, patience, schedule, clip_norm, ema_decay, checkpoint, resume ...

        KeyboardInterrupt, in the main thread, ends the training after the step at hand; the flow keeps its best weights, then the
        interrupt goes on. So does what a progress function raises.
        """
        return _fit.fit(
            self, as_dataset(data, cond, weights), None if valid is None else as_dataset(valid), optimizer, progress, fields
        )

    # ---- densities known up to a factor

    def fit_target(
        self,
        log_density: Callable[..., Any],
        data: Union[Dataset, Any, None] = None,
        cond: Any = None,
        *,
        optimizer: Any = None,
        progress: Any = None,
        **fields: Any,
    ) -> Report:
        """Fits to a density that is known up to a factor, from the flow's own draws; returns nf_target_report.

        log_density  log_density(x), of a flow with conditions log_density(x, cond): (log p [n], d log p / dx [n][dim]) of rows in
                     double, log p up to a constant
        data, cond   rows of the target, if some are known; conditions must come with them
        optimizer    default nflow.Adam()
        progress     True: a bar of tqdm where it is installed, else lines in the log "nflow"; or a function that is called with the
                     figures of each round and stops by returning something true
        fields       of nf_target_config: steps, batch, seed, estimator, beta_start, beta_steps, data_weight, ema_decay, checkpoint,
                     resume ...: all are in docs/variational.md

        What the functions raise, KeyboardInterrupt too, ends the fit with the weights so far, and goes on.
        """
        rows = None if data is None else as_dataset(data, cond)
        return _target.fit(self, log_density, rows, optimizer, progress, fields)

    def importance(
        self, log_density: Callable[..., Any], n: int, cond: Any = None, *, seed: Optional[int] = None, first: int = 0
    ) -> Report:
        """Importance sampling of a density that is known up to a factor: nf_importance_report (elbo, log_z, ess, pareto_k ...)
        with the draws x [n][dim] and log_weight [n] = log p - log q.

        log_density as in fit_target, or log p alone; cond is one condition, that of all draws; seed None: a random one.
        """
        row = None if cond is None else contiguous(cond, FLOAT64, 'cond').reshape(-1)
        if (0 if row is None else len(row)) != self._cond_dim:
            raise ValueError('cond has %d numbers, must have %d' % (0 if row is None else len(row), self._cond_dim))
        return _target.importance(self, log_density, n, random_seed() if seed is None else seed, first, row)


class _Release:
    """Holds a flow for as long as an array shows its memory."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle

    def __call__(self, pointer: Any) -> None:
        self.handle = None
