"""The faces that calibration may see: the calib half of val, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from stream.faces.cascade import Cascade
from training.calibration.footage import Still
from training.crops import box_in, landmarks_in, stored
from training.landmarks import find_face
from training.manifest import Face, load_faces, part


@dataclass(frozen=True, slots=True)
class Person:
    """A face with its landmarks; `group` is the video or photo that it comes from."""

    still: Still
    fake: bool
    source: str
    group: str


def calib_faces(folder: Path, most: int | None = None, seed: int = 0) -> list[Face]:
    """Read the calib half of val; at most so many of each class, drawn at random.

    Raises: OSError; ValueError for a manifest that cannot be read, or one without both classes.
    """
    faces = [face for face in load_faces(folder, "val") if part(face.group) == "calib"]
    classes = [[face for face in faces if face.fake == fake] for fake in (False, True)]
    if not all(classes):
        raise ValueError("the calib half of val needs real and fake faces")
    return [face for members in classes for face in _drawn(members, most, seed)]


def person(face: Face, cascade: Cascade) -> Person | None:
    """Decode a face and find its landmarks, if the manifest has none.

    None where no face is found: one would not be scored live either.

    Raises: ValueError for bytes that are no picture; InferenceFailed.
    """
    pixels = stored(face)
    height, width = pixels.shape[:2]
    if face.landmarks is None:
        found = find_face(pixels, cascade)
        if found is None:
            return None
        face = replace(face, landmarks=found.landmarks)
    box = box_in(face, width, height)
    points = landmarks_in(face, box, width, height)
    return Person(Still(pixels, box, points), face.fake, face.source, face.group)


def _drawn(faces: Sequence[Face], most: int | None, seed: int) -> list[Face]:
    if most is None or most >= len(faces):
        return list(faces)
    shuffled = np.random.default_rng(seed).permutation(len(faces))[:most]
    return [faces[index] for index in sorted(shuffled.tolist())]
