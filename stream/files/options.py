"""Limits of what may be sent as a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FilesOptions:
    """What one file may take, and how many at once.

    A request holds at most `pictures` pictures of `picture_bytes` and `picture_pixels` each. A
    clip has at most `clip_bytes`, `clip_pixels` in each picture, `clip_frames` pictures and
    `clip_seconds` of playing time. Decoding a file may take `decode_memory_mb` of memory.

    At most `uploads` requests with pictures are under way at once. At most `jobs` clips are being
    received, waiting or analysed, one of them after the other; a result is kept for `keep_s`.
    `spool` is the folder whose disk holds files meanwhile, without names; None is the system's own.
    """

    picture_bytes: int = 25_000_000
    picture_pixels: int = 50_000_000
    pictures: int = 16
    clip_bytes: int = 256_000_000
    clip_pixels: int = 3840 * 2160
    clip_frames: int = 40_000
    clip_seconds: float = 600.0
    decode_memory_mb: int = 320
    uploads: int = 8
    jobs: int = 8
    keep_s: float = 900.0
    spool: Path | None = None

    def __post_init__(self) -> None:
        sizes = (self.picture_bytes, self.picture_pixels, self.clip_bytes, self.clip_pixels)
        counts = (self.pictures, self.clip_frames, self.uploads, self.jobs)
        if min(*sizes, *counts) < 1:
            raise ValueError("sizes and counts must be at least 1")
        if self.clip_seconds <= 0 or self.keep_s <= 0:
            raise ValueError("clip_seconds and keep_s must be positive")
        if not 128 <= self.decode_memory_mb <= 4096:
            raise ValueError("decode_memory_mb must lie between 128 and 4096")
