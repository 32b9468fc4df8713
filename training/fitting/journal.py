"""Journal: the run's figures as CSV (and for TensorBoard), and a progress bar."""

from __future__ import annotations

import csv
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import Logger
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from training.fitting.learner import Learner

Watch = Callable[[int, float], None]
"""Called after each evaluation with its number, from 1, and its AUC."""
LOG_EVERY: Final = 10
"""Steps between two rows of the log."""


class CsvLog(Logger):  # type: ignore[misc]  # mypy is kept from reading Lightning
    """Appends ``fit/loss`` and the like to `folder`/fit.csv, ``calib/auc`` to calib.csv.

    Lightning's own CSV logger deletes the earlier rows when a run is resumed.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    @property
    def name(self) -> str:
        """The kind of log."""
        return "csv"

    @property
    def version(self) -> str:
        """There is one: rows are appended."""
        return ""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append one row to the file that the keys' first part names."""
        tables: dict[str, dict[str, Any]] = {}
        for key, value in metrics.items():
            table, _, column = key.partition("/")
            tables.setdefault(table, {"step": step})[column] = value
        for table, row in tables.items():
            append_row(self._folder / f"{table}.csv", row)

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """The recipe stands in the checkpoint."""


class Journal(Callback):  # type: ignore[misc]
    """Logs every few steps and after each evaluation, and shows how far the run is."""

    def __init__(self, show: bool, watch: Watch | None = None) -> None:
        self._watch = watch
        self._show = show
        described = TextColumn("{task.description}")
        columns = (described, BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, disable=not show)
        self._task = self._bar.add_task("fit", total=1.0)

    def on_train_start(self, trainer: Trainer, pl_module: Learner) -> None:
        """Show the bar."""
        del trainer
        self._bar.start()
        self._bar.update(self._task, completed=pl_module.course.progress)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: Learner, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log the losses of every tenth step."""
        del outputs, batch, batch_idx
        course = pl_module.course
        self._bar.update(self._task, completed=course.progress)
        step = course.step
        if step % LOG_EVERY:
            return
        row = {name: float(value) for name, value in pl_module.row.items()}
        size = course.phase.size_px
        self._bar.update(self._task, description=f"step {step} {size} px loss {row['loss']:.3f}")
        row |= {"progress": round(course.progress, 4), "size_px": size}
        _log(trainer, "fit", row, step)

    def on_validation_end(self, trainer: Trainer, pl_module: Learner) -> None:
        """Log the evaluation."""
        course = pl_module.course
        row = {"progress": round(course.progress, 4), "size_px": course.phase.size_px}
        row |= pl_module.scores
        _log(trainer, "calib", row, course.step)
        if self._show:
            self._bar.console.print(f"step {course.step}: calib AUC {row['auc']:.4f}")
        if self._watch is not None:
            self._watch(course.evaluations, row["auc"])

    def teardown(self, trainer: Trainer, pl_module: Learner, stage: str) -> None:
        """Take the bar away."""
        del trainer, pl_module, stage
        self._bar.stop()


def _log(trainer: Trainer, table: str, row: Mapping[str, float], step: int) -> None:
    for logger in trainer.loggers:
        logger.log_metrics({f"{table}/{name}": value for name, value in row.items()}, step=step)


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Append one row to a CSV file, with a header when the file is new."""
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)
