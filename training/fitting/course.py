"""Course: how far a run has come, and what follows from that: rate, phase, evaluations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from training.fitting.recipe import Phase, Recipe

LEAST_RATE: Final = 1e-3
"""The schedule's lowest share of the peak rate."""
_ROUNDING: Final = 1e-9


class Course:
    """The one place that knows the run's position; it is saved with every checkpoint.

    Random numbers are a function of (seed, step), so that no other state is needed: a resumed run
    gives the weights of one that was never stopped (as long as `budget_s` does not cut in).
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.step = 0
        self.spent_s = 0.0
        self.evaluations = 0
        self.best = 0.0
        self.improved = False
        self.finished = False

    @property
    def progress(self) -> float:
        """The share of the run that is done, 0..1."""
        return self.progress_at(self.step)

    def progress_at(self, step: int) -> float:
        """The progress at which `step` is made, if no more time than by now were spent."""
        share = step / self.recipe.steps
        if self.recipe.budget_s is not None:
            share = max(share, self.spent_s / self.recipe.budget_s)
        return min(1.0, share)

    @property
    def phase(self) -> Phase:
        """The phase that the next step belongs to."""
        return self.phase_at(self.step)

    def phase_at(self, step: int) -> Phase:
        """The phase that `step` belongs to."""
        phases, progress = self.recipe.phases, self.progress_at(step)
        return next((phase for phase in phases if progress < phase.until), phases[-1])

    @property
    def rate(self) -> float:
        """The share of the peak rate for the next step: linear warm-up, then half a cosine."""
        done, warm = self.progress, self.recipe.warm_up
        level = done / warm if done < warm else 0.5 * (1 + math.cos(math.pi * done))
        return max(level, LEAST_RATE)

    @property
    def seed(self) -> int:
        """The seed of the next step's random numbers."""
        return self.recipe.seed * 1_000_003 + self.step

    @property
    def evaluate_at(self) -> float:
        """The progress at which the weights are evaluated next."""
        return min(1.0, (self.evaluations + 1) * self.recipe.evaluate_every - _ROUNDING)

    @property
    def due(self) -> bool:
        """Whether an evaluation comes before the next step."""
        return self.progress >= self.evaluate_at

    def evaluated(self, auc: float) -> None:
        """Note what the evaluated weights reached; the run is finished when all of it is done."""
        self.improved = auc > self.best
        self.best = max(self.best, auc)
        passed = int(self.progress / self.recipe.evaluate_every + _ROUNDING)
        self.evaluations = max(self.evaluations + 1, passed)
        self.finished = self.finished or self.progress >= 1

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        names = ("step", "spent_s", "evaluations", "best", "improved", "finished")
        return {name: getattr(self, name) for name in names}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; the recipe stays."""
        for name, value in state.items():
            setattr(self, name, value)
