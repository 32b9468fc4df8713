"""How fast each engine runs the detector and MTCNN's networks here, and whether all agree.

Every engine of the program is tried, on the folder of weights that ships and on those that are
named (other precisions, other formats); one that cannot run has a row that says why. The share is
of what a large matrix product in float32 reaches on this machine's processor; a GPU's is not known.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import NOT_RUN, Report, Requirement, parser, percentiles
from engines.base import Engine, Outputs
from engines.canary import input_sides
from engines.errors import EngineError
from engines.precision import FLOAT, INT8, computes_int8
from engines.spec import ModelSpec
from engines.table import ENGINES, open_engine
from stream.config import WEIGHTS, cache_dir
from stream.networks import MOST_THREADS

MODELS: Final = (FLOAT, INT8, "pnet", "rnet", "onet")
BATCHES: Final = (1, 8, 32)
PICTURE: Final = (217, 385)
"""P-Net's input: the first level of a 720p picture's pyramid, smallest face 40 px."""
PLACES: Final = {"onnxruntime": ("cpu",), "openvino": ("cpu",), "torch": ("cpu", "cuda:0")}
"""Where an engine is tried; all others on a GPU."""
REFERENCE: Final = "onnxruntime"
WARM_CALLS: Final = 14
"""More than any engine needs before its graphs are captured and its memory is taken."""
MOST_CALLS: Final = 200
LEAST_CALLS: Final = 5
PEAK_SIDE: Final = 1024
AGREES: Final = {"fp32": 1e-3, "fp16": 0.05, "int8": 0.5}
"""Largest difference from the reference, by the precision of the weights."""


@dataclass(frozen=True, slots=True)
class Case:
    """One folder of weights on one engine and device."""

    engine: str
    device: str
    weights: Path


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; see `benchmarks.__main__` for the exit codes."""
    made = parser("engines", __doc__ or "")
    made.set_defaults(device=None)
    made.add_argument(
        "--weights", type=Path, action="append", default=[], metavar="DIR", help="another folder"
    )
    made.add_argument("--seconds", type=float, default=1.0, help="for each row (%(default)s)")
    options = made.parse_args(arguments)
    names = list(ENGINES) if options.engine == "auto" else [options.engine]
    report = Report("engines")
    peak = peak_gflops()
    rows: list[dict[str, Any]] = []
    for case in cases(names, options.device, [WEIGHTS, *options.weights]):
        rows += _rows(case, peak, options.seconds)
    print(f"A matrix product of {PEAK_SIDE}³ in float32 reaches {peak:.0f} GFLOP/s here.\n")
    report.show(_models())
    report.show(rows)
    for row in rows:
        if "why" in row:
            print(f"{NOT_RUN}: {row['why']}")
    report.figures = {"peak_gflops": peak, "models": _models(), "rows": rows}
    report.requirements = _requirements(rows)
    return report.finish(options.json, options.check, options.markdown)


def cases(names: Sequence[str], device: str | None, folders: Sequence[Path]) -> Iterator[Case]:
    """Each engine on each of its devices with each folder of weights."""
    for name in names:
        for place in (device,) if device else PLACES.get(name, ("cuda:0",)):
            yield from (Case(name, place, folder) for folder in folders)


def peak_gflops() -> float:
    """What the processor reaches at best: the quickest of some large matrix products."""
    values = np.random.default_rng(0).random((PEAK_SIDE, PEAK_SIDE), np.float32)
    best_s = min(_seconds(lambda: values @ values) for _ in range(30))
    operations = 2.0 * PEAK_SIDE * PEAK_SIDE * PEAK_SIDE
    return operations / best_s / 1e9


def _rows(case: Case, peak: float, seconds: float) -> list[dict[str, Any]]:
    rows = []
    for model in _models_of(case):
        path = case.weights / f"{model}.json"
        head = {"engine": case.engine, "device": case.device, "model": model}
        try:
            with open_engine(
                case.engine, path, device=case.device, threads=_threads(), cache=cache_dir()
            ) as engine:
                rows += [
                    head | _measured(engine, path, batch, peak, seconds)
                    for batch in _batches(engine.spec)
                ]
        except EngineError as exc:
            return [head | {"model": NOT_RUN} | _empty() | {"why": str(exc)}]
    return rows


def _models_of(case: Case) -> list[str]:
    """Those that the case has: int8 is for some engines, and not in every folder."""
    there = (case.weights / f"{INT8}.json").is_file()
    has_small = there and computes_int8(case.engine, case.device)
    return [model for model in MODELS if model != INT8 or has_small]


def _measured(
    engine: Engine, path: Path, batch: NDArray[np.uint8], peak: float, seconds: float
) -> dict[str, Any]:
    outputs = engine.infer(batch)
    for _ in range(WARM_CALLS):
        engine.infer(batch)
    taken_s: list[float] = []
    while len(taken_s) < LEAST_CALLS or (sum(taken_s) < seconds and len(taken_s) < MOST_CALLS):
        taken_s.append(_seconds(lambda: engine.infer(batch)))
    times = percentiles(taken_s)
    median_s = float(times["p50"] or 0.0)
    speed = _gflop(engine.spec, batch) / median_s
    return {
        "precision": engine.spec.precision,
        "batch": len(batch),
        "median ms": 1000 * median_s,
        "p99 ms": 1000 * float(times["p99"] or 0.0),
        "calls": len(taken_s),
        "samples/s": len(batch) / median_s,
        "GFLOP/s": speed,
        "of peak": f"{speed / peak:.0%}" if engine.device == "cpu" else "-",
        "difference": difference(outputs, _reference(path, engine.spec, batch)),
        "provider": engine.provider,
    }


def _empty() -> dict[str, Any]:
    columns = ("precision", "batch", "median ms", "p99 ms", "calls", "samples/s", "GFLOP/s")
    return dict.fromkeys((*columns, "of peak", "difference", "provider"))


def _reference(path: Path, spec: ModelSpec, batch: NDArray[np.uint8]) -> Outputs:
    """What ONNX Runtime gives: for weights in another format or precision, the float ones that
    ship.
    """
    plain = spec.format == "onnx" and spec.precision == "fp32"
    shipped = WEIGHTS / path.name.replace(INT8, FLOAT)
    with open_engine(REFERENCE, path if plain else shipped) as engine:
        return engine.infer(batch)


def difference(outputs: Outputs, expected: Outputs) -> float:
    """The largest difference of any output; NaN where one is no number."""
    return max(
        (float(np.abs(outputs[name] - values).max()) for name, values in expected.items()),
        default=float("nan"),
    )


def _requirements(rows: Sequence[dict[str, Any]]) -> list[Requirement]:
    ran = [row for row in rows if row["batch"] is not None]
    return [
        Requirement("engines that ran", len({row["engine"] for row in ran}), 1),
        *(
            Requirement(
                f"largest difference of {precision} outputs from {REFERENCE}'s",
                max(row["difference"] for row in ran if row["precision"] == precision),
                allowed,
                at_least=False,
            )
            for precision, allowed in AGREES.items()
            if any(row["precision"] == precision for row in ran)
        ),
    ]


def _models() -> list[dict[str, Any]]:
    specs = {model: ModelSpec.load(WEIGHTS / f"{model}.json") for model in MODELS}
    return [
        {"model": model, "parameters": spec.parameters, "GFLOP": spec.gflop, "for": _unit(spec)}
        for model, spec in specs.items()
    ]


def _unit(spec: ModelSpec) -> str:
    return "a megapixel" if _is_free(spec) else "a crop"


def _is_free(spec: ModelSpec) -> bool:
    return any(isinstance(side, str) for side in spec.inputs[0].shape[1:])


def _batches(spec: ModelSpec) -> list[NDArray[np.uint8]]:
    """Batches of noise; P-Net gets one picture, as in the pyramid."""
    sides = PICTURE if _is_free(spec) else input_sides(spec)
    rng = np.random.default_rng(0)
    counts = (1,) if _is_free(spec) else BATCHES
    return [rng.integers(0, 256, (count, *sides, 3), dtype=np.uint8) for count in counts]


def _gflop(spec: ModelSpec, batch: NDArray[np.uint8]) -> float:
    one = spec.gflop or float("nan")
    count, height, width = batch.shape[:3]
    return one * float(count * (height * width / 1e6 if _is_free(spec) else 1))


def _threads() -> int:
    return min(os.cpu_count() or 1, MOST_THREADS)


def _seconds(call: Callable[[], Any]) -> float:
    begin_s = time.perf_counter()
    call()
    return time.perf_counter() - begin_s
