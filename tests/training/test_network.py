"""The detector's network."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")
timm = pytest.importorskip("timm", reason="needs the train extra")

from training.network import (  # noqa: E402  after the skips
    SRM_KERNELS,
    Detector,
    NetworkConfig,
    SrmResidual,
    start_from_imagenet,
)

pytestmark = pytest.mark.torch

SMALL = NetworkConfig(size_px=64)


def imagenet_like() -> dict[str, Any]:
    """Weights as the data folder has them: batch norms folded away, a bias left."""
    torch.manual_seed(1)
    trunk = timm.create_model("tf_efficientnet_lite0", num_classes=1000)
    state = {key: value.numpy().copy() for key, value in trunk.state_dict().items()}
    for key, value in state.items():
        if key.endswith("bn1.bias"):
            value += 0.3
    return {key: value for key, value in state.items() if "num_batches" not in key}


def faces(count: int = 8, size: int = 64) -> Any:
    return torch.randint(0, 256, (count, size, size, 3), dtype=torch.uint8)


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


@pytest.mark.parametrize("size", [64, 96])
def test_shapes_and_ranges(size: int) -> None:
    network = Detector(SMALL).eval()
    with torch.inference_mode():
        logit, heatmap = network(faces(2, size))
    assert logit.shape == (2,)
    assert heatmap.shape == (2, size // 16, size // 16)
    assert 0 <= heatmap.min() <= heatmap.max() <= 1


def test_a_larger_trunk_is_a_matter_of_configuration() -> None:
    network = Detector(NetworkConfig(trunk="tf_efficientnet_b0")).eval()
    with torch.inference_mode():
        logit, heatmap = network(faces(1))
    assert logit.shape == (1,)
    assert heatmap.shape == (1, 4, 4)


def test_training_starts_from_exactly_the_imagenet_network() -> None:
    weights, crops = imagenet_like(), faces()
    plain = timm.create_model("tf_efficientnet_lite0", num_classes=0).eval()
    state = {key: torch.from_numpy(value) for key, value in weights.items()}
    plain.load_state_dict(state, strict=False)
    network = Detector(SMALL)
    start_from_imagenet(network, weights, crops)
    with torch.inference_mode():
        expected = plain.forward_features((crops.permute(0, 3, 1, 2).float() - 127) / 128)
        _, deep = network.eval().features(network.stem(crops))
    torch.testing.assert_close(deep, expected, atol=1e-3, rtol=1e-3)


def test_the_norms_take_over_the_statistics_of_the_faces() -> None:
    network, crops = Detector(SMALL), faces(16)
    start_from_imagenet(network, imagenet_like(), crops)
    pixels = (crops.permute(0, 3, 1, 2).float() - 127) / 128
    with torch.inference_mode():
        stem = network.trunk.conv_stem(pixels)
    torch.testing.assert_close(
        network.trunk.bn1.running_mean, stem.mean((0, 2, 3)), atol=1e-3, rtol=1e-3
    )
    assert network.training


def test_weights_of_another_trunk_are_refused() -> None:
    weights = imagenet_like()
    del weights["conv_stem.weight"]
    with pytest.raises(RuntimeError, match="another trunk"):
        start_from_imagenet(Detector(SMALL), weights, faces(2))


def test_halving_keeps_the_residuals_in_float32() -> None:
    network = Detector(SMALL).eval().halved()
    assert network.srm.kernels.dtype == torch.float32
    assert network.classify.weight.dtype == torch.float16
    with torch.inference_mode():
        logit, heatmap = network(faces(1))
    assert logit.dtype == heatmap.dtype == torch.float32


def test_the_pooling_follows_the_attention() -> None:
    network = Detector(SMALL).eval()
    torch.nn.init.normal_(network.attention.weight)
    crops = faces(2)
    with torch.inference_mode():
        even, _ = network.logits(crops)
        network.sharpness.fill_(30.0)
        sharp, _ = network.logits(crops)
    assert not torch.allclose(even, sharp)
