"""The report's parts on changed pictures: disturbances, calls, channel swap, masks, heat map."""

from __future__ import annotations

from training.evaluate.measures.channel_swap import Swapped
from training.evaluate.measures.evaluation import Evaluation
from training.evaluate.measures.robustness import LevelResult, Sweep
from training.evaluate.measures.verdicts import SECONDS, VerdictLevel
from training.evaluate.report.document import (
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
from training.evaluate.report.levels import AXES, plot_abstained, plot_models


def robustness_section(sweep: Sweep) -> Section:
    """Curves and one table for each model."""
    models = list(sweep.undisturbed.models)
    still = sweep.undisturbed
    blocks: list[Block] = [
        Text(
            f"The same {still.reals} reals and {still.fakes} fakes, drawn once from the list, at "
            "each level of one disturbance alone. Bitrates are those of a call of 640×360 px at 25 "
            "frames a second in which the crop is the speaker's face; every crop is a real encode "
            "of a clip, so most of these levels are made of a third of the faces. Dotted lines are "
            "the undisturbed crops."
        ),
        Plot("auc-levels", plot_models(sweep, models, "auc", "AUC", "auc-levels"),
             "AUC against each disturbance, from the mildest on the left, brightness from dark "
             "to bright; bands are 95 % intervals.",
             "AUC against each disturbance"),
        Plot("fpr-levels", plot_models(sweep, models, "fpr", "FPR", "fpr-levels"),
             "False positive rate at the frozen threshold: reals called fake, whether or not the "
             "program would judge them.", "False positive rate against each disturbance"),
        Plot("abstained-levels", plot_abstained(sweep, "abstained-levels"),
             "Share of crops too poor to be judged: the program abstains.",
             "Share abstained against each disturbance"),
        Plot("alarm-levels", plot_models(sweep, models, "alarms", "FPR, judged", "alarm-levels"),
             "Reals called fake and good enough to be judged, as a share of all reals: what is "
             "left of the false positives once the program abstains.",
             "False alarms after abstention against each disturbance"),
    ]  # fmt: skip
    blocks += [_levels(sweep, name) for name in models]
    return Section("Codec, scale, blur, noise and light", tuple(blocks))


def verdict_section(result: Evaluation) -> Section:
    """What the program says of people in calls, one table for each model."""
    first = result.verdicts[0]
    text = (
        f"{first.reals} real and {first.fakes} fake faces, each as the speaker in a call of "
        f"640×360 px for {SECONDS:g} s: what is scored four times a second goes through the "
        "window, the sum and the verdict that run live, at the rate of false alarms that is the "
        "default. Alarm: share of people who raise one. Suspicious and undecided: share of time, "
        "suspicious counting alarms in. A still that sways does not turn or speak as people do."
    )
    header = ("call", "alarm, real [95 %]", "alarm, fake", "suspicious, real [95 %]",
              "suspicious, fake", "undecided, real [95 %]", "undecided, fake")  # fmt: skip
    tables = [
        Table(name, header, tuple(_verdict_row(level, name) for level in result.verdicts))
        for name in first.of_real
    ]
    return Section("Verdicts in calls", (Text(text), *tables))


def _verdict_row(level: VerdictLevel, model: str) -> tuple[str, ...]:
    real, fake = level.of_real[model], level.of_fake[model]
    title, unit = AXES[level.kind]
    return (
        f"{title} {level.level:g} {unit}",
        with_interval(real.alarmed), number(fake.alarmed.value),
        with_interval(real.accused), number(fake.accused.value),
        with_interval(real.undecided), number(fake.undecided.value),
    )  # fmt: skip


def swap_section(result: Evaluation) -> Section:
    """Matched and swapped AUCs, a table for each pair of qualities."""
    text = (
        "A model that sees faces does about as well when the two classes are coded differently as "
        "when they are coded alike; one that reads the codec does not. The gap is the largest "
        "distance of a swapped AUC from a matched one."
    )
    header = ("model", "both low", "both high", "real low, fake high", "real high, fake low", "gap")
    tables = [
        Table(
            f"AUC, low: {swap.low}, high: {swap.high} ({swap.crops} crops)",
            header,
            tuple(_swapped(name, found) for name, found in swap.models.items()),
        )
        for swap in result.swaps
    ]
    return Section("Channel swap", (Text(text), *tables))


def _swapped(name: str, found: Swapped) -> tuple[str, ...]:
    cells = (found.both_low, found.both_high, found.real_low, found.fake_low)
    return (name, *(with_interval(one) for one in cells), number(found.gap))


def mask_section(result: Evaluation) -> Section:
    """What is left when a part of the crop is hidden."""
    names = list(result.masks[0].auc)
    rows = tuple(
        (one.shown, percent(one.area), *(with_interval(one.auc[name]) for name in names))
        for one in result.masks
    )
    return Section(
        "Masks",
        (
            Text(
                "All but one part of the crop is painted grey. The face's outline follows from its "
                "five landmarks; the inner face is that outline shrunk to 75 %, the ring reaches "
                "from there to 112 %. A swap leaves the background alone: an AUC above 0.5 there "
                "comes from the scene, the person or the codec. The models never saw such "
                "pictures, so a low figure elsewhere does not prove that a part is not used."
            ),
            Table(
                f"AUC on {result.masks[0].crops} crops",
                ("shown", "share of the crop", *names),
                rows,
            ),
        ),
    )


def heatmap_section(result: Evaluation) -> Section:
    """Pointing game and IoU."""
    kept = [one for one in result.pointing if one.method == "all"]
    methods = list(dict.fromkeys(one.method for one in result.pointing if one.method != "all"))
    by_map = {(one.map, one.method): one for one in result.pointing}
    rows = tuple((one.map, with_interval(one.hits, 2), with_interval(one.iou, 2)) for one in kept)
    cells = tuple(
        (one.map, *(f"{by_map[one.map, m].hits.value:.2f} / {by_map[one.map, m].iou.value:.2f}"
                    for m in methods))
        for one in kept
    )  # fmt: skip
    return Section(
        "Heat map",
        (
            Text(
                f"On {kept[0].faces} forgeries made from the list's reals, whose mask is known, "
                "after a random re-encoding. Pointing: the map's highest point lies in the mask. "
                "IoU: overlap of the mask with as many of the map's highest pixels. Faces fill the "
                "middle of a crop, so chance is high, and pointing at the centre is the bar to "
                "beat."
            ),
            Table("All forgeries", ("map", "pointing [95 %]", "IoU [95 %]"), rows),
            Table("Pointing / IoU by method", ("map", *methods), cells),
        ),
    )


def _levels(sweep: Sweep, model: str) -> Table:
    rows = tuple(_row(one, model) for one in (sweep.undisturbed, *sweep.levels))
    header = ("level", "reals + fakes", "AUC", "AUC lost", "FPR", "recall", "FPR, judged",
              "abstained, real", "abstained, fake")  # fmt: skip
    return Table(f"{model} at each level", header, rows)


def _row(level: LevelResult, model: str) -> tuple[str, ...]:
    found = level.models[model]
    title, unit = AXES.get(level.kind, (level.kind, ""))
    name = "undisturbed" if level.kind == "none" else f"{title} {level.level:g}"
    name += " kbit/s" if unit == "kbit/s" else ""
    return (
        name,
        f"{level.reals} + {level.fakes}",
        with_interval(found.auc),
        "" if level.kind == "none" else signed(found.lost),
        percent(found.fpr.value),
        percent(found.recall.value),
        percent(found.alarms.value),
        percent(level.abstained_real),
        percent(level.abstained_fake),
    )
