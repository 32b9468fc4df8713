"""The workflows run the commands that people run, with actions that cannot change under them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from stream.config import REPOSITORY
from tests.deploy.places import WORKFLOWS, document

FILES: Final = sorted(WORKFLOWS.glob("*.yaml"))
MAKEFILE: Final = (REPOSITORY / "Makefile").read_text(encoding="utf-8")

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def steps(file: Path) -> Iterator[dict[str, Any]]:
    for job in document(file)["jobs"].values():
        yield from job.get("steps", ())


def test_they_are_check_image_and_release() -> None:
    assert [file.stem for file in FILES] == ["check", "image", "release"]


@each_file
def test_an_action_is_pinned_by_its_commit(file: Path) -> None:
    used = [step["uses"] for step in steps(file) if "uses" in step]
    assert all(re.search(r"@[0-9a-f]{40}$", action) for action in used)


@each_file
def test_a_workflow_may_read_alone_unless_a_job_says_otherwise(file: Path) -> None:
    assert document(file)["permissions"] == {"contents": "read"}


@each_file
def test_a_job_has_an_end(file: Path) -> None:
    jobs = document(file)["jobs"].values()
    assert all("uses" in job or "timeout-minutes" in job for job in jobs)


@each_file
def test_a_command_has_nothing_of_a_callers_in_it(file: Path) -> None:
    # ${{ … }} is pasted into the script before the shell sees it: the environment is the way.
    assert not [step["run"] for step in steps(file) if "${{" in step.get("run", "")]


def test_every_make_target_is_there_and_all_checks_run() -> None:
    commands = " ".join(step.get("run", "") for step in steps(WORKFLOWS / "check.yaml"))
    targets = set(re.findall(r"\bmake ([a-z-]+)", commands))
    assert targets == {"check", "test", "lint-deploy"}
    assert all(re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) for target in targets)


def test_both_images_are_built_for_both_kinds_of_machine() -> None:
    matrix = document(WORKFLOWS / "image.yaml")["jobs"]["build"]["strategy"]["matrix"]
    assert matrix == {"target": ["cpu", "cuda"], "platform": ["amd64", "arm64"]}


def test_a_release_waits_for_every_check() -> None:
    jobs = document(WORKFLOWS / "release.yaml")["jobs"]
    assert {"version", "check"} <= set(jobs["image"]["needs"])
    assert "image" in jobs["publish"]["needs"]
