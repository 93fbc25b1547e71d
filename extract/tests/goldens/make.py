"""Records what PyTorch makes of formula weights and a formula clip: `python make.py`, written beside this file.

torch 2.15, CPU, float32. Nothing random: weights are `networks.formula`, clips are bytes of a congruence. `lite0` needs the
packages efficientnet_lite_pytorch and is skipped without.
"""

import json
from pathlib import Path

import torch

from networks import C3D, ResNeXt, formula

HERE = Path(__file__).parent
MEANS = {"resnext": (114.7748, 107.7354, 99.4750), "c3d": (102.0, 98.0, 90.0)}


def clips(count, frames, side, salt=0):
    size = count * frames * side * side * 3
    values = torch.arange(size, dtype=torch.int64)
    return ((values * 7919 + values // 977 * 31 + salt) % 251).to(torch.uint8).reshape(count, frames, side, side, 3)


def numbers(tensor):
    return [float(f"{value:.7g}") for value in tensor.flatten().tolist()]


def record(network, kind, pixels, phase, with_stages=True):
    names = [name for name in network.state_dict() if not name.endswith("num_batches_tracked")]
    formula(network, names, phase)
    x = (pixels.float() - torch.tensor(MEANS[kind])).permute(0, 4, 1, 2, 3).contiguous()
    stages = {}
    with torch.inference_mode():
        features = network(x, stages)
    means = {name: numbers(stage.mean((2, 3, 4))) for name, stage in stages.items()} if with_stages else {}
    return {"names": names, "phase": phase, "clips": list(pixels.shape[:3]), "features": numbers(features), "means": means}


def write(name, case):
    (HERE / f"{name}.json").write_text(json.dumps(case, separators=(",", ":")) + "\n")


tiny = ResNeXt(stem=4, groups=2, blocks=(1, 2, 1, 1), widths=(4, 8, 8, 16))
write("tiny-resnext", record(tiny, "resnext", clips(2, 16, 40), 0.7))
# As training scripts save it: inside a dictionary, wrapped in DataParallel, with an optimizer beside it.
wrapped = torch.nn.DataParallel(tiny)
saved = {"epoch": 3, "arch": "resnext-tiny", "state_dict": wrapped.state_dict(),
         "optimizer": torch.optim.SGD(tiny.parameters(), lr=0.1, momentum=0.9).state_dict()}
torch.save(saved, HERE / "tiny-resnext.pth")
torch.save(saved, HERE / "tiny-resnext-old.pth", _use_new_zipfile_serialization=False)
write("tiny-c3d", record(C3D(shrink=32), "c3d", clips(1, 16, 112), 1.1))
write("resnext101", record(ResNeXt(), "resnext", clips(1, 16, 112, salt=5), 1.9, with_stages=False))
write("resnext50", record(ResNeXt(blocks=(3, 4, 6, 3)), "resnext", clips(1, 16, 112, salt=9), 0.4, with_stages=False))
