"""An engine's package: missing, broken, half removed; and which GPU an engine takes."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from engines.errors import EngineUnavailable
from engines.package import gpu_number, installed_version, load_package

NAME = "hypothetical_runtime"


def load() -> object:
    return load_package("abacus", NAME, needs="Session", install="pip install it", repair="mend it")


class Raising:
    """Finds the module, and fails to load it."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name == NAME:
            raise self.cause
        return None


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(EngineUnavailable) as caught:
        load()
    assert str(caught.value) == f"engine 'abacus': the package {NAME} is missing; pip install it"


@pytest.mark.parametrize(
    "cause",
    [
        ImportError("libruntime.so.1: cannot open shared object file"),
        ModuleNotFoundError("No module named 'flatbuffers'", name="flatbuffers"),
        OSError("wrong ELF class"),
    ],
    ids=["library", "dependency", "other machine"],
)
def test_a_broken_package_says_why_and_how_to_repair_it(
    monkeypatch: pytest.MonkeyPatch, cause: Exception
) -> None:
    monkeypatch.setattr(sys, "meta_path", [Raising(cause), *sys.meta_path])
    with pytest.raises(EngineUnavailable) as caught:
        load()
    assert f"installed but broken ({cause})" in str(caught.value)
    assert caught.value.remedy == "mend it"


def test_a_half_removed_package_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, NAME, ModuleType(NAME))
    with pytest.raises(EngineUnavailable, match="installed but broken"):
        load()


def test_a_whole_package_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType(NAME)
    package.__dict__["Session"] = object
    monkeypatch.setitem(sys.modules, NAME, package)
    assert load() is package


def test_a_gpu_is_named_by_its_number() -> None:
    assert gpu_number("abacus", "cuda:3") == 3


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:", "cuda:x", "cuda:0,cuda:1"])
def test_any_other_device_is_refused(device: str) -> None:
    with pytest.raises(EngineUnavailable, match="use --device cuda:0"):
        gpu_number("abacus", device)


def test_a_distribution_that_is_not_there_has_no_version() -> None:
    assert installed_version("numpy") != "none"
    assert installed_version("no-such-distribution") == "none"
