"""The detector's network: RGB and SRM residuals, an EfficientNet trunk, an attention head.

    crops uint8 (N, H, W, 3)                                     H = W = 224 when deployed
      -> normalised RGB (N, 3, H, W) --stem convolution------------+
      -> SRM (N, 9, H, W) -> BatchNorm -> 1x1 -> (N, 6, H, W) -----+--> (N, 32, H/2, W/2)
      -> trunk, stride 16: middle (N, 112, H/16, W/16) -> small CNN: local (N, 64, H/16, W/16)
      -> trunk, stride 32: deep (N, 1280, H/32, W/32)
    local -> 1x1 -> attention (N, 1, H/16, W/16) -> sigmoid -> heatmap (N, H/16, W/16)
    local and deep, each averaged with weights softmax(attention) -> (N, 64 + 1280) -> logit (N,)

The residuals enter through a second stem convolution that is added to the ImageNet one and
starts at zero, so that training starts from exactly the ImageNet network. Sources: SRM kernels
and fusion of a noise stream, Zhou et al., "Learning Rich Features for Image Manipulation
Detection" (CVPR 2018); EfficientNet-Lite, Tan & Le (ICML 2019) as built by timm; global weighted
average pooling, Qiu, "Global Weighted Average Pooling Bridges Pixel-level Localization and
Image-level Classification" (2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from timm.layers import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional as F

Array = NDArray[Any]

SRM_KERNELS: Final = (
    (2, ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0), (0, 1, -2, 1, 0), (0, 0, 0, 0, 0), (0, 0, 0, 0, 0))),
    (4, ((0, 0, 0, 0, 0), (0, -1, 2, -1, 0), (0, 2, -4, 2, 0), (0, -1, 2, -1, 0), (0, 0, 0, 0, 0))),
    (
        12,
        (
            (-1, 2, -2, 2, -1),
            (2, -6, 8, -6, 2),
            (-2, 8, -12, 8, -2),
            (2, -6, 8, -6, 2),
            (-1, 2, -2, 2, -1),
        ),
    ),
)
"""Divisor and 5x5 kernel of the three filters that Zhou et al. chose from the rich model."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """The network's numbers.

    `trunk` is timm's name of an EfficientNet: ``tf_efficientnet_lite0`` or
    ``tf_efficientnet_b0`` to ``b4``. The pixel constants are those of the Lite family.
    """

    trunk: str = "tf_efficientnet_lite0"
    size_px: int = 224
    pixel_mean: float = 127.0
    pixel_std: float = 128.0
    srm_limit: float = 3.0
    srm_maps: int = 6
    local_width: int = 64
    dropout: float = 0.2
    drop_path: float = 0.0


class SrmResidual(nn.Module):  # type: ignore[misc]  # mypy is kept from reading torch
    """High-pass residuals of each colour channel, truncated: (N, 3, H, W) -> (N, 9, H, W).

    Takes the 0-255 scale; gives -1..1, channel by channel (R with three kernels, then G, B).
    The border is reflected, so that a constant image has no residual at its edge either.
    """

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit
        rows = [torch.tensor(kernel).float() / divisor for divisor, kernel in SRM_KERNELS]
        kernels = torch.stack(rows)[:, None].repeat(3, 1, 1, 1)
        self.register_buffer("kernels", kernels, persistent=False)
        self.kernels: Tensor

    def forward(self, pixels: Tensor) -> Tensor:
        """Filter, clip to +-limit, and divide by the limit."""
        residual = F.conv2d(F.pad(pixels, (2, 2, 2, 2), mode="reflect"), self.kernels, groups=3)
        return residual.clamp(-self.limit, self.limit) / self.limit


class Detector(nn.Module):  # type: ignore[misc]
    """uint8 RGB crops -> fake logit and heat map; see the module's drawing for the shapes."""

    def __init__(self, config: NetworkConfig = NetworkConfig()) -> None:
        super().__init__()
        self.config = config
        self.trunk = timm.create_model(
            config.trunk, pretrained=False, num_classes=0, drop_path_rate=config.drop_path
        )
        stages = {int(i["reduction"]): int(i["num_chs"]) for i in self.trunk.feature_info}
        stem = self.trunk.conv_stem
        self.srm = SrmResidual(config.srm_limit)
        # No scale and shift: the 1x1 convolution after it has them.
        self.srm_norm = nn.BatchNorm2d(9, affine=False)
        self.srm_mix = nn.Conv2d(9, config.srm_maps, 1)
        self.srm_stem = Conv2dSame(config.srm_maps, stem.out_channels, 3, 2, bias=False)
        nn.init.zeros_(self.srm_stem.weight)
        self.local = nn.Sequential(
            *_conv(stages[16], config.local_width, 1),
            *_conv(config.local_width, config.local_width, 3, groups=config.local_width),
            *_conv(config.local_width, config.local_width, 1),
        )
        self.attention = nn.Conv2d(config.local_width, 1, 1)
        nn.init.zeros_(self.attention.weight)
        nn.init.zeros_(self.attention.bias)
        # softplus(0.5413) = 1. Weights of softmax form may differ by any factor, unlike
        # exp(sigmoid(x)), whose weights lie within 1 : 2.72 and barely attend.
        self.sharpness = nn.Parameter(torch.tensor(0.5413))
        self.dropout = nn.Dropout(config.dropout)
        self.classify = nn.Linear(config.local_width + self.trunk.num_features, 1)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Give logit (N,) and heatmap (N, H/16, W/16) in 0..1; H and W are multiples of 32."""
        logit, attention = self.logits(crops)
        return logit.float(), attention.float().sigmoid()

    def halved(self) -> Detector:
        """Turn to float16 in place, but for the residuals and normalisation of the 0-255 scale.

        A residual of 1 beside sums of 12 x 255 would be lost in float16.
        """
        self.half()
        self.srm.float()
        return self

    def logits(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Give the fake logit (N,) and the map's logits (N, H/16, W/16), which losses want."""
        middle, deep = self.features(self.stem(crops))
        local = self.local(middle)
        attention = self.attention(local)
        sharpness = F.softplus(self.sharpness)
        weights = (sharpness * attention).flatten(1).softmax(1).view_as(attention)
        coarse = 4 * F.avg_pool2d(weights, 2)
        pooled = torch.cat([(local * weights).sum((2, 3)), (deep * coarse).sum((2, 3))], 1)
        return self.classify(self.dropout(pooled)).squeeze(1), attention.squeeze(1)

    def stem(self, crops: Tensor) -> Tensor:
        """Normalise and add the residual branch: (N, H, W, 3) -> (N, stem, H/2, W/2)."""
        pixels = crops.permute(0, 3, 1, 2).float()
        rgb = (pixels - self.config.pixel_mean) / self.config.pixel_std
        dtype = self.srm_mix.weight.dtype  # float16 in a half-precision export
        # Contiguous: on channels-last, torch's CPU batch norm is ten times slower for 9 maps.
        residual = self.srm(pixels).contiguous().to(dtype)
        residual = self.srm_stem(self.srm_mix(self.srm_norm(residual)))
        stem: Tensor = self.trunk.bn1(self.trunk.conv_stem(rgb.to(dtype)) + residual)
        return stem

    def features(self, stem: Tensor) -> tuple[Tensor, Tensor]:
        """Run the trunk: its last stride-16 stage, and its head's maps at stride 32."""
        level, middle = stem, stem
        for stage in self.trunk.blocks:
            before, level = level, stage(level)
            if level.shape[-1] < before.shape[-1]:
                middle = before
        return middle, self.trunk.bn2(self.trunk.conv_head(level))


def start_from_imagenet(detector: Detector, weights: Mapping[str, Array], faces: Tensor) -> None:
    """Load the trunk's ImageNet weights, whose batch norms are folded away, and unfold these.

    `weights` maps timm's keys to arrays; `faces` is a uint8 batch (N, H, W, 3). Each batch norm
    takes over the mean and variance of its input on the faces and is rescaled so that its output
    stays the same: the network's function is unchanged, and batch statistics work in training.

    Raises: RuntimeError when the weights are those of another trunk.
    """
    state = {key: torch.from_numpy(np.asarray(value, np.float32)) for key, value in weights.items()}
    state = {key: value for key, value in state.items() if not key.startswith("classifier.")}
    missing = detector.trunk.load_state_dict(state, strict=False)
    absent = [key for key in missing.missing_keys if not key.endswith("num_batches_tracked")]
    if absent or missing.unexpected_keys:
        raise RuntimeError(f"weights of another trunk: {absent[:3]} {missing.unexpected_keys[:3]}")
    norms = [module for module in detector.trunk.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(_take_over_statistics) for norm in norms]
    was_training = detector.training
    with torch.no_grad():
        detector.eval()(faces)
    detector.train(was_training)
    for hook in hooks:
        hook.remove()


def _take_over_statistics(norm: nn.Module, inputs: tuple[Tensor]) -> None:
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    variance, mean = torch.var_mean(inputs[0], (0, 2, 3), unbiased=False)
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    norm.bias += scale * (mean - norm.running_mean)
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)


def _conv(inputs: int, outputs: int, kernel: int, groups: int = 1) -> tuple[nn.Module, ...]:
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    return conv, nn.BatchNorm2d(outputs), nn.ReLU6()
