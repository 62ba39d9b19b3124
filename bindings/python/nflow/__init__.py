# SPDX-License-Identifier: MIT
"""nflow - normalizing flows: exact densities and exact samples, by libnflow

flow = nflow.recipes.realnvp(dim=2)
flow.fit(x, epochs=50)
flow.log_prob(x), flow.sample(1000, seed=1)

nflow.RealNVP().fit(X).score_samples(X)        in scikit-learn's shape; scikit-learn itself is optional
"""

from typing import TYPE_CHECKING, Any

from . import bases, c, layers, optimizers, recipes
from ._context import Context
from ._dataset import Dataset, Report
from ._errors import ArgumentError, ComputeError, Error, FileError, InputOutputError, OutOfMemoryError, RowsWarning, StateError
from ._flow import Flow
from ._native import ffi as _ffi
from ._native import lib as _lib
from ._parts import Base, Layer, Optimizer
from .optimizers import SGD, Adam, Adamax, AdamW

if TYPE_CHECKING:
    from .estimators import FFJORD, NSF, FlowEstimator, Glow, RealNVP

__version__: str = _ffi.string(_lib.nf_version()).decode()
_ESTIMATORS = ('FFJORD', 'FlowEstimator', 'Glow', 'NSF', 'RealNVP')
__all__ = [
    'Adam',
    'AdamW',
    'Adamax',
    'ArgumentError',
    'Base',
    'ComputeError',
    'Context',
    'Dataset',
    'Error',
    'FFJORD',
    'FileError',
    'Flow',
    'FlowEstimator',
    'Glow',
    'InputOutputError',
    'Layer',
    'NSF',
    'Optimizer',
    'OutOfMemoryError',
    'RealNVP',
    'Report',
    'RowsWarning',
    'SGD',
    'StateError',
    'bases',
    'c',
    'layers',
    'optimizers',
    'recipes',
]


def __getattr__(name: str) -> Any:
    if name in _ESTIMATORS or name == 'estimators':  # at first use: scikit-learn takes long to import
        import importlib

        module = importlib.import_module('.estimators', __name__)
        return module if name == 'estimators' else getattr(module, name)
    raise AttributeError('module %r has no attribute %r' % (__name__, name))
