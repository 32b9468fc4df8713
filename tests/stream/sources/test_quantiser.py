"""Quantisers, read back from streams that were encoded with known ones."""

from __future__ import annotations

import random
from fractions import Fraction

import av
import numpy as np
import pytest
from av.sidedata.encparams import VideoEncParams

from stream.sources.quantiser import EXPORT, h264_quantiser, vp8_quantiser

STEPS = {20: 29, 40: 68, 63: 284}
"""Step of the AC coefficients by libvpx's scale of 0 to 63, which has the indices 25, 59, 127."""


def encoded(name: str, options: dict[str, str], frames: int = 4) -> list[av.Packet[av.VideoStream]]:
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 160, 96, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = options
    noise = np.random.default_rng(0).integers(0, 256, (144, 160), np.uint8)
    noise[:50] = 100
    packets: list[av.Packet[av.VideoStream]] = []
    for index in range(frames):
        frame = av.VideoFrame.from_ndarray(np.roll(noise, index, 1), format="yuv420p")
        frame.pts = index
        packets += encoder.encode(frame)
    return [packet for packet in [*packets, *encoder.encode(None)] if packet.size]


def h264(options: dict[str, str]) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.options = dict(EXPORT)
    packets = [*encoded("libx264", {"tune": "zerolatency", **options}), None]
    return [frame for packet in packets for frame in decoder.decode(packet)]


@pytest.mark.parametrize("quantiser", [18, 30, 44])
def test_h264_says_the_constant_that_it_was_encoded_with(quantiser: int) -> None:
    frames = h264({"qp": str(quantiser), "x264-params": "ipratio=1:aq-mode=0"})
    assert [h264_quantiser(frame) for frame in frames] == [quantiser] * 4


def test_h264_is_averaged_over_blocks_that_differ() -> None:
    frame = h264({"crf": "20", "x264-params": "aq-mode=1:aq-strength=2"})[0]
    (params,) = (data for data in frame.side_data if isinstance(data, VideoEncParams))
    blocks = params.qp_map()
    assert np.ptp(blocks) >= 2
    assert h264_quantiser(frame) == pytest.approx(blocks.mean())


def test_without_the_export_nothing_is_known() -> None:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    packets = [*encoded("libx264", {"tune": "zerolatency"}), None]
    frames = [frame for packet in packets for frame in decoder.decode(packet)]
    assert [h264_quantiser(frame) for frame in frames] == [None] * 4


@pytest.mark.parametrize("resilient", ["0", "default"])
def test_vp8_says_its_step_on_the_scale_of_h264(resilient: str) -> None:
    for scale, step in STEPS.items():
        fixed = {"qmin": str(scale), "qmax": str(scale), "deadline": "realtime", "cpu-used": "-8"}
        packets = encoded("libvpx", {**fixed, "error-resilient": resilient, "b": "200k"})
        expected = 4 + 6 * np.log2(step / 2)
        found = [vp8_quantiser(bytes(packet)) for packet in packets]
        assert len(found) == 4
        assert found == pytest.approx([expected] * 4, abs=1e-6)


def test_a_header_that_ends_early_is_unknown() -> None:
    whole = bytes(encoded("libvpx", {"deadline": "realtime"}, 1)[0])
    assert [vp8_quantiser(whole[:length]) for length in range(12)] == [None] * 12


def test_any_bytes_give_a_value_on_the_scale_or_none() -> None:
    rng = random.Random(0)
    for _ in range(2000):
        found = vp8_quantiser(rng.randbytes(rng.randrange(60)))
        assert found is None or 9 < found < 47
