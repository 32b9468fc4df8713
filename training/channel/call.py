"""Call: a picture of 640x360 px at 25 fps in which a given crop is the speaker's face.

A bitrate means nothing for a crop alone: a call's codec divides it between face, shoulders,
wall and the camera's grain, and over time. So the crop is put into a room, moves and talks as
a speaker does, and is cut out of a late frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.channel.codec import Encoder, Frame, Transcoded, from_i420, to_i420, transcode
from training.channel.scale import resized
from training.channel.stage import Pixels
from training.channel.walk import Walk

WIDTH: Final = 640
HEIGHT: Final = 360
FPS: Final = 25
FACE_PX: Final = 180
"""The crop's side in the call: a speaker near the camera, with half the picture's height."""
DRAWN_FRAMES: Final = 24
FRAMES: Final = 2 * DRAWN_FRAMES - 1
"""Two seconds, until both codecs keep their rate. Frames cost as much to draw as to encode, so
the speaker goes the same way there and back."""
THERE_AND_BACK: Final = (*range(DRAWN_FRAMES - 1, 0, -1), *range(DRAWN_FRAMES - 1))
"""The drawn frames in the order in which they are played, again and again."""
MOVING_PX: Final = 340
"""What the head takes along, hair and shoulders, fades out over this width."""
GRAIN_SD: Final = 2.5
FACE_GRAIN_SD: Final = 1.0
"""Less, since the crop shows its own camera's grain already: what is measured is the codec."""
_LEFT: Final = (WIDTH - MOVING_PX) // 2
_FACE_LEFT: Final = (WIDTH - FACE_PX) // 2
_FACE_TOP: Final = (HEIGHT - FACE_PX) // 2
_TALK_PX: Final = 2.0
"""How far a chin goes from one frame to the next."""


@dataclass(frozen=True, slots=True)
class Shown:
    """`pixels`: the crop as the call showed it, at its own side; `coded`: the whole clip."""

    pixels: Pixels
    coded: Transcoded

    @property
    def quantiser(self) -> float | None:
        """How coarsely the frame was coded that shows the crop."""
        return self.coded.quantisers[-1]


@dataclass(frozen=True, slots=True)
class Filmed:
    """`crops` uint8 RGB (T, S, S, 3) as the call showed them one after the other; `quantisers` (T,)
    of the frames that they were cut out of, NaN where the codec does not tell.
    """

    crops: Pixels
    quantisers: NDArray[np.float64]


def shown_in_call(pixels: Pixels, encoder: Encoder, rng: np.random.Generator) -> Shown:
    """Send uint8 RGB (S, S, 3) through a call and give it back from the last frame that came.

    A codec that drops frames leaves an older one on show: it is cut where the face was then.
    """
    order, ways, coded = _called(pixels, encoder, FRAMES, rng)
    index, frame = coded.frames[-1]
    picture = from_i420(frame)
    return Shown(_cut(picture, ways[order[index]], pixels.shape[0]), coded)


def filmed_in_call(
    pixels: Pixels, encoder: Encoder, rng: np.random.Generator, seconds: float, per_s: float
) -> Filmed:
    """Send uint8 RGB (S, S, 3) through a call and give what it showed, `per_s` times a second.

    The first is the crop that `shown_in_call` gives, once both codecs keep their rate.
    """
    wanted = [round(FRAMES - 1 + n * FPS / per_s) for n in range(round(seconds * per_s))]
    order, ways, coded = _called(pixels, encoder, wanted[-1] + 1, rng)
    indices = [index for index, _ in coded.frames]
    seen = np.searchsorted(indices, wanted, "right") - 1
    crops = [
        _cut(from_i420(frame), ways[order[index]], pixels.shape[0])
        for index, frame in (coded.frames[place] for place in seen)
    ]
    told = [coded.quantisers[place] for place in seen]
    quantisers = [np.nan if value is None else value for value in told]
    return Filmed(np.stack(crops), np.array(quantisers, np.float64))


def _called(
    pixels: Pixels, encoder: Encoder, frames: int, rng: np.random.Generator
) -> tuple[Sequence[int], list[NDArray[np.float64]], Transcoded]:
    """A call of so many frames: which drawn frame each shows, how those moved, what arrived."""
    ways = Walk(DRAWN_FRAMES, 1.5, 0.002).matrices(FACE_PX, rng)
    order = list(islice(cycle(THERE_AND_BACK), frames))
    scene = _scene(pixels, rng)
    coded = transcode(_played(list(_drawn(scene, ways, rng)), order, rng), encoder)
    return order, ways, coded


def _scene(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The face, its edge softened outwards, in a room of its own colours."""
    face = resized(pixels, FACE_PX, cv2.INTER_AREA)
    rim = (HEIGHT - FACE_PX) // 2
    ground = _room(pixels, rng).astype(np.float32)
    beside = slice(_FACE_LEFT - rim, _FACE_LEFT + FACE_PX + rim)
    laid = cv2.copyMakeBorder(face, rim, rim, rim, rim, cv2.BORDER_REFLECT_101)
    alpha = np.clip(1 - _outside_px(HEIGHT)[..., None] / 40, 0, 1)
    ground[:, beside] += alpha * (laid - ground[:, beside])
    return np.asarray(np.clip(ground + 0.5, 0, 255), np.uint8)


def _room(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A blurred enlargement of the picture, with straight edges and a wall's texture."""
    square = resized(pixels, WIDTH, cv2.INTER_LINEAR)
    top = (WIDTH - HEIGHT) // 2
    room = np.ascontiguousarray(square[top : top + HEIGHT, ::-1])
    room = np.asarray(cv2.GaussianBlur(cv2.resize(room, (160, 90)), (0, 0), 3), np.uint8)
    room = np.asarray(cv2.resize(room, (WIDTH, HEIGHT)), np.uint8)
    for _ in range(12):
        x, y = int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT))
        wide, high = (int(value) for value in rng.integers(20, 160, 2))
        part = room[y : y + high, x : x + wide]
        part[:] = np.clip(part + rng.uniform(-35, 35), 0, 255).astype(np.uint8)
    texture = np.zeros((HEIGHT, WIDTH), np.float32)
    for cell, spread in ((2, 2.0), (8, 3.0)):
        coarse = rng.normal(0, spread, (HEIGHT // cell, WIDTH // cell)).astype(np.float32)
        texture += cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(room + texture[..., None], 0, 255), np.uint8)


def _drawn(
    scene: Pixels, ways: list[NDArray[np.float64]], rng: np.random.Generator
) -> Iterator[Frame]:
    """The clip without grain, frame by frame; the face stands at its place in the last."""
    still = to_i420(scene)
    grey, colour = _moving_part(still)
    grey, colour = grey.copy(), np.ascontiguousarray(np.moveaxis(colour, 0, -1))
    rows, columns = np.mgrid[:HEIGHT, :MOVING_PX].astype(np.float32)
    taken = np.clip(1 - _outside_px(MOVING_PX) / ((MOVING_PX - FACE_PX) / 2), 0, 1)
    chin = _chin(rows, columns)
    talk = _TALK_PX * np.cumsum(rng.normal(0, 1, len(ways)))
    for way, opened in zip(ways, talk - talk[-1], strict=True):
        x0, y0, zoom = _seen_from(way)
        x = columns + taken * (x0 + columns * (zoom - 1))
        y = rows + taken * (y0 + rows * (zoom - 1)) - chin * np.float32(opened)
        frame = still.copy()
        grey_now, colour_now = _moving_part(frame)
        grey_now[:] = cv2.remap(grey, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        x, y = x[::2, ::2] / 2, y[::2, ::2] / 2
        turned = cv2.remap(colour, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        colour_now[:] = np.moveaxis(np.asarray(turned, np.uint8), -1, 0)
        yield frame


def _moving_part(frame: Frame) -> tuple[Frame, Frame]:
    """Give views of the speaker: grey (HEIGHT, MOVING_PX), and both colours at half the size."""
    colours = frame[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2)
    right = _LEFT + MOVING_PX
    return frame[:HEIGHT, _LEFT:right], colours[:, :, _LEFT // 2 : right // 2]


def _played(drawn: list[Frame], order: Sequence[int], rng: np.random.Generator) -> Iterator[Frame]:
    """The frames in order, each with grain of its own: one field of it, shifted at random."""
    grain = rng.normal(0, 1, (HEIGHT + 64, WIDTH + 64)).astype(np.float32)
    spread = np.where(_outside_px(WIDTH) > 0, GRAIN_SD, FACE_GRAIN_SD).astype(np.float32)
    for index in order:
        down, right = rng.integers(0, 64, 2)
        seen = spread * grain[down : down + HEIGHT, right : right + WIDTH]
        frame = drawn[index].copy()
        frame[:HEIGHT] = cv2.add(frame[:HEIGHT], seen, dtype=cv2.CV_8U)
        yield frame


def _seen_from(way: NDArray[np.float64]) -> tuple[np.float32, np.float32, np.float32]:
    """Give x0, y0, zoom: what the moving part shows at x stood at ``x0 + zoom x`` in the scene."""
    back = cv2.invertAffineTransform(way)
    zoom = back[0, 0]
    left, top = _FACE_LEFT - _LEFT, _FACE_TOP
    x0, y0 = back[0, 2] + left * (1 - zoom), back[1, 2] + top * (1 - zoom)
    return np.float32(x0), np.float32(y0), np.float32(zoom)


def _outside_px(width: int) -> NDArray[np.float32]:
    """How far each px of a field of (HEIGHT, width) lies outside the crop in its middle."""
    rows, columns = np.mgrid[:HEIGHT, :width].astype(np.float32)
    beside = np.maximum(np.abs(columns - (width - 1) / 2) - FACE_PX / 2, 0)
    below = np.maximum(np.abs(rows - (HEIGHT - 1) / 2) - FACE_PX / 2, 0)
    return np.asarray(np.hypot(beside, below), np.float32)


def _chin(rows: NDArray[np.float32], columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each px goes along with the chin: 1 in the middle of the crop's lower quarter."""
    x, y = (MOVING_PX - 1) / 2, _FACE_TOP + 0.78 * FACE_PX
    distance = ((rows - y) ** 2 + (columns - x) ** 2) / (0.16 * FACE_PX) ** 2
    return np.asarray(np.exp(-distance / 2), np.float32)


def _cut(picture: Pixels, way: NDArray[np.float64], own: int) -> Pixels:
    place = way + np.array([[0, 0, _FACE_LEFT], [0, 0, _FACE_TOP]])
    size = (FACE_PX, FACE_PX)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    face = np.asarray(cv2.warpAffine(picture, place, size, flags=flags), np.uint8)
    return resized(face, own, cv2.INTER_CUBIC if own > FACE_PX else cv2.INTER_AREA)
