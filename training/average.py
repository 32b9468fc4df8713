"""``python -m training average``: one network from the weights of several, a model soup.

Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy
without increasing inference time" (ICML 2022). The networks must come of one start, such as the
legs of one run: between others the way is not flat, and their mean is worse than either.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engines.spec import sha256_of
from training.calibration.platt import fit_calibration
from training.checkpoint import load_network, predict, read_checkpoint, save
from training.crops import decode
from training.distil import measure
from training.fitting.faces import faces_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("--model", action="append", required=True, metavar="FILE[=SHARE]",
        help="a finished detector.pt and its share, else 1; give two or more")  # fmt: skip
    add("--out", type=Path, required=True, metavar="FILE", help="the detector.pt to write")


def run(parsed: argparse.Namespace, data: Path) -> None:
    """Average, calibrate on *calib*, and print the AUC there of each network and of the mean.

    Raises: OSError; ValueError for files that are no checkpoints or do not go together.
    """
    paths, shares = zip(*(parse_model(given) for given in parsed.model), strict=True)
    states = [read_checkpoint(path) for path in paths]
    mean = {**states[-1], "weights": averaged([state["weights"] for state in states], shares)}
    calib = faces_of(data).calib
    logits = predict(load_network(mean), [decode(face) for face in calib])
    fitted = fit_calibration(logits, np.array([face.fake for face in calib]))
    parts = [(sha256_of(path), share) for path, share in zip(paths, shares, strict=True)]
    facts = {"averaged": parts, "calibration_crops": len(calib)}
    parsed.out.parent.mkdir(parents=True, exist_ok=True)
    save({**mean, "calibration": asdict(fitted), "alarm": None, "facts": facts}, parsed.out)
    for path in (*paths, parsed.out):
        print(measure(path.parent.name, path, calib))
    print(f"wrote {parsed.out}")


def parse_model(given: str) -> tuple[Path, float]:
    """Take ``FILE`` or ``FILE=SHARE`` apart.

    Raises: ValueError for a share that is no positive number.
    """
    name, equals, number = given.rpartition("=")
    if not equals:
        return Path(given), 1.0
    try:
        share = float(number)
    except ValueError as exc:
        raise ValueError(f"{given}: {number!r} is no share") from exc
    if not 0 < share < float("inf"):
        raise ValueError(f"{given}: a share is positive")
    return Path(name), share


def averaged(
    weights: Sequence[Mapping[str, torch.Tensor]], shares: Sequence[float]
) -> dict[str, Any]:
    """Give the mean of the weights, in the ratio of the shares; counters are the last one's.

    Raises: ValueError for fewer than two, or for networks of different shapes.
    """
    if len(weights) < 2:
        raise ValueError("an average needs two models or more")
    shapes = [{name: value.shape for name, value in each.items()} for each in weights]
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError("the models are different networks: only one network's can be averaged")
    ratio = np.array(shares) / sum(shares)
    return {
        name: sum(share * each[name] for share, each in zip(ratio.tolist(), weights, strict=True))
        if last.is_floating_point() else last
        for name, last in weights[-1].items()
    }  # fmt: skip
