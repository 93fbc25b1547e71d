#!/usr/bin/env python3
"""Measures gcl's training step against PyTorch's, in one run on the same cores; writes result.json.

    benches/speed/run.py [--quick] [--rounds N] [--minutes M] [--only PART,...] [--shared] [--out FILE]

Absolute times belong to one machine, so everything is asked in turns: ours, eager, compile, ours, ... and quoted as the
median of the pairs' ratios, by wall clock and by the processes' CPU time (which other programs on the machine disturb
less). PYTHON names a Python with torch, numpy and scikit-learn; without it a virtual environment is made beside this file.
BINARY names a built `speed` example; without it one is built. Parts: equal, step, auc, start, memory, epoch, split, profile,
others. `--minutes` bounds the whole: rounds that no longer fit are left out (never all of them), and the document says how many
there were; a part that no longer fits is left out. `--shared` adds a PyTorch step with one forward of G, which nobody writes.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PACKAGES = ["torch==2.15.0", "numpy", "scikit-learn"]
# Multiply-adds times two of one cooperative step at the paper's size (gcl/src/backend/cpu says which products).
PAPER_FLOP = 289e9
PRODUCTS = [(4096, 4096, 4096), (8192, 1024, 2048)]
PARTS = ["equal", "step", "auc", "start", "memory", "epoch", "split", "profile", "others"]


class Budget:
    """How much is measured, and until when."""

    def __init__(self, quick, rounds, minutes, shared):
        self.quick, self.rounds, self.shared = quick, rounds, shared
        self.keep = lambda found: None
        self.end = time.monotonic() + minutes * 60 if minutes else float("inf")

    def left(self):
        return self.end - time.monotonic()

    def over(self, share, start):
        """Yields the numbers of the rounds that fit into that share of the time that was left at `start`: at least one."""
        end = start + max(self.end - start, 0.0) * share
        longest = 0.0
        for number in range(self.rounds):
            begin = time.monotonic()
            if number and begin + longest > end:
                return
            yield number
            longest = max(longest, time.monotonic() - begin)


def python():
    """A Python with what the comparison needs."""
    if "PYTHON" in os.environ:
        return os.environ["PYTHON"]
    venv = HERE / ".venv"
    if not (venv / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        index = ["--extra-index-url", "https://download.pytorch.org/whl/cpu"]
        subprocess.run([venv / "bin/pip", "install", "-q", *index, *PACKAGES], check=True)
        (venv / "ready").touch()
    return str(venv / "bin/python")


def binary():
    """The built example."""
    if "BINARY" in os.environ:
        return os.environ["BINARY"]
    command = ["cargo", "build", "--release", "-p", "gcl", "--features", "measure", "--example", "speed", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    built = [json.loads(line) for line in lines if '"executable"' in line]
    return [b["executable"] for b in built if b.get("executable") and b["target"]["name"] == "speed"][-1]


class Asked:
    """A process that answers a line with a line, on some cores."""

    def __init__(self, command, cores):
        self.process = subprocess.Popen(
            [str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            bufsize=1, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        assert self.process.stdout.readline().strip() == "ready", f"{command} did not start"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def send(self, question):
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline().split()
        assert line, "the process ended"
        return line

    def ask(self, question):
        self.send(question)
        return self.answer()

    def timed(self, question):
        """(seconds by the wall, seconds of CPU)."""
        before = self.cpu()
        return float(self.ask(question)[0]), self.cpu() - before

    def cpu(self):
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9

    def peak_bytes(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmHWM:")[1].split()[0]) * 1024


def start(kind, dim, batch, rows, threads, cores):
    sizes = [dim, batch, rows, threads]
    if kind == "ours":
        return Asked([binary(), *sizes], cores)
    return Asked([python(), HERE / "pytorch_step.py", kind, *sizes], cores)


def cores(count):
    return set(sorted(os.sched_getaffinity(0))[:count])


def largest_difference(ours, eager, folder):
    """Relative, of thresholds and losses over ten steps from the weights of ours."""
    ours.ask(f"dump {folder}")
    eager.ask(f"load {folder}")
    worst = 0.0
    for _ in range(10):
        ours.ask("steps 1")
        eager.ask("steps 1")
        for a, b in zip(ours.ask("report"), eager.ask("report")):
            worst = max(worst, abs(float(a) - float(b)) / abs(float(b)))
    return worst


def equal():
    """Both make the same numbers from the same weights and data, to 1e-4."""
    with tempfile.TemporaryDirectory() as folder:
        with start("ours", 64, 256, 256, 1, cores(1)) as ours, start("eager", 64, 256, 256, 1, cores(1)) as eager:
            worst = largest_difference(ours, eager, folder)
    assert worst < 1e-4, f"ours and PyTorch's step differ by {worst}: the comparison is void"
    return {"steps": 10, "largest_relative_difference": worst}


def compare(name, dim, batch, rows, threads, steps, budget, share, kinds):
    """Steps in turns."""
    began = time.monotonic()
    running = {kind: start(kind, dim, batch, rows, threads, cores(threads)) for kind in kinds}
    try:
        for kind in kinds:
            # The first step makes buffers; the second of torch.compile may compile again.
            for _ in range(2 if kind == "compile" or steps > 1 else 1):
                running[kind].ask(f"steps {steps}")
        taken = {kind: [] for kind in kinds}
        for i in budget.over(share, began):
            # Alternating directions, so that a slow drift favours nobody.
            for kind in kinds if i % 2 == 0 else kinds[::-1]:
                taken[kind].append([seconds / steps for seconds in running[kind].timed(f"steps {steps}")])
        found = {"name": name, "dimension": dim, "batch": batch, "threads": threads, "rounds": len(taken["ours"]), "steps_per_round": steps}
        found["seconds"] = {k: {"wall": statistics.median(w for w, _ in t), "cpu": statistics.median(c for _, c in t)} for k, t in taken.items()}
        found["ours_over"] = {
            k: {way: statistics.median(o[i] / t[i] for o, t in zip(taken["ours"], taken[k])) for i, way in enumerate(["wall", "cpu"])}
            for k in kinds if k != "ours"}
        found["peak_bytes_beside_data"] = {k: running[k].peak_bytes() - rows * dim * 4 for k in kinds}
        if dim == 2048:
            best = {}
            for kind in ("ours", "eager"):
                for m, n, k in PRODUCTS:
                    wall, cpu = running[kind].timed(f"product {m} {n} {k}")
                    flop = 2 * m * n * k
                    one = best.setdefault(kind, {"wall": 0.0, "cpu": 0.0})
                    one["wall"] = max(one["wall"], flop / wall)
            if threads == 1:
                m, n, k = PRODUCTS[0]
                words = running["ours"].ask(f"ways {m} {n} {k}")
                found["ways_flops"] = {way: 2 * m * n * k / float(seconds) for way, seconds in zip(words[::2], words[1::2])}
            found["product_flops"] = {kind: one["wall"] for kind, one in best.items()}
            peak = max(found["product_flops"].values())
            found["share_of_product_peak"] = PAPER_FLOP / min(w for w, _ in taken["ours"]) / peak
        return found
    finally:
        for process in running.values():
            process.__exit__()


def step(budget):
    kinds = ["ours", "eager", "compile"] + (["shared"] if budget.shared else [])
    cases = [c for c in [("paper", 1, 0.45), ("small", 1, 0.08), ("small", 2, 0.08), ("paper", 2, 0.85)] if c[1] <= len(os.sched_getaffinity(0))]
    found = []
    for name, threads, share in cases:
        print(f"  {name}, {threads} threads", file=sys.stderr, flush=True)
        size = (2048, 8192, 16384) if name == "paper" else (147, 512, 4096)
        found.append(compare(name, *size, threads, 1 if name == "paper" else 100, budget, share, kinds))
        # torch.compile may take minutes: a run that is cut short keeps the cases that it has.
        budget.keep(found)
    return sorted(found, key=lambda case: (case["name"], case["threads"]))


def auc(budget):
    frames = 1_100_000
    with start("ours", 16, 64, 128, 1, cores(1)) as ours:
        segment, frame, value, frame_value = map(float, ours.ask(f"auc {frames} {5 if budget.quick else 15}"))
    code = (
        "import sys, time, numpy as np; sys.path.insert(0, sys.argv[1]); from pytorch_step import data\n"
        "from sklearn.metrics import roc_auc_score\n"
        f"n = {frames} // 16; s = np.repeat(data(n), 16); i = np.arange(n)\n"
        "p = np.where(i % 8 == 0, 16 - (i % 3) * 4, 0); t = (np.arange(16)[None] < p[:, None]).ravel()\n"
        "best = float('inf')\n"
        "for _ in range(7):\n"
        "    a = time.perf_counter(); v = roc_auc_score(t, s); best = min(best, time.perf_counter() - a)\n"
        "print(best, float(v))\n")
    out = subprocess.run([python(), "-c", code, str(HERE)], check=True, capture_output=True, text=True,
                         preexec_fn=lambda: os.sched_setaffinity(0, cores(1))).stdout.split()
    assert abs(float(out[1]) - value) < 1e-12, f"AUC {value}, scikit-learn {out[1]}"
    assert value == frame_value, "segments and frames differ"
    return {"frames": frames, "segments_seconds": segment, "frames_seconds": frame, "scikit_learn_seconds": float(out[0]), "auc": value}


def drop_from_cache(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def starts(budget):
    """Cold and warm start to the first step, of loose files and of a packed copy."""
    videos, segments = (60, 100) if budget.quick else (400, 100)
    found = []
    with tempfile.TemporaryDirectory() as place:
        for packed in (False, True):
            folder = pathlib.Path(place) / ("packed" if packed else "loose")
            with start("ours", 16, 64, 128, 1, cores(2)) as ours:
                ours.ask(f"folder {folder} {videos} {segments} {int(packed)}")
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            rows = {}
            for name in ("cold", "warm"):
                if name == "cold":
                    (folder / ".gcl-sweep-digest.json").unlink(missing_ok=True)
                    drop_from_cache(folder)
                times, peak = [], 0
                for _ in range(1 if name == "cold" else 5):
                    with start("ours", 16, 64, 128, 1, cores(2)) as ours:
                        before = ours.cpu()
                        answer = ours.ask(f"first {folder}")
                        times.append([float(t) for t in answer] + [ours.cpu() - before])
                        peak = ours.peak_bytes()
                rows[name] = dict(zip(["open", "prepare", "networks", "cpu"], [statistics.median(t) for t in zip(*times)]))
                rows[name]["peak_bytes"] = peak
            found.append({"packed": packed, "videos": videos, "bytes": size, **rows})
            shutil.rmtree(folder)
    return found


def memory(_):
    """Peak of a process that does nothing but train, its checkpoints' bytes included."""
    found = []
    for threads in (1, 2):
        done = subprocess.run([binary(), "job", "2048", "8192", "2", str(threads)], check=True, text=True, capture_output=True)
        data, checkpoint, peak = map(int, done.stdout.split())
        found.append({"threads": threads, "data_bytes": data, "checkpoint_bytes": checkpoint, "peak_bytes_beside_data": peak - data})
    return found


def epoch(budget):
    """A part of an epoch on UCF-Crime's size: 790,000 rows are 96 batches."""
    batches = 2 if budget.quick else 8
    threads = min(2, len(os.sched_getaffinity(0)))
    with start("ours", 2048, 8192, 8192 * batches, threads, cores(threads)) as ours:
        ours.ask("steps 1")
        wall, _ = ours.timed(f"steps {batches}")
    return {"threads": threads, "measured_batches": batches, "batches": 790_000 // 8192, "seconds": wall / batches * (790_000 // 8192)}


def split(budget):
    """Steps a second of one job on two threads and of two jobs on one thread each."""
    if len(os.sched_getaffinity(0)) < 2:
        return []
    first, second = sorted(os.sched_getaffinity(0))[:2]
    found = []
    for name, dim, batch, rows, steps in [("paper", 2048, 8192, 16384, 2), ("small", 147, 512, 4096, 400)]:
        ratios = []
        with start("ours", dim, batch, rows, 2, {first, second}) as one, \
                start("ours", dim, batch, rows, 1, {first}) as left, start("ours", dim, batch, rows, 1, {second}) as right:
            for process in (one, left, right):
                process.ask(f"steps {steps}")
            began = time.monotonic()
            for _ in budget.over(0.12, began):
                together = steps / one.timed(f"steps {steps}")[0]
                left.send(f"steps {steps}")
                right.send(f"steps {steps}")
                apart = sum(steps / float(process.answer()[0]) for process in (left, right))
                ratios.append(apart / together)
        found.append({"name": name, "two_jobs_over_one": statistics.median(ratios)})
    return found


def profile(_):
    """Where the time of a step at the paper's size goes, by perf's clock samples."""
    if not shutil.which("perf"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/perf.data"
        command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "499", "-o", data, binary(), "2048", "8192", "16384", "1"]
        asked = subprocess.run(command, input="steps 3\nquit\n", text=True, capture_output=True,
                               preexec_fn=lambda: os.sched_setaffinity(0, cores(1)))
        if asked.returncode:
            return None
        text = subprocess.run(["perf", "report", "-i", data, "--stdio", "-F", "overhead,dso,symbol", "-t", ";"],
                              text=True, capture_output=True).stdout
    shares = {}
    for line in text.splitlines():
        if line.startswith("#") or line.count(";") < 2:
            continue
        share, dso, symbol = (part.strip() for part in line.split(";", 2))
        if symbol.startswith("[k]") or "kernel" in dso:
            place = "the kernel (pages, timer)"
        elif "microkernel" in symbol or "product::tile" in symbol:
            place = "products: multiply"
        elif "gemm" in symbol or "product::packing" in symbol:
            place = "products: pack"
        elif "speed::" in symbol or "::fold" in symbol:
            place = "the benchmark's own data"
        elif "memmove" in symbol or "memcpy" in symbol:
            place = "gather"
        else:
            place = "passes between products"
        shares[place] = shares.get(place, 0.0) + float(share.rstrip("%")) / 100
    return shares


def others(budget):
    """What the other harnesses of the repository measure, where they are built: no-op jobs, and the time of a large report."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
    target = target if target.is_absolute() else ROOT / target
    found = {}
    noop, program = target / "noop", target / "gcl-sweep"
    if noop.exists() and program.exists():
        jobs = 2000 if budget.quick else 20000
        done = subprocess.run([noop, "--jobs", str(jobs), "--workers", "2"], text=True, capture_output=True, timeout=300,
                              env={**os.environ, "GCL_SWEEP_BINARY": str(program)})
        if done.returncode:
            raise RuntimeError(f"the no-op harness failed: {done.stderr[-500:]}")
        line = json.loads(done.stdout.strip().splitlines()[-1])
        found["noop"] = {k: line[k] for k in ("jobs", "workers", "jobs_per_second", "single_p50_ms", "single_p99_ms")}
    report = target / "examples/fabricated_report"
    if report.exists():
        with tempfile.TemporaryDirectory() as folder:
            taken = {}
            for name, extra in (("made", []), ("rendered", ["page"])):
                start = time.perf_counter()
                subprocess.run([report, folder, "ten-thousand", *extra], check=True, capture_output=True)
                taken[name] = time.perf_counter() - start
        found["report"] = {"records": 10_000, "seconds": taken["rendered"] - taken["made"]}
    return found


def machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    versions = subprocess.run([python(), "-c", "import torch, sklearn; print(torch.__version__, sklearn.__version__)"],
                              check=True, capture_output=True, text=True).stdout.split()
    return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "torch": versions[0], "scikit_learn": versions[1],
            "load_before": os.getloadavg()[0], "date": time.strftime("%Y-%m-%d", time.gmtime())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two rounds, smaller data")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of a comparison (9)")
    parser.add_argument("--minutes", type=float, default=0, help="about how long the whole may take (no bound)")
    parser.add_argument("--shared", action="store_true", help="also PyTorch with one forward of G")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, by comma")
    parser.add_argument("--out", default=str(HERE / "result.json"))
    arguments = parser.parse_args()
    os.environ["BINARY"] = binary()
    os.environ["PYTHON"] = python()
    wanted = arguments.only.split(",")
    unknown = set(wanted) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    out = pathlib.Path(arguments.out)
    result = json.loads(out.read_text()) if out.exists() and arguments.only != ",".join(PARTS) else {}
    result["machine"] = machine()
    result["quick"] = arguments.quick
    result["command"] = " ".join(["benches/speed/run.py", *sys.argv[1:]])
    budget = Budget(arguments.quick, arguments.rounds or (2 if arguments.quick else 9), arguments.minutes, arguments.shared)
    work = {"equal": lambda _: equal(), "step": step, "auc": auc, "start": starts, "memory": memory, "epoch": epoch, "split": split, "profile": profile, "others": others}
    # What may take long comes last; of what is left then, the steps take most.
    for part in [part for part in PARTS if part != "step"] + ["step"]:
        if part in wanted:
            if budget.left() < 10:
                print(f"{part} is left out: no time", file=sys.stderr, flush=True)
                continue
            began = time.monotonic()
            print(f"{part} ...", file=sys.stderr, flush=True)

            def keep(found, part=part):
                result[part] = found
                # After every part: a run that is cut short keeps what it has.
                out.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")

            budget.keep = keep
            keep(work[part](budget))
            print(f"  {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(f"wrote {out}; `benches/speed/document.py` writes docs/performance.md from it", file=sys.stderr)


if __name__ == "__main__":
    main()
