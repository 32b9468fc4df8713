"""Client: a running detector's streams, scores and files, typed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.client import Client, JobFailed, Refused, Unreachable
from stream.config import EngineConfig
from stream.files.jobs import JobStatus
from stream.networks import Networks
from stream.types import FaceState
from tests.doubles import DEADLINE_S, eventually
from tests.stream.files.site import clip, portrait, saved
from tests.stream.files.site import site as files_site
from tests.stream.live import Site, site

CAM = "rtsp://viewer:hunter2@127.0.0.1:9/live"


@pytest.fixture(scope="module")
def networks() -> Iterator[Networks]:
    with Networks(EngineConfig(name="onnxruntime")) as opened:
        yield opened


def of(here: Site, token: str | None = None) -> Client:
    return Client(str(here.client.base_url), token, timeout_s=DEADLINE_S)


async def test_streams_are_added_changed_listed_and_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site(monkeypatch) as here, of(here) as client:
        added = await client.add_stream(CAM, "door", paused=True)
        assert (added.id, added.paused) == ("door", True)
        assert "hunter2" not in added.source
        assert (await client.change_stream("door", paused=False)).paused is False
        assert [item.id for item in await client.streams()] == ["door"]
        assert (await client.stream("door")).health.engine == "onnxruntime"
        await client.remove_stream("door")
        assert await client.streams() == ()


async def test_what_the_server_refuses_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(monkeypatch) as here, of(here) as client:
        with pytest.raises(Refused, match="422: source: cameras, files") as caught:
            await client.add_stream("/etc/passwd")
        assert caught.value.status == 422
        with pytest.raises(Refused, match="there is no stream 'nowhere'"):
            await anext(client.scores("nowhere"))


async def test_scores_are_messages_and_end_with_the_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site(monkeypatch, sources=("door", "yard")) as here, of(here) as client:
        seen = []
        async for message in client.scores("door", reconnect=False):
            seen.append(message)
            if len(seen) == 3:
                here.service.sessions["door"].stop()
        assert [one.stream_id for one in seen[:3]] == ["door"] * 3
        assert seen[1].seq > seen[0].seq


async def test_scores_come_back_after_the_stream_did(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read_on(client: Client) -> None:
        async for _ in client.scores("door"):
            pass

    async with site(monkeypatch, sources=("door",)) as here, of(here) as client:
        reading = asyncio.create_task(read_on(client))
        await eventually(lambda: len(here.service.sessions["door"].messages))
        await client.change_stream("door", source=CAM)
        await eventually(lambda: len(here.service.sessions["door"].messages))
        await client.remove_stream("door")
        with pytest.raises(Refused) as caught:
            await asyncio.wait_for(reading, DEADLINE_S)
        assert caught.value.status == 404


async def test_the_printed_address_holds_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(monkeypatch, sources=("door",), token="s3cret") as here:
        address = str(here.client.base_url)
        async with Client(f"{address}#token=s3cret", timeout_s=DEADLINE_S) as client:
            assert len(await client.streams()) == 1
            assert await anext(client.scores("door"))
            assert "s3cret" not in repr(client)
        async with Client(address, timeout_s=DEADLINE_S) as client:
            with pytest.raises(Refused) as caught:
                await client.streams()
        assert caught.value.status == 401


async def test_where_nothing_answers_it_says_so() -> None:
    async with Client("http://127.0.0.1:9", timeout_s=DEADLINE_S) as client:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9"):
            await client.streams()
        with pytest.raises(Unreachable):
            await anext(client.scores("door", reconnect=False))


async def test_files_are_analysed(networks: Networks, tmp_path: Path) -> None:
    picture, film, text = (tmp_path / name for name in ("face.png", "film.mp4", "text.mp4"))
    picture.write_bytes(saved(portrait()))
    film.write_bytes(clip(1.0))
    text.write_text("no clip", encoding="utf-8")
    told: list[JobStatus] = []
    async with (
        files_site(networks) as here,
        Client(str(here.client.base_url), timeout_s=4 * DEADLINE_S) as client,
    ):
        still = await client.analyze_image(picture, heatmaps=True)
        assert still.state is FaceState.UNDECIDED
        assert still.faces[0].heatmap_png
        result = await client.analyze_video(film, told.append)
        assert len(result.faces) == 1
        assert told[-1].state == "done"
        for analyze in (client.analyze_image, client.analyze_video):
            with pytest.raises(Refused) as caught:
                await analyze(text)
            assert caught.value.status == 415


async def test_a_job_that_fails_and_one_that_is_cancelled(
    networks: Networks, tmp_path: Path
) -> None:
    film, long = tmp_path / "film.mp4", tmp_path / "long.mkv"
    film.write_bytes(clip(1.0))
    long.write_bytes(clip(2.0, "matroska"))  # which does not say how many pictures there are
    async with (
        files_site(networks, clip_frames=30) as here,
        Client(str(here.client.base_url), timeout_s=4 * DEADLINE_S) as client,
    ):
        with pytest.raises(JobFailed, match="more than 30 pictures"):
            await client.analyze_video(long)
        begun = asyncio.Event()
        analysing = asyncio.create_task(client.analyze_video(film, lambda status: begun.set()))
        await asyncio.wait_for(begun.wait(), 4 * DEADLINE_S)
        analysing.cancel()
        await asyncio.gather(analysing, return_exceptions=True)
        await eventually(lambda: here.service.jobs.free == here.service.examiner.options.jobs)
