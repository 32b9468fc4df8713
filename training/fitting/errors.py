"""Stopped: a run that a signal ended, with nothing lost."""

from __future__ import annotations

import signal


class Stopped(Exception):
    """A signal ended the run at `step`, which its checkpoint holds, or before it had begun."""

    def __init__(self, number: int, step: int | None = None) -> None:
        super().__init__(number, step)
        self.number = number
        self.step = step

    def __str__(self) -> str:
        name = signal.Signals(self.number).name
        if self.step is None:
            return f"stopped by {name} before a step was made: the same command starts again"
        return f"stopped by {name} at step {self.step}: the same command goes on from there"
