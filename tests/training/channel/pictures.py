"""Pictures that a codec has to work for: drawn ones for everybody, faces where the data is."""

from __future__ import annotations

import tarfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def textured(seed: int, side: int = 112) -> Pixels:
    """Smooth shapes with fine texture on them, as skin has, and a few hard edges."""
    rng = np.random.default_rng(seed)
    picture = np.full((side, side, 3), 128, np.float32)
    for cells, spread in ((4, 40.0), (16, 12.0), (side, 4.0)):
        coarse = rng.normal(0, spread, (cells, cells, 3)).astype(np.float32)
        picture += cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    picture[side // 4 : side // 2, side // 3 : side // 2] *= 0.5
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def faces(data: Path, count: int) -> list[Pixels]:
    """The first crops of the training part of DFDC, 224 px."""
    found: list[Pixels] = []
    with tarfile.open(data / "faces" / "dfdc-train.tar") as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if stream is None:
                continue
            decoded = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_COLOR)
            assert decoded is not None
            found.append(np.ascontiguousarray(decoded[..., ::-1], np.uint8))
            if len(found) == count:
                break
    return found
