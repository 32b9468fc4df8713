"""What a step minimises."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.fitting.losses import label_loss, mask_loss, teacher_loss  # noqa: E402  after the skip

pytestmark = pytest.mark.torch

LOGIT = torch.tensor([0.0, 2.0, -3.0])
FAKE = torch.tensor([0.0, 1.0, 1.0])


def test_the_label_loss_is_the_cross_entropy() -> None:
    expected = (math.log(2) + math.log1p(math.exp(-2)) + math.log1p(math.exp(3))) / 3
    assert label_loss(LOGIT, FAKE, 0.0, 0.0).item() == pytest.approx(expected)


def test_smoothing_makes_a_sure_answer_cost() -> None:
    sure = torch.tensor([-30.0, 30.0])
    fake = torch.tensor([0.0, 1.0])
    assert label_loss(sure, fake, 0.0, 0.0).item() == pytest.approx(0, abs=1e-6)
    assert label_loss(sure, fake, 0.1, 0.0).item() == pytest.approx(0.1 * 30, rel=1e-4)


def test_the_focal_loss_weighs_each_example_by_its_error() -> None:
    wrong = torch.tensor([0.5, 1 - torch.sigmoid(LOGIT[1]), 1 - torch.sigmoid(LOGIT[2])])
    expected = (wrong**2 * -torch.log1p(-wrong)).mean().item()
    assert label_loss(LOGIT, FAKE, 0.0, 2.0).item() == pytest.approx(expected, rel=1e-5)


def test_the_mask_loss_counts_known_masks_only() -> None:
    attention = torch.zeros(2, 2, 2)
    attention[1] = 50.0
    masks = torch.zeros(2, 2, 2)
    loss = mask_loss(attention, masks, torch.tensor([True, False]))
    assert loss.item() == pytest.approx(math.log(2))
    assert mask_loss(attention, masks, torch.tensor([False, False])).item() == 0


def test_the_teachers_loss_vanishes_where_the_logits_agree() -> None:
    assert teacher_loss(LOGIT, LOGIT, 2.0).item() == pytest.approx(0, abs=1e-6)
    assert teacher_loss(LOGIT, LOGIT + 1, 2.0) < teacher_loss(LOGIT, LOGIT + 3, 2.0)


def test_temperature_hardly_changes_the_size_of_the_teachers_gradient() -> None:
    sizes = []
    for temperature in (4.0, 8.0):
        logit = torch.tensor([0.5], requires_grad=True)
        teacher_loss(logit, torch.tensor([-0.5]), temperature).backward()
        sizes.append(abs(float(logit.grad)))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)
