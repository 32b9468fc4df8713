"""What several tests of the preparation need: a short clip with a face, and the detectors."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest

from stream.config import REPOSITORY
from stream.sources.demo import CLIP
from training.prepare.harvest import Harvester, opened_harvester
from training.prepare.settings import Settings

FRAMES = 12
FPS = 10


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.2 s of the program's own demo at 10 fps, 480x270, with one face of about 117 px."""
    path = tmp_path_factory.mktemp("clips") / "demo.mp4"
    with av.open(str(CLIP)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 480, 270, "yuv420p"
        for number, frame in enumerate(source.decode(video=0)):
            if number >= 5 * FRAMES:
                break
            if number % 5 == 0:
                small = frame.reformat(480, 270, "yuv420p")
                small.pts, small.time_base = number // 5, Fraction(1, FPS)
                target.mux(stream.encode(small))
        target.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def harvester() -> Iterator[Harvester]:
    """The detectors with settings that keep three crops of a face."""
    with opened_harvester(REPOSITORY / "weights", Settings(per_track=3)) as opened:
        yield opened
