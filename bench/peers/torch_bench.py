#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# torch_bench.py - the workloads of nflow-bench in PyTorch, with its command line and its line of JSON
#
#   torch_bench.py WORKLOAD --threads T --batch B --seconds S [--batches B1,B2,...]
#
# To be run in turn with nflow-bench on a quiet machine; only ratios of one session mean anything. The models are those of
# bench/models.c, written as a PyTorch user would: nn.Linear, torch.optim.Adam, no_grad for densities.
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


MODELS = {"moons": (2, 6, [256] * 4, True), "tabular": (43, 10, [256] * 2, False)}


def gflop(model):
    return 2e-9 * sum(p.numel() for p in model.parameters() if p.dim() == 2)


def workload(name, batch):
    """The call to time, the metric, units a call, GFLOP a unit."""
    model = RealNVP(*MODELS["moons" if "moons" in name else "tabular"])
    x = torch.randn(batch, model.dim)
    if name.endswith("_train"):
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-6)

        def step():
            loss = -model.log_prob(x).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return step, "steps/s", 1, 3 * batch * gflop(model)

    def evaluate():
        with torch.no_grad():
            model.log_prob(x) if name.startswith("log_prob") else model.sample(batch)
    return evaluate, "us" if batch == 1 else "samples/s", batch, gflop(model)


def measure(name, batch, threads, seconds):
    call, metric, units, work = workload(name, batch)
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
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "note": ""}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=[k + m for k in ("log_prob_", "sample_") for m in MODELS] + [m + "_train" for m in MODELS])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", "--batches", default="256")
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)  # the products have the threads: with threads of both it runs at a third of this speed
    torch.manual_seed(1)
    for batch in map(int, options.batch.split(",")):
        measure(options.workload, batch, options.threads, options.seconds)


main()
