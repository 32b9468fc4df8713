"""Where `fit_calibration` used to be."""

from __future__ import annotations

from training.calibration.platt import fit_calibration

__all__ = ["fit_calibration"]
