# SPDX-License-Identifier: MIT
"""bases.py - a function for every base distribution that the library has: its fields are the keywords"""

from . import _parts

_all = _parts.base_functions()
globals().update(_all)
__all__ = list(_all)


def __dir__() -> list:
    return __all__
