"""Two tiny clips from the demo, whose first half is untouched and whose second half is swapped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.evaluate.clips.tiny import pictures, write


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``real/untouched.mp4``, 2 s, and ``fake/switched.mp4``, 4 s, swapped from 1 s on."""
    place = tmp_path_factory.mktemp("clips")
    write(place / "real" / "untouched.mp4", pictures(0, 2))
    write(place / "fake" / "switched.mp4", pictures(11, 15))
    return place
