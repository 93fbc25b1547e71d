#!/usr/bin/env python3
"""Measures gcl's training step and its extraction against PyTorch's on one GPU, in turns; writes gpu.json.

    benches/speed/gpu.py [--device cuda:0] [--rounds 7] [--only equal,step,epoch,clips] [--kinds eager,compile,graphs] [--out FILE]

SPEED names the example `speed` and CLIPS the example `time_per_clip`, both built with `--features cuda`; PYTHON a Python with
torch for CUDA and numpy (this one unless given). A step of PyTorch's is the one of `pytorch_step.py`: eager, compiled, and compiled
with CUDA graphs. Every number is the median of the rounds; who goes first alternates.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

from run import HERE, PAPER_FLOP, Asked, cores, largest_difference

PYTHON = os.environ.get("PYTHON", sys.executable)
PARTS = ["equal", "step", "epoch", "clips"]


def start(kind, size, device, precision):
    everywhere = cores(len(os.sched_getaffinity(0)))
    if kind == "ours":
        return Asked([os.environ["SPEED"], *size, device, 0, precision], everywhere)
    return Asked([PYTHON, HERE / "pytorch_step.py", kind, *size, device, precision], everywhere)


def used_bytes(process):
    """What the driver says a process holds of the GPU, its context and libraries included; none where it does not say."""
    done = subprocess.run(["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"], capture_output=True, text=True)
    for line in done.stdout.splitlines():
        pid, _, megabytes = line.partition(",")
        if pid.strip() == str(process.process.pid) and megabytes.strip().isdigit():
            return int(megabytes) << 20
    return None


def equal(device, folder):
    """The same numbers from the same weights and data; the order of rows is each one's own, so the data are one batch."""
    found = {}
    for precision in ("f32", "tf32"):
        with start("ours", (64, 256, 256), device, precision) as ours, start("eager", (64, 256, 256), device, precision) as eager:
            found[precision] = largest_difference(ours, eager, folder)
    return {"steps": 10, "largest_relative_difference": found}


def step(device, rounds, theirs):
    found = []
    for name, size, steps in [("paper", (2048, 8192, 65536), 20), ("small", (147, 512, 16384), 200)]:
        for precision in ("f32", "tf32"):
            kinds, running = [], {}
            for kind in ("ours", *theirs):
                try:
                    running[kind] = start(kind, size, device, precision)
                    for _ in range(2):
                        running[kind].ask(f"steps {steps}")
                    kinds.append(kind)
                except (AssertionError, BrokenPipeError, IndexError) as error:
                    print(f"  {name} {precision} {kind}: {error}", file=sys.stderr, flush=True)
            taken = {kind: [] for kind in kinds}
            for turn in range(rounds):
                for kind in kinds if turn % 2 == 0 else kinds[::-1]:
                    taken[kind].append(float(running[kind].ask(f"steps {steps}")[0]) / steps)
            case = {"name": name, "dimension": size[0], "batch": size[1], "precision": precision, "rounds": rounds, "steps_per_round": steps,
                    "milliseconds": {kind: 1e3 * statistics.median(t) for kind, t in taken.items()},
                    "spread_milliseconds": {kind: 1e3 * (max(t) - min(t)) for kind, t in taken.items()},
                    "ours_over": {kind: statistics.median(a / b for a, b in zip(taken["ours"], t)) for kind, t in taken.items() if kind != "ours"},
                    "driver_bytes": {kind: used_bytes(running[kind]) for kind in kinds}}
            if name == "paper":
                case["tflops"] = {kind: PAPER_FLOP / statistics.median(t) / 1e12 for kind, t in taken.items()}
            for process in running.values():
                process.__exit__()
            found.append(case)
            print(f"  {name} {precision}: {case['milliseconds']}", file=sys.stderr, flush=True)
    return found


def epoch(device):
    """UCF-Crime's size: 790,000 rows of 2048 in f32 are 6.5 GB and 96 batches."""
    rows = 790_000
    begin = time.perf_counter()
    with start("ours", (2048, 8192, rows), device, "f32") as ours:
        ready = time.perf_counter() - begin
        begin = time.perf_counter()
        ours.ask("steps 1")
        first = time.perf_counter() - begin
        seconds = [float(ours.ask(f"steps {rows // 8192}")[0]) for _ in range(3)]
        return {"rows": rows, "batches": rows // 8192, "made_and_uploaded_seconds": ready, "first_step_seconds": first,
                "epoch_seconds": statistics.median(seconds), "driver_bytes": used_bytes(ours)}


CLIPS = """
import sys, time, torch, statistics
sys.path.insert(0, sys.argv[1])
from networks import C3D, ResNeXt
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = sys.argv[4] == "tf32"
torch.backends.cudnn.benchmark = True
network = {"resnext101": ResNeXt, "c3d": C3D}[sys.argv[2]]().eval().to(sys.argv[5])
clips = (torch.randint(0, 256, (int(sys.argv[3]), 3, 16, 112, 112)).float() - 110).to(sys.argv[5])
taken = []
with torch.inference_mode():
    for _ in range(8):
        begin = time.perf_counter()
        network(clips).sum().item()
        taken.append((time.perf_counter() - begin) / len(clips))
print(statistics.median(taken[3:]))
"""


def clips(device):
    goldens = HERE.parent.parent / "extract/tests/goldens"
    found = []
    for backbone, batch in [("resnext101", 8), ("c3d", 8)]:
        case = {"backbone": backbone, "clips": batch}
        done = subprocess.run([os.environ["CLIPS"], backbone, device, str(batch), "5"], capture_output=True, text=True)
        lines = done.stdout.split()
        case["ours_seconds"] = statistics.median(map(float, lines)) if lines else done.stderr[-500:]
        for precision in ("f32", "tf32"):
            done = subprocess.run([PYTHON, "-c", CLIPS, str(goldens), backbone, str(batch), precision, device], capture_output=True, text=True)
            case[f"pytorch_{precision}_seconds"] = float(done.stdout.split()[-1]) if done.returncode == 0 else done.stderr[-500:]
        found.append(case)
        print(f"  {case}", file=sys.stderr, flush=True)
    return found


def machine(device):
    code = f"import torch; p = torch.cuda.get_device_properties('{device}'); print(torch.__version__, torch.version.cuda, p.name, sep='|')"
    torch, cuda, name = subprocess.run([PYTHON, "-c", code], check=True, capture_output=True, text=True).stdout.strip().split("|")
    return {"gpu": name, "torch": torch, "torch_cuda": cuda, "date": time.strftime("%Y-%m-%d", time.gmtime())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, by comma")
    parser.add_argument("--kinds", default="eager,compile,graphs", help="PyTorch's ways, by comma")
    parser.add_argument("--out", default=str(HERE / "gpu.json"))
    arguments = parser.parse_args()
    out = pathlib.Path(arguments.out)
    folder = out.with_suffix(".weights")
    folder.mkdir(exist_ok=True)
    device = arguments.device
    result = {"machine": machine(device), "command": " ".join(["benches/speed/gpu.py", *sys.argv[1:]])}
    work = {"equal": lambda: equal(device, folder), "step": lambda: step(device, arguments.rounds, arguments.kinds.split(",")), "epoch": lambda: epoch(device),
            "clips": lambda: clips(device)}
    for part in arguments.only.split(","):
        began = time.monotonic()
        try:
            result[part] = work[part]()
        except (AssertionError, BrokenPipeError, subprocess.SubprocessError) as error:
            result[part] = f"failed: {error}"
        # After every part: a run that is cut short keeps what it has.
        out.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
        print(f"{part}: {time.monotonic() - began:.0f} s {result[part] if isinstance(result[part], str) else ''}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
