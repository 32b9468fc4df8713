"""Command line: ``python -m export detector|mtcnn|canary``; the formats are in docs/formats.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

from engines.errors import EngineError
from engines.rtx_header import PORTABLE
from stream.config import WEIGHTS


def main(arguments: list[str] | None = None) -> int:
    """Run one export; 0 when it was written, 1 with one line on standard error when not."""
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    detector = commands.add_parser("detector", help="the trained detector")
    detector.add_argument("--checkpoint", type=Path, metavar="FILE", help="needed for ONNX")
    detector.add_argument("--precision", choices=("fp32", "fp16", "bf16", "int8"), default="fp32")
    _add_formats(detector)
    detector.add_argument(
        "--parity-crops", type=int, metavar="N",
        help="also compare probabilities of torch, fp32 and fp16 on N crops of the data folder",
    )  # fmt: skip
    mtcnn = commands.add_parser("mtcnn", help="the three networks of facenet-pytorch's MTCNN")
    _add_formats(mtcnn)
    canary = commands.add_parser("canary", help="write anew what the models answer to the canary")
    canary.add_argument("--weights", type=Path, default=WEIGHTS, metavar="DIR")
    parsed = parser.parse_args(arguments)
    if parsed.command == "canary":
        return _canary(parsed)
    if parsed.command == "detector" and parsed.precision == "int8":
        if parsed.format != "onnx":
            parser.error("export detector: --precision int8 is for --format onnx")
        if parsed.checkpoint:
            parser.error("export detector: --precision int8 is made of an ONNX file: --from-onnx")
        return _quantised(parsed)
    if parsed.format != "onnx":
        return _other_format(parsed)
    if parsed.command == "detector" and parsed.checkpoint is None:
        parser.error("export detector: --checkpoint is needed")
    if parsed.command == "detector" and parsed.precision == "bf16":
        parser.error("export detector: --precision bf16 is for --format torch")
    parsed.out = parsed.out or WEIGHTS
    return COMMANDS[parsed.command](parsed)


def _add_formats(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", choices=("onnx", *FORMATS), default="onnx")
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="the weights' folder; runs/FORMAT if not ONNX"
    )
    command.add_argument(
        "--from-onnx",
        type=Path,
        default=WEIGHTS,
        metavar="PATH",
        help="another format, and int8, is made from this ONNX file, or the one in this folder "
        "(%(default)s)",
    )
    command.add_argument(
        "--capabilities",
        default=",".join(PORTABLE),
        metavar="LIST",
        help="compute capabilities that a tensorrt-rtx engine is for (%(default)s)",
    )
    command.add_argument(
        "--compile", action="store_true", help="have torch compile the program where it is opened"
    )  # fmt: skip


def _other_format(parsed: argparse.Namespace) -> int:
    # Imported when named: each export needs only its own packages.
    module = import_module(FORMATS[parsed.format])
    out = parsed.out or Path("runs") / parsed.format
    written = 0
    try:
        for line in module.export_models(parsed, out):
            print(line)
            written += 1
    except (EngineError, OSError, ValueError, RuntimeError) as exc:
        left = "the models above were written" if written else "nothing was written"
        print(f"export {parsed.command}: {_line(exc)}; {left}", file=sys.stderr)
        return 1
    print(f"serve them with --engine {parsed.format} --set engine.weights={out}")
    return 0


def _detector(parsed: argparse.Namespace) -> int:
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


def _quantised(parsed: argparse.Namespace) -> int:
    module = import_module("export.quantised")
    failures = (module.NotWorthIt, EngineError, OSError, ValueError, RuntimeError)
    try:
        judgement = module.export_quantised(parsed.from_onnx, parsed.out)
    except failures as exc:
        print(f"export detector: {_line(exc)}; nothing was written", file=sys.stderr)
        return 1
    print(judgement)
    print("count calibration and alarm anew: python -m training calibrate --model …int8.json")
    return 0


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


def _canary(parsed: argparse.Namespace) -> int:
    module = import_module("export.canary")
    specs = sorted(parsed.weights.glob("*.json"))
    try:
        for spec in specs:
            module.write_canary(spec)
    except (EngineError, OSError) as exc:
        print(f"export canary: {_line(exc)}", file=sys.stderr)
        return 1
    print(f"wrote the canary of {', '.join(spec.stem for spec in specs) or 'no model'}")
    return 0


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


FORMATS: Final[Mapping[str, str]] = {
    "tensorrt-rtx": "export.tensorrt_rtx",
    "torch": "export.torch_program",
    "torch-tensorrt": "export.torch_tensorrt",
}
"""Format -> the module that exports both commands' models to it."""

COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "detector": _detector,
    "mtcnn": _mtcnn,
}

if __name__ == "__main__":
    sys.exit(main())
