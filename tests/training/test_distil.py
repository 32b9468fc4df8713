"""Distilling a larger network into a smaller one."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

from dataclasses import replace

from tests.training.small_run import RECIPE, drawn_faces, run
from training.checkpoint import load_network, predict, read_checkpoint
from training.crops import decode
from training.distil import add_arguments, measure, read_recipe
from training.fitting.recipe import Teacher
from training.metrics import auc

pytestmark = pytest.mark.torch


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([*arguments, "--out", "x"])


def test_the_command_line_goes_over_the_recipe(tmp_path: Path) -> None:
    config = tmp_path / "small.toml"
    config.write_text("steps = 1\n[teacher]\ncheckpoint = 'a.pt'\nweight = 0.4\n")
    named = ("--config", str(config))
    assert read_recipe(parsed(*named)).teacher == Teacher("a.pt", 0.4)
    other = read_recipe(parsed(*named, "--teacher", "b.pt", "--temperature", "3"))
    assert other.teacher == Teacher("b.pt", 0.4, 3.0)


def test_without_a_teacher_there_is_nothing_to_learn(tmp_path: Path) -> None:
    config = tmp_path / "small.toml"
    config.write_text("steps = 1\n")
    with pytest.raises(ValueError, match="needs a teacher"):
        read_recipe(parsed("--config", str(config), "--weight", "0.5"))


def test_networks_are_measured_within_each_source(tmp_path: Path) -> None:
    faces = drawn_faces(tmp_path)
    checkpoint = run(replace(RECIPE, steps=1, evaluate_every=1.0), faces, tmp_path / "run")
    other = [replace(face, source="other", fake=not face.fake) for face in faces.calib[2:]]
    network = load_network(read_checkpoint(checkpoint))
    expected, weight = 0.0, 0
    for part in (list(faces.calib), other):
        logits = predict(network, [decode(face) for face in part])
        expected += len(part) * auc(logits, np.array([face.fake for face in part]))
        weight += len(part)
    found = measure("student", checkpoint, [*faces.calib, *other])
    assert found.auc == pytest.approx(expected / weight)
    assert f"{found.parameters / 1e6:.2f} M" in str(found)
