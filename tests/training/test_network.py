"""The detector's network."""

from __future__ import annotations

from typing import Any, get_args

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")
timm = pytest.importorskip("timm", reason="needs the train extra")

from training.network import (  # noqa: E402  after the skips
    Detector,
    Front,
    NetworkConfig,
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


@pytest.mark.parametrize("size", [64, 96])
def test_shapes_and_ranges(size: int) -> None:
    network = Detector(SMALL).eval()
    with torch.inference_mode():
        logit, heatmap = network(faces(2, size))
    assert logit.shape == (2,)
    assert heatmap.shape == (2, 14, 14)
    assert 0 <= heatmap.min() <= heatmap.max() <= 1


def test_the_heat_map_keeps_its_places_when_it_is_enlarged() -> None:
    network = Detector(SMALL).eval()
    with torch.no_grad():
        network.attention.weight.normal_()
        crops = faces(1)
        local, heatmap = network.logits(crops)[1].sigmoid()[0], network(crops)[1][0]
    for row, column in [(0, 0), (0, 3), (3, 0), (3, 3)]:  # beyond a corner cell's centre: itself
        assert heatmap[row // 3 * 13, column // 3 * 13] == pytest.approx(local[row, column].item())
    assert heatmap.min() >= local.min() - 1e-6
    assert heatmap.max() <= local.max() + 1e-6


def test_a_larger_trunk_is_a_matter_of_configuration() -> None:
    network = Detector(NetworkConfig(trunk="tf_efficientnet_b0")).eval()
    with torch.inference_mode():
        logit, heatmap = network(faces(1))
    assert logit.shape == (1,)
    assert heatmap.shape == (1, 14, 14)


@pytest.mark.parametrize("front", get_args(Front))
def test_every_front_end_gives_the_same_shapes(front: Front) -> None:
    network = Detector(NetworkConfig(trunk="mobilenetv2_035", front=front)).train()
    logit, attention = network.logits(faces(4))
    assert logit.shape == (4,)
    assert attention.shape == (4, 4, 4)
    (logit.sum() + attention.sum()).backward()
    assert all(p.grad is not None for name, p in network.named_parameters() if name != "sharpness")


@pytest.mark.parametrize(
    ("front", "sees_colour", "sees_residuals"),
    [("rgb", True, False), ("srm", False, True), ("rgb+srm", True, True), ("bayar", True, True)],
)
def test_a_front_end_sees_what_it_says(
    front: Front, sees_colour: bool, sees_residuals: bool
) -> None:
    network = Detector(NetworkConfig(trunk="mobilenetv2_035", front=front)).eval()
    if front != "rgb":
        torch.nn.init.normal_(network.srm_stem.weight)
    flat = torch.full((2, 64, 64, 3), 180, dtype=torch.uint8)
    darker = flat - 60  # another colour without any residual
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    fine = flat + ((x + y) % 2)[..., None].to(torch.uint8)
    with torch.inference_mode():
        plain, other, chequered = (network.stem(c)[0, :, 8:24, 8:24] for c in (flat, darker, fine))
    assert (not torch.allclose(plain, other, atol=1e-4)) == sees_colour
    # A chequer of one level is next to nothing to the normalised picture.
    assert (float((plain - chequered).abs().max()) > 0.1) == sees_residuals


def test_the_front_end_is_one_that_there_is() -> None:
    with pytest.raises(ValueError, match="bayar"):
        NetworkConfig(front="sobel")  # type: ignore[arg-type]


def test_weights_of_before_there_was_a_choice_still_load() -> None:
    old: dict[str, Any] = {
        "trunk": "tf_efficientnet_lite0",
        "size_px": 64,
        "srm_limit": 3.0,
        "srm_maps": 6,
    }
    state = Detector(SMALL).state_dict()
    assert "srm.kernels" not in state
    Detector(NetworkConfig(**old)).load_state_dict(state)


def test_srm_alone_starts_from_imagenet_but_for_its_stem() -> None:
    network = Detector(NetworkConfig(front="srm", size_px=64))
    weights = imagenet_like()
    start_from_imagenet(network, weights, faces())
    first = "blocks.0.0.conv_dw.weight"
    torch.testing.assert_close(network.trunk.state_dict()[first], torch.from_numpy(weights[first]))


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
    with pytest.raises(ValueError, match="another trunk"):
        start_from_imagenet(Detector(SMALL), weights, faces(2))


def test_halving_leaves_what_rounding_harms_in_float32() -> None:
    torch.manual_seed(0)
    network, crops = Detector(SMALL).eval(), faces(4)
    with torch.inference_mode():
        whole, _ = network(crops)
        logit, heatmap = network.halved()(crops)
    assert network.srm.kernels.dtype == torch.float32
    stages = [next(stage.parameters()).dtype for stage in network.trunk.blocks]
    assert stages == [torch.float32] * 3 + [torch.float16] * (len(stages) - 3)
    assert network.classify.weight.dtype == torch.float32
    assert logit.dtype == heatmap.dtype == torch.float32
    torch.testing.assert_close(logit, whole, atol=0.01, rtol=0)


def test_the_pooling_follows_the_attention() -> None:
    network = Detector(SMALL).eval()
    torch.nn.init.normal_(network.attention.weight)
    crops = faces(2)
    with torch.inference_mode():
        even, _ = network.logits(crops)
        network.sharpness.fill_(30.0)
        sharp, _ = network.logits(crops)
    assert not torch.allclose(even, sharp)
