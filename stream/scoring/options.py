"""Settings of the rolling score and its states."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScoringOptions:
    """How often faces are scored and how scores become a state.

    Each face is scored `target_fps` times a second of media time. The window holds the last
    `window_s`. Below `min_samples` samples, or below `min_quality` mean weight, the state is
    undecided; after `long_undecided_s` of that, that itself is said. A state is entered at its
    threshold of the window's probability and left `hysteresis` below it.

    An alarm's threshold follows from `false_alarms_per_hour`, the false alarms that one real face
    in sight may raise in an hour on average. `fake_above` replaces it for weights whose false
    alarms were never counted.
    """

    window_s: float = 5.0
    target_fps: float = 4.0
    min_samples: int = 4
    min_quality: float = 0.3
    suspicious_above: float = 0.6
    fake_above: float = 0.8
    hysteresis: float = 0.1
    false_alarms_per_hour: float = 0.1
    long_undecided_s: float = 30.0

    def __post_init__(self) -> None:
        if self.window_s <= 0 or self.target_fps <= 0 or self.min_samples < 1:
            raise ValueError("window_s, target_fps and min_samples must be positive")
        if not 0 < self.suspicious_above < self.fake_above < 1:
            raise ValueError("0 < suspicious_above < fake_above < 1 must hold")
        if not 0 <= self.hysteresis < self.suspicious_above:
            raise ValueError("hysteresis must be at least 0 and below suspicious_above")
        if not 0 <= self.min_quality <= 1:
            raise ValueError("min_quality must lie between 0 and 1")
        if not 0 < self.false_alarms_per_hour < math.inf:
            raise ValueError("false_alarms_per_hour must be above 0")
        if self.long_undecided_s <= 0:
            raise ValueError("long_undecided_s must be positive")
