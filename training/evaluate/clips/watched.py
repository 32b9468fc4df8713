"""What the live pipeline said of one clip, from its messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stream.types import FaceState


@dataclass(frozen=True, slots=True)
class Alarm:
    """A face became fake at `at_s` of media time; `since_s` is the moment that was reported.

    `until_s` is when it was no longer fake, or gone; None where it was to the clip's end.
    """

    track_id: int
    at_s: float
    since_s: float | None
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """One clip's course; times are media time, from the clip's start.

    `face_s` is the time that faces were in each state, summed over faces. `alarms` are entries
    of a face into `fake`; `stream_alarms` counts entries of the stream, from no fake face to one.
    `first_face_s` is None in a clip without faces.
    """

    seconds: float
    frames: int
    first_face_s: float | None
    face_s: Mapping[str, float]
    reasons_s: Mapping[str, float]
    alarms: tuple[Alarm, ...]
    stream_alarms: int

    @property
    def faces_s(self) -> float:
        """Time that faces were in sight, summed over faces."""
        return sum(self.face_s.values())

    @property
    def alarm_after_s(self) -> float | None:
        """From the clip's start to the first alarm; None without any."""
        return min((alarm.at_s for alarm in self.alarms), default=None)

    def to_body(self) -> dict[str, Any]:
        """Give what JSON can hold; `from_body` undoes it."""
        alarms = [
            [alarm.track_id, alarm.at_s, alarm.since_s, alarm.until_s] for alarm in self.alarms
        ]
        return {
            "seconds": self.seconds,
            "frames": self.frames,
            "first_face_s": self.first_face_s,
            "face_s": dict(self.face_s),
            "reasons_s": dict(self.reasons_s),
            "alarms": alarms,
            "stream_alarms": self.stream_alarms,
        }

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Watched:
        """Read what `to_body` gave."""
        return cls(**{**body, "alarms": tuple(Alarm(*alarm) for alarm in body["alarms"])})


@dataclass(slots=True)
class Watch:
    """Takes one stream's messages in order and keeps what counts."""

    _start_s: float | None = None
    _last_s: float = 0.0
    _frames: int = 0
    _first_face_s: float | None = None
    _face_s: dict[str, float] = field(default_factory=dict)
    _reasons_s: dict[str, float] = field(default_factory=dict)
    _fakes: dict[int, int] = field(default_factory=dict)
    """Tracks that are fake now, and their places in `_alarms`."""
    _alarms: list[Alarm] = field(default_factory=list)
    _stream_alarms: int = 0

    def add(self, message: Mapping[str, Any]) -> None:
        """Take the next message (`docs/messages.md`)."""
        now_s = float(message["media_time_s"])
        if self._start_s is None:
            self._start_s = self._last_s = now_s
        passed_s, self._last_s = now_s - self._last_s, now_s
        self._frames += 1
        since_start_s = now_s - self._start_s
        for face in message["faces"]:
            if self._first_face_s is None:
                self._first_face_s = since_start_s
            _grow(self._face_s, face["state"], passed_s)
            for reason in face["reasons"] if face["state"] == FaceState.UNDECIDED else ():
                _grow(self._reasons_s, reason, passed_s)
        self._alarm(message["faces"], since_start_s)

    def ended(self) -> Watched:
        """Give the whole course."""
        return Watched(
            seconds=self._last_s - (self._start_s or 0.0),
            frames=self._frames,
            first_face_s=self._first_face_s,
            face_s=dict(self._face_s),
            reasons_s=dict(self._reasons_s),
            alarms=tuple(self._alarms),
            stream_alarms=self._stream_alarms,
        )

    def _alarm(self, faces: list[Mapping[str, Any]], since_start_s: float) -> None:
        fakes = {face["track_id"]: face for face in faces if face["state"] == FaceState.FAKE}
        self._stream_alarms += bool(fakes) and not self._fakes
        for track_id in self._fakes.keys() - fakes.keys():
            place = self._fakes.pop(track_id)
            self._alarms[place] = replace(self._alarms[place], until_s=since_start_s)
        for track_id in sorted(fakes.keys() - self._fakes.keys()):
            since_s = fakes[track_id].get("fake_since_s")
            begun_s = None if since_s is None else since_s - (self._start_s or 0.0)
            self._fakes[track_id] = len(self._alarms)
            self._alarms.append(Alarm(track_id, since_start_s, begun_s))


def _grow(sums: dict[str, float], key: str, value: float) -> None:
    sums[key] = sums.get(key, 0.0) + value
