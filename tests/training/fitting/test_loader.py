"""Batches in the order of the plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from tests.training.small_run import RECIPE  # noqa: E402  after the skips
from training.examples import Draws  # noqa: E402
from training.fitting.course import Course  # noqa: E402
from training.fitting.faces import Faces  # noqa: E402
from training.fitting.loader import (  # noqa: E402
    Order,
    Plan,
    evaluation_loader,
    training_loader,
)

pytestmark = pytest.mark.torch


def test_the_plan_goes_on_from_the_course_to_the_next_evaluation() -> None:
    course = Course(RECIPE)
    assert list(Plan(course)) == [Order(0, 32), Order(1, 32), Order(2, 32)]
    course.step = 1
    assert [order.step for order in Plan(course)] == [1, 2]
    course.step, course.evaluations = 3, 1
    assert list(Plan(course)) == [Order(3, 64), Order(4, 64), Order(5, 64)]


def test_the_plan_is_never_empty() -> None:
    course = Course(replace(RECIPE, budget_s=10.0))
    course.spent_s = 9.0  # an evaluation was passed while batches were still on their way
    course.evaluations = 0
    assert len(list(Plan(course))) == 1


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_are_those_of_the_draws(faces: Faces, workers: int) -> None:
    course, draws = Course(RECIPE), Draws(faces.train, RECIPE.mix, RECIPE.seed)
    given = list(training_loader(draws, course, workers))
    assert [len(batch["pixels"][0]) for batch in given] == [32] * 3
    for step, batch in enumerate(given):
        wanted = draws.batch(4 * step, 4, 32)
        for name, values in batch.items():
            torch.testing.assert_close(values, torch.from_numpy(getattr(wanted, name)))


def test_evaluation_gives_each_crop_once_source_by_source_at_the_phases_size(
    faces: Faces,
) -> None:
    course = Course(RECIPE)
    other = [replace(face, source="other") for face in faces.calib[:3]]
    parts = list(evaluation_loader([*faces.calib, *other], course))
    assert [part["source"] for part in parts] == ["dfdc", "dfdc", "other"]
    assert [len(part["fake"]) for part in parts] == [8, len(faces.calib) - 8, 3]
    assert parts[0]["pixels"].shape[1:] == (32, 32, 3)
    fake = torch.cat([part["fake"] for part in parts])
    assert fake.tolist() == [face.fake for face in [*faces.calib, *other]]
    course.step = 4
    assert next(iter(evaluation_loader(other, course)))["pixels"].shape[1] == 64
