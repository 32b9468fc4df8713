"""The program itself, over files as fast as they are taken, and what it says of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engines.spec import ModelSpec
from stream.config import REPOSITORY
from training.evaluate.clips.watched import Watch, Watched

PROGRAM: Final = (sys.executable, str(REPOSITORY / "run_stream.py"))
ONCE: Final = ("--fast", "--once", "--no-serve", "--jsonl", "-")
ENGINE: Final = ("--engine", "onnxruntime")
"""Not the fastest here: scores shall be the same on every machine."""
CASCADE: Final = ("pnet", "rnet", "onet")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How the program is run: its folder of weights, and further ``section.key=value`` settings."""

    weights: Path
    settings: tuple[str, ...] = ()

    def watch(self, clips: Sequence[Path]) -> list[Watched | str]:
        """Run the clips as streams of one process; for each its course, or why there is none."""
        watches = [Watch() for _ in clips]
        seen = [False] * len(clips)
        with self.messages(clips) as (lines, said):
            for message in lines:
                index = int(message["stream_id"].removeprefix("clip"))
                watches[index].add(message)
                seen[index] = True
            why = said()
        return [
            watch.ended() if any_message else (why or "the program said nothing of it")
            for watch, any_message in zip(watches, seen, strict=True)
        ]

    @contextmanager
    def messages(
        self, clips: Sequence[Path]
    ) -> Iterator[tuple[Iterator[Mapping[str, Any]], Callable[[], str]]]:
        """Run the program; give its messages as they come, and what tells its last error line.

        Stream ids are ``clip0``, ``clip1`` and so on. Leaving early ends the program.
        """
        sources = [f"clip{index}={clip}" for index, clip in enumerate(clips)]
        weights = ("--set", f"engine.weights={self.weights}")
        extra = [word for setting in self.settings for word in ("--set", setting)]
        command = [*PROGRAM, *sources, *ONCE, *ENGINE, *weights, *extra]
        with (
            tempfile.TemporaryFile("w+") as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
        ):
            assert process.stdout is not None

            def said() -> str:
                process.wait()
                errors.seek(0)
                lines = [line.strip() for line in errors if line.startswith("run_stream:")]
                return lines[-1].removeprefix("run_stream: ") if lines else ""

            try:
                yield _messages(process.stdout), said
            finally:
                process.terminate()


@contextmanager
def pipeline(model: Path, settings: tuple[str, ...] = ()) -> Iterator[Pipeline]:
    """Give a pipeline with the model whose spec lies at `model`, beside the cascade that ships.

    Raises: ModelMismatch for the spec or its file.
    """
    weights = ModelSpec.load(model).verify(model)
    with tempfile.TemporaryDirectory(prefix="clips-weights-") as folder:
        place = Path(folder)
        shutil.copy(model, place / "detector.json")
        (place / weights.name).symlink_to(weights.resolve())
        for name in CASCADE:
            for ending in (".json", ".onnx"):
                (place / (name + ending)).symlink_to(REPOSITORY / "weights" / (name + ending))
        yield Pipeline(place, settings)


def _messages(lines: Iterator[str]) -> Iterator[Mapping[str, Any]]:
    for line in lines:
        message = json.loads(line)
        if "summary" not in message:
            yield message
