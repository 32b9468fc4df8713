"""The command ``analyze``: what it writes, what it says, and how it exits."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import pytest

from stream.files import command
from stream.files.result import ClipResult
from stream.sources.demo import CLIP


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's first second."""
    target = tmp_path_factory.mktemp("clips") / "meeting.mp4"
    with av.open(str(CLIP)) as read, av.open(str(target), "w") as written:
        stream = read.streams.video[0]
        copied = written.add_stream_from_template(stream)
        for packet in read.demux(stream):
            if packet.dts is None or (packet.pts or 0) * (stream.time_base or 0) >= 1:
                continue
            packet.stream = copied
            written.mux(packet)
    return target


def run(*arguments: object) -> int:
    try:
        return command.main([str(argument) for argument in arguments])
    except SystemExit as left:  # argparse
        return int(str(left.code))


def clips_in(text: str) -> list[dict[str, Any]]:
    body = json.loads(text)
    assert body["version"] == 1
    clips: list[dict[str, Any]] = body["clips"]
    return clips


def test_a_file_that_fails_is_told_and_the_others_are_analysed(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, absent = tmp_path / "broken.mp4", tmp_path / "absent.mp4"
    broken.write_bytes(clip.read_bytes()[:200])
    again = tmp_path / "again" / "meeting.mp4"
    again.parent.mkdir()
    shutil.copy(clip, again)
    level = logging.getLogger().level
    places = ("--report", tmp_path / "out.html", "--json", tmp_path / "out.json")
    assert run(broken, clip, absent, again, *places) == 3
    said = capsys.readouterr()
    assert said.out.splitlines()[0].startswith(f"{clip}: ")
    assert "1 face in 1.0 s" in said.out
    assert "run_stream: " in said.err
    assert "absent.mp4: No such file" in said.err
    told = clips_in((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [sorted(one) for one in told] == [
        ["file", "problem"], ["file", "result"], ["file", "problem"], ["file", "result"],
    ]  # fmt: skip
    one = ClipResult.model_validate_json(json.dumps(told[1]["result"]))
    assert len(one.faces) == 1
    # Of several, each has a page of its own, those of the same name too.
    pages = sorted(path.name for path in tmp_path.glob("*.html"))
    assert pages == ["out-meeting-2.html", "out-meeting.html"]
    page = (tmp_path / "out-meeting.html").read_text(encoding="utf-8")
    assert "data:image/jpeg;base64," in page
    assert "# Model card" in page
    assert logging.getLogger().level == level


def test_with_json_on_standard_output_nothing_else_is_there(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(clip, "--json", "-", "--report", tmp_path / "one.html") == 0
    said = capsys.readouterr()
    assert len(clips_in(said.out)) == 1
    assert "meeting.mp4: " in said.err
    assert (tmp_path / "one.html").is_file()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("a.mp4", "--colour"),
        ("a.mp4", "--config", "absent.toml"),
        ("a.mp4", "--set", "nonsense"),
        ("a.mp4", "--set", "files.jobs=0"),
        ("a.mp4", "--engine", "abacus"),
        ("a.mp4", "--json", "absent/out.json"),
        ("a.mp4", "--report", "absent/out.html"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_weights_that_cannot_be_used_are_4(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("a.mp4", "--set", f"engine.weights={tmp_path}") == 4
    assert capsys.readouterr().err.startswith("run_stream: ")
