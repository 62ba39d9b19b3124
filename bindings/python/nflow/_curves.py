# SPDX-License-Identifier: MIT
"""_curves.py - rational-quadratic splines, and what goes column by column, of nflows, normflows and zuko

The splines of nflows and normflows are those of form free here, with slopes min + softplus(u) where this library has
min + softplus(u + c): c is taken off the biases. Where they divide logits by a constant, weights and biases are divided by it.
zuko's are those of form softclip.

A coupling the other way round is a layer `autoregressive` of direction inverse, whose kept columns depend on nothing.
"""

import functools
import math
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ._masked import masked
from ._networks import Array, Net, name_of, plain, refuse


class Curve(NamedTuple):
    """A monotone map of single columns: fields of coupling_spline or coupling_affine, and how parameters u become ours."""

    fields: Dict[str, Any]
    params: int
    factor: Array  # [params]
    shift: Array  # [params]
    order: Sequence[int]  # ours[q] = factor[q] u[order[q]] + shift[q]
    still: Array  # [params], of ours: z = x
    spline: bool

    def outputs(self, net: Net) -> Net:
        """The network with our parameters; outputs [column][parameter] as before."""
        columns = net.outputs // self.params
        weight, bias = net.last(lambda a: self._ours(a, columns)).dense[-1]
        return Net(net.activation, [*net.dense[:-1], (weight, bias + np.tile(self.shift, columns))])

    def _ours(self, a: Array, columns: int) -> Array:
        parts = a.reshape(*a.shape[:-1], columns, self.params)
        return (parts[..., list(self.order)] * self.factor).reshape(a.shape)

    def layer_fields(self) -> Dict[str, Any]:
        """The fields of the layer autoregressive."""
        own = {('spline_bound' if self.spline and name == 'bound' else name): value for name, value in self.fields.items()}
        return {'transform': 'spline' if self.spline else 'affine', **own}

    def coupling_fields(self, moved: Sequence[int]) -> Dict[str, Any]:
        """The fields of the layer coupling_spline."""
        own = {name: value for name, value in self.fields.items() if name != 'circular'}
        return {**own, 'periodic': list(moved)} if self.fields['circular'] else own


def _affine(scale: str, order: Sequence[int], still: Sequence[float], bound: float = 0.0) -> Curve:
    params = len(order)
    fields = {'scale': scale, 'bound': bound}
    return Curve(fields, params, np.ones(params), np.zeros(params), order, np.array(still, float), False)


def _check(module: Any, path: str, what: Dict[str, Tuple[float, float, float]]) -> None:
    for name, (value, least, most) in what.items():
        if not least <= value <= most:
            raise refuse(module, path, '%s is %g; here it must be in [%g, %g]' % (name, value, least, most))


def _tail_bound(module: Any, path: str) -> float:
    bound = module.tail_bound
    values = sorted(set(np.ravel(bound.tolist() if hasattr(bound, 'tolist') else bound).tolist()))
    if len(values) != 1:
        raise refuse(module, path, 'a tail_bound for each column has no counterpart; one for all has')
    return float(values[0])


_TAILS = (
    'tails %r have no counterpart, "linear" and "circular" for all columns have: without tails rows have no density, and with a '
    'list of them normflows sends what lies beyond a linear bound to 0, and gives its network sines and cosines of circular columns'
)


def _durkan(module: Any, bins: int, path: str, width: Optional[int]) -> Curve:
    """The spline of nflows and normflows."""
    if module.tails not in ('linear', 'circular'):
        raise refuse(module, path, _TAILS % (module.tails,))
    bound, circular = _tail_bound(module, path), module.tails == 'circular'
    sides = {'min_bin_width': module.min_bin_width, 'min_bin_height': module.min_bin_height}
    limits = {name: (value, 1e-5, 0.5 / bins) for name, value in sides.items()}
    limits.update(
        {'num_bins': (bins, 2, 64), 'tail_bound': (bound, 1e-3, 1e6), 'min_derivative': (module.min_derivative, 1e-5, 0.9)}
    )
    _check(module, path, limits)
    fields = {'form': 'free', 'bins': bins, 'circular': int(circular), 'bound': bound, 'min_slope': module.min_derivative}
    fields.update({'min_width': module.min_bin_width, 'min_height': module.min_bin_height})
    slopes = bins if circular else bins - 1
    factor = np.concatenate([np.full(2 * bins, 1.0 / math.sqrt(width) if width else 1.0), np.ones(slopes)])
    shift = np.concatenate([np.zeros(2 * bins), np.full(slopes, -math.log(math.expm1(1.0 - module.min_derivative)))])
    params = 2 * bins + slopes
    return Curve(fields, params, factor, shift, range(params), np.zeros(params), True)


def autoregressive(parts: Any, net: Net, curve: Curve, module: Any, path: str, inverse: bool) -> None:
    """v_k = T(u_k; p_k), of a network of all columns, then conditions, with outputs [column][parameter] that are ours already."""
    found = masked(net, parts.dim, curve.params, module, path)
    cond_dim = net.inputs - parts.dim
    parts.conditioned(cond_dim, module, path)
    fields: Dict[str, Any] = {'cond_dim': cond_dim, 'direction': 'inverse' if inverse else 'forward', **curve.layer_fields()}
    if found.order == list(range(parts.dim))[::-1] and parts.dim > 1:
        fields['order'] = 'reversed'
    elif found.order != list(range(parts.dim)):
        fields.update({'order': 'index', 'index': found.order})
    parts.network('autoregressive', fields, found.net)


def _all_columns(net: Net, curve: Curve, kept: Sequence[int], dim: int, still: Array) -> Net:
    """A coupling's network as one of all columns; still [kept][params]: what kept columns have."""
    moved = [j for j in range(dim) if j not in set(kept)]
    weight, bias = net.dense[0]
    first = np.zeros((dim + len(weight) - len(kept), weight.shape[1]))
    first[[*kept, *range(dim, len(first))]] = weight
    net = Net(net.activation, [(first, bias), *net.dense[1:]])
    weight, bias = net.dense[-1]
    last, ends = np.zeros((len(weight), dim, curve.params)), np.zeros((dim, curve.params))
    last[:, moved] = weight.reshape(len(weight), len(moved), curve.params)
    ends[moved], ends[list(kept)] = bias.reshape(len(moved), curve.params), still
    return Net(net.activation, [*net.dense[:-1], (last.reshape(len(weight), -1), ends.reshape(-1))])


def coupling(
    parts: Any, net: Net, curve: Curve, kept: Sequence[int], module: Any, path: str, inverse: bool, still: Optional[Array] = None
) -> None:
    """z_b = T(x_b; net(x_a)), then z_a = T(x_a; still) with still [kept][params] ours; None: z_a = x_a. Splines."""
    net = curve.outputs(net)
    fields = parts.masked(kept, [net], module, path)
    if inverse:
        constant = np.tile(curve.still, (len(kept), 1)) if still is None else still
        return autoregressive(parts, _all_columns(net, curve, kept, parts.dim, constant), curve, module, path, True)
    moved = [j for j in range(parts.dim) if j not in set(kept)]
    parts.network('coupling_spline', {**fields, **curve.coupling_fields(moved)}, net.last(lambda a: _turned(a, curve.params)))
    if still is not None and len(kept):
        net = Net('relu', [(np.zeros((len(moved), still.size)), still.T.reshape(-1))])
        parts.network('coupling_spline', {**fields, **curve.coupling_fields(kept), 'cond_dim': 0, 'index': list(kept)}, net)


def _turned(a: Array, params: int) -> Array:
    """[...][column][parameter] as [...][parameter][column]"""
    return np.moveaxis(a.reshape(*a.shape[:-1], -1, params), -1, -2).reshape(a.shape)


# ---- nflows, and normflows in its inner modules


def spline_coupling(parts: Any, module: Any, path: str, inverse: bool) -> None:
    parts.sized(module.features, module, path)
    hidden = getattr(module.transform_net, 'hidden_features', getattr(module.transform_net, 'hidden_channels', None))
    curve = _durkan(module, module.num_bins, path, hidden)
    kept, moved = module.identity_features.tolist(), module.transform_features.tolist()
    net = plain(module.transform_net, path + '.transform_net', parts.user)
    if net.outputs != curve.params * len(moved):
        raise refuse(module, path, 'the network has %d outputs, not %d' % (net.outputs, curve.params * len(moved)))
    still = None
    if module.unconditional_transform is not None:
        still = _unconditional(module, curve, path + '.unconditional_transform')
    coupling(parts, net, curve, kept, module, path, inverse, still)


def _unconditional(module: Any, curve: Curve, path: str) -> Array:
    """[kept][params] of a spline that depends on nothing."""
    known = [
        name + '.PiecewiseRationalQuadraticCDF'
        for name in ('nflows.transforms.nonlinearities', 'normflows.flows.neural_spline.coupling')
    ]
    fixed = module.unconditional_transform
    if name_of(type(fixed)) not in known:
        raise refuse(fixed, path, 'has no exact counterpart here; PiecewiseRationalQuadraticCDF has')
    own = _durkan(fixed, fixed.unnormalized_widths.shape[-1], path, None)
    if own.fields != curve.fields:
        raise refuse(fixed, path, 'bins, tails or minima differ from those of the coupling')
    tensors = (fixed.unnormalized_widths, fixed.unnormalized_heights, fixed.unnormalized_derivatives)
    values = np.concatenate([np.array(t.detach().double().tolist()).reshape(len(t), -1) for t in tensors], 1)
    return values + own.shift


def spline_autoregressive(parts: Any, module: Any, path: str, inverse: bool) -> None:
    made = module.autoregressive_net
    curve = _durkan(module, module.num_bins, path, getattr(made, 'hidden_features', None))
    net = curve.outputs(plain(made, path + '.autoregressive_net', parts.user))
    autoregressive(parts, net, curve, module, path, inverse)


def _affine_autoregressive(parts: Any, module: Any, path: str, inverse: bool, scale: str) -> None:
    """z_j = scale(u) x_j + t; outputs u, t of a column."""
    parts.sized(module.features, module, path)
    curve = _affine(scale, (1, 0), (0, 0))
    net = curve.outputs(plain(module.autoregressive_net, path + '.autoregressive_net', parts.user))
    autoregressive(parts, net, curve, module, path, inverse)


def nflows_autoregressive(parts: Any, module: Any, path: str, inverse: bool) -> None:
    """The scale is softplus(u) + 1e-3."""
    if module._epsilon != 1e-3:
        raise refuse(module, path, '_epsilon is %g; 1e-3 has a counterpart' % module._epsilon)
    _affine_autoregressive(parts, module, path, inverse, 'softplus_eps')


def normflows_autoregressive(parts: Any, module: Any, path: str, inverse: bool) -> None:
    """The scale is sigmoid(u + 2) + 1e-3."""
    _affine_autoregressive(parts, module, path, inverse, 'sigmoid_eps')


# ---- normflows' wrappers


def normflows_coupled(parts: Any, module: Any, path: str, inverse: bool) -> None:
    parts.walk(module.prqct, path + '.prqct', not inverse)


def normflows_masked(parts: Any, module: Any, path: str, inverse: bool) -> None:
    parts.walk(module.mprqat, path + '.mprqat', not inverse)


# ---- zuko


def _rqs(shapes: List[Tuple[int, ...]], module: Any, path: str, bound: float = 5.0, slope: float = 1e-3) -> Curve:
    bins = shapes[0][0] if shapes and len(shapes[0]) == 1 else 0
    if shapes != [(bins,), (bins,), (bins - 1,)]:
        raise refuse(module, path, 'MonotonicRQSTransform of the shapes %r' % (shapes,))
    _check(
        module,
        path,
        {'the number of bins': (bins, 2, 64), 'bound': (bound, 1e-3, 1e6), 'slope': (slope, math.exp(-10), math.exp(-0.2))},
    )
    fields = {'form': 'softclip', 'bins': bins, 'circular': 0, 'bound': float(bound), 'logit_bound': -0.5 * math.log(slope)}
    params = 3 * bins - 1
    return Curve(fields, params, np.ones(params), np.zeros(params), range(params), np.zeros(params), True)


def _monotonic_affine(shapes: List[Tuple[int, ...]], module: Any, path: str, slope: float = 1e-3) -> Curve:
    """exp(s) x + t, s = u / (1 + |u / log slope|); outputs t, u."""
    bound = -math.log(slope) if 0 < slope < 1 else 0.0
    if shapes != [(), ()] or not 0 < bound <= 80:
        raise refuse(module, path, 'MonotonicAffineTransform of the shapes %r and slope %g' % (shapes, slope))
    return _affine('softclip', (0, 1), (0, 0), bound)


def _additive(shapes: List[Tuple[int, ...]], module: Any, path: str) -> Curve:
    if shapes != [()]:
        raise refuse(module, path, 'AdditiveTransform of the shapes %r' % (shapes,))
    return _affine('additive', (0,), (0,))


UNIVARIATE: Dict[str, Tuple[Any, Sequence[str]]] = {  # the curve, and keywords of a functools.partial
    'zuko.transforms.MonotonicAffineTransform': (_monotonic_affine, ['slope']),
    'zuko.transforms.AdditiveTransform': (_additive, []),
    'zuko.transforms.MonotonicRQSTransform': (_rqs, ['bound', 'slope']),
}


def zuko_curve(module: Any, path: str) -> Curve:
    """What a coupling or autoregressive transform of zuko does to a column."""
    univariate: Any = module.univariate
    keywords: Dict[str, Any] = {}
    if isinstance(univariate, functools.partial) and not univariate.args:
        univariate, keywords = univariate.func, univariate.keywords
    name = name_of(univariate) if hasattr(univariate, '__qualname__') else repr(univariate)
    function, known = UNIVARIATE.get(name, (None, ()))
    if function is None or not set(keywords) <= set(known):
        works = ', '.join(key.split('.')[-1] for key in UNIVARIATE)
        raise refuse(
            module, path, 'the univariate %s with %s has no counterpart; %s have' % (name, sorted(keywords) or 'no fields', works)
        )
    return function([tuple(shape) for shape in module.shapes], module, path, **keywords)


def zuko_autoregressive(parts: Any, module: Any, path: str, inverse: bool) -> None:
    curve = zuko_curve(module, path)
    autoregressive(parts, plain(module.hyper, path + '.hyper', parts.user), curve, module, path, inverse)
