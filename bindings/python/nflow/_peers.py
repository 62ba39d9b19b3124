# SPDX-License-Identifier: MIT
"""_peers.py - modules of nflows, normflows and zuko as layers: a function for each class, in the tables at the end

A function is called with the parts so far, the module, its path in the model, and whether the way from x to z is the module's
inverse. nflows and zuko store x -> z, normflows z -> x. Formulas of layers: nflow/layer.h.

Splines and what goes column by column: _curves.py. Where the way from x to z is (x_b - t) exp(-s), as in normflows, the shift is
first.
"""

import importlib
import math
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from . import _curves
from ._networks import Array, Net, array, name_of, plain, read, refuse, row


class Part(NamedTuple):
    """A layer or base to be: type, fields, weights by their names in it."""

    type: str
    fields: Dict[str, Any]
    weights: Dict[str, Array]


class Parts:
    """The layers found so far, from x on."""

    def __init__(self, dim: int, base: Part, user: Mapping[type, Any]) -> None:
        self.dim, self.base, self.user, self.cond_dim = dim, base, user, 0
        self.layers: List[Part] = []

    def walk(self, module: Any, path: str, inverse: bool) -> None:
        """Appends a module, or what is in it."""
        function = row(MODULES, module)
        if function is None:
            raise refuse(module, path, 'has no exact counterpart here; modules that have: ' + ', '.join(known(module)))
        function(self, module, path, inverse)

    def chain(self, modules: Sequence[Any], path: str, inverse: bool) -> None:
        """Appends modules that stand in the order of their forward."""
        places = list(enumerate(modules))
        for i, module in reversed(places) if inverse else places:
            self.walk(module, '%s.%d' % (path, i), inverse)

    def add(self, type: str, fields: Optional[Dict[str, Any]] = None, **weights: Array) -> None:
        self.layers.append(Part(type, {'dim': self.dim, **(fields or {})}, weights))

    def vector(self, tensor: Any, module: Any, path: str) -> Array:
        """A tensor that is broadcast along rows, as one value a column."""
        values = tensor if isinstance(tensor, np.ndarray) else array(tensor)
        if values.ndim > 2 or values.ndim == 2 and len(values) != 1 or values.size not in (1, self.dim):
            raise refuse(module, path, 'constants of the shape %r; rows here have %d columns' % (values.shape, self.dim))
        return np.broadcast_to(values.reshape(-1), (self.dim,)).copy()

    def sized(self, size: int, module: Any, path: str) -> None:
        if size != self.dim:
            raise refuse(module, path, 'takes %d columns, the base has %d' % (size, self.dim))

    # ---- layers without networks

    def scale_shift(self, log_scale: Array, shift: Array, inverse: bool) -> None:
        """z = exp(s) x + t; inverse: z = exp(-s) (x - t). actnorm is exp(s) (x + b)."""
        s, b = (-log_scale, -shift) if inverse else (log_scale, shift * np.exp(-log_scale))
        self.add('actnorm', log_scale=s, shift=b, initialised=np.ones(()))

    def constants(self, mean: Array, sd: Array, inverse: bool) -> None:
        """z = (x - mean) / sd, never trained."""
        if inverse:
            mean, sd = -mean / sd, 1.0 / sd
        self.add('standardise', mean=mean, sd=sd)

    def permute(self, index: Any, inverse: bool) -> None:
        """z_j = x_index[j]."""
        index = np.asarray(index)
        self.add('permutation', {'kind': 'index', 'index': [int(j) for j in (np.argsort(index) if inverse else index)]})

    def linear(self, weight: Array, bias: Array, inverse: bool) -> None:
        """z = W x + b."""
        if inverse:
            self.shift(-bias)
        self.add('linear', {'form': 'plain'}, weight=np.linalg.inv(weight) if inverse else weight)
        if not inverse:
            self.shift(bias)

    def shift(self, by: Array) -> None:
        if by.any():
            self.add('actnorm', log_scale=np.zeros(self.dim), shift=by, initialised=np.ones(()))

    # ---- layers with networks

    def conditioned(self, cond_dim: int, module: Any, path: str) -> None:
        """Notes how many conditions a layer has: as many as the others, or none."""
        if cond_dim and self.cond_dim not in (0, cond_dim):
            raise refuse(module, path, 'has %d conditions, modules before it %d' % (cond_dim, self.cond_dim))
        self.cond_dim = max(self.cond_dim, cond_dim)

    def network(self, type: str, fields: Dict[str, Any], *nets: Net) -> None:
        """A layer with a network, or with separate ones t and s."""
        weights = {}
        for name, net in zip(('net',) if len(nets) == 1 else ('t', 's'), nets):
            weights.update({'%s.%d.weight' % (name, i): weight for i, (weight, _) in enumerate(net.dense)})
            weights.update({'%s.%d.bias' % (name, i): bias for i, (_, bias) in enumerate(net.dense)})
        self.add(type, {**fields, 'activation': nets[0].activation, 'hidden': nets[0].hidden or (0,)}, **weights)

    def masked(self, kept: Sequence[int], nets: Sequence[Net], module: Any, path: str) -> Dict[str, Any]:
        """The fields that all forms of a coupling share; checks what goes into the networks."""
        extra = {net.inputs - len(kept) for net in nets}
        if len(extra) != 1 or min(extra) < 0 or self.cond_dim not in (0, *extra) and extra != {0}:
            raise refuse(module, path, 'networks take %s inputs; %d columns are kept' % ([n.inputs for n in nets], len(kept)))
        cond_dim = extra.pop()
        self.conditioned(cond_dim, module, path)
        moved = [j for j in range(self.dim) if j not in set(kept)]
        return {'mask': 'index', 'index': moved, 'cond_dim': cond_dim}

    def coupling(self, fields: Dict[str, Any], net: Net, scale: str, bound: float = 0.0) -> None:
        """z_b = exp(s(u)) x_b + t with (t, u) the outputs of net; additive: t alone."""
        self.network('coupling_affine', {**fields, 'scale': scale, 'bound': bound}, net)

    def undone(self, fields: Dict[str, Any], net: Net, scale: str, bound: float = 0.0, sign: float = -1.0) -> None:
        """z_b = exp(s(sign u)) (x_b - t): with an odd s and sign -1 the inverse of coupling."""
        signs = np.repeat([-1.0, sign], net.outputs // 2)
        own = {**fields, 'scale': scale, 'bound': bound, 'shift_first': 1}
        self.network('coupling_affine', own, net.last(lambda a: signs * a))

    def scaled(self, fields: Dict[str, Any], net: Net, scale: str, bound: float = 0.0) -> None:
        """z_b = exp(s(u)) x_b, u the outputs of net."""
        self.coupling(fields, net.last(lambda a: np.concatenate([np.zeros_like(a), a], -1)), scale, bound)

    def shifted(self, fields: Dict[str, Any], net: Net, sign: float) -> None:
        """z_b = x_b + sign t, t the outputs of net."""
        self.coupling(fields, net.last(lambda a: sign * a), 'additive')


def _halves(a: Array) -> Array:
    """t_0, u_0, t_1, u_1, ... as t, then u"""
    return np.concatenate([a[..., 0::2], a[..., 1::2]], -1)


# ---- nflows: x -> z, log|det| with it


def _nflows_chain(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    parts.chain(module._transforms, path + '._transforms', inverse)


def _nflows_inverse(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    parts.walk(module._transform, path + '._transform', not inverse)


def _identity(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    pass


def _nflows_fields(parts: Parts, module: Any, path: str, outputs: int) -> Any:
    """(fields, network) of a coupling with `outputs` of the network for each column that is transformed."""
    parts.sized(module.features, module, path)
    if module.unconditional_transform is not None:
        raise refuse(module, path, 'an unconditional_transform has no counterpart')
    net = plain(module.transform_net, path + '.transform_net', parts.user)
    moved = module.transform_features.tolist()
    if net.outputs != outputs * len(moved):
        raise refuse(module, path, 'the network has %d outputs, not %d' % (net.outputs, outputs * len(moved)))
    return parts.masked(module.identity_features.tolist(), [net], module, path), net


def _nflows_scale(module: Any, path: str) -> str:
    """The form of the scale. Versions after 0.14 have a function for it, which is known by its values."""
    function = getattr(module, 'scale_activation', None)
    if function is None:
        return 'sigmoid_eps'
    u = np.linspace(-40.0, 40.0, 801)
    forms = {
        'sigmoid_eps': 1.0 / (1.0 + np.exp(-(u + 2.0))) + 1e-3,
        'softplus': np.minimum(np.logaddexp(0.0, u) + 1e-3, 3.0),
    }
    torch = importlib.import_module('torch')
    values = array(function(torch.tensor(u.tolist(), dtype=torch.float64)))
    for name, wanted in forms.items():
        if values.shape == wanted.shape and np.allclose(values, wanted, rtol=1e-12, atol=0.0):
            return name
    works = 'sigmoid(u + 2) + 1e-3 and min(softplus(u) + 1e-3, 3) have'
    raise refuse(module, path, 'this scale_activation has no counterpart; ' + works)


def _nflows_affine(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    """z_b = scale(u) x_b + t, outputs t, then u."""
    if inverse:
        raise refuse(module, path, 'inverted: 1 / (sigmoid(u + 2) + 1e-3) is not a form of scale here')
    fields, net = _nflows_fields(parts, module, path, 2)
    parts.coupling(fields, net, _nflows_scale(module, path))


def _nflows_additive(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    fields, net = _nflows_fields(parts, module, path, 1)
    parts.shifted(fields, net, -1.0 if inverse else 1.0)


def _nflows_permutation(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    parts.sized(len(module._permutation), module, path)
    parts.permute(module._permutation.tolist(), inverse)


def _nflows_actnorm(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    log_scale, shift = (parts.vector(tensor, module, path) for tensor in (module.log_scale, module.shift))
    parts.scale_shift(log_scale, shift, inverse)


def _nflows_batch_norm(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    """z = w (x - mean) / sqrt(var + eps) + b: constants of eval mode, then what was trained."""
    names = ('running_mean', 'running_var', 'weight', 'bias')
    mean, var, weight, bias = (parts.vector(getattr(module, name), module, path) for name in names)
    halves: List[Callable[[], None]] = [
        lambda: parts.constants(mean, np.sqrt(var + module.eps), inverse),
        lambda: parts.scale_shift(np.log(weight), bias, inverse),
    ]
    for half in reversed(halves) if inverse else halves:
        half()


def _nflows_pointwise(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    """z = scale x + shift, constants."""
    scale, shift = (parts.vector(tensor, module, path) for tensor in (module._scale, module._shift))
    parts.constants(-shift / scale, 1.0 / scale, inverse)


def _lu(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    """z = L U x + b, the diagonal of U positive: form plu without a permutation."""
    parts.sized(module.features, module, path)
    bias = array(module.bias)
    lower, upper = (array(half) for half in module._create_lower_upper())
    if inverse:
        return parts.linear(lower @ upper, bias, True)
    lu = np.tril(lower, -1) + np.triu(upper, 1) + np.diag(np.log(np.diag(upper)))
    index, sign = np.arange(parts.dim, dtype=float), np.ones(parts.dim)
    parts.add('linear', {'form': 'plu'}, permutation=index, sign=sign, lu=lu)
    parts.shift(bias)


def _nflows_linear(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    """z = W x + b, whatever W is made of: its columns are what the unit vectors become."""
    parts.sized(module.features, module, path)
    bias = array(module.bias) if hasattr(module, 'bias') else np.zeros(parts.dim)
    unit = next(module.parameters()).new_zeros(parts.dim, parts.dim)
    unit.fill_diagonal_(1.0)
    parts.linear((array(module(unit)[0]) - bias).T, bias, inverse)


# ---- normflows: z -> x


def _normflows_reverse(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    parts.walk(module.flow, path + '.flow', not inverse)


def _normflows_chain(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    parts.chain(module._flows, path + '._flows', inverse)


def _split(mode: str, kept: int, dim: int, module: Any, path: str) -> List[int]:
    """The columns that feed the network, by the name of the split."""
    half = (dim + 1) // 2
    columns = {
        'channel': range(half),
        'channel_inv': range(half, dim),
        'checkerboard': range(1, dim, 2),
        'checkerboard_inv': range(0, dim, 2),
    }.get(mode)
    if columns is None or len(columns) != kept:
        raise refuse(module, path, 'split_mode %r, with a network of %d inputs, of %d columns' % (mode, kept, dim))
    return list(columns)


def _normflows_block(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    """Split, coupling, merge. Outputs alternate: t_0, u_0, t_1, u_1, ..."""
    split, coupling, merge = module.flows
    at = path + '.flows.1'
    net = plain(coupling.param_map, at + '.param_map', parts.user)
    kept = _split(split.mode, net.inputs, parts.dim, split, path + '.flows.0')
    moved = parts.dim - len(kept)
    if merge.mode != split.mode or net.outputs != (2 if coupling.scale else 1) * moved:
        raise refuse(coupling, at, '%d outputs for %d columns, or split and merge differ' % (net.outputs, moved))
    fields = parts.masked(kept, [net], coupling, at)
    if not coupling.scale:
        return parts.shifted(fields, net, -1.0 if inverse else 1.0)
    _normflows_coupling(parts, coupling, at, inverse, fields, net)


def _normflows_coupling(parts: Parts, module: Any, path: str, inverse: bool, fields: Dict[str, Any], net: Net) -> None:
    """x_b = z_b exp(u) + t, or z_b / sigmoid(u + 2) + t, or z_b sigmoid(u + 2) + t (scale_map exp, sigmoid, sigmoid_inv)."""
    form = {('exp', True): 'exp', ('exp', False): 'exp', ('sigmoid', True): 'sigmoid', ('sigmoid_inv', False): 'sigmoid'}
    scale = form.get((module.scale_map, inverse))
    if scale is None:
        works = '1 / sigmoid(u + 2) is not a form of scale here; exp and sigmoid are'
        raise refuse(module, path, 'scale_map %r: %s' % (module.scale_map, works))
    if not inverse:
        return parts.coupling(fields, net.last(_halves), scale)
    parts.undone(fields, net.last(_halves), scale, 0.0, -1.0 if scale == 'exp' else 1.0)


def _module(module: Any, name: str) -> Any:
    """A network of a MaskedAffineFlow, or None where it is torch.zeros_like."""
    found = getattr(module, name)
    return found if hasattr(found, 'named_children') else None


def _normflows_masked(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    """x = b z + (1 - b) (z exp(s(b z)) + t(b z)), networks of all columns."""
    mask = parts.vector(module.b, module, path)
    if set(mask.tolist()) != {0.0, 1.0}:
        raise refuse(module, path, 'the mask must hold zeros and ones, both')
    kept, moved = np.flatnonzero(mask == 1), np.flatnonzero(mask == 0)
    nets = {name: (_module(module, name), '%s.%s' % (path, name)) for name in ('s', 't')}
    halves = [_masked_half(parts, net, at, at.endswith('.s'), kept, moved) for net, at in nets.values() if net is not None]
    shapes = {(half.net.activation, half.net.hidden) for half in halves}
    if len(halves) == 2 and len(shapes) == 1:
        return _both_halves(parts, halves[1], halves[0], inverse)
    sign = -1.0 if inverse else 1.0
    for half in reversed(halves) if inverse else halves:
        net = half.net.last(lambda a: sign * a)
        parts.scaled(half.fields, net, half.scale, half.bound) if half.scale else parts.shifted(half.fields, net, 1.0)


class Half(NamedTuple):
    """What one network of a MaskedAffineFlow does; no scale: it shifts."""

    fields: Dict[str, Any]
    net: Net
    scale: str
    bound: float


def _both_halves(parts: Parts, shift: Half, scale: Half, inverse: bool) -> None:
    """z_b = exp(s) x_b + t, inverse exp(-s) (x_b - t), with a network for each."""
    sign = -1.0 if inverse else 1.0
    own = {'scale': scale.scale, 'bound': scale.bound, 'separate': 1, 'shift_first': int(inverse)}
    parts.network('coupling_affine', {**shift.fields, **own}, *(half.net.last(lambda a: sign * a) for half in (shift, scale)))


def _masked_half(parts: Parts, module: Any, path: str, scales: bool, kept: Array, moved: Array) -> Half:
    net, tail = read(module, path, parts.user)
    if net.inputs != parts.dim or net.outputs != parts.dim:
        raise refuse(module, path, 'maps %d columns to %d, not %d to %d' % (net.inputs, net.outputs, parts.dim, parts.dim))
    net = net.first(kept).last(lambda a: a[..., moved])
    fields = parts.masked(kept.tolist(), [net], module, path)
    if not scales and tail:
        raise refuse(module, path, 'something follows the last Linear layer (%s) of a shift' % tail[0].name)
    if not scales:
        return Half(fields, net, '', 0.0)
    factor, bound = _squashed(module, path, tail)
    return Half(fields, net.last(lambda a: factor * a), 'tanh' if bound else 'exp', bound)


def _squashed(module: Any, path: str, tail: Sequence[Any]) -> Any:
    """(factor, m) of s = m tanh(factor u / m), or (1, 0) for s = u."""
    kinds = [(step.kind, step.value[0] if step.kind == 'activation' else '') for step in tail]
    before = tail[0].value if kinds[:1] == [('scale', '')] else 1.0
    rest = kinds[1:] if kinds[:1] == [('scale', '')] else kinds
    if rest == []:
        return before, 0.0
    if rest == [('activation', 'tanh')]:
        return before, 1.0
    if rest == [('activation', 'tanh'), ('scale', '')] and 0 < tail[-1].value <= 80:
        return before * tail[-1].value, tail[-1].value
    raise refuse(module, path, 'what follows the last Linear layer has no counterpart; output_fn "tanh" of scales has')


def _normflows_constants(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    if hasattr(module, 'data_dep_init_done') and not float(module.data_dep_init_done) > 0:
        raise refuse(module, path, 'was never initialised: run a batch through the model first')
    log_scale, shift = (parts.vector(tensor, module, path) for tensor in (module.s, module.t))
    parts.scale_shift(log_scale, shift, inverse)


def _normflows_permute(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    parts.sized(module.num_channels, module, path)
    if module.mode not in ('shuffle', 'swap'):
        raise refuse(module, path, 'mode %r' % (module.mode,))
    parts.permute(module.perm.tolist() if module.mode == 'shuffle' else np.roll(range(parts.dim), -(parts.dim // 2)), inverse)


def _normflows_matrix(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    """Of rows, inverse is x W: of columns, W' x."""
    parts.sized(module.num_channels, module, path)
    weight = array(module._assemble_W() if module.use_lu else module.W)
    parts.linear(weight.T, np.zeros(parts.dim), not inverse)


def _normflows_lu(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    """Inverse: permuted, then L U x + b."""
    halves: List[Callable[[], None]] = [
        lambda: _nflows_permutation(parts, module.permutation, path + '.permutation', not inverse),
        lambda: _lu(parts, module.linear, path + '.linear', not inverse),
    ]
    for half in halves if inverse else reversed(halves):
        half()


# ---- zuko: x -> z


def _zuko_chain(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    parts.chain(module.transforms, path + '.transforms', inverse)


def _zuko_inverse(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    parts.walk(module.transform, path + '.transform', not inverse)


def _zuko_coupling(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    """z_b = exp(s) x_b + t, outputs t_0, u_0, t_1, ...; or z_b = x_b + t; or a spline."""
    mask = module.mask.tolist()
    parts.sized(len(mask), module, path)
    curve, kept = _curves.zuko_curve(module, path), [j for j, keep in enumerate(mask) if keep]
    net = plain(module.hyper, path + '.hyper', parts.user)
    if curve.spline:
        return _curves.coupling(parts, net, curve, kept, module, path, inverse)
    fields = parts.masked(kept, [net], module, path)
    scale, bound = curve.fields['scale'], curve.fields['bound']
    if scale == 'additive':
        return parts.shifted(fields, net, -1.0 if inverse else 1.0)
    (parts.undone if inverse else parts.coupling)(fields, net.last(_halves), scale, bound)


def _zuko_unconditional(parts: Parts, module: Any, path: str, inverse: bool) -> None:
    transform = module()
    function = row(TRANSFORMS, transform)
    if function is None:
        raise refuse(transform, path, 'has no exact counterpart here; transforms that have: ' + ', '.join(TRANSFORMS))
    function(parts, transform, path, inverse)


def _zuko_affine(parts: Parts, transform: Any, path: str, inverse: bool) -> None:
    log_scale, shift = (parts.vector(tensor, transform, path) for tensor in (transform.log_scale, transform.shift))
    parts.scale_shift(log_scale, shift, inverse)


def _zuko_additive(parts: Parts, transform: Any, path: str, inverse: bool) -> None:
    parts.scale_shift(np.zeros(parts.dim), parts.vector(transform.shift, transform, path), inverse)


def _torch_affine(parts: Parts, transform: Any, path: str, inverse: bool) -> None:
    values = [tensor if hasattr(tensor, 'detach') else np.float64(tensor) for tensor in (transform.loc, transform.scale)]
    shift, scale = (parts.vector(np.asarray(v) if np.isscalar(v) else v, transform, path) for v in values)
    if not (scale > 0).all():
        raise refuse(transform, path, 'a scale that is not positive has no counterpart')
    parts.scale_shift(np.log(scale), shift, inverse)


def _zuko_permutation(parts: Parts, transform: Any, path: str, inverse: bool) -> None:
    parts.sized(len(transform.order), transform, path)
    parts.permute(transform.order.tolist(), inverse)


def _zuko_rotation(parts: Parts, transform: Any, path: str, inverse: bool) -> None:
    parts.linear(array(transform.R), np.zeros(parts.dim), inverse)


def _zuko_lu(parts: Parts, transform: Any, path: str, inverse: bool) -> None:
    parts.linear(array(transform.L) @ array(transform.U), np.zeros(parts.dim), inverse)


# ---- bases


def _normal(dim: int, mean: Array, log_sd: Array, trained: bool) -> Part:
    if not trained and not mean.any() and not log_sd.any():
        return Part('normal', {'dim': dim}, {})
    return Part('diagonal', {'dim': dim}, {'mean': mean, 'log_sd': log_sd})


def _one_axis(shape: Sequence[int], module: Any, path: str) -> int:
    if len(shape) != 1:
        raise refuse(module, path, 'rows of the shape %r: only tables are taken' % (tuple(shape),))
    return int(shape[0])


def _nflows_constant(module: Any, dim: int) -> None:
    """The constant of the density again in double, which module.float() has rounded: the module is a copy."""
    module._log_z.fill_(0.5 * dim * math.log(2 * math.pi))


def _nflows_standard(module: Any, path: str) -> Part:
    dim = _one_axis(module._shape, module, path)
    _nflows_constant(module, dim)
    return Part('normal', {'dim': dim}, {})


def _nflows_diagonal(module: Any, path: str) -> Part:
    dim = _one_axis(module._shape, module, path)
    _nflows_constant(module, dim)
    return _normal(dim, array(module.mean_).reshape(-1), array(module.log_std_).reshape(-1), True)


def _normflows_diagonal(module: Any, path: str) -> Part:
    dim = _one_axis(module.shape, module, path)
    if module.temperature is not None:
        raise refuse(module, path, 'a temperature is set')
    return _normal(dim, array(module.loc).reshape(-1), array(module.log_scale).reshape(-1), module.loc.requires_grad)


def _zuko_normal(module: Any, path: str) -> Part:
    base = module()
    if name_of(type(base)) != 'zuko.distributions.DiagNormal' or len(base.event_shape) != 1:
        raise refuse(base, path, 'has no counterpart; zuko.distributions.DiagNormal has')
    loc, scale = array(base.base_dist.loc), array(base.base_dist.scale)
    return _normal(len(loc), loc, np.log(scale), any(True for _ in module.parameters()))


# ---- tables

Row = Callable[[Parts, Any, str, bool], None]
MODULES: Dict[str, Row] = {
    'nflows.transforms.base.CompositeTransform': _nflows_chain,
    'nflows.transforms.base.InverseTransform': _nflows_inverse,
    'nflows.transforms.standard.IdentityTransform': _identity,
    'nflows.transforms.standard.PointwiseAffineTransform': _nflows_pointwise,
    'nflows.transforms.coupling.AffineCouplingTransform': _nflows_affine,
    'nflows.transforms.coupling.AdditiveCouplingTransform': _nflows_additive,
    'nflows.transforms.coupling.PiecewiseRationalQuadraticCouplingTransform': _curves.spline_coupling,
    'nflows.transforms.autoregressive.MaskedAffineAutoregressiveTransform': _curves.nflows_autoregressive,
    'nflows.transforms.autoregressive.MaskedPiecewiseRationalQuadraticAutoregressiveTransform': _curves.spline_autoregressive,
    'nflows.transforms.permutations.Permutation': _nflows_permutation,
    'nflows.transforms.normalization.ActNorm': _nflows_actnorm,
    'nflows.transforms.normalization.BatchNorm': _nflows_batch_norm,
    'nflows.transforms.lu.LULinear': _lu,
    'nflows.transforms.linear.NaiveLinear': _nflows_linear,
    'nflows.transforms.qr.QRLinear': _nflows_linear,
    'nflows.transforms.svd.SVDLinear': _nflows_linear,
    'nflows.transforms.orthogonal.HouseholderSequence': _nflows_linear,
    'normflows.flows.base.Reverse': _normflows_reverse,
    'normflows.flows.base.Composite': _normflows_chain,
    'normflows.flows.affine.coupling.AffineCouplingBlock': _normflows_block,
    'normflows.flows.affine.coupling.MaskedAffineFlow': _normflows_masked,
    'normflows.flows.affine.coupling.AffineConstFlow': _normflows_constants,
    'normflows.flows.affine.autoregressive.MaskedAffineAutoregressive': _curves.normflows_autoregressive,
    'normflows.flows.neural_spline.wrapper.CoupledRationalQuadraticSpline': _curves.normflows_coupled,
    'normflows.flows.neural_spline.wrapper.CircularCoupledRationalQuadraticSpline': _curves.normflows_coupled,
    'normflows.flows.neural_spline.coupling.PiecewiseRationalQuadraticCoupling': _curves.spline_coupling,
    'normflows.flows.neural_spline.wrapper.AutoregressiveRationalQuadraticSpline': _curves.normflows_masked,
    'normflows.flows.neural_spline.wrapper.CircularAutoregressiveRationalQuadraticSpline': _curves.normflows_masked,
    'normflows.flows.neural_spline.autoregressive.MaskedPiecewiseRationalQuadraticAutoregressive': _curves.spline_autoregressive,
    'normflows.flows.normalization.ActNorm': _normflows_constants,
    'normflows.flows.mixing.Permute': _normflows_permute,
    'normflows.flows.mixing.InvertibleAffine': _normflows_matrix,
    'normflows.flows.mixing.LULinearPermute': _normflows_lu,
    'zuko.lazy.LazyComposedTransform': _zuko_chain,
    'zuko.lazy.LazyInverse': _zuko_inverse,
    'zuko.lazy.UnconditionalTransform': _zuko_unconditional,
    'zuko.flows.coupling.GeneralCouplingTransform': _zuko_coupling,
    'zuko.flows.autoregressive.MaskedAutoregressiveTransform': _curves.zuko_autoregressive,
}
TRANSFORMS: Dict[str, Row] = {
    'zuko.transforms.IdentityTransform': _identity,
    'zuko.transforms.MonotonicAffineTransform': _zuko_affine,
    'zuko.transforms.AdditiveTransform': _zuko_additive,
    'zuko.transforms.PermutationTransform': _zuko_permutation,
    'zuko.transforms.RotationTransform': _zuko_rotation,
    'zuko.transforms.LULinearTransform': _zuko_lu,
    'torch.distributions.transforms.AffineTransform': _torch_affine,
}
BASES: Dict[str, Callable[[Any, str], Part]] = {
    'nflows.distributions.normal.StandardNormal': _nflows_standard,
    'nflows.distributions.normal.DiagonalNormal': _nflows_diagonal,
    'normflows.distributions.base.DiagGaussian': _normflows_diagonal,
    'zuko.lazy.UnconditionalDistribution': _zuko_normal,
}


def known(module: Any) -> List[str]:
    """The classes that are taken of the package that a module is from, or of all."""
    package = type(module).__module__.split('.')[0] + '.'
    return [name for name in MODULES if name.startswith(package)] or list(MODULES)


# ---- whole models


class Model(NamedTuple):
    """How a class of flows is taken apart, and how it answers log p(x | cond)."""

    base: str
    take: Callable[[Parts, Any], None]
    log_prob: Callable[[Any, Any, Any], Any]


def _take_nflows(parts: Parts, model: Any) -> None:
    if name_of(type(model._embedding_net)) != 'torch.nn.modules.linear.Identity':
        raise refuse(model._embedding_net, '_embedding_net', 'embeddings of the context have no counterpart: embed before the flow')
    parts.walk(model._transform, '_transform', False)


def _take_normflows(parts: Parts, model: Any) -> None:
    parts.chain(model.flows, 'flows', True)


def _take_zuko(parts: Parts, model: Any) -> None:
    parts.walk(model.transform, 'transform', False)


def _normflows_log_prob(model: Any, x: Any, cond: Any) -> Any:
    if cond is not None:
        raise refuse(model, '', 'conditional models have no counterpart')
    return model.log_prob(x)


MODELS: Dict[str, Model] = {
    'nflows.flows.base.Flow': Model('_distribution', _take_nflows, lambda model, x, cond: model.log_prob(x, context=cond)),
    'normflows.core.NormalizingFlow': Model('q0', _take_normflows, _normflows_log_prob),
    'zuko.lazy.Flow': Model('base', _take_zuko, lambda model, x, cond: model(cond).log_prob(x)),
}


def take(model: Any, user: Mapping[type, Any]) -> Parts:
    """A model as parts, in double."""
    kind = row(MODELS, model)
    if kind is None:
        works = ', '.join(MODELS)
        raise refuse(model, '', 'neither a flow that is taken (%s) nor a class that differs from one in its __init__ alone' % works)
    module = getattr(model, kind.base)
    base = row(BASES, module)
    if base is None:
        raise refuse(module, kind.base, 'has no counterpart; bases that have: ' + ', '.join(BASES))
    part = base(module, kind.base)
    parts = Parts(part.fields['dim'], part, user)
    kind.take(parts, model)
    return parts


def log_prob(model: Any, x: Any, cond: Any) -> Any:
    """What the model itself says."""
    return row(MODELS, model).log_prob(model, x, cond)
