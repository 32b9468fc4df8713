"""BuildCache: what a runtime builds in minutes, kept for the next start.

One design for all of them: TensorRT's engine and timing caches, engines built ahead of time,
runtime caches, compiled modules. An entry is a folder, named by the hash of all that its content
depends on, that appears whole or not at all::

    CACHE/ENGINE/DIGEST/manifest.json   the key in full, SHA-256 of each file
    CACHE/ENGINE/DIGEST/…               what the runtime wrote
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from engines.errors import EngineUnavailable
from engines.spec import sha256_of

log = logging.getLogger(__name__)

MANIFEST: Final = "manifest.json"
OWN: Final = "set engine.cache to a folder that belongs to this user alone"
WRITABLE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class BuildKey:
    """All that a build depends on: another value of any field is another build.

    `model` is the weight file's SHA-256, `gpu` the name and compute capability (or the processor's
    name), `runtime` the package with its version, `profile` the shapes and options built for.
    """

    model: str
    gpu: str
    driver: str
    runtime: str
    precision: str
    profile: str

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the fields: the name of the entry's folder."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


class BuildCache:
    """The builds of one engine under `folder`, which is made at the first build.

    Several processes may share it: one builds, the others wait for it and take the result.
    Nothing is read from a folder that another user than root could have written, since what
    lies in it is run: TensorRT engines hold code.
    """

    def __init__(self, folder: Path, engine: str) -> None:
        self._root = folder
        self._folder = folder / engine
        self._engine = engine

    def find(self, key: BuildKey) -> Path | None:
        """Give the folder of a whole entry, None if there is none.

        A corrupt or foreign one counts as none: it is logged here, and the next build takes its
        place.

        Raises: EngineUnavailable for a cache folder that others may write.
        """
        for folder in (self._root, self._folder):
            if not self._is_there(folder):
                return None
        entry = self._folder / key.digest
        if not entry.exists():
            return None
        if problem := _problem(entry, key):
            log.warning("cache of %s: %s; the entry is built anew", self._engine, problem)
            return None
        return entry

    def built(self, key: BuildKey, build: Callable[[Path], None]) -> Path:
        """Give the entry's folder: the one that is there, else what `build` makes.

        `build` gets an empty folder to write into; what it raises goes to the caller and leaves
        nothing behind. It may take minutes, during which other processes wait for the same cache.

        Raises: EngineUnavailable when the cache folder cannot be written, or others may write it.
        """
        if found := self.find(key):
            return found
        with self._locked():
            return self.find(key) or self._write(key, build)

    def replace(self, key: BuildKey, build: Callable[[Path], None]) -> Path:
        """Write the entry whether it is there or not: for what grows while it is used.

        Raises: as `built`.
        """
        with self._locked():
            return self._write(key, build)

    def _write(self, key: BuildKey, build: Callable[[Path], None]) -> Path:
        entry = self._folder / key.digest
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="building-") as scratch:
            fresh, old = Path(scratch) / "fresh", Path(scratch) / "old"
            fresh.mkdir()
            build(fresh)
            files = {_name(file, fresh): sha256_of(file) for file in _files(fresh)}
            body = {"key": asdict(key), "files": files}
            (fresh / MANIFEST).write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
            if entry.exists():
                entry.rename(old)  # goes with the scratch folder
            fresh.rename(entry)
        return entry

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the cache's lock; it is the kernel's, so a killed process leaves none behind."""
        try:
            for folder in (self._root, self._folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._is_there(folder)
            handle = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            problem = f"the cache folder cannot be written ({exc})"
            raise EngineUnavailable(self._engine, problem, OWN) from exc
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._sweep()
            yield
        finally:
            os.close(handle)

    def _sweep(self) -> None:
        """Remove what a killed process left: under the lock, nobody else is building."""
        for left in self._folder.glob("building-*"):
            shutil.rmtree(left, ignore_errors=True)

    def _is_there(self, folder: Path) -> bool:
        """Whether the folder exists; refuses one that another user could have written."""
        try:
            about = folder.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as exc:
            problem = f"the cache folder cannot be read ({exc})"
            raise EngineUnavailable(self._engine, problem, OWN) from exc
        if about.st_uid not in (0, os.geteuid()):
            problem = f"the cache folder {folder} belongs to another user ({about.st_uid})"
            raise EngineUnavailable(self._engine, problem, OWN)
        if about.st_mode & WRITABLE_BY_OTHERS:
            problem = f"others may write the cache folder {folder}"
            raise EngineUnavailable(self._engine, problem, f"chmod 700 it, or {OWN}")
        return True


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and file.name != MANIFEST)


def _name(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _problem(entry: Path, key: BuildKey) -> str | None:
    """Say what is wrong with an entry, None if it is whole and really the key's."""
    try:
        body: Any = json.loads((entry / MANIFEST).read_text(encoding="utf-8"))
        files, made_for = dict(body["files"]), dict(body["key"])
        actual = {_name(file, entry): sha256_of(file) for file in _files(entry)}
    except (OSError, ValueError, KeyError, TypeError) as exc:
        return f"{entry.name[:12]}… is corrupt ({exc!r})"
    if made_for != asdict(key):
        return f"{entry.name[:12]}… was built for something else"
    if changed := sorted(files.items() ^ actual.items()):
        return f"{entry.name[:12]}… has a changed file, {changed[0][0]}"
    return None
