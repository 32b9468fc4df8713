"""Policy: when a stream ends, and which failures are worth another attempt."""

from __future__ import annotations

from dataclasses import dataclass

from stream.errors import SourceError


@dataclass(frozen=True, slots=True)
class Policy:
    """When a stream ends.

    `once`: a file ends after its last frame instead of starting anew. `fast`: a file is read as
    fast as its frames are analysed, on its own clock. `patient`: a source that cannot be reached
    is tried for ever; otherwise for `open_timeout_s`. A live source that was there once is healed
    for as long as it takes, unless `once` is set: then `open_timeout_s` counts from its loss.
    """

    once: bool = False
    fast: bool = False
    patient: bool = True
    open_timeout_s: float = 10.0

    def worth_another(self, exc: SourceError, was_there: bool, tried_s: float) -> bool:
        """Whether to try again after `exc`, `tried_s` after the first of these failures.

        `was_there`: a live source that has given pictures before.
        """
        # A camera that was there answers 401 or 404 while it boots: only a first refusal counts.
        if not exc.retryable and not was_there:
            return False
        patient = self.patient or (was_there and not self.once)
        return patient or tried_s < self.open_timeout_s
