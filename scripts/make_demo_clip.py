"""Makes the built-in demo clip: one untouched and one face-swapped stretch of a moving portrait.

    python scripts/make_demo_clip.py            write stream/sources/media/demo.mp4 and demo.json
    python scripts/make_demo_clip.py --out DIR  write both files into DIR
    python scripts/make_demo_clip.py --check    re-render and compare with the shipped file

The portrait is scikit-image's ``data.astronaut()`` (NASA, public domain). It needs scikit-image,
which is in no extra: the clip ships, and nothing at run time needs it. All randomness is seeded.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

MEDIA = Path(__file__).resolve().parent.parent / "stream" / "sources" / "media"
WIDTH, HEIGHT, FPS = 960, 540, 25
LOOP_S, SWAP_FROM_S = 24.0, 12.0
MAX_BYTES = 2_000_000
# Compared at a quarter of the size, where noise and coding fade. FFmpeg's conversions to YUV and
# back round down by 1 to 2 grey levels; another scene differs by far more.
CHECK_MEAN_DIFFERENCE = 3.0

# In the portrait's own pixels, found by MTCNN once.
LANDMARKS = np.array(
    [[205.0, 101.7], [246.8, 103.7], [224.7, 129.0], [201.7, 139.2], [245.3, 141.9]], np.float32
)
FACE_CENTRE = (224.5, 119.0)
NECK = (224.0, 190.0)
CROP_PX = 136  # the swapper's square crop round the face
BOTTLENECK_PX = 80  # what its generator puts out


@dataclass(frozen=True)
class Pose:
    """Where camera and head are at one instant; lengths in portrait pixels, angles in radians."""

    zoom: float
    camera_px: tuple[float, float]
    camera_turn: float
    head_px: tuple[float, float]
    head_turn: float


def pose_at(time_s: float) -> Pose:
    """The pose at `time_s`: sums of whole turns over the loop, so that its ends meet."""

    def wave(turns: int, phase: float) -> float:
        return math.sin(2 * math.pi * (turns * time_s / LOOP_S + phase))

    return Pose(
        zoom=2.06 + 0.06 * wave(2, 0.1),
        camera_px=(
            5 * wave(1, 0.0) + 0.6 * wave(17, 0.3),
            2.5 * wave(3, 0.2) + 0.5 * wave(23, 0.6),
        ),
        camera_turn=0.008 * wave(2, 0.4),
        head_px=(9 * wave(4, 0.15) + 3 * wave(9, 0.7), 3.5 * wave(6, 0.5) + 1.5 * wave(13, 0.9)),
        head_turn=0.06 * wave(5, 0.25) + 0.02 * wave(11, 0.55),
    )


def head_weight() -> Floats:
    """How far each portrait pixel follows the head: 1 on it, falling softly to 0 on the wall."""
    y, x = np.mgrid[0:512, 0:512].astype(np.float32)
    head = np.hypot((x - 226) / 120, (y - 105) / 130)
    return np.asarray(np.clip(1.7 - head, 0, 1) ** 1.5, np.float32)


def sampling_map(pose: Pose, weight: Floats) -> Floats:
    """For each clip pixel, the portrait pixel to read: float32 (HEIGHT, WIDTH, 2), x then y."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    u, v = (x - WIDTH / 2) / pose.zoom, (y - HEIGHT / 2) / pose.zoom
    cos, sin = math.cos(pose.camera_turn), math.sin(pose.camera_turn)
    at_x = cos * u - sin * v + 256 + pose.camera_px[0] - 14
    at_y = sin * u + cos * v + 128 + pose.camera_px[1]
    follow = cv2.remap(weight, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # The head turns about the neck, against the direction in which the picture is read.
    cos, sin = math.cos(-pose.head_turn), math.sin(-pose.head_turn)
    from_neck_x, from_neck_y = at_x - NECK[0] - pose.head_px[0], at_y - NECK[1] - pose.head_px[1]
    head_x = cos * from_neck_x - sin * from_neck_y + NECK[0]
    head_y = sin * from_neck_x + cos * from_neck_y + NECK[1]
    mixed = np.stack((at_x + follow * (head_x - at_x), at_y + follow * (head_y - at_y)), axis=-1)
    return np.asarray(mixed, np.float32)


def generated_face(portrait: Pixels) -> Floats:
    """What a face swapper's generator would give: float32 (CROP_PX, CROP_PX, 3), 0-255.

    The mirrored face is laid on the landmarks with its proportions changed, pressed through
    `BOTTLENECK_PX`, blurred, sharpened and given a colour cast.
    """
    mirrored = np.ascontiguousarray(portrait[:, ::-1])
    theirs = LANDMARKS * (-1, 1) + (511, 0)
    theirs = theirs[[1, 0, 2, 4, 3]]
    # Another face's proportions: eyes wider apart and higher, mouth lower and narrower.
    ours = LANDMARKS + np.array(((-2.5, -1.5), (2.5, -1.5), (0, 1.5), (2, 3), (-2, 3)))
    lay, _ = cv2.estimateAffine2D(theirs.astype(np.float32), ours.astype(np.float32))
    lay[:, 2] += CROP_PX / 2 - np.array(FACE_CENTRE)
    crop = cv2.warpAffine(mirrored, lay, (CROP_PX, CROP_PX), flags=cv2.INTER_CUBIC)
    small = cv2.resize(crop, (BOTTLENECK_PX, BOTTLENECK_PX), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 0.7)
    up = cv2.resize(small, (CROP_PX, CROP_PX), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    sharp = up + 1.1 * (up - cv2.GaussianBlur(up, (0, 0), 2.0))
    return np.asarray(np.clip(sharp * (1.05, 0.97, 0.92) + (3, 0, -4), 0, 255), np.float32)


def swap_mask() -> Floats:
    """The blending mask of the crop: a soft ellipse from the brows to the chin, 0-1."""
    y, x = np.mgrid[0:CROP_PX, 0:CROP_PX].astype(np.float32)
    radius = np.hypot((x - CROP_PX / 2) / 36, (y - CROP_PX / 2 - 3) / 45)
    return np.asarray(np.clip((1.06 - radius) / 0.14, 0, 1), np.float32)


@dataclass(frozen=True)
class Swapper:
    """Pastes the generated face into the portrait, with the jitter of a frame-by-frame swap."""

    face: Floats
    mask: Floats

    def swap(self, portrait: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """The swapped portrait and the mask in its coordinates, float32 (512, 512)."""
        turn, size = rng.normal(0, 0.4), 1 + rng.normal(0, 0.004)
        jitter = cv2.getRotationMatrix2D((CROP_PX / 2, CROP_PX / 2), turn, size)
        jitter[:, 2] += np.array(FACE_CENTRE) - CROP_PX / 2 + rng.normal(0, 0.35, 2)
        face = cv2.warpAffine(self.face * rng.normal(1, 0.008), jitter, (512, 512))
        mask = cv2.warpAffine(self.mask, jitter, (512, 512))
        blended = portrait + mask[..., None] * (face - portrait)
        return np.asarray(blended, np.float32), np.asarray(mask, np.float32)


def caption(pixels: Pixels, text: str) -> None:
    """Write `text` into the lower left corner, away from the face."""
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 2)
    cv2.rectangle(pixels, (16, HEIGHT - 58), (40 + width, HEIGHT - 16), (24, 24, 24), cv2.FILLED)
    where = (28, HEIGHT - 29)
    cv2.putText(pixels, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2, cv2.LINE_AA)


def render() -> Iterator[Pixels]:
    """Every picture of the loop, uint8 RGB (HEIGHT, WIDTH, 3)."""
    from skimage import data  # not needed by anybody who only reads this file's constants

    portrait: Pixels = data.astronaut()
    swapper = Swapper(generated_face(portrait), swap_mask())
    weight, rng = head_weight(), np.random.default_rng(20)
    for number in range(round(LOOP_S * FPS)):
        time_s = number / FPS
        swapped = time_s >= SWAP_FROM_S
        scene, mask = portrait.astype(np.float32), np.zeros((512, 512), np.float32)
        if swapped:
            scene, mask = swapper.swap(scene, rng)
        at = sampling_map(pose_at(time_s), weight)
        seen = cv2.remap(scene, at, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        smooth = cv2.remap(mask, at, None, cv2.INTER_LINEAR)[..., None]
        light = 1 + 0.03 * math.sin(2 * math.pi * (3 * time_s / LOOP_S + 0.2))
        # A generator's output carries no sensor noise: it is added before the paste, so to say.
        noise = rng.normal(0, 2.2, (HEIGHT, WIDTH, 1)) * (1 - 0.85 * smooth)
        pixels = np.clip(seen * light + noise, 0, 255).astype(np.uint8)
        caption(pixels, "face swapped (synthetic)" if swapped else "untouched")
        yield pixels


def encode(path: Path) -> None:
    """Render the loop into an H.264 file at `path`."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        options = {"preset": "veryslow", "crf": "23", "bf": "0", "g": "50", "threads": "1"}
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        context = stream.codec_context
        context.color_range, context.colorspace = 1, 1  # limited range, BT.709
        context.color_primaries, context.color_trc = 1, 1
        for number, pixels in enumerate(render()):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame = frame.reformat(
                format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def description() -> dict[str, object]:
    """What `demo.json` says of the clip."""
    return {
        "duration_s": LOOP_S,
        "size_px": [WIDTH, HEIGHT],
        "fps": FPS,
        "segments": [
            {
                "start_s": 0.0,
                "end_s": SWAP_FROM_S,
                "label": "untouched",
                "note": "The portrait as it is, moved and lit as by a camera, with sensor noise.",
            },
            {
                "start_s": SWAP_FROM_S,
                "end_s": LOOP_S,
                "label": "face-swapped",
                "note": "The mirrored face with changed proportions, pressed through an "
                f"{BOTTLENECK_PX} px bottleneck, sharpened and blended back with a soft mask: "
                "an imitation of a swapper's traces, no real person's face on another's.",
            },
        ],
        "sources": [
            {
                "what": "Portrait of the astronaut Eileen Collins, scikit-image data.astronaut()",
                "by": "NASA (Great Images in NASA)",
                "licence": "public domain",
            }
        ],
        "licence": "Public domain portrait; the rendering is under this repository's licence.",
        "made_by": "scripts/make_demo_clip.py",
    }


def quarter(pixels: Pixels) -> Floats:
    """The picture at a quarter of its width and height, float32."""
    small = cv2.resize(pixels, (WIDTH // 4, HEIGHT // 4), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def check(path: Path) -> str | None:
    """What is wrong with the shipped clip at `path`, or None."""
    if path.stat().st_size > MAX_BYTES:
        return f"{path.name} has {path.stat().st_size} bytes, more than {MAX_BYTES}"
    if json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) != description():
        return "demo.json does not describe this script's clip"
    with av.open(str(path)) as container:
        shipped = (frame.to_ndarray(format="rgb24") for frame in container.decode(video=0))
        for number, (want, got) in enumerate(zip(render(), shipped, strict=True)):
            difference = float(np.abs(quarter(want) - quarter(got)).mean())
            if difference > CHECK_MEAN_DIFFERENCE:
                return f"picture {number} differs by {difference:.1f} grey levels on average"
    return None


def main() -> int:
    """Run the command; 0 when the clip was written or agrees."""
    parser = argparse.ArgumentParser(description="Make or check the built-in demo clip.")
    parser.add_argument("--out", type=Path, default=MEDIA, metavar="DIR", help="where to write")
    parser.add_argument("--check", action="store_true", help="compare with the file in DIR")
    args = parser.parse_args()
    clip = args.out / "demo.mp4"
    if args.check:
        problem = check(clip)
        sys.stdout.write(f"{problem or 'the clip agrees with this script'}\n")
        return 1 if problem else 0
    args.out.mkdir(parents=True, exist_ok=True)
    encode(clip)
    text = json.dumps(description(), indent=2) + "\n"
    clip.with_suffix(".json").write_text(text, encoding="utf-8")
    sys.stdout.write(f"{clip}: {clip.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
