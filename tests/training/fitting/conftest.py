"""Fixtures of the tests that train."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from training.fitting.faces import Faces


@pytest.fixture(autouse=True, scope="module")
def _threads_as_before() -> Iterator[None]:
    torch = pytest.importorskip("torch", reason="needs the train extra")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Faces:
    """Ten drawn faces of each class and split."""
    pytest.importorskip("lightning", reason="needs the train extra")
    small_run = pytest.importorskip("tests.training.small_run")
    drawn: Faces = small_run.drawn_faces(tmp_path_factory.mktemp("data"))
    return drawn
