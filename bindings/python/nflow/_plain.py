# SPDX-License-Identifier: MIT
"""_plain.py - what of scikit-learn's BaseEstimator is needed where scikit-learn is not installed"""

import inspect
from typing import Any, Dict


class PlainEstimator:
    """Parameters are the arguments of the constructor, kept under their names."""

    def get_params(self, deep: bool = True) -> Dict[str, Any]:
        """The arguments of the constructor as they are now."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Any:
        """Changes some of them."""
        for name, value in params.items():
            if name not in self.get_params():
                raise ValueError('Invalid parameter %r for estimator %r' % (name, self))
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        changed = [item for item in self.get_params().items() if item[1] is not defaults[item[0]].default]
        return '%s(%s)' % (type(self).__name__, ', '.join('%s=%r' % item for item in changed))
