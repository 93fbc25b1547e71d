"""Seconds per clip, PyTorch and ours in turn on the same threads; medians. `time_per_clip.py EXAMPLE_BINARY [ROUNDS]`"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests/goldens"))
import torch  # noqa: E402
from networks import C3D, ResNeXt  # noqa: E402

binary, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
for name, network in (("resnext101", ResNeXt()), ("c3d", C3D())):
    network.eval()
    for threads in (1, 2):
        for batch in (1, 4):
            torch.set_num_threads(threads)
            clips = torch.randint(0, 256, (batch, 3, 16, 112, 112)).float() - 110
            theirs, ours = [], []
            with torch.inference_mode():
                network(clips)
                for _ in range(rounds):
                    start = time.perf_counter()
                    network(clips)
                    theirs.append((time.perf_counter() - start) / batch)
                    run = subprocess.run([binary, name, str(threads), str(batch), "2"], capture_output=True, text=True, check=True)
                    ours.append(statistics.median(float(line) for line in run.stdout.split()))
            a, b = statistics.median(ours), statistics.median(theirs)
            print(f"{name}, {threads} threads, {batch} clips: ours {a:.3f} s, PyTorch {b:.3f} s, ratio {a / b:.2f}", flush=True)
