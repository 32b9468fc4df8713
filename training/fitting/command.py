"""``python -m training fit``: train by a TOML recipe, or go on with a run that was stopped."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.fitting.recipe import Recipe
from training.fitting.run import Machine, fit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--config", type=Path, required=True, metavar="TOML")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/<recipe's name>")
    add_machine(parser)


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Declare how the machine is used; for all commands that train."""
    parser.add_argument("--threads", type=int, default=2, help="of the network's arithmetic")
    parser.add_argument("--workers", type=int, default=1, help="processes that make batches")


def machine_of(parsed: argparse.Namespace) -> Machine:
    """Read what `add_machine` declared."""
    return Machine(threads=parsed.threads, workers=parsed.workers)


def run(parsed: argparse.Namespace, data: Path) -> None:
    """Train; `data` is the folder of faces and ImageNet weights."""
    out = parsed.out or Path("runs") / parsed.config.stem
    print(f"wrote {fit(Recipe.load(parsed.config), data, out, machine_of(parsed))}")
