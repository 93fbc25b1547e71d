#!/usr/bin/env python3
"""The same training step in PyTorch, as everybody writes it; answers the questions of run.py, one a line.

    pytorch_step.py eager|compile|graphs|shared DIM BATCH ROWS THREADS|cuda:N [f32|tf32]

`eager`: G once without a graph for the labels, once with one for the loss; autograd; torch.optim.RMSprop.
`compile`: the same with torch.compile around the four functions and the optimizers' steps.
`graphs`: `compile` in its mode "reduce-overhead", which records CUDA graphs: for GPUs.
`shared`: eager, but one forward of G serves labels and loss (nobody writes it so; it shows what that part is worth).

`steps N` seconds of N steps; `report` the last one's thresholds and losses; `load FOLDER` weights that ours dumped;
`product M N K` seconds of the best of three products; `memory` bytes that PyTorch holds on the GPU; `quit`.
"""
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

torch._dynamo.config.cache_size_limit = 64


def data(count):
    """In [0, 1), exact in float32, the same numbers as `number` of gcl/examples/speed.rs."""
    index = np.arange(count, dtype=np.uint64) & 0xFFFFFFFF
    return ((((index * 2654435761) & 0xFFFFFFFF) >> 8).astype(np.float32)) / np.float32(16777216.0)


def mlp(widths):
    layers = []
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        layers.append(torch.nn.Linear(a, b))
        if i + 2 < len(widths):
            layers.append(torch.nn.ReLU())
    return torch.nn.Sequential(*layers)


class Training:
    def __init__(self, kind, dim, batch, rows, device):
        self.kind, self.batch, self.device = kind, batch, device
        w = max
        self.g = mlp([dim, w(dim // 2, 1), w(dim // 4, 1), w(dim // 8, 1), w(dim // 4, 1), w(dim // 2, 1), dim])
        self.d = mlp([dim, w(dim // 4, 1), 32, 1])
        self.g, self.d = self.g.to(device), self.d.to(device)
        settings = dict(lr=2e-5, alpha=0.99, eps=1e-8, momentum=0.6)
        self.opt_g = torch.optim.RMSprop(self.g.parameters(), **settings)
        self.opt_d = torch.optim.RMSprop(self.d.parameters(), **settings)
        self.x = torch.from_numpy(data(rows * dim).reshape(rows, dim)).to(device)
        self.order, self.next = None, 0
        self.report = [float("nan")] * 4
        compiled = {
            "compile": torch.compile,
            "graphs": lambda f: torch.compile(f, mode="reduce-overhead"),
        }.get(kind, lambda f: f)
        self.label_g, self.loss_d = compiled(self._label_g), compiled(self._loss_d)
        self.label_d, self.loss_g = compiled(self._label_d), compiled(self._loss_g)
        self.step_g, self.step_d = compiled(self.opt_g.step), compiled(self.opt_d.step)

    def _label_g(self, x):
        e = (self.g(x) - x).norm(dim=1)
        threshold = e.mean() + e.std(unbiased=False)
        return (e >= threshold).float(), threshold

    def _loss_d(self, x, labels):
        return F.binary_cross_entropy_with_logits(self.d(x).squeeze(1), labels)

    def _label_d(self, x):
        p = torch.sigmoid(self.d(x).squeeze(1))
        threshold = p.mean() + 0.1 * p.std(unbiased=False)
        return p >= threshold, threshold

    def _loss_g(self, x, labels):
        target = torch.where(labels[:, None], torch.ones_like(x), x)
        return (self.g(x) - target).norm(dim=1).mean()

    def step(self):
        if self.order is None or self.next + self.batch > len(self.order):
            self.order, self.next = torch.randperm(len(self.x), device=self.device), 0
        if self.kind == "graphs":
            torch.compiler.cudagraph_mark_step_begin()
        x = self.x[self.order[self.next:self.next + self.batch]]
        self.next += self.batch
        if self.kind == "shared":
            y = self.g(x)
            e = (y.detach() - x).norm(dim=1)
            threshold_g = e.mean() + e.std(unbiased=False)
            labels_g = (e >= threshold_g).float()
        else:
            with torch.no_grad():
                labels_g, threshold_g = self.label_g(x)
        loss_d = self.loss_d(x, labels_g)
        self.opt_d.zero_grad()
        loss_d.backward()
        self.step_d()
        with torch.no_grad():
            labels_d, threshold_d = self.label_d(x)
        if self.kind == "shared":
            loss_g = (y - torch.where(labels_d[:, None], torch.ones_like(x), x)).norm(dim=1).mean()
        else:
            loss_g = self.loss_g(x, labels_d)
        self.opt_g.zero_grad()
        loss_g.backward()
        self.step_g()
        self.report = [float(threshold_g), float(threshold_d), float(loss_g), float(loss_d)]

    def load(self, folder):
        parameters = [*self.g.parameters(), *self.d.parameters()]
        with torch.no_grad():
            for i, parameter in enumerate(parameters):
                values = np.fromfile(f"{folder}/{i}.f32", dtype="<f4")
                parameter.copy_(torch.from_numpy(values).reshape(parameter.shape))


def product(m, n, k):
    a, b = torch.from_numpy(data(m * k).reshape(m, k)), torch.from_numpy(data(n * k).reshape(n, k))
    out = torch.empty(m, n)
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        torch.mm(a, b.t(), out=out)
        best = min(best, time.perf_counter() - start)
    return best


def main():
    kind = sys.argv[1]
    dim, batch, rows = map(int, sys.argv[2:5])
    device = sys.argv[5] if sys.argv[5].startswith("cuda") else "cpu"
    if device == "cpu":
        torch.set_num_threads(int(sys.argv[5]))
    torch.backends.cuda.matmul.allow_tf32 = sys.argv[6:7] == ["tf32"]
    torch.manual_seed(0)
    training = Training(kind, dim, batch, rows, device)
    print("ready", flush=True)
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "steps":
            start = time.perf_counter()
            for _ in range(int(rest[0])):
                training.step()
            print(time.perf_counter() - start, flush=True)
        elif word == "report":
            print(*training.report, flush=True)
        elif word == "load":
            training.load(rest[0])
            print("done", flush=True)
        elif word == "product":
            print(product(*map(int, rest)), flush=True)
        elif word == "memory":
            print(torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved(), flush=True)
        elif word == "quit":
            return


if __name__ == "__main__":
    main()
