"""Command line: ``python -m training COMMAND``; each command lies in a module of its own."""

from __future__ import annotations

import argparse
import signal
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from engines.errors import EngineError
from stream.config import data_dir
from training.fitting.errors import Stopped


@dataclass(frozen=True, slots=True)
class Command:
    """A command's place and what it does, in a line.

    Its module has ``add_arguments(parser)`` and ``run(parsed, data)``, and is imported when it
    is named: what one command needs takes seconds to import.
    """

    module: str
    help: str
    needs_data: bool = True


COMMANDS: Final[Mapping[str, Command]] = {
    "prepare": Command(
        "training.prepare.command", "videos and pictures -> face crops and a manifest", False
    ),
    "fit": Command("training.fitting.command", "train, or go on with a run that was stopped"),
    "search": Command("training.search", "tune a recipe's numbers with Optuna"),
    "cross-validate": Command("training.folds", "train and measure on folds of the groups"),
    "distil": Command("training.distil", "train a smaller network from a larger one"),
    "average": Command("training.average", "average the weights of networks of one start"),
    "ablate": Command("training.ablation.command", "variants of a recipe, judged in one table"),
    "calibrate": Command(
        "training.calibration.command", "probabilities by quality, and the alarm's threshold"
    ),
    "evaluate": Command("training.evaluate.command", "score models on faces and clips; reports"),
    "margin": Command("training.margin", "how tightly the DFDC crops are cut"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    0 when it is done, 1 with one line on standard error when it cannot be, 128 and the signal's
    number when a signal stopped it and it can go on.
    """
    given = sys.argv[1:] if arguments is None else arguments
    parsed = _parser(given).parse_args(given)
    command = COMMANDS[parsed.command]
    data = getattr(parsed, "data", None) or data_dir()
    if data is None and command.needs_data:
        message = "no data folder: give --data, or set DEEPFAKESTREAM_DATA to it"
        print(f"training: {message}", file=sys.stderr)
        return 1
    try:
        import_module(command.module).run(parsed, data)
    except Stopped as stop:
        print(f"training {parsed.command}: {stop}", file=sys.stderr)
        return 128 + stop.number
    except KeyboardInterrupt:
        print(f"training {parsed.command}: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    except (OSError, EngineError, tomllib.TOMLDecodeError, TypeError, ValueError) as exc:
        print(f"training {parsed.command}: {' '.join(str(exc).split())}", file=sys.stderr)
        return 1
    return 0


def _parser(given: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        own = commands.add_parser(name, help=command.help)
        if command.needs_data:
            own.add_argument(
                "--data", type=Path, metavar="DIR", help="the data folder (DEEPFAKESTREAM_DATA)"
            )
        if name in given[:1]:
            import_module(command.module).add_arguments(own)
    return parser


if __name__ == "__main__":
    sys.exit(main())
