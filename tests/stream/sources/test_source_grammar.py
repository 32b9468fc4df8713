from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.config import SourceConfig
from stream.errors import ConfigError
from stream.sources import SCHEMES, mask_secrets, open_source, parse_sources
from stream.sources.demo import DemoSource
from stream.sources.file import FileSource
from stream.sources.network import NetworkSource
from tests.stream.sources.clips import options

ALLOWED = SourceConfig().schemes


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ([], ["demo"]),
        (["demo", "demo"], ["demo", "demo-2"]),
        (["./demo"], ["demo"]),
        (["camera:0", "camera:/dev/video0"], ["camera0", "camera0-2"]),
        (["camera:/dev/v4l/by-id/usb-Cam-index0"], ["camera0"]),
        (["a/b/The Film (1).mp4"], ["The-Film-1"]),
        (["x" * 40 + ".mp4", "x" * 40 + ".mkv"], ["x" * 32, "x" * 30 + "-2"]),
        (["\u65e5\u672c.mp4"], ["file"]),
        (["rtsp://u:p@10.0.0.1:554/a", "rtsp://10.0.0.1/b"], ["10-0-0-1", "10-0-0-1-2"]),
        (["door=rtsp://h/x?a=b"], ["door"]),
        (["rtsp://h/x?a=b"], ["h"]),
        (["demo", "demo-2=camera:0", "demo"], ["demo", "demo-2", "demo-3"]),
        (["demo=camera:0", "demo"], ["demo", "demo-2"]),
        (["two words=demo"], ["two-words-demo"]),
        (["clip.mp4", "analyze"], ["clip", "analyze"]),
    ],
)
def test_ids(words: list[str], ids: list[str]) -> None:
    assert [stream_id for stream_id, _ in parse_sources(words, ALLOWED)] == ids


def test_the_source_is_kept_as_it_was_written() -> None:
    assert parse_sources(["a=rtsp://u:p@h/x?k=v"]) == [("a", "rtsp://u:p@h/x?k=v")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["analyze"], "is a command"),
        (["doctor", "demo"], "is a command"),
        (["a=demo", "a=camera:0"], "given to two"),
        (["a="], "empty SOURCE"),
        ([""], "empty SOURCE"),
        (["a\0b"], "NUL"),
        (["camera:first"], "camera:0"),
        (["gopher://h/x"], "allowed are rtsp, rtsps, http"),
        (["file:///etc/passwd"], "unknown scheme"),
        (["demo://x"], "unknown scheme"),
    ],
)
def test_what_is_refused(words: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        parse_sources(words, ALLOWED)


def test_a_refused_scheme_shows_no_password() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_sources(["ftp://u:hunter2@h/x"], ALLOWED)
    assert "hunter2" not in str(caught.value)
    assert "ftp://u:***@h/x" in str(caught.value)


@given(st.lists(st.text(min_size=1, max_size=40), max_size=5))
def test_ids_fit_and_differ_whatever_is_written(words: list[str]) -> None:
    try:
        parsed = parse_sources(words, ALLOWED)
    except ConfigError:
        return
    ids = [stream_id for stream_id, _ in parsed]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,32}", stream_id) for stream_id in ids)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("demo", DemoSource), ("x.mp4", FileSource), ("rtsp://h/x", NetworkSource)],
)
def test_the_table_opens_what_it_names(text: str, kind: type) -> None:
    assert type(open_source(text, options(), ALLOWED)) is kind


def test_only_allowed_schemes_are_opened() -> None:
    with pytest.raises(ConfigError, match="allowed are rtsp"):
        open_source("http://h/x", options(), ["rtsp"])
    with pytest.raises(ConfigError, match="allowed are none"):
        open_source("http://h/x", options(), [])
    with pytest.raises(ConfigError, match="nothing here opens gopher"):
        open_source("gopher://h/x", options(), ["gopher"])


def test_allowing_file_opens_no_file_url() -> None:
    with pytest.raises(ConfigError):
        open_source("file:///etc/passwd", options(), ["file"])


def test_every_allowed_scheme_is_in_the_table() -> None:
    assert set(ALLOWED) <= set(SCHEMES)


def test_a_network_source_shows_no_password() -> None:
    source = open_source("rtsp://u:hunter2@h/x", options(), ALLOWED)
    assert "hunter2" not in repr(source)
    assert mask_secrets("rtsp://u:hunter2@h/x") in repr(source)
