"""What may be chosen about the crops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Settings:
    """`margin` is the crop's side over the longer side of the face's box; a crop is never enlarged,
    and reduced to `most_px` where it is larger. Each face of a video gives up to `per_track` crops,
    spread evenly over media time, from up to `looks_per_s` frames a second. Crops whose quality is
    not above `least_quality` are left out, as the run time does not score them. JPEG is of quality
    95 without chroma subsampling.
    """

    margin: float = 1.6
    most_px: int = 512
    per_track: int = 8
    looks_per_s: float = 10.0
    least_quality: float = 0.0
    picture: Literal["jpeg", "png"] = "jpeg"

    def __post_init__(self) -> None:
        if not 0.8 <= self.margin <= 4:
            raise ValueError(f"a margin lies between 0.8 and 4, not {self.margin}")
        if self.per_track < 1 or self.most_px < 32:
            raise ValueError("at least one crop a face, and 32 px a crop")
        if not 0 < self.looks_per_s <= 120:
            raise ValueError(f"looks a second lie between 0 and 120, not {self.looks_per_s}")
        if not 0 <= self.least_quality < 1:
            raise ValueError(f"the least quality lies between 0 and 1, not {self.least_quality}")
