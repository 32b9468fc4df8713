"""From an evaluation to the document that says it."""

from __future__ import annotations

from collections.abc import Mapping

from training.evaluate.measures.evaluation import Evaluation
from training.evaluate.report.document import Document, Section, percent
from training.evaluate.report.sections import (
    calibration_section,
    checks_section,
    decisions_section,
    figures_section,
    parts_section,
)
from training.evaluate.report.stress import (
    heatmap_section,
    mask_section,
    robustness_section,
    swap_section,
    verdict_section,
)

HALVES: Mapping[str, str] = {
    "report": "the report half of val: published figures; this look at it was logged",
    "calib": "the calib half of val: for development; thresholds were chosen on it",
    "val": "both halves of val: honest only for models on which neither half had a say",
    "all": "every face of the source, in both splits: honest only for models that never saw it",
}


def make_document(result: Evaluation, facts: Mapping[str, str]) -> Document:
    """Give the report of one list; `facts` go with its own under the title."""
    own = {
        "List": f"{result.list}: {HALVES[result.half]}",
        "Crops": f"{result.reals} real and {result.fakes} fake from {result.groups} groups "
        f"(fakes: {percent(result.prevalence)})",
        "Pictures": "re-encoded at random scale and JPEG quality, both classes alike"
        if result.shared
        else "as stored",
    }
    models = {
        f"Model {name}": f"SHA-256 {headline.sha256[:16]}…"
        for name, headline in result.models.items()
    }
    return Document(
        title=f"Evaluation on {result.list}",
        facts=own | models | dict(facts),
        warnings=_warnings(result),
        sections=tuple(section for section in _sections(result) if section is not None),
    )


def _sections(result: Evaluation) -> list[Section | None]:
    both = bool(result.reals and result.fakes)
    return [
        figures_section(result) if both else None,
        decisions_section(result),
        calibration_section(result) if both else None,
        parts_section(result),
        checks_section(result),
        robustness_section(result.sweep) if result.sweep else None,
        verdict_section(result) if result.verdicts else None,
        swap_section(result) if result.swaps else None,
        mask_section(result) if result.masks else None,
        heatmap_section(result) if result.pointing else None,
    ]


def _warnings(result: Evaluation) -> tuple[str, ...]:
    found = []
    if result.labels_permuted:
        found.append("The labels were shuffled for a check: no figure here means anything but 0.5.")
    if any(part.name == "dfdc" for part in result.sources):
        found.append(
            "DFDC's actors appear under many groups, so they are shared between training and "
            "validation: figures on DFDC flatter a model that was trained on it."
        )
    if result.sharing is not None and result.sharing.leaks:
        found.append(
            "A control without a face tells these classes apart by their files: see Shortcuts."
        )
    return tuple(found)
