"""Platt scaling: temperature and bias that make the logits probabilities on held-out crops."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.spec import Calibration
from training.metrics import Floats, sigmoid

STEPS: Final = 50
START: Final = np.array([1.0, 0.0])
"""Slope and bias of the identity."""
ENOUGH: Final = 1e-9
"""A step as small as this ends the search."""


def fit_calibration(
    logits: Floats, fake: NDArray[np.bool_], weights: Floats | None = None
) -> Calibration:
    """Minimise the log loss over ``logit / temperature + bias`` by Newton's method.

    `weights` (N,) says how much each crop counts; without it each counts 1. Platt,
    "Probabilistic outputs for support vector machines" (1999); a temperature alone is Guo et
    al., "On Calibration of Modern Neural Networks" (ICML 2017). A weak pull (one pseudo-count)
    towards the identity keeps separable data from an infinite slope.

    Raises: ValueError when a class is absent, or when larger logits mean real.
    """
    if fake.all() or not fake.any():
        raise ValueError("calibration needs both classes")
    counts = np.ones_like(logits) if weights is None else weights
    theta = START
    for _ in range(STEPS):
        change = _newton(theta, logits, fake, counts)
        theta = theta - change
        if np.abs(change).max() <= ENOUGH:
            break
    slope, bias = (float(value) for value in theta)
    if slope <= 0:
        raise ValueError("larger logits mean real here: the labels or the network are wrong")
    return Calibration(temperature=1 / slope, bias=bias)


def balanced(fake: NDArray[np.bool_]) -> Floats:
    """Weights (N,) that give either class half of the total N.

    A logit calibrated under them is a log likelihood ratio: the prior odds are 1.
    """
    share = fake.mean()
    return np.asarray(np.where(fake, 0.5 / share, 0.5 / (1 - share)), np.float64)


def _newton(theta: Floats, logits: Floats, fake: NDArray[np.bool_], counts: Floats) -> Floats:
    """What to take off slope and bias: a full step, or less of it where that goes uphill."""
    design = np.stack([logits, np.ones_like(logits)], 1)
    probability = sigmoid(design @ theta)
    gradient = design.T @ (counts * (probability - fake)) + (theta - START)
    curvature = counts * probability * (1 - probability)
    hessian = design.T @ (design * curvature[:, None]) + np.eye(2)
    change = np.linalg.solve(hessian, gradient)
    # Far from the optimum a full step can overshoot for good: shorten it until it descends.
    before = _penalised_loss(theta, logits, fake, counts)
    while np.abs(change).max() > ENOUGH and not (
        _penalised_loss(theta - change, logits, fake, counts) <= before
    ):
        change = change / 2
    return np.asarray(change, np.float64)


def _penalised_loss(
    theta: Floats, logits: Floats, fake: NDArray[np.bool_], counts: Floats
) -> float:
    scaled = logits * theta[0] + theta[1]
    losses = np.logaddexp(0, np.where(fake, -scaled, scaled))
    return float((counts * losses).sum() + ((theta - START) ** 2).sum() / 2)
