"""/v1/streams over HTTP: streams are added, changed, paused and removed while the service runs."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

import pytest
from websockets.asyncio.client import ClientConnection

from tests.doubles import (
    DEADLINE_S,
    ScriptedSource,
    eventually,
    plays_on,
)
from tests.stream.live import site

TOKEN: Final = "owner-token"
CAM: Final = "rtsp://viewer:hunter2@127.0.0.1:9/live?token=hunter3"

REFUSED: Final[list[tuple[str, str, dict[str, Any], int]]] = [
    ("POST", "", {"content": b"{"}, 415),
    ("POST", "", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
    ("POST", "", {"content": b"\xff", "headers": {"Content-Type": "application/json"}}, 400),
    ("POST", "", {"json": {"source": "a" * 70_000}}, 413),
    ("POST", "", {"json": {}}, 422),
    ("POST", "", {"json": []}, 422),
    ("POST", "", {"json": {"source": "demo"}}, 422),
    ("POST", "", {"json": {"source": "camera:0"}}, 422),
    ("POST", "", {"json": {"source": "/etc/passwd"}}, 422),
    ("POST", "", {"json": {"source": CAM, "id": "a b"}}, 422),
    ("POST", "", {"json": {"source": CAM, "paused": "yes"}}, 422),
    ("PATCH", "/door", {"json": {}}, 422),
    ("PATCH", "/door", {"json": {"paused": None}}, 422),
    ("PATCH", "/nowhere", {"json": {"paused": True}}, 404),
    ("PATCH", "/no!", {"json": {"paused": True}}, 422),
    ("DELETE", "/nowhere", {}, 404),
    ("GET", "/nowhere", {}, 404),
    ("GET", "/", {}, 404),
    ("PUT", "/door", {}, 405),
]
"""Method, path below /v1/streams, what is sent, and the status that it gets."""


async def closed(viewer: ClientConnection) -> int | None:
    """The code with which the server closes."""
    async with asyncio.timeout(DEADLINE_S):
        async for _ in viewer:
            pass
    return viewer.close_code


async def test_a_stream_is_added_listed_watched_and_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site(monkeypatch) as here:
        assert (await here.ask("GET")).json() == {"streams": []}
        added = await here.add(id="door", source=CAM)
        assert (added.status_code, added.headers["location"]) == (201, "streams/door")
        assert (added.json()["id"], added.json()["paused"]) == ("door", False)
        async with here.viewer("door") as viewer:
            await asyncio.wait_for(viewer.recv(), DEADLINE_S)
            assert (await here.ask("GET", "/door")).json()["health"]["source_state"] == "live"
            assert (await here.ask("DELETE", "/door")).status_code == 204
            assert await closed(viewer) == 1001
        assert (await here.ask("GET")).json() == {"streams": []}
        assert (await here.ask("GET", "/door")).status_code == 404
        assert b"door" not in here.service.metrics.text()
        assert (await here.add(id="door", source=CAM)).status_code == 201


async def test_without_an_id_a_stream_is_called_after_its_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site(monkeypatch) as here:
        names = [(await here.add(source="rtsp://cam.local/1")).json()["id"] for _ in range(2)]
    assert names == ["cam-local", "cam-local-2"]


async def test_no_answer_and_no_line_of_the_log_holds_a_password(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with site(monkeypatch) as here:
        said = [
            await here.add(id="door", source=CAM),
            await here.add(id="door", source=CAM),
            await here.ask("GET", "/door"),
            await here.ask("PATCH", "/door", json={"source": CAM, "paused": True}),
            await here.ask("PATCH", "/door", json={"source": "x" * 3000 + CAM}),
            await here.add(id="no!", source=CAM),
            await here.add(source=f"gopher://{CAM}"),
            await here.add(source=CAM, more=1),
        ]
    assert [answer.status_code for answer in said] == [201, 409, 200, 200, 422, 422, 422, 422]
    assert "hunter" not in "".join(answer.text for answer in said) + caplog.text
    assert said[0].json()["source"].startswith("rtsp://viewer:***@127.0.0.1")


async def test_a_stream_is_paused_and_resumed_and_its_viewers_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site(monkeypatch, sources=("door",)) as here, here.viewer("door") as viewer:
        await asyncio.wait_for(viewer.recv(), DEADLINE_S)
        paused = (await here.ask("PATCH", "/door", json={"paused": True})).json()
        assert (paused["paused"], paused["health"]["source_state"]) == (True, "paused")
        resumed = (await here.ask("PATCH", "/door", json={"paused": False})).json()
        assert resumed["paused"] is False
        await eventually(lambda: here.service.sessions["door"].source_state == "live")
        before = here.service.sessions["door"].last
        assert before
        await eventually(lambda: here.service.sessions["door"].last is not before)
        await asyncio.wait_for(viewer.recv(), DEADLINE_S)


async def test_a_stream_may_be_added_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(monkeypatch) as here:
        added = (await here.add(id="door", source=CAM, paused=True)).json()
        assert (added["paused"], added["health"]["source_state"]) == (True, "paused")
        assert here.opened == []


async def test_another_source_begins_anew_under_the_same_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site(monkeypatch, sources=("door",)) as here, here.viewer("door") as viewer:
        await asyncio.wait_for(viewer.recv(), DEADLINE_S)
        before = here.service.sessions["door"]
        changed = await here.ask("PATCH", "/door", json={"source": "rtsp://other/silent"})
        assert changed.json()["source"] == "rtsp://other/silent"
        assert before.source_state == "ended"
        assert here.service.sessions["door"] is not before
        assert await closed(viewer) == 1001


async def test_what_has_ended_is_not_paused_but_may_begin_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site(monkeypatch, sources=("door", "yard")) as here:
        here.service.sessions["door"].stop()
        refused = await here.ask("PATCH", "/door", json={"paused": True})
        assert refused.status_code == 409
        again = await here.ask("PATCH", "/door", json={"source": CAM})
        assert again.json()["health"]["source_state"] == "connecting"


async def test_when_all_streams_are_removed_the_service_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site(monkeypatch, sources=("door",)) as here:
        await here.ask("DELETE", "/door")
        await asyncio.sleep(0.02)
        assert here.service.ready
        assert (await here.add(source=CAM)).status_code == 201


async def test_a_full_roster_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(monkeypatch, sources=("door",), max_streams=2) as here:
        assert (await here.add(source=CAM)).status_code == 201
        full = await here.add(source=CAM)
        assert full.status_code == 409
        assert full.json()["detail"] == (
            "all 2 places are taken (source.max_streams): remove a stream first"
        )


async def test_a_visitors_stream_keeps_its_id_and_may_only_be_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site(monkeypatch) as here:
        source = ScriptedSource(plays_on(), live=True)
        async with here.service.guest("cam", "webrtc:cam", lambda: source) as guest:
            living = asyncio.create_task(here.service.live(guest))
            assert (await here.add(id="cam", source=CAM)).status_code == 409
            assert (await here.ask("PATCH", "/cam", json={"paused": True})).status_code == 409
            assert (await here.ask("DELETE", "/cam")).status_code == 204
            await asyncio.wait_for(living, DEADLINE_S)


async def test_what_cannot_be_done_is_a_problem_that_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site(monkeypatch, sources=("door",)) as here:
        for method, path, how, status in REFUSED:
            answer = await here.ask(method, path, **how)
            assert answer.status_code == status, (method, path, how)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"]


async def test_the_demo_may_be_added_where_the_configuration_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site(monkeypatch, allow_demo=True) as here:
        assert (await here.add(source="demo")).json()["id"] == "demo"


async def test_with_a_list_of_hosts_others_are_refused_and_asked_again_at_each_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site(monkeypatch, hosts=("127.0.0.0/8",)) as here:
        refused = await here.add(source="rtsp://192.0.2.1/1")
        assert refused.status_code == 422
        assert "source.hosts" in refused.json()["detail"]
        await here.add(source=CAM)
        await eventually(lambda: here.opened)
        assert here.opened[0].admits


async def test_only_the_owner_may_change_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(monkeypatch, sources=("door",), token=TOKEN) as here:
        guest = here.exchange._access.grant("door").get_secret_value()
        for token in (None, "wrong", guest):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            for method, path in (("POST", ""), ("PATCH", "/door"), ("DELETE", "/door")):
                answer = await here.ask(method, path, json={"paused": True}, headers=headers)
                assert answer.status_code == 401
        read = await here.ask("GET", "/door", headers={"Authorization": f"Bearer {guest}"})
        assert read.status_code == 200
        assert (await here.ask("DELETE", "/door")).status_code == 401
        owner = {"Authorization": f"Bearer {TOKEN}"}
        assert (await here.ask("DELETE", "/door", headers=owner)).status_code == 204


async def test_another_sites_script_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(monkeypatch, sources=("door",)) as here:
        foreign = {"Origin": "https://evil.example"}
        assert (await here.ask("DELETE", "/door", headers=foreign)).status_code == 403
        assert (await here.ask("GET", "/door")).status_code == 200


async def test_a_change_while_another_is_made_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(monkeypatch, sources=("door",)) as here:
        answers = await asyncio.gather(
            *(here.ask("PATCH", "/door", json={"source": f"rtsp://cam{n}/1"}) for n in range(4)),
            *(here.add(id="yard", source=CAM) for _ in range(4)),
        )
        statuses = [answer.status_code for answer in answers]
        assert statuses[:4] == [200] * 4
        assert sorted(statuses[4:]) == [201, 409, 409, 409]
        assert len(here.service.owned) == 2
