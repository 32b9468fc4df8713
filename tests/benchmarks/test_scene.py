"""The scene of a browser's camera shows the face where it says that it is."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from benchmarks.rtc.scene import CROP_PX, off_px, scene


def test_the_portrait_is_a_square_with_something_in_it() -> None:
    png = base64.b64decode(scene()["portrait"].partition(",")[2])
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    assert pixels.shape == (CROP_PX, CROP_PX, 3)
    assert pixels.std() > 20


@pytest.mark.parametrize(("box", "off"), [((90, 80, 110, 120), 0.0), ((93, 84, 113, 124), 5.0)])
def test_a_box_is_off_by_the_distance_of_its_middle(
    box: tuple[float, float, float, float], off: float
) -> None:
    assert off_px({"boxes": [box], "face": (100, 100)}) == pytest.approx(off)
