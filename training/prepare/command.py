"""``python -m training prepare INPUT … --out FOLDER``."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from training.prepare.duplicates import NEAR
from training.prepare.layouts import LAYOUTS
from training.prepare.run import Plan, prepare
from training.prepare.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    usual = Settings()
    known = ", ".join(LAYOUTS)
    parser.add_argument("inputs", metavar="INPUT", type=Path, nargs="+", help=f"a folder: {known}")
    parser.add_argument("--out", type=Path, required=True, help="the folder that is made")
    parser.add_argument(
        "--val-share", type=float, default=0.1, help="share of the groups for val (%(default)s)"
    )
    parser.add_argument(
        "--per-track",
        type=int,
        default=usual.per_track,
        help="crops of a face (%(default)s)",
    )
    parser.add_argument(
        "--margin", type=float, default=usual.margin, help="crop side / box side (%(default)s)"
    )
    parser.add_argument(
        "--looks", type=float, default=usual.looks_per_s, help="frames looked at, 1/s (%(default)s)"
    )
    parser.add_argument(
        "--least-quality", type=float, default=usual.least_quality, help="left out up to this (0)"
    )
    parser.add_argument(
        "--near", type=int, default=NEAR, help="bits by which near-duplicates differ (%(default)s)"
    )
    parser.add_argument("--picture", choices=("jpeg", "png"), default=usual.picture)


def run(parsed: argparse.Namespace, data: Path | None = None) -> None:
    """Run the command; `data` is not needed.

    Raises: OSError, EngineError and ValueError, each with one clear sentence; SystemExit when the
    keyboard stopped it.
    """
    del data
    settings = Settings(
        margin=parsed.margin,
        per_track=parsed.per_track,
        looks_per_s=parsed.looks,
        least_quality=parsed.least_quality,
        picture=parsed.picture,
    )
    plan = Plan(tuple(parsed.inputs), parsed.out, settings, parsed.val_share, parsed.near)
    try:
        report = prepare(plan)
    except KeyboardInterrupt:
        print("training prepare: stopped; the same command goes on", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    facts = report.facts()
    for row in facts["kept"]:
        print(
            f"{row['source']:16} {row['label']:5} {row['split']:6}"
            f"{row['crops']:7} crops of {row['groups']:6} groups"
        )
    for why, count in facts["dropped"].items():
        print(f"dropped {count:6}  {why}")
    for warning in facts["warnings"]:
        print(f"note: {warning}")
    print(f"{parsed.out / 'report.md'} has the details")
