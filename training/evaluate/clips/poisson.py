"""How sure a count over some hours makes a rate."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import chi2

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` events in `hours`, and the exact interval of their rate an hour."""

    count: int
    hours: float
    low: float
    high: float

    @property
    def per_hour(self) -> float:
        """The rate itself; NaN in no time at all."""
        return self.count / self.hours if self.hours else float("nan")

    def __str__(self) -> str:
        if not self.count:
            return f"0 in {self.hours:.2f} h: at most {self.high:.2f} an hour"
        return (
            f"{self.count} in {self.hours:.2f} h: {self.per_hour:.2f} an hour "
            f"[{self.low:.2f}, {self.high:.2f}]"
        )


def poisson_rate(count: int, hours: float) -> Rate:
    """Give the exact 95 % interval (Garwood, "Fiducial limits for the Poisson distribution", 1936).

    Without any event only the upper end can be wrong, and it is one-sided: 3.0 / hours (the rule
    of three). The events must be independent, which those of one stream are not.

    Raises: ValueError for a negative count or time.
    """
    if count < 0 or hours < 0:
        raise ValueError(f"a count and a time cannot be negative, got {count} in {hours} h")
    if not hours:
        return Rate(count, hours, 0.0, float("inf"))
    tail = (1 - LEVEL) / 2 if count else 1 - LEVEL
    low = float(chi2.ppf(tail, 2 * count)) / 2 / hours if count else 0.0
    high = float(chi2.ppf(1 - tail, 2 * count + 2)) / 2 / hours
    return Rate(count, hours, low, high)
