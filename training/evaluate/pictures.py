"""Pictures: a folder with ``real/`` and ``fake/``, each picture with one face or a crop of one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.spec import CropGeometry
from stream.config import WEIGHTS
from stream.faces.align import crop_faces
from stream.faces.cascade import Cascade
from stream.faces.options import FacesOptions
from training.crops import read_picture
from training.landmarks import find_face, opened_cascade
from training.manifest import Face

Pixels = NDArray[np.uint8]
Seen = tuple[NDArray[np.float32], NDArray[np.float32]]
"""A face's box (4,) and landmarks (5, 2) in a picture's pixels."""

PHOTO_PX: Final = 960
SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
CLASSES: Final = {"real": False, "fake": True}


def is_picture_folder(folder: Path) -> bool:
    """Say whether the folder holds ``real/`` or ``fake/`` and no manifest."""
    if any((place / "manifest.csv").is_file() for place in (folder, folder / "faces")):
        return False
    return any((folder / name).is_dir() for name in CLASSES)


def load_pictures(folder: Path, geometry: CropGeometry, weights: Path = WEIGHTS) -> list[Face]:
    """Find the largest face of each picture and cut it; every picture is a group of its own.

    A picture that cannot be read, or shows no face, is named on standard error and left out.

    Raises: OSError; EngineError.
    """
    faces = []
    with (
        opened_cascade(weights, FacesOptions()) as photos,
        opened_cascade(weights) as crops,
    ):
        for path, fake in _pictures(folder):
            try:
                picture = read_picture(path.read_bytes(), path.name)
            except ValueError as exc:
                print(f"left out: {exc}", file=sys.stderr)
                continue
            seen = _largest(picture, photos) or _filling(picture, crops)
            if seen is None:
                print(f"left out: {path.name} shows no face", file=sys.stderr)
                continue
            group = f"{path.parent.name}/{path.stem}"
            faces.append(_face(picture, seen, geometry, fake, group))
    return faces


def as_png(pixels: Pixels) -> bytes:
    """Encode RGB (H, W, 3) without loss."""
    done, data = cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))
    assert done
    return data.tobytes()


def _pictures(folder: Path) -> Iterator[tuple[Path, bool]]:
    for name, fake in CLASSES.items():
        for path in sorted((folder / name).rglob("*")):
            if path.suffix.lower() in SUFFIXES:
                yield path, fake


def _largest(picture: Pixels, cascade: Cascade) -> Seen | None:
    """The largest face of a photo; photos are looked at with a side of at most `PHOTO_PX`."""
    scale = min(1.0, PHOTO_PX / max(picture.shape[:2]))
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    if min(size) < 2 * FacesOptions().min_face_px:
        return None
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    found = [(face.box_px / scale, face.landmarks_px / scale)
             for face in cascade.detect(np.asarray(small, np.uint8))]  # fmt: skip
    return max(found, key=lambda one: float((one[0][2:] - one[0][:2]).max()), default=None)


def _filling(picture: Pixels, cascade: Cascade) -> Seen | None:
    """The face of a picture that is little more than one."""
    found = find_face(picture, cascade)
    size = np.array(picture.shape[1::-1], np.float32)
    return None if found is None else (found.box * np.tile(size, 2), found.landmarks * size)


def _face(picture: Pixels, seen: Seen, geometry: CropGeometry, fake: bool, group: str) -> Face:
    box, landmarks = seen
    crops, affines = crop_faces(picture, box[None], landmarks[None], geometry)
    inverse = cv2.invertAffineTransform(affines[0])
    inside = (landmarks @ inverse[:, :2].T + inverse[:, 2]) / geometry.size_px
    return Face(
        jpeg=as_png(crops[0]),
        fake=fake,
        source="pictures",
        group=group,
        split="val",
        crop_scale=geometry.crop_scale,
        landmarks=inside.astype(np.float32),
        name=group,
        shift_down=geometry.shift_down,
        to_landmarks=geometry.to_landmarks,
    )
