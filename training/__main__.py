"""Command line: ``python -m training fit|evaluate|margin``."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np

from engines.errors import EngineError
from engines.table import open_engine
from stream.config import REPOSITORY, data_dir
from stream.faces.cascade import Cascade
from stream.faces.options import FacesOptions
from training.data import decode, load_faces
from training.evaluate import LISTS, evaluate
from training.fit import Recipe
from training.margin import measure_margin
from training.run import fit

WEIGHTS: Final = REPOSITORY / "weights"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it is done, 1 with one line on standard error when it cannot be."""
    parsed = _parser().parse_args(arguments)
    data = data_dir()
    if data is None:
        print("training: no data folder: set DEEPFAKESTREAM_DATA to it", file=sys.stderr)
        return 1
    try:
        COMMANDS[parsed.command](parsed, data)
    except (OSError, EngineError, tomllib.TOMLDecodeError, TypeError, ValueError) as exc:
        print(f"training {parsed.command}: {exc}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("fit", help="train, or go on with a run that was stopped")
    train.add_argument("--config", type=Path, default=Path(__file__).parent / "first.toml")
    train.add_argument("--out", type=Path, default=Path("runs/first"))
    train.add_argument("--threads", type=int, default=2)
    judge = commands.add_parser("evaluate", help="the model card's figures")
    judge.add_argument("--model", type=Path, default=WEIGHTS / "detector.json")
    judge.add_argument("--list", choices=(*LISTS, "all"), default="dfdc-val")
    judge.add_argument("--threads", type=int, default=2)
    margin = commands.add_parser("margin", help="how tightly the DFDC crops are cut")
    margin.add_argument("--crops", type=int, default=250)
    return parser


def _fit(parsed: argparse.Namespace, data: Path) -> None:
    fit(Recipe.load(parsed.config), data, parsed.out, parsed.threads)


def _evaluate(parsed: argparse.Namespace, data: Path) -> None:
    for name in LISTS if parsed.list == "all" else [parsed.list]:
        print(name)
        for figure in evaluate(parsed.model, name, data, parsed.threads):
            print(f"  {figure}")


def _margin(parsed: argparse.Namespace, data: Path) -> None:
    faces = load_faces(data, "train", ["dfdc-train.tar"])
    picked = np.random.default_rng(0).choice(len(faces), min(parsed.crops, len(faces)), False)
    crops = [decode(faces[index]) for index in picked]
    with ExitStack() as opened:
        pnet, rnet, onet = (
            opened.enter_context(open_engine("onnxruntime", WEIGHTS / f"{name}.json"))
            for name in ("pnet", "rnet", "onet")
        )
        margins = measure_margin(crops, Cascade(pnet, rnet, onet, FacesOptions()))
    print("padding     faces  crop side / box side    box centre right, down (share of the side)")
    for found in margins:
        scale = " ".join(f"{value:6.3f}" for value in found.scale)
        print(
            f"{found.padding:10} {found.faces:6}  {scale}   "
            f"{found.right[1]:+.3f} {found.down[1]:+.3f}"
        )


COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace, Path], None]]] = {
    "fit": _fit,
    "evaluate": _evaluate,
    "margin": _margin,
}

if __name__ == "__main__":
    sys.exit(main())
