"""Are our faces facenet-pytorch's? Both detectors over the photos of the data folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Report, Requirement, parser, percentiles
from engines.errors import EngineError
from engines.table import choose_engine, open_engine
from stream.config import EngineConfig, data_dir
from stream.faces.cascade import Cascade
from stream.faces.nms import iou
from stream.faces.options import FacesOptions

IOU: Final = 0.9
LANDMARKS: Final = 0.03
CONFIDENCE: Final = 0.9
NO_DATA: Final = "parity: needs the data folder with photos/ (DEEPFAKESTREAM_DATA)"
NO_REFERENCE: Final = (
    "parity: needs facenet-pytorch to compare with: pip install --no-deps facenet-pytorch==2.6.0,"
    " then pip install torch torchvision requests pillow tqdm"
)


@dataclass(frozen=True, slots=True)
class Faces:
    """One detector's faces in one photo: (N, 4), (N, 5, 2), (N,)."""

    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    confidences: NDArray[np.float32]


@dataclass(slots=True)
class Comparison:
    """What came out over all photos. `ious` and `errors` hold one value for each reference face:
    of the best box of ours, and its worst landmark's distance in shares of the box side.
    """

    ious: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    ours: int = 0
    extra: int = 0

    @property
    def matched(self) -> float:
        """The share of the reference's faces with a box and landmarks of ours close enough."""
        good = np.array(self.ious) >= IOU
        good &= np.array(self.errors) <= LANDMARKS
        return float(good.mean()) if len(good) else float("nan")

    def add(self, reference: Faces, ours: Faces, min_px: float) -> None:
        """Take one photo. Boxes are extra when no reference box, however unsure, fits them."""
        overlap = iou(reference.boxes, ours.boxes)
        self.ours += len(ours.boxes)
        best = overlap.max(axis=0, initial=0.0)
        self.extra += int((best < IOU).sum())
        sides = (reference.boxes[:, 2:] - reference.boxes[:, :2]).max(axis=1, initial=0)
        counted = (reference.confidences >= CONFIDENCE) & (sides >= min_px)
        for index in np.flatnonzero(counted).tolist():
            self.ious.append(float(overlap[index].max(initial=0.0)))
            self.errors.append(_landmark_error(reference, ours, index, overlap[index], sides))


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; see `benchmarks.__main__` for the exit codes."""
    options = parser("parity", __doc__ or "").parse_args(arguments)
    data = data_dir()
    photos = sorted((data / "photos").glob("*.jpg")) if data else []
    if not photos:
        print(NO_DATA)
        return 2
    faces = FacesOptions()
    reference = _reference(faces)
    if reference is None:
        print(NO_REFERENCE)
        return 2
    try:
        cascade = _cascade(options.engine, options.device, faces)
    except EngineError as exc:
        print(f"parity: {exc}")
        return 2
    report = _measure(photos, reference, cascade, faces)
    return report.finish(options.json, options.check, options.markdown)


def _measure(
    photos: Sequence[Path], reference: Any, cascade: Cascade, faces: FacesOptions
) -> Report:
    result, times = Comparison(), np.zeros(2)
    for path in photos:
        pixels = np.ascontiguousarray(np.asarray(cv2.imread(str(path)), np.uint8)[:, :, ::-1])
        started = time.process_time()
        theirs = _reference_faces(reference, pixels)
        between = time.process_time()
        ours = _faces(cascade, pixels)
        times += between - started, time.process_time() - between
        result.add(theirs, ours, faces.min_face_px)
    ious, errors = percentiles(result.ious), percentiles(result.errors)
    extra = result.extra / result.ours if result.ours else float("nan")
    print(f"{len(photos)} photos; {result.ours} boxes of ours, {result.extra} extra")
    rows: list[dict[str, Any]] = [
        {"of the reference's faces": "IoU"} | ious,
        {"of the reference's faces": "landmark error / side"} | errors,
    ]
    ratio = float(times[0] / times[1])
    print(f"CPU time: facenet-pytorch {times[0]:.2f} s, ours {times[1]:.2f} s: {ratio:.1f} times")
    report = Report(
        "parity",
        {
            "photos": len(photos),
            "reference_faces": len(result.ious),
            "our_boxes": result.ours,
            "iou": ious,
            "landmark_error": errors,
            "cpu_s": {"facenet_pytorch": times[0], "ours": times[1]},
            "cpu_ratio": ratio,
        },
        [
            Requirement(
                f"share of faces at IoU {IOU}, landmarks {LANDMARKS}", result.matched, 0.99
            ),
            Requirement("share of extra boxes", extra, 0.01, at_least=False),
        ],
    )
    report.show(rows)
    return report


def _cascade(engine: str, device: str, faces: FacesOptions) -> Cascade:
    name, _ = choose_engine(engine, device)
    weights = EngineConfig().weights
    pnet, rnet, onet = (
        open_engine(name, weights / f"{net}.json", device=device)
        for net in ("pnet", "rnet", "onet")
    )
    return Cascade(pnet, rnet, onet, faces)


def _faces(cascade: Cascade, pixels: NDArray[np.uint8]) -> Faces:
    found = cascade.detect(pixels)
    return Faces(
        np.array([face.box_px for face in found], np.float32).reshape(-1, 4),
        np.array([face.landmarks_px for face in found], np.float32).reshape(-1, 5, 2),
        np.array([face.confidence for face in found], np.float32),
    )


def _reference(faces: FacesOptions) -> Any:
    """Make facenet-pytorch's detector on one thread, as ours has; None where it cannot be."""
    try:
        import torch
        from facenet_pytorch import MTCNN
    except ImportError:
        return None
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    return MTCNN(
        keep_all=True,
        min_face_size=faces.min_face_px,
        thresholds=list(faces.thresholds),
        factor=faces.factor,
        device="cpu",
    )


def _reference_faces(reference: Any, pixels: NDArray[np.uint8]) -> Faces:
    boxes, confidences, landmarks = reference.detect(pixels, landmarks=True)
    if boxes is None:
        boxes, confidences, landmarks = [], [], []
    return Faces(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(landmarks, np.float32).reshape(-1, 5, 2),
        np.array(confidences, np.float32).reshape(-1),
    )


def _landmark_error(
    reference: Faces,
    ours: Faces,
    index: int,
    overlap: NDArray[np.float32],
    sides: NDArray[np.float32],
) -> float:
    """The worst landmark of the box of ours that fits best; infinite where there is none."""
    if not len(overlap):
        return float("inf")
    apart = reference.landmarks[index] - ours.landmarks[int(overlap.argmax())]
    return float(np.hypot(apart[:, 0], apart[:, 1]).max() / sides[index])
