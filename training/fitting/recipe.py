"""Recipe: what a training run does, as one TOML file says it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from training.examples import Mix
from training.network import NetworkConfig

SCRATCH: Final = "scratch"
"""A `Recipe.start` from no weights at all, for trunks that there are none of."""
Precision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True, slots=True)
class Phase:
    """Train at `size_px` until the run's progress (0..1) reaches `until`."""

    until: float
    size_px: int


@dataclass(frozen=True, slots=True)
class Teacher:
    """A finished checkpoint whose logits the network is to repeat.

    Its loss has the share `weight`, the labels' the rest; `temperature` softens both logits.
    """

    checkpoint: str
    weight: float = 0.7
    temperature: float = 2.0

    def __post_init__(self) -> None:
        if not (0 <= self.weight <= 1 and self.temperature > 0):
            raise ValueError("teacher.weight is a share, teacher.temperature positive")


@dataclass(frozen=True, slots=True)
class Recipe:
    """The TOML file's keys; `mix`, `network` and `teacher` are tables.

    `budget_s` ends the run after so many seconds of training even where `steps` are not done:
    progress, which the schedule and the phases follow, is the larger of the two shares.
    `start` is a finished checkpoint whose weights are taken over, or ``scratch``; without it the
    trunk starts from ImageNet. `patience` ends the run after so many evaluations (one for each
    `evaluate_every` of progress) without a better AUC on *calib*, and then the best weights are
    kept; without it the last are. A share `pair_mixup` of the aligned pairs has its fake mixed
    with its real.
    """

    steps: int
    batch: int = 32
    seed: int = 0
    budget_s: float | None = None
    phases: tuple[Phase, ...] = (Phase(1.0, 224),)
    start: str | None = None
    precision: Precision = "fp32"
    trunk_rate: float = 6e-4
    head_rate: float = 2e-3
    weight_decay: float = 0.02
    warm_up: float = 0.05
    smoothing: float = 0.02
    focal_gamma: float = 0.0
    pair_mixup: float = 0.0
    mask_weight: float = 0.3
    ema_decay: float = 0.998
    clip_norm: float = 5.0
    checkpoint_every_s: float = 180.0
    evaluate_every: float = 0.125
    patience: int | None = None
    tensorboard: bool = False
    teacher: Teacher | None = None
    mix: Mix = field(default_factory=Mix)
    network: NetworkConfig = field(default_factory=NetworkConfig)

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 2 or self.batch % 2:
            raise ValueError("steps must be positive, batch even and at least 2")
        if self.precision not in get_args(Precision):
            raise ValueError(f"precision is one of {', '.join(get_args(Precision))}")
        if not self.phases or any(phase.size_px % 32 for phase in self.phases):
            raise ValueError("a phase's size_px must be a multiple of 32, and one phase is needed")
        if not self.evaluate_every > 0:
            raise ValueError("evaluate_every must be positive")

    @classmethod
    def load(cls, path: Path) -> Recipe:
        """Read a recipe from TOML.

        Raises: OSError, tomllib.TOMLDecodeError; TypeError for a key that there is not;
        ValueError for a value that makes no sense.
        """
        return cls.parse(tomllib.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Recipe:
        """Build a recipe from a mapping such as `asdict` gives.

        Raises: TypeError and ValueError as `load`.
        """
        values = dict(body)
        if "phases" in values:
            values["phases"] = tuple(Phase(**phase) for phase in values["phases"])
        if values.get("teacher") is not None:
            values["teacher"] = Teacher(**values["teacher"])
        values["mix"] = Mix(**values.get("mix", {}))
        values["network"] = NetworkConfig(**values.get("network", {}))
        return cls(**values)
