"""Examples: the crops of one list with all that is known of them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.spec import CropGeometry
from training.crops import decode, read_picture
from training.evaluate.looks import Looks, look_at, qualities
from training.manifest import Face
from training.metrics import Floats

Pixels = NDArray[np.uint8]

LEAST_SCALE: Final = 0.5
JPEG_QUALITY: Final = (60, 96)


@dataclass(frozen=True, slots=True)
class Examples:
    """N crops to score.

    `crops` is uint8 RGB (N, S, S, 3), cut by `geometry`; `files` are the encoded pictures that
    they come from, which the codec control reads; `fake` is (N,); `groups` name the source video
    or photo. `methods` are empty for reals. `shared` says whether all crops passed one random
    re-encoding. `half` is ``calib``, ``report``, or ``all`` where no half was left out.
    """

    name: str
    half: str
    geometry: CropGeometry
    crops: NDArray[np.uint8]
    files: tuple[bytes, ...]
    fake: NDArray[np.bool_]
    groups: tuple[str, ...]
    sources: tuple[str, ...]
    methods: tuple[str, ...]
    looks: Looks
    shared: bool

    def __len__(self) -> int:
        return len(self.fake)

    @property
    def qualities(self) -> Floats:
        """Quality weights (N,) of the crops as they are."""
        return qualities(self.crops, self.looks, self.geometry)

    def taken(self, rows: NDArray[np.intp]) -> Examples:
        """Some of the examples."""
        return replace(
            self,
            crops=self.crops[rows],
            files=tuple(self.files[row] for row in rows),
            fake=self.fake[rows],
            groups=tuple(self.groups[row] for row in rows),
            sources=tuple(self.sources[row] for row in rows),
            methods=tuple(self.methods[row] for row in rows),
            looks=self.looks.taken(rows),
        )

    def with_crops(self, crops: NDArray[np.uint8]) -> Examples:
        """The same faces in other pictures, as a channel or a mask leaves them."""
        return replace(self, crops=crops)

    def reencoded(self) -> Examples:
        """The same faces after a random loss of scale and a random JPEG quality, see `recode`."""
        if self.shared:
            return self
        done = [recode(crop, group) for crop, group in zip(self.crops, self.groups, strict=True)]
        crops = np.stack([crop for crop, _ in done]) if done else self.crops
        return replace(self, crops=crops, files=tuple(data for _, data in done), shared=True)


def examples_of(
    faces: Sequence[Face], confidence: Floats, name: str, half: str, geometry: CropGeometry
) -> Examples:
    """Cut the faces' crops as they are stored; `faces` as `with_landmarks` gives them.

    Raises: ValueError without a face, or for bytes that are no picture.
    """
    if not faces:
        raise ValueError(f"the list {name} has no face")
    return Examples(
        name=name,
        half=half,
        geometry=geometry,
        crops=np.stack([decode(face, geometry) for face in faces]),
        files=tuple(face.jpeg for face in faces),
        fake=np.array([face.fake for face in faces], np.bool_),
        groups=tuple(face.group for face in faces),
        sources=tuple(face.source for face in faces),
        methods=tuple(face.method for face in faces),
        looks=look_at(faces, confidence, geometry),
        shared=False,
    )


def recode(crop: Pixels, group: str) -> tuple[Pixels, bytes]:
    """Give the crop after a random loss of scale (to half at most) and a random JPEG quality.

    Both are drawn from the group's name, so that a fake and its own real lose the same. The
    JPEG's bytes come with it.
    """
    rng = np.random.default_rng(zlib.crc32(group.encode()))
    size = crop.shape[0]
    small = int(size * rng.uniform(LEAST_SCALE, 1.0))
    reduced = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
    enlarged = cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR)
    quality = int(rng.integers(*JPEG_QUALITY))
    bgr = np.ascontiguousarray(enlarged[..., ::-1])
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    encoded = data.tobytes()
    return read_picture(encoded), encoded
