"""What one stream's messages say of its evidence, kept so that its age can be asked at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchmarks.playback import count_scored


@dataclass(slots=True)
class Evidence:
    """Takes a stream's messages as they are read; all counts are since the beginning.

    The age goes on growing while no message comes, and while messages come without a face: who
    feeds one face for ever knows that it is there.
    """

    messages: int = 0
    scored: int = 0
    faces: int = 0
    dropped: int = 0
    newest_frame: int = -1
    capture_ms: float = float("nan")
    _evidence_at_s: float | None = None

    def take(self, body: Mapping[str, Any], read_at_s: float, read_wall_s: float) -> None:
        """A message, and when it was read: on the sampling clock, and in Unix time."""
        faces = body["faces"]
        self.messages += 1
        self.faces += len(faces)
        self.dropped = body["health"]["dropped"]
        self.newest_frame = body["frame_seq"]
        ages_ms = [face["evidence_age_ms"] for face in faces if face["evidence_age_ms"] is not None]
        if ages_ms:
            self._evidence_at_s = read_at_s - max(ages_ms) / 1000
        if scored := count_scored(faces):
            self.scored += scored
            captured_s = datetime.fromisoformat(body["captured_at"]).timestamp()
            self.capture_ms = 1000 * (read_wall_s - captured_s)

    def age_ms(self, now_s: float) -> float:
        """Of the oldest face's evidence; infinite before the first score."""
        if self._evidence_at_s is None:
            return float("inf")
        return 1000 * (now_s - self._evidence_at_s)


@dataclass(frozen=True, slots=True)
class Tally:
    """A stream's counts at a moment: two of them tell what happened in between."""

    messages: int
    scored: int
    faces: int
    dropped: int
    frames: int

    @classmethod
    def of(cls, evidence: Evidence) -> Tally:
        """As they stand."""
        return cls(
            evidence.messages,
            evidence.scored,
            evidence.faces,
            evidence.dropped,
            evidence.newest_frame + 1,
        )

    def since(self, before: Tally) -> Tally:
        """What came after `before`."""
        return Tally(
            self.messages - before.messages,
            self.scored - before.scored,
            self.faces - before.faces,
            self.dropped - before.dropped,
            self.frames - before.frames,
        )

    def scores_per_s(self, seconds: float) -> float:
        """Scores a second for each face: where messages show two faces, each gets half of them."""
        faces = max(1.0, self.faces / self.messages) if self.messages else 1.0
        return self.scored / seconds / faces
