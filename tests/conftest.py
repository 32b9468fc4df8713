"""Fixtures for all tests. An ``async def`` test runs on asyncio in debug mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stream.config import data_dir as find_data_dir


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The third-party data folder; the test is skipped in a clone that has none."""
    found = find_data_dir()
    if found is None:
        pytest.skip("needs the data folder (DEEPFAKESTREAM_DATA)")
    return found


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"debug": True}
