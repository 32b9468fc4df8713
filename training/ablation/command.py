"""``python -m training ablate``: variants of a recipe at the same budget, in one table."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.ablation.plan import Plan
from training.ablation.run import ablate
from training.ablation.sets import Sets
from training.fitting.command import add_machine, machine_of
from training.fitting.faces import faces_of, imagenet_weights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--config", type=Path, required=True, metavar="TOML")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--limit", type=int, metavar="N", help="draw so many crops of each set")
    add_machine(parser)


def run(parsed: argparse.Namespace, data: Path) -> None:
    """Run the plan, or go on with it, and print the table.

    Raises: as `training.fitting.run.fit`; EngineError.
    """
    plan = Plan.load(parsed.config)
    sets = Sets(data, parsed.limit, parsed.threads)
    machine = machine_of(parsed)
    print(ablate(plan, faces_of(data), imagenet_weights(data), sets, parsed.out, machine))
