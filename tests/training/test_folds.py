"""Cross-validation by group."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra")
pytest.importorskip("sklearn", reason="needs the train extra")

from tests.training.sample_data import write_data
from tests.training.small_run import ALONE, RECIPE
from training.checkpoint import read_checkpoint
from training.fitting.recipe import Phase
from training.folds import cross_validate, folds
from training.manifest import Face, load_faces

pytestmark = pytest.mark.torch


def faces(groups: int = 30) -> list[Face]:
    """Of each group a real and a fake of DFDC, and a portrait."""
    kinds = ((False, "dfdc"), (True, "dfdc"), (False, "portraits"))
    return [
        Face(b"", fake, source, f"{source} {group}", "train", 0.85)
        for group in range(groups)
        for fake, source in kinds
    ]


def test_each_face_is_measured_once_by_a_network_that_never_saw_its_group() -> None:
    dealt = list(folds(faces(), 3, seed=0))
    measured = Counter((face.group, face.fake) for fold in dealt for face in fold.calib)
    assert measured == Counter((face.group, face.fake) for face in faces() if face.source == "dfdc")
    for fold in dealt:
        assert not {face.group for face in fold.train} & {face.group for face in fold.calib}
        # Sources of one label are trained on, but measure nothing.
        assert {face.source for face in fold.train} == {"dfdc", "portraits"}
        assert 0.4 < sum(face.fake for face in fold.calib) / len(fold.calib) < 0.6


def test_the_seed_deals_the_groups() -> None:
    one, same, other = (next(folds(faces(), 3, seed)).calib for seed in (0, 0, 1))
    groups = [{face.group for face in fold} for fold in (one, same, other)]
    assert groups[0] == groups[1] != groups[2]


@pytest.mark.parametrize("count", [1, 40])
def test_too_few_groups_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="folds"):
        list(folds(faces(groups=10), count, 0))


def test_folds_are_trained_and_kept(tmp_path: Path) -> None:
    train = load_faces(write_data(tmp_path, per_class=10), "train")
    recipe = replace(RECIPE, steps=1, phases=(Phase(1.0, 32),), evaluate_every=1.0, patience=1)
    out = tmp_path / "out"
    aucs = cross_validate(recipe, train, 2, tmp_path, out, ALONE)
    assert json.loads((out / "folds.json").read_text()) == {"auc": aucs}
    assert len(aucs) == 2
    assert read_checkpoint(out / "fold-1" / "detector.pt")["facts"]["calib"]["auc"] == aucs[0]
    kept = (out / "fold-1" / "detector.pt").stat().st_mtime_ns
    assert cross_validate(recipe, train, 2, tmp_path, out, ALONE) == aucs
    assert (out / "fold-1" / "detector.pt").stat().st_mtime_ns == kept
