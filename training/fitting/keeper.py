"""Keeper: writes checkpoints, in time and when a signal asks the run to stop."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.plugins.io import TorchCheckpointIO

from training.checkpoint import save
from training.fitting.errors import Stopped
from training.fitting.learner import Learner

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class WholeFiles(TorchCheckpointIO):  # type: ignore[misc]  # mypy is kept from reading Lightning
    """Writes a checkpoint so that a crash leaves either the old or the new one."""

    def save_checkpoint(
        self, checkpoint: Mapping[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write beside `path`, then take its place."""
        del storage_options
        save(checkpoint, Path(path))


class Keeper(Callback):  # type: ignore[misc]
    """Saves every `every_s` seconds, after each evaluation, and before it ends on a signal.

    Between a step that makes an evaluation due and that evaluation nothing is saved: a resumed
    run would evaluate one step later. With `best`, the checkpoint of the highest AUC is kept there
    too. A second signal ends the program at once, as it would
    without this.

    Raises: Stopped, out of the trainer's ``fit``.
    """

    def __init__(self, path: Path, every_s: float, best: Path | None = None) -> None:
        self._path = path
        self._best = best
        self._every_s = every_s
        self._saved_s = time.monotonic()
        self._signal = 0
        self._started = False
        self._before: dict[int, Any] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note signals from now on; only Python's main thread can.

        Until the first step there is nothing to save, and one ends the run at once.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._before = {number: signal.signal(number, self._noted) for number in SIGNALS}
        try:
            yield
        finally:
            self._give_back()
            self._before = {}

    def on_train_start(self, trainer: Trainer, pl_module: Learner) -> None:
        """Take the signals back from Lightning, which would end the run without saving."""
        del trainer, pl_module
        self._saved_s = time.monotonic()
        self._started = True
        for number in self._before:
            signal.signal(number, self._noted)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: Learner, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save when it is time to, or when a signal came."""
        del outputs, batch, batch_idx
        waited = time.monotonic() - self._saved_s
        if (self._signal or waited >= self._every_s) and not pl_module.course.due:
            self._save(trainer)
            self._end(pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Learner) -> None:
        """Save after an evaluation, and end the run when all of it is done."""
        pl_module.course.finished |= trainer.should_stop
        trainer.should_stop = pl_module.course.finished
        self._save(trainer)
        if self._best is not None and pl_module.course.improved:
            partial = self._best.with_suffix(".partial")
            shutil.copyfile(self._path, partial)
            partial.replace(self._best)
        self._end(pl_module)

    def _save(self, trainer: Trainer) -> None:
        trainer.save_checkpoint(self._path)
        self._saved_s = time.monotonic()

    def _end(self, learner: Learner) -> None:
        if self._signal and not learner.course.finished:
            raise Stopped(self._signal, learner.course.step)

    def _noted(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._signal = number
        self._give_back()
        if not self._started:
            raise Stopped(number)

    def _give_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
