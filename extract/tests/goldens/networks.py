"""The networks in PyTorch, as published: ResNeXt over frames (Hara et al.), C3D (Tran et al.), without classifiers."""

import torch
from torch import nn
import torch.nn.functional as F


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, groups, stride, downsample):
        super().__init__()
        self.conv1 = nn.Conv3d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, stride=stride, padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.conv3 = nn.Conv3d(width, 2 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm3d(2 * width)
        self.downsample = downsample

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + shortcut)


class ResNeXt(nn.Module):
    def __init__(self, stem=64, groups=32, blocks=(3, 4, 23, 3), widths=(128, 256, 512, 1024)):
        super().__init__()
        self.conv1 = nn.Conv3d(3, stem, 7, stride=(1, 2, 2), padding=3, bias=False)
        self.bn1 = nn.BatchNorm3d(stem)
        inputs = stem
        for layer, (count, width) in enumerate(zip(blocks, widths), 1):
            parts = []
            for block in range(count):
                stride = 2 if layer > 1 and block == 0 else 1
                down = None
                if block == 0 and (stride != 1 or inputs != 2 * width):
                    down = nn.Sequential(nn.Conv3d(inputs, 2 * width, 1, stride=stride, bias=False),
                                         nn.BatchNorm3d(2 * width))
                parts.append(Bottleneck(inputs, width, groups, stride, down))
                inputs = 2 * width
            setattr(self, f"layer{layer}", nn.Sequential(*parts))

    def forward(self, x, stages=None):
        stages = {} if stages is None else stages
        x = F.relu(self.bn1(self.conv1(x)))
        x = stages["maxpool"] = F.max_pool3d(x, 3, stride=2, padding=1)
        for layer in range(1, 5):
            x = stages[f"layer{layer}"] = getattr(self, f"layer{layer}")(x)
        return x.mean((2, 3, 4))


class C3D(nn.Module):
    def __init__(self, shrink=1):
        super().__init__()
        widths = [("1", 64), ("2", 128), ("3a", 256), ("3b", 256), ("4a", 512), ("4b", 512), ("5a", 512), ("5b", 512)]
        inputs = 3
        for name, width in widths:
            setattr(self, f"conv{name}", nn.Conv3d(inputs, width // shrink, 3, padding=1))
            inputs = width // shrink
        self.fc6 = nn.Linear(8192 // shrink, 4096 // shrink)

    def forward(self, x, stages=None):
        x = F.max_pool3d(F.relu(self.conv1(x)), (1, 2, 2))
        x = F.max_pool3d(F.relu(self.conv2(x)), 2)
        x = F.max_pool3d(F.relu(self.conv3b(F.relu(self.conv3a(x)))), 2)
        x = F.max_pool3d(F.relu(self.conv4b(F.relu(self.conv4a(x)))), 2)
        x = F.max_pool3d(F.relu(self.conv5b(F.relu(self.conv5a(x)))), 2, padding=(0, 1, 1))
        return F.relu(self.fc6(x.flatten(1)))


def formula(network, names, phase):
    """The weights of `golden/README.md`: a sine of the element's and the tensor's number."""
    tensors = dict(network.state_dict())
    for k, name in enumerate(names):
        tensor = tensors[name]
        i = torch.arange(tensor.numel(), dtype=torch.float64)
        w = torch.sin(0.7548776662 * i + 0.5698402910 * k + phase)
        if name.endswith("running_mean"):
            w = 0.1 * w
        elif name.endswith("running_var"):
            w = 1 + 0.5 * w * w
        elif tensor.dim() == 1:
            w = 1 + 0.2 * w if name.endswith("weight") else 0.1 * w
        else:
            w = w * (3 / (tensor.numel() // tensor.shape[0])) ** 0.5
        tensors[name] = w.reshape(tensor.shape).to(torch.float32)
    network.load_state_dict(tensors)
    return network.eval()
