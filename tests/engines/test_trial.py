"""The trial behind ``auto``: the fastest is chosen, once, and a broken engine spoils nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import engines.trial
from engines.base import Engine
from engines.errors import EngineUnavailable, ModelMismatch
from engines.opened import OpenedEngine
from engines.spec import ModelSpec
from engines.trial import fastest_engine
from stream.config import REPOSITORY

WEIGHTS = REPOSITORY / "weights"
CPU = ("onnxruntime", "openvino")


class Track:
    """Engines that take the `seconds` given for their name, by a clock of their own."""

    def __init__(self, **seconds: float) -> None:
        self.seconds = {name.replace("_", "-"): value for name, value in seconds.items()}
        self.now_s = 0.0
        self.opened: list[tuple[str, str]] = []
        self.closed = 0
        self.broken: dict[str, Exception] = {}

    def timer(self) -> float:
        return self.now_s

    def open(
        self, name: str, spec: Path, *, device: str, threads: int, cache: Path | None
    ) -> Engine:
        assert (device, threads) != ("", 0)
        assert cache
        self.opened.append((name, spec.stem))
        if name in self.broken:
            raise self.broken[name]
        return Runner(self, ModelSpec.load(spec), self.seconds[name])

    def run(
        self,
        cache: Path,
        *,
        device: str = "cpu",
        threads: int = 2,
        weights: Path = WEIGHTS,
    ) -> str:
        return fastest_engine(
            device, weights, threads=threads, cache=cache, timer=self.timer, open_with=self.open
        )


class Runner(OpenedEngine):
    def __init__(self, track: Track, spec: ModelSpec, seconds: float) -> None:
        super().__init__(spec, provider="Runner", device="cpu")
        self._track = track
        self._seconds = seconds

    def _run(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        self._track.now_s += self._seconds
        return [np.zeros(len(values))] * len(self._spec.outputs)

    def _release(self) -> None:
        self._track.closed += 1


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def both(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Both are installed, unless a test says otherwise."""

    def are_installed(*names: str) -> None:
        monkeypatch.setattr(engines.trial, "installed", lambda device: names)

    are_installed(*CPU)
    return are_installed


@pytest.mark.parametrize(
    ("onnxruntime", "openvino", "chosen"),
    [(1.0, 0.5, "openvino"), (0.5, 1.0, "onnxruntime"), (1.0, 0.97, "onnxruntime")],
    ids=["quicker", "slower", "too close to tell"],
)
def test_the_quickest_is_chosen_and_the_times_are_logged(
    cache: Path,
    caplog: pytest.LogCaptureFixture,
    onnxruntime: float,
    openvino: float,
    chosen: str,
) -> None:
    track = Track(onnxruntime=onnxruntime, openvino=openvino)
    with caplog.at_level(logging.INFO, logger="engines.trial"):
        assert track.run(cache) == chosen
    assert f"chose {chosen} on cpu; a second of video takes onnxruntime" in caplog.text
    assert track.closed == len(track.opened) == 8


def test_the_second_start_takes_the_result_of_the_first(cache: Path) -> None:
    assert Track(onnxruntime=1.0, openvino=0.5).run(cache) == "openvino"
    later = Track(onnxruntime=0.1, openvino=0.5)
    assert later.run(cache) == "openvino"
    assert later.opened == []


def test_another_number_of_threads_or_version_is_tried_anew(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Track(onnxruntime=1.0, openvino=0.5).run(cache)
    assert Track(onnxruntime=0.1, openvino=0.5).run(cache, threads=4) == "onnxruntime"
    monkeypatch.setattr(engines.trial, "installed_version", lambda package: "99")
    assert Track(onnxruntime=0.1, openvino=0.5).run(cache) == "onnxruntime"


def test_a_broken_optional_engine_takes_no_part(
    cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    track = Track(onnxruntime=1.0, openvino=0.5)
    track.broken["openvino"] = EngineUnavailable("openvino", "is broken", "mend it")
    with caplog.at_level(logging.INFO, logger="engines.trial"):
        assert track.run(cache) == "onnxruntime"
    assert "openvino takes no part: engine 'openvino': is broken" in caplog.text


def test_what_would_build_for_minutes_takes_no_part(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines.trial, "build_needed", lambda name, spec, **_: name == "openvino")
    track = Track(onnxruntime=1.0, openvino=0.5)
    assert track.run(cache) == "onnxruntime"
    assert {name for name, _ in track.opened} == {"onnxruntime"}


def test_the_only_engine_needs_no_trial(cache: Path, both: Callable[..., None]) -> None:
    both("onnxruntime")
    track = Track()
    assert track.run(cache) == "onnxruntime"
    assert track.opened == []
    assert not cache.exists()


def test_where_nothing_can_be_kept_the_first_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    track = Track(onnxruntime=1.0, openvino=0.5)
    with caplog.at_level(logging.INFO):
        assert track.run(tmp_path / "file" / "cache") == "onnxruntime"
    assert "no trial, since its result could not be kept" in caplog.text
    assert track.opened == []


def test_when_none_can_run_each_says_why(cache: Path, both: Callable[..., None]) -> None:
    both("onnxruntime")
    track = Track()
    track.broken["onnxruntime"] = EngineUnavailable("onnxruntime", "no GPU", "buy one")
    with pytest.raises(EngineUnavailable, match=r"can run on 'cuda:9' \(engine .*no GPU; buy one"):
        track.run(cache, device="cuda:9")
    both()
    with pytest.raises(EngineUnavailable, match="none is installed"):
        track.run(cache, device="cuda:9")


def test_weights_that_are_not_there_are_a_mismatch(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMismatch, match="no such spec"):
        Track().run(cache, weights=tmp_path)
