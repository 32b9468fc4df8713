"""Clips, decoded: the pictures that are looked at, the limits, and what is no clip."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from stream.files.clips import decode_clip
from stream.files.errors import Broken, FileError, TooLarge, UnknownFormat
from stream.files.media import clip_request
from stream.files.options import FilesOptions
from tests.stream.files.decoded import decoded
from tests.stream.files.malformed import as_file, small
from tests.stream.files.site import clip, portrait


def look(data: bytes, *, first_only: bool = False, **limits: Any) -> Any:
    request = clip_request(FilesOptions(**limits), 4.0, first_only=first_only)
    return decoded(decode_clip, data, **request)


def test_what_is_looked_at_holds_what_is_scored_live_and_some_in_between() -> None:
    begun, pictures, end = look(clip())
    times = [said["media_time_s"] for said, _ in pictures]
    scored = [0.04 + 0.24 * number for number in range(9)]  # of 25 a second, from the second on
    assert all(min(abs(at_s - one) for at_s in times) < 1e-3 for one in scored)
    assert all(later - sooner < 0.13 for sooner, later in pairwise(times))
    assert len(times) <= 28
    assert begun["duration_s"] == pytest.approx(2.0, abs=0.1)
    assert end == {"played_s": pytest.approx(2.0, abs=0.1), "frames": 50, "cut_short": False}
    assert np.array_equal(pictures[0][1], portrait())


def test_to_know_that_a_clip_can_be_decoded_one_picture_is_enough() -> None:
    _, pictures, end = look(clip(), first_only=True)
    assert (len(pictures), end["frames"], end["cut_short"]) == (1, 1, False)


@pytest.mark.parametrize("container", ["matroska", "mpegts", "flv"])
def test_a_clip_cut_in_the_middle_gives_what_is_left(container: str) -> None:
    whole = clip(2.0, container)
    _, pictures, end = look(whole[: len(whole) // 2])
    assert 0 < len(pictures) < 20
    assert end["cut_short"] == (container != "mpegts")  # whose header promises nothing


@pytest.mark.parametrize(
    ("limits", "container"),
    [
        ({"clip_pixels": 1000}, "mp4"),
        ({"clip_frames": 10}, "mp4"),
        ({"clip_frames": 10}, "mpegts"),
        ({"clip_seconds": 1.0}, "mp4"),
        ({"clip_seconds": 1.0}, "mpegts"),
    ],
)
def test_what_exceeds_a_limit_is_refused(limits: dict[str, Any], container: str) -> None:
    with pytest.raises(TooLarge):
        look(clip(2.0, container), **limits)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", UnknownFormat),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", UnknownFormat),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", UnknownFormat),
        (as_file(small(), "PNG"), UnknownFormat),
        (clip()[:300], Broken),
        (clip(2.0, "matroska")[:20], Broken),
    ],
)
def test_what_is_no_clip_is_told_from_one_that_is_damaged(
    data: bytes, error: type[FileError]
) -> None:
    with pytest.raises(error):
        look(data)
