#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# torch_bench.py - the workloads of nflow-bench in PyTorch, with its command line and its line of JSON
#
#   torch_bench.py WORKLOAD --threads T --batch B --seconds S [--batches B1,B2,...]
#
# To be run in turn with nflow-bench on a quiet machine; only ratios of one session mean anything. The models are those of
# bench/models.c, written as a PyTorch user would: nn.Linear, torch.optim.Adam, no_grad for densities. Continuous flows are solved by
# torchdiffeq (pip install torchdiffeq), which takes one step for the whole batch, and trained through its solver, the faster of its ways.
import argparse, json, math, os, resource, statistics, sys, time

# The BLAS under PyTorch has threads of its own, and reads their number when it is loaded.
threads = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv[:-1] else "1"
os.environ.setdefault("OPENBLAS_NUM_THREADS", threads)
import torch

WINDOWS = 9


def mlp(widths):
    layers = []
    for a, b in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


class RealNVP(torch.nn.Module):
    """Affine couplings over alternating columns; s = tanh(u), from networks of their own or as second half of one."""

    def __init__(self, dim, couplings, hidden, separate):
        super().__init__()
        self.dim, self.separate = dim, separate
        self.kept, self.moved, self.nets = [], [], torch.nn.ModuleList()
        for i in range(couplings):
            moved = [j for j in range(dim) if j % 2 != i % 2]
            kept = [j for j in range(dim) if j % 2 == i % 2]
            self.kept.append(torch.tensor(kept)), self.moved.append(torch.tensor(moved))
            widths = [len(kept)] + hidden
            if separate:
                self.nets.append(torch.nn.ModuleList([mlp(widths + [len(moved)]), mlp(widths + [len(moved)])]))
            else:
                self.nets.append(mlp(widths + [2 * len(moved)]))

    def log_prob(self, x):
        log_det = 0.0
        for kept, moved, net in zip(self.kept, self.moved, self.nets):
            a, b = x[:, kept], x[:, moved]
            t, u = (net[0](a), net[1](a)) if self.separate else net(a).chunk(2, 1)
            s = torch.tanh(u)
            x = x.clone()
            x[:, moved] = b * torch.exp(s) + t
            log_det = log_det + s.sum(1)
        return -0.5 * (x * x).sum(1) - 0.5 * self.dim * math.log(2 * math.pi) + log_det

    def sample(self, n):
        x = torch.randn(n, self.dim)
        for kept, moved, net in reversed(list(zip(self.kept, self.moved, self.nets))):
            a = x[:, kept]
            t, u = (net[0](a), net[1](a)) if self.separate else net(a).chunk(2, 1)
            x[:, moved] = (x[:, moved] - t) * torch.exp(-torch.tanh(u))
        return x


BINS, TAIL, MIN_BIN, MIN_SLOPE = 8, 3.0, 1e-2, 1e-2
NORMAL = 0.5 * math.log(2 * math.pi)


def knots(u):
    """Ends of the bins on [-TAIL, TAIL] from logits."""
    size = MIN_BIN + (1 - MIN_BIN * BINS) * torch.softmax(u, -1)
    ends = torch.nn.functional.pad(torch.cumsum(size, -1), (1, 0))
    ends = 2 * TAIL * ends - TAIL
    ends[..., 0], ends[..., -1] = -TAIL, TAIL
    return ends, ends[..., 1:] - ends[..., :-1]


def spline(x, p, inverse=False):
    """A rational-quadratic spline of each number, and its log slope; the identity beyond [-TAIL, TAIL] (arXiv:1906.04032)."""
    inside = (x >= -TAIL) & (x <= TAIL)
    z, log_slope = x.clone(), torch.zeros_like(x)
    x, p = x[inside], p[inside]
    xs, widths = knots(p[..., :BINS])
    ys, heights = knots(p[..., BINS:2 * BINS])
    edge = math.log(math.expm1(1 - MIN_SLOPE))
    slopes = MIN_SLOPE + torch.nn.functional.softplus(torch.nn.functional.pad(p[..., 2 * BINS:], (1, 1), value=edge))
    k = torch.searchsorted((ys if inverse else xs)[..., 1:-1].contiguous(), x[..., None])

    def at(values):
        return values.gather(-1, k)[..., 0]

    x0, w, y0, h, d0, d1 = at(xs), at(widths), at(ys), at(heights), at(slopes), at(slopes[..., 1:])
    s = h / w
    if inverse:
        v = x - y0
        a, b, c = v * (d0 + d1 - 2 * s) + h * (s - d0), h * d0 - v * (d0 + d1 - 2 * s), -s * v
        t = 2 * c / (-b - torch.sqrt(b * b - 4 * a * c))
        out = t * w + x0
    else:
        t = (x - x0) / w
        out = y0 + h * (s * t * t + d0 * t * (1 - t)) / (s + (d0 + d1 - 2 * s) * t * (1 - t))
    bottom = s + (d0 + d1 - 2 * s) * t * (1 - t)
    slope = torch.log(s * s * (d1 * t * t + 2 * s * t * (1 - t) + d0 * (1 - t) ** 2)) - 2 * torch.log(bottom)
    z[inside], log_slope[inside] = out, -slope if inverse else slope
    return z, log_slope


class NSF(torch.nn.Module):
    """Spline couplings over alternating columns."""

    def __init__(self, dim, couplings, hidden):
        super().__init__()
        self.dim, self.kept, self.moved, self.nets = dim, [], [], torch.nn.ModuleList()
        for i in range(couplings):
            self.kept.append(torch.tensor([j for j in range(dim) if j % 2 == i % 2]))
            self.moved.append(torch.tensor([j for j in range(dim) if j % 2 != i % 2]))
            self.nets.append(mlp([len(self.kept[i])] + hidden + [(3 * BINS - 1) * len(self.moved[i])]))

    def step(self, x, kept, moved, net, inverse=False):
        p = net(x[:, kept]).view(len(x), len(moved), -1)
        z = x.clone()
        z[:, moved], log_slope = spline(x[:, moved], p, inverse)
        return z, log_slope.sum(1)

    def log_prob(self, x):
        log_det = 0.0
        for step in zip(self.kept, self.moved, self.nets):
            x, log_slope = self.step(x, *step)
            log_det = log_det + log_slope
        return -0.5 * (x * x).sum(1) - NORMAL * self.dim + log_det

    def sample(self, n):
        x = torch.randn(n, self.dim)
        for step in reversed(list(zip(self.kept, self.moved, self.nets))):
            x = self.step(x, *step, inverse=True)[0]
        return x


class Masked(torch.nn.Linear):
    """A dense layer whose weights are multiplied by a mask."""

    def __init__(self, degrees_in, degrees_out, last):
        super().__init__(len(degrees_in), len(degrees_out))
        seen = degrees_in[None, :] < degrees_out[:, None] if last else degrees_in[None, :] <= degrees_out[:, None]
        self.register_buffer("mask", seen.float())

    def forward(self, x):
        return torch.nn.functional.linear(x, self.weight * self.mask, self.bias)


class MAF(torch.nn.Module):
    """Masked affine autoregressive layers (arXiv:1705.07057), columns reversed in between; s = 2 tanh(u / 2)."""

    def __init__(self, dim, layers, hidden):
        super().__init__()
        self.dim, self.nets = dim, torch.nn.ModuleList()
        for _ in range(layers):
            degrees = [torch.arange(1, dim + 1)] + [torch.arange(h) % (dim - 1) + 1 for h in hidden] + [torch.arange(1, dim + 1).repeat(2)]
            net = []
            for a, b in zip(degrees, degrees[1:]):
                net += [Masked(a, b, len(net) == 2 * len(hidden)), torch.nn.ReLU()]
            self.nets.append(torch.nn.Sequential(*net[:-1]))

    def log_prob(self, x):
        log_det = 0.0
        for net in self.nets:
            t, u = net(x).chunk(2, 1)
            s = 2 * torch.tanh(u / 2)
            x = (x * torch.exp(s) + t).flip(1)
            log_det = log_det + s.sum(1)
        return -0.5 * (x * x).sum(1) - NORMAL * self.dim + log_det

    def sample(self, n):
        x = torch.randn(n, self.dim)
        for net in reversed(self.nets):
            z, x = x.flip(1), torch.zeros_like(x)
            for j in range(self.dim):
                t, u = net(x).chunk(2, 1)
                x[:, j] = (z[:, j] - t[:, j]) * torch.exp(-2 * torch.tanh(u[:, j] / 2))
        return x


class GlowStep(torch.nn.Module):
    """Actnorm, 1x1 convolution (PLU), affine coupling of channels by 3x3 - 1x1 - 3x3 with actnorms."""

    def __init__(self, channels, hidden):
        super().__init__()
        q = torch.linalg.qr(torch.randn(channels, channels))[0]
        p, lower, upper = torch.linalg.lu(q)
        self.register_buffer("p", p)
        self.register_buffer("sign", upper.diagonal().sign())
        self.register_buffer("mask", torch.tril(torch.ones(channels, channels), -1))
        self.lower, self.upper = torch.nn.Parameter(lower), torch.nn.Parameter(upper)
        self.log_s = torch.nn.Parameter(upper.diagonal().abs().log())
        self.bias, self.scale = (torch.nn.Parameter(torch.zeros(1, channels, 1, 1)) for _ in range(2))
        half = channels // 2
        self.convs = torch.nn.ModuleList([torch.nn.Conv2d(half, hidden, 3, padding=1), torch.nn.Conv2d(hidden, hidden, 1),
                                          torch.nn.Conv2d(hidden, 2 * (channels - half), 3, padding=1)])
        self.scales = torch.nn.ParameterList([torch.nn.Parameter(torch.zeros(1, c.out_channels, 1, 1)) for c in self.convs])

    def weight(self):
        eye = torch.eye(len(self.log_s))
        return self.p @ (self.lower * self.mask + eye) @ (self.upper * self.mask.T + torch.diag(self.sign * self.log_s.exp()))

    def net(self, a):
        for i, (conv, scale) in enumerate(zip(self.convs, self.scales)):
            a = conv(a) * torch.exp(3 * scale)
            a = torch.relu(a) if i < 2 else a
        t, u = a.chunk(2, 1)
        return t, 2 * torch.tanh(u / 2)

    def forward(self, x):
        pixels = x.shape[2] * x.shape[3]
        x = torch.nn.functional.conv2d((x + self.bias) * self.scale.exp(), self.weight()[:, :, None, None])
        a, b = x.chunk(2, 1)
        t, s = self.net(a)
        return torch.cat([a, (b + t) * s.exp()], 1), pixels * (self.scale.sum() + self.log_s.sum()) + s.flatten(1).sum(1)

    def inverse(self, z):
        a, b = z.chunk(2, 1)
        t, s = self.net(a)
        z = torch.cat([a, b * (-s).exp() - t], 1)
        return torch.nn.functional.conv2d(z, torch.inverse(self.weight())[:, :, None, None]) * (-self.scale).exp() - self.bias


class Glow(torch.nn.Module):
    """GLOW on 32x32x3, 3 levels, with the learned priors of the splits."""

    def __init__(self, steps, hidden):
        super().__init__()
        self.dim, channels = 3072, 3
        self.levels, self.priors = torch.nn.ModuleList(), torch.nn.ModuleList()
        for level in range(3):
            channels *= 4
            self.levels.append(torch.nn.ModuleList([GlowStep(channels, hidden) for _ in range(steps)]))
            if level < 2:
                channels //= 2
                self.priors.append(torch.nn.Conv2d(channels, 2 * channels, 3, padding=1))

    def log_prob(self, x):
        x = (x + torch.rand_like(x)) / 256 - 0.5
        log_p = -self.dim * math.log(256)
        for level, steps in enumerate(self.levels):
            x = torch.nn.functional.pixel_unshuffle(x, 2)
            for step in steps:
                x, log_det = step(x)
                log_p = log_p + log_det
            if level < 2:
                x, z = x.chunk(2, 1)
                mean, log_sd = self.priors[level](x).chunk(2, 1)
                r = (z - mean) * (-log_sd).exp()
                log_p = log_p - (0.5 * r * r + log_sd + 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)
        return log_p - (0.5 * x * x + 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)

    def sample(self, n):
        x = torch.randn(n, self.levels[2][0].bias.shape[1], 4, 4)
        for level in reversed(range(3)):
            if level < 2:
                mean, log_sd = self.priors[level](x).chunk(2, 1)
                x = torch.cat([x, mean + log_sd.exp() * torch.randn_like(x)], 1)
            for step in reversed(self.levels[level]):
                x = step.inverse(x)
            x = torch.nn.functional.pixel_shuffle(x, 2)
        return x

    def gflop(self):
        """Convolutions and 1x1 convolutions, at the pixels of their level."""
        total = 0
        for level, steps in enumerate(self.levels):
            pixels = 256 >> 2 * level
            weights = sum(c.weight.numel() for s in steps for c in s.convs) + sum(s.lower.numel() for s in steps)
            total += pixels * (weights + (self.priors[level].weight.numel() if level < 2 else 0))
        return 2e-9 * total


class Squash(torch.nn.Module):
    """(W h + b) sigmoid(v t + d) + w t"""

    def __init__(self, a, b, gain):
        super().__init__()
        self.linear, self.gate, self.time = torch.nn.Linear(a, b), torch.nn.Linear(1, b), torch.nn.Linear(1, b, bias=False)
        with torch.no_grad():
            self.linear.weight.mul_(gain)

    def forward(self, t, h):
        t = t.reshape(1)
        return self.linear(h) * torch.sigmoid(self.gate(t)) + self.time(t)


class Continuous(torch.nn.Module):
    """FFJORD: the state (y, -log|det|) solved together."""

    def __init__(self, dim, hidden, activation, end_time, rtol, atol, exact, gain):
        super().__init__()
        from torchdiffeq import odeint
        self.odeint, self.dim, self.exact, self.rtol, self.atol = odeint, dim, exact, rtol, atol
        widths = [dim] + hidden + [dim]
        self.layers = torch.nn.ModuleList([Squash(a, b, gain) for a, b in zip(widths, widths[1:])])
        self.activation, self.root = activation, torch.nn.Parameter(torch.tensor(math.sqrt(end_time)))
        self.evaluations = 0

    def field(self, t, y):
        for i, layer in enumerate(self.layers):
            y = layer(t, y if i == 0 else self.activation(y))
        return y

    def rates(self, t, state):
        self.evaluations += 1
        training = torch.is_grad_enabled()
        with torch.enable_grad():
            y = state[0] if training and state[0].requires_grad else state[0].detach().requires_grad_(True)
            f = self.field(t, y)
            def back(e):
                return torch.autograd.grad(f, y, e, create_graph=training, retain_graph=True)[0]
            if self.exact:
                trace = sum(back(torch.nn.functional.one_hot(torch.tensor(j), self.dim).expand_as(f).float())[:, j] for j in range(self.dim))
            else:
                trace = (back(self.probe) * self.probe).sum(1)
        return (f, trace) if training else (f.detach(), trace.detach())

    def log_prob(self, x):
        self.evaluations = 0
        self.probe = torch.randint(0, 2, x.shape).float() * 2 - 1
        times = torch.stack([torch.zeros(()), self.root ** 2])
        y, trace = self.odeint(self.rates, (x, torch.zeros(len(x))), times, rtol=self.rtol, atol=self.atol, method="dopri5")
        return -0.5 * (y[-1] ** 2).sum(1) - 0.5 * self.dim * math.log(2 * math.pi) + trace[-1]

    def sample(self, n):
        times = torch.stack([self.root ** 2, torch.zeros(())])
        return self.odeint(self.field, torch.randn(n, self.dim), times, rtol=self.rtol, atol=self.atol, method="dopri5")[-1]

    def gflop(self):
        """Of f and its tangents, at the evaluations of the latest solve."""
        weights = sum(layer.linear.weight.numel() for layer in self.layers)
        return 2e-9 * self.evaluations * (1 + (self.dim if self.exact else 1)) * weights


def continuous(name):
    if "toy" in name:
        return Continuous(2, [64] * 3, torch.tanh, 0.5, 1e-5, 1e-5, True, 4.0)
    return Continuous(43, [860] * 2, torch.nn.functional.softplus, 1.0, 1e-6, 1e-8, False, 3.0)


MODELS = {"moons": (2, 6, [256] * 4, True), "tabular": (43, 10, [256] * 2, False)}
TABLES = {"nsf": NSF, "maf": MAF}


GLOWS = {"K8_h512": (8, 512), "K8_h128": (8, 128), "K32_h512": (32, 512)}


def gflop(model):
    if isinstance(model, (Glow, Continuous)):
        return model.gflop()
    return 2e-9 * sum(p.numel() for p in model.parameters() if p.dim() == 2)


def note(model):
    return f"{model.evaluations} evaluations" if isinstance(model, Continuous) else ""


def workload(name, batch):
    """The call to time, the metric, units a call, GFLOP a unit, what to note."""
    glow = name.startswith("glow_")
    if glow:
        model = Glow(*GLOWS[name.split("_", 2)[2].replace("log_prob_", "").replace("prob_", "")])
        x = torch.randint(0, 256, (batch, 3, 32, 32)).float()
    elif name.startswith("ffjord_"):
        model = continuous(name)
        x = torch.randn(batch, model.dim)
        model.log_prob(x)
    elif name.split("_")[-1] in TABLES or name == "maf_train":
        model = TABLES["maf" if "maf" in name else "nsf"](43, 10, [256] * 2)
        x = torch.randn(batch, model.dim)
    else:
        model = RealNVP(*MODELS["moons" if "moons" in name else "tabular"])
        x = torch.randn(batch, model.dim)
    if "train" in name:
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-6)

        def step():
            loss = -model.log_prob(x).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return step, "images/s" if glow else "steps/s", batch if glow else 1, 3 * (1 if glow else batch) * gflop(model), note(model)

    def evaluate():
        with torch.no_grad():
            model.log_prob(x) if "log_prob" in name else model.sample(batch)
    return evaluate, "us" if batch == 1 else "samples/s", batch, gflop(model), note(model)


def measure(name, batch, threads, seconds):
    call, metric, units, work, remark = workload(name, batch)
    call()
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < seconds / WINDOWS / 2:
        call()
        calls += 1
    calls = max(1, 2 * calls)
    values = []
    for _ in range(WINDOWS):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        each = (time.perf_counter() - start) / calls
        values.append(1e6 * each if metric == "us" else units / each)
    value = statistics.median(values)
    rate = work * (1e6 / value if metric == "us" else value)
    print(json.dumps({
        "workload": name, "peer": "torch " + torch.__version__, "threads": threads, "batch": batch, "metric": metric,
        "value": value, "min": min(values), "max": max(values), "n": WINDOWS, "gflop_per_unit": work, "gflops": rate,
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "note": remark}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=[k + m for k in ("log_prob_", "sample_") for m in MODELS] + [m + "_train" for m in MODELS] +
                        ["tabular_train_nsf", "maf_train"] + [k + m for k in ("log_prob_", "sample_") for m in TABLES] +
                        ["glow_" + k + g for k in ("train_", "log_prob_", "sample_") for g in GLOWS] +
                        ["ffjord_" + k + m for k in ("train_", "log_prob_", "sample_") for m in ("toy", "tabular")])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", "--batches", default="256")
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    # of columns, the products have the threads: with threads of both it runs at a third of this speed; convolutions are torch's own
    torch.set_num_threads(options.threads if options.workload.startswith("glow_") else 1)
    torch.manual_seed(1)
    for batch in map(int, options.batch.split(",")):
        measure(options.workload, batch, options.threads, options.seconds)


main()
