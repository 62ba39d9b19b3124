# SPDX-License-Identifier: MIT
"""Flows of nflows, normflows and zuko: converted, and compared with what PyTorch itself says. tests/convert.sh runs this where
PyTorch is; elsewhere test_convert.py reads what it made once."""

import copy
import functools
import importlib
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from test_convert import TOLERANCE, difference

import nflow
import nflow.convert
from nflow import _networks, _peers
from nflow.convert import ConvertError, convert, save

torch = pytest.importorskip('torch', reason='torch is not installed: the golden files of test_convert.py stand in')
LOADED = {}


def package(name):
    """nflows, normflows or zuko, whole; the test is skipped without."""
    if name not in LOADED:
        try:
            LOADED[name] = importlib.import_module(name)
            for part in {'nflows': ('flows', 'transforms', 'distributions', 'nn.nets')}.get(name, ()):
                importlib.import_module(name + '.' + part)
        except ImportError as error:
            LOADED[name] = error
    if isinstance(LOADED[name], ImportError):
        pytest.skip('%s cannot be imported: %s' % (name, LOADED[name]))
    return LOADED[name]


def shaken(module, amount=0.3):
    """The module with weights as after a training, and statistics. Splines become steep, and lose digits of float32, sooner."""
    amount = min(amount, 0.1) if re.search('RationalQuadratic|RQS', repr(module)) else amount
    torch.manual_seed(4)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(amount * torch.randn_like(parameter))
        for name, buffer in module.named_buffers():
            if name.endswith('running_var'):
                buffer.copy_(0.5 + torch.rand_like(buffer))
            elif name.endswith('running_mean'):
                buffer.copy_(torch.randn_like(buffer))
            elif name.endswith('data_dep_init_done'):
                buffer.fill_(1.0)
    return module


def nflows_flow(*transforms, dim=4):
    nf = package('nflows')
    transform = transforms[0] if len(transforms) == 1 else nf.transforms.CompositeTransform(transforms)
    return shaken(nf.flows.Flow(transform, nf.distributions.StandardNormal([dim])))


def nflows_network(inputs, outputs):
    return package('nflows').nn.nets.ResidualNet(inputs, outputs, hidden_features=6, num_blocks=1)


def nflows_transforms():
    t = package('nflows').transforms
    mask = [1, -1, 1, 1]
    both = [
        t.IdentityTransform(),
        t.AdditiveCouplingTransform(mask, nflows_network),
        t.RandomPermutation(4),
        t.ReversePermutation(4),
        t.ActNorm(4),
        t.BatchNorm(4),
        t.PointwiseAffineTransform(torch.arange(4.0), torch.tensor([0.5, 1.0, 2.0, 3.0])),
        t.PointwiseAffineTransform(1.5, 0.25),
        t.LULinear(4),
        t.QRLinear(4, 3),
        t.SVDLinear(4, 4),
        t.HouseholderSequence(4, 2),
    ]
    forward = [t.AffineCouplingTransform(mask, nflows_network), t.NaiveLinear(4)]  # its inverse calls what torch no longer has
    both += nflows_curves()
    return forward + both + [t.InverseTransform(t.CompositeTransform([x, t.ActNorm(4)])) for x in copy.deepcopy(both)]


def nflows_curves():
    t, tanh = package('nflows').transforms, torch.tanh
    spline, tails = t.PiecewiseRationalQuadraticCouplingTransform, {'tails': 'linear', 'tail_bound': 3.0}
    masked, splines = t.MaskedAffineAutoregressiveTransform, t.MaskedPiecewiseRationalQuadraticAutoregressiveTransform
    return [
        spline([1, -1, 1, 1], nflows_network, **tails),
        spline([1, -1, 1, -1], nflows_network, num_bins=5, min_derivative=1e-2, apply_unconditional_transform=True, **tails),
        masked(4, 8),
        masked(4, 2, num_blocks=1, use_batch_norm=True),
        masked(4, 9, use_residual_blocks=False, activation=tanh, use_batch_norm=True),
        masked(4, 9, use_residual_blocks=False, random_mask=True),
        masked(4, 9, num_blocks=0),
        splines(4, 8, num_bins=6, **tails),
    ]


def normflows_flow(*flows, dim=4, **fields):
    nf = package('normflows')
    return shaken(nf.NormalizingFlow(nf.distributions.DiagGaussian(dim, **fields), list(flows)))


def normflows_flows():
    nf = package('normflows')
    flows, mlp = nf.flows, nf.nets.MLP
    mask = torch.tensor([1.0, 0.0, 0.0, 1.0])
    squashed = {'output_fn': 'tanh', 'score_scale': 0.5, 'output_scale': 2.0}
    both = [
        flows.MaskedAffineFlow(mask, mlp([4, 8, 4]), mlp([4, 6, 5, 4], leaky=0.2)),
        flows.MaskedAffineFlow(mask, None, mlp([4, 8, 4], **squashed)),
        flows.MaskedAffineFlow(mask, mlp([4, 8, 4]), None),
        flows.MaskedAffineFlow(mask, mlp([4, 8, 4]), mlp([4, 8, 4], output_fn='tanh')),
        *(flows.AffineCouplingBlock(mlp([2, 8, 4]), split_mode=mode) for mode in ('channel', 'channel_inv', 'checkerboard')),
        flows.AffineCouplingBlock(mlp([2, 8, 2], dropout=0.5), scale=False, split_mode='checkerboard_inv'),
        flows.AffineConstFlow(4),
        flows.AffineConstFlow((4,), shift=False),
        flows.ActNorm(4),
        flows.Permute(4),
        flows.Permute(4, 'swap'),
        flows.InvertibleAffine(4),
        flows.InvertibleAffine(4, use_lu=False),
        flows.LULinearPermute(4),
        flows.CoupledRationalQuadraticSpline(4, 2, 6),
        flows.CoupledRationalQuadraticSpline(4, 1, 6, num_bins=5, tail_bound=2.5, activation=torch.nn.SiLU, reverse_mask=True),
        flows.AutoregressiveRationalQuadraticSpline(4, 2, 6),
        flows.AutoregressiveRationalQuadraticSpline(4, 1, 6, permute_mask=True),
        flows.MaskedAffineAutoregressive(4, 8),
        flows.MaskedAffineAutoregressive(4, 8, use_residual_blocks=False),
    ]
    once = [
        flows.AffineCouplingBlock(mlp([2, 8, 4]), scale_map='sigmoid'),
        flows.Reverse(flows.AffineCouplingBlock(mlp([2, 8, 4]), scale_map='sigmoid_inv')),
    ]
    return once + both + [flows.Reverse(flows.Composite([x, flows.ActNorm(4)])) for x in copy.deepcopy(both)]


def zuko_flow(*transforms, dim=4, trained=False):
    zuko = package('zuko')
    normal, args = zuko.distributions.DiagNormal, (torch.zeros(dim), torch.ones(dim))
    base = zuko.lazy.UnconditionalDistribution(normal, *args, buffer=not trained)
    return shaken(zuko.lazy.Flow(list(transforms), base), 0.2)


def zuko_transforms():
    zuko = package('zuko')
    t, fixed, coupling = zuko.transforms, zuko.lazy.UnconditionalTransform, zuko.flows.coupling.GeneralCouplingTransform
    steep = functools.partial(t.MonotonicAffineTransform, slope=1e-2)
    mask = torch.tensor([True, False, False, True])
    small = {'hidden_features': (8,)}
    masked, splines = (
        zuko.flows.autoregressive.MaskedAutoregressiveTransform,
        functools.partial(t.MonotonicRQSTransform, slope=1e-2, bound=4.0),
    )
    curves = {'univariate': splines, 'shapes': [(6,), (6,), (5,)]}
    graph = torch.tensor([[1, 0, 0, 1], [0, 1, 0, 1], [1, 0, 1, 0], [0, 0, 0, 1]])
    both = [
        coupling(4, **small),
        coupling(4, mask=mask, activation=torch.nn.ELU, **small),
        coupling(4, mask=mask, univariate=steep, **small),
        coupling(4, univariate=t.AdditiveTransform, shapes=[()], hidden_features=()),
        coupling(4, mask=mask, **curves, **small),
        masked(4),
        masked(4, order=[2, 0, 3, 1], univariate=steep, **small),
        masked(4, passes=2, **curves, **small),
        masked(4, adjacency=graph, univariate=t.AdditiveTransform, shapes=[()], **small),
        masked(4, residual=True, hidden_features=(9, 9), **curves),
        fixed(t.IdentityTransform),
        fixed(t.PermutationTransform, torch.tensor([2, 0, 3, 1]), buffer=True),
        fixed(t.RotationTransform, torch.randn(4, 4)),
        fixed(t.LULinearTransform, torch.randn(4, 4) + 2 * torch.eye(4)),
        fixed(t.MonotonicAffineTransform, torch.randn(4), torch.randn(4)),
        fixed(t.AdditiveTransform, torch.randn(4)),
        fixed(torch.distributions.AffineTransform, torch.randn(4), torch.rand(4) + 1.0, buffer=True),
    ]
    return both + [zuko.lazy.LazyInverse(x) for x in copy.deepcopy(both)]


CASES = {
    'nflows': (nflows_transforms, nflows_flow),
    'normflows': (normflows_flows, normflows_flow),
    'zuko': (zuko_transforms, zuko_flow),
}


def asked(model, x):
    return nflow.convert._asked(torch, nflow.convert._still(model), x, None)


def agrees(model, path, rows):
    """Whether a file's log_prob is PyTorch's at samples: within the tolerance, relative where above 1 (what save gives is absolute),
    or in float32 within three times what PyTorch's own float32 is off from its double at some sample: splines are steep there."""
    flow = nflow.Flow.load(path)
    x, many = (nflow.convert._rows(flow, n, None, 0)[0] for n in (rows, 1000))
    own = (
        0.0
        if flow.dtype == 'float64'
        else difference(asked(copy.deepcopy(model).double(), many.astype('float64')), asked(model, many))
    )
    return difference(asked(model, x), flow.log_prob(x)) < max(TOLERANCE[flow.dtype.name], 3 * own)


@pytest.mark.parametrize('name', list(CASES))
def test_every_module(name, tmp_path):
    """Each by itself, both ways where both are there, in both precisions; convert compares in double, save in the model's."""
    makers, flow_of = CASES[name]
    torch.manual_seed(3)
    package(name)
    modules = makers()
    seen = set()
    for module in modules:
        model = flow_of(module)
        seen |= {key for key in _peers.MODULES for m in model.modules() if _peers.name_of(type(m)) == key}
        save(model, tmp_path / 'model', rows=64)
        assert agrees(model, tmp_path / 'model', 64), module
        assert save(model.double(), tmp_path / 'model', rows=64, dtype='float64') < TOLERANCE['float64'], module
    wanted = {key for key in _peers.MODULES if key.startswith(name + '.')}
    circular = 'normflows.flows.neural_spline.wrapper.Circular%sRationalQuadraticSpline'  # refused inside
    loose = {
        'nflows.transforms.permutations.Permutation',
        'zuko.lazy.LazyComposedTransform',
        circular % 'Coupled',
        circular % 'Autoregressive',
    }
    assert wanted - seen <= loose, 'rows of the table without a case: %s' % (wanted - seen)
    save(flow_of(*makers()[:8]), tmp_path / 'model')  # one after the other; more of them at random are chaotic


def test_bases():
    nf, normflows = package('nflows'), package('normflows')
    trained = nf.flows.Flow(nf.transforms.ActNorm(3), nf.distributions.DiagonalNormal([3]))
    assert convert(shaken(trained), rows=np.random.default_rng(1).standard_normal((9, 3))).base.type == 'diagonal'
    assert convert(normflows_flow(normflows.flows.ActNorm(2), dim=2, trainable=False)).base.type == 'normal'
    assert convert(normflows_flow(normflows.flows.ActNorm(2), dim=2)).base.type == 'diagonal'
    fixed = package('zuko').lazy.UnconditionalTransform(package('zuko').transforms.AdditiveTransform, torch.randn(4))
    assert convert(zuko_flow(fixed)).base.type == 'normal' and convert(zuko_flow(fixed, trained=True)).base.type == 'diagonal'


# ---- models as their packages make them, trained


def normflows_model(module):
    flows, mlp = [], module.nets.MLP
    for i in range(6):
        mask = torch.tensor([1.0, 0.0] if i % 2 else [0.0, 1.0])
        flows += [module.flows.MaskedAffineFlow(mask, mlp([2, 16, 2], init_zeros=True), mlp([2, 16, 2], init_zeros=True))]
        flows += [module.flows.ActNorm(2)]
    return module.NormalizingFlow(module.distributions.DiagGaussian(2), flows)


def normflows_steps(module, make):
    flows = [flow for _ in range(2) for flow in (make(), module.flows.LULinearPermute(2))]
    return module.NormalizingFlow(module.distributions.DiagGaussian(2), flows)


def nflows_steps(module, make):
    t = module.transforms
    chain = t.CompositeTransform([x for i in range(2) for x in (make(t, [1, -1] if i % 2 else [-1, 1]), t.LULinear(2))])
    return module.flows.Flow(chain, module.distributions.StandardNormal([2]))


def zuko_splines(module):
    return {'univariate': module.transforms.MonotonicRQSTransform, 'shapes': [(6,), (6,), (5,)]}


TAILS = {'tails': 'linear', 'tail_bound': 3.0, 'num_bins': 6}
TRAINED = {
    'nflows': lambda m: m.flows.SimpleRealNVP(2, 16, 4, 2, batch_norm_between_layers=True, batch_norm_within_layers=True),
    'nflows MAF': lambda m: m.flows.MaskedAutoregressiveFlow(
        2, 16, 4, 2, batch_norm_between_layers=True, batch_norm_within_layers=True
    ),
    'nflows NSF': lambda m: nflows_steps(
        m, lambda t, mask: t.PiecewiseRationalQuadraticCouplingTransform(mask, nflows_network, **TAILS)
    ),
    'nflows ARQS': lambda m: nflows_steps(
        m, lambda t, mask: t.MaskedPiecewiseRationalQuadraticAutoregressiveTransform(2, 16, **TAILS)
    ),
    'normflows': normflows_model,
    'normflows NSF': lambda m: normflows_steps(m, lambda: m.flows.CoupledRationalQuadraticSpline(2, 2, 16)),
    'normflows ARQS': lambda m: normflows_steps(m, lambda: m.flows.AutoregressiveRationalQuadraticSpline(2, 2, 16)),
    'normflows MAF': lambda m: normflows_steps(m, lambda: m.flows.MaskedAffineAutoregressive(2, 16)),
    'zuko': lambda m: m.flows.RealNVP(2, transforms=6, hidden_features=(32, 32)),
    'zuko MAF': lambda m: m.flows.MAF(2, transforms=4, hidden_features=(32, 32)),
    'zuko NSF': lambda m: m.flows.NSF(2, transforms=2, bins=6, hidden_features=(32, 32)),
    'zuko NSF of couplings': lambda m: m.flows.NICE(2, transforms=4, hidden_features=(32, 32), **zuko_splines(m)),
}


def trained_model(name, dtype):
    """(model, log_prob, data)"""
    torch.manual_seed(9)
    model = TRAINED[name](package(name.split()[0])).to(dtype)
    log_prob = (lambda x: model().log_prob(x)) if name.startswith('zuko') else model.log_prob
    data = torch.tensor(nflow.Dataset.synthetic('moons', 1000, seed=2).rows().tolist(), dtype=dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    first = None
    for step in range(120):
        optimizer.zero_grad()
        loss = -log_prob(data[step % 10 * 100 :][:100]).mean()
        first = float(loss) if first is None else first
        loss.backward()
        optimizer.step()
    assert float(loss) < first - 0.3
    return model.eval(), log_prob, data


def from_latent(name, model, z):
    """x of z, by PyTorch."""
    with torch.no_grad():
        if name.startswith('zuko'):
            return model().transform.inv(z)
        return model.forward(z) if name.startswith('normflows') else model._transform.inverse(z)[0]


@pytest.mark.parametrize('dtype', list(TOLERANCE))
@pytest.mark.parametrize('name', list(TRAINED))
def test_trained(name, dtype, tmp_path):
    """The promise: log_prob within 1e-5 (float32) and 1e-9 (float64) of PyTorch's, relative where it is above 1."""
    model, log_prob, data = trained_model(name, getattr(torch, dtype))
    path = tmp_path / 'model.safetensors'
    error = save(model, path)
    flow = nflow.Flow.load(path)
    with torch.no_grad():
        theirs = np.array(log_prob(data).double().tolist())
    found = difference(theirs, flow.log_prob(np.array(data.tolist(), dtype)))
    print('nflow.convert: %s %s: %.2g at 1000 rows of data, %.2g at the self-test rows' % (name, dtype, found, error))
    assert flow.dtype == dtype and found < TOLERANCE[dtype] and agrees(model, path, 16)
    assert nflow.Flow.verify(path) == (error, 16)
    if dtype == 'float64':
        z = np.random.default_rng(3).standard_normal((1000, 2))
        x = np.array(from_latent(name, model, torch.tensor(z.tolist(), dtype=torch.float64)).tolist())
        assert difference(x, flow.inverse(z)) < TOLERANCE[dtype]


def test_contexts_of_masked_networks():
    """nflows adds phi of a context to the first layer, and the context itself to every block."""
    t = package('nflows').transforms
    for fields in ({}, {'use_residual_blocks': False}, {'use_batch_norm': True}, {'num_blocks': 0}):
        flow = convert(nflows_flow(t.MaskedAffineAutoregressiveTransform(4, 7, context_features=2, **fields)))
        assert flow.cond_dim == 2
    cond = np.random.default_rng(0).standard_normal((12, 3))
    for kind in ('MAF', 'NSF'):
        model = shaken(getattr(package('zuko').flows, kind)(4, 3, transforms=2, hidden_features=(9,)), 0.1)
        assert convert(model, rows=12, cond=cond).cond_dim == 3


def test_the_module_is_left_alone():
    model, _, data = trained_model('nflows', torch.float32)
    model.train()
    before = copy.deepcopy(model.state_dict())
    convert(model)
    assert model.training and next(model.parameters()).dtype == torch.float32 and torch.get_default_dtype() == torch.float32
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_conditions(tmp_path):
    model = shaken(package('zuko').flows.RealNVP(3, 2, transforms=3, hidden_features=(8,)))
    path = tmp_path / 'model'
    random = np.random.default_rng(0)
    x, cond = random.standard_normal((20, 3)), random.standard_normal((20, 2))
    assert save(model, path, rows=x, cond=cond) < TOLERANCE['float32'] and nflow.Flow.verify(path)[1] == 20
    flow = nflow.Flow.load(path)
    assert flow.cond_dim == 2
    with torch.no_grad():
        theirs = model(torch.tensor(cond).float()).log_prob(torch.tensor(x).float()).double().tolist()
    assert difference(np.array(theirs), flow.log_prob(x, cond)) < TOLERANCE['float32']
    assert convert(model, dtype='float64').dtype == 'float64'
    with pytest.raises(ValueError, match='cond has 19 rows, x has 20'):
        save(model, path, rows=x, cond=cond[1:])


# ---- networks


@pytest.mark.parametrize(
    'name', ['ReLU()', 'LeakyReLU()', 'LeakyReLU(0.3)', 'LeakyReLU(0.0)', 'Tanh()', 'Softplus()', 'SiLU()', 'ELU()']
)
def test_activations(name):
    make = functools.partial(eval, 'nn.' + name, {'nn': torch.nn})
    layer = package('zuko').flows.coupling.GeneralCouplingTransform(4, hidden_features=(7, 5), activation=make)
    convert(zuko_flow(layer))


@pytest.mark.parametrize('name', ['relu', 'leaky_relu', 'softplus', 'silu'])
@pytest.mark.parametrize('norm', [False, True])
def test_residual_networks(name, norm):
    nets = package('nflows').nn.nets
    act = getattr(torch.nn.functional, name)
    fields = {'hidden_features': 5, 'num_blocks': 3, 'use_batch_norm': norm, 'dropout_probability': 0.2}
    make = functools.partial(nets.ResidualNet, activation=act, **fields)
    flow = convert(nflows_flow(package('nflows').transforms.AffineCouplingTransform([1, 0, 1, 0], make)))
    assert len(json.loads(flow.to_json())['layers'][0]['hidden']) == 6


@pytest.mark.parametrize('ceiling', [3, 30])
def test_scale_activations_of_later_nflows(ceiling, monkeypatch):
    """A later AffineCouplingTransform takes a function for its scale; this makes one of the installed one."""
    coupling = package('nflows').transforms.AffineCouplingTransform

    def scale_and_shift(self, params):
        shift, u = params.chunk(2, 1)
        return self.scale_activation(u), shift

    monkeypatch.setattr(coupling, '_scale_and_shift', scale_and_shift)
    module = coupling([1, 0, 1, 0], nflows_network)
    module.scale_activation = lambda u: (torch.nn.functional.softplus(u) + 1e-3).clamp(0, ceiling)
    if ceiling == 3:
        assert json.loads(convert(nflows_flow(module)).to_json())['layers'][0]['scale'] == 'softplus'
    else:
        with pytest.raises(ConvertError, match='scale_activation'):
            convert(nflows_flow(module))
    module.scale_activation = lambda u: torch.sigmoid(u + 2) + 1e-3
    assert json.loads(convert(nflows_flow(module)).to_json())['layers'][0]['scale'] == 'sigmoid_eps'


def own_networks():
    """Classes of somebody's own, as nflows needs for plain networks."""
    nets = package('nflows').nn.nets

    class Conditional(torch.nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.net = torch.nn.Sequential(torch.nn.Linear(inputs + 1, 9), torch.nn.Tanh(), torch.nn.Linear(9, outputs))

        def forward(self, x, context):
            return self.net(torch.cat([x, context], 1))

    class Plain(nets.MLP):
        def __init__(self, inputs, outputs):
            super().__init__([inputs], [outputs], [8, 6], activation=torch.tanh)

        def forward(self, x, context=None):
            return super().forward(x)

    return Conditional, Plain


def test_networks_of_ones_own():
    coupling = package('nflows').transforms.AffineCouplingTransform
    conditional, plain = own_networks()
    model = nflows_flow(coupling([1, 0, 1, 0], conditional), coupling([0, 1, 0, 1], plain))
    flow = convert(model, networks={conditional: lambda net: net.net, plain: package('nflows').nn.nets.MLP})
    assert flow.cond_dim == 1
    with pytest.raises(ConvertError, match=r'_transform._transforms.0.transform_net .*Conditional.*networks='):
        convert(model)
    with pytest.raises(ConvertError, match=r'_transform._transforms.1.transform_net .*Plain.*networks='):
        convert(model, networks={conditional: lambda net: net.net})
    with pytest.raises(ConvertError, match='computes itself'):
        convert(model, networks={conditional: lambda net: net})


def test_a_network_that_computes_something_else_is_found_out():
    coupling = package('nflows').transforms.AffineCouplingTransform
    _, plain = own_networks()

    class Doubled(plain):
        def forward(self, x, context=None):
            return 2 * super().forward(x)

    with pytest.raises(ConvertError, match='differs from PyTorch'):
        convert(nflows_flow(coupling([1, 0, 1, 0], Doubled)), networks={Doubled: package('nflows').nn.nets.MLP})


# ---- refusals: where, what, what works


def refusals():
    nflows, normflows, zuko = package('nflows'), package('normflows'), package('zuko')
    t, f, mlp = nflows.transforms, normflows.flows, normflows.nets.MLP
    affine, net = t.AffineCouplingTransform, nflows.nn.nets.ResidualNet
    spline = t.PiecewiseRationalQuadraticCouplingTransform
    circular = zuko.flows.NCSF(4).transform.transforms[0]
    gelu = zuko.flows.coupling.GeneralCouplingTransform(4, hidden_features=(4,), activation=torch.nn.GELU)

    class Changed(t.ActNorm):
        def forward(self, inputs, context=None):
            return super().forward(inputs + 1)

    return [
        (zuko.flows.NCSF(4), r'base \(zuko.distributions.BoxUniform\)'),
        (zuko_flow(circular), r'transform.transforms.0 \(.*\): the univariate .*CircularRQSTransform .*MonotonicRQSTransform'),
        (nflows_flow(spline([1, 0, 1, 0], nflows_network)), r'_transform \(.*PiecewiseRational.*\): tails None'),
        (
            nflows_flow(spline([1, 0, 1, 0], nflows_network, tails='linear', min_bin_width=0.09)),
            'min_bin_width is 0.09; here it must be in',
        ),
        (nflows_flow(t.MaskedAffineAutoregressiveTransform(4, 8, context_features=2, activation=torch.tanh)), 'tanh skips'),
        (
            normflows_flow(f.CircularCoupledRationalQuadraticSpline(4, 1, 6, [0, 1])),
            r"flows.0.prqct \(.*tails \['circular', 'linear'\] have no counterpart",
        ),
        (normflows_flow(f.CircularAutoregressiveRationalQuadraticSpline(4, 1, 6, [0, 1])), r'flows.0.mprqat \(.*sines and cosines'),
        (zuko_flow(gelu), r'transform.transforms.0.hyper.1 \(torch.*GELU\).*SiLU'),
        (torch.nn.Linear(2, 2), 'the model .*neither a flow'),
        (nflows_flow(t.InverseTransform(affine([1, 0, 1, 0], nflows_network))), r'_transform._transform \(.*inverted'),
        (nflows_flow(Changed(4)), r'_transform \(.*Changed\)'),
        (nflows_flow(affine([1, 0, 0, 1], functools.partial(net, hidden_features=4, activation=torch.tanh))), 'tanh skips'),
        (nflows_flow(affine([1, 0, 0, 1], functools.partial(net, hidden_features=4, context_features=2))), 'gates by a context'),
        (nflows_flow(t.LeakyReLU()), r'_transform \(.*LeakyReLU\): has no exact counterpart'),
        (nflows_flow(t.ActNorm(3)), 'rows here have 4 columns'),
        (normflows_flow(f.AffineCouplingBlock(mlp([2, 8, 4]), scale_map='sigmoid_inv')), r'flows.0.flows.1 \(.*sigmoid_inv'),
        (normflows_flow(f.AffineCouplingBlock(mlp([2, 8, 4], output_fn='tanh'))), 'follows the last Linear'),
        (normflows_flow(f.Planar((4,))), r'flows.0 \(.*Planar\)'),
        (normflows.NormalizingFlow(normflows.distributions.DiagGaussian(4), [f.ActNorm(4)]), 'never initialised'),
        (normflows.NormalizingFlow(normflows.distributions.Uniform(4), [f.Permute(4)]), r'q0 \(.*Uniform\)'),
        (normflows_flow(f.Permute(4)).half(), 'float16'),
    ]


@pytest.mark.parametrize('i', range(21))
def test_refused(i, tmp_path):
    cases = refusals()
    assert len(cases) == 21
    model, words = cases[i]
    path = tmp_path / 'model'
    path.write_bytes(b'before')
    with pytest.raises(ConvertError, match=words):
        save(model, path)
    assert path.read_bytes() == b'before'


# ---- the command

BUILD = """
import torch, zuko
def make():
    torch.manual_seed(1)
    return zuko.flows.RealNVP(3, transforms=3, hidden_features=(8,))
"""


def command(*arguments, cwd):
    return subprocess.run([sys.executable, '-m', 'nflow.convert', *arguments], cwd=cwd, text=True, capture_output=True)


class Trap:
    """What a hostile pickle does."""

    def __reduce__(self):
        return exec, ('open("sprung", "w").close()',)


def test_command(tmp_path):
    package('zuko')
    (tmp_path / 'mymodels.py').write_text(BUILD)
    space = {}
    exec(BUILD, space)
    torch.save(shaken(space['make']()).state_dict(), tmp_path / 'state.pt')
    done = command('state.pt', '--build', 'mymodels:make', '-o', 'out.safetensors', '--rows', '20', cwd=tmp_path)
    assert done.returncode == 0 and 'dim=3' in done.stdout, done.stderr
    error, rows = nflow.Flow.verify(tmp_path / 'out.safetensors')
    assert rows == 20 and error < 1e-5
    wrong = command('state.pt', '--build', 'mymodels:mak', '-o', 'wrong', cwd=tmp_path)
    assert wrong.returncode == 1 and 'mymodels:mak' in wrong.stderr and not (tmp_path / 'wrong').exists()


def test_pickles_are_not_read_unasked(tmp_path):
    package('zuko')
    (tmp_path / 'mymodels.py').write_text(BUILD)
    torch.save(Trap(), tmp_path / 'trap.pt')
    for extra in ([], ['--build', 'mymodels:make']):
        done = command('trap.pt', '-o', 'out', *extra, cwd=tmp_path)
        assert done.returncode == 1 and not (tmp_path / 'sprung').exists() and not (tmp_path / 'out').exists()
    assert '--unsafe-pickle' in command('trap.pt', '-o', 'out', cwd=tmp_path).stderr
    command('trap.pt', '-o', 'out', '--unsafe-pickle', cwd=tmp_path)
    assert (tmp_path / 'sprung').exists()  # the trap is one
    torch.save(shaken(package('zuko').flows.RealNVP(2, transforms=2)), tmp_path / 'model.pt')
    done = command('model.pt', '-o', 'out', '--unsafe-pickle', cwd=tmp_path)
    assert done.returncode == 0 and nflow.Flow.verify(tmp_path / 'out')[1] == 16, done.stderr


@pytest.mark.parametrize('i', range(2))
def test_programs_of_the_manual(i, tmp_path):
    for name in CASES:
        package(name)
    blocks = re.findall(r'^```python nflow torch\n(.*?)^```', (ROOT / 'docs' / 'convert.md').read_text(), re.M | re.S)
    assert len(blocks) == 2
    done = subprocess.run([sys.executable, '-c', blocks[i]], cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_tables_name_classes_that_exist():
    """Every name in the tables, in the packages as they are installed."""
    for name in CASES:
        package(name)
    for table in (_peers.MODULES, _peers.TRANSFORMS, _peers.BASES, _peers.MODELS, _networks.STEPS, _networks.ACTIVATIONS):
        for full in table:
            module, _, attribute = full.rpartition('.')
            cls = getattr(importlib.import_module(module), attribute)
            assert _peers.name_of(cls) == full
