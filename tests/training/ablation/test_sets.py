"""The crops on which variants are judged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

from tests.training.sample_data import write_data
from training.ablation import sets as judging
from training.ablation.sets import Sets, parse_set

pytestmark = pytest.mark.torch


class Brightness:
    """A scorer whose logit is the crop's mean."""

    seen: list[np.ndarray[Any, Any]] = []  # noqa: RUF012

    def look(self, crops: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], None]:
        self.seen.append(crops)
        return crops.mean((1, 2, 3)), None

    def close(self) -> None: ...


@pytest.fixture
def scorer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Brightness]:
    opened = Brightness()
    monkeypatch.setattr(judging, "open_scorer", lambda *_, **__: opened)
    yield opened
    opened.seen.clear()


@pytest.mark.parametrize(
    ("name", "parts"),
    [("dfdc-calib", ("dfdc-calib", "", 0.0)), ("lfw-all@vp8=500", ("lfw-all", "vp8", 500.0))],
)
def test_a_sets_name_is_a_list_and_a_disturbance(name: str, parts: tuple[str, str, float]) -> None:
    assert parse_set(name) == parts


@pytest.mark.parametrize("name", ["dfdc@vp8", "dfdc@vp8=fast"])
def test_a_disturbance_needs_a_level(name: str) -> None:
    with pytest.raises(ValueError, match="needs a number"):
        parse_set(name)


def test_a_disturbed_set_is_the_same_for_every_variant(tmp_path: Path, scorer: Brightness) -> None:
    data = write_data(tmp_path, per_class=6)
    sets = Sets(data, limit=8)
    plain = sets(Path("a.pt"), "dfdc-calib")
    dark = sets(Path("a.pt"), "dfdc-calib@brightness=0.5")
    again = sets(Path("b.pt"), "dfdc-calib@brightness=0.5")
    assert len(plain.fake) <= 8
    assert plain.groups == dark.groups
    assert dark.logits.mean() < 0.7 * plain.logits.mean()
    assert scorer.seen[1] is scorer.seen[2]
    np.testing.assert_array_equal(dark.logits, again.logits)
