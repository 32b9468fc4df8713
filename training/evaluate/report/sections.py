"""The report's parts on a list as it is: figures, confusion, calibration, sources, pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from training.evaluate.measures.breakdown import Part
from training.evaluate.measures.evaluation import Evaluation
from training.evaluate.measures.headline import FIGURES, Headline
from training.evaluate.measures.sharing import CONTROL, LEAKS_ABOVE
from training.evaluate.report.curves import (
    plot_curves,
    plot_parts,
    plot_reliability,
    quality_words,
)
from training.evaluate.report.document import (
    ABSENT,
    Block,
    Plot,
    Section,
    Table,
    Text,
    number,
    percent,
    signed,
    with_interval,
)

RANKING: Final = ("AUC", "AUC, calibrated", "average precision", "EER", "TPR at FPR 1 %")
DECIDING: Final = (
    "accuracy", "balanced accuracy", "precision", "recall", "F1", "FPR",
)  # fmt: skip
MEANING: Final = (
    "log loss", "log loss, uncalibrated", "Brier score", "ECE", "ECE, uncalibrated",
)  # fmt: skip

Cell = Callable[[str], str]


def figures_section(result: Evaluation) -> Section:
    """Ranking, decisions, and the curves."""
    blocks: list[Block] = [
        Text(
            "AUC, average precision, EER and TPR at FPR 1 % say how well fakes rank above reals "
            "and need no threshold. Chance is an AUC of 0.5 and an average precision of "
            f"{number(result.prevalence, 2)}."
        ),
        _figures("Ranking", RANKING, result.models),
    ]
    if any(headline.roc for headline in result.models.values()):
        svg = plot_curves(result.models, result.prevalence)
        caption = "Dotted lines are chance; bands, for up to three models, 95 % intervals by point."
        blocks.append(Plot("curves", svg, caption, "ROC and precision-recall curves of all models"))
    if result.differences:
        rows = tuple((f"{one.first} − {one.second}", signed(one.auc)) for one in result.differences)
        caption = "Difference in AUC on the same crops, by paired bootstrap"
        blocks.append(Table(caption, ("models", "difference [95 %]"), rows))
    return Section("Ranking", tuple(blocks))


def decisions_section(result: Evaluation) -> Section:
    """Confusion and rates at the frozen threshold."""
    rows = tuple(
        (
            name,
            f"{headline.threshold:g}",
            *(str(value) for value in (
                headline.confusion.true_fake, headline.confusion.missed_fake,
                headline.confusion.false_alarm, headline.confusion.true_real,
            )),
        )
        for name, headline in result.models.items()
    )  # fmt: skip
    header = ("model", "threshold", "fakes called fake", "fakes missed", "reals called fake",
              "reals passed")  # fmt: skip
    return Section(
        "Decisions at the frozen threshold",
        (
            Text(
                "A crop is called fake where its calibrated probability lies above the threshold "
                "that is frozen with the model. Accuracy, precision and F1 depend on the share of "
                f"fakes, which is {percent(result.prevalence)} here; at one fake in a thousand "
                "calls, precision would be far lower. One crop is no verdict: the program sums "
                "evidence over time, and abstains where quality is poor."
            ),
            Table("Confusion matrix", header, rows),
            _figures("Rates", DECIDING, result.models),
        ),
    )


def calibration_section(result: Evaluation) -> Section:
    """Do the probabilities mean what they say?"""
    blocks: list[Block] = [
        Text(
            "ECE is the mean distance between the probability said and the share of fakes seen, "
            "over 15 bins of equal mass; on few crops it is above 0 by chance alone, the more so "
            "in its interval. A log loss of 0.693 and a Brier score of 0.25 are chance."
        ),
        _figures("Probabilities", MEANING, result.models),
    ]
    for name, headline in result.models.items():
        if headline.reliability:
            words = ", ".join(
                f"{quality_words(part)}: ECE {part.ece.value:.3f}" for part in headline.reliability
            )
            caption = f"{name}, with 95 % intervals of the share of fakes. {words}."
            svg = plot_reliability(name, headline.reliability)
            blocks.append(Plot(f"reliability-{name}", svg, caption, f"Reliability of {name}"))
    return Section("Calibration", tuple(blocks))


def parts_section(result: Evaluation) -> Section:
    """By source and by method."""
    blocks: list[Block] = []
    for title, parts in (("source", result.sources), ("method", result.methods)):
        if not parts:
            continue
        blocks += _parts(title, parts, result.models)
        if len(parts) > 1 and any(part.reals and part.fakes for part in parts):
            svg = plot_parts(parts, list(result.models), title)
            caption = f"AUC by {title} with 95 % intervals."
            blocks.append(Plot(f"by-{title}", svg, caption, f"AUC by {title}"))
    return Section("By source and method", tuple(blocks))


def checks_section(result: Evaluation) -> Section | None:
    """Pairs, the codec control, permuted labels."""
    blocks: list[Block] = []
    if result.pairs is not None:
        rows = tuple((n, with_interval(f)) for n, f in result.pairs.above.items())
        caption = f"Fakes that score above their own real (groups with both: {result.pairs.groups})"
        blocks.append(Table(caption, ("model", "share [95 %]"), rows))
    if result.sharing is not None:
        blocks += _sharing(result)
    if result.permuted is not None:
        one = result.permuted
        blocks.append(
            Text(
                "Label permutation, a check of this evaluation: with the labels shuffled "
                f"{'200 times'} the first model's AUC is {one.mean:.3f} "
                f"[{one.low:.3f}, {one.high:.3f}]; it must be 0.5."
            )
        )
    return Section("Shortcuts", tuple(blocks)) if blocks else None


def _sharing(result: Evaluation) -> list[Block]:
    found = result.sharing
    assert found is not None
    rows = tuple(
        (name, with_interval(found.stored[name]), with_interval(found.shared[name]))
        for name in found.stored
    )
    caption = "AUC on the crops as stored, and after one shared re-encoding"
    blocks: list[Block] = [Table(caption, ("model", "as stored", "re-encoded"), rows)]
    if CONTROL in found.stored:
        text = (
            "The control is a logistic regression that sees codec, size and sharpness, and no "
            f"face; it learnt from {found.control_from}. "
        )
        text += (
            f"On the stored files it is above {LEAKS_ABOVE:.2f}: they tell the classes apart "
            "without a face, so read the re-encoded column."
            if found.leaks
            else f"It is not above {LEAKS_ABOVE:.2f}, so the files themselves tell little."
        )
        blocks.append(Text(text))
    return blocks


def _figures(caption: str, names: Sequence[str], models: Mapping[str, Headline]) -> Table:
    rows = tuple(
        (name, *(_cell(headline, name) for headline in models.values()))
        for name in names
        if any(name in headline.figures for headline in models.values())
    )
    return Table(caption, ("figure [95 %]", *models), rows)


def _cell(headline: Headline, name: str) -> str:
    assert name in FIGURES
    found = headline.figures.get(name)
    return ABSENT if found is None else with_interval(found)


def _parts(title: str, parts: Sequence[Part], models: Mapping[str, object]) -> list[Block]:
    """AUC where a part has both classes, and the reals called fake."""
    sizes = {part.name: (part.name, str(part.reals), str(part.fakes)) for part in parts}
    ranked = tuple(
        (*sizes[part.name], *(with_interval(part.auc[name]) for name in models))
        for part in parts
        if part.reals and part.fakes
    )
    alarms = tuple(
        (*sizes[part.name], *(with_interval(part.false_alarms[name]) for name in models))
        for part in parts
        if part.reals
    )
    header = (title, "reals", "fakes", *models)
    found: list[Block] = []
    if ranked:
        found.append(Table(f"AUC by {title}", header, ranked))
    if alarms and title == "source":
        found.append(Table(f"False positive rate by {title}", header, alarms))
    return found
