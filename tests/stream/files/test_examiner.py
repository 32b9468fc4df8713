"""Examiner: pictures and clips through the pipeline of live streams."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import pytest
from PIL import Image

from stream.files.errors import Broken, UnknownFormat
from stream.files.examiner import Progress
from stream.service import Service
from stream.sources.demo import CLIP
from stream.types import FaceState, Reason
from tests.stream.files.site import clip, portrait, saved


def spooled(data: bytes, folder: Path) -> BinaryIO:
    path = folder / "sent"
    path.write_bytes(data)
    return path.open("rb")


async def test_a_picture_gives_its_face_and_abstains_as_one_look_is_never_enough(
    service: Service, tmp_path: Path
) -> None:
    with spooled(saved(portrait()), tmp_path) as file:
        result = await service.examiner.picture(file, heatmaps=True)
    height, width = portrait().shape[:2]
    assert (result.size_px, result.format, result.animated) == ((width, height), "PNG", False)
    assert result.state is FaceState.UNDECIDED
    (face,) = result.faces
    assert face.probability_fake is not None
    assert face.reasons[0] is Reason.FEW_SAMPLES
    assert face.box_px[0] < face.landmarks_px[2][0] < face.box_px[2]
    assert face.heatmap_png is not None
    png = cv2.imdecode(np.frombuffer(base64.b64decode(face.heatmap_png), np.uint8), 1)
    assert png is not None
    assert png.shape == (224, 224, 3)


async def test_a_picture_lying_on_its_side_is_turned_as_exif_says(
    service: Service, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    lying = saved(np.ascontiguousarray(np.rot90(portrait())), "PNG", exif=exif)
    with spooled(saved(portrait()), tmp_path) as file:
        upright = await service.examiner.picture(file)
    with spooled(lying, tmp_path) as file:
        turned = await service.examiner.picture(file)
    assert turned == upright


async def test_a_large_picture_gives_places_in_its_own_pixels(
    service: Service, tmp_path: Path
) -> None:
    large = cv2.resize(portrait(), None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)
    with spooled(saved(portrait()), tmp_path) as file:
        small_face = (await service.examiner.picture(file)).faces[0]
    with spooled(saved(large.astype(np.uint8), "JPEG", quality=95), tmp_path) as file:
        result = await service.examiner.picture(file)
    assert result.size_px == (4 * portrait().shape[1], 4 * portrait().shape[0])
    assert result.faces[0].box_px == pytest.approx([4 * v for v in small_face.box_px], abs=40)


async def test_a_clip_gives_its_faces_course_twice_the_same_and_tells_its_progress(
    service: Service, tmp_path: Path
) -> None:
    told: list[Progress] = []
    with spooled(clip(), tmp_path) as file:
        result = await service.examiner.clip(file, told.append, pictures=True)
    (face,) = result.faces
    assert (result.state, result.cut_short) == (FaceState.NO_EVIDENCE, False)
    assert face.samples == 9  # every sixth picture from the second on, as live
    assert [segment.start_s for segment in face.segments] == [0.0, 1.0]
    assert result.probability_fake == face.probability_fake
    assert face.moments[0].picture_jpeg
    shares = [one.share for one in told if one.share is not None]
    assert shares == sorted(shares)
    assert shares[-1] > 0.9
    with spooled(clip(), tmp_path) as file:
        assert await service.examiner.clip(file, pictures=True) == result


async def test_a_clip_cut_in_the_middle_is_judged_by_what_is_left_and_says_so(
    service: Service, tmp_path: Path
) -> None:
    whole = clip(24.0, "matroska")
    with spooled(whole[: len(whole) // 8], tmp_path) as file:
        result = await service.examiner.clip(file)
    assert result.cut_short
    assert 0 < result.played_s < 8
    assert result.faces


async def test_cancelling_a_clip_ends_its_decoder(service: Service, tmp_path: Path) -> None:
    begun = asyncio.Event()
    with CLIP.open("rb") as file:
        task = asyncio.create_task(service.examiner.clip(file, lambda _: begun.set()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_text_is_no_clip_and_a_clip_is_no_picture(service: Service, tmp_path: Path) -> None:
    playlist = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    with spooled(playlist, tmp_path) as file, pytest.raises(UnknownFormat):
        await service.examiner.probe(file)
    with spooled(clip(), tmp_path) as file, pytest.raises(UnknownFormat):
        await service.examiner.picture(file)
    with spooled(clip()[:500], tmp_path) as file, pytest.raises(Broken, match="header"):
        await service.examiner.probe(file)
