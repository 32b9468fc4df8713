"""What moved between two runs: ``python -m benchmarks regress OLD.json NEW.json [--check]``.

A figure has moved when it changed by more than the tolerance and by more than its noise: where both
runs give an interval, these must not overlap; a lone number must change four times as much as the
tolerance says. A percentile's interval is that of its rank (binomial, 95 %), read off the
percentiles that the run stored. Whether a move is for the better goes by the figure's name; peers,
and figures without a known direction, only move. With ``--check`` a figure that became worse, or a
requirement that is no longer met, gives exit code 1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.report import Report, Requirement, parser

TOLERANCE: Final = 0.05
LONE: Final = 4.0
"""A number of a single sample says nothing of its noise: start times differ by tens of percent."""
PERCENTILES: Final = {"min": 0.0, "p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
PEERS: Final = ("naive", "mtcnn", "opencv", "cameras_", "server", "reader_")
DIRECTIONS: Final = (
    ("slope", -1), ("eight_faces", -1), ("ratio", 1), ("per_s", 1), ("fps", 1), ("recall", 1),
    ("iou", 1), ("real_time", 1), ("most", 1), ("matched", 1), ("dropped", -1), ("left_out", -1),
    ("missed", -1), ("_ms", -1), ("_mb", -1), ("cpu", -1), ("start_s", -1), ("first_ms", -1),
    ("error", -1), ("extra", -1), ("more", -1),
)  # fmt: skip
"""What stands in a figure's name, and whether more of it is better; the first one found decides."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and its interval; without one both ends are the number."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Move:
    """A figure that changed by more than noise. `verdict` is better, worse or moved."""

    path: str
    old: Figure
    new: Figure
    verdict: str

    def row(self) -> dict[str, Any]:
        """For the table."""
        change = 100 * (self.new.value / self.old.value - 1) if self.old.value else math.inf
        return {
            "figure": self.path,
            "old": self.old.value,
            "new": self.new.value,
            "change (%)": change,
            "": self.verdict,
        }


def main(arguments: Sequence[str]) -> int:
    """Compare; see `benchmarks.__main__` for the exit codes."""
    made = parser("regress", __doc__ or "")
    made.add_argument("old", type=Path, metavar="OLD.json", help="a stored run")
    made.add_argument("new", type=Path, metavar="NEW.json", help="the run to judge")
    made.add_argument(
        "--tolerance", type=float, default=TOLERANCE, help="share that is no move (%(default)s)"
    )
    options = made.parse_args(arguments)
    try:
        old, new = (json.loads(file.read_text("utf-8")) for file in (options.old, options.new))
        if old["benchmark"] != new["benchmark"]:
            print(f"regress: {old['benchmark']} cannot be compared with {new['benchmark']}")
            return 2
        report = _compare(old, new, options.tolerance)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        print(f"regress: needs two files that benchmarks wrote with --json: {exc}")
        return 2
    return report.finish(options.json, options.check, options.markdown)


def _compare(old: Mapping[str, Any], new: Mapping[str, Any], tolerance: float) -> Report:
    for circumstance in ("machine", "versions"):
        if old[circumstance] != new[circumstance]:
            print(f"Another {circumstance.rstrip('s')}: {old[circumstance]}")
            print(f"  {'now':>{len(circumstance)}}: {new[circumstance]}")
    before, after = dict(figures(old["figures"])), dict(figures(new["figures"]))
    both = [path for path in before if path in after]
    moves = [made for path in both if (made := move(path, before[path], after[path], tolerance))]
    lost = newly_short(old["requirements"], new["requirements"])
    report = Report(
        "regress",
        {
            "of": new["benchmark"],
            "compared": len(both),
            "only_old": sorted(before.keys() - after.keys()),
            "only_new": sorted(after.keys() - before.keys()),
            "moved": [one.row() for one in moves],
            "newly_short": lost,
        },
    )
    print(f"{new['benchmark']}: {len(both)} figures compared, {len(moves)} moved")
    if moves:
        report.show([one.row() for one in moves])
    for name in lost:
        print(f"no longer met: {name}")
    worse = sum(one.verdict == "worse" for one in moves)
    report.requirements += [
        Requirement("figures that became worse", worse, 0, at_least=False),
        Requirement("requirements no longer met", len(lost), 0, at_least=False),
    ]
    return report


def figures(body: Any, path: str = "") -> Iterator[tuple[str, Figure]]:
    """All numbers of a run's figures, by their dotted path. Lists, texts and counts are left out:
    they are series and circumstances.
    """
    if isinstance(body, bool):
        return
    if isinstance(body, int | float):
        yield path, Figure(body, body, body)
    elif isinstance(body, Mapping):
        if {"value", "low", "high"} <= body.keys():
            if None not in (body["value"], body["low"], body["high"]):
                yield path, Figure(body["value"], body["low"], body["high"])
        elif {"count", *PERCENTILES} <= body.keys():
            if None not in body.values():
                yield from ((f"{path}.{name}", rank_interval(body, name))
                            for name in ("p50", "p95", "p99"))  # fmt: skip
        else:
            for name, inner in body.items():
                if name != "count":
                    yield from figures(inner, f"{path}.{name}" if path else str(name))


def rank_interval(body: Mapping[str, Any], name: str) -> Figure:
    """A percentile with the values at both ends of its rank's 95 % interval: how far the rank may
    be off follows from the count alone, whatever the distribution.
    """
    percent = PERCENTILES[name]
    share = percent / 100
    off = 100 * 1.96 * math.sqrt(share * (1 - share) / max(body["count"], 1))
    known = [body[one] for one in PERCENTILES]
    ends = np.interp([percent - off, percent + off], list(PERCENTILES.values()), known)
    return Figure(body[name], float(ends[0]), float(ends[1]))


def move(path: str, old: Figure, new: Figure, tolerance: float) -> Move | None:
    """What became of a figure; None if that may be noise."""
    lone = old.low == old.high and new.low == new.high
    if abs(new.value - old.value) <= tolerance * (LONE if lone else 1) * abs(old.value):
        return None
    if new.low <= old.high and old.low <= new.high:
        return None
    side = direction(path) * (1 if new.value > old.value else -1)
    return Move(path, old, new, {1: "better", 0: "moved", -1: "worse"}[side])


def direction(path: str) -> int:
    """1 where more is better, -1 where less is, 0 where neither is known: the innermost name that
    says so decides.
    """
    names = path.lower().split(".")
    if any(peer in name for name in names for peer in PEERS):
        return 0
    for name in reversed(names):
        for token, sign in DIRECTIONS:
            if token in name:
                return sign
    return 0


def newly_short(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[str]:
    """The requirements that were met before and are not now."""
    before = {one["figure"] for one in old if one["met"]}
    return [one["figure"] for one in new if not one["met"] and one["figure"] in before]
