#!/usr/bin/env python3
"""Compares the metrics that runs recorded with scikit-learn's on the scores that the same runs left.

    python sweeps/study/check-metrics.py OUT/NAME...        # folders of `gcl-sweep run --out`; needs numpy, scikit-learn

Every scores artifact of a folder's state is expanded to frames, measured by scikit-learn, and must find its line in results.csv: equal
to 1e-9 in every metric of D and of G. A line without artifact, or an artifact without line, is a fault too. Exit code 1 then.
"""
import csv
import json
import pathlib
import struct
import sys

try:
    import numpy as np
    from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(0)

TOLERANCE = 1e-9
METRICS = ["auc", "ap", "ano_auc", "macro_auc", "far", "recall_at_fpr10"]


def tensors(data):
    """A safetensors file's tensors, or None where it is no scores artifact."""
    if len(data) < 8:
        return None
    (size,) = struct.unpack("<Q", data[:8])
    if size > len(data) - 8:
        return None
    header = json.loads(data[8:8 + size])
    if "gcl-scores" not in header.get("__metadata__", {}):
        return None
    kinds = {"F32": "<f4", "U32": "<u4"}
    found = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            found[name] = np.frombuffer(data[8 + size + start:8 + size + end], kinds[entry["dtype"]])
    return found


def measure(scores, found, alarm):
    """scikit-learn's numbers; each frame is a row of its own."""
    frames, truth, videos, segment = [], [], [], 0
    for count in found["segments"]:
        chosen = slice(segment, segment + count)
        positives, negatives = found["positives"][chosen], found["negatives"][chosen]
        s = np.concatenate([np.repeat(scores[chosen], positives), np.repeat(scores[chosen], negatives)]).astype(np.float64)
        y = np.concatenate([np.ones(positives.sum(), int), np.zeros(negatives.sum(), int)])
        videos.append((s, y)); frames.append(s); truth.append(y)
        segment += count
    s, y = np.concatenate(frames), np.concatenate(truth)
    anomalous = [(a, b) for a, b in videos if b.any()]
    both = [(a, b) for a, b in anomalous if not b.all()]
    normal = np.concatenate([a for a, b in videos if not b.any()])
    fpr, tpr, _ = roc_curve(y, s, drop_intermediate=False)
    # D's alarm is at one half; an error has no such point, so G's is where half of the anomalous frames are found.
    at = 0.5 if alarm == "d" else max(t for t in np.unique(s) if (s[y == 1] >= t).mean() >= 0.5)
    return dict(auc=roc_auc_score(y, s), ap=average_precision_score(y, s),
                ano_auc=roc_auc_score(np.concatenate([b for _, b in anomalous]), np.concatenate([a for a, _ in anomalous])),
                macro_auc=np.mean([roc_auc_score(b, a) for a, b in both]),
                far=(normal >= at).mean(), recall_at_fpr10=tpr[fpr <= 0.1].max())


def check(folder):
    with open(folder / "results.csv", newline="") as file:
        lines = {line["job_id"]: line for line in csv.DictReader(file) if line["status"] == "done"}
    open_lines, largest, compared, faults = dict(lines), 0.0, 0, 0
    for path in sorted((folder / "state" / "artifacts").glob("*/*")):
        found = tensors(path.read_bytes())
        if found is None:
            continue
        measured = {}
        for name in ("d", "g"):
            if f"score_{name}" in found:
                for metric, value in measure(found[f"score_{name}"], found, name).items():
                    measured[f"{metric}_{name}"] = float(value)

        def distance(line):
            if any((line[f"auc_{name}"] != "") != (f"auc_{name}" in measured) for name in ("d", "g")):
                return float("inf")
            return max(abs(float(line[metric]) - value) if line[metric] else float("inf") for metric, value in measured.items())

        nearest = min(open_lines, key=lambda job: distance(open_lines[job]), default=None)
        off = distance(open_lines[nearest]) if nearest else float("inf")
        if off > TOLERANCE:
            faults += 1
            print(f"{folder}: no line has the metrics of {path.name} (nearest: {nearest}, off by {off:.3g})")
            continue
        del open_lines[nearest]
        largest, compared = max(largest, off), compared + len(measured)
    for job in open_lines:
        faults += 1
        print(f"{folder}: no artifact has the scores of {job}")
    print(f"{folder}: {len(lines) - len(open_lines)} of {len(lines)} jobs, {compared} metrics equal scikit-learn's, largest difference {largest:.1e}")
    return faults


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(1 if sum(check(pathlib.Path(folder)) for folder in sys.argv[1:]) else 0)
