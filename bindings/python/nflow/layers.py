# SPDX-License-Identifier: MIT
"""layers.py - a function for every type of layer that the library has: its fields are the keywords"""

from . import _parts

_all = _parts.layer_functions()
globals().update(_all)
__all__ = list(_all)


def __dir__() -> list:
    return __all__
