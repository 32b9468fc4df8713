"""Command line: ``python -m export detector|mtcnn``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

from engines.errors import EngineError
from stream.config import WEIGHTS


def main(arguments: list[str] | None = None) -> int:
    """Run one export; 0 when it was written, 1 with one line on standard error when not."""
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    detector = commands.add_parser("detector", help="the trained detector")
    detector.add_argument("--checkpoint", type=Path, required=True, metavar="FILE")
    detector.add_argument("--precision", choices=("fp32", "fp16"), default="fp32")
    detector.add_argument("--out", type=Path, default=WEIGHTS, metavar="DIR")
    detector.add_argument(
        "--parity-crops", type=int, metavar="N",
        help="also compare probabilities of torch, fp32 and fp16 on N crops of the data folder",
    )  # fmt: skip
    mtcnn = commands.add_parser("mtcnn", help="the three networks of facenet-pytorch's MTCNN")
    mtcnn.add_argument("--out", type=Path, default=WEIGHTS, metavar="DIR")
    parsed = parser.parse_args(arguments)
    return COMMANDS[parsed.command](parsed)


def _detector(parsed: argparse.Namespace) -> int:
    # Imported when named: each export needs only its own packages.
    module = import_module("export.detector")
    parity = import_module("export.parity")
    failures = (parity.ParityFailed, EngineError, OSError, ValueError, RuntimeError)
    try:
        differences = module.export_detector(parsed.checkpoint, parsed.precision, parsed.out)
    except failures as exc:
        print(f"export detector: {_line(exc)}; nothing was written", file=sys.stderr)
        return 1
    for name, difference in differences.items():
        print(f"{name}: {difference}")
    print(f"wrote {parsed.out / 'detector.onnx'} and {parsed.out / 'detector.json'}")
    return 0 if not parsed.parity_crops else _probabilities(module, parsed)


def _probabilities(module: ModuleType, parsed: argparse.Namespace) -> int:
    found, origin = module.compare_probabilities(parsed.checkpoint, parsed.parity_crops)
    print(f"on {origin}:")
    for agreement in found:
        print(f"  {agreement}")
    if all(agreement.fits for agreement in found):
        return 0
    print("export detector: the probabilities differ too much", file=sys.stderr)
    return 1


def _mtcnn(parsed: argparse.Namespace) -> int:
    module = import_module("export.mtcnn")
    try:
        module.export_mtcnn(parsed.out)
    except (module.ExportError, EngineError, OSError) as exc:
        print(f"export mtcnn: {_line(exc)}", file=sys.stderr)
        return 1
    return 0


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "detector": _detector,
    "mtcnn": _mtcnn,
}

if __name__ == "__main__":
    sys.exit(main())
