"""Files that nobody would send in good faith, and odd ones that are right: made here, not kept."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import av
import cv2
import numpy as np
from PIL import Image

from stream.types import Pixels
from tests.stream.files.site import clip, portrait

PICTURES: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
CONTAINERS: Final = ("mp4", "matroska", "mpegts", "mov", "3gp", "flv")
CUTS: Final = (0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999)
FLIPS: Final = 4
CLIP_S: Final = 0.25
HUGE: Final = 60_000
ORIENTATION: Final = 0x0112


@dataclass(frozen=True, slots=True)
class Odd:
    """One file. `right` says that it has to be answered with the face in it; otherwise a 4xx does
    as well.
    """

    name: str
    kind: Literal["image", "video"]
    data: bytes
    right: bool = False


@cache
def small() -> Image.Image:
    """The portrait, 320 px wide."""
    pixels = portrait()
    height = round(320 * pixels.shape[0] / pixels.shape[1])
    return Image.fromarray(cv2.resize(pixels, (320, height), interpolation=cv2.INTER_AREA))


def as_file(image: Image.Image, kind: str, **how: object) -> bytes:
    made = io.BytesIO()
    image.save(made, kind, **how)
    return made.getvalue()


def corpus() -> list[Odd]:
    """All of them."""
    return [*_pictures(), *_right_pictures(), *_bombs(), *_strangers(), *_clips()]


def _pictures() -> Iterator[Odd]:
    for kind in PICTURES:
        yield from _damaged(kind, "image", as_file(small(), kind))


def _clips() -> Iterator[Odd]:
    for container in CONTAINERS:
        yield from _damaged(container, "video", clip(CLIP_S, container))


def _damaged(name: str, kind: Literal["image", "video"], whole: bytes) -> Iterator[Odd]:
    rng = random.Random(name)
    for share in CUTS:
        yield Odd(f"{name} cut at {share}", kind, whole[: int(share * len(whole))])
    for number in range(FLIPS):
        data = bytearray(whole)
        for _ in range(4 ** (number + 1)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        yield Odd(f"{name} with {4 ** (number + 1)} wrong bytes", kind, bytes(data))
    yield Odd(f"{name} with a tail", kind, whole + rng.randbytes(5000))


def _right_pictures() -> Iterator[Odd]:
    image = small()
    frames = [image.rotate(angle) for angle in (0, 90, 180, 270)]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        data = as_file(frames[0], kind, save_all=True, append_images=frames[1:])
        yield Odd(f"{kind} of 4 pictures", "image", data, right=True)
    for kind in ("JPEG", "TIFF"):
        yield Odd(f"CMYK {kind}", "image", as_file(image.convert("CMYK"), kind), right=True)
    grey = np.asarray(image.convert("L"), np.uint16) * 257
    yield Odd("16-bit PNG", "image", as_file(Image.fromarray(grey), "PNG"), right=True)
    yield Odd("16-bit TIFF", "image", as_file(Image.fromarray(grey), "TIFF"), right=True)
    yield Odd("16-bit RGB PNG", "image", _png16(np.asarray(image)), right=True)
    for mode in ("L", "LA", "RGBA", "P"):
        yield Odd(f"{mode} PNG", "image", as_file(image.convert(mode), "PNG"), right=True)
    yield Odd("1 bit", "image", as_file(image.convert("1"), "PNG"))
    yield Odd("progressive", "image", as_file(image, "JPEG", progressive=True), right=True)
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # EXIF -> the transposition that undoes it
    for orientation, method in back.items():
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        lying = image.transpose(Image.Transpose(method))
        data = as_file(lying, "JPEG", exif=exif, quality=95)
        yield Odd(f"EXIF {orientation}", "image", data, right=True)
    for size in ((1, 1), (1, 4000), (4000, 1), (11, 11)):
        yield Odd(f"{size} px", "image", as_file(Image.new("RGB", size), "PNG"))


def _bombs() -> Iterator[Odd]:
    png = as_file(small(), "PNG")
    for side in (8000, HUGE):
        header = _chunk(b"IHDR", struct.pack(">II", side, side) + png[24:29])
        yield Odd(f"PNG of {side} px", "image", png[:8] + header + png[33:])
    flat = Image.new("L", (7000, 7000))
    yield Odd("49 megapixels of nothing", "image", as_file(flat, "PNG", compress_level=1))
    yield Odd("49 megapixels, JPEG", "image", as_file(flat, "JPEG"))
    bomb = zlib.compress(bytes(100_000_000), 1)
    for name, data in ((b"zTXt", b"a\0\0" + bomb), (b"iCCP", b"a\0\0" + bomb), (b"IDAT", bomb)):
        yield Odd(f"PNG with 100 MB of {name!r}", "image", png[:33] + _chunk(name, data) + png[33:])
    jpeg = as_file(small(), "JPEG")
    padding = (b"\xff\xe5" + struct.pack(">H", 65535) + bytes(65533)) * 200
    yield Odd("JPEG with a header of 13 MB", "image", jpeg[:2] + padding + jpeg[2:], right=True)
    at = jpeg.index(b"\xff\xc0") + 5
    size = struct.pack(">HH", HUGE, HUGE)
    yield Odd("JPEG of 3.6 gigapixels", "image", jpeg[:at] + size + jpeg[at + 4 :])
    gif = as_file(small(), "GIF")
    yield Odd(
        "GIF of 3.6 gigapixels", "image", gif[:6] + struct.pack("<HH", *[HUGE] * 2) + gif[10:]
    )
    bmp = as_file(small(), "BMP")
    yield Odd(
        "BMP of 3.6 gigapixels", "image", bmp[:18] + struct.pack("<ii", *[HUGE] * 2) + bmp[26:]
    )
    yield Odd("BMP of minus", "image", bmp[:18] + struct.pack("<ii", -1, -(2**31)) + bmp[26:])
    y4m = f"YUV4MPEG2 W{HUGE} H{HUGE} F25:1 Ip A1:1 C420\nFRAME\n".encode()
    yield Odd("YUV of 3.6 gigapixels", "video", y4m + bytes(1000))
    yield Odd("a clip of 36 megapixels", "video", _raw_clip(6000, 6000))
    yield Odd("a large clip that is right", "video", _raw_clip(3840, 2160))


def _strangers() -> Iterator[Odd]:
    whole_clip, whole_picture = clip(CLIP_S), as_file(small(), "PNG")
    texts = {
        "nothing": b"",
        "a letter": b"x",
        "a text": b"plain text\n" * 100,
        "JSON": b'{"a": 1}',
        "HTML": b"<!doctype html><img src=file:///etc/passwd>",
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        "a playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "a concat script": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "SDP": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 9 RTP/AVP 96\na=rtpmap:96 VP8/90000\n",
        "DASH": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>',
        "a PDF": b"%PDF-1.7\n" + bytes(500),
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "an archive": b"PK\x03\x04" + bytes(500),
        "a program": b"\x7fELF" + bytes(500),
        "noise": random.Random(0).randbytes(20_000),
        "zeros": bytes(100_000),
    }
    for name, data in texts.items():
        yield Odd(f"{name} as a picture", "image", data)
        yield Odd(f"{name} as a clip", "video", data)
    yield Odd("a clip as a picture", "image", whole_clip)
    yield Odd("a picture as a clip", "video", whole_picture)
    yield Odd("a playlist inside MP4", "video", whole_clip[:40] + texts["a playlist"])
    yield Odd("a sound", "video", _sound())


def _chunk(name: bytes, data: bytes) -> bytes:
    check = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)


def _png16(pixels: Pixels) -> bytes:
    height, width = pixels.shape[:2]
    rows = (pixels.astype(">u2") * 257).astype(">u2")
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(raw)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _raw_clip(width: int, height: int) -> bytes:
    made = io.BytesIO()
    with av.open(made, "w", format="matroska") as written:
        stream = written.add_stream("libx264", 5, options={"preset": "ultrafast", "g": "1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([128]) * plane.buffer_size)
        for number in range(2):
            frame.pts = number
            written.mux(stream.encode(frame))
        written.mux(stream.encode(None))
    return made.getvalue()


def _sound() -> bytes:
    made = io.BytesIO()
    with av.open(made, "w", format="matroska") as written:
        stream = written.add_stream("pcm_s16le", 8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        written.mux(stream.encode(frame))
        written.mux(stream.encode(None))
    return made.getvalue()
