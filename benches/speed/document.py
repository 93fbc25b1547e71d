#!/usr/bin/env python3
"""Writes docs/performance.md from result.json: the same text from the same numbers.

    benches/speed/document.py [RESULT] [--out FILE]

Results of other machines that are worth keeping lie in `machines`; `note` in one says what was different.
"""
import argparse
import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
NAMES = {"eager": "PyTorch eager", "compile": "torch.compile", "shared": "PyTorch eager, one forward of G", "ours": "gcl"}
# By case, program and threads.
TARGETS = {("paper", "eager", 1): "0.60", ("paper", "eager", 2): "0.62", ("paper", "compile", 1): "0.68", ("paper", "compile", 2): "0.70",
           ("small", "eager", 1): "0.5", ("small", "eager", 2): "0.5"}
# A product of PyTorch's below this share of ours explains most of a ratio by itself.
FAR_BEHIND = 0.7


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows] + [""]


def seconds(value):
    return f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"


def megabytes(value):
    return f"{value / 1e6:.0f} MB"


def step(found):
    lines = ["## One cooperative step", "",
             "Asked in turns in one run; the ratio is the median over the pairs. CPU time is what the processes themselves used: other programs on the machine disturb it less.", ""]
    rows = []
    for case in found:
        place = f"{case['name']} (d = {case['dimension']}, b = {case['batch']}), {case['threads']} thread{'s' if case['threads'] > 1 else ''}"
        for kind in sorted(case["seconds"], key=list(NAMES).index):
            time = case["seconds"][kind]
            ratio = case["ours_over"].get(kind)
            target = TARGETS.get((case["name"], kind, case["threads"]))
            rows.append([place, NAMES[kind], seconds(time["wall"]), seconds(time["cpu"]),
                         f"{ratio['wall']:.2f}" if ratio else "", f"{ratio['cpu']:.2f}" if ratio else "",
                         f"≤ {target}" if target else "", megabytes(case["peak_bytes_beside_data"][kind])])
    lines += table(["Case", "Program", "Wall", "CPU", "gcl over it (wall)", "(CPU)", "Target", "Peak beside the data"], rows)
    lines += ["PyTorch's figures include its libraries. Products: " + "; ".join(
        f"{case['threads']} thread{'s' if case['threads'] > 1 else ''}: gcl {case['product_flops']['ours'] / 1e9:.0f}, PyTorch {case['product_flops']['eager'] / 1e9:.0f} GFLOP/s, "
        f"289 GFLOP over the step's time is {case['share_of_product_peak']:.0%} of the better"
        for case in found if "product_flops" in case) + ".", ""]
    products = [case["product_flops"] for case in found if "product_flops" in case]
    if any(product["eager"] < FAR_BEHIND * product["ours"] for product in products):
        lines += ["PyTorch's own products are far behind on this processor, where its library does not use what the processor has: most of the ratio is that. Expect less of it where they are level.", ""]
    for case in found:
        if ways := case.get("ways_flops"):
            m, n, k = 4096, 4096, 4096
            each = ", ".join(f"`{way}` {flops / 1e9:.0f}" for way, flops in sorted(ways.items(), key=lambda item: -item[1]))
            lines += [f"Every way in which this processor can make a product of {m} × {n} × {k}, GFLOP/s on one thread (`speed`'s question `ways`): {each}. "
                      "A process measures them on a sample of its first large products and keeps to the fastest.", ""]
    return lines


def elsewhere(results):
    """The steps of other machines, from the results that are kept."""
    rows = []
    for result in results:
        machine = result["machine"]
        where = f"{machine['cpu']}, {machine['date']}" + (f" ({result['note']})" if result.get("note") else "")
        for case in result.get("step") or []:
            ratio = {kind: f"{case['ours_over'][kind]['wall']:.2f}" for kind in case["ours_over"]}
            share = f"{case['share_of_product_peak']:.0%}" if "share_of_product_peak" in case else ""
            rows.append([where, case["name"], case["threads"], ratio.get("eager", ""), ratio.get("compile", ""), share])
    if not rows:
        return []
    return ["## Other machines", "", "From the results kept in `benches/speed/machines`, medians of pairs by the wall:", ""] + table(
        ["Machine", "Case", "Threads", "gcl over eager", "over torch.compile", "289 GFLOP over the time, of the best product"], rows)


def disturbed(found):
    """Whether a process on one thread waited for its core: the load average says what was before."""
    alone = [time for case in found if case["threads"] == 1 for time in case["seconds"].values()]
    return any(time["wall"] > 1.03 * time["cpu"] for time in alone)


def write(result, others):
    machine = result["machine"]
    lines = ["# Performance", "", "Written by `benches/speed/document.py` from the numbers of `benches/speed/run.py` (`just bench`); do not edit.", "",
             f"Command: `{result.get('command', 'benches/speed/run.py')}`. Measured on {machine['cpu']}, {machine['cores']} cores, {machine['date']}, PyTorch {machine['torch']}, scikit-learn {machine['scikit_learn']}; "
             f"load average before: {machine['load_before']:.1f}" + ("; quick run, few rounds" if result["quick"] else "") + ".", ""]
    if disturbed(result.get("step") or []):
        lines += ["**The machine was not idle: times by the wall, and products by the wall, are disturbed; read the CPU columns, and repeat with `just bench`.**", ""]
    if result.get("equal"):
        lines += [f"Both programs start from the same weights and data; thresholds and losses of {result['equal']['steps']} steps differ by at most "
                  f"{result['equal']['largest_relative_difference']:.1e} (relative).", ""]
    if result.get("step"):
        lines += step(result["step"])
    lines += elsewhere(others)
    if result.get("profile"):
        lines += ["## What is left", "", "Clock samples of a step at the paper's size on one thread, the making of the data included.", ""]
        shares = sorted(result["profile"].items(), key=lambda item: (-item[1], item[0]))
        lines += table(["Where", "Share"], [[name, f"{share:.1%}"] for name, share in shares])
    if result.get("auc"):
        auc = result["auc"]
        lines += ["## AUC", "", f"{auc['frames']:,} frames: {seconds(auc['segments_seconds'])} from segments with counts (what a run does), {seconds(auc['frames_seconds'])} frame by frame (the same bits), "
                  f"{seconds(auc['scikit_learn_seconds'])} by scikit-learn: {auc['scikit_learn_seconds'] / auc['segments_seconds']:.0f} times as long.", ""]
    if result.get("start"):
        lines += ["## Start to the first step", "", "Generated f32 features of dimension 2048. Cold: the digest is not known and the files are not in the page cache.", ""]
        rows = []
        for case in result["start"]:
            for name in ("cold", "warm"):
                one = case[name]
                rows.append(["packed" if case["packed"] else f"{case['videos']} files", megabytes(case["bytes"]), name, seconds(one["open"]), seconds(one["prepare"]), seconds(one["networks"]), seconds(one["cpu"]),
                             megabytes(one["peak_bytes"])])
        lines += table(["Data", "Size", "Start", "Open", "Prepare", "Networks", "CPU of all", "Peak memory, mapped pages included"], rows)
    if result.get("memory"):
        lines += ["## Memory of a job", "", "A process that only trains at the paper's size (b = 8192, d = 2048, the program itself and the bytes of a checkpoint after each epoch included), its peak less the data:", ""]
        lines += table(["Threads", "Peak beside the data", "Of it a checkpoint's bytes", "Target"],
                       [[one["threads"], megabytes(one["peak_bytes_beside_data"]), megabytes(one["checkpoint_bytes"]), "< 600 MB"] for one in result["memory"]])
    if result.get("epoch"):
        epoch = result["epoch"]
        lines += ["## An epoch on UCF-Crime's size", "", f"790,000 × 2048 in batches of 8192 are {epoch['batches']} steps. {epoch['measured_batches']} of them were measured on {epoch['threads']} threads "
                  f"and scaled up: {seconds(epoch['seconds'])}.", ""]
    if result.get("split"):
        lines += ["## Threads and workers", "", "Two jobs on one thread each over one job on two threads, steps a second on two cores (more than 1: `run`'s default, "
                  "as many workers as cores while there are jobs, and cores / workers threads each, is the faster split):", ""]
        lines += table(["Case", "Two jobs over one"], [[case["name"], f"{case['two_jobs_over_one']:.2f}"] for case in result["split"]])
    if result.get("others"):
        lines += ["## Other harnesses", ""]
        if noop := result["others"].get("noop"):
            lines += [f"- `target/release/noop --jobs {noop['jobs']} --workers {noop['workers']}`: {noop['jobs_per_second']:.0f} no-op jobs a second; one job {noop['single_p50_ms']:.1f} ms (median), "
                      f"{noop['single_p99_ms']:.1f} ms (99%)."]
        if report := result["others"].get("report"):
            lines += [f"- A report of {report['records']:,} records: {seconds(report['seconds'])} (`fabricated_report FOLDER ten-thousand page`, less the time to make them up)."]
        lines += [""]
    lines += ["## Decisions", "",
              "- **`--pack K` is left out.** Jobs that differ in their seed share neither batches (each has its own order) nor weights; on a CPU there is nothing to batch but the waking of threads. "
              "What jobs with one seed could share is the gather (see the profile). On a GPU the products of the paper's size fill the device; only small networks would gain.",
              "- **No bf16 option.** Nothing here measures its effect on the AUC, and without that it may not be offered.",
              "- **Threads.** `run` takes min(jobs, cores) workers and cores / workers threads each; see the measurement above.",
              "- **Own tiles.** Large products are made by tiles of our own where those are faster than the crate `gemm`; the reasons are in `docs/decisions/0006-own-tiles.md`.",
              "- **Cold start.** Files are read, checked and hashed side by side: one thread hashes them in the order of the lists, others read and check what comes next. 375 MB in 400 files, in 18 pairs with the program before that, asked in turns on two busy cores (2026-11-27): cold 0.74 and 0.56 of its time, from the page cache 0.32 and 0.24 (medians of two series of nine; on a busy machine two threads also get more than one); CPU time 0.26 s after 0.30 s, from the page cache 0.15 s after 0.20 s. The digest is one BLAKE3 over all files, so its thread is what bounds a start once the disk does not.",
              "- **No scaled copy.** Features are widened and scaled as a batch is gathered, with the bits of a scaled copy. It costs some 10 ms of CPU time for 8192 × 2048 values (17 ms in place of 7 for a plain copy, timed alone on a Xeon, 2026-11-27), well below a hundredth of the step, and saves 6.5 GB on UCF-Crime and the time to make them.",
              "- **A batch is packed anew for each product that reads it.** With AVX-512 on an EPYC (a program, not kept, of the products and passes of a step alone: 1.32 s on one thread, 219 GFLOP/s, 94% of the best single product) tiles take 88% of the samples, packing 5%: 3% the left sides, 2% the right ones. Of 19,744 numbers that are packed to the left for each row of a batch 4,096 are the batch's second and third time, of some 8,900 to the right 2,048 its second. Packing it once would save 1.1% at most, and keep 128 MB more in a job whose memory may not pass 600 MB; panels would also come from memory, where now they are made in the cache. So it is not done. The rest of the step is passes (2%), small products (1%) and pages.",
              "- **Allocations.** After the first step none is made, save by the crate `gemm` for the panels it packs in small products (a test counts). `gemm` 0.19 makes that buffer inside each call, and no "
              "function of it takes scratch from the caller; our tiles keep theirs.", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", nargs="?", default=HERE / "result.json", type=pathlib.Path)
    parser.add_argument("--out", default=HERE.parent.parent / "docs/performance.md", type=pathlib.Path)
    arguments = parser.parse_args()
    others = [json.loads(path.read_text()) for path in sorted((HERE / "machines").glob("*.json"))]
    arguments.out.write_text(write(json.loads(arguments.result.read_text()), others))


if __name__ == "__main__":
    main()
