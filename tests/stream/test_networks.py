"""Networks: four models opened together, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stream.networks
from engines.errors import EngineUnavailable, ModelMismatch
from stream.config import EngineConfig
from stream.faces.options import FacesOptions
from stream.networks import MOST_THREADS, Networks, open_networks
from tests.doubles import ScriptedEngine

NAMED = EngineConfig(name="onnxruntime")


class Opener:
    """Stands in for `open_engine`: keeps what it opened, and fails at the model `broken`."""

    def __init__(self, broken: str = "") -> None:
        self.opened: dict[str, ScriptedEngine] = {}
        self.asked: list[tuple[str, Path, str, int]] = []
        self.caches: set[Path] = set()
        self._broken = broken

    def __call__(
        self, name: str, spec_path: Path, *, device: str, threads: int, cache: Path
    ) -> ScriptedEngine:
        self.caches.add(cache)
        self.asked.append((name, spec_path, device, threads))
        if spec_path.stem == self._broken:
            raise ModelMismatch(spec_path, "broken", "mend it")
        engine = self.opened[spec_path.stem] = ScriptedEngine()
        return engine


@pytest.fixture
def opener(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Opener:
    stand_in = Opener(getattr(request, "param", ""))
    monkeypatch.setattr(stream.networks, "open_engine", stand_in)
    return stand_in


def test_the_four_models_of_the_weights_folder_are_opened(opener: Opener) -> None:
    with Networks(
        EngineConfig(name="onnxruntime", weights=Path("elsewhere"), threads=3, cache=Path("c"))
    ) as networks:
        assert networks.engine_name == "onnxruntime"
    assert opener.caches == {Path("c")}
    paths = {path for _, path, _, _ in opener.asked}
    assert paths == {Path("elsewhere") / f"{n}.json" for n in ("detector", "pnet", "rnet", "onet")}
    assert {(name, device, threads) for name, _, device, threads in opener.asked} == {
        ("onnxruntime", "cpu", 3)
    }


def test_all_are_closed_at_the_end(opener: Opener) -> None:
    with Networks(NAMED):
        assert not any(engine.closed for engine in opener.opened.values())
    assert [engine.closed for engine in opener.opened.values()] == [1, 1, 1, 1]


@pytest.mark.parametrize("opener", ["onet"], indirect=True)
def test_when_one_cannot_be_opened_those_before_it_are_closed(opener: Opener) -> None:
    with pytest.raises(ModelMismatch, match="broken"):
        Networks(NAMED)
    assert [engine.closed for engine in opener.opened.values()] == [1] * len(opener.opened)


def test_without_a_number_of_threads_there_is_one_for_two_cores_at_most_four(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cores, threads in ((1, 1), (2, 1), (6, 3), (64, MOST_THREADS), (None, 1)):
        opener.asked.clear()
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        with Networks(NAMED):
            assert {asked[3] for asked in opener.asked} == {threads}


def test_a_device_without_an_engine_opens_nothing(opener: Opener, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="cuda:99"):
        Networks(EngineConfig(device="cuda:99", cache=tmp_path / "cache"))
    assert opener.asked == []


def test_auto_is_what_the_trial_finds(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def trial(device: str, weights: Path, **how: Any) -> str:
        asked.append((device, weights, how["threads"], how["cache"]))
        return "openvino"

    monkeypatch.setattr(stream.networks, "fastest_engine", trial)
    with Networks(EngineConfig(weights=Path("w"), threads=3, cache=Path("c"))) as networks:
        assert networks.engine_name == "openvino"
    assert asked == [("cpu", Path("w"), 3, Path("c"))]


def test_the_real_networks_find_no_face_in_noise() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    with Networks(NAMED) as networks:
        assert networks.cascade(FacesOptions()).detect(noise) == []
        assert networks.detector.spec.crop is not None


def test_each_device_has_networks_of_its_own_and_a_share_of_the_cores(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    one, other = open_networks(EngineConfig(name="onnxruntime", device="cpu,cpu"))
    assert one.detector is not other.detector
    assert [(device, threads) for _, _, device, threads in opener.asked] == [("cpu", 1)] * 8


@pytest.mark.parametrize("cores", [None, 1])
def test_a_device_has_a_thread_even_where_cores_are_fewer(
    opener: Opener, monkeypatch: pytest.MonkeyPatch, cores: int | None
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    open_networks(EngineConfig(name="onnxruntime", device="cpu,cpu"))
    assert {threads for *_, threads in opener.asked} == {1}


def test_when_the_second_device_fails_the_firsts_networks_are_closed(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Networks] = []

    def once(config: EngineConfig) -> Networks:
        if made:
            raise EngineUnavailable("onnxruntime", "no memory", "use one")
        made.append(Networks(config))
        return made[0]

    monkeypatch.setattr(stream.networks, "Networks", once)
    with pytest.raises(EngineUnavailable, match="no memory"):
        open_networks(EngineConfig(name="onnxruntime", device="cpu,cpu"))
    assert [engine.closed for engine in opener.opened.values()] == [1, 1, 1, 1]


# -- engines that are built first ---------------------------------------------------------------


@pytest.fixture
def unbuilt(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> Opener:
    """tensorrt-rtx has to be built first; onnxruntime-cuda is not installed."""
    monkeypatch.setattr(stream.networks, "choose_engine", lambda name, device: (name, "so"))
    monkeypatch.setattr(
        stream.networks, "build_needed", lambda name, path, **_: name == "tensorrt-rtx"
    )

    def open_one(name: str, path: Path, **how: Any) -> ScriptedEngine:
        if name == "onnxruntime-cuda":
            raise EngineUnavailable(name, "it is not installed", "install it")
        return opener(name, path, **how)

    monkeypatch.setattr(stream.networks, "open_engine", open_one)
    return opener


WANTED = EngineConfig(name="tensorrt-rtx", device="cuda:0")


def test_while_an_engine_is_to_be_built_another_stands_in(unbuilt: Opener) -> None:
    (networks,) = open_networks(WANTED)
    assert networks.engine_name == "onnxruntime"
    assert {device for _, _, device, _ in unbuilt.asked} == {"cpu"}


def test_who_is_patient_gets_the_engine_that_was_asked_for(unbuilt: Opener) -> None:
    (networks,) = open_networks(WANTED, patient=True)
    assert networks.engine_name == "tensorrt-rtx"
    assert {device for _, _, device, _ in unbuilt.asked} == {"cuda:0"}


def test_where_nothing_can_stand_in_the_start_waits_for_the_build(
    unbuilt: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_wanted(name: str, path: Path, **how: Any) -> ScriptedEngine:
        if name != "tensorrt-rtx":
            raise EngineUnavailable(name, "it is not installed", "install it")
        return unbuilt(name, path, **how)

    monkeypatch.setattr(stream.networks, "open_engine", only_wanted)
    (networks,) = open_networks(WANTED)
    assert networks.engine_name == "tensorrt-rtx"
