"""Which clips are watched, how often, and what is done to each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, get_args

import numpy as np

from training.evaluate.clips.folder import Clip
from training.evaluate.clips.variant import AS_IT_IS, Codec, Measured, Variant, drawn_variant

MOST_REPEATS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Showing:
    """One clip, in one variant."""

    clip: Clip
    variant: Variant

    def key(self, model: str) -> str:
        """Name everything that the outcome depends on; `model` names weights and settings."""
        file = self.clip.path.stat()
        parts = [self.clip.name, file.st_size, file.st_mtime_ns, asdict(self.variant), model]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def plan(
    clips: Mapping[Clip, Measured], hours: float, kbit_s: Sequence[int], seed: int
) -> list[Showing]:
    """Show each clip as it is; the fakes also at each of the bitrates, by both codecs; and the
    reals again and again in drawn variants, in turn, until they fill `hours`.

    A clip's variants depend on the seed and its own name: more hours repeat the same and go on.
    """
    real = [clip for clip in clips if not clip.fake]
    shown = [Showing(clip, AS_IT_IS) for clip in clips]
    shown += [
        Showing(clip, Variant(codec=codec, kbit_s=rate))
        for clip in clips
        if clip.fake
        for rate in kbit_s
        for codec in get_args(Codec)
    ]
    lengths = {clip: clips[clip].seconds for clip in real}
    total_s = sum(lengths.values())
    if total_s <= 0:
        return shown
    filled_s, turn = total_s, 0
    while filled_s < 3600 * hours and turn < MOST_REPEATS:
        turn += 1
        for clip in real:
            rng = np.random.default_rng([seed, turn, _number(clip.name)])
            shown.append(Showing(clip, drawn_variant(clips[clip].size_px, rng)))
            filled_s += lengths[clip]
            if filled_s >= 3600 * hours:
                break
    return shown


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
