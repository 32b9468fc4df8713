"""The detector's checkpoint -> one ONNX file with its ModelSpec, parity proven on the way.

SRM and normalisation are in the graph: uint8 RGB crops (batch, 224, 224, 3) go in, the logit
(batch,) and the heat map (batch, 14, 14) come out as float32, at either precision.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final, Literal, cast

import timm
import torch
from torch.utils.flop_counter import FlopCounterMode

from engines.spec import Calibration, CropGeometry, ModelSpec, TensorSpec, sha256_of
from export.onnx_file import write_onnx
from export.parity import Difference, Tolerance, check_parity, parity_crops
from stream.config import REPOSITORY
from training.network import Detector, NetworkConfig

Precision = Literal["fp32", "fp16"]

TOLERANCES: Final[Mapping[Precision, Tolerance]] = {
    "fp32": Tolerance(logit=1e-3, heatmap=1e-4),
    "fp16": Tolerance(logit=0.05, heatmap=0.02),
}
PARTS: Final = ("recipe", "weights", "crop", "calibration", "facts")
"""What `training.run.finished` puts into a checkpoint."""


def export_detector(checkpoint: Path, precision: Precision, out: Path) -> dict[str, Difference]:
    """Write ``detector.onnx`` and ``detector.json`` into `out`; give the parity's differences.

    The checkpoint is what `training.run.fit` leaves as ``detector.pt``. Both files appear only
    once the exported network, opened by the engine that serves it, agrees with torch.

    Raises: ParityFailed (nothing is written); OSError; ValueError for a file that is no
    finished checkpoint; RuntimeError for weights of another network.
    """
    state = read_checkpoint(checkpoint)
    network = load_network(state)
    crops, origin = parity_crops(network.config.size_px)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as folder:
        model = Path(folder) / "detector.onnx"
        gflop, parameters = _cost(network)
        # The reference stays in float32: what fp16 loses is part of what is judged.
        write_network(load_network(state).halved() if precision == "fp16" else network, model)
        provenance = _provenance(state) | {"parity_crops": origin}
        spec = _spec(state, model, precision, gflop, parameters, provenance)
        spec.save(model.with_suffix(".json"))
        differences = check_parity(
            network, model.with_suffix(".json"), crops, TOLERANCES[precision]
        )
        for path in (model, model.with_suffix(".json")):
            path.replace(out / path.name)
    return differences


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """Read what a finished run left; no code in the file is run.

    Raises: OSError; ValueError when it is something else.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, EOFError, RuntimeError) as exc:
        raise ValueError(f"{path} is no torch checkpoint") from exc
    missing = [key for key in PARTS if not isinstance(state, dict) or key not in state]
    if missing:
        raise ValueError(f"{path} is no finished training run: it lacks {', '.join(missing)}")
    return cast(Mapping[str, Any], state)


def load_network(state: Mapping[str, Any]) -> Detector:
    """Build the network of a finished checkpoint, in evaluation mode."""
    network = Detector(NetworkConfig(**state["recipe"]["network"]))
    network.load_state_dict(state["weights"])
    network.eval()
    return network


def write_network(network: Detector, path: Path) -> None:
    """Capture the network as an ONNX file with a dynamic batch and everything else fixed."""
    size = network.config.size_px
    example = torch.zeros((2, size, size, 3), dtype=torch.uint8)
    write_onnx(network, example, path, "crops", ["logit", "heatmap"], [0])


def _spec(
    state: Mapping[str, Any],
    model: Path,
    precision: Precision,
    gflop: float,
    parameters: int,
    provenance: Mapping[str, Any],
) -> ModelSpec:
    size = int(state["recipe"]["network"]["size_px"])
    return ModelSpec(
        name="detector",
        file=model.name,
        sha256=sha256_of(model),
        inputs=(TensorSpec("crops", "uint8", ("batch", size, size, 3)),),
        outputs=(
            TensorSpec("logit", "float32", ("batch",)),
            TensorSpec("heatmap", "float32", ("batch", size // 16, size // 16)),
        ),
        layout="NHWC",
        precision=precision,
        crop=CropGeometry(**state["crop"]),
        calibration=Calibration(**state["calibration"]),
        gflop=gflop,
        parameters=parameters,
        provenance=provenance,
    )


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
