"""The square that is stored: wider than the network's crop, at the picture's own resolution."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.spec import CropGeometry
from stream.faces.align import crop_faces
from stream.types import FaceDetection
from training.crops import Pixels
from training.prepare.settings import Settings


def cut_square(
    pixels: Pixels, detection: FaceDetection, settings: Settings
) -> tuple[Pixels, NDArray[np.float32]]:
    """Cut `margin` times the face's box, uint8 RGB (S, S, 3), and give its landmarks (5, 2) as
    shares of its side.

    The square's corners fall on whole pixels, so that nothing is resampled unless it is reduced to
    `most_px`; the box is taken to lie half a pixel aside where that needs it.
    """
    x1, y1, x2, y2 = (float(value) for value in detection.box_px)
    side = max(1, round(settings.margin * max(x2 - x1, y2 - y1)))
    left, top = round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2)
    box = np.array([left, top, left + side, top + side], np.float32)
    geometry = CropGeometry(size_px=min(side, settings.most_px), crop_scale=1.0)
    points = detection.landmarks_px
    crops, _ = crop_faces(pixels, box[None], points[None], geometry)
    shares = (points - np.array([left, top], np.float32)) / side
    return np.asarray(crops[0], np.uint8), shares.astype(np.float32)


def encode_square(square: Pixels, settings: Settings) -> bytes:
    """Encode a crop as a JPEG of quality 95 with whole chroma, or as PNG."""
    ending, options = ".png", [cv2.IMWRITE_PNG_COMPRESSION, 6]
    if settings.picture == "jpeg":
        ending, options = ".jpg", [cv2.IMWRITE_JPEG_QUALITY, 95]
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    done, data = cv2.imencode(ending, square[..., ::-1], options)
    assert done  # memory alone can fail here, and raises
    return data.tobytes()
