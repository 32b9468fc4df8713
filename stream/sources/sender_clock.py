"""SenderClock: whether to believe a camera's wall clock, and how old it makes a picture."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

MAX_AGE_S: Final = 10.0
# Two machines that follow NTP differ by a few tens of milliseconds; a picture from further in the
# future than that comes from a clock that is wrong.
MAX_AHEAD_S: Final = 0.1
MAX_JUMP_S: Final = 0.25
# One good sender report after a bad one proves little: cameras set their clocks in several steps.
PROBATION_S: Final = 5.0


class Distrust(StrEnum):
    """Why the sender's clock is not used."""

    FUTURE = "it is ahead of this machine's clock"
    OFF = "it is more than 10 s behind this machine's clock"
    JUMPED = "it jumped"


class SenderClock:
    """Judges each picture's sender time against the time it was there and its media time.

    A network that stalls makes pictures older bit by bit, while their sender times still advance
    with their media times: that is believed, and shows the true age. A sender time that leaps
    against media time, lies ahead of the picture, or more than `MAX_AGE_S` behind it is a wrong
    clock: arrival stands in until the clock has behaved for `PROBATION_S`.
    """

    def __init__(self) -> None:
        self._offset_s: float | None = None
        self._distrusted_until_s = float("-inf")
        self.distrust: Distrust | None = None

    def age_s(
        self, sent_unix_s: float | None, there_unix_s: float, timestamp_s: float | None
    ) -> float | None:
        """How long before `there_unix_s` the picture was taken; None: arrival has to stand in.

        `sent_unix_s` is None where the sender gave no wall clock (before its first report, or
        ever); `timestamp_s` is the picture's own timestamp. `distrust` afterwards says why a clock
        that was given is not used.
        """
        if sent_unix_s is None:
            return None
        age_s = there_unix_s - sent_unix_s
        if problem := self._problem(sent_unix_s, age_s, timestamp_s):
            self.distrust = problem
            self._distrusted_until_s = there_unix_s + PROBATION_S
        elif there_unix_s >= self._distrusted_until_s:
            self.distrust = None
        return max(age_s, 0.0) if self.distrust is None else None

    def _problem(
        self, sent_unix_s: float, age_s: float, timestamp_s: float | None
    ) -> Distrust | None:
        jumped = False
        if timestamp_s is not None:
            offset_s = sent_unix_s - timestamp_s
            jumped = self._offset_s is not None and abs(offset_s - self._offset_s) > MAX_JUMP_S
            self._offset_s = offset_s
        if age_s > MAX_AGE_S:
            return Distrust.OFF
        if age_s < -MAX_AHEAD_S:
            return Distrust.FUTURE
        return Distrust.JUMPED if jumped else None
