"""The pipeline that one would write today, as the peer of our own figures.

facenet-pytorch's MTCNN with its defaults (all faces kept) on every frame, and an EfficientNet-B0
in eager torch on every face, as the README files of live deepfake demos have it. Its weights are
random: only its cost is of interest. Run as a program of its own, so that torch's memory and
threads are counted to nobody else: ``python -m benchmarks.naive FILE FRAMES`` prints one JSON line
of the first frames' cost, with ``--spread`` what `benchmarks.sampling.sample` gives.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from benchmarks.sampling import Classify, Detect, Found, sample
from stream.types import Pixels

WARM_UP_FRAMES = 3


def measure(path: str, frames: int) -> dict[str, float | int]:
    """Process CPU and wall milliseconds a source frame over `frames` frames of the video `path`."""
    detect, classify = networks()
    capture = cv2.VideoCapture(path)
    done, faces, cpu_s, wall_s = -WARM_UP_FRAMES, 0, 0.0, 0.0
    while done < frames:
        cpu_from_s, wall_from_s = time.process_time(), time.perf_counter()
        ok, bgr = capture.read()
        if not ok:
            capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            continue
        rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        boxes, _ = detect(rgb)
        classify(rgb, boxes)
        done += 1
        if done > 0:
            cpu_s += time.process_time() - cpu_from_s
            wall_s += time.perf_counter() - wall_from_s
            faces += len(boxes)
    return {
        "frames": frames,
        "faces": faces,
        "cpu_ms_per_frame": 1000 * cpu_s / frames,
        "wall_ms_per_frame": 1000 * wall_s / frames,
    }


def networks() -> tuple[Detect, Classify]:
    """MTCNN and the classifier, with torch's own number of threads, as installed."""
    import timm
    import torch
    from facenet_pytorch import MTCNN

    mtcnn = MTCNN(min_face_size=20, keep_all=True)
    network = timm.create_model("efficientnet_b0", pretrained=False, num_classes=1).eval()

    def detect(rgb: Pixels) -> Found:
        boxes, confidences = mtcnn.detect(rgb)
        return ([], []) if boxes is None else (list(boxes), list(confidences))

    def classify(rgb: Pixels, boxes: Sequence[Sequence[float]]) -> None:
        height, width = rgb.shape[:2]
        for x1, y1, x2, y2 in boxes:
            left, top = max(0, int(x1)), max(0, int(y1))
            face = rgb[top : min(height, int(y2)), left : min(width, int(x2))]
            if not face.size:
                continue  # wholly outside the picture: MTCNN's boxes may be
            crop = cv2.resize(face, (224, 224)).astype(np.float32) / 255
            with torch.inference_mode():
                network(torch.from_numpy(crop).permute(2, 0, 1)[None])

    return detect, classify


def _run(arguments: Sequence[str]) -> dict[str, Any]:
    path, frames = arguments[0], int(arguments[1])
    if "--spread" in arguments[2:]:
        return sample(path, frames, *networks())
    return measure(path, frames)


if __name__ == "__main__":
    print(json.dumps(_run(sys.argv[1:])))
