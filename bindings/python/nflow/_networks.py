# SPDX-License-Identifier: MIT
"""_networks.py - networks of PyTorch as the networks of couplings: dense layers with one activation in between

All weights in double, [in][out]. Nothing is approximated:
  LeakyReLU of another slope a    phi(h) = relu(h) - a relu(-h): twice the width, with relu
  nflows' ResidualNet             phi(h) - phi(-h) = c h for relu, leaky_relu, softplus and silu: what a block skips travels through
                                  the activations as the pair (h, -h). Widths grow from H to 2 H and 3 H
  BatchNorm1d inside of it        constants of eval mode, multiplied into the weights
"""

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

import numpy as np

Array = np.ndarray
Dense = Tuple[Array, Array]  # weight [in][out], bias [out]

WORKS = (
    'a network must be torch.nn.Sequential, zuko.nn.MLP, normflows.nets.MLP or nflows.nn.nets.MLP of Linear layers with one of '
    'ReLU, LeakyReLU, Tanh, Softplus(beta=1), SiLU, ELU(alpha=1) between them, or nflows.nn.nets.ResidualNet without context and '
    'with ReLU, LeakyReLU, Softplus or SiLU; for a class of your own say what it computes: '
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

    kind: str  # dense, activation, scale
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
    weight = array(linear.weight).T.copy()
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


def _batch_norm(block: Any, i: int, path: str) -> Tuple[Array, Array]:
    """(g, c) of g h + c, or ones and zeros."""
    width = block.linear_layers[0].in_features
    if not block.use_batch_norm:
        return np.ones(width), np.zeros(width)
    norm = block.batch_norm_layers[i]
    if norm.running_var is None or norm.weight is None:
        raise refuse(norm, '%s.batch_norm_layers.%d' % (path, i), 'without running statistics and weights')
    g = array(norm.weight) / np.sqrt(array(norm.running_var) + norm.eps)
    return g, array(norm.bias) - array(norm.running_mean) * g


def _residual(module: Any, path: str, user: Mapping[type, Any]) -> List[Step]:
    """h = A x + a;  for each block h += C phi(g' (B phi(g h + c) + b) + c') + d;  out = D h + e, as dense layers alone."""
    if module.context_features is not None:
        raise refuse(module, path, 'gates by a context have no counterpart; ' + WORKS)
    if not len(module.blocks):
        raise refuse(module, path, 'two Linear layers without an activation between them; ' + WORKS)
    phi = activation(module.blocks[0].activation, module, path)
    if phi[0] not in CARRIED or phi[0] == 'leaky_relu' and phi[1] != 0.01:
        raise refuse(module, path, 'what %s skips cannot be carried through it; %s' % (phi[0], WORKS))
    act, half = Step('activation', path, phi), 1.0 / CARRIED[phi[0]]
    weight, bias = _dense(module.initial_layer, path + '.initial_layer')
    found: List[Step] = []
    for k, block in enumerate(module.blocks):
        at = '%s.blocks.%d' % (path, k)
        if activation(block.activation, block, at) != phi:
            raise refuse(block, at, 'another activation than in the block before')
        inner, b = _dense(block.linear_layers[0], at + '.linear_layers.0')
        outer, d = _dense(block.linear_layers[1], at + '.linear_layers.1')
        eye, none, zero = np.eye(len(b)), np.zeros((len(b), len(b))), np.zeros(len(b))
        g2, c2 = _batch_norm(block, 1, at)
        pair, pair_bias, keep = np.hstack([weight, -weight]), np.hstack([bias, -bias]), half * np.vstack([eye, -eye])
        branch = np.vstack([inner * g2, none])
        if block.use_batch_norm:  # (g h + c, h, -h) instead of (h, -h)
            g, c = _batch_norm(block, 0, at)
            pair, pair_bias = np.hstack([weight * g, pair]), np.hstack([bias * g + c, pair_bias])
            keep, branch = np.vstack([none, keep]), np.vstack([branch, none])
        found += [Step('dense', at, (pair, pair_bias)), act]
        found += [Step('dense', at, (np.hstack([branch, keep, -keep]), np.hstack([b * g2 + c2, zero, zero]))), act]
        weight, bias = np.vstack([outer, half * eye, -half * eye]), d
    final, e = _dense(module.final_layer, path + '.final_layer')
    return found + [Step('dense', path, (weight @ final, bias @ final + e))]


STEPS: Dict[str, Callable[[Any, str, Mapping[type, Any]], List[Step]]] = {
    'torch.nn.modules.linear.Linear': _linear,
    'zuko.nn.Linear': _linear,
    'torch.nn.modules.container.Sequential': _children,
    'zuko.nn.MLP': _children,
    'normflows.nets.mlp.MLP': _children,
    'normflows.utils.nn.ConstScaleLayer': _constant,
    'nflows.nn.nets.mlp.MLP': _nflows_mlp,
    'nflows.nn.nets.resnet.ResidualNet': _residual,
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


def read(module: Any, path: str, user: Mapping[type, Any]) -> Tuple[Net, List[Step]]:
    """A network, and what it does to its outputs after the last dense layer."""
    found = steps(module, path, user)
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
