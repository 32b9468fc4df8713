"""Fixtures for all tests. An ``async def`` test runs on asyncio in debug mode."""

from __future__ import annotations

from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def one_torch_thread() -> Iterator[None]:
    """Barriers between threads cost more than small networks on a busy machine."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"debug": True}
