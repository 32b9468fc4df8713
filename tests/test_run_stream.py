"""The program as its users meet it: exit codes, one clear line, JSON lines, Ctrl+C.

Wrong input is tried in this process, where anything but an orderly end is an error of the test;
what concerns standard output, signals and imports is tried in a process of its own.
"""

from __future__ import annotations

import asyncio
import fcntl
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import av
import httpx
import psutil
import pytest
from jsonschema import Draft202012Validator
from websockets.asyncio.client import connect

from engines.spec import ModelSpec, sha256_of
from run_stream import main
from stream.messages import overlay_schema
from stream.sources.demo import CLIP
from tests.program import pinned
from tests.stream.files.site import portrait
from tests.training.evaluate.clips.tiny import write

ROOT: Final = Path(__file__).resolve().parents[1]
PROGRAM: Final = [sys.executable, str(ROOT / "run_stream.py")]
STARTS_WITHIN_S: Final = 60.0
LEAVES_WITHIN_S: Final = 3.0
"""Three times the contract's second."""
PASSWORD: Final = "hunter2-and-more"


def cut(target: Path, pictures: int, *, header_first: bool = False) -> Path:
    """Write the demo's first `pictures` pictures to `target`, without encoding anything.

    With `header_first` a file cut short can still be opened.
    """
    options = {"movflags": "faststart"} if header_first else {}
    with av.open(str(CLIP)) as source, av.open(str(target), "w", options=options) as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for written, packet in enumerate(source.demux(video=0)):
            if packet.dts is None or written == pictures:
                break
            packet.stream = stream
            out.mux(packet)
    return target


def with_a_cut(target: Path, at: int, frames: int) -> Path:
    """A film of the demo's first picture, and from picture `at` on of the same face before another
    background.
    """
    here = portrait()
    elsewhere = 255 - here
    height, width = here.shape[:2]
    face = slice(height // 8, 7 * height // 8), slice(width // 3, 2 * width // 3)
    elsewhere[face] = here[face]
    return write(target, [here] * at + [elsewhere] * (frames - at))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.2 s of the demo."""
    return cut(tmp_path_factory.mktemp("clips") / "clip.mp4", 30, header_first=True)


@dataclass(frozen=True)
class Ended:
    """How the program ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output, of which every line must be JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "summary" not in line]

    @property
    def summary(self) -> dict[str, Any]:
        streams: dict[str, Any] = self.lines[-1]["summary"]["streams"]
        return streams


Try = Callable[..., Ended]


@pytest.fixture
def attempt(capfd: pytest.CaptureFixture[str]) -> Try:
    """Run the program in this process."""

    def run(*arguments: object) -> Ended:
        capfd.readouterr()
        try:
            code = main(pinned(arguments))
        except SystemExit as left:  # argparse
            code = int(str(left.code))
        said = capfd.readouterr()
        return Ended(code, said.out, said.err)

    return run


def apart(*arguments: object, **how: Any) -> Ended:
    """Run the program in a process of its own, to its end."""
    command = [*PROGRAM, *pinned(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=STARTS_WITHIN_S, **how)
    return Ended(done.returncode, done.stdout, done.stderr)


def check_one_clear_line(ended: Ended, code: int, *said: str) -> None:
    """The exit code, and one line that says what is wrong; no traceback, no password."""
    assert ended.code == code, ended.err
    assert "Traceback" not in ended.err
    assert PASSWORD not in ended.out + ended.err
    clear = [line for line in ended.err.splitlines() if line.startswith("run_stream: ")]
    assert len(clear) == 1, ended.err
    for text in said:
        assert text in clear[0]


# -- usage and configuration: 2 -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gopher://cam/1",), "gopher"),
        ((f"gopher://me:{PASSWORD}@cam/1",), "scheme"),
        (("camera:front",), "camera:0"),
        (("probe",), "./probe"),
        (("analyze", "a.mp4", "--report", "absent/out.html"), "--report"),
        (("analyze", "a.mp4", "--set", "engine.name=abacus"), "engine.name"),
        (("a=demo", "a=demo"), "two sources"),
        (("--config", "absent.toml"), "no such configuration file"),
        (("--set", "engine.name=abacus"), "engine.name"),
        (("--set", "engine.colour=red"), "no such setting"),
        (("--set", "port"), "section.key=value"),
        (("--set", "port=1"), "section.name"),
        (("--port", "99999"), "server.port"),
        (("--duration", "0"), "run.duration_s"),
        (("--open-timeout", "nan"), "source.open_timeout_s"),
        (("--device", "gpu"), "engine.device"),
        (("--tls-cert", "absent.pem", "--tls-key", "absent.pem"), "absent.pem"),
        (("--tls-cert", "absent.pem"), "both are needed"),
        (("--host", "no such host"), "--host"),
        (("--no-serve", "--fast", "rtsp://127.0.0.1:9/x"), "live"),
        (("demo", "--no-serve", "--once", "--jsonl", "/absent/out.jsonl"), "/absent/out.jsonl"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_2(arguments: tuple[str, ...], said: str, attempt: Try) -> None:
    check_one_clear_line(attempt(*arguments), 2, said)


def test_a_list_of_streams_that_is_empty_on_purpose_shows_no_demo(
    attempt: Try, tmp_path: Path
) -> None:
    file = tmp_path / "none.toml"
    file.write_text("streams = []\n", encoding="utf-8")
    check_one_clear_line(attempt("--config", file, "--no-serve"), 2, "there are none")
    served = attempt("--config", file, "--port", 0, "--duration", 0.2, "--jsonl", "-")
    assert served.code == 0
    assert json.loads(served.out) == {"summary": {"streams": {}}}


@pytest.mark.parametrize(
    "arguments",
    [("--engine", "abacus"), ("--port", "eighty"), ("--colour", "red"), ("--duration",)],
    ids=" ".join,
)
def test_what_the_command_line_cannot_mean_is_2_with_the_usage(
    arguments: tuple[str, ...], attempt: Try
) -> None:
    ended = attempt(*arguments)
    assert ended.code == 2
    assert ended.err.startswith("usage: run_stream.py")
    assert ended.err.splitlines()[-1].startswith("run_stream.py: error: ")
    assert arguments[0] in ended.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[[streams]]\nid = 'cam'\nsource = 'gopher://cam/1'\n", "gopher"),
        ("[[streams]]\nid = 'cam'\nsource = 'camera:front'\n", "camera:0"),
        ("[[streams]]\nid = 'cam'\nsource = ''\n", "SOURCE"),
        ("[server]\nport = 'http'\n", "server.port"),
        ("[server\n", "TOML"),
    ],
)
def test_a_wrong_configuration_file_is_2(
    toml: str, said: str, tmp_path: Path, attempt: Try
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(toml, encoding="utf-8")
    check_one_clear_line(attempt("--config", file), 2, said)


def test_a_port_in_use_is_2(attempt: Try) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        check_one_clear_line(attempt("demo", "--port", port), 2, str(port), "0 for any")


def test_an_output_that_fails_on_the_way_is_2(clip: Path, attempt: Try) -> None:
    ended = attempt(clip, "--no-serve", "--once", "--fast", "--jsonl", "/dev/full")
    check_one_clear_line(ended, 2, "/dev/full", "No space left")


# -- no source can run: 3 -----------------------------------------------------------------------


def wrong_file(folder: Path, kind: str, clip: Path) -> Path:
    file = folder / f"{kind}.mp4"
    if kind == "text":
        file.write_text("this is no film\n" * 100, encoding="utf-8")
    elif kind == "empty":
        file.touch()
    elif kind == "folder":
        file.mkdir()
    elif kind == "header only":
        file.write_bytes(clip.read_bytes()[:600])
    elif kind == "no header":
        whole = cut(folder / "whole.mp4", 30)
        file.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return file


@pytest.mark.parametrize("serving", [True, False], ids=["serving", "alone"])
@pytest.mark.parametrize("kind", ["missing", "text", "empty", "folder", "header only", "no header"])
def test_a_file_that_cannot_be_played_is_3(
    kind: str, serving: bool, clip: Path, tmp_path: Path, attempt: Try
) -> None:
    file = wrong_file(tmp_path, kind, clip)
    where = ("--port", 0) if serving else ("--no-serve",)
    check_one_clear_line(attempt(file, *where), 3, file.name)


def test_a_file_cut_short_counts_as_done_with_a_warning(
    clip: Path, tmp_path: Path, attempt: Try
) -> None:
    short = tmp_path / "short.mp4"
    short.write_bytes(clip.read_bytes()[: int(clip.stat().st_size * 0.6)])
    ended = attempt(short, "--no-serve", "--once", "--fast", "--jsonl", "-")
    assert ended.code == 0
    assert 0 < ended.summary["short"]["frames"] < 30
    assert "Traceback" not in ended.err


def test_a_closed_port_is_3_after_the_open_timeout_and_no_password_is_shown(attempt: Try) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ended = attempt(
        f"rtsp://me:{PASSWORD}@127.0.0.1:{port}/cam", "--no-serve", "--once", "--open-timeout", "1"
    )
    check_one_clear_line(ended, 3, f"127.0.0.1:{port}", "***")


@contextmanager
def answering(status: int) -> Iterator[int]:
    """An HTTP camera that refuses everybody with `status`; gives its port."""

    class Refusal(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_camera_that_refuses_is_3_at_once(status: int, attempt: Try) -> None:
    with answering(status) as port:
        source = f"http://me:{PASSWORD}@127.0.0.1:{port}/cam.mjpg"
        ended = attempt(source, "--port", 0)
    check_one_clear_line(ended, 3, "***")


def test_when_no_source_of_several_can_run_it_is_3(tmp_path: Path, attempt: Try) -> None:
    ended = attempt(tmp_path / "one.mp4", tmp_path / "two.mp4", "--no-serve")
    assert ended.code == 3
    assert "Traceback" not in ended.err


def test_a_source_that_cannot_run_leaves_the_others_alone(
    clip: Path, tmp_path: Path, attempt: Try, caplog: pytest.LogCaptureFixture
) -> None:
    ended = attempt(clip, tmp_path / "absent.mp4", "--no-serve", "--once", "--fast", "--jsonl", "-")
    assert ended.code == 0
    assert ended.summary["clip"]["frames"] == 30
    assert ended.summary["absent"]["frames"] == 0
    assert any("absent.mp4" in line and "no such file" in line for line in caplog.messages)


# -- engine or weights unusable: 4 --------------------------------------------------------------


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A copy of the weights, to be broken."""
    return Path(shutil.copytree(ROOT / "weights", tmp_path / "weights"))


def flip_bytes(folder: Path) -> None:
    file = folder / "detector.onnx"
    file.write_bytes(file.read_bytes()[:-100] + bytes(100))


def cut_file(folder: Path) -> None:
    file = folder / "pnet.onnx"
    file.write_bytes(file.read_bytes()[:1000])


def no_model(folder: Path) -> None:
    file = folder / "rnet.onnx"
    file.write_bytes(b"not a model")
    spec = folder / "rnet.json"
    text = spec.read_text(encoding="utf-8")
    text = text.replace(ModelSpec.load(spec).sha256, sha256_of(file))
    spec.write_text(text, encoding="utf-8")


def remove_file(folder: Path) -> None:
    (folder / "onet.onnx").unlink()


def remove_spec(folder: Path) -> None:
    (folder / "detector.json").unlink()


def break_spec(folder: Path) -> None:
    (folder / "detector.json").write_text("{", encoding="utf-8")


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (flip_bytes, "detector.onnx"),
        (cut_file, "pnet.onnx"),
        (no_model, "rnet.onnx"),
        (remove_file, "onet.onnx"),
        (remove_spec, "detector.json"),
        (break_spec, "detector.json"),
    ],
)
def test_weights_that_cannot_be_used_are_4(
    harm: Callable[[Path], None], named: str, weights: Path, attempt: Try
) -> None:
    harm(weights)
    ended = attempt(
        "demo", "--no-serve", "--set", f"engine.weights={weights}",
        "--set", "engine.precision=fp32",
    )  # fmt: skip
    check_one_clear_line(ended, 4, named, "export")


def test_an_engine_that_cannot_run_here_is_4(attempt: Try, tmp_path: Path) -> None:
    named = attempt("demo", "--no-serve", "--device", "cuda:99")
    check_one_clear_line(named, 4, "'onnxruntime'", "cuda:99")
    chosen = attempt(
        "demo", "--no-serve", "--device", "cuda:99", "--engine", "auto",
        "--set", f"engine.cache={tmp_path / 'cache'}",
    )  # fmt: skip
    check_one_clear_line(chosen, 4, "'auto'", "cuda:99")


# -- JSON lines ---------------------------------------------------------------------------------

ONCE: Final = ("--no-serve", "--once", "--fast", "--jsonl", "-")


def test_standard_output_holds_json_lines_only_and_the_summary_is_last(clip: Path) -> None:
    ended = apart(clip, *ONCE)
    assert ended.code == 0, ended.err
    assert len(ended.lines) == 31
    validator = Draft202012Validator(overlay_schema())
    for message in ended.messages:
        validator.validate(message)
    assert [message["frame_seq"] for message in ended.messages] == list(range(30))
    assert all(a["media_time_s"] < b["media_time_s"] for a, b in pairwise(ended.messages))
    assert ended.summary.keys() == {"clip"}
    assert (ended.summary["clip"]["frames"], ended.summary["clip"]["dropped"]) == (30, 0)
    assert ended.summary["clip"]["tracks"] == 1
    for hop in ("decoded", "faces", "scored", "sent"):
        assert ended.summary["clip"]["latency_ms"][hop].keys() == {"p50", "p95", "p99", "count"}
    assert ended.err, "what it has to say besides went to standard error"


def test_two_fast_runs_are_equal_byte_for_byte(clip: Path, attempt: Try) -> None:
    first, second = (attempt(clip, *ONCE) for _ in range(2))
    assert first.code == 0
    assert first.out == second.out
    assert len(first.messages) == 30


def test_two_fast_runs_over_two_files_say_the_same_of_each(clip: Path, attempt: Try) -> None:
    runs = [attempt(clip, f"other={clip}", *ONCE) for _ in range(2)]
    for name in ("clip", "other"):
        first, second = ([m for m in run.messages if m["stream_id"] == name] for run in runs)
        assert first == second
        assert len(first) == 30
    assert runs[0].summary == runs[1].summary


def test_json_lines_go_to_a_file_when_one_is_named(
    clip: Path, tmp_path: Path, attempt: Try
) -> None:
    file = tmp_path / "out.jsonl"
    ended = attempt(clip, "--no-serve", "--once", "--fast", "--jsonl", file)
    assert ended.code == 0
    assert ended.out == ""
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 31
    assert "summary" in json.loads(lines[-1])


def test_who_stands_after_a_cut_where_a_face_was_is_somebody_else(
    tmp_path: Path, attempt: Try
) -> None:
    ended = attempt(with_a_cut(tmp_path / "film.mp4", at=40, frames=80), *ONCE)
    seen = {m["frame_seq"]: m["faces"] for m in ended.messages}
    (last,), (later,) = seen[39], seen[79]
    assert later["box_px"] == pytest.approx(last["box_px"], abs=10), "at the very same place"
    ids = {seq: {face["track_id"] for face in faces} for seq, faces in seen.items()}
    assert set.union(*(ids[seq] for seq in range(40))) == {1}
    assert set.union(*(ids[seq] for seq in range(40, 80))) == {2}
    first = next(faces[0] for seq, faces in seen.items() if seq >= 40 and faces)
    assert first["samples"] <= 1 < last["samples"], "evidence starts anew"


def test_a_stream_bears_its_name_or_its_files(clip: Path, attempt: Try) -> None:
    ended = attempt(f"door={clip}", clip, clip, *ONCE)
    assert Counter(message["stream_id"] for message in ended.messages) == {
        "door": 30, "clip": 30, "clip-2": 30,
    }  # fmt: skip


def test_streams_may_stand_in_the_configuration_file(
    clip: Path, tmp_path: Path, attempt: Try
) -> None:
    file = tmp_path / "streams.toml"
    file.write_text(
        f"[[streams]]\nid = 'door'\nsource = '{clip}'\n[run]\nserve = false\nonce = true\n"
        "fast = true\njsonl = '-'\n",
        encoding="utf-8",
    )
    assert attempt("--config", file).summary.keys() == {"door"}


def test_once_ends_with_the_file_played_as_a_camera_would_send_it(clip: Path, attempt: Try) -> None:
    ended = attempt(clip, "--no-serve", "--once", "--jsonl", "-")
    assert ended.code == 0
    assert ended.summary["clip"]["frames"] == 30
    assert {message["epoch"] for message in ended.messages} == {0}


@pytest.mark.alone
def test_without_once_a_file_loops_until_the_duration_is_over(clip: Path, attempt: Try) -> None:
    ended = attempt(clip, "--no-serve", "--duration", "3", "--jsonl", "-")
    assert ended.code == 0
    epochs = [message["epoch"] for message in ended.messages]
    assert epochs == sorted(epochs)
    assert {1, 2} & set(epochs)
    assert 45 <= ended.summary["clip"]["frames"] <= 80, "paced: 25 pictures a second"


# -- serving ------------------------------------------------------------------------------------


class Serving:
    """The program in a process of its own, serving; `address` is the page's."""

    def __init__(self, *arguments: object, stdout: int | None = subprocess.PIPE) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, *pinned(arguments), "--port", "0"],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self._printed = threading.Event()
        pipes = [pipe for pipe in (self.process.stdout, self.process.stderr) if pipe]
        self._readers = [threading.Thread(target=self._listen, args=(pipe,)) for pipe in pipes]
        for reader in self._readers:
            reader.start()

    def _listen(self, pipe: Any) -> None:
        with pipe:
            for line in pipe:
                self.said.append(line)
                if "Overlay:" in line:
                    self._printed.set()

    @property
    def text(self) -> str:
        return "".join(self.said)

    @property
    def address(self) -> str:
        assert self._printed.wait(STARTS_WITHIN_S), self.text
        found = re.search(r"Overlay: (\S+)", self.text)
        assert found
        return found[1]

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the signal; give the exit code, once it has left in time."""
        self.process.send_signal(number)
        code = self.process.wait(LEAVES_WITHIN_S)
        for reader in self._readers:
            reader.join(LEAVES_WITHIN_S)
        return code

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for reader in self._readers:
            reader.join(LEAVES_WITHIN_S)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.alone
def test_a_signal_ends_it_within_a_second_with_nothing_left_running(
    number: signal.Signals,
) -> None:
    with Serving("demo") as program:
        address = program.address
        assert httpx.get(f"{address}readyz").status_code == 200
        children = psutil.Process(program.process.pid).children(recursive=True)
        assert program.interrupt(number) == 0
        assert not [child for child in children if child.is_running()]
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{address}healthz")
        assert "Traceback" not in program.text
        assert "Task was destroyed" not in program.text


def test_the_summary_is_the_last_line_after_a_signal_too(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    with Serving("demo", "--jsonl", file) as program:
        assert program.address
        for _ in range(600):
            if file.exists() and file.read_text(encoding="utf-8").count("\n") > 5:
                break
            threading.Event().wait(0.05)
        assert program.interrupt() == 0
    *messages, last = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    counts = last["summary"]["streams"]["demo"]["latency_ms"]["faces"]["count"]
    assert len(messages) == counts > 5


@pytest.mark.alone
def test_viewers_do_not_keep_it_from_leaving() -> None:
    async def watch(program: Serving) -> int:
        place = program.address.replace("http", "ws", 1) + "v1/streams/demo/"
        async with connect(place + "scores") as scores, connect(place + "video") as video:
            await asyncio.wait_for(scores.recv(), STARTS_WITHIN_S)
            await asyncio.wait_for(video.recv(), STARTS_WITHIN_S)
            return await asyncio.to_thread(program.interrupt)

    with Serving("demo") as program:
        assert asyncio.run(watch(program)) == 0
        assert "Traceback" not in program.text


@pytest.mark.alone
def test_a_pipe_that_nobody_reads_does_not_keep_it_from_leaving() -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    try:
        with Serving("demo", "--jsonl", "-", stdout=writing) as program:
            address = program.address

            def written() -> int:
                lists = httpx.get(f"{address}metrics").text
                found = re.search(r'messages_total\{stream="demo"\} (\d+)', lists)
                return int(found[1]) if found else 0

            for _ in range(600):
                if written() > 20:  # some 12 KiB: more than the pipe holds
                    break
                threading.Event().wait(0.05)
            program.interrupt()
            assert "Traceback" not in program.text
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.alone
def test_a_camera_that_cannot_be_reached_does_not_keep_it_from_leaving() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        source = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/cam"
        with Serving(source) as program:
            (stream,) = httpx.get(f"{program.address}v1/streams").json()["streams"]
            assert stream["health"]["source_state"] == "connecting"
            assert program.interrupt() == 0


@pytest.mark.parametrize("jsonl", [(), ("--jsonl", "-")], ids=["page", "page and lines"])
def test_the_overlays_address_is_the_first_that_is_printed(jsonl: tuple[str, ...]) -> None:
    with Serving("demo", *jsonl) as program:
        address = program.address
        program.interrupt()
    first = re.search(r"\w+://\S+", program.text)
    assert first
    assert first[0] == address
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)


def test_beyond_loopback_a_token_is_made_up_and_needed() -> None:
    with Serving("demo", "--host", "0.0.0.0") as program:
        address, _, token = program.address.partition("#token=")
        assert len(token) >= 32
        assert httpx.get(f"{address}v1/streams").status_code == 401
        bearer = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{address}v1/streams", headers=bearer).status_code == 200
        assert httpx.get(address).status_code == 200
        program.interrupt()


# -- what it runs on ----------------------------------------------------------------------------

FORBIDDEN: Final = """
import sys

class Forbid:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchvision", "timm", "facenet_pytorch", "onnx"}:
            raise ImportError(f"{name} is no part of the runtime")

sys.meta_path.insert(0, Forbid())
"""


def test_it_needs_no_torch(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(FORBIDDEN, encoding="utf-8")
    ended = apart(clip, *ONCE, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert ended.code == 0, ended.err
    assert len(ended.messages) == 30


def test_the_forbidden_import_would_have_been_noticed(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(FORBIDDEN, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", "import torch"], env=environment, capture_output=True, text=True
    )
    assert "no part of the runtime" in done.stderr


def test_it_runs_from_any_folder(clip: Path, tmp_path: Path) -> None:
    ended = apart(clip, *ONCE, cwd=tmp_path)
    assert ended.code == 0, ended.err
