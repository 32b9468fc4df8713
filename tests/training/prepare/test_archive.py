"""The crops of one tar, byte for byte, with what the manifest did not say of them."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.training.prepare.samples import noise
from training.crops import Pixels, read_picture
from training.manifest import CROPS, OTHER_CROP, read_landmarks
from training.prepare.archive import harvest_archive
from training.prepare.footage import harvest_footage
from training.prepare.harvest import Harvester
from training.prepare.item import Archive, Crop, Drop, Footage, Unreadable


def encoded(picture: Pixels) -> bytes:
    done, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])
    assert done
    return data.tobytes()


def archive(path: Path, files: dict[str, bytes], **columns: str) -> Archive:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    rows = [
        {"tar": path.name, "file": name, "label": "real", "group": "g", "split": "val"} | columns
        for name in files
    ]
    return Archive(path, tuple(rows))


def harvested(
    item: Archive, harvester: Harvester
) -> tuple[list[tuple[Crop, bytes]], list[Drop], int]:
    drops: list[Drop] = []
    steps: list[None] = []
    found = list(harvest_archive(item, harvester.close, drops, lambda: steps.append(None)))
    return found, drops, len(steps)


@pytest.fixture(scope="module")
def faces(clip: Path, harvester: Harvester) -> list[Pixels]:
    """Three crops at 1.6 times the box."""
    item = Footage(clip, "mine", "real/demo.mp4", False, ("mine/demo",))
    harvest = harvest_footage(item, harvester.live, harvester.settings, [])
    return [read_picture(data) for _, data in harvest]


@pytest.fixture(scope="module")
def face(faces: list[Pixels]) -> Pixels:
    return faces[0]


def test_the_bytes_are_kept_and_the_face_described(
    face: Pixels, harvester: Harvester, tmp_path: Path
) -> None:
    data = encoded(face)
    item = archive(tmp_path / "web-real.tar", {"a.jpg": data}, licence="CC0", face_px="117")
    ((crop, same),), drops, steps = harvested(item, harvester)
    assert same == data
    assert (steps, drops) == (1, [])
    assert (crop.tar, crop.file, crop.group, crop.split) == ("web-real.tar", "a.jpg", "g", "val")
    assert (crop.source, crop.licence, crop.face_px) == ("web", "CC0", "117")
    landmarks = read_landmarks(crop.landmarks)
    assert landmarks is not None
    left, right, nose, *mouth = landmarks
    assert left[0] < nose[0] < right[0]
    assert max(left[1], right[1]) < nose[1] < min(point[1] for point in mouth)
    assert crop.quality is not None
    assert crop.quality > 0.2


def measured(face: Pixels, harvester: Harvester, folder: Path) -> tuple[float, float]:
    item = archive(folder / "web-a.tar", {"a": encoded(np.ascontiguousarray(face))})
    ((crop, _),), _, _ = harvested(item, harvester)
    return crop.crop_scale, crop.shift_down


def test_scale_and_place_are_measured_in_a_crop_with_room(
    faces: list[Pixels], harvester: Harvester, tmp_path: Path
) -> None:
    # The middle one of three: MTCNN's box moves by some pixels with what is round the face.
    whole = np.median([measured(face, harvester, tmp_path) for face in faces], axis=0)
    assert whole == pytest.approx((1.6, 0.0), abs=0.02)
    # 12 px less above and 6 on either side: the centre lies 6 px lower.
    cut = np.median([measured(face[12:, 6:-6], harvester, tmp_path) for face in faces], axis=0)
    side = faces[0].shape[0]
    assert cut[0] == pytest.approx(1.6 * (side - 12) / side, abs=0.08)
    assert cut[1] == pytest.approx(6 / (side - 12), abs=0.02)


def test_a_tight_source_keeps_its_usual_crop_and_a_stated_one_is_believed(
    face: Pixels, harvester: Harvester, tmp_path: Path
) -> None:
    files = {"a": encoded(face)}
    ((dfdc, _),), _, _ = harvested(archive(tmp_path / "dfdc-train.tar", files), harvester)
    assert (dfdc.crop_scale, dfdc.shift_down, dfdc.to_landmarks) == CROPS["dfdc"]
    stated = archive(tmp_path / "web-c.tar", files, crop_scale="1.5", shift_down="0.1")
    ((told, _),), _, _ = harvested(stated, harvester)
    assert (told.crop_scale, told.shift_down) == (1.5, 0.1)


def test_a_crop_without_a_face_is_kept_without_landmarks(
    harvester: Harvester, tmp_path: Path
) -> None:
    item = archive(tmp_path / "web-real.tar", {"a": encoded(noise(1))})
    ((crop, _),), drops, _ = harvested(item, harvester)
    assert (crop.landmarks, crop.quality, drops) == ("", None, [])
    assert crop.crop_scale == 1.6


def test_bad_and_missing_members_are_drops(harvester: Harvester, tmp_path: Path) -> None:
    item = archive(tmp_path / "web-real.tar", {"bad": b"no picture", "good": encoded(noise(1))})
    item = replace(item, rows=(*item.rows, {**item.rows[0], "file": "gone"}))
    found, drops, _ = harvested(item, harvester)
    assert [crop.file for crop, _ in found] == ["good"]
    assert [(drop.what, drop.why.partition(":")[0]) for drop in drops] == [
        ("web-real.tar/bad", "unreadable"),
        ("web-real.tar/gone", "not in the tar"),
    ]


def test_a_member_that_the_manifest_does_not_name_is_left_out(
    harvester: Harvester, tmp_path: Path
) -> None:
    item = archive(tmp_path / "web-real.tar", {"a": encoded(noise(1)), "b": encoded(noise(2))})
    found, drops, steps = harvested(replace(item, rows=item.rows[1:]), harvester)
    assert [crop.file for crop, _ in found] == ["b"]
    assert (drops, steps) == ([], 1)


def test_a_box_far_from_the_usual_size_is_not_believed(
    face: Pixels, harvester: Harvester, tmp_path: Path
) -> None:
    room = face.shape[0] * 2 // 5  # 1.6 x 1.8 times the box
    wide = cv2.copyMakeBorder(face, room, room, room, room, cv2.BORDER_CONSTANT)
    item = archive(tmp_path / "web-real.tar", {"a": encoded(np.asarray(wide, np.uint8))})
    ((crop, _),), _, _ = harvested(item, harvester)
    assert (crop.crop_scale, crop.shift_down, crop.to_landmarks) == OTHER_CROP


def test_a_row_with_a_number_that_is_none_is_a_drop(harvester: Harvester, tmp_path: Path) -> None:
    item = archive(tmp_path / "web-real.tar", {"a": encoded(noise(1))}, crop_scale="wide")
    found, (drop,), _ = harvested(item, harvester)
    assert not found
    assert "wide" in drop.why


@pytest.mark.parametrize("content", [None, b"", b"no tar at all" * 100])
def test_a_tar_that_cannot_be_read_says_so(
    harvester: Harvester, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "web-real.tar"
    if content is not None:
        path.write_bytes(content)
    row = {"tar": path.name, "file": "a", "label": "real", "group": "g", "split": "val"}
    with pytest.raises(Unreadable, match=r"web-real\.tar"):
        harvested(Archive(path, (row,)), harvester)
