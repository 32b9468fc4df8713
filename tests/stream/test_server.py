"""The server on a real socket: page, streams, WebSockets, tokens, origins, errors, slow viewers."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import cv2
import httpx
import numpy as np
import pytest
from jsonschema import Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from engines.spec import AlarmModel
from stream.access import SUBPROTOCOL, Access
from stream.config import ServerConfig
from stream.listener import bind, serving
from stream.messages import overlay_schema
from stream.metrics import Metrics
from stream.rtc.exchange import Exchange
from stream.rtc.options import RtcOptions
from stream.scoring.options import ScoringOptions
from stream.server import create_app
from stream.service import Service
from stream.session import Session
from tests import builders
from tests.doubles import DEADLINE_S, Act, Rig, Script, eventually, plays_on, rig, silent

TOKEN: Final = "s3cret-token"
OPENAPI: Final = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
GUARDED: Final = ("/v1/streams", "/v1/schema/overlay.json", "/openapi.json", "/metrics")
FREE: Final = ("/", "/healthz", "/readyz", "/assets/main.js")
SOCKETS: Final = ("/v1/streams/door/scores", "/v1/streams/door/video")


class Streams:
    """What the server needs of a Service: sessions, metrics, readiness."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.metrics = Metrics()
        self.scoring = ScoringOptions()
        self.detector_spec = builders.detector_spec(shift_down=0.05, to_landmarks=0.8)
        self.ready = True


@dataclass
class Site:
    """A running server and its streams."""

    streams: Streams
    rigs: dict[str, Rig]
    port: int

    @property
    def base(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def get(self, path: str, **how: Any) -> httpx.Response:
        # No TLS here: loading the machine's certificates takes a tenth of a second.
        async with httpx.AsyncClient(base_url=f"http://{self.base}", verify=False) as client:
            return await client.request(how.pop("method", "GET"), path, timeout=DEADLINE_S, **how)

    def connect(self, path: str, **how: Any) -> connect:
        how.setdefault("max_size", None)
        how.setdefault("close_timeout", 0.2)  # one who does not read cannot see the answer
        return connect(f"ws://{self.base}{path}", open_timeout=DEADLINE_S, **how)

    async def refused(self, path: str, **how: Any) -> InvalidStatus:
        with pytest.raises(InvalidStatus) as caught:
            async with self.connect(path, **how):
                pass
        return caught.value

    async def metric(self, name: str, **labels: str) -> float:
        text = (await self.get("/metrics")).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == f"deepfakestream_{name}" and sample.labels == labels:
                    return sample.value
        raise AssertionError(f"no {name} {labels}")


@asynccontextmanager
async def site(
    *,
    token: str | None = None,
    metrics_token: str | None = None,
    allowed_origins: tuple[str, ...] = (),
    acts: Mapping[str, Act] | None = None,
    send_buffer: int | None = None,
    faces: int = 1,
) -> AsyncIterator[Site]:
    """Serve streams on a free port of loopback; `acts` are what their sources do."""
    streams, rigs = Streams(), {}
    config = ServerConfig(port=0, token=SecretStr(token) if token else None)
    async with AsyncExitStack() as stack:
        for name, act in (acts or {"door": plays_on(0.02)}).items():
            one = await stack.enter_async_context(
                rig(Script(act, live=True), stream_id=name, metrics=streams.metrics)
            )
            one.finder.show([builders.track(key) for key in range(faces)])
            rigs[name], streams.sessions[name] = one, one.session
        listener = bind(config)
        if send_buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        measuring = SecretStr(metrics_token) if metrics_token else None
        access = Access(config.token, allowed_origins, metrics_token=measuring)
        service = cast(Service, streams)
        app = create_app(service, access, Exchange(service, access, RtcOptions()))
        await stack.enter_async_context(serving(app, config, listener))
        for one in rigs.values():
            await stack.enter_async_context(one.running())
        yield Site(streams, rigs, listener.getsockname()[1])


async def closed(socket_: ClientConnection) -> int | None:
    """Read until the server closes; its close code."""

    async def read_on() -> None:
        while True:
            await socket_.recv()

    with pytest.raises(ConnectionClosed) as caught:
        await asyncio.wait_for(read_on(), DEADLINE_S)
    return caught.value.rcvd.code if caught.value.rcvd else None


async def received(socket_: ClientConnection) -> Any:
    return await asyncio.wait_for(socket_.recv(), DEADLINE_S)


async def message(socket_: ClientConnection) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(await received(socket_))
    return loaded


def check_problem(response: httpx.Response, status: int) -> None:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body.keys() == {"type", "title", "status", "detail"}
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]


# -- page, lists, schemas -----------------------------------------------------------------------


async def test_the_page_and_its_modules_are_served() -> None:
    async with site() as here:
        page, module = await here.get("/"), await here.get("/assets/main.js")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "javascript" in module.headers["content-type"]
    assert 'src="assets/main.js"' in page.text


@pytest.mark.parametrize("path", ["/", "/v1/streams", "/nowhere"])
async def test_every_answer_forbids_foreign_scripts_frames_and_guessing(path: str) -> None:
    async with site() as here:
        headers = (await here.get(path)).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_the_streams_are_listed_as_the_contract_says() -> None:
    async with site(acts={"door": plays_on(), "yard": plays_on()}) as here:
        await eventually(lambda: all(one.sink.messages for one in here.rigs.values()))
        body = (await here.get("/v1/streams")).json()
    assert body.keys() == {"streams"}
    assert [item["id"] for item in body["streams"]] == ["door", "yard"]
    for item in body["streams"]:
        assert {"id", "source", "state", "health"} <= item.keys()
        assert item["source"] == "scripted"
        assert item["state"] in {"undecided", "no_evidence", "suspicious", "fake", "no_face"}
        assert item["health"]["source_state"] == "live"


async def test_a_stream_says_where_its_faces_are_looked_at() -> None:
    async with site() as here:
        (item,) = (await here.get("/v1/streams")).json()["streams"]
    assert (item["crop_scale"], item["crop_shift_down"]) == (1.3, 0.05)
    assert item["crop_to_landmarks"] == 0.8


@pytest.mark.parametrize(
    ("alarm", "expected"),
    [
        # builders.ALARM: 4 nats for one an hour, 1 for each factor e, checked down to one in 2 h.
        (builders.ALARM, (None, 6.303, 0.1, True)),
        (replace(builders.ALARM, extrapolated_below_per_hour=0.1), (None, 6.303, 0.1, False)),
        (None, (0.8, None, None, False)),
    ],
)
async def test_a_stream_says_from_where_on_it_alarms_and_how_sure_that_is(
    alarm: AlarmModel | None, expected: tuple[float | None, ...]
) -> None:
    async with site() as here:
        here.streams.detector_spec = builders.detector_spec(alarm=alarm)
        (item,) = (await here.get("/v1/streams")).json()["streams"]
    said = item["thresholds"]
    assert said["suspicious_above"] == 0.6
    keys = ("fake_above", "alarm_nats", "false_alarms_per_hour", "extrapolated")
    assert tuple(said[key] for key in keys) == expected


async def test_a_stream_without_a_frame_yet_is_listed_as_connecting() -> None:
    async with site(acts={"door": silent}) as here:
        (item,) = (await here.get("/v1/streams")).json()["streams"]
    assert (item["state"], item["health"]["source_state"]) == ("no_face", "connecting")


async def test_the_overlays_schema_is_served() -> None:
    async with site() as here:
        response = await here.get("/v1/schema/overlay.json")
    assert response.json() == overlay_schema()


async def test_the_committed_openapi_document_names_what_is_served() -> None:
    async with site() as here:
        served = (await here.get("/openapi.json")).json()
    committed = json.loads(OPENAPI.read_text(encoding="utf-8"))

    def gist(document: dict[str, Any]) -> Any:
        # FastAPI's own words change from version to version; ours must not without notice.
        paths = {path: sorted(item) for path, item in document["paths"].items()}
        ours = ("StreamList", "StreamItem", "Health")
        return paths, {name: document["components"]["schemas"][name] for name in ours}

    assert gist(committed) == gist(served), "run: python scripts/write_schemas.py"


def test_every_refusal_is_documented_as_problem_details() -> None:
    document = json.loads(OPENAPI.read_text(encoding="utf-8"))
    reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            refusals = {key: one for key, one in operation["responses"].items() if key >= "400"}
            for answer in refusals.values():
                assert answer["content"] == {"application/problem+json": reference}
            guarded = path not in {"/healthz", "/readyz"}
            assert not guarded or {"401", "403"} <= set(refusals), f"{method} {path}"


# -- health -------------------------------------------------------------------------------------


async def test_it_is_alive_and_ready() -> None:
    async with site() as here:
        assert (await here.get("/healthz")).json() == {"status": "alive"}
        assert (await here.get("/readyz")).json() == {"status": "ready"}


async def test_while_it_starts_or_stops_it_is_alive_but_not_ready() -> None:
    async with site() as here:
        here.streams.ready = False
        assert (await here.get("/healthz")).status_code == 200
        check_problem(await here.get("/readyz"), 503)


async def test_metrics_are_in_prometheus_format() -> None:
    async with site() as here:
        await eventually(lambda: len(here.rigs["door"].sink.messages) >= 3)
        response = await here.get("/metrics")
        names = {family.name for family in text_string_to_metric_families(response.text)}
        assert await here.metric("frames_total", stream="door") >= 3
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    wanted = {"frames", "frames_dropped", "faces_scored", "latency_seconds",
              "evidence_age_seconds", "reconnects", "clients"}  # fmt: skip
    assert {f"deepfakestream_{name}" for name in wanted} <= names


async def test_a_scrapers_token_reads_the_metrics_and_nothing_else() -> None:
    headers = {"Authorization": "Bearer measure"}
    async with site(token="s3cret", metrics_token="measure") as here:
        answers = {path: (await here.get(path, headers=headers)).status_code for path in GUARDED}
    assert answers.pop("/metrics") == 200
    assert set(answers.values()) == {401}


@pytest.mark.parametrize("channel", ["scores", "video"])
async def test_clients_of_both_channels_are_counted_while_they_look(channel: str) -> None:
    async with site() as here:
        async with here.connect(f"/v1/streams/door/{channel}") as viewer:
            await received(viewer)
            assert await here.metric("clients", stream="door", channel=channel) == 1
        labels = {"stream": "door", "channel": channel}
        gauge = here.streams.metrics.registry.get_sample_value
        await eventually(lambda: gauge("deepfakestream_clients", labels) == 0)


# -- scores and video ---------------------------------------------------------------------------


async def test_scores_are_overlay_messages_one_after_the_other() -> None:
    validator = Draft202012Validator(overlay_schema())
    async with site() as here, here.connect("/v1/streams/door/scores") as viewer:
        messages = [await message(viewer) for _ in range(5)]
    for one in messages:
        validator.validate(one)
    first = messages[0]["seq"]
    assert [one["seq"] for one in messages] == list(range(first, first + 5))
    assert {one["stream_id"] for one in messages} == {"door"}


async def test_heat_maps_come_only_when_asked_for() -> None:
    async with site(acts={"door": plays_on(media_step_s=0.3)}) as here:
        async with here.connect("/v1/streams/door/scores") as plain:
            assert "heatmap" not in (await message(plain))["faces"][0]
        async with here.connect("/v1/streams/door/scores?heatmap=1") as rich:
            while not (heatmap := (await message(rich))["faces"][0]["heatmap"]):
                pass
    assert len(base64.b64decode(heatmap)) == 196


async def test_each_stream_has_its_own_messages() -> None:
    acts = {"door": plays_on(), "yard": plays_on()}
    async with site(acts=acts) as here, here.connect("/v1/streams/yard/scores") as viewer:
        messages = [await message(viewer) for _ in range(3)]
    assert {one["stream_id"] for one in messages} == {"yard"}


async def test_a_picture_is_frame_number_media_time_and_jpeg_and_has_its_message() -> None:
    async with site() as here:
        async with here.connect("/v1/streams/door/video") as viewer:
            picture = await received(viewer)
        messages = here.rigs["door"].sink.messages
        seq, media_us = struct.unpack(">QQ", picture[:16])
        await eventually(lambda: messages and messages[-1].frame_seq >= seq)
    assert isinstance(picture, bytes)
    decoded = cv2.imdecode(np.frombuffer(picture[16:], np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (240, 320, 3)
    (one,) = [one for one in messages if one.frame_seq == seq]
    assert media_us == pytest.approx(one.media_time_s * 1e6, abs=1)


async def test_nothing_is_encoded_before_somebody_looks() -> None:
    async with site() as here:
        preview = here.rigs["door"].session.preview
        await eventually(lambda: len(here.rigs["door"].sink.messages) >= 5)
        assert len(preview.pictures) == 0
        async with here.connect("/v1/streams/door/video") as viewer:
            await received(viewer)
            assert len(preview.pictures) == 1
        await eventually(lambda: len(preview.pictures) == 0)


async def test_when_the_stream_ends_its_viewers_are_told() -> None:
    async with site() as here:
        sockets = [here.connect(path) for path in SOCKETS]
        async with sockets[0] as scores, sockets[1] as video:
            await received(scores)
            await received(video)
            here.rigs["door"].session.stop()
            for viewer in (scores, video):
                assert await closed(viewer) == 1001


async def test_what_a_viewer_says_is_ignored() -> None:
    async with site() as here, here.connect("/v1/streams/door/scores") as viewer:
        for noise in ("hello", b"\x00\x01", "{}"):
            await viewer.send(noise)
        first = (await message(viewer))["seq"]
        assert (await message(viewer))["seq"] == first + 1


async def test_a_viewer_that_says_too_much_is_shown_out_and_nobody_else() -> None:
    async with site() as here, here.connect(SOCKETS[0]) as quiet, here.connect(SOCKETS[0]) as loud:
        await loud.send("x" * 200_000)
        assert await closed(loud) == 1009
        await message(quiet)


@pytest.mark.alone
async def test_leaving_with_viewers_connected_is_quick() -> None:
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as outside:
        async with site() as here:
            viewer = await outside.enter_async_context(here.connect(SOCKETS[0]))
            await received(viewer)
            before_s = loop.time()
        assert loop.time() - before_s < 3.0


# -- slow viewers -------------------------------------------------------------------------------


def narrow_socket(port: int) -> socket.socket:
    """A connection that holds little, so that a reader who stands still is soon noticed."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    narrow.connect(("127.0.0.1", port))
    narrow.setblocking(False)
    return narrow


@pytest.mark.parametrize("path", [SOCKETS[0] + "?heatmap=1", SOCKETS[1]])
async def test_a_stalled_viewer_delays_nobody_and_then_gets_the_newest(path: str) -> None:
    scored_each_time = plays_on(0.01, media_step_s=0.3)
    async with (
        site(acts={"door": scored_each_time}, send_buffer=65536, faces=16) as here,
        here.connect(path, sock=narrow_socket(here.port), max_queue=1) as stalled,
        here.connect(path) as quick,
    ):
        first = await received(stalled)
        one = here.rigs["door"]
        until = one.total("messages") + 150
        seen = 0
        while one.total("messages") < until:
            await received(quick)
            seen += 1
        assert seen > 10
        numbers = [frame_number(first)]
        # What was under way comes first; then the newest, with a gap where the rest is gone.
        while len(numbers) < 2 or numbers[-1] - numbers[-2] < 20:
            numbers.append(frame_number(await received(stalled)))
            assert len(numbers) < 150, "nothing is missing: all was kept for it"
    assert numbers == sorted(set(numbers))


def frame_number(received_: str | bytes) -> int:
    if isinstance(received_, bytes):
        return int(struct.unpack(">Q", received_[:8])[0])
    return int(json.loads(received_)["frame_seq"])


async def test_what_a_slow_viewer_misses_is_counted() -> None:
    every_frame = plays_on(0.01, media_step_s=0.3)
    async with site(acts={"door": every_frame}, send_buffer=65536, faces=16) as here:
        path = SOCKETS[0] + "?heatmap=1"
        async with here.connect(path, sock=narrow_socket(here.port), max_queue=1):
            one = here.rigs["door"]
            await eventually(lambda: one.total("messages_lost") > 0)
        assert one.total("messages_lost") == one.session.messages.dropped


# -- who may read -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", GUARDED)
async def test_without_the_token_there_is_no_answer_but_how_to_get_one(path: str) -> None:
    async with site(token=TOKEN) as here:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            response = await here.get(path, headers=headers)
            check_problem(response, 401)
            assert response.headers["www-authenticate"] == "Bearer"
        assert (await here.get(f"{path}?token={TOKEN}")).status_code == 401
        opened = await here.get(path, headers={"Authorization": f"Bearer {TOKEN}"})
        assert opened.status_code == 200


@pytest.mark.parametrize("path", FREE)
async def test_the_page_its_assets_and_the_probes_need_no_token(path: str) -> None:
    async with site(token=TOKEN) as here:
        assert (await here.get(path)).status_code == 200


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_socket_without_the_token_is_refused(path: str) -> None:
    wrong: list[dict[str, Any]] = [
        {},
        {"additional_headers": {"Authorization": "Bearer wrong"}},
        {"subprotocols": [Subprotocol(SUBPROTOCOL), Subprotocol("token.wrong")]},
    ]
    async with site(token=TOKEN) as here:
        for how in wrong:
            refusal = await here.refused(path, **how)
            assert refusal.response.status_code == 401
            assert refusal.response.headers["content-type"] == "application/problem+json"
            assert json.loads(refusal.response.body or b"")["status"] == 401
        assert (await here.refused(f"{path}?token={TOKEN}")).response.status_code == 401


@pytest.mark.parametrize("path", SOCKETS)
async def test_the_token_opens_a_socket_as_bearer(path: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        site(token=TOKEN) as here,
        here.connect(path, additional_headers=headers) as viewer,
    ):
        assert await received(viewer)


@pytest.mark.parametrize("path", SOCKETS)
async def test_the_token_opens_a_socket_as_subprotocol_and_is_not_echoed(path: str) -> None:
    offered = [Subprotocol(SUBPROTOCOL), Subprotocol(f"token.{TOKEN}")]
    async with site(token=TOKEN) as here, here.connect(path, subprotocols=offered) as viewer:
        assert viewer.subprotocol == SUBPROTOCOL
        assert await received(viewer)


@pytest.mark.parametrize("channel", ["scores", "video"])
async def test_an_unknown_stream_is_not_found(channel: str) -> None:
    async with site() as here:
        refusal = await here.refused(f"/v1/streams/nowhere/{channel}")
    assert refusal.response.status_code == 404
    assert "nowhere" in json.loads(refusal.response.body or b"")["detail"]


async def test_without_the_token_nobody_learns_which_streams_there_are() -> None:
    async with site(token=TOKEN) as here:
        for name in ("door", "nowhere"):
            refusal = await here.refused(f"/v1/streams/{name}/scores")
            assert refusal.response.status_code == 401


@pytest.mark.parametrize("path", SOCKETS)
async def test_another_sites_script_is_kept_from_a_socket(path: str) -> None:
    allowed = "https://dash.example"
    async with site(allowed_origins=(allowed,)) as here:
        for foreign in ("https://evil.example", "null", "http://[broken"):
            refusal = await here.refused(path, origin=Origin(foreign))
            assert refusal.response.status_code == 403
            assert json.loads(refusal.response.body or b"")["status"] == 403
        for own in (allowed, f"http://{here.base}"):
            async with here.connect(path, origin=Origin(own)) as viewer:
                assert await received(viewer)


@pytest.mark.parametrize("path", GUARDED)
async def test_another_sites_script_is_kept_from_what_is_read_over_http(path: str) -> None:
    async with site() as here:
        check_problem(await here.get(path, headers={"Origin": "https://evil.example"}), 403)
        check_problem(await here.get(path, headers={"Host": "rebound.example"}), 403)
        own = {"Origin": f"http://{here.base}"}
        assert (await here.get(path, headers=own)).status_code == 200


# -- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/v1/streams/nowhere", 404),
        ("GET", "/assets/nowhere.js", 404),
        ("GET", "/assets/../server.py", 404),
        ("GET", "/assets/..%2f..%2fpyproject.toml", 404),
        ("PUT", "/v1/streams", 405),
        ("DELETE", "/healthz", 405),
    ],
)
async def test_errors_are_problem_details(method: str, path: str, status: int) -> None:
    async with site() as here:
        check_problem(await here.get(path, method=method), status)


async def test_a_question_that_makes_no_sense_is_refused_before_the_handshake() -> None:
    async with site() as here:
        refusal = await here.refused("/v1/streams/door/scores?heatmap=perhaps")
        assert 400 <= refusal.response.status_code < 500


async def test_a_socket_asked_for_over_plain_http_is_an_error_and_no_crash() -> None:
    async with site() as here:
        check_problem(await here.get(SOCKETS[0]), 404)
        assert (await here.get("/healthz")).status_code == 200
