# SPDX-License-Identifier: MIT
"""_dataset.py - rows with optional conditioning columns and weights, held by the library"""

import os
from types import SimpleNamespace
from typing import Any, List, Optional, Tuple

import numpy as np

from ._arrays import CODES, FLOAT64, both, plain, pointer, table, vector
from ._context import Context, context_or_default
from ._errors import check, create
from ._native import ffi, lib
from ._parts import Layer
from ._tables import Config, names, text

_from_array, _set_cond, _copy = both('nf_dataset_from_array'), both('nf_dataset_set_cond'), both('nf_dataset_copy')


class Report(SimpleNamespace):
    """Figures that the library reports; the fields are those of the C struct."""

    def __repr__(self) -> str:
        figures = ('%s=%s' % (name, _short(value)) for name, value in vars(self).items())
        return 'Report(%s)' % ', '.join(figures)


def _short(value: Any) -> str:
    """Long arrays by their shape: draws and curves would drown the figures."""
    long = isinstance(value, np.ndarray) and value.size > 8
    return '<array of %s>' % ' x '.join(str(n) for n in value.shape) if long else repr(value)


def new_report(struct: str) -> Any:
    """A C struct for the library to fill."""
    made = ffi.new(struct + ' *')
    made.struct_size = ffi.sizeof(made[0])
    return made


def read_report(made: Any) -> Report:
    """What the library filled in; without sizes, reserved fields and pointers."""
    values = {}
    for name, member in ffi.typeof(made[0]).fields:
        if name not in ('struct_size', 'reserved') and member.type.kind == 'primitive':
            values[name] = getattr(made, name)
    return Report(**values)


class Dataset:
    """A dataset: a copy of x [rows][dim], float32 or float64 as it came (other types: float64), with cond [rows][cond_dim] and
    weights."""

    def __init__(self, x: Any, cond: Any = None, weights: Any = None, *, context: Optional[Context] = None) -> None:
        x = plain(x, 'x')
        x = table(x, x.dtype if x.dtype in CODES else FLOAT64, None, 'x')
        self._handle = create(
            _from_array[x.dtype],
            'nf_dataset',
            lib.nf_dataset_unref,
            context_or_default(context)._handle,
            x.shape[0],
            x.shape[1],
            pointer(x),
        )
        if cond is not None:
            self._set_cond(cond, len(x))
        if weights is not None:
            weights = vector(weights, len(x), 'weights')
            check(lib.nf_dataset_set_weights(self._handle, pointer(weights)))

    def _set_cond(self, cond: Any, n: int) -> None:
        cond = plain(cond, 'cond')
        cond = table(cond, cond.dtype if cond.dtype in CODES else FLOAT64, None, 'cond')
        if len(cond) != n:
            raise ValueError('cond has %d rows, x has %d' % (len(cond), n))
        check(_set_cond[cond.dtype](self._handle, cond.shape[1], pointer(cond)))

    @classmethod
    def _of(cls, handle: Any) -> 'Dataset':
        dataset = cls.__new__(cls)
        dataset._handle = handle
        return dataset

    @classmethod
    def load(cls, path: Any, *, context: Optional[Context] = None, **fields: Any) -> 'Dataset':
        """Reads a table or pictures: CSV, NPY, IDX, CIFAR-10, PNG. Keywords are the fields of nf_read_config."""
        return cls._of(
            create(
                lib.nf_dataset_load,
                'nf_dataset',
                lib.nf_dataset_unref,
                context_or_default(context)._handle,
                os.fsencode(path),
                Config('read', fields),
            )
        )

    @classmethod
    def load_memory(cls, data: Any, *, context: Optional[Context] = None, **fields: Any) -> 'Dataset':
        """The same from bytes."""
        view = ffi.from_buffer(data)
        return cls._of(
            create(
                lib.nf_dataset_load_memory,
                'nf_dataset',
                lib.nf_dataset_unref,
                context_or_default(context)._handle,
                view,
                len(view),
                Config('read', fields),
            )
        )

    @classmethod
    def synthetic(
        cls, name: str, n: int, *, noise: Optional[float] = None, seed: int = 0, context: Optional[Context] = None
    ) -> 'Dataset':
        """n rows of a density in the plane, "moons" and others: see synthetic_names(). noise None: its own."""
        return cls._of(
            create(
                lib.nf_dataset_synthetic,
                'nf_dataset',
                lib.nf_dataset_unref,
                context_or_default(context)._handle,
                name.encode(),
                n,
                -1.0 if noise is None else noise,
                seed,
            )
        )

    @staticmethod
    def synthetic_names() -> List[str]:
        """The names that synthetic() knows."""
        return names(lib.nf_dataset_synthetic_at)

    @staticmethod
    def synthetic_entropy(name: str, noise: Optional[float] = None) -> float:
        """The mean NLL that no model beats; NaN where it is not known."""
        return float(lib.nf_dataset_synthetic_entropy(name.encode(), -1.0 if noise is None else noise))

    def split(self, fraction: float, seed: Optional[int] = 0) -> Tuple['Dataset', 'Dataset']:
        """Two parts, round(fraction rows) and the others, at random; seed None: the first rows in order."""
        first, second = ffi.new('nf_dataset **'), ffi.new('nf_dataset **')
        check(lib.nf_dataset_split(self._handle, fraction, 2**64 - 1 if seed is None else seed, first, second))
        return (self._of(ffi.gc(first[0], lib.nf_dataset_unref)), self._of(ffi.gc(second[0], lib.nf_dataset_unref)))

    def __len__(self) -> int:
        return int(lib.nf_dataset_rows(self._handle))

    @property
    def dim(self) -> int:
        """Columns."""
        return int(lib.nf_dataset_dim(self._handle))

    @property
    def cond_dim(self) -> int:
        """Conditioning columns, 0 for none."""
        return int(lib.nf_dataset_cond_dim(self._handle))

    def rows(self, first: int = 0, n: Optional[int] = None, dtype: Any = 'float64') -> np.ndarray:
        """A copy of n rows from `first`, all by default."""
        n = len(self) - first if n is None else n
        x = np.empty((n, self.dim), np.dtype(dtype))
        check(_copy[x.dtype](self._handle, first, n, pointer(x), ffi.NULL))
        return x

    def cond(self, first: int = 0, n: Optional[int] = None, dtype: Any = 'float64') -> Optional[np.ndarray]:
        """A copy of their conditioning columns, None without."""
        if not self.cond_dim:
            return None
        n = len(self) - first if n is None else n
        cond = np.empty((n, self.cond_dim), np.dtype(dtype))
        check(_copy[cond.dtype](self._handle, first, n, ffi.NULL, pointer(cond)))
        return cond

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> np.ndarray:
        if copy is False:
            raise ValueError('a Dataset gives its rows as a copy only')
        x = self.rows()
        return x if dtype is None else x.astype(dtype)

    @property
    def column_names(self) -> Optional[List[Optional[str]]]:
        """Names from the file's header, None without."""
        found = [text(lib.nf_dataset_column_name(self._handle, j)) for j in range(self.dim)]
        return found if any(found) else None

    @property
    def image_shape(self) -> Optional[Tuple[int, int, int]]:
        """(height, width, channels) when rows are images; may be set."""
        sizes = ffi.new('int64_t[3]')
        check(lib.nf_dataset_image_shape(self._handle, sizes, sizes + 1, sizes + 2))
        return (sizes[0], sizes[1], sizes[2]) if sizes[0] else None

    @image_shape.setter
    def image_shape(self, shape: Optional[Tuple[int, int, int]]) -> None:
        check(lib.nf_dataset_set_image_shape(self._handle, *(shape or (0, 0, 0))))

    def check(self, column: int) -> Report:
        """Figures of one column: mean, sd, median, values that are not finite, and so on."""
        report = new_report('nf_column_report')
        check(lib.nf_dataset_check(self._handle, column, report))
        return read_report(report)

    def standardise(self, robust: bool = False, context: Optional[Context] = None) -> Layer:
        """A layer that standardises by the columns' mean and sd, or by median and MAD."""
        return Layer._of(
            create(
                lib.nf_standardise_from_dataset,
                'nf_layer',
                lib.nf_layer_unref,
                context_or_default(context)._handle,
                self._handle,
                int(robust),
            )
        )

    def __repr__(self) -> str:
        condition = ', cond_dim=%d' % self.cond_dim if self.cond_dim else ''
        return '<nflow dataset: %d rows, dim=%d%s>' % (len(self), self.dim, condition)


def as_dataset(data: Any, cond: Any = None, weights: Any = None) -> Dataset:
    """A dataset as it is, or one made of an array."""
    if isinstance(data, Dataset):
        if cond is not None or weights is not None:
            raise ValueError('cond and weights belong to the Dataset, which was given')
        return data
    return Dataset(data, cond, weights)
