"""Batches for the trainer: made ahead by worker processes, a function of (seed, step) alone."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from training.crops import decode
from training.examples import Draws
from training.fitting.course import Course
from training.fitting.mixup import mix_pairs
from training.manifest import Face

PREFETCH: Final = 3
"""Batches that each worker makes ahead of the optimiser."""
GRACE_S: Final = 15
"""How long a worker outlives SIGTERM: the trainer finishes its step and saves in that time."""
EVALUATED_AT_ONCE: Final = 8


class Order(NamedTuple):
    """The batch of `step`, at `size_px`."""

    step: int
    size_px: int


class Plan(Sampler[Order]):  # type: ignore[misc]  # mypy is kept from reading torch
    """The orders from the present step to the next evaluation, at least one.

    It is asked a few batches ahead of the optimiser, so where time and not steps end a phase, the
    phase and the run end those few batches late.
    """

    def __init__(self, course: Course) -> None:
        self._course = course

    def __iter__(self) -> Iterator[Order]:
        course, step = self._course, self._course.step
        evaluate_at = course.evaluate_at
        yield Order(step, course.phase.size_px)
        while course.progress_at(step := step + 1) < evaluate_at:
            yield Order(step, course.phase_at(step).size_px)


class Examples(Dataset[dict[str, Tensor]]):  # type: ignore[misc]
    """Order -> a batch as tensors, by the names of `training.examples.Batch`."""

    def __init__(self, draws: Draws, course: Course) -> None:
        self._draws = draws
        self._recipe = course.recipe

    def __getitem__(self, order: Order) -> dict[str, Tensor]:
        step, size = order
        batch = self._draws.batch(step * self._recipe.batch, self._recipe.batch, size)
        if self._recipe.pair_mixup > 0:
            rng = np.random.default_rng([self._recipe.seed, step, 1])
            batch = mix_pairs(batch, self._recipe.pair_mixup, rng)
        names = ("pixels", "fake", "masks", "masked")
        return {name: torch.from_numpy(getattr(batch, name)) for name in names}


class Crops(Dataset[dict[str, Any]]):  # type: ignore[misc]
    """Faces of one source at a time, at the size that the run is at: pixels, fake, source."""

    def __init__(self, faces: Sequence[Face], course: Course) -> None:
        self._course = course
        by_source: dict[str, list[Face]] = {}
        for face in faces:
            by_source.setdefault(face.source, []).append(face)
        self._parts = [
            own[start : start + EVALUATED_AT_ONCE]
            for own in by_source.values()
            for start in range(0, len(own), EVALUATED_AT_ONCE)
        ]

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, index: int) -> dict[str, Any]:
        part = self._parts[index]
        return {
            "pixels": torch.from_numpy(crops_of(part, self._course.phase.size_px)),
            "fake": torch.tensor([face.fake for face in part]),
            "source": part[0].source,
        }


def crops_of(faces: Sequence[Face], size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Decode faces to uint8 RGB (N, S, S, 3) at `size` px."""
    area = cv2.INTER_AREA
    return np.stack(
        [np.asarray(cv2.resize(decode(f), (size, size), interpolation=area), np.uint8)
         for f in faces]
    )  # fmt: skip


def training_loader(draws: Draws, course: Course, workers: int) -> DataLoader[dict[str, Tensor]]:
    """Batches by the plan of `course`; with no workers they are made when asked for."""
    ahead: dict[str, Any] = {"prefetch_factor": PREFETCH, "persistent_workers": True}
    return DataLoader(
        Examples(draws, course),
        batch_size=None,
        sampler=Plan(course),
        num_workers=workers,
        worker_init_fn=_start_worker,
        pin_memory=torch.cuda.is_available(),
        **(ahead if workers else {}),
    )


def evaluation_loader(faces: Sequence[Face], course: Course) -> DataLoader[dict[str, Any]]:
    """The crops to evaluate on, part by part."""
    return DataLoader(Crops(faces, course), batch_size=None)


def _start_worker(number: int) -> None:
    del number
    cv2.setNumThreads(1)
    # Signals to the whole group are for the trainer: a worker gone would keep it from saving.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(GRACE_S))
