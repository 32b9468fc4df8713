"""A folder of pictures instead of a manifest."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engines.spec import CropGeometry
from stream.sources.demo import CLIP
from training.crops import portrait
from training.evaluate.lists import list_names, load_examples
from training.evaluate.pictures import is_picture_folder, load_pictures

GEOMETRY = CropGeometry(112, 1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo with a face, a crop of it, a wall, and a file that is no picture."""
    place = tmp_path_factory.mktemp("pictures")
    (place / "real").mkdir()
    (place / "fake").mkdir()
    with av.open(str(CLIP)) as film:
        frame = next(film.decode(video=0)).to_ndarray(format="bgr24")
    cv2.imwrite(str(place / "real" / "photo.png"), frame)
    cv2.imwrite(str(place / "fake" / "photo.jpg"), frame[:, ::-1])
    cv2.imwrite(str(place / "fake" / "wall.png"), np.full((200, 200, 3), 90, np.uint8))
    (place / "fake" / "broken.png").write_bytes(b"no picture")
    (place / "fake" / "notes.txt").write_text("not looked at")
    return place


def test_the_face_of_each_picture_is_cut_and_the_rest_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faces = load_pictures(folder, GEOMETRY)
    assert [(face.group, face.fake) for face in faces] == [
        ("real/photo", False),
        ("fake/photo", True),
    ]
    left_out = capsys.readouterr().err.splitlines()
    assert len(left_out) == 2
    assert "broken.png" in left_out[0]
    assert "wall.png shows no face" in left_out[1]


def test_the_eyes_lie_in_the_upper_half_of_the_crop(folder: Path) -> None:
    for face in load_pictures(folder, GEOMETRY):
        seen = portrait(face, GEOMETRY)
        assert seen is not None
        assert seen.pixels.shape == (112, 112, 3)
        left, right, *_ = seen.landmarks
        assert 10 < left[0] < right[0] < 102
        assert 20 < left[1] < 60


def test_such_a_folder_is_one_list(folder: Path, tmp_path: Path) -> None:
    assert is_picture_folder(folder)
    assert not is_picture_folder(tmp_path)
    assert list_names(folder, ["dfdc"]) == ["pictures"]
    listed = load_examples("pictures", folder, GEOMETRY)
    assert (listed.half, listed.shared) == ("all", True)
    assert listed.fake.tolist() == [False, True]
