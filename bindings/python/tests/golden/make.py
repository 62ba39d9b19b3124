# SPDX-License-Identifier: MIT
"""Makes the golden files: flows of nflows, normflows and zuko, trained a little by PyTorch, converted, with PyTorch's densities.

    python bindings/python/tests/golden/make.py        with torch, the three packages and nflow importable

They were made once, and stand in for PyTorch where it is not: tests/test_convert.py reads them. "made_with" in each file has the
versions. Weights are random but for the seed, the data is this library's own density "moons".
"""

import json
import pathlib
import platform

import nflows.flows
import nflows.version
import normflows
import numpy
import torch
import zuko

import nflow
import nflow.convert

HERE = pathlib.Path(__file__).resolve().parent
SEED, ROWS, STEPS = 20, 24, 150


def nflows_model():
    model = nflows.flows.SimpleRealNVP(2, 4, 3, 1, batch_norm_between_layers=True)
    return model, lambda x: model.log_prob(x)


def normflows_model():
    flows = []
    for i in range(4):
        mask = torch.tensor([1.0, 0.0] if i % 2 else [0.0, 1.0])
        flows.append(normflows.flows.MaskedAffineFlow(mask, normflows.nets.MLP([2, 6, 2]), normflows.nets.MLP([2, 6, 2])))
        flows.append(normflows.flows.ActNorm(2))
    flows.append(normflows.flows.AffineCouplingBlock(normflows.nets.MLP([1, 6, 2]), scale_map='sigmoid'))
    flows.append(normflows.flows.LULinearPermute(2))
    model = normflows.NormalizingFlow(normflows.distributions.DiagGaussian(2), flows)
    return model, lambda x: model.log_prob(x)


def zuko_model():
    model = zuko.flows.RealNVP(2, 1, transforms=4, hidden_features=(8, 8), activation=torch.nn.SiLU)
    return model, lambda x: model((x[:, :1] > 0.5).to(x.dtype)).log_prob(x)  # the condition: the right half or not


def nflows_maf_model():
    model = nflows.flows.MaskedAutoregressiveFlow(2, 4, 2, 1)
    return model, lambda x: model.log_prob(x)


def normflows_nsf_model():
    flows = [normflows.flows.CoupledRationalQuadraticSpline(2, 1, 3, num_bins=4), normflows.flows.LULinearPermute(2)]
    flows.append(normflows.flows.AutoregressiveRationalQuadraticSpline(2, 1, 3, num_bins=4))
    model = normflows.NormalizingFlow(normflows.distributions.DiagGaussian(2), flows)
    return model, lambda x: model.log_prob(x)


def zuko_nsf_model():
    model = zuko.flows.NSF(2, 1, transforms=2, bins=4, hidden_features=(6,))
    return model, lambda x: model((x[:, :1] > 0.5).to(x.dtype)).log_prob(x)


def train(model, log_prob, data):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(STEPS):
        rows = data[(step * 100) % len(data) :][:100]
        optimizer.zero_grad()
        loss = -log_prob(rows).mean()
        loss.backward()
        optimizer.step()
    return float(loss)


def numbers(values):
    """The shortest text that comes back bit for bit."""
    if isinstance(values, numpy.ndarray) and values.ndim:
        return '[%s]' % ','.join(numbers(value) for value in values)
    return str(values)


def make(name, build, dtype):
    torch.manual_seed(SEED)
    torch.set_default_dtype(dtype)
    model, log_prob = build()
    data = torch.tensor(nflow.Dataset.synthetic('moons', 1000, seed=SEED).rows().tolist(), dtype=dtype)
    loss = train(model, log_prob, data)
    model.eval()
    flow = nflow.convert.convert(model)
    cond = numpy.arange(ROWS, dtype=flow.dtype).reshape(-1, 1) % 2 if flow.cond_dim else None
    x = flow.sample(ROWS, seed=SEED, cond=cond)
    theirs = nflow.convert._asked(torch, model, x, cond)
    made_with = {p.__name__: getattr(p, '__version__', '') for p in (torch, numpy, nflow, normflows, zuko)}
    made_with.update({'nflows': nflows.version.__version__, 'python': platform.python_version(), 'machine': platform.machine()})
    made_with.update({'seed': SEED, 'steps': STEPS, 'loss': round(loss, 4), 'class': type(model).__qualname__})
    lines = ['"made_with": %s' % json.dumps(made_with), '"description": %s' % json.dumps(json.loads(flow.to_json()))]
    lines += ['"x": ' + numbers(x), '"log_prob": ' + numbers(theirs)]
    lines += [] if cond is None else ['"cond": ' + numbers(cond)]
    weights = ['"%s": %s' % (key, numbers(value)) for key, value in flow.params.items()]
    lines.append('"weights": {\n%s\n}' % ',\n'.join(weights))
    (HERE / (name + '.json')).write_text('{\n%s\n}\n' % ',\n'.join(lines))


if __name__ == '__main__':
    make('nflows', nflows_model, torch.float32)
    make('normflows', normflows_model, torch.float64)
    make('zuko', zuko_model, torch.float32)
    make('nflows_maf', nflows_maf_model, torch.float32)
    make('normflows_nsf', normflows_nsf_model, torch.float64)
    make('zuko_nsf', zuko_nsf_model, torch.float64)
