"""High-pass front ends."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.residuals import SRM_KERNELS, BayarResidual, SrmResidual  # noqa: E402  after the skip

pytestmark = pytest.mark.torch


def test_the_residual_of_a_constant_is_zero_up_to_the_edge() -> None:
    pixels = torch.full((1, 3, 16, 16), 200.0)
    assert SrmResidual(3.0)(pixels).abs().max() < 1e-4


def test_the_residual_of_a_linear_ramp_is_zero_inside() -> None:
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    ramp = torch.stack([x * 3 + y, 5 * y - x, x + y])[None]
    assert SrmResidual(3.0)(ramp)[:, :, 2:-2, 2:-2].abs().max() < 1e-4


def test_an_impulse_gives_the_flipped_kernels_of_its_channel_alone() -> None:
    pixels = torch.zeros(1, 3, 11, 11)
    pixels[0, 1, 5, 5] = 1.0
    maps = SrmResidual(3.0)(pixels)[0] * 3
    for index, (divisor, kernel) in enumerate(SRM_KERNELS):
        expected = torch.tensor(kernel).float().flip(0, 1) / divisor
        torch.testing.assert_close(maps[3 + index, 3:8, 3:8], expected)
    assert maps[:3].abs().max() == 0
    assert maps[6:].abs().max() == 0


def test_residuals_are_truncated_and_scaled_to_one() -> None:
    maps = SrmResidual(3.0)(torch.randint(0, 2, (1, 3, 12, 12)) * 255.0)
    assert maps.min() == -1
    assert maps.max() == 1


def test_fixed_kernels_are_not_saved_and_trainable_ones_are() -> None:
    assert not SrmResidual(3.0).state_dict()
    assert not list(SrmResidual(3.0).parameters())
    assert list(SrmResidual(3.0, trainable=True).state_dict()) == ["kernels"]


def test_trainable_kernels_start_as_srm_and_learn() -> None:
    fixed, learnt = SrmResidual(3.0), SrmResidual(3.0, trainable=True)
    pixels = 100 + torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(fixed(pixels), learnt(pixels))
    before = learnt.kernels.detach().clone()
    optimiser = torch.optim.SGD(learnt.parameters(), lr=0.1)
    learnt(pixels).square().mean().backward()
    optimiser.step()
    assert (learnt.kernels.detach() - before).abs().amax((1, 2, 3)).min() > 0


def test_bayars_kernels_keep_their_constraint_while_they_learn() -> None:
    torch.manual_seed(0)
    residual = BayarResidual()
    optimiser = torch.optim.Adam(residual.parameters(), lr=0.05)
    start = residual.kernels().detach().clone()
    for _ in range(10):
        optimiser.zero_grad()
        residual(torch.rand(2, 3, 16, 16) * 255).square().mean().backward()
        optimiser.step()
        kernels = residual.kernels().detach().flatten(1)
        assert (kernels[:, 12] == -1).all()
        torch.testing.assert_close(kernels.sum(1), torch.zeros(9), atol=1e-4, rtol=0)
    assert not torch.allclose(residual.kernels(), start, atol=1e-3)


def test_a_bayar_kernel_whose_sum_vanishes_stays_finite() -> None:
    residual = BayarResidual()
    with torch.no_grad():
        residual.weight.zero_()
        residual.weight[:, 0], residual.weight[:, 1] = 1.0, -1.0
    kernels = residual.kernels()
    assert kernels.abs().max() <= 10
    kernels.square().sum().backward()
    assert residual.weight.grad.isfinite().all()


def test_low_precision_around_them_does_not_round_the_kernels() -> None:
    pixels = torch.full((1, 3, 16, 16), 251.0)
    with torch.autocast("cpu", torch.bfloat16):
        assert SrmResidual(3.0)(pixels).abs().max() < 1e-3
