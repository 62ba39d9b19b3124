# SPDX-License-Identifier: MIT
"""_parts.py - layers, base distributions and optimizers, by the name of their type

The functions and classes that users call are made from the library's lists by the modules layers, bases and optimizers.
"""

from typing import Any, Callable, Dict, Optional

from ._context import Context, context_or_default
from ._errors import check, create
from ._native import ffi, lib
from ._tables import Config, dress, names, text


class Layer:
    """A bijection between x and z, without weights: those live in the flow that it stands in. Immutable, may stand in several
    flows."""

    def __init__(self, type: str, *, context: Optional[Context] = None, **fields: Any) -> None:
        context = context_or_default(context)
        self._handle = create(
            lib.nf_layer_create, 'nf_layer', lib.nf_layer_unref, context._handle, type.encode(), Config(type, fields)
        )

    @classmethod
    def _of(cls, handle: Any) -> 'Layer':  # of a handle that releases itself
        layer = cls.__new__(cls)
        layer._handle = handle
        return layer

    @property
    def type(self) -> str:
        """The name of its type, "coupling_affine"."""
        return text(lib.nf_layer_type_name(self._handle)) or ''

    @property
    def dim(self) -> int:
        """Columns in."""
        return int(lib.nf_layer_dim(self._handle))

    @property
    def cond_dim(self) -> int:
        """Conditioning columns, 0 for none."""
        return int(lib.nf_layer_cond_dim(self._handle))

    def __repr__(self) -> str:
        condition = ', cond_dim=%d' % self.cond_dim if self.cond_dim else ''
        return '<nflow layer %s: dim=%d%s>' % (self.type, self.dim, condition)


class Base:
    """The distribution of z. Immutable."""

    def __init__(self, type: str, *, context: Optional[Context] = None, **fields: Any) -> None:
        context = context_or_default(context)
        self._handle = create(
            lib.nf_base_create, 'nf_base', lib.nf_base_unref, context._handle, type.encode(), Config('base_' + type, fields)
        )

    @classmethod
    def _of(cls, handle: Any) -> 'Base':
        base = cls.__new__(cls)
        base._handle = handle
        return base

    @property
    def type(self) -> str:
        """The name of its type, "normal"."""
        return text(lib.nf_base_type_name(self._handle)) or ''

    @property
    def dim(self) -> int:
        """Columns of z."""
        return int(lib.nf_base_dim(self._handle))

    def __repr__(self) -> str:
        return '<nflow base %s: dim=%d>' % (self.type, self.dim)


class Optimizer:
    """An update rule. Its moments are made at the first step, and then belong to flows of that size and precision."""

    def __init__(self, type: str, *, context: Optional[Context] = None, **fields: Any) -> None:
        context = context_or_default(context)
        self._handle = create(
            lib.nf_optimizer_create, 'nf_optimizer', lib.nf_optimizer_unref, context._handle, type.encode(), Config(type, fields)
        )

    @property
    def type(self) -> str:
        """The name of its rule, "adam"."""
        return text(lib.nf_optimizer_type_name(self._handle)) or ''

    @property
    def lr(self) -> float:
        """The learning rate; may be set."""
        return float(lib.nf_optimizer_lr(self._handle))

    @lr.setter
    def lr(self, value: float) -> None:
        check(lib.nf_optimizer_set_lr(self._handle, value))

    @property
    def steps(self) -> int:
        """Steps applied."""
        return int(lib.nf_optimizer_steps(self._handle))

    def step(self, flow: Any, max_norm: Optional[float] = None) -> float:
        """One update from the flow's gradient, which is then zeroed; gives the gradient's norm, before it was cut to max_norm."""
        norm = ffi.new('double *')
        check(lib.nf_optimizer_step_clipped(self._handle, flow._handle, -1.0 if max_norm is None else max_norm, norm))
        return float(norm[0])

    def reset(self) -> None:
        """Forgets moments and steps, keeps the learning rate."""
        check(lib.nf_optimizer_reset(self._handle))

    def __repr__(self) -> str:
        return '<nflow optimizer %s: lr=%g, steps=%d>' % (self.type, self.lr, self.steps)


OPTIMIZER_NAMES = {'adam': 'Adam', 'adamw': 'AdamW', 'adamax': 'Adamax', 'sgd': 'SGD'}  # others: with a capital


def layer_functions() -> Dict[str, Callable[..., Any]]:
    """{type: function} of every layer that the library has."""
    return {name: _function(Layer, name, name, 'A layer of the type "%s".' % name) for name in names(lib.nf_layer_type_at)}


def base_functions() -> Dict[str, Callable[..., Any]]:
    """{type: function} of every base."""
    return {name: _function(Base, name, 'base_' + name, 'A base of the type "%s".' % name) for name in names(lib.nf_base_type_at)}


def _function(kind: Any, name: str, config: str, summary: str) -> Callable[..., Any]:
    def make(*, context: Optional[Context] = None, **fields: Any) -> Any:
        return kind(name, context=context, **fields)

    make.__name__ = make.__qualname__ = name
    make.__module__ = 'nflow.layers' if kind is Layer else 'nflow.bases'
    dress(make, config, summary, ['context'])
    return make


def optimizer_classes() -> Dict[str, Any]:
    """{class name: class} of every update rule."""
    return {OPTIMIZER_NAMES.get(name, name.capitalize()): _optimizer(name) for name in names(lib.nf_optimizer_type_at)}


def _optimizer(name: str) -> Any:
    def __init__(self: Optimizer, *, context: Optional[Context] = None, **fields: Any) -> None:
        Optimizer.__init__(self, name, context=context, **fields)

    title = OPTIMIZER_NAMES.get(name, name.capitalize())
    __init__.__qualname__ = title + '.__init__'
    dress(__init__, name, 'The update rule "%s".' % name, ['context'])
    return type(title, (Optimizer,), {'__init__': __init__, '__doc__': __init__.__doc__, '__module__': 'nflow.optimizers'})
