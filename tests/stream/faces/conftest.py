"""A real face, and MTCNN over the weights that ship."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import cv2
import numpy as np
import pytest

from engines.table import open_engine
from stream.config import REPOSITORY
from stream.faces.cascade import Cascade
from stream.faces.options import FacesOptions
from stream.types import Pixels


@pytest.fixture(scope="session")
def portrait() -> Pixels:
    """The demo's first frame, RGB: one face, seen from the front, 540 pixels high."""
    film = cv2.VideoCapture(str(REPOSITORY / "stream" / "sources" / "media" / "demo.mp4"))
    there, frame = film.read()
    film.release()
    assert there
    return np.asarray(frame[:, :, ::-1], np.uint8).copy()


@pytest.fixture(scope="session")
def cascade() -> Iterator[Cascade]:
    """MTCNN with the default options."""
    with ExitStack() as stack:
        pnet, rnet, onet = (
            stack.enter_context(open_engine("onnxruntime", REPOSITORY / "weights" / f"{name}.json"))
            for name in ("pnet", "rnet", "onet")
        )
        yield Cascade(pnet, rnet, onet, FacesOptions())
