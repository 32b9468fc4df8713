"""Sets: the crops on which variants are judged, read once and disturbed once for all of them."""

from __future__ import annotations

from pathlib import Path

from training.crops import GEOMETRY
from training.evaluate.examples import Examples
from training.evaluate.lists import load_examples
from training.evaluate.measures.disturbed import Level, disturb
from training.evaluate.scorers import open_scorer
from training.evaluate.scoring import Scores


def parse_set(name: str) -> tuple[str, str, float]:
    """Take a set's name apart: ``dfdc-calib``, or ``dfdc-calib@vp8=500`` for one disturbance.

    Gives the list, the kind of disturbance (empty for none) and its level.

    Raises: ValueError for a level that is no number.
    """
    listed, _, disturbance = name.partition("@")
    kind, _, level = disturbance.partition("=")
    try:
        return listed, kind, float(level) if kind else 0.0
    except ValueError as exc:
        raise ValueError(f"the set {name} needs a number after {kind}=") from exc


class Sets:
    """Scores a checkpoint on sets of the folder `data`; called as ``(checkpoint, set)``.

    Of a list with more than `limit` faces so many are drawn. A set's crops stay in memory.
    """

    def __init__(self, data: Path, limit: int | None = None, threads: int = 1) -> None:
        self._data = data
        self._limit = limit
        self._threads = threads
        self._examples: dict[str, Examples] = {}

    def __call__(self, checkpoint: Path, name: str) -> Scores:
        """Give the checkpoint's scores on a set.

        Raises: OSError; ValueError for a set that there is not; EngineError.
        """
        if name not in self._examples:
            self._examples[name] = self._read(name)
        examples = self._examples[name]
        scorer = open_scorer(checkpoint, threads=self._threads)
        try:
            return Scores.of(examples, scorer.look(examples.crops)[0])
        finally:
            scorer.close()

    def _read(self, name: str) -> Examples:
        listed, kind, level = parse_set(name)
        examples = load_examples(listed, self._data, GEOMETRY, self._limit)
        if not kind:
            return examples
        made = disturb(examples, Level(kind, level), self._threads)
        return examples.with_crops(made.crops)
