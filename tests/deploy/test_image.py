"""The Dockerfile, the lists of what it installs, and what of the tree it sees."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from stream.config import REPOSITORY
from tests.deploy.places import DEPLOY

DOCKERFILE: Final = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
LISTS: Final = sorted((DEPLOY / "requirements").glob("*.txt"))
FROM: Final = re.compile(r"^FROM (\S+) AS (\S+)$", re.MULTILINE)


def stages() -> dict[str, tuple[str, str]]:
    """Name -> what it is made from, and its instructions."""
    parts = FROM.split(DOCKERFILE)[1:]
    triples = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return {name: (parent, body) for parent, name, body in triples}


def project() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_stage_goes_back_to_one_base_of_a_known_digest() -> None:
    assert re.search(r"^ARG PYTHON=\S+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    made = stages()
    assert all(parent == "${PYTHON}" or parent in made for parent, _ in made.values())


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_an_image_is_the_hardened_runtime_and_one_environment(target: str) -> None:
    parent, body = stages()[target]
    assert parent == "runtime"
    copies = re.findall(r"^COPY .*$", body, re.MULTILINE)
    assert copies == [f"COPY --from={target}-environment /opt/deepfakestream /opt/deepfakestream"]
    assert not re.search(r"^(RUN|USER)", body, re.MULTILINE)


def test_the_runtime_is_nobody_stops_in_order_and_is_asked_how_it_is() -> None:
    parent, body = stages()["runtime"]
    assert parent == "${PYTHON}", "no build tool can come along"
    for instruction in ("USER 10001:10001", "HEALTHCHECK", "STOPSIGNAL SIGTERM", "ENTRYPOINT"):
        assert f"\n{instruction}" in body
    assert "/readyz" in body


@pytest.mark.parametrize("file", LISTS, ids=lambda file: file.stem)
def test_a_list_pins_everything_by_hash_and_names_no_index(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    pinned = re.findall(r"^([a-z0-9-]+)==\S+.*\\\n    --hash=sha256:", text, re.MULTILINE)
    named = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
    assert len(pinned) == len(named) > 0
    assert "://" not in text


@pytest.mark.parametrize("file", LISTS, ids=lambda file: file.stem)
def test_no_image_holds_torch_or_two_runtimes_of_one_name(file: Path) -> None:
    names = set(re.findall(r"^([a-z0-9-]+)==", file.read_text(encoding="utf-8"), re.MULTILINE))
    assert not names & {"torch", "torchvision", "timm", "lightning", "facenet-pytorch"}
    assert not {"onnxruntime", "onnxruntime-gpu"} <= names


def test_the_build_sees_all_that_the_wheel_is_made_of() -> None:
    ignore = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    seen = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    wheel = project()["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["include"], *wheel["force-include"]}
    assert needed | {"pyproject.toml", "README.md", "LICENSE"} <= seen
    assert ignore[1] == "*", "what is not named is not seen"
