"""FacesOptions: values that cannot work are refused when they are set."""

from __future__ import annotations

from typing import Any

import pytest

from stream.faces.options import FacesOptions


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"min_face_px": 11}, "at least 12"),
        ({"thresholds": (0.6, 0.7, 1.0)}, "between 0 and 1"),
        ({"thresholds": (0.0, 0.7, 0.7)}, "between 0 and 1"),
        ({"factor": 1.0}, "between 0.3 and 1"),
        ({"factor": 0.2}, "between 0.3 and 1"),
        ({"detect_interval_s": -1.0}, "cannot be negative"),
        ({"search_interval_s": -0.1}, "cannot be negative"),
        ({"lost_after_s": -0.1}, "cannot be negative"),
        ({"confirm_hits": 0}, "at least 1"),
        ({"max_faces": 0}, "at least 1"),
    ],
)
def test_a_value_out_of_range_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        FacesOptions(**change)


def test_the_smallest_values_that_work_are_taken() -> None:
    options = FacesOptions(min_face_px=12, factor=0.3, lost_after_s=0.0, max_faces=1)
    assert options.min_face_px == 12
