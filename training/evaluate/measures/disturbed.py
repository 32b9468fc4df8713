"""Disturbed crops: a list's faces at each level of a disturbance, made once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

from training.channel import levels as channel_levels
from training.channel.call import FACE_PX
from training.channel.levels import LEVELS, at_level, in_call
from training.evaluate.examples import Examples
from training.evaluate.looks import qualities
from training.metrics import Floats

CALLS: Final = frozenset({"h264", "vp8"})
"""Kinds that encode a clip for each crop: 0.15 to 0.3 s, a hundred times the others' work."""
IN_FULL: Final[Mapping[str, tuple[float, ...]]] = {"h264": (500,), "vp8": (2000, 500, 150)}
"""The levels of calls that a criterion asks for; the others are made of a part of the faces."""
PART_OF_CALLS: Final = 1 / 3
QUICK: Final[Mapping[str, tuple[float, ...]]] = {
    "jpeg": (95, 30), "vp8": (500,), "scale": (80,), "blur": (2,), "noise": (8,),
    "brightness": (0.5,),
}  # fmt: skip
"""A look at each kind, for trying things out."""


@dataclass(frozen=True, slots=True)
class Level:
    """A `kind` of disturbance and its strength, as `training.channel.levels` has them."""

    kind: str
    level: float


def all_levels(quick: bool) -> list[Level]:
    """The grid, or a few points of it."""
    grid = QUICK if quick else LEVELS
    return [Level(kind, level) for kind, values in grid.items() for level in values]


def rows_at(level: Level, fake: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Which of the faces to disturb: all, or of each class the first third."""
    if level.kind not in CALLS or level.level in IN_FULL.get(level.kind, ()):
        return np.arange(len(fake))
    kept = [np.flatnonzero(fake == label) for label in (False, True)]
    return np.sort(np.concatenate([rows[: round(len(rows) * PART_OF_CALLS)] for rows in kept]))


@dataclass(frozen=True, slots=True)
class Disturbed:
    """Crops uint8 (N, S, S, 3) at a level; `quantisers` (N,) of their frames, NaN without a codec
    that tells.
    """

    crops: NDArray[np.uint8]
    quantisers: Floats


def disturb(examples: Examples, level: Level, threads: int, cache: Path | None = None) -> Disturbed:
    """Disturb the crops, all of a group by one seed: a fake and its own real pass the same.

    What calls make is kept in the folder `cache`, for the next model.
    """
    seeds = [crc32(group.encode()) for group in examples.groups]
    with ThreadPoolExecutor(threads) as pool:
        if level.kind not in CALLS:
            change = at_level(level.kind, level.level)
            crops = np.stack(list(pool.map(change, examples.crops, seeds)))
            return Disturbed(crops, np.full(len(crops), np.nan))
        path = None if cache is None else cache / f"{_name(level)}-{_key(examples)}.npz"
        if path is not None and path.is_file():
            return _read(path)
        shown = list(pool.map(in_call(level.kind, level.level), examples.crops, seeds))
    quantisers = [np.nan if one.quantiser is None else one.quantiser for one in shown]
    made = Disturbed(np.stack([one.pixels for one in shown]), np.array(quantisers, np.float64))
    if path is not None:
        _write(path, made)
    return made


def qualities_at(examples: Examples, made: Disturbed, level: Level, threads: int) -> Floats:
    """Quality weights (N,) of crops made by `disturb`.

    The face counts as large as the level shows it; its landmarks and the detector's confidence
    are those of the undisturbed picture.
    """
    geometry, looks = examples.geometry, examples.looks
    if level.kind in CALLS:
        face_px: float | None = FACE_PX / geometry.crop_scale
    elif level.kind == "scale" and level.level < geometry.size_px:
        face_px = level.level / geometry.crop_scale
    else:
        face_px = None
    return qualities(made.crops, looks, geometry, face_px, threads, made.quantisers)


def _name(level: Level) -> str:
    return f"{level.kind}-{level.level:g}"


def _key(examples: Examples) -> str:
    """A name for these very crops under this very channel."""
    digest = hashlib.sha256(np.ascontiguousarray(examples.crops).data)
    folder = Path(channel_levels.__file__).parent
    for source in sorted(folder.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _write(path: Path, made: Disturbed) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = [cv2.imencode(".png", crop)[1].ravel() for crop in made.crops]
    ends = np.cumsum([len(part) for part in encoded])
    partial = path.with_suffix(".partial")
    with partial.open("wb") as stream:
        np.savez(stream, data=np.concatenate(encoded), ends=ends, quantisers=made.quantisers)
    partial.replace(path)


def _read(path: Path) -> Disturbed:
    with np.load(path) as kept:
        parts = np.split(kept["data"], kept["ends"][:-1])
        quantisers = kept["quantisers"]
    pictures = [cv2.imdecode(part, cv2.IMREAD_COLOR) for part in parts]
    return Disturbed(np.stack([np.asarray(one, np.uint8) for one in pictures]), quantisers)
