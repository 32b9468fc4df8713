"""From a network's logit to a probability that means what it says."""

from __future__ import annotations

import math

LOGIT_LIMIT = 12.0
"""Beyond this a probability differs from 0 or 1 by less than 1e-5: one crop never says more."""


def calibrated_logit(logit: float, temperature: float, bias: float) -> float:
    """Platt scaling, ``logit / temperature + bias``, clipped to ±`LOGIT_LIMIT`.

    Guo et al., "On Calibration of Modern Neural Networks", 2017.
    """
    value = logit / temperature + bias
    return max(-LOGIT_LIMIT, min(LOGIT_LIMIT, value))


def probability_of(logit: float) -> float:
    """The logistic function, without overflow at either end."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    raised = math.exp(logit)
    return raised / (1.0 + raised)
