"""Running an ablation, and going on with one."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")
pytest.importorskip("lightning", reason="needs the train extra")

from tests.training.small_run import ALONE, RECIPE, drawn_faces
from training.ablation.plan import Plan, Variant
from training.ablation.run import ablate
from training.checkpoint import read_checkpoint
from training.evaluate.scoring import Scores
from training.fitting.recipe import Phase

pytestmark = pytest.mark.torch

BODY = asdict(replace(RECIPE, steps=1, phases=(Phase(1.0, 32),), evaluate_every=1.0))
VARIANTS = (Variant("as it is", {}), Variant("rgb", {"network.front": "rgb"}))


class Judge:
    """Scores nothing, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, checkpoint: Path, name: str) -> Scores:
        self.asked.append((checkpoint.parent.name, name))
        fake = np.array([False, True] * 10)
        groups = tuple(str(number) for number in range(20))
        names = ("",) * 20
        return Scores(fake * 1.0, fake, groups, names, names, np.ones(20))


def test_variants_are_trained_once_and_cells_are_filled_once(tmp_path: Path) -> None:
    faces = drawn_faces(tmp_path / "data")
    out, judge = tmp_path / "out", Judge()
    plan = Plan(BODY, VARIANTS[:1], ("dfdc-calib",))
    ablate(plan, faces, tmp_path, judge, out, ALONE)
    trained = (out / "as-it-is" / "detector.pt").stat().st_mtime_ns
    wider = Plan(BODY, VARIANTS, ("dfdc-calib", "lfw-calib"))
    text = ablate(wider, faces, tmp_path, judge, out, ALONE)
    assert judge.asked == [
        ("as-it-is", "dfdc-calib"), ("as-it-is", "lfw-calib"),
        ("rgb", "dfdc-calib"), ("rgb", "lfw-calib"),
    ]  # fmt: skip
    assert (out / "as-it-is" / "detector.pt").stat().st_mtime_ns == trained
    fronts = [
        read_checkpoint(out / variant.folder / "detector.pt")["recipe"]["network"]["front"]
        for variant in VARIANTS
    ]
    assert fronts == ["rgb+srm", "rgb"]
    assert text.count("1.000 [1.000, 1.000]") == 4
    assert (out / "ablation.md").read_text() == text
