"""Errors of the engines, by what the reader has to do about them.

EngineError
├── EngineUnavailable   install or repair a package, or choose another engine or device
├── ModelMismatch       the weight file and its spec do not belong together: fetch or export again
└── InferenceFailed     the runtime refused this very call
"""

from __future__ import annotations

from pathlib import Path


class EngineError(Exception):
    """Root of everything that an engine raises."""


class EngineUnavailable(EngineError):
    """The engine cannot run here: `problem` says why, `remedy` what to do about it."""

    def __init__(self, engine: str, problem: str, remedy: str) -> None:
        super().__init__(engine, problem, remedy)
        self.engine = engine
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"engine {self.engine!r}: {self.problem}; {self.remedy}"


class ModelMismatch(EngineError):
    """A weight file or its spec is missing, corrupt, or made for something else."""

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        super().__init__(path, problem, remedy)
        self.path = path
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"model {self.path}: {self.problem}; {self.remedy}"


class InferenceFailed(EngineError):
    """The runtime raised while it ran; the engine stays open and later calls may succeed."""

    def __init__(self, model: str, problem: str) -> None:
        super().__init__(model, problem)
        self.model = model
        self.problem = problem

    def __str__(self) -> str:
        return f"inference with {self.model!r} failed: {self.problem}"
