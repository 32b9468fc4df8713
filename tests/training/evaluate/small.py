"""Small lists and simple scorers, for tests of the evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.spec import CropGeometry
from training.evaluate.examples import Examples
from training.evaluate.looks import Looks
from training.evaluate.measures.bench import Bench
from training.evaluate.scorers import Heatmaps, Identity
from training.metrics import Floats

Pixels = NDArray[np.uint8]

SIDE = 64
GEOMETRY = CropGeometry(SIDE, 0.85)
LANDMARKS = SIDE * np.array(
    [[0.32, 0.38], [0.68, 0.38], [0.5, 0.58], [0.36, 0.76], [0.64, 0.76]], np.float32
)
"""A frontal face that fills a tight crop."""


@dataclass
class ByPixels:
    """A scorer whose logit is a function of each crop; it remembers what it was shown."""

    say: Callable[[Pixels], float]
    identity: Identity = field(default_factory=lambda: Identity("plain", "0" * 64))
    maps: bool = False
    seen: list[int] = field(default_factory=list)

    def look(self, crops: Pixels) -> tuple[Floats, Heatmaps | None]:
        self.seen.append(len(crops))
        maps = np.zeros((len(crops), 14, 14), np.float32)
        maps[:, 7, 7] = 1
        return np.array([self.say(crop) for crop in crops], np.float64), maps if self.maps else None

    def close(self) -> None: ...


def brightness(crop: Pixels) -> float:
    """Dark is real."""
    return (float(crop.mean()) - 128) / 10


def textured(seed: int, mean: float, side: int = SIDE, spread: float = 20) -> Pixels:
    """A picture with detail at several scales, (side, side, 3)."""
    rng = np.random.default_rng(seed)
    picture = np.full((side, side, 3), mean, np.float32)
    for cells in (side // 8, side // 3, side):
        noise = rng.normal(0, spread, (cells, cells, 3)).astype(np.float32)
        picture += cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255).astype(np.uint8)


def as_jpeg(crop: Pixels, quality: int) -> bytes:
    done, data = cv2.imencode(".jpg", crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return data.tobytes()


def examples_from(
    crops: Sequence[Pixels],
    fake: Sequence[bool],
    groups: Sequence[str] | None = None,
    sources: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    files: Sequence[bytes] | None = None,
    shared: bool = False,
) -> Examples:
    count = len(crops)
    return Examples(
        name="dfdc-calib",
        half="calib",
        geometry=GEOMETRY,
        crops=np.stack(crops),
        files=tuple(files or (as_jpeg(crop, 90) for crop in crops)),
        fake=np.array(fake, np.bool_),
        groups=tuple(groups or (f"g{index}" for index in range(count))),
        sources=tuple(sources or ["dfdc"] * count),
        methods=tuple(methods or ("mix" if one else "" for one in fake)),
        looks=Looks(np.tile(LANDMARKS, (count, 1, 1)), np.ones(count), np.full(count, 3.5)),
        shared=shared,
    )


def pairs_of(count: int, real: float = 100, fake: float = 150, spread: float = 8) -> Examples:
    """So many reals and as many fakes, a fake in each real's group, told apart by brightness."""
    rng = np.random.default_rng(0)
    means = [*rng.normal(real, spread, count), *rng.normal(fake, spread, count)]
    crops = [textured(index, mean) for index, mean in enumerate(means)]
    groups = [f"g{index % count}" for index in range(2 * count)]
    return examples_from(crops, [False] * count + [True] * count, groups)


def bench_of(examples: Examples, **scorers: ByPixels) -> Bench:
    for name, scorer in scorers.items():
        scorer.identity = Identity(
            name, "0" * 64, scorer.identity.calibration, None, scorer.identity.threshold,
            scorer.identity.baseline, scorer.identity.alarm,
        )  # fmt: skip
    return Bench(examples, scorers or {"plain": ByPixels(brightness)}, rounds=50)
