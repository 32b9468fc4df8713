"""Scores: the logits of a list with what intervals and calibration need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.calibration.levels import calibrated
from training.crops import GEOMETRY
from training.evaluate.examples import Examples
from training.evaluate.lists import load_examples
from training.evaluate.scorers import Identity, open_scorer
from training.metrics import Floats


@dataclass(frozen=True, slots=True)
class Scores:
    """Raw `logits` float64 (N,), before calibration, and what is known of each crop.

    `fake` bool (N,); `groups`, `sources` and `methods` are names; `qualities` float64 (N,) are
    the weights by which the program calibrates.
    """

    logits: Floats
    fake: NDArray[np.bool_]
    groups: tuple[str, ...]
    sources: tuple[str, ...]
    methods: tuple[str, ...]
    qualities: Floats

    @classmethod
    def of(cls, examples: Examples, logits: Floats) -> Scores:
        """Join a list's examples with a model's logits."""
        return cls(
            logits, examples.fake, examples.groups, examples.sources, examples.methods,
            examples.qualities,
        )  # fmt: skip


def score_checkpoint(path: Path, list_name: str, data: Path, threads: int = 1) -> Scores:
    """Score a list with a checkpoint or an exported model, cut as the model wants them.

    Raises: OSError; ValueError; EngineError.
    """
    scorer = open_scorer(path, threads=threads)
    try:
        geometry = replace(scorer.identity.geometry or GEOMETRY, size_px=GEOMETRY.size_px)
        examples = load_examples(list_name, data, geometry)
        return Scores.of(examples, scorer.look(examples.crops)[0])
    finally:
        scorer.close()


def over_threshold(logits: Floats, qualities: Floats, identity: Identity) -> Floats:
    """Calibrated logits (N,) from which the model's frozen threshold was taken off."""
    return calibrated(identity.calibration, logits, qualities) - identity.frozen_logit
