"""Checkpoints that are whole, or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")
pytest.importorskip("lightning", reason="needs the train extra")

from training.checkpoint import save  # noqa: E402
from training.fitting.errors import Stopped  # noqa: E402  after the skips

pytestmark = pytest.mark.torch


def test_a_crash_while_writing_leaves_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.pt"
    save({"step": 1}, path)

    def full(state: object, file: Path) -> None:
        file.write_bytes(b"half of")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="no space"):
        save({"step": 2}, path)
    assert torch.load(path, weights_only=True) == {"step": 1}


def test_a_stop_says_what_happened_and_what_to_do() -> None:
    assert str(Stopped(15, 40)).startswith("stopped by SIGTERM at step 40")
    assert "starts again" in str(Stopped(2))
