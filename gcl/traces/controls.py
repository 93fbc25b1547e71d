#!/usr/bin/env python3
"""Records the trace `controls`: scores that learn nothing, in float64, for `gcl-sweep selftest`.

    python controls.py OUT [--seed N]        # needs numpy, safetensors; writes OUT/controls

Folds are recorded, and nothing else is random to the reader. It is written from the definitions alone, without this project's code.
"""
import argparse
import os

import numpy as np
from safetensors.numpy import save_file

SETTINGS = dict(kind="controls", feature_scaling="standard", variance_share=0.9, neighbours=5, folds=3, smoothing=2.0)


def make_videos(rng, videos, width):
    """Non-negative segments with scenes, drift and one event in every third video; one channel is constant."""
    scenes = np.maximum(rng.normal(0.3, 0.5, (3, width)), 0)
    for number in range(videos):
        length = int(rng.integers(6, 14))
        x = scenes[number % 3] + np.cumsum(rng.normal(0, 0.05, (length, width)), 0) + rng.normal(0, 0.08, (length, width))
        if number % 3 == 0:
            start = int(rng.integers(1, length // 2))
            x[start:start + 3] += 1.2 * np.abs(rng.normal(size=width)) * (rng.random(width) < 0.4)
        x = np.maximum(x, 0)
        x[:, -1] = 0.25
        yield x, length * 16 + int(rng.integers(0, 16))


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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--videos", type=int, default=8)
    parser.add_argument("--width", type=int, default=7)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)

    made = list(make_videos(rng, arguments.videos, arguments.width))
    raw = np.concatenate([x for x, _ in made]).astype(np.float32)
    frames = np.array([count for _, count in made])
    video = np.repeat(np.arange(len(made)), [len(x) for x, _ in made])
    videos = [np.flatnonzero(video == number) for number in range(len(made))]
    fold_of = np.empty(len(made), int)
    fold_of[rng.permutation(len(made))] = np.arange(len(made)) % SETTINGS["folds"]
    fold = fold_of[video]

    x = standard(raw.astype(np.float64))
    error, count = pca(x, x, SETTINGS["variance_share"])
    counts, crossed = [count], np.empty(len(x))
    for number in range(SETTINGS["folds"]):
        crossed[fold == number], count = pca(x[fold != number], x[fold == number], SETTINGS["variance_share"])
        counts.append(count)
    squared = ((x[:, None] - x[None]) ** 2).sum(2)
    squared[video[:, None] == video] = np.inf
    nearest = np.sqrt(np.sort(squared, 1)[:, :SETTINGS["neighbours"]]).mean(1)
    difference = np.r_[0, np.sqrt(((x[1:] - x[:-1]) ** 2).sum(1))]
    difference[[rows[0] for rows in videos]] = 0

    inputs = dict(features=raw, video=video, frames=frames, fold=fold)
    expected = dict(
        scaled=x,
        pca_error=error,
        pca_components=np.array(counts),
        pca_error_cross=crossed,
        knn_cross=nearest,
        temporal_difference=difference,
        norm=np.sqrt((x ** 2).sum(1)),
        smoothed=smooth(crossed, videos, SETTINGS["smoothing"]),
        length_frames=np.concatenate([np.full(n, -float(n)) for n in frames]),
        place_frames=np.concatenate([np.minimum(np.arange(n), n - 1 - np.arange(n)) / n for n in frames]),
    )
    folder = os.path.join(arguments.out, "controls")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "case.toml"), "w") as file:
        for name, value in SETTINGS.items():
            file.write(f'{name} = "{value}"\n' if isinstance(value, str) else f"{name} = {value}\n")
    for name, tensors in (("inputs", inputs), ("expected", expected)):
        tensors = {key: np.ascontiguousarray(value) for key, value in tensors.items()}
        save_file(tensors, os.path.join(folder, f"{name}.safetensors"))
    print(len(x), "segments, components", counts)


if __name__ == "__main__":
    main()
