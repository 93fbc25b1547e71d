#!/usr/bin/env python3
"""Records the small traces that are built into the program: an independent PyTorch (CPU) reference of GCL.

    python make.py make . --seed 11

Each case becomes NAME/{case.toml,inputs.safetensors,expected.safetensors}; src/selftest says
what is compared. Nothing random is left to the reader: features, initial weights, batch order, noise and
replacement choices are all recorded. Needs torch, numpy, safetensors.
"""
import argparse, os
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

# Every case: what differs from the defaults. `net` is the first layer's width; widths follow the paper's proportions.
DEFAULTS = dict(dim=8, videos=8, mean_length=12, batch_size=24, epochs=2, learning_rate=1e-3, rms_alpha=0.99, rms_eps=1e-8,
                momentum=0.6, method="gcl", target="ones", sigma=1.5, labels="hard",
                generator_rule="mean-std", generator_k=1.0, generator_percent=10.0,
                discriminator_rule="mean-std", discriminator_k=0.1, discriminator_percent=10.0,
                pretraining="off", difference_threshold=0.7, pretrain_epochs=2, pretrain_discriminator_epochs=2,
                supervision_percent=0)
CASES = {
    "gcl-ones": {},
    "gcl-replace": dict(target="replace"),
    "gcl-gaussian": dict(target="gaussian", sigma=6.0),
    "gcl-none": dict(target="none"),
    "gcl-soft-labels": dict(labels="soft"),
    "gcl-own-labels": dict(method="gcl-own-labels"),
    "gcl-top-percent": dict(generator_rule="top-percent", discriminator_rule="top-percent", discriminator_percent=20.0),
    "gcl-weak-50": dict(supervision_percent=50),
    "gcl-pretrained": dict(pretraining="temporal-difference"),
    "gcl-one-class": dict(pretraining="normal-only"),
    "autoencoder-all": dict(method="autoencoder"),
    "autoencoder-td": dict(method="autoencoder", pretraining="temporal-difference"),
    "autoencoder-occ": dict(method="autoencoder", pretraining="normal-only"),
    "gcl-own-pretrained": dict(method="gcl-own-labels", pretraining="temporal-difference", target="none", momentum=0.0),
    "gcl-soft-pretrained": dict(labels="soft", pretraining="normal-only", target="replace", batch_size=1000),
}


def widths(d):
    return [d, d // 2, d // 4, d // 8, d // 4, d // 2, d], [d, d // 4, max(d // 64, 4), 1]


class Mlp(torch.nn.Module):
    """Fully connected; ReLU between layers, the last layer linear."""
    def __init__(self, dims):
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in zip(dims, dims[1:]))

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i + 1 < len(self.layers):
                x = F.relu(x)
        return x


def threshold(values, rule, k, percent):
    """mean-std: mean + k * population std.  top-percent: the smallest value among the top round(percent/100 * b) (at least one)."""
    if rule == "mean-std":
        return values.mean() + k * values.std(unbiased=False)
    n = max(1, int(np.floor(percent / 100 * len(values) + 0.5)))
    return values.sort(descending=True).values[n - 1]


def make_videos(c, rng):
    """Unit-norm non-negative segments with scenes, slow drift and one contiguous off-manifold event in every second video."""
    d, out = c["dim"], []
    scenes = np.maximum(rng.normal(0.3, 0.5, size=(4, d)), 0)
    for i in range(c["videos"]):
        n = int(rng.integers(c["mean_length"] // 2, c["mean_length"] * 3 // 2))
        drift = np.cumsum(rng.normal(0, 0.05, size=(n, d)), axis=0)
        x = scenes[i % 4] + drift + rng.normal(0, 0.08, size=(n, d))
        label = i % 2
        if label:
            a = int(rng.integers(1, n // 2)); b = a + max(2, n // 5)
            x[a:b] += 1.2 * np.abs(rng.normal(size=d)) * (rng.random(d) < 0.4)
        x = np.maximum(x, 0)
        x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
        out.append((torch.tensor(x), label))
    return out


class Case:
    def __init__(self, name, seed, dtype):
        self.c = c = {**DEFAULTS, **CASES[name]}
        self.name, self.dtype = name, dtype
        self.rng = np.random.default_rng([seed, sum(map(ord, name))])
        torch.manual_seed(int(self.rng.integers(2**31)))
        videos = make_videos(c, self.rng)
        self.x = torch.cat([v for v, _ in videos]).to(torch.float32).to(dtype)
        self.video = torch.cat([torch.full((len(v),), i) for i, (v, _) in enumerate(videos)])
        self.label = torch.tensor([l for _, l in videos])
        g, d = widths(c["dim"])
        self.G, self.D = Mlp(g), Mlp(d)
        self.inputs = {"features": self.x.float(), "video": self.video, "video_label": self.label}
        for prefix, net in (("generator", self.G), ("discriminator", self.D)):
            for i, l in enumerate(net.layers):
                self.inputs[f"{prefix}.{i}.weight"] = l.weight.detach().clone()
                self.inputs[f"{prefix}.{i}.bias"] = l.bias.detach().clone()
        self.G.to(dtype); self.D.to(dtype)
        known = torch.full((len(videos),), -1)
        if c["supervision_percent"]:
            order = self.rng.permutation(len(videos))[: int(np.floor(c["supervision_percent"] / 100 * len(videos) + 0.5))]
            known[order] = self.label[order]
        self.known = known
        self.inputs["known_label"] = known
        self.trace = {k: [] for k in ("threshold_g", "threshold_d", "loss_g", "loss_d", "labels_g", "labels_d")}
        self.orders, self.noise, self.replacement = [], [], []
        self.closest = float("inf")                                       # smallest relative distance of a value to its threshold

    def optimizer(self, net):
        c = self.c
        return torch.optim.RMSprop(net.parameters(), lr=c["learning_rate"], alpha=c["rms_alpha"], eps=c["rms_eps"], momentum=c["momentum"])

    def epoch(self, rows):
        """Batches of one epoch: a recorded permutation of `rows`, a last short batch dropped (kept when it is the only one)."""
        p = rows[self.rng.permutation(len(rows))]
        self.orders.append(p)
        b = min(self.c["batch_size"], len(p))
        return [p[i:i + b] for i in range(0, len(p) - b + 1, b)]

    def error(self, x, y):
        return (x - y).norm(dim=1)                                        # Eq. 1: the norm, not its square

    def kept_rows(self):
        """Section 3.3: segment t+1 is kept if ||f(t+1) - f(t)|| <= D_th; the first of a video has no predecessor and is left out."""
        diff = (self.x[1:] - self.x[:-1]).norm(dim=1)
        same = self.video[1:] == self.video[:-1]
        keep = torch.cat([torch.tensor([False]), same & (diff <= self.c["difference_threshold"])])
        return keep.nonzero().squeeze(1)

    def watch(self, values, th, rule):
        gap = ((values - th).abs() / th.abs()).sort().values
        self.closest = min(self.closest, float(gap[1 if rule == "top-percent" else 0]))

    def weak(self, labels, rows):
        known = self.known[self.video[rows]]
        return torch.where(known == 0, torch.zeros_like(labels), labels)

    def generator_labels(self, x, rows, record=True):
        c = self.c
        with torch.no_grad():
            e = self.error(x, self.G(x))
        th = threshold(e, c["generator_rule"], c["generator_k"], c["generator_percent"])
        if c["labels"] == "hard":
            self.watch(e, th, c["generator_rule"])
        if c["labels"] == "soft":
            y = (e - e.min()) / (e.max() - e.min()).clamp_min(1e-12)
        else:
            y = (e >= th).to(self.dtype)
        y = self.weak(y, rows)
        if record:
            self.trace["threshold_g"].append(th); self.trace["labels_g"].append(y)
        return y

    def discriminator_labels(self, x, rows):
        c = self.c
        with torch.no_grad():
            p = torch.sigmoid(self.D(x).squeeze(1))
        th = threshold(p, c["discriminator_rule"], c["discriminator_k"], c["discriminator_percent"])
        self.watch(p, th, c["discriminator_rule"])
        y = self.weak((p >= th).to(self.dtype), rows)
        self.trace["threshold_d"].append(th); self.trace["labels_d"].append(y)
        return y

    def step(self, optimizer, loss):
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        return loss.detach()

    def step_discriminator(self, optimizer, x, y):
        return self.step(optimizer, F.binary_cross_entropy_with_logits(self.D(x).squeeze(1), y))   # Eq. 3

    def step_generator(self, optimizer, x, y):
        c, positive = self.c, y > 0.5
        b, d = x.shape
        noise = torch.tensor(self.rng.normal(size=(b, d)), dtype=torch.float32).to(self.dtype) if c["target"] == "gaussian" else None
        choice = torch.arange(b)
        if c["target"] == "none":
            if (~positive).sum() == 0:
                return torch.zeros((), dtype=self.dtype)
            kept = x[~positive]
            return self.step(optimizer, self.error(kept, self.G(kept)).mean())
        target = x.clone()
        if c["target"] == "ones":
            target[positive] = 1.0                                        # Eq. 6
        elif c["target"] == "gaussian":
            target[positive] += c["sigma"] * noise[positive]
        elif c["target"] == "replace":
            normal = (~positive).nonzero().squeeze(1)
            if len(normal):
                choice[positive] = normal[torch.tensor(self.rng.integers(len(normal), size=int(positive.sum())))]
            target = x[choice]
        if noise is not None: self.noise.append(noise.float())
        if c["target"] == "replace": self.replacement.append(choice)
        return self.step(optimizer, self.error(target, self.G(x)).mean())  # Eq. 5

    def run(self):
        c, every = self.c, torch.arange(len(self.x))
        rows = {"off": every, "temporal-difference": self.kept_rows(),
                "normal-only": (self.label[self.video] == 0).nonzero().squeeze(1)}[c["pretraining"]]
        if c["method"] == "autoencoder":
            og = self.optimizer(self.G)
            for _ in range(c["epochs"]):
                for b in self.epoch(rows):
                    self.trace["loss_g"].append(self.step(og, self.error(self.x[b], self.G(self.x[b])).mean()))
            return
        if c["pretraining"] != "off":
            og = self.optimizer(self.G)
            for _ in range(c["pretrain_epochs"]):
                for b in self.epoch(rows):
                    self.trace["loss_g"].append(self.step(og, self.error(self.x[b], self.G(self.x[b])).mean()))
            od = self.optimizer(self.D)
            for _ in range(c["pretrain_discriminator_epochs"]):
                for b in self.epoch(every):
                    x = self.x[b]
                    self.trace["loss_d"].append(self.step_discriminator(od, x, self.generator_labels(x, b)))
        og, od = self.optimizer(self.G), self.optimizer(self.D)            # the loop starts with fresh optimizer state
        for _ in range(c["epochs"]):
            for b in self.epoch(every):
                x = self.x[b]
                if c["method"] == "gcl-own-labels":
                    self.trace["loss_g"].append(self.step_generator(og, x, self.generator_labels(x, b)))
                    continue
                self.trace["loss_d"].append(self.step_discriminator(od, x, self.generator_labels(x, b)))
                self.trace["loss_g"].append(self.step_generator(og, x, self.discriminator_labels(x, b)))

    def save(self, folder):
        self.run()
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/case.toml", "w") as f:
            for k, v in self.c.items():
                f.write(f"{k} = {repr(v) if not isinstance(v, str) else chr(34) + v + chr(34)}\n")
        for i, o in enumerate(self.orders):
            self.inputs[f"order.{i:03d}"] = o
        if self.noise: self.inputs["noise"] = torch.stack(self.noise)
        if self.replacement: self.inputs["replacement"] = torch.stack(self.replacement)
        expected = {}
        for k, v in self.trace.items():
            if v: expected[k] = torch.stack([t.to(self.dtype) for t in v])
        for prefix, net in (("generator", self.G), ("discriminator", self.D)):
            for i, l in enumerate(net.layers):
                expected[f"{prefix}.{i}.weight"] = l.weight.detach().clone()
                expected[f"{prefix}.{i}.bias"] = l.bias.detach().clone()
        with torch.no_grad():
            expected["score_g"] = self.error(self.x, self.G(self.x))
            expected["score_d"] = torch.sigmoid(self.D(self.x).squeeze(1))
        save_file({k: v.contiguous() for k, v in self.inputs.items()}, f"{folder}/inputs.safetensors")
        save_file({k: v.contiguous() for k, v in expected.items()}, f"{folder}/expected.safetensors")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("command", choices=["make"])
    p.add_argument("out")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--dtype", default="float32")
    p.add_argument("--only", default="")
    a = p.parse_args()
    torch.set_num_threads(1)
    for name in CASES:
        if a.only and a.only != name:
            continue
        for seed in range(a.seed, a.seed + 1000):                         # labels must not hang on the last bit: take the next seed then
            case = Case(name, seed, getattr(torch, a.dtype))
            case.save(f"{a.out}/{name}")
            if case.closest > 2e-5:
                break
        t = case.trace
        print(f"{name:18s} steps {len(t['loss_g']):3d}  last loss_g {float(t['loss_g'][-1]):.6f}"
              + f"  seed {seed}  closest {case.closest:.1e}"
              + (f"  loss_d {float(t['loss_d'][-1]):.6f}" if t["loss_d"] else ""))


if __name__ == "__main__":
    main()
