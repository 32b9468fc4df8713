"""A clip as a job says what the same clip says as a stream."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from stream.config import Config, RunConfig, StreamConfig
from stream.files.course import Course, clip_state, highest
from stream.networks import Networks
from stream.service import Service
from stream.types import FaceState
from tests.stream.files.site import clip


async def watched(networks: Networks, film: Path) -> Course:
    """The file as a stream that loses no frame."""
    stream = StreamConfig(id="film", source=SecretStr(str(film)))
    run = RunConfig(serve=False, once=True, fast=True)
    async with Service(Config(streams=(stream,), run=run), networks) as service:
        assert service.detector_spec.crop
        course = Course(service.detector_spec.crop)
        with service.sessions["film"].subscribe("test", 1, awaited=True) as messages:
            task = asyncio.create_task(service.run())
            async for message in messages:
                course.add(message)
            await task
    return course


async def test_a_clip_as_a_job_agrees_with_the_same_clip_as_a_stream(
    networks: Networks, service: Service, tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(clip(10.0, start_s=10.0))  # the face is swapped 2 s later
    course = await watched(networks, film)
    with film.open("rb") as file:
        result = await service.examiner.clip(file)
    top = highest(course.faces())
    assert top is not None
    assert top.probability_fake is not None
    assert result.probability_fake == pytest.approx(top.probability_fake, abs=0.02)
    assert result.state == clip_state(course.faces()) == FaceState.FAKE
    assert result.faces[0].alarm_at_s == pytest.approx(course.faces()[0].alarm_at_s, abs=1.0)
    pairs = zip(result.faces[0].segments, course.faces()[0].segments, strict=True)
    assert all(abs(one.samples - other.samples) <= 1 for one, other in pairs)
