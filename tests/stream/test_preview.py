"""Preview: JPEG pictures with a header, made only while somebody looks."""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import cv2
import numpy as np
import pytest

from stream.preview import Preview
from stream.types import Frame, Pixels
from tests import builders
from tests.doubles import DEADLINE_S


class Encoder(ThreadPoolExecutor):
    """An executor that counts its calls and stands still while `gate` is clear."""

    def __init__(self) -> None:
        super().__init__(1)
        self.calls = 0
        self.gate = threading.Event()
        self.gate.set()

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1

        def held() -> Any:
            assert self.gate.wait(DEADLINE_S)
            return fn(*args, **kwargs)

        return super().submit(held)


@pytest.fixture
def encoder() -> Iterator[Encoder]:
    with Encoder() as executor:
        yield executor


@asynccontextmanager
async def running(
    encoder: Encoder, *, width_px: int = 960, fps: float = 30.0, quality: int = 90
) -> AsyncIterator[Preview]:
    preview = Preview(encoder, width_px, fps, quality)
    task = asyncio.create_task(preview.run())
    try:
        yield preview
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def seen(seq: int, decoded_at_s: float, pixels: Pixels | None = None) -> Frame:
    return builders.frame(seq / 10, seq=seq, decoded_at_s=decoded_at_s, pixels=pixels)


async def looked_at(preview: Preview, *frames: Frame) -> list[bytes]:
    """What a viewer gets who takes each picture before the next frame is offered."""
    with preview.pictures.subscribe(2) as pictures:
        taken = []
        for frame in frames:
            preview.offer(frame)
            taken.append(await asyncio.wait_for(anext(pictures), DEADLINE_S))
        return taken


def picture_in(message: bytes) -> Pixels:
    decoded = cv2.imdecode(np.frombuffer(message[16:], np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(decoded, np.uint8)


async def test_a_message_is_frame_number_media_time_in_microseconds_and_a_jpeg(
    encoder: Encoder,
) -> None:
    async with running(encoder) as preview:
        (message,) = await looked_at(preview, seen(12_345_678_901, 1.0))
    assert struct.unpack(">QQ", message[:16]) == (12_345_678_901, 1_234_567_890_100_000)
    assert message[16:18] == b"\xff\xd8"
    assert message[-2:] == b"\xff\xd9"


async def test_colours_and_size_are_those_of_the_frame(encoder: Encoder) -> None:
    pixels = np.full((48, 64, 3), (200, 100, 30), np.uint8)
    async with running(encoder) as preview:
        (message,) = await looked_at(preview, seen(0, 1.0, pixels))
    shown = picture_in(message)
    assert shown.shape == (48, 64, 3)
    assert shown.reshape(-1, 3).mean(axis=0) == pytest.approx([200, 100, 30], abs=4)


async def test_a_wide_frame_is_made_narrower_and_keeps_its_shape(encoder: Encoder) -> None:
    async with running(encoder, width_px=160) as preview:
        (message,) = await looked_at(preview, seen(0, 1.0, builders.textured(640, 360)))
    assert picture_in(message).shape == (90, 160, 3)


async def test_nothing_is_encoded_while_nobody_looks(encoder: Encoder) -> None:
    async with running(encoder) as preview:
        for seq in range(10):
            preview.offer(seen(seq, float(seq)))
            await asyncio.sleep(0)
        await looked_at(preview, seen(10, 10.0))
        preview.offer(seen(11, 11.0))
        await asyncio.sleep(0)
    assert encoder.calls == 1


async def test_all_viewers_share_one_encoding(encoder: Encoder) -> None:
    async with running(encoder) as preview:
        with preview.pictures.subscribe(2) as one, preview.pictures.subscribe(2) as other:
            preview.offer(seen(0, 1.0))
            assert await anext(one) == await anext(other)
    assert encoder.calls == 1


async def test_pictures_come_no_more_often_than_asked_for(encoder: Encoder) -> None:
    async with running(encoder, fps=10.0) as preview:
        with preview.pictures.subscribe(64) as pictures:
            for seq in range(60):
                preview.offer(seen(seq, 1.0 + seq / 60))
                await asyncio.sleep(0.002)
            await asyncio.wait_for(anext(pictures), DEADLINE_S)
    assert 8 <= encoder.calls <= 13


async def test_a_source_as_fast_as_the_limit_loses_no_picture_to_jitter(encoder: Encoder) -> None:
    jitter_s = (0.0, 0.004, -0.002, 0.003)
    frames = [seen(seq, 1.0 + seq / 30 + jitter_s[seq % 4]) for seq in range(12)]
    async with running(encoder, fps=30.0) as preview:
        assert len(await looked_at(preview, *frames)) == 12


async def test_while_the_encoder_is_busy_the_newest_frame_wins(encoder: Encoder) -> None:
    async with running(encoder) as preview:
        with preview.pictures.subscribe(8) as pictures:
            encoder.gate.clear()
            for seq in range(5):
                preview.offer(seen(seq, float(seq)))
                await asyncio.sleep(0)
            encoder.gate.set()
            numbers = [
                struct.unpack(">Q", (await asyncio.wait_for(anext(pictures), DEADLINE_S))[:8])[0]
                for _ in range(2)
            ]
    assert numbers == [0, 4]
    assert encoder.calls == 2


async def test_cancelling_ends_the_viewers_subscriptions(encoder: Encoder) -> None:
    async with running(encoder) as preview:
        looking = asyncio.create_task(looked_at_until_the_end(preview))
        await asyncio.sleep(0)
    assert await asyncio.wait_for(looking, DEADLINE_S) == []


async def looked_at_until_the_end(preview: Preview) -> list[bytes]:
    with preview.pictures.subscribe(2) as pictures:
        return [picture async for picture in pictures]
