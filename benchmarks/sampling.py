"""Runs a detector over frames spread through a film, and counts the CPU of each step.

For peers that are slow: a film is decoded as a whole, but only some of its frames are looked at.
Each peer runs this in a process of its own, whose CPU time is the peer's alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import cv2
import numpy as np

from stream.types import Pixels

Found = tuple[Sequence[Sequence[float]], Sequence[float]]
"""Corner boxes in pixels, and a confidence for each."""
Detect = Callable[[Pixels], Found]
Classify = Callable[[Pixels, Sequence[Sequence[float]]], None]
WARM_UP_LOOKS: Final = 2


def spread(total: int, wanted: int) -> list[int]:
    """The middles of `wanted` equal parts of `total` frames; all frames where there are fewer."""
    wanted = min(wanted, total)
    return [int((part + 0.5) * total / wanted) for part in range(wanted)]


def sample(path: str, frames: int, detect: Detect, classify: Classify) -> dict[str, Any]:
    """Look at about `frames` frames of the film at `path`, as it is written and decoded by OpenCV.

    Gives `frames` (decoded), `decode_ms` a frame (decoding and conversion, all frames) and `looks`:
    `frame`, `boxes`, `confidences`, and CPU milliseconds `detect_ms` and `classify_ms`.
    """
    film = cv2.VideoCapture(path)
    wanted = set(spread(int(film.get(cv2.CAP_PROP_FRAME_COUNT)), frames))
    looks: list[dict[str, Any]] = []
    decoded, decode_s = 0, 0.0
    while True:
        begin_s = time.process_time()
        ok, bgr = film.read()
        if not ok:
            break
        rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        decode_s += time.process_time() - begin_s
        if decoded in wanted:
            for _ in range(0 if looks else WARM_UP_LOOKS):
                _look(rgb, detect, classify)
            looks.append({"frame": decoded} | _look(rgb, detect, classify))
        decoded += 1
    per_frame_ms = 1000 * decode_s / decoded if decoded else float("nan")
    return {"frames": decoded, "decode_ms": per_frame_ms, "looks": looks}


def _look(rgb: Pixels, detect: Detect, classify: Classify) -> dict[str, Any]:
    begin_s = time.process_time()
    boxes, confidences = detect(rgb)
    detected_s = time.process_time()
    classify(rgb, boxes)
    classified_s = time.process_time()
    return {
        "boxes": [[float(value) for value in box] for box in boxes],
        "confidences": [float(value) for value in confidences],
        "detect_ms": 1000 * (detected_s - begin_s),
        "classify_ms": 1000 * (classified_s - detected_s),
    }
