"""Writes c3d_preprocessing.in: what the PyTorch port of C3D (jfzhang95/pytorch-video-recognition, `inference.py`) makes of a frame.

That is, in its order: OpenCV's frame (BGR) to 171×128 by cv2.resize, rows 8 to 120 and columns 30 to 142, minus (90, 98, 102),
channels first, float32. OpenCV 4.10.0 and 5.0.0 give the same bytes. Needs numpy, opencv-python-headless and blake3.
"""

from pathlib import Path

import cv2
import numpy as np
from blake3 import blake3

lines = []
for width, height in [(320, 240), (856, 480), (1280, 720), (240, 320), (171, 128), (342, 256), (96, 64), (64, 96), (7, 3), (1, 1)]:
    count = np.arange(width * height * 3, dtype=np.int64)
    rgb = ((count * 7919 + count // 977 * 31) % 251).astype(np.uint8).reshape(height, width, 3)
    frame = np.ascontiguousarray(rgb[:, :, ::-1])  # as cv2.VideoCapture.read gives it
    frame = cv2.resize(frame, (171, 128))[8:120, 30:142, :].astype(np.float32)
    frame -= np.array([[[90.0, 98.0, 102.0]]])
    frame = np.ascontiguousarray(frame.transpose(2, 0, 1))
    corner, middle = frame[:, 0, 0], frame[:, 56, 56]
    shown = ", ".join(f"[{', '.join(f'{value:.1f}' for value in values)}]" for values in (corner, middle))
    lines.append(f'    (({width}, {height}), [{shown}], "{blake3(frame.astype("<f4").tobytes()).hexdigest()}"),')
(Path(__file__).parent / "c3d_preprocessing.in").write_text("[\n" + "\n".join(lines) + "\n]\n")
