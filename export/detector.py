"""The detector's checkpoint -> one ONNX file with its ModelSpec, parity proven on the way.

SRM and normalisation are in the graph: uint8 RGB crops (batch, S, S, 3) go in, the logit (batch,)
and the heat map (batch, 14, 14) come out as float32, at either precision.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import timm
import torch
from torch.utils.flop_counter import FlopCounterMode

from engines.spec import AlarmModel, Calibration, CropGeometry, ModelSpec, TensorSpec, sha256_of
from export.canary import write_canary
from export.onnx_file import write_onnx
from export.parity import (
    Agreement,
    Difference,
    Tolerance,
    agreements,
    check_parity,
    engine_logits,
    parity_crops,
    torch_logits,
)
from stream.config import REPOSITORY
from training.checkpoint import load_network, read_checkpoint
from training.network import HEATMAP_SIDE, Detector

Precision = Literal["fp32", "fp16"]

TOLERANCES: Final[Mapping[Precision, Tolerance]] = {
    "fp32": Tolerance(logit=1e-3, heatmap=1e-4),
    "fp16": Tolerance(logit=0.05, heatmap=0.02),
}


def export_detector(checkpoint: Path, precision: Precision, out: Path) -> dict[str, Difference]:
    """Write ``detector.onnx`` and ``detector.json`` into `out`; give the parity's differences.

    The checkpoint is what `training.fitting.run.fit` leaves as ``detector.pt``. Both files appear
    only once the exported network, opened by the engine that serves it, agrees with torch.

    Raises: ParityFailed (nothing is written); OSError; ValueError for a file that is no
    finished checkpoint; RuntimeError for weights of another network.
    """
    state = read_checkpoint(checkpoint)
    network = load_network(state)
    crops, origin = parity_crops(network.config.size_px)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as folder:
        spec = _write(state, precision, Path(folder), {"parity_crops": origin})
        # The reference stays in float32: what fp16 loses is part of what is judged.
        differences = check_parity(network, spec, crops, TOLERANCES[precision])
        write_canary(spec)
        for path in (spec.with_suffix(".onnx"), spec):
            path.replace(out / path.name)
    return differences


def compare_probabilities(checkpoint: Path, count: int) -> tuple[list[Agreement], str]:
    """Score `count` crops with torch and with the file at either precision, two by two.

    Also gives where the crops come from. Nothing is kept.

    Raises: as `export_detector`; no ParityFailed, since the answer says it.
    """
    state = read_checkpoint(checkpoint)
    network = load_network(state)
    crops, origin = parity_crops(network.config.size_px, count)
    logits = {"torch": torch_logits(network, crops)}
    with tempfile.TemporaryDirectory() as folder:
        for precision in TOLERANCES:
            spec = _write(state, precision, Path(folder), {})
            logits[f"ONNX {precision}"] = engine_logits(spec, crops)
    return agreements(logits, Calibration.from_body(state["calibration"])), origin


def write_network(network: Detector, path: Path) -> None:
    """Capture the network as an ONNX file with a dynamic batch and everything else fixed."""
    size = network.config.size_px
    example = torch.zeros((2, size, size, 3), dtype=torch.uint8)
    write_onnx(network, example, path, "crops", ["logit", "heatmap"], [0])


def _write(
    state: Mapping[str, Any], precision: Precision, folder: Path, noted: Mapping[str, Any]
) -> Path:
    """Write both files into `folder`; give the spec's path."""
    network = load_network(state)
    gflop, parameters = _cost(network)
    size = network.config.size_px
    model = folder / "detector.onnx"
    write_network(network.halved() if precision == "fp16" else network, model)
    spec = ModelSpec(
        name="detector",
        file=model.name,
        sha256=sha256_of(model),
        inputs=(TensorSpec("crops", "uint8", ("batch", size, size, 3)),),
        outputs=(
            TensorSpec("logit", "float32", ("batch",)),
            TensorSpec("heatmap", "float32", ("batch", HEATMAP_SIDE, HEATMAP_SIDE)),
        ),
        layout="NHWC",
        precision=precision,
        crop=CropGeometry(**state["crop"]),
        calibration=Calibration.from_body(state["calibration"]),
        alarm=AlarmModel.from_body(state.get("alarm")),  # `python -m training calibrate` adds it
        gflop=gflop,
        parameters=parameters,
        provenance=_provenance(state) | dict(noted),
    )
    spec.save(model.with_suffix(".json"))
    return model.with_suffix(".json")


def _cost(network: Detector) -> tuple[float, int]:
    """GFLOP of one crop (a multiplication and an addition are 2), and the parameters."""
    size = network.config.size_px
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros((1, size, size, 3), dtype=torch.uint8))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return round(counter.get_total_flops() / 1e9, 3), parameters


def _provenance(state: Mapping[str, Any]) -> dict[str, Any]:
    recipe = {key: value for key, value in state["recipe"].items() if key != "network"}
    return {
        "commit": _commit(),
        "network": state["recipe"]["network"],
        "recipe": recipe,
        "facts": state["facts"],
        "torch": torch.__version__,
        "timm": timm.__version__,
    }


def _commit() -> str | None:
    """The checkout's commit, or None outside of one (an installed package, no git)."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=REPOSITORY, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
