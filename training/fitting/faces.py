"""Faces of a run, and where ImageNet's weights lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stream.config import data_dir
from training.manifest import Face, held_out, load_faces, part

IMAGENET: Final = "tf_efficientnet_lite0_imagenet.npz"


@dataclass(frozen=True, slots=True)
class Faces:
    """The faces of a run: to train on, and to evaluate and calibrate on."""

    train: Sequence[Face]
    calib: Sequence[Face]

    def __post_init__(self) -> None:
        if not self.calib:
            raise ValueError("no source that is evaluated on has real and fake faces")


def faces_of(data: Path) -> Faces:
    """Load what a run needs: ``train`` less the held-out groups, and the calib half of ``val``.

    Raises: OSError; ValueError for a manifest that makes no sense, or when no source of calib
    has both labels.
    """
    train = [face for face in load_faces(data, "train") if not held_out(face.group)]
    calib = [face for face in load_faces(data, "val") if part(face.group) == "calib"]
    return Faces(train, two_sided(calib))


def two_sided(faces: Sequence[Face]) -> list[Face]:
    """Keep the sources that have both labels: across sources an AUC measures the source."""
    labels = {(face.source, face.fake) for face in faces}
    both = {source for source, fake in labels if (source, not fake) in labels}
    return [face for face in faces if face.source in both]


def imagenet_weights(data: Path) -> Path:
    """Where ImageNet's weights lie: with the faces, else in the usual data folder."""
    own, usual = data / "weights" / IMAGENET, data_dir()
    return own if own.exists() or usual is None else usual / "weights" / IMAGENET
