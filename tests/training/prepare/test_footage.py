"""Crops from a video or a picture, by the code that runs live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from stream.faces.cascade import Cascade
from stream.types import FaceDetection, Floats, Pixels
from tests.training.prepare.samples import noise
from training.crops import read_picture
from training.landmarks import find_face
from training.manifest import read_landmarks
from training.prepare.footage import LIVE, STILL, Watcher, harvest_footage
from training.prepare.harvest import Harvester
from training.prepare.item import Crop, Drop, Footage, Unreadable
from training.prepare.settings import Settings


def item(path: Path, **given: Any) -> Footage:
    usual: dict[str, Any] = {
        "path": path, "source": "mine", "name": f"real/{path.name}", "fake": False,
        "identities": ("mine/a",),
    }  # fmt: skip
    return Footage(**(usual | given))


def harvested(
    footage: Footage, harvester: Harvester, settings: Settings | None = None
) -> tuple[list[tuple[Crop, bytes]], list[Drop]]:
    drops: list[Drop] = []
    used = settings or harvester.settings
    return list(harvest_footage(footage, harvester.live, used, drops)), drops


def first_frame(clip: Path) -> Pixels:
    with av.open(str(clip)) as container:
        frame = next(container.decode(video=0))
    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def test_a_video_gives_crops_spread_over_its_time(clip: Path, harvester: Harvester) -> None:
    found, drops = harvested(item(clip, method="swap", split="val", licence="own"), harvester)
    assert not drops
    times = [crop.media_time_s for crop, _ in found]
    assert times == sorted(times)  # type: ignore[type-var]
    assert len(set(times)) == harvester.settings.per_track == 3
    assert times[2] - times[0] > 0.5  # type: ignore[operator]
    for crop, encoded in found:
        picture = read_picture(encoded)
        assert picture.shape[0] == picture.shape[1]
        # The square is cut by the box's side, which is stated in whole pixels.
        assert picture.shape[0] == pytest.approx(1.6 * int(crop.face_px), abs=1.6 / 2 + 0.5)
        assert 90 < int(crop.face_px) < 150  # an eighth of 960 px, at half size
        assert crop.quality is not None
        assert 0 < crop.quality <= 1
        assert (crop.method, crop.split, crop.licence) == ("swap", "val", "own")


def test_the_landmarks_lie_on_the_stored_face(clip: Path, harvester: Harvester) -> None:
    (crop, encoded), *_ = harvested(item(clip), harvester)[0]
    again = find_face(read_picture(encoded), harvester.close)
    stated = read_landmarks(crop.landmarks)
    assert again is not None
    assert stated is not None
    np.testing.assert_allclose(again.landmarks, stated, atol=0.03)


def test_fewer_looks_find_the_face_too(clip: Path, harvester: Harvester) -> None:
    found, _ = harvested(item(clip), harvester, Settings(per_track=50, looks_per_s=5))
    assert 3 <= len(found) <= 6  # every second of 12 frames, less the first, which confirms


def test_a_picture_is_looked_at_once(clip: Path, harvester: Harvester, tmp_path: Path) -> None:
    path = tmp_path / "still.png"
    cv2.imwrite(str(path), first_frame(clip)[..., ::-1])
    ((crop, _),), drops = harvested(item(path), harvester)
    assert crop.file == "real/still.png.01.0000000.jpg"
    assert crop.media_time_s == 0
    assert not drops


def test_a_file_without_a_face_is_a_drop(harvester: Harvester, tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    cv2.imwrite(str(path), noise(0, 320))
    assert harvested(item(path), harvester) == ([], [Drop("mine/real/noise.png", "no face")])


def test_what_is_too_poor_is_counted_with_its_reason(clip: Path, harvester: Harvester) -> None:
    found, drops = harvested(item(clip), harvester, Settings(least_quality=0.999))
    assert not found
    assert {drop.why for drop in drops} <= {
        f"poor quality: {name}" for name in ("face_too_small", "low_quality", "blurred")
    }
    assert sum(drop.count for drop in drops) >= 10


@pytest.mark.parametrize("name", ["broken.mp4", "broken.jpg", "missing.mp4", "missing.png"])
def test_a_file_that_cannot_be_read_says_so(
    harvester: Harvester, tmp_path: Path, name: str
) -> None:
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"no picture at all")
    with pytest.raises(Unreadable, match=name):
        harvested(item(tmp_path / name), harvester)


class Drawn(Cascade):
    """Sees the faces it was told of, wherever it looks."""

    def __init__(self, *boxes: tuple[float, float, float, float]) -> None:
        self.faces = [seen(*box) for box in boxes]

    def detect(self, pixels: Pixels) -> list[FaceDetection]:
        return self.faces

    def refine(self, pixels: Pixels, boxes: Floats) -> list[FaceDetection | None]:
        return [
            min(self.faces, key=lambda face: float(np.abs(face.box_px - box).sum()))
            for box in boxes
        ]


def seen(x1: float, y1: float, x2: float, y2: float) -> FaceDetection:
    shares = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
    corner, size = np.array([x1, y1], np.float32), np.array([x2 - x1, y2 - y1], np.float32)
    return FaceDetection(np.array([x1, y1, x2, y2], np.float32), corner + shares * size, 1.0)


SMALL, LARGE = (20.0, 150.0, 190.0, 320.0), (330.0, 80.0, 570.0, 320.0)


def test_of_a_fake_only_the_face_shown_most_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "two.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (400, 640, 3), np.uint8))
    cascade, drops = Drawn(SMALL, LARGE), list[Drop]()
    real = list(harvest_footage(item(path), cascade, Settings(), drops))
    assert sorted(int(crop.face_px) for crop, _ in real) == [170, 240]
    assert not drops
    fake = list(harvest_footage(item(path, fake=True), cascade, Settings(), drops))
    assert [int(crop.face_px) for crop, _ in fake] == [240]
    assert drops == [Drop("mine/real/two.png", "another face of a fake", 1)]


def test_a_face_is_cut_once_it_is_confirmed_and_never_from_a_corrupt_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (400, 640, 3), np.uint8)
    watcher = Watcher(Drawn(LARGE), LIVE, Settings())
    watcher.look(picture, 0.0)
    assert not watcher.people
    watcher.look(picture, 0.3, corrupt=True)
    assert not watcher.people
    watcher.look(picture, 0.6)
    (person,) = watcher.people.values()
    assert [time_s for time_s, _ in person.sample.chosen()] == [0.6]
    still = Watcher(Drawn(LARGE), STILL, Settings())
    still.look(picture, 0.0)
    assert still.people
