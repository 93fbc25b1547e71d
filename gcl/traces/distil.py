#!/usr/bin/env python3
"""Records the trace `distil`: labels that are made once, in float64, and D (float32) that learns them, for `gcl-sweep selftest`.

    python distil.py OUT [--seed N] [--width D] [--videos V]     # needs numpy, torch, scikit-learn, safetensors; writes OUT/distil

Folds, orders and initial weights are recorded; nothing else is random to the reader. It is written from the definitions alone, without
this project's code. Seeds whose labels hang on a last bit are passed over.
"""
import argparse
import os

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

SETTINGS = dict(kind="controls", feature_scaling="standard", variance_share=0.9, neighbours=5, folds=4, smoothing=1.5, top_percent=12.0,
                exponent=3.0, share=0.4, learning_rate=1e-3, rms_alpha=0.99, rms_eps=1e-8, momentum=0.6, batch_size=32, epochs=2)


def make_videos(rng, videos, width):
    """Non-negative segments with scenes, drift and one event in every third video."""
    scenes = np.maximum(rng.normal(0.3, 0.5, (4, width)), 0)
    for number in range(videos):
        length = int(rng.integers(7, 22))
        x = scenes[number % 4] + np.cumsum(rng.normal(0, 0.05, (length, width)), 0) + rng.normal(0, 0.08, (length, width))
        if number % 3 == 0:
            start = int(rng.integers(1, length // 2))
            x[start:start + 3] += 1.2 * np.abs(rng.normal(size=width)) * (rng.random(width) < 0.5)
        yield np.maximum(x, 0)


def standard(x):
    """Mean 0 and population std 1 in each channel; 0 where it is constant."""
    std = x.std(0)
    varies = std >= 1e-6 * np.sqrt((std ** 2).mean())
    return np.where(varies, (x - x.mean(0)) / np.where(varies, std, 1), 0.0)


def pca(train, rows, share):
    """What the fewest components whose share of the variance exceeds `share` leave of `rows`, and their number."""
    mean = train.mean(0)
    _, singular, components = np.linalg.svd(train - mean, full_matrices=False)
    cumulative = np.cumsum(singular ** 2) / np.sum(singular ** 2)
    count = int(np.searchsorted(cumulative, share, side="right")) + 1
    kept = components[:count]
    rest = (rows - mean) - (rows - mean) @ kept.T @ kept
    return np.sqrt((rest ** 2).sum(1)), count


def smooth(scores, videos, sigma):
    smoothed = np.empty_like(scores)
    reach = int(np.ceil(4 * sigma))
    for rows in videos:
        place = np.arange(len(rows))
        distance = np.abs(place[:, None] - place)
        weights = np.exp(-0.5 * (distance / sigma) ** 2) * (distance <= reach)
        smoothed[rows] = weights @ scores[rows] / weights.sum(1)
    return smoothed


def soft_ranks(scores, exponent):
    below = (scores[:, None] > scores).sum(1)
    equal = (scores[:, None] == scores).sum(1)
    return ((below + (equal + 1) / 2 - 0.5) / len(scores)) ** exponent


def window(scores, mean, std):
    """The fifth of a video within which the density of its scores changes most."""
    density = np.exp(-0.5 * ((scores - mean) / std) ** 2) / std
    sums = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(density)))])
    length, last = max(1, int(0.2 * len(scores))), len(scores) - 1
    changes = [sums[min(first + length, last)] - sums[first] for first in range(len(scores) - length + 1)]
    first = int(np.argmax(changes))
    labels = np.zeros(len(scores))
    labels[first:first + length] = 1
    return labels


def mixture(points, covariance):
    """Two Gaussians by scikit-learn, from the best of many k-means: from one alone it depends on luck."""
    second = KMeans(2, n_init=50, random_state=0).fit_predict(points) == 1
    weights, means, precisions = [], [], []
    for own in (~second, second):
        weights.append(own.mean())
        means.append(points[own].mean(0))
        spread = np.cov(points[own].T, ddof=0) + 1e-6 * np.eye(2)
        precisions.append(1 / np.diag(spread).mean() if covariance == "spherical" else np.linalg.inv(spread))
    fitted = GaussianMixture(2, covariance_type=covariance, max_iter=150, weights_init=weights, means_init=means, precisions_init=precisions)
    return fitted.fit(points)


def smaller(points, covariance):
    """Which videos belong to the smaller component of a mixture of two; none where they are of one size, which hangs on more than sizes."""
    second = mixture(points, covariance).predict(points) == 1
    if 2 * second.sum() == len(second):
        return None
    return second if 2 * second.sum() < len(second) else ~second


def windows(norms, videos, anomalous):
    normal = np.concatenate([norms[rows] for rows, bad in zip(videos, anomalous) if not bad])
    labels = np.zeros(len(norms))
    for rows, bad in zip(videos, anomalous):
        if bad:
            labels[rows] = window(norms[rows], normal.mean(), normal.std())
    return labels


def c2fpl(norms, videos):
    points = np.array([[norms[rows].mean(), norms[rows].var()] for rows in videos])
    anomalous = smaller(points, "spherical")
    if anomalous is None:
        return None
    while 2 * anomalous.sum() < len(videos):
        rest = np.flatnonzero(~anomalous)
        likelihood = mixture(points[rest], "spherical").score_samples(points[rest])
        anomalous[rest[likelihood < np.percentile(likelihood, 3)]] = True
        anomalous[rest[np.argmin(likelihood)]] = True
    return windows(norms, videos, anomalous)


def clap(norms, x, videos):
    points = []
    for rows in videos:
        variances = x[rows].var(0)
        positive = variances[variances > 0]
        points.append([np.diff(norms[rows]).max(), -(positive * np.log(positive)).sum()])
    anomalous = smaller(np.array(points), "full")
    return None if anomalous is None else windows(norms, videos, anomalous)


def normality(x, cosine):
    """LANP's Z of one video."""
    count = len(x)
    reach = min(50, count - 1)
    size = min(2 * reach, count)
    half = size // 2
    unit = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)
    weights = np.zeros((count, count))
    for i in range(count):
        if i <= half:
            near = np.arange(size)
        elif i >= count - half:
            near = np.arange(count - size, count)
        else:
            near = np.arange(i - half, i + half)
        alike = unit[near] @ unit[i] if cosine else np.exp(-np.sqrt(((x[near] - x[i]) ** 2).mean(1)) / 2)
        row = alike * np.exp(-np.abs(near - i) / size)
        row[near == i] = 0
        weights[i, near] = row
    weights = np.maximum(weights + weights.T, 0)
    sums = weights.sum(1)
    sums[sums == 0] = 1
    system = np.eye(count) - 0.99 * weights / np.sqrt(np.outer(sums, sums))
    seeds = sorted({0, 1, count - 2, count - 1})
    right = np.zeros(count)
    right[seeds] = 1
    z, rest = np.zeros(count), right.copy()
    direction = rest.copy()
    for _ in range(10):
        before = rest @ rest
        if before < 1e-12 * (right @ right):
            break
        image = system @ direction
        step = before / (direction @ image)
        z, rest = z + step * direction, rest - step * image
        direction = rest + (rest @ rest) / before * direction
    z = np.maximum(z, 0)
    z[seeds] = z.max()
    return z


def lanp(z, videos, share):
    spread = np.array([z[rows].std() for rows in videos])
    wanted = max(1, int(np.floor(share * len(videos) + 0.5)))
    labels = np.zeros(len(z))
    for video in np.argsort(-spread, kind="stable")[:wanted]:
        rows = videos[video]
        labels[rows[np.argsort(z[rows], kind="stable")[:max(1, int(0.4 * len(rows)))]]] = 1
    return labels


def record(folder, seed, width, count):
    rng = np.random.default_rng(seed)
    parts = [x.astype(np.float32).astype(np.float64) for x in make_videos(rng, count, width)]
    x = np.concatenate(parts)
    video = np.repeat(np.arange(count), [len(part) for part in parts])
    videos = [np.flatnonzero(video == number) for number in range(count)]
    scaled = standard(x)

    order = rng.permutation(count)
    fold = np.empty(count, dtype=np.int64)
    fold[order] = np.arange(count) % SETTINGS["folds"]
    fold = fold[video]
    error, components = pca(scaled, scaled, SETTINGS["variance_share"])
    crossed, counts = np.empty(len(x)), [components]
    for number in range(SETTINGS["folds"]):
        own = fold == number
        crossed[own], components = pca(scaled[~own], scaled[own], SETTINGS["variance_share"])
        counts.append(components)
    smoothed = smooth(crossed, videos, SETTINGS["smoothing"])
    wanted = max(1, int(np.floor(SETTINGS["top_percent"] / 100 * len(x) + 0.5)))
    falling = np.sort(smoothed)[::-1]
    if falling[wanted - 1] - falling[wanted] < 1e-5:
        return False
    labels = (smoothed >= falling[wanted - 1]).astype(np.float64)

    norms = (x ** 2).sum(1)
    by_c2fpl, by_clap = c2fpl(norms, videos), clap(norms, x, videos)
    if by_c2fpl is None or by_clap is None:
        return False
    z = {name: np.concatenate([normality(scaled[rows], name == "cosine") for rows in videos]) for name in ("cosine", "rms")}
    all_windows = np.concatenate([window(norms[rows], norms.mean(), norms.std()) for rows in videos])

    torch.manual_seed(seed)
    layers = [torch.nn.Linear(a, b) for a, b in ((width, width // 4), (width // 4, 32), (32, 1))]
    inputs = dict(features=x.astype(np.float32), video=video, fold=fold, frames=np.array([16 * len(part) for part in parts]))
    for index, layer in enumerate(layers):
        inputs[f"discriminator.{index}.weight"] = layer.weight.detach().numpy().copy()
        inputs[f"discriminator.{index}.bias"] = layer.bias.detach().numpy().copy()

    def forward(rows):
        return layers[2](F.relu(layers[1](F.relu(layers[0](rows))))).squeeze(1)

    optimizer = torch.optim.RMSprop([p for layer in layers for p in layer.parameters()], lr=SETTINGS["learning_rate"],
                                    alpha=SETTINGS["rms_alpha"], eps=SETTINGS["rms_eps"], momentum=SETTINGS["momentum"])
    rows, targets, losses = torch.tensor(scaled, dtype=torch.float32), torch.tensor(labels, dtype=torch.float32), []
    size = SETTINGS["batch_size"]
    for epoch in range(SETTINGS["epochs"]):
        visited = rng.permutation(len(x))
        inputs[f"order.{epoch:03d}"] = visited
        for first in range(0, len(visited) - size + 1, size):
            batch = torch.as_tensor(visited[first:first + size])
            loss = F.binary_cross_entropy_with_logits(forward(rows[batch]), targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss))
    with torch.no_grad():
        logit = forward(rows).numpy().astype(np.float64)
    expected = dict(pca_error=error, pca_components=np.array(counts), pca_error_cross=crossed, smoothed=smoothed, labels=labels,
                    labels_soft=soft_ranks(smoothed, SETTINGS["exponent"]), window_labels=all_windows,
                    c2fpl_labels=by_c2fpl, clap_labels=by_clap,
                    lanp_z_cosine=z["cosine"], lanp_z_rms=z["rms"],
                    lanp_labels_cosine=lanp(z["cosine"], videos, SETTINGS["share"]),
                    lanp_labels_rms=lanp(z["rms"], videos, SETTINGS["share"]),
                    loss_d=np.array(losses), logit=logit,
                    fused=(error - crossed.mean()) / crossed.std() + (logit - logit.mean()) / logit.std())
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/case.toml", "w") as f:
        for name, value in SETTINGS.items():
            f.write(f'{name} = "{value}"\n' if isinstance(value, str) else f"{name} = {value!r}\n")
    for name, tensors in (("inputs", inputs), ("expected", expected)):
        save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, f"{folder}/{name}.safetensors")
    print(f"seed {seed}: {len(x)} segments, components {counts}, labels {int(labels.sum())}, c2fpl {int(expected['c2fpl_labels'].sum())}, "
          f"clap {int(expected['clap_labels'].sum())}, lanp {int(expected['lanp_labels_cosine'].sum())}, loss {losses[0]:.4f} to {losses[-1]:.4f}")
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--width", type=int, default=12)
    parser.add_argument("--videos", type=int, default=13)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for seed in range(arguments.seed, arguments.seed + 1000):
        if record(f"{arguments.out}/distil", seed, arguments.width, arguments.videos):
            break


if __name__ == "__main__":
    main()
