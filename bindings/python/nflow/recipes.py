# SPDX-License-Identifier: MIT
"""recipes.py - a function for every recipe of the library, nf_flow_create_<name>: flows composed and initialised by it"""

from typing import Any, Callable, Dict

from ._flow import Flow
from ._tables import dress, recipes


def _function(name: str, config: str) -> Callable[..., Flow]:
    def make(*, context: Any = None, **fields: Any) -> Flow:
        return Flow.recipe(name, context=context, **fields)

    make.__name__ = make.__qualname__ = name
    dress(make, config, 'A flow by the recipe "%s".' % name, ['context'])
    return make


_all: Dict[str, Callable[..., Flow]] = {name: _function(name, config) for name, config in recipes().items()}
globals().update(_all)
__all__ = list(_all)


def __dir__() -> list:
    return __all__
