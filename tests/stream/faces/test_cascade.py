"""Cascade: real networks on a real face; the figures against facenet-pytorch are a benchmark's."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from engines.base import Engine, Outputs
from stream.faces.cascade import Cascade, pyramid, square
from stream.faces.nms import iou
from stream.faces.options import FacesOptions
from stream.types import FaceDetection, Floats, Pixels
from tests.builders import textured


@pytest.fixture(scope="session")
def face(cascade: Cascade, portrait: Pixels) -> FaceDetection:
    """The portrait's one face."""
    (found,) = cascade.detect(portrait)
    return found


def test_a_search_pauses_between_its_steps_and_bears_other_looks_there(
    cascade: Cascade, portrait: Pixels, face: FaceDetection
) -> None:
    looked: list[FaceDetection | None] = []

    def look() -> None:
        looked.extend(cascade.refine(portrait, face.box_px[None]))

    networks = cascade._pnet, cascade._rnet, cascade._onet
    (found,) = Cascade(*networks, FacesOptions(), look).detect(portrait)
    np.testing.assert_array_equal(found.box_px, face.box_px)
    height, width = portrait.shape[:2]
    assert len(looked) == len(pyramid(height, width, FacesOptions())) + 2
    assert all(one is not None and overlap(one, face) > 0.8 for one in looked)


def overlap(one: FaceDetection, other: FaceDetection) -> float:
    return float(iou(one.box_px[None], other.box_px[None])[0, 0])


def test_a_face_is_found_with_its_five_points_in_place(face: FaceDetection) -> None:
    x1, y1, x2, y2 = face.box_px
    left, right, nose, mouth_left, mouth_right = face.landmarks_px
    assert face.confidence > 0.99
    assert x1 < left[0] < nose[0] < right[0] < x2
    assert y1 < min(left[1], right[1]) < nose[1] < min(mouth_left[1], mouth_right[1]) < y2
    assert mouth_left[0] < mouth_right[0]
    assert face.box_px.dtype == face.landmarks_px.dtype == np.float32


def test_a_mirrored_picture_has_the_mirrored_face(
    cascade: Cascade, portrait: Pixels, face: FaceDetection
) -> None:
    (found,) = cascade.detect(np.ascontiguousarray(portrait[:, ::-1]))
    x1, y1, x2, y2 = found.box_px
    back = np.array([portrait.shape[1] - x2, y1, portrait.shape[1] - x1, y2], np.float32)
    assert iou(back[None], face.box_px[None])[0, 0] > 0.8


def test_several_faces_are_found_at_once(cascade: Cascade, portrait: Pixels) -> None:
    smaller = cv2.resize(portrait, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    four = np.tile(smaller, (2, 2, 1))
    assert len(cascade.detect(np.asarray(four, np.uint8))) == 4


def test_a_wall_of_faces_is_found_in_several_calls(
    cascade: Cascade, portrait: Pixels, face: FaceDetection, monkeypatch: pytest.MonkeyPatch
) -> None:
    x1, y1, x2, y2 = face.box_px.astype(int) + np.array([-40, -40, 40, 40])
    wall = np.tile(cv2.resize(portrait[y1:y2, x1:x2], (96, 120)), (4, 5, 1))
    together = cascade.detect(np.asarray(wall, np.uint8))
    monkeypatch.setattr("stream.faces.cascade.BATCH", 3)
    apart = cascade.detect(np.asarray(wall, np.uint8))
    assert len(together) == len(apart) == 20
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_allclose(one.box_px, other.box_px, atol=1e-2)


def test_a_wall_of_faces_cannot_take_more_than_its_share(
    cascade: Cascade, portrait: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    class Counting:
        def __init__(self, engine: Engine) -> None:
            self._engine = engine

        def infer(self, batch: Floats) -> Outputs:
            asked.append(len(batch))
            return self._engine.infer(batch)

    pnet, rnet, onet = (
        cast(Engine, Counting(network)) for network in (cascade._pnet, cascade._rnet, cascade._onet)
    )
    counted = Cascade(pnet, rnet, onet, FacesOptions())
    monkeypatch.setattr("stream.faces.cascade.MOST_CELLS", 30)
    monkeypatch.setattr("stream.faces.cascade.MOST_PROPOSALS", 20)
    monkeypatch.setattr("stream.faces.cascade.MOST_CANDIDATES", 3)
    assert len(counted.detect(portrait)) == 1
    assert asked[-2:] == [20, 3]


@pytest.mark.parametrize("shape", [(39, 300, 3), (300, 39, 3), (1, 1, 3)])
def test_a_picture_smaller_than_the_smallest_face_has_none(
    cascade: Cascade, shape: tuple[int, int, int]
) -> None:
    assert cascade.detect(np.zeros(shape, np.uint8)) == []


@pytest.mark.parametrize("shape", [(40, 40, 3), (41, 57, 3), (120, 160, 3)])
@pytest.mark.parametrize("value", [0, 255])
def test_an_even_picture_has_no_face(
    cascade: Cascade, shape: tuple[int, int, int], value: int
) -> None:
    assert cascade.detect(np.full(shape, value, np.uint8)) == []


def test_texture_is_no_face(cascade: Cascade) -> None:
    assert cascade.detect(textured(320, 240)) == []


def test_a_larger_minimum_size_leaves_small_faces_out(cascade: Cascade, portrait: Pixels) -> None:
    networks = cascade._pnet, cascade._rnet, cascade._onet
    assert Cascade(*networks, FacesOptions(min_face_px=450)).detect(portrait) == []


def test_refining_a_box_that_is_off_finds_the_face_again(
    cascade: Cascade, portrait: Pixels, face: FaceDetection
) -> None:
    off = face.box_px + 0.08 * (face.box_px[2] - face.box_px[0])
    (found,) = cascade.refine(portrait, off[None])
    assert found is not None
    assert overlap(found, face) > 0.8
    side = float((face.box_px[2:] - face.box_px[:2]).max())
    assert np.abs(found.landmarks_px - face.landmarks_px).max() < 0.08 * side


def test_refining_again_and_again_does_not_wander_off(
    cascade: Cascade, portrait: Pixels, face: FaceDetection
) -> None:
    found: FaceDetection | None = face
    for _ in range(30):
        assert found is not None
        (found,) = cascade.refine(portrait, found.box_px[None])
    assert found is not None
    assert overlap(found, face) > 0.8


def test_each_box_has_its_answer_in_its_place(
    cascade: Cascade, portrait: Pixels, face: FaceDetection
) -> None:
    height, width = portrait.shape[:2]
    boxes = np.array(
        [
            [-300, -300, -200, -200],
            [0, height - 60, 60, height],
            face.box_px,
            [width + 5, 0, width + 90, 90],
        ],
        np.float32,
    )
    before, corner, found, after = cascade.refine(portrait, boxes)
    assert before is corner is after is None
    assert found is not None
    assert overlap(found, face) > 0.8


def test_nothing_to_refine_gives_nothing(cascade: Cascade, portrait: Pixels) -> None:
    assert cascade.refine(portrait, np.empty((0, 4), np.float32)) == []


def test_a_face_partly_out_of_the_picture_is_followed(
    cascade: Cascade, portrait: Pixels, face: FaceDetection
) -> None:
    cut = int(face.box_px[0] + 0.15 * (face.box_px[2] - face.box_px[0]))
    shifted = face.box_px - np.array([cut, 0, cut, 0], np.float32)
    (found,) = cascade.refine(np.ascontiguousarray(portrait[:, cut:]), shifted[None])
    assert found is not None


def test_levels_shrink_to_the_cell() -> None:
    levels = pyramid(720, 1280, FacesOptions())
    assert [(height, width) for _, height, width in levels] == [
        (217, 385), (154, 273), (109, 194), (77, 137), (55, 98), (39, 69), (28, 49), (20, 35),
        (14, 25),
    ]  # fmt: skip
    assert pyramid(39, 1280, FacesOptions()) == []


def test_a_box_is_squared_about_its_centre() -> None:
    boxes = np.array([[0, 0, 10, 20], [0, 0, 6, 2]], np.float32)
    assert square(boxes).tolist() == [[-5, 0, 15, 20], [0, -2, 6, 4]]


def test_photos_have_the_faces_of_facenet_pytorch(cascade: Cascade, data_dir: Path) -> None:
    pytest.importorskip("torch")
    package = pytest.importorskip("facenet_pytorch", exc_type=ImportError)
    reference = package.MTCNN(keep_all=True, min_face_size=40, device="cpu")
    for name in ("two_people.jpg", "obama1.jpg", "multiface.jpg"):
        picture = np.asarray(cv2.imread(str(data_dir / "photos" / name)), np.uint8)
        pixels = np.ascontiguousarray(picture[:, :, ::-1])
        boxes, confidences = reference.detect(pixels)
        ours = cascade.detect(pixels)
        table = iou(
            np.array([f.box_px for f in ours]), boxes[confidences >= 0.9].astype(np.float32)
        )
        assert (table.max(axis=0) > 0.98).all()
        assert len(ours) == len(boxes)
