"""One camera: its own clock, phase and place in the film; it never waits for its viewer."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Final, Protocol

from benchmarks.cameras.film import Film
from benchmarks.cameras.packets import CLOCK_HZ, Picture, lay_out, sender_report

REPORT_EVERY_S: Final = 2.0
BUFFER_BYTES: Final = 512 * 1024
"""What may wait for a viewer, over a second of film; then pictures are left out up to the next
keyframe, as cameras do."""
DRIFT: Final = 1e-4
"""Share by which a camera's clock may be fast or slow: those of real ones are within 0.01 %."""


class Outlet(Protocol):
    """Where the bytes go: an `asyncio.WriteTransport`."""

    def write(self, data: bytes | bytearray) -> None:
        """Take bytes without waiting."""

    def get_write_buffer_size(self) -> int:
        """How many bytes still wait."""


@dataclass(slots=True)
class Counts:
    """What a camera did: pictures sent, those left out, and how late each left (seconds)."""

    sent: int = 0
    left_out: int = 0
    late_s: list[float] = field(default_factory=list)


class Camera:
    """Plays `film` over and over from a keyframe and at a phase of its own.

    `number` seeds all that differs between cameras, so that two runs have the same ones. Each
    picture is due by the camera's clock alone and carries its due time, however late it leaves: a
    sender that is held up makes evidence older, never younger.
    """

    def __init__(self, film: Film, pictures: tuple[Picture, ...], number: int, ssrc: int) -> None:
        chance = random.Random(number)
        self.ssrc = ssrc
        self.counts = Counts()
        self._film = film
        self._pictures = pictures
        self._first = chance.choice(film.keys)
        self._phase_s = chance.uniform(0, film.interval_s)
        self._interval_s = film.interval_s * (1 + chance.uniform(-DRIFT, DRIFT))
        self._base = chance.getrandbits(31)
        self._packets = chance.getrandbits(15)

    async def play(self, outlet: Outlet) -> None:
        """Send for ever, until cancelled."""
        begin_s = time.monotonic() + self._phase_s
        wall_from_monotonic_s = time.time() - time.monotonic()
        report_s, waits_for_key = begin_s, False
        number = 0
        while True:
            due_s = begin_s + number * self._interval_s
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            timestamp = self.timestamp(number)
            if due_s >= report_s:
                report_s += REPORT_EVERY_S
                wall_s = due_s + wall_from_monotonic_s
                outlet.write(sender_report(self.ssrc, wall_s, timestamp, self._packets))
            index = (self._first + number) % len(self._pictures)
            waits_for_key |= outlet.get_write_buffer_size() > BUFFER_BYTES
            waits_for_key &= not (
                self._film.units[index].key and outlet.get_write_buffer_size() <= BUFFER_BYTES
            )
            if waits_for_key:
                self.counts.left_out += 1
            else:
                self._send(outlet, index, timestamp)
                self.counts.late_s.append(time.monotonic() - due_s)
            number += 1

    def timestamp(self, number: int) -> int:
        """The RTP time of a picture, by the camera's clock: it believes in its own rate."""
        ticks = round(number * self._film.interval_s * CLOCK_HZ)
        return (self._base + ticks) & 0xFFFFFFFF

    def _send(self, outlet: Outlet, index: int, timestamp: int) -> None:
        picture = self._pictures[index]
        outlet.write(picture.stamped(self._packets, timestamp))
        self._packets += len(picture.starts)
        self.counts.sent += 1


def cameras(film: Film, count: int) -> list[Camera]:
    """As many cameras of the same film."""
    made = []
    for number in range(count):
        ssrc = 0x1000 + number
        pictures = tuple(lay_out(unit.nals, ssrc) for unit in film.units)
        made.append(Camera(film, pictures, number, ssrc))
    return made
