"""The streams' errors: the facts as attributes, a sentence as text, one root."""

from __future__ import annotations

import pytest

from stream.errors import ConfigError, SinkError, SourceError, StreamError

SOURCE = SourceError("rtsp://***@cam", "refused", "check the address", retryable=True)
SINK = SinkError("out.jsonl", "the disk is full")
CONFIG = ConfigError("server.port", "must be a number")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (SOURCE, "source rtsp://***@cam: refused; check the address"),
        (SINK, "output out.jsonl: the disk is full"),
        (CONFIG, "server.port: must be a number"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_speaks_in_a_sentence(error: StreamError, sentence: str) -> None:
    assert str(error) == sentence
    assert isinstance(error, StreamError)


def test_an_error_holds_its_facts() -> None:
    assert (SOURCE.source, SOURCE.problem, SOURCE.remedy, SOURCE.retryable) == (
        "rtsp://***@cam", "refused", "check the address", True,
    )  # fmt: skip
    assert (SINK.sink, SINK.problem) == ("out.jsonl", "the disk is full")
    assert (CONFIG.key, CONFIG.problem) == ("server.port", "must be a number")
