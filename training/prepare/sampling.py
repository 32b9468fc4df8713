"""An even choice from a row of moments whose length nobody knows beforehand."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

T = TypeVar("T")

SPARE: Final = 4
"""Times the number wanted that are held at most, while the end is not yet seen."""


class EvenSample(Generic[T]):
    """Chooses `count` of the values it is given, evenly spread over media time.

    It holds at most four times as many: when full, it thins what it has and takes fewer from then
    on. What it chooses is a function of the times alone.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._spacing_s = 0.0
        self._held: list[tuple[float, T]] = []

    def wants(self, time_s: float) -> bool:
        """Say whether a value of this time, later than all before, would be held."""
        return not self._held or time_s - self._held[-1][0] >= self._spacing_s

    def add(self, time_s: float, value: T) -> None:
        """Hold a value that is wanted."""
        self._held.append((time_s, value))
        if len(self._held) > SPARE * self._count:
            self._thin()

    def chosen(self) -> list[tuple[float, T]]:
        """Give up to `count` of the values, by time: the nearest to the middles of equal spans."""
        if len(self._held) <= self._count:
            return list(self._held)
        times = [time_s for time_s, _ in self._held]
        span = (times[-1] - times[0]) / self._count
        middles = [times[0] + (index + 0.5) * span for index in range(self._count)]
        nearest = {min(range(len(times)), key=lambda i: abs(times[i] - at)) for at in middles}
        return [self._held[index] for index in sorted(nearest)]

    def _thin(self) -> None:
        span = self._held[-1][0] - self._held[0][0]
        self._spacing_s = 2 * span / (SPARE * self._count)
        kept = [self._held[0]]
        for entry in self._held[1:]:
            if entry[0] - kept[-1][0] >= self._spacing_s:
                kept.append(entry)
        self._held = kept
