"""Sharing: the models beside the control, on crops as stored and after one shared re-encoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from training.evaluate.control import control_logits
from training.evaluate.examples import Examples
from training.evaluate.measures.bench import Bench, Figure, figure
from training.metrics import Floats, auc

CONTROL: Final = "control"
LEAKS_ABOVE: Final = 0.60
"""Where the control does better on the stored files, figures on these say less than they seem."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """AUCs by model, the control being one; `control_from` says what it learnt from."""

    stored: Mapping[str, Figure]
    shared: Mapping[str, Figure]
    control_from: str

    @property
    def leaks(self) -> bool:
        """Whether the stored files tell the classes apart without a face."""
        return CONTROL in self.stored and self.stored[CONTROL].value > LEAKS_ABOVE


def measure_sharing(
    bench: Bench, stored: Examples, training: Examples | None, control: bool
) -> Sharing | None:
    """Score the list as `stored` and re-encoded; None for one class.

    The bench's own list is one of the two. With `control` a control learns from `training`, as
    stored and re-encoded, or by folds of the list itself where that is None.
    """
    if bench.fake.all() or not bench.fake.any():
        return None
    forms = {}
    for kind, examples in (("stored", stored), ("shared", stored.reencoded())):
        if examples.shared == bench.examples.shared:
            logits = {name: judged.logits for name, judged in bench.judged.items()}
        else:
            judged = bench.judge(examples, bench.qualities)
            logits = {name: found.logits for name, found in judged.items()}
        if control:
            bench.step(f"the control looks at the {kind} files")
            logits[CONTROL] = _control(examples, training)
        forms[kind] = {
            name: figure(auc, values, bench.fake, bench.resampling)
            for name, values in logits.items()
        }
    learnt = "the training split" if training is not None else "other groups of the list, in folds"
    return Sharing(forms["stored"], forms["shared"], learnt)


def _control(examples: Examples, training: Examples | None) -> Floats:
    if training is not None and examples.shared:
        training = training.reencoded()
    return control_logits(examples, training)
