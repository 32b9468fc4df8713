"""The faces of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.sample_data import write_data
from training.fitting.faces import IMAGENET, Faces, faces_of, imagenet_weights, two_sided
from training.manifest import Face, held_out, part


def test_the_faces_are_those_of_train_and_of_the_calib_half(tmp_path: Path) -> None:
    found = faces_of(write_data(tmp_path, per_class=40))
    assert {face.split for face in found.train} == {"train"}
    assert {part(face.group) for face in found.calib} == {"calib"}
    assert 20 < len(found.calib) < 60


def test_sources_of_one_label_are_not_evaluated_on() -> None:
    with pytest.raises(ValueError, match="real and fake"):
        Faces([], [])


def test_held_out_groups_are_not_trained_on(tmp_path: Path) -> None:
    found = faces_of(write_data(tmp_path, per_class=40))
    assert not [face for face in found.train if held_out(face.group)]


def test_a_source_of_one_label_says_nothing_about_the_other() -> None:
    kinds = (("dfdc", True), ("dfdc", False), ("portraits", False), ("morphs", True))
    faces = [Face(b"", fake, source, "g", "val", 1.0) for source, fake in kinds]
    assert two_sided(faces) == faces[:2]


def test_imagenets_weights_lie_with_the_faces_or_in_the_usual_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = tmp_path / "usual"
    monkeypatch.setattr("training.fitting.faces.data_dir", lambda: usual)
    assert imagenet_weights(tmp_path) == usual / "weights" / IMAGENET
    own = tmp_path / "weights" / IMAGENET
    own.parent.mkdir()
    own.touch()
    assert imagenet_weights(tmp_path) == own
