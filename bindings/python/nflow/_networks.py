# SPDX-License-Identifier: MIT
"""_networks.py - networks of PyTorch as the networks of couplings: dense layers with one activation in between

All weights in double, [in][out]. Nothing is approximated:
  LeakyReLU of another slope a    phi(h) = relu(h) - a relu(-h): twice the width, with relu
  nflows' ResidualNet             phi(h) - phi(-h) = c h for relu, leaky_relu, softplus and silu: what a block skips travels through
                                  the activations as the pair (h, -h). Widths grow from H to 2 H and 3 H
  BatchNorm1d inside of it        constants of eval mode, multiplied into the weights
  masks                           zeros of the weights: _masked.py finds what depends on what
  dense layers in a row           their product
"""

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

import numpy as np

Array = np.ndarray
Dense = Tuple[Array, Array]  # weight [in][out], bias [out]

WORKS = (
    'a network must be torch.nn.Sequential, zuko.nn.MLP, normflows.nets.MLP or nflows.nn.nets.MLP of Linear layers with one of '
    'ReLU, LeakyReLU, Tanh, Softplus(beta=1), SiLU, ELU(alpha=1) between them, or ResidualNet of nflows and normflows without '
    'context and with ReLU, LeakyReLU, Softplus or SiLU; for a class of your own say what it computes: '
    'networks={YourNet: lambda net: net.layers}'
)


class ConvertError(ValueError):
    """A module that has no exact counterpart. The text has its place in the model, its class, and what would work."""


def name_of(thing: Any) -> str:
    """The full name of a class."""
    return '%s.%s' % (thing.__module__, thing.__qualname__)


def refuse(module: Any, path: str, why: str) -> ConvertError:
    """The exception that says what is not supported, and where."""
    return ConvertError('%s (%s): %s' % (path or 'the model', name_of(type(module)), why))


def _computes(cls: type) -> bool:
    """Whether a class defines more than how it is made and shown."""
    shown = ('__init__', '__repr__', 'extra_repr', '__annotate__', '__annotate_func__')
    return any(
        callable(value) or isinstance(value, (property, classmethod, staticmethod))
        for name, value in vars(cls).items()
        if name not in shown
    )


def row(table: Mapping[str, Any], thing: Any) -> Any:
    """The entry of a table for the class of a thing, or for a base class from which it differs in its __init__ alone; else None."""
    for cls in type(thing).__mro__:
        if name_of(cls) in table:
            return table[name_of(cls)]
        if _computes(cls):
            break
    return None


def array(tensor: Any) -> Array:
    """A tensor in double, of its own memory."""
    return np.array(tensor.detach().cpu().double().tolist(), np.float64).reshape(tuple(tensor.shape))


class Net(NamedTuple):
    """A network as couplings have it."""

    activation: str
    dense: List[Dense]

    @property
    def inputs(self) -> int:
        return int(self.dense[0][0].shape[0])

    @property
    def outputs(self) -> int:
        return int(self.dense[-1][0].shape[1])

    @property
    def hidden(self) -> Tuple[int, ...]:
        return tuple(bias.shape[0] for _, bias in self.dense[:-1])

    def last(self, change: Callable[[Array], Array]) -> 'Net':
        """The same with other outputs: change maps [...][out] to [...][out']."""
        weight, bias = self.dense[-1]
        return Net(self.activation, [*self.dense[:-1], (change(weight), change(bias))])

    def first(self, rows: Array) -> 'Net':
        """The same with these inputs alone; the others are zero."""
        weight, bias = self.dense[0]
        return Net(self.activation, [(weight[rows], bias), *self.dense[1:]])


class Step(NamedTuple):
    """One thing that a network does to a row."""

    kind: str  # dense, activation, scale, residual
    name: str
    value: Any


ACTIVATIONS: Dict[str, Callable[[Any], Optional[Tuple[str, float]]]] = {
    'torch.nn.modules.activation.ReLU': lambda m: ('relu', 0.0),
    'torch.nn.modules.activation.LeakyReLU': lambda m: _leaky(m.negative_slope),
    'torch.nn.modules.activation.Tanh': lambda m: ('tanh', 0.0),
    'torch.nn.modules.activation.Softplus': lambda m: ('softplus', 0.0) if m.beta == 1 and m.threshold >= 20 else None,
    'torch.nn.modules.activation.SiLU': lambda m: ('silu', 0.0),
    'torch.nn.modules.activation.ELU': lambda m: ('elu', 0.0) if m.alpha == 1 else None,
}
FUNCTIONS = {  # by name, as nflows' networks take them
    'relu': ('relu', 0.0),
    'leaky_relu': ('leaky_relu', 0.01),
    'tanh': ('tanh', 0.0),
    'softplus': ('softplus', 0.0),
    'silu': ('silu', 0.0),
    'elu': ('elu', 0.0),
}
CARRIED = {'relu': 1.0, 'leaky_relu': 1.01, 'softplus': 1.0, 'silu': 1.0}  # c of phi(h) - phi(-h) = c h
IDLE = ('torch.nn.modules.dropout.Dropout', 'torch.nn.modules.linear.Identity')  # in eval mode


def _leaky(slope: float) -> Tuple[str, float]:
    return ('relu', 0.0) if slope == 0 else ('leaky_relu', float(slope))


def activation(function: Any, module: Any, path: str) -> Tuple[str, float]:
    """(name, slope) of a module or of a function of torch."""
    found = row(ACTIVATIONS, function)
    answer = found(function) if found else None
    if found is None and getattr(function, '__module__', '') in ('torch', 'torch._C._nn', 'torch.nn.functional', None):
        answer = FUNCTIONS.get(getattr(function, '__name__', ''))
    if answer is None:
        shown = name_of(type(function)) if found or not hasattr(function, '__name__') else function.__name__
        raise refuse(module, path, 'the activation %s has no counterpart; %s' % (shown, WORKS))
    return answer


def _dense(linear: Any, path: str) -> Dense:
    if linear.weight.dim() != 2:
        raise refuse(linear, path, 'a stack of linear layers; ' + WORKS)
    weight = array(linear.weight * linear.mask if hasattr(linear, 'mask') else linear.weight).T.copy()
    return weight, np.zeros(weight.shape[1]) if linear.bias is None else array(linear.bias)


def _children(module: Any, path: str, user: Mapping[type, Any]) -> List[Step]:
    return [step for name, child in module.named_children() for step in steps(child, path + '.' + name, user)]


def _linear(module: Any, path: str, user: Mapping[type, Any]) -> List[Step]:
    return [Step('dense', path, _dense(module, path))]


def _constant(module: Any, path: str, user: Mapping[type, Any]) -> List[Step]:
    return [Step('scale', path, float(module.scale))]


def _nflows_mlp(module: Any, path: str, user: Mapping[type, Any]) -> List[Step]:
    phi = Step('activation', path, activation(module._activation, module, path))
    found = [Step('dense', path, _dense(module._input_layer, path + '._input_layer')), phi]
    for i, layer in enumerate(module._hidden_layers):
        found += [Step('dense', path, _dense(layer, '%s._hidden_layers.%d' % (path, i))), phi]
    found.append(Step('dense', path, _dense(module._output_layer, path + '._output_layer')))
    return found + [phi] if module._activate_output else found


def _norm(norm: Any, path: str) -> Tuple[Array, Array]:
    """(g, c) of g h + c"""
    if norm.running_var is None or norm.weight is None:
        raise refuse(norm, path, 'without running statistics and weights')
    g = array(norm.weight) / np.sqrt(array(norm.running_var) + norm.eps)
    return g, array(norm.bias) - array(norm.running_mean) * g


def _batch_norm(block: Any, i: int, path: str) -> Tuple[Array, Array]:
    """(g, c) of g h + c, or ones and zeros."""
    width = block.linear_layers[0].in_features
    if not block.use_batch_norm:
        return np.ones(width), np.zeros(width)
    return _norm(block.batch_norm_layers[i], '%s.batch_norm_layers.%d' % (path, i))


def _half(phi: Tuple[str, float], module: Any, path: str) -> float:
    """1 / c of phi(h) - phi(-h) = c h"""
    if phi[0] not in CARRIED or phi[0] == 'leaky_relu' and phi[1] != 0.01:
        raise refuse(module, path, 'what %s skips cannot be carried through it; %s' % (phi[0], WORKS))
    return 1.0 / CARRIED[phi[0]]


def _stacked(*parts: Array) -> Array:
    """Matrices along a diagonal."""
    rows, columns = np.cumsum([[0, 0], *(part.shape for part in parts)], 0).T
    found = np.zeros((rows[-1], columns[-1]))
    for i, part in enumerate(parts):
        found[rows[i] : rows[i + 1], columns[i] : columns[i + 1]] = part
    return found


def _joined(module: Any, phi: Tuple[str, float], path: str) -> Tuple[List[Step], Dense]:
    """h = A x + a + phi(C c + e), and the context c behind it: what nflows' MADE begins with."""
    (weight, bias), (context, e) = _dense(module.initial_layer, path), _dense(module.context_layer, path)
    half = _half(phi, module, path)
    width, eye = len(bias), np.eye(len(context))
    behind = np.vstack([np.zeros((len(weight), 2 * len(eye))), np.hstack([eye, -eye])])
    first = np.hstack([_stacked(np.hstack([weight, -weight]), context), behind])
    layer = Step('dense', path, (first, np.concatenate([bias, -bias, e, np.zeros(2 * len(eye))])))
    h = np.vstack([half * np.eye(width), -half * np.eye(width), np.eye(width)])
    return [layer, Step('activation', path, phi)], (_stacked(h, half * np.vstack([eye, -eye])), np.zeros(width + len(eye)))


def _start(module: Any, phi: Tuple[str, float], path: str) -> Tuple[List[Step], Dense]:
    """What comes before the blocks: h, and behind it the context if there is one."""
    if hasattr(module, 'context_layer'):
        return _joined(module, phi, path)
    return [], _dense(module.initial_layer, path + '.initial_layer')


def _blocks_activation(module: Any, path: str) -> Tuple[str, float]:
    phi = activation(module.blocks[0].activation, module, path)
    for k, block in enumerate(module.blocks):
        if activation(block.activation, block, '%s.blocks.%d' % (path, k)) != phi:
            raise refuse(block, '%s.blocks.%d' % (path, k), 'another activation than in the block before')
    return phi


def _residual(module: Any, path: str, user: Mapping[type, Any]) -> List[Step]:
    """For each block h += C phi(g' (B phi(g h + c) + V v + b) + c') + d with the context v, as dense layers alone."""
    phi = _blocks_activation(module, path)
    act, half = Step('activation', path, phi), _half(phi, module, path)
    found, (weight, bias) = _start(module, phi, path)
    for k, block in enumerate(module.blocks):
        at = '%s.blocks.%d' % (path, k)
        inner, b = _dense(block.linear_layers[0], at + '.linear_layers.0')
        outer, d = _dense(block.linear_layers[1], at + '.linear_layers.1')
        width, all_kept = len(b), len(bias)
        context = np.zeros((all_kept - width, width))
        if len(context):
            context, e = _dense(block.context_layer, at + '.context_layer')
            b = b + e
        g2, c2 = _batch_norm(block, 1, at)
        eye, zero = np.eye(all_kept), np.zeros(all_kept)
        pair, pair_bias, keep = np.hstack([weight, -weight]), np.hstack([bias, -bias]), half * np.vstack([eye, -eye])
        into = np.vstack([np.zeros_like(inner), half * context])  # of what is kept
        branch = np.vstack([into, -into])
        if block.use_batch_norm:  # (g h + c, k, -k) instead of (k, -k)
            g, c = _batch_norm(block, 0, at)
            pair, pair_bias = np.hstack([weight[:, :width] * g, pair]), np.hstack([bias[:width] * g + c, pair_bias])
            keep, branch = np.vstack([np.zeros((width, all_kept)), keep]), np.vstack([np.zeros_like(inner), branch])
        branch[:width] += inner
        found += [Step('dense', at, (pair, pair_bias)), act]
        found += [Step('dense', at, (np.hstack([branch * g2, keep, -keep]), np.hstack([b * g2 + c2, zero, zero]))), act]
        weight = np.vstack([np.pad(outer, ((0, 0), (0, all_kept - width))), half * eye, -half * eye])
        bias = np.pad(d, (0, all_kept - width))
    final, e = _dense(module.final_layer, path + '.final_layer')
    return found + [Step('dense', path, (weight[:, : len(final)] @ final, bias[: len(final)] @ final + e))]


def _residual_net(module: Any, path: str, user: Mapping[type, Any]) -> List[Step]:
    if module.context_features is not None:
        raise refuse(module, path, 'gates by a context have no counterpart; ' + WORKS)
    if getattr(module, 'preprocessing', None) is not None:
        raise refuse(module, path, 'sines and cosines of periodic columns have no counterpart; ' + WORKS)
    if not len(module.blocks):
        linear = [_dense(getattr(module, name), path + '.' + name) for name in ('initial_layer', 'final_layer')]
        return [Step('dense', path, dense) for dense in linear]
    return _residual(module, path, user)


def _feed_forward(module: Any, path: str, begins: bool) -> List[Step]:
    """phi between masked layers; normflows has none behind the first."""
    phi = activation(module.activation, module, path) if hasattr(module, 'activation') else _blocks_activation(module, path)
    found, (weight, bias) = _start(module, phi, path)
    width = module.initial_layer.out_features
    found.append(Step('dense', path, (weight[:, :width], bias[:width])))
    found += [Step('activation', path, phi)] if begins else []
    for k, block in enumerate(module.blocks):
        at = '%s.blocks.%d' % (path, k)
        if block.batch_norm is not None:
            g, c = _norm(block.batch_norm, at + '.batch_norm')
            found.append(Step('dense', at, (np.diag(g), c)))
        found += [
            Step('dense', at, _dense(block.linear, at + '.linear')),
            Step('activation', at, activation(block.activation, block, at)),
        ]
    return found + [Step('dense', path, _dense(module.final_layer, path + '.final_layer'))]


def _nflows_made(module: Any, path: str, user: Mapping[type, Any]) -> List[Step]:
    if module.use_residual_blocks and len(module.blocks):
        return _residual(module, path, user)
    return _feed_forward(module, path, not module.use_residual_blocks)


def _normflows_made(module: Any, path: str, user: Mapping[type, Any]) -> List[Step]:
    if hasattr(module, 'context_layer'):
        raise refuse(module, path, 'gates by a context have no counterpart; ' + WORKS)
    if name_of(type(module.preprocessing)) != 'torch.nn.modules.linear.Identity':
        raise refuse(module, path, 'sines and cosines of periodic columns have no counterpart; ' + WORKS)
    if not len(module.blocks):
        linear = [_dense(getattr(module, name), path + '.' + name) for name in ('initial_layer', 'final_layer')]
        return [Step('dense', path, dense) for dense in linear]
    return _residual(module, path, user) if hasattr(module.blocks[0], 'linear_layers') else _feed_forward(module, path, False)


def _zuko_residual(module: Any, path: str, user: Mapping[type, Any]) -> List[Step]:
    return [Step('residual', path, _children(module, path, user))]


STEPS: Dict[str, Callable[[Any, str, Mapping[type, Any]], List[Step]]] = {
    'torch.nn.modules.linear.Linear': _linear,
    'zuko.nn.Linear': _linear,
    'torch.nn.modules.container.Sequential': _children,
    'zuko.nn.MLP': _children,
    'normflows.nets.mlp.MLP': _children,
    'normflows.utils.nn.ConstScaleLayer': _constant,
    'nflows.nn.nets.mlp.MLP': _nflows_mlp,
    'nflows.nn.nets.resnet.ResidualNet': _residual_net,
    'normflows.nets.resnet.ResidualNet': _residual_net,
    'nflows.transforms.made.MADE': _nflows_made,
    'normflows.nets.made.MADE': _normflows_made,
    'zuko.nn.MaskedLinear': _linear,
    'zuko.nn.MaskedMLP': _children,
    'zuko.nn.Residual': _zuko_residual,
}


def steps(module: Any, path: str, user: Mapping[type, Any]) -> List[Step]:
    """What a network does, one after the other."""
    known = user.get(type(module))
    if isinstance(known, type):  # "computes what this class computes"
        reader = STEPS.get(name_of(known))
    elif known is not None:
        inner = known(module)
        if inner is module:
            raise refuse(module, path, '`networks` says that it computes what it computes itself; name a class or a part of it')
        return steps(inner, path, user)
    else:
        reader = row(STEPS, module)
    if reader is not None:
        return reader(module, path, user)
    if row({name: True for name in IDLE}, module):
        return []
    if row(ACTIVATIONS, module):
        return [Step('activation', path, activation(module, module, path))]
    raise refuse(module, path, 'not known as a network or part of one; ' + WORKS)


def _doubled(dense: List[Dense], slope: float) -> List[Dense]:
    """Dense layers with leaky_relu of any slope as ones with relu."""
    found = []
    for i, (weight, bias) in enumerate(dense):
        if i > 0:
            weight = np.vstack([weight, -slope * weight])
        if i < len(dense) - 1:
            weight, bias = np.hstack([weight, -weight]), np.hstack([bias, -bias])
        found.append((weight, bias))
    return found


def _unfolded(found: List[Step], phi: Tuple[str, float]) -> List[Step]:
    """Without residual steps: h + C phi(B h + b) + d behind a dense layer that makes h."""
    done: List[Step] = []
    for step in found:
        if step.kind != 'residual':
            done.append(step)
            continue
        kinds = [inner.kind for inner in step.value]
        if kinds != ['dense', 'activation', 'dense'] or not done or done[-1].kind != 'dense':
            raise refuse(step, step.name, 'a residual part that is not Linear, activation, Linear, behind a Linear; ' + WORKS)
        half, (weight, bias) = _half(phi, step, step.name), _product(done)
        (inner, b), (outer, d), eye = step.value[0].value, step.value[2].value, np.eye(len(bias))
        first = (np.hstack([weight @ inner, weight, -weight]), np.hstack([bias @ inner + b, bias, -bias]))
        done += [
            Step('dense', step.name, first),
            step.value[1],
            Step('dense', step.name, (np.vstack([outer, half * eye, -half * eye]), d)),
        ]
    return done


def _product(found: List[Step]) -> Dense:
    """The dense layers at the end as one; takes them off."""
    weight, bias = found.pop().value
    while found and found[-1].kind == 'dense':
        before, b = found.pop().value
        weight, bias = before @ weight, b @ weight + bias
    return weight, bias


def _merged(found: List[Step]) -> List[Step]:
    done: List[Step] = []
    for step in found:
        done.append(step)
        if step.kind == 'dense':
            done.append(Step('dense', step.name, _product(done)))
    return done


def read(module: Any, path: str, user: Mapping[type, Any]) -> Tuple[Net, List[Step]]:
    """A network, and what it does to its outputs after the last dense layer."""
    found = steps(module, path, user)
    inside = {inner.value for step in found if step.kind == 'residual' for inner in step.value if inner.kind == 'activation'}
    if len(inside) == 1:
        found = _unfolded(found, inside.pop())
    found = _merged(found)
    last = max((i for i, step in enumerate(found) if step.kind == 'dense'), default=-1)
    kinds = [step.kind for step in found[: last + 1]]
    if kinds != (['dense', 'activation'] * len(kinds))[: len(kinds)] or last < 0:
        raise refuse(module, path, 'Linear layers and activations do not take turns; ' + WORKS)
    used = {step.value for step in found[:last] if step.kind == 'activation'}
    if len(used) > 1:
        raise refuse(module, path, 'several activations, %s; %s' % (', '.join(sorted(a[0] for a in used)), WORKS))
    name, slope = used.pop() if used else ('relu', 0.0)
    dense = [step.value for step in found[: last + 1] if step.kind == 'dense']
    if name == 'leaky_relu' and slope != 0.01:
        name, dense = 'relu', _doubled(dense, slope)
    return Net(name, dense), found[last + 1 :]


def plain(module: Any, path: str, user: Mapping[type, Any]) -> Net:
    """A network that does nothing to its outputs."""
    net, tail = read(module, path, user)
    if tail:
        raise refuse(module, path, 'something follows the last Linear layer (%s); %s' % (tail[0].name, WORKS))
    return net
