"""The figures of clips for people: lines to print, and a Markdown fragment with the same."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from training.evaluate.clips.figures import Detection, Figures, Source, Times


def write_report(figures: Figures, out: Path) -> None:
    """Write ``clips.json`` and ``clips.md``.

    Raises: OSError.
    """
    out.mkdir(parents=True, exist_ok=True)
    body = json.dumps(_finite(figures.to_body()), indent=2)
    (out / "clips.json").write_text(body + "\n", encoding="utf-8")
    (out / "clips.md").write_text(markdown(figures), encoding="utf-8")


def markdown(figures: Figures) -> str:
    """Give the fragment: real clips, fakes, and what could not be watched."""
    parts = [
        "## Clips through the live pipeline",
        figures.model,
        *_reals(figures),
        *_fakes(figures),
    ]
    if figures.skipped:
        parts.append("Not watched: " + "; ".join(f"{k}: {v}" for k, v in figures.skipped.items()))
    return "\n\n".join(parts) + "\n"


def _reals(figures: Figures) -> list[str]:
    if not figures.real_showings:
        return ["No real clip was watched."]
    rows = [_source(source) for source in figures.sources]
    counts = [
        f"- False alarms, faces that became `fake`: {figures.tracks}",
        f"- The same, streams: {figures.streams}",
        f"- The same for each hour of one face in sight: {figures.per_face_hour}",
        f"- Showings with an alarm: {figures.alarmed_showings} of {figures.real_showings}",
        f"- Real faces: {_times(figures.real)}",
    ]
    note = (
        f"Exact 95 % Poisson intervals over hours. The {figures.real_showings} showings are of "
        f"{len(figures.sources)} sources, so they are not independent: a person whom the network "
        "takes for a fake would alarm in most of their showings."
    )
    return [
        "\n".join(counts),
        note,
        _table(("real clip", "showings", "hours", "alarms", "undecided", "suspicious"), rows),
    ]


def _fakes(figures: Figures) -> list[str]:
    if not figures.detections:
        return ["No fake clip was watched."]
    rows = [_detection(detection) for detection in figures.detections]
    head = ("fake clip", "variant", "length s", "alarm after s", "of a face in sight s", "since s")
    return [_table(head, rows), f"Fake faces: {_times(figures.fake)}"]


def _source(source: Source) -> tuple[str, ...]:
    return (
        source.clip,
        str(source.showings),
        f"{source.hours:.3f}",
        str(source.alarms),
        _share(source.abstained),
        _share(source.suspicious),
    )


def _detection(found: Detection) -> tuple[str, ...]:
    times = (found.after_s, found.after_face_s, found.since_s)
    shown = ("never" if time is None else f"{time:.2f}" for time in times[:2])
    since = "" if found.since_s is None else f"{found.since_s:.2f}"
    return (found.clip, found.variant, f"{found.seconds:.1f}", *shown, since)


def _times(times: Times) -> str:
    reasons = ", ".join(f"{name} {_share(share)}" for name, share in times.reasons.items())
    why = f" (of that {reasons})" if reasons else ""
    return (
        f"{times.face_hours:.3f} h in sight, undecided {_share(times.abstained)}{why}, "
        f"suspicious {_share(times.suspicious)}, fake {_share(times.fake)}"
    )


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1%}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table whose columns are also even to read as plain text."""
    cells = [head, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [_line(row, widths) for row in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    return "| " + " | ".join(f"{c:{w}}" for c, w in zip(row, widths, strict=True)) + " |"


def _finite(value: Any) -> Any:
    """JSON knows no infinity and no NaN: they become null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
