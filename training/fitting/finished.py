"""What a finished run leaves for export: averaged weights, and their calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.spec import Calibration
from training.calibration.platt import fit_calibration
from training.checkpoint import load_network, predict
from training.crops import GEOMETRY, decode
from training.manifest import Face


def finished_state(checkpoint: dict[str, Any], calib: Sequence[Face]) -> dict[str, Any]:
    """Give what export needs: averaged weights, recipe, calibration on the calib crops."""
    recipe, course = checkpoint["recipe"], checkpoint["course"]
    prefix = "network."
    weights = {
        name.removeprefix(prefix): value
        for name, value in checkpoint["state_dict"].items()
        if name.startswith(prefix)
    }
    network = load_network({"recipe": recipe, "weights": weights})
    deployed = replace(GEOMETRY, size_px=network.config.size_px)
    logits = predict(network, [decode(face, deployed) for face in calib])
    calibration, note = _calibrated(logits, np.array([face.fake for face in calib]))
    facts = {
        "steps": course["step"],
        "examples": course["step"] * recipe["batch"],
        "training_s": round(course["spent_s"]),
        "calibration_crops": len(calib),
        "calib": checkpoint["scores"],
    } | note
    return {
        "recipe": recipe, "weights": weights, "crop": asdict(deployed),
        "calibration": asdict(calibration), "facts": facts,
    }  # fmt: skip


def _calibrated(
    logits: NDArray[np.float64], fake: NDArray[np.bool_]
) -> tuple[Calibration, dict[str, str]]:
    """Calibrate; a run that learnt the reverse keeps its weights, and says so."""
    try:
        return fit_calibration(logits, fake), {}
    except ValueError as exc:
        print(f"not calibrated: {exc}")
        return Calibration(), {"not_calibrated": str(exc)}
