"""Sandbox: decoding processes that end badly, and what they may not do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import psutil
import pytest

from stream.files.errors import Broken, TooLarge
from stream.files.media import SentFile, clip_request, picture_request
from stream.files.options import FilesOptions
from stream.files.sandbox import NICENESS, Sandbox
from stream.sources.demo import CLIP
from tests.doubles import DEADLINE_S
from tests.stream.files.site import portrait, saved


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def picture(tmp_path: Path) -> Iterator[BinaryIO]:
    place = tmp_path / "picture"
    place.write_bytes(saved(portrait()))
    with place.open("rb") as file:
        yield file


def run(sandbox: Sandbox, file: BinaryIO, **changes: Any) -> SentFile:
    """Decode a picture or, with ``kind="clip"``, a clip; every picture is wanted."""
    made = clip_request if changes.get("kind") == "clip" else None
    options = FilesOptions()
    request = made(options, 4.0) if made else picture_request(options)
    media = SentFile(sandbox, file, request | changes)
    try:
        media.run(lambda capture: True, threading.Event())
    except Exception:
        if media.failure is None:
            raise
    return media


def nurseries() -> set[psutil.Process]:
    """Those of this process."""
    own = psutil.Process().children()
    return {process for process in own if "stream.files.nursery" in process.cmdline()}


def test_a_picture_comes_with_what_is_known_of_it(sandbox: Sandbox, picture: BinaryIO) -> None:
    media = run(sandbox, picture)
    assert media.facts is not None
    assert media.facts.size_px == portrait().shape[1::-1]
    assert (media.emitted, media.failure) == (1, None)
    shown = media.pixels_at(0.0)
    assert shown is not None
    assert (shown == portrait()).all()


def test_decoding_yields_to_the_service_as_a_process_and_as_a_session(
    sandbox: Sandbox, picture: BinaryIO
) -> None:
    run(sandbox, picture)
    (nursery,) = nurseries()
    nice = min(19, psutil.Process().nice() + NICENESS)
    assert nursery.nice() == nice
    group = Path(f"/proc/{nursery.pid}/autogroup")
    if group.exists():
        assert group.read_text().split()[-1] == str(nice)


def test_a_process_that_takes_too_much_time_is_ended_and_the_next_one_decodes(
    sandbox: Sandbox, picture: BinaryIO
) -> None:
    with CLIP.open("rb") as film:
        assert isinstance(
            run(sandbox, film, kind="clip", cpu_s=1, look_interval_s=0.0).failure, Broken
        )
    assert run(sandbox, picture).failure is None


def test_a_process_that_takes_too_much_memory_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    place = tmp_path / "large"
    large = portrait().repeat(8, axis=0).repeat(8, axis=1)[:3000]
    place.write_bytes(saved(large, "PNG", compress_level=1))
    with place.open("rb") as file:
        failure = run(sandbox, file, memory_mb=16).failure
    assert isinstance(failure, TooLarge)
    assert "memory" in str(failure)


def test_when_what_decoders_are_forked_from_is_killed_another_takes_its_place(
    sandbox: Sandbox, picture: BinaryIO
) -> None:
    assert run(sandbox, picture).failure is None
    (nursery,) = nurseries()
    nursery.kill()
    nursery.wait(DEADLINE_S)
    assert run(sandbox, picture).failure is None


def test_stopping_in_the_middle_ends_the_process(sandbox: Sandbox) -> None:
    stop = threading.Event()
    with CLIP.open("rb") as film:
        media = SentFile(sandbox, film, clip_request(FilesOptions(), 4.0))

        def emit(capture: object) -> bool:
            stop.set()
            return True

        media.run(emit, stop)
    assert media.ending is None
    assert media.failure is None
    (nursery,) = nurseries()
    psutil.wait_procs(nursery.children(), DEADLINE_S)
    assert not nursery.children()


def test_leaving_ends_every_process(picture: BinaryIO) -> None:
    before = nurseries()
    with Sandbox() as made:
        assert run(made, picture).failure is None
        (nursery,) = nurseries() - before
        with CLIP.open("rb") as film, made.decode(film, clip_request(FilesOptions(), 4.0)):
            decoders = nursery.children()
            assert decoders
            made.__exit__(None, None, None)
            psutil.wait_procs(decoders, DEADLINE_S)
            assert not any(decoder.is_running() for decoder in decoders)
    assert not nursery.is_running()
