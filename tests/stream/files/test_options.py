"""FilesOptions: limits that make no sense are refused."""

from __future__ import annotations

from typing import Any

import pytest

from stream.files.options import FilesOptions


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"jobs": 0}, "at least 1"),
        ({"uploads": 0}, "at least 1"),
        ({"picture_pixels": -1}, "at least 1"),
        ({"clip_seconds": 0.0}, "positive"),
        ({"keep_s": -1.0}, "positive"),
        ({"decode_memory_mb": 10}, "between 128 and 4096"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        FilesOptions(**wrong)
