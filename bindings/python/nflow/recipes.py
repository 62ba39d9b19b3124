# SPDX-License-Identifier: MIT
"""recipes.py - a function for every recipe of the library, nf_flow_create_<name>: flows composed and initialised by it"""

from typing import Any, Callable, Dict

from ._flow import Flow
from ._native import lib
from ._tables import dress, has_config

_PREFIX = 'nf_flow_create_'


def _function(name: str) -> Callable[..., Flow]:
    def make(*, context: Any = None, **fields: Any) -> Flow:
        return Flow.recipe(name, context=context, **fields)

    make.__name__ = make.__qualname__ = name
    dress(make, name, 'A flow by the recipe "%s".' % name, ['context'])
    return make


_all: Dict[str, Callable[..., Flow]] = {
    name[len(_PREFIX) :]: _function(name[len(_PREFIX) :])
    for name in dir(lib)
    if name.startswith(_PREFIX) and has_config(name[len(_PREFIX) :])
}
globals().update(_all)
__all__ = list(_all)


def __dir__() -> list:
    return __all__
