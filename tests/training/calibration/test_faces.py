"""Who may be seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from stream.types import FaceDetection, Pixels
from tests.training.sample_data import write_data
from training.calibration import faces as module
from training.calibration.faces import calib_faces, person
from training.landmarks import opened_cascade
from training.manifest import Face, load_faces, part


def test_only_the_calib_half_of_val_is_read(tmp_path: Path) -> None:
    faces = calib_faces(write_data(tmp_path, per_class=40))
    assert faces
    assert {face.split for face in faces} == {"val"}
    assert {part(face.group) for face in faces} == {"calib"}
    others = {face.group for face in load_faces(tmp_path, "val")} - {face.group for face in faces}
    assert {part(group) for group in others} == {"report"}


def test_fewer_faces_are_as_many_of_each_class(tmp_path: Path) -> None:
    write_data(tmp_path, per_class=40)
    faces = calib_faces(tmp_path, most=3, seed=1)
    assert [face.fake for face in faces] == [False] * 3 + [True] * 3
    names = [face.name for face in faces]
    assert names == [face.name for face in calib_faces(tmp_path, most=3, seed=1)]


def test_both_classes_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_data(tmp_path, per_class=20)
    reals = [face for face in load_faces(data, "val") if not face.fake]
    monkeypatch.setattr(module, "load_faces", lambda *_: reals)
    with pytest.raises(ValueError, match="real and fake"):
        calib_faces(data)


@dataclass(frozen=True)
class Blind:
    """A cascade that never finds anybody."""

    def detect(self, pixels: Pixels) -> list[FaceDetection]:
        return []


def stored(size: tuple[int, int], landmarks: bool) -> Face:
    pixels = np.full((*size, 3), 120, np.uint8)
    points = np.array([(0.4, 0.4), (0.6, 0.4), (0.5, 0.5), (0.4, 0.6), (0.6, 0.6)], np.float32)
    jpeg = cv2.imencode(".png", pixels)[1].tobytes()
    return Face(
        jpeg,
        False,
        "dfdc",
        "g",
        "val",
        1.6,
        landmarks=points if landmarks else None,
        shift_down=0.1,
    )


def test_box_and_landmarks_are_those_that_the_manifest_means() -> None:
    found = person(stored((200, 160), landmarks=True), Blind())  # type: ignore[arg-type]
    assert found is not None
    assert found.still.box_px.tolist() == pytest.approx([30, 34, 130, 134])
    assert found.still.landmarks_px[1].tolist() == pytest.approx([96, 80])


def test_where_no_face_is_found_nobody_is_scored() -> None:
    assert person(stored((100, 100), landmarks=False), Blind()) is None  # type: ignore[arg-type]
    with opened_cascade(Path(__file__).parents[3] / "weights") as cascade:
        assert person(stored((100, 100), landmarks=False), cascade) is None
