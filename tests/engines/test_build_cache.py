"""BuildCache: built once, whole or not there, and never from what others could have written."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from engines.build_cache import MANIFEST, BuildCache, BuildKey
from engines.errors import EngineUnavailable
from stream.config import REPOSITORY

KEY = BuildKey("ab12", "RTX 4090 8.9", "580.1", "abacus 1.0", "fp16", "1-32")


class Builder:
    """Writes one file and one in a folder; counts how often."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, folder: Path) -> None:
        self.runs += 1
        (folder / "engine.bin").write_text(f"run {self.runs}")
        (folder / "timing").mkdir()
        (folder / "timing" / "cache").write_bytes(b"\0")


@pytest.fixture
def cache(tmp_path: Path) -> BuildCache:
    return BuildCache(tmp_path / "cache", "abacus")


@pytest.fixture
def build() -> Builder:
    return Builder()


def test_what_was_built_is_found_again(cache: BuildCache, build: Builder) -> None:
    assert cache.find(KEY) is None
    entry = cache.built(KEY, build)
    assert (entry / "engine.bin").read_text() == "run 1"
    assert cache.built(KEY, build) == cache.find(KEY) == entry
    assert build.runs == 1


def test_the_folder_is_for_its_owner_alone(
    cache: BuildCache, build: Builder, tmp_path: Path
) -> None:
    cache.built(KEY, build)
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "cache" / "abacus").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("field", ["model", "gpu", "driver", "runtime", "precision", "profile"])
def test_whatever_a_build_depends_on_makes_it_another(field: str) -> None:
    assert replace(KEY, **{field: "other"}).digest != KEY.digest


def test_the_manifest_says_what_it_was_built_for(cache: BuildCache, build: Builder) -> None:
    body = json.loads((cache.built(KEY, build) / MANIFEST).read_text())
    assert body["key"]["gpu"] == "RTX 4090 8.9"
    assert sorted(body["files"]) == ["engine.bin", "timing/cache"]


def truncate(entry: Path) -> None:
    (entry / "engine.bin").write_text("")


def lose(entry: Path) -> None:
    (entry / "engine.bin").unlink()


def slip_in(entry: Path) -> None:
    (entry / "extra.so").write_bytes(b"\x7fELF")


def break_manifest(entry: Path) -> None:
    (entry / MANIFEST).write_text("[")


def empty_manifest(entry: Path) -> None:
    (entry / MANIFEST).write_text("{}")


def forge_key(entry: Path) -> None:
    text = (entry / MANIFEST).read_text()
    (entry / MANIFEST).write_text(text.replace("RTX 4090 8.9", "RTX 3060 8.6"))


@pytest.mark.parametrize(
    "damage", [truncate, lose, slip_in, break_manifest, empty_manifest, forge_key]
)
def test_a_corrupt_or_foreign_entry_is_logged_and_built_anew(
    cache: BuildCache,
    build: Builder,
    damage: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    damage(cache.built(KEY, build))
    with caplog.at_level(logging.WARNING):
        assert cache.find(KEY) is None
    assert "built anew" in caplog.text
    assert (cache.built(KEY, build) / "engine.bin").read_text() == "run 2"
    assert cache.find(KEY)


def test_what_grows_in_use_is_replaced_whole(cache: BuildCache, build: Builder) -> None:
    cache.replace(KEY, build)
    assert (cache.replace(KEY, build) / "engine.bin").read_text() == "run 2"
    assert cache.find(KEY)


def test_a_build_that_fails_leaves_nothing(cache: BuildCache, tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise EngineUnavailable("abacus", "out of beads", "buy some")

    with pytest.raises(EngineUnavailable, match="out of beads"):
        cache.built(KEY, fail)
    assert cache.find(KEY) is None
    assert [path.name for path in (tmp_path / "cache" / "abacus").iterdir()] == ["lock"]


def test_what_a_killed_build_left_is_swept_away(
    cache: BuildCache, build: Builder, tmp_path: Path
) -> None:
    left = tmp_path / "cache" / "abacus" / "building-x"
    cache.replace(KEY, build)
    (left / "fresh").mkdir(parents=True)
    cache.replace(KEY, build)
    assert not left.exists()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write_is_refused(
    cache: BuildCache, build: Builder, tmp_path: Path, mode: int
) -> None:
    cache.built(KEY, build)
    (tmp_path / "cache").chmod(mode)
    with pytest.raises(EngineUnavailable, match=r"others may write .*; chmod 700 it, or set engin"):
        cache.find(KEY)
    with pytest.raises(EngineUnavailable, match="others may write"):
        cache.replace(KEY, build)


def test_another_users_folder_is_refused_and_roots_is_not(
    cache: BuildCache, build: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.built(KEY, build)
    owner = SimpleNamespace(st_uid=4711, st_mode=0o40700)
    monkeypatch.setattr(Path, "stat", lambda path, **_: owner)
    with pytest.raises(EngineUnavailable, match=r"belongs to another user \(4711\); set engine"):
        cache.find(KEY)
    owner.st_uid = 0
    assert cache._is_there(Path("cache"))
    owner.st_uid = os.geteuid()
    assert cache._is_there(Path("cache"))


def test_a_folder_that_cannot_be_read_is_unavailable(
    cache: BuildCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(EngineUnavailable, match=r"cannot be read .*Permission denied"):
        cache.find(KEY)


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path, build: Builder) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EngineUnavailable, match=r"cannot be written .*; set engine"):
        BuildCache(tmp_path / "file" / "cache", "abacus").built(KEY, build)
    assert build.runs == 0


ANOTHER_PROCESS = """
import sys
from pathlib import Path
from engines.build_cache import BuildCache
from tests.engines.test_build_cache import KEY

def build(folder):
    print("building", flush=True)
    sys.stdin.readline()
    (folder / "engine.bin").write_text("theirs")

BuildCache(Path(sys.argv[1]), "abacus").built(KEY, build)
"""


def test_while_another_process_builds_one_waits_and_takes_its_result(
    cache: BuildCache, build: Builder, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ANOTHER_PROCESS, str(tmp_path / "cache")],
        cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == "building\n"
        assert cache.find(KEY) is None, "half a build is none"
        other.stdin.write("go\n")
        other.stdin.flush()
        assert (cache.built(KEY, build) / "engine.bin").read_text() == "theirs"
    assert build.runs == 0
