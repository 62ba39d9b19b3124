# SPDX-License-Identifier: MIT
"""optimizers.py - a class for every update rule that the library has: its fields are the keywords"""

from . import _parts

_all = _parts.optimizer_classes()
globals().update(_all)
__all__ = list(_all)


def __dir__() -> list:
    return __all__
