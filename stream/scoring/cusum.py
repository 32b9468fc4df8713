"""Cusum: the evidence against one face, summed until it is enough for an alarm."""

from __future__ import annotations

from typing import Final

from engines.spec import AlarmModel

SPARE_CROPS: Final = 1.0
"""How far the sum may rise above the threshold, in independent crops of full evidence. One such
crop of the other sign must not end an alarm; anything more would only put off the recovery after
a swap has ended, by as much as the swap was long."""


class Cusum:
    """Page's cumulative sum of one track's log-likelihood ratios, in nats ("Continuous inspection
    schemes", Biometrika 1954): it stays at 0 while a face looks real and climbs once it does not.
    For independent ratios at least e^h of them lie between two false alarms at threshold h
    (Lorden, "Procedures for reacting to a change in distribution", 1971), and no other rule with
    as few false alarms is quicker (Moustakides, "Optimal stopping times for detecting changes in
    distributions", 1986).

    Neighbouring crops of a face are not independent: each counts for the share of the
    correlation time that lies between it and the one before, so that scoring more often gives
    a finer sum and not a steeper one. The first crop only sets the clock.
    """

    def __init__(self, model: AlarmModel, threshold: float) -> None:
        self._model = model
        self.threshold = threshold
        self._most = threshold + SPARE_CROPS * model.clip
        self.sum = 0.0
        self._last_s: float | None = None
        self._zero_s: float | None = None

    @property
    def share(self) -> float:
        """The sum in thresholds: an alarm is due from 1 on."""
        return self.sum / self.threshold

    @property
    def change_s(self) -> float | None:
        """Page's estimate of when the face changed, in media time: when the sum was last 0.

        None before the first crop.
        """
        return self._zero_s

    def add(self, media_time_s: float, logit: float, weight: float) -> None:
        """Take a crop's calibrated `logit` and quality `weight`; times never go back."""
        model = self._model
        waited_s = 0.0 if self._last_s is None else media_time_s - self._last_s
        evidence = weight * (max(-model.clip, min(model.clip, logit)) - model.drift)
        moved = self.sum + evidence * min(waited_s / model.correlation_s, 1.0)
        self.sum = max(0.0, min(self._most, moved))
        self._last_s = media_time_s
        if self.sum == 0.0:
            self._zero_s = media_time_s

    def forget(self) -> None:
        """Start anew, as before the first crop."""
        self.sum = 0.0
        self._last_s = self._zero_s = None
