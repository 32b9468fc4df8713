"""Files over HTTP: pictures, clips as jobs, progress, limits, tokens."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from stream.files.options import FilesOptions
from stream.files.result import ClipResult, PictureAnswers
from stream.networks import Networks
from tests.doubles import DEADLINE_S, eventually
from tests.stream.files.site import Site, clip, portrait, saved, site

IMAGE, VIDEO = "/v1/analyze/image", "/v1/analyze/video"
PNG = {"Content-Type": "image/png"}


def problem(response: httpx.Response, status: int) -> str:
    """The text of a problem document."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    return str(body["detail"])


async def ended(here: Site, address: str) -> dict[str, Any]:
    """Poll a job until it has ended."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            body: dict[str, Any] = (await here.client.get(address)).json()
            if body["state"] not in {"waiting", "running"}:
                return body
            await asyncio.sleep(0.05)


async def test_pictures_come_raw_or_several_in_a_form_each_with_its_answer(
    networks: Networks,
) -> None:
    whole = saved(portrait())
    async with site(networks) as here:
        raw = await here.send(IMAGE, whole, headers=PNG)
        parts = [
            ("files", ("../../etc/passwd", whole, "image/png")),
            ("files", ("b.png", whole[: len(whole) // 2], "image/png")),
        ]
        form = await here.client.post(IMAGE, params={"heatmap": "true"}, files=parts)
    assert raw.status_code == form.status_code == 200
    (one,) = PictureAnswers.model_validate_json(raw.text).pictures
    first, second = PictureAnswers.model_validate_json(form.text).pictures
    assert one.result is not None
    assert first.result is not None
    assert one.result.faces[0].heatmap_png is None
    assert first.result.faces[0].heatmap_png
    assert first.result.probability_fake == one.result.probability_fake
    assert (second.result, second.problem_status) == (None, 422)
    assert "damaged" in str(second.problem)


async def test_a_clip_becomes_a_job_that_is_followed_read_and_forgotten(
    networks: Networks,
) -> None:
    async with site(networks) as here:
        answer = await here.send(VIDEO, clip(), headers={"Content-Type": "video/mp4"})
        assert answer.status_code == 202, answer.text
        address = str(httpx.URL(f"http://h{VIDEO}").join(answer.headers["Location"]).path)
        assert address == f"/v1/jobs/{answer.json()['id']}"
        async with connect(f"ws://127.0.0.1:{here.port}{address}/progress") as socket:
            async with asyncio.timeout(DEADLINE_S):
                told = [json.loads(text) async for text in socket]
        body = await ended(here, address)
        assert (await here.client.delete(address)).status_code == 204
        assert "kept for a while" in problem(await here.client.get(address), 404)
        problem(await here.client.delete(address), 404)
    assert told[-1]["state"] == body["state"] == "done"
    shares = [one["progress"] for one in told]
    assert shares == sorted(shares)
    assert body["progress"] == 1.0
    result = ClipResult.model_validate(body["result"])
    assert (result.state, len(result.faces)) == ("no_evidence", 1)


async def test_what_cannot_be_a_file_is_refused_with_the_reason(networks: Networks) -> None:
    whole = saved(portrait())
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    cut = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + whole
    field = b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\ntext\r\n--x--\r\n'
    async with site(networks, picture_bytes=len(whole), pictures=2, picture_pixels=500_000) as here:
        assert "JPEG" in problem(await here.send(IMAGE, b"plain text", headers=PNG), 415)
        other = await here.send(IMAGE, whole, headers={"Content-Type": "text/plain"})
        assert "'text/plain' is not taken" in problem(other, 415)
        assert "empty" in problem(await here.send(IMAGE, b"", headers=PNG), 400)
        assert "ends too early" in problem(await here.send(IMAGE, cut, headers=form), 400)
        assert "broken" in problem(await here.send(IMAGE, b"rubbish", headers=form), 400)
        assert "filename" in problem(await here.send(IMAGE, field, headers=form), 400)
        no_boundary = {"Content-Type": "multipart/form-data"}
        assert "boundary" in problem(await here.send(IMAGE, cut, headers=no_boundary), 400)
        assert "at most 2 files" in problem(
            await here.client.post(IMAGE, files=[("f", ("f", b"x", "image/png"))] * 3), 413
        )
        long = whole + bytes(100)
        assert f"{len(whole)} bytes" in problem(await here.send(IMAGE, long, headers=PNG), 413)
        large = saved(portrait().repeat(2, axis=0).repeat(2, axis=1)[:, :, :1].repeat(3, axis=2))
        problem(await here.send(IMAGE, large[: len(whole)], headers=PNG), 413)
        endless = await here.send(IMAGE, bytes(len(whole) * 3), headers=PNG)
        assert "bytes" in problem(endless, 413)


async def test_a_clip_beyond_the_limits_is_refused_before_it_is_a_job(networks: Networks) -> None:
    limits: list[tuple[dict[str, Any], int, str]] = [
        ({"clip_pixels": 1000}, 413, "at most 1000 pixels"),
        ({"clip_seconds": 1.0}, 413, "at most 1 s"),
        ({"clip_frames": 10}, 413, "at most 10"),
        ({"clip_bytes": 1000}, 413, "bytes"),
        ({"clip_bytes": len(clip()) - 1}, 413, f"{len(clip()) - 1} bytes"),
    ]
    async with site(networks) as here:
        examiner = here.service.examiner
        for limit, status, text in limits:
            examiner.options = FilesOptions(**limit)
            assert text in problem(await here.send(VIDEO, clip()), status)


async def test_a_clip_whose_header_hides_its_length_fails_as_a_job_and_says_why(
    networks: Networks,
) -> None:
    async with site(networks, clip_frames=20) as here:
        answer = await here.send(VIDEO, clip(container="mpegts"))
        assert answer.status_code == 202
        body = await ended(here, f"/v1/jobs/{answer.json()['id']}")
    assert (body["state"], body["problem_status"], body["result"]) == ("failed", 413, None)
    assert body["problem"] == "it has more than 20 pictures"


async def test_with_every_place_taken_a_clip_is_asked_to_come_back(networks: Networks) -> None:
    async with site(networks, jobs=1) as here:
        first = await here.send(VIDEO, clip(24.0))
        second = await here.send(VIDEO, clip())
        assert "try again in" in problem(second, 503)
        assert int(second.headers["Retry-After"]) > 0
        address = f"/v1/jobs/{first.json()['id']}"
        assert (await here.client.get(address)).json()["state"] in {"waiting", "running"}
        assert (await here.client.delete(address)).status_code == 204
        await eventually(lambda: here.service.jobs.free == 1)
        assert (await here.send(VIDEO, clip())).status_code == 202


async def test_a_file_is_for_the_owner_alone(networks: Networks) -> None:
    async with site(networks, token="s3cret") as here:
        problem(await here.send(IMAGE, b"x", headers=PNG), 401)
        problem(await here.send(VIDEO, b"x"), 401)
        owner = {"Authorization": "Bearer s3cret"}
        answer = await here.send(VIDEO, clip(), headers=owner)
        address = f"/v1/jobs/{answer.json()['id']}"
        problem(await here.client.get(address), 401)
        problem(await here.client.delete(address), 401)
        with pytest.raises(InvalidStatus) as caught:
            async with connect(f"ws://127.0.0.1:{here.port}{address}/progress"):
                pass
        assert caught.value.response.status_code == 401
        assert (await here.client.get(address, headers=owner)).status_code == 200
        foreign = {**owner, "Origin": "https://elsewhere.example"}
        problem(await here.client.get(address, headers=foreign), 403)
