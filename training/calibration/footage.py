"""Footage: a still face as a camera in a call would show it for some seconds.

The face sways, comes nearer, tilts its head, and the light changes, all slowly; the detector's
box trembles; H.264 or VP8 codes the whole at a call's bitrate, frame after frame. What a still
cannot do is turn or speak: `training.calibration.alarm` says what follows from that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.spec import CropGeometry
from stream.faces.align import crop_faces, frame_from_crop
from stream.faces.quality import assess
from stream.types import FaceDetection
from training.channel import Channel
from training.channel.codec import (
    Encoder,
    from_i420,
    h264_at_rate,
    to_i420,
    transcode,
    vp8_at_rate,
)
from training.channel.rate import drawn_bits_per_px
from training.metrics import Floats

Pixels = NDArray[np.uint8]

FPS: Final = 16
"""A call's frame rate when the line is poor, and four frames for each that is scored."""
SCORED_FPS: Final = 4
"""`stream.scoring.options.ScoringOptions.target_fps`."""
WARM_UP_S: Final = 0.75
"""Not scored: the encoder's first frames, which no call shows for long."""
FACE_PX: Final = (100.0, 300.0)
"""The box's side in the call's picture; never more than the still has."""
VIEW: Final = 1.3
"""How much wider than the crop the coded picture is: the sway has to fit in."""
INSIDE: Final = 2000.0
"""Where the coded picture's corner lies in a frame of twice that: a face in the middle of the
picture is cut off by no edge."""


@dataclass(frozen=True, slots=True)
class Still:
    """A stored picture (H, W, 3) with the face's box (4,) and landmarks (5, 2) in its pixels."""

    pixels: Pixels
    box_px: NDArray[np.float32]
    landmarks_px: NDArray[np.float32]

    def mirrored(self) -> Still:
        """The same person seen from the other side, as far as a picture can show it."""
        width = np.float32(self.pixels.shape[1])
        x1, y1, x2, y2 = self.box_px
        box = np.array([width - x2, y1, width - x1, y2], np.float32)
        points = self.landmarks_px[[1, 0, 2, 4, 3]].copy()
        points[:, 0] = width - points[:, 0]
        return Still(np.ascontiguousarray(self.pixels[:, ::-1]), box, points)


@dataclass(frozen=True, slots=True)
class Shots:
    """What the detector is given: crops uint8 (T, S, S, 3) and their quality weights (T,)."""

    crops: Pixels
    weights: Floats


@dataclass(frozen=True, slots=True)
class _Way:
    """Where the face is in each frame: shares of the box's side, log zoom, radians, log gain."""

    right: Floats
    down: Floats
    zoom: Floats
    roll: Floats
    light: Floats


def film(still: Still, geometry: CropGeometry, seconds: float, rng: np.random.Generator) -> Shots:
    """Film a still for some seconds and cut out the crops that would be scored."""
    box_side = float((still.box_px[2:] - still.box_px[:2]).max())
    top = min(FACE_PX[1], box_side)
    face_px = float(np.exp(rng.uniform(np.log(min(FACE_PX[0], top)), np.log(top))))
    side = 2 * round(face_px * geometry.crop_scale * VIEW / 2)
    frames = round((WARM_UP_S + seconds) * FPS)
    way = _walk(frames, rng)
    matrices = [_placed(still, geometry, face_px, side, way, frame) for frame in range(frames)]
    pictures = _pictures(still, matrices, side, way.light, rng)
    encoder = _encoder(side * side, rng)
    coded = transcode([to_i420(picture) for picture in pictures], encoder)
    shown = {
        index: (frame, quantiser)
        for (index, frame), quantiser in zip(coded.frames, coded.quantisers, strict=True)
    }
    trembling = np.stack([_slow(frames, sd, 0.15, rng) for sd in (0.01, 0.01, 0.015)], 1)
    # The box's size and place differ from person to person as well, by the detector's habit.
    trembling += rng.normal(0, 1, 3) * (0.02, 0.02, 0.05)
    first, step = round(WARM_UP_S * FPS), FPS // SCORED_FPS
    crops, weights = [], []
    for frame in range(first, frames, step):
        latest = max((seen for seen in shown if seen <= frame), default=min(shown))
        detection = _detected(still, matrices[frame], trembling[frame])
        picture, quantiser = shown[latest]
        crop, weight = _cut(from_i420(picture), detection, geometry, quantiser)
        crops.append(crop)
        weights.append(weight)
    return Shots(np.stack(crops), np.array(weights))


def single(still: Still, geometry: CropGeometry, channel: Channel) -> tuple[Pixels, float]:
    """Cut one crop, send it through a channel, and weigh it as it then looks.

    A channel that shrinks the crop has seen the face from further away: it weighs as such.
    """
    boxes, points = still.box_px[None], still.landmarks_px[None]
    crops, _ = crop_faces(still.pixels, boxes, points, geometry)
    crop = channel.apply(np.asarray(crops[0], np.uint8))
    own = geometry.size_px
    seen = own if channel.scale is None else min(own, channel.scale.side(own))
    # Nor can a crop hold more than the still has, however large it was cut.
    box_side = float((still.box_px[2:] - still.box_px[:2]).max())
    share = min(1.0, seen / (geometry.crop_scale * box_side))
    detection = FaceDetection(still.box_px * share, still.landmarks_px * share, 1.0)
    return crop, _weight(crop, detection, geometry)


def _walk(frames: int, rng: np.random.Generator) -> _Way:
    return _Way(
        right=_slow(frames, 0.04, 1.5, rng),
        down=_slow(frames, 0.03, 1.5, rng),
        zoom=_slow(frames, 0.04, 4.0, rng),
        roll=_slow(frames, 0.06, 3.0, rng),
        light=_slow(frames, 0.08, 5.0, rng),
    )


def _slow(frames: int, sd: float, time_s: float, rng: np.random.Generator) -> Floats:
    """A walk that returns (Ornstein & Uhlenbeck, 1930), stationary with `sd` and `time_s`."""
    kept = np.exp(-1 / (FPS * time_s))
    steps = rng.normal(0, 1, frames)
    values = np.empty(frames)
    values[0] = steps[0]
    for frame in range(1, frames):
        values[frame] = kept * values[frame - 1] + np.sqrt(1 - kept**2) * steps[frame]
    return sd * values


def _placed(
    still: Still, geometry: CropGeometry, face_px: float, side: int, way: _Way, frame: int
) -> NDArray[np.float64]:
    """The affine (2, 3) from the still to the coded picture of `side` px."""
    box_side = float((still.box_px[2:] - still.box_px[:2]).max())
    scale = face_px / box_side * float(np.exp(way.zoom[frame]))
    cos, sin = scale * np.cos(way.roll[frame]), scale * np.sin(way.roll[frame])
    linear = np.array([[cos, -sin], [sin, cos]])
    # The crop's centre, not the box's, is in the picture's middle: so the sway fits all round.
    cut = frame_from_crop(still.box_px, still.landmarks_px, replace(geometry, crop_rotate=False))
    middle = cut[:, :2] @ np.full(2, geometry.size_px / 2) + cut[:, 2]
    target = side / 2 + face_px * np.array([way.right[frame], way.down[frame]])
    return np.column_stack([linear, target - linear @ middle])


def _pictures(
    still: Still,
    matrices: list[NDArray[np.float64]],
    side: int,
    light: Floats,
    rng: np.random.Generator,
) -> list[Pixels]:
    # One field of grain, laid anew in each frame: drawing it anew would cost most of the time.
    grain = rng.normal(0, rng.uniform(0.5, 4), (2 * side, 2 * side, 3)).astype(np.float32)
    shrunk, factor = _shrunk(still.pixels, float(np.hypot(*matrices[0][:, 0])))
    pictures = []
    for matrix, gain in zip(matrices, np.exp(light), strict=True):
        own = matrix.copy()
        own[:, :2] /= factor
        own[:, 2] += own[:, :2] @ np.full(2, 0.5) - 0.5  # OpenCV counts from pixel centres
        moved = cv2.warpAffine(shrunk, own, (side, side), borderMode=cv2.BORDER_REFLECT_101)
        right, down = rng.integers(0, side, 2)
        seen = grain[down : down + side, right : right + side]
        lit = cv2.addWeighted(moved.astype(np.float32), float(gain), seen, 1.0, 0.0)
        pictures.append(np.clip(lit, 0, 255).astype(np.uint8))
    return pictures


def _shrunk(pixels: Pixels, scale: float) -> tuple[Pixels, NDArray[np.float64]]:
    """The still near the size at which it is shown, averaged over area, so nothing aliases."""
    height, width = pixels.shape[:2]
    size = (max(2, round(width * min(scale, 1))), max(2, round(height * min(scale, 1))))
    smaller = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, np.uint8), np.array([size[0] / width, size[1] / height])


def _encoder(pixels: int, rng: np.random.Generator) -> Encoder:
    rate = max(1000, round(drawn_bits_per_px(rng, FPS) * pixels * FPS))
    if rng.random() < 0.5:
        return vp8_at_rate(rate, int(rng.integers(4, 9)), FPS)
    return h264_at_rate(rate, "veryfast", FPS)


def _detected(
    still: Still, matrix: NDArray[np.float64], trembling: NDArray[np.float64]
) -> FaceDetection:
    """The upright box round the face in the picture, as a detector with a tremble gives it."""
    points = still.landmarks_px @ matrix[:, :2].T + matrix[:, 2]
    half = (still.box_px[2:] - still.box_px[:2]) / 2 * np.hypot(*matrix[:, 0])
    middle = matrix[:, :2] @ (still.box_px[:2] + still.box_px[2:]) / 2 + matrix[:, 2]
    tremble = trembling[:2] * 2 * half.max()
    middle, points = middle + tremble, points + tremble
    half = half * np.exp(trembling[2])
    box = np.concatenate([middle - half, middle + half]).astype(np.float32)
    return FaceDetection(box, points.astype(np.float32), 1.0)


def _cut(
    picture: Pixels, detection: FaceDetection, geometry: CropGeometry, quantiser: float | None
) -> tuple[Pixels, float]:
    box, points = detection.box_px, detection.landmarks_px
    crops, _ = crop_faces(picture, box[None], points[None], geometry)
    crop = np.asarray(crops[0], np.uint8)
    return crop, _weight(crop, detection, geometry, quantiser)


def _weight(
    crop: Pixels, detection: FaceDetection, geometry: CropGeometry, quantiser: float | None = None
) -> float:
    moved = FaceDetection(
        detection.box_px + np.float32(INSIDE), detection.landmarks_px + np.float32(INSIDE), 1.0
    )
    size = (int(2 * INSIDE), int(2 * INSIDE))
    return assess(crop, moved, size, geometry, False, quantiser).weight
