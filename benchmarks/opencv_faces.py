"""OpenCV's own face detectors as peers: YuNet where a model file is given, else the Haar cascade of
the wheel where it has one (OpenCV 5 has none).

Run as a program of its own: ``python -m benchmarks.opencv_faces FILE FRAMES [YUNET.onnx]`` prints
what `benchmarks.sampling.sample` gives, with `detector`; exit code 3 and one line where no model is
at hand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2

from benchmarks.sampling import Detect, Found, sample
from stream.types import Pixels

HAAR: Final = "haarcascade_frontalface_default.xml"
NO_MODEL: Final = 3
NO_MODEL_TEXT: Final = (
    f"the OpenCV wheel {cv2.__version__} holds no face model; name YuNet's with --yunet FILE"
)


def detector(model: Path | None) -> tuple[str, Detect] | None:
    """Its name and function; None where there is no model."""
    if model is not None:
        return "YuNet", _yunet(model)
    cascade = _haar_file()
    return ("Haar cascade", _haar(cascade)) if cascade else None


def _haar_file() -> Path | None:
    folder = getattr(getattr(cv2, "data", None), "haarcascades", "")
    file = Path(folder) / HAAR
    return file if hasattr(cv2, "CascadeClassifier") and file.is_file() else None


def _yunet(model: Path) -> Detect:
    network = cv2.FaceDetectorYN.create(str(model), "", (320, 320))

    def detect(rgb: Pixels) -> Found:
        network.setInputSize((rgb.shape[1], rgb.shape[0]))
        _, faces = network.detect(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        rows = [] if faces is None else faces.tolist()
        return [_corners(row[:4]) for row in rows], [row[14] for row in rows]

    return detect


def _haar(file: Path) -> Detect:
    cascade: Any = getattr(cv2, "CascadeClassifier")(str(file))  # noqa: B009  not in OpenCV 5

    def detect(rgb: Pixels) -> Found:
        found = cascade.detectMultiScale(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
        return [_corners(row) for row in found], [1.0] * len(found)

    return detect


def _corners(box: Sequence[float]) -> list[float]:
    left, top, width, height = map(float, box)
    return [left, top, left + width, top + height]


def _main(arguments: Sequence[str]) -> int:
    found = detector(Path(arguments[2]) if len(arguments) > 2 else None)
    if found is None:
        print(NO_MODEL_TEXT, file=sys.stderr)
        return NO_MODEL
    name, detect = found
    result = sample(arguments[0], int(arguments[1]), detect, lambda rgb, boxes: None)
    print(json.dumps({"detector": name} | result))
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
