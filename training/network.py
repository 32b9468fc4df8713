"""The detector's network: RGB and SRM residuals, an EfficientNet trunk, an attention head.

    crops uint8 (N, H, W, 3)                               H = W = `NetworkConfig.size_px` deployed
      -> normalised RGB (N, 3, H, W) --stem convolution------------+
      -> SRM (N, 9, H, W) -> BatchNorm -> 1x1 -> (N, 6, H, W) -----+--> (N, 32, H/2, W/2)
      -> trunk, stride 16: middle (N, 112, H/16, W/16) -> small CNN: local (N, 64, H/16, W/16)
      -> trunk, stride 32: deep (N, 1280, H/32, W/32)
    local -> 1x1 -> attention (N, 1, H/16, W/16) -> bilinear -> sigmoid -> heatmap (N, 14, 14)
    local and deep, each averaged with weights softmax(attention) -> (N, 64 + 1280) -> logit (N,)

The residuals enter through a second stem convolution that is added to the ImageNet one and
starts at zero, so that training starts from exactly the ImageNet network. Other front ends, for
comparison, leave one of the two branches out or change its filters. Sources: SRM kernels
and fusion of a noise stream, Zhou et al., "Learning Rich Features for Image Manipulation
Detection" (CVPR 2018); EfficientNet-Lite, Tan & Le (ICML 2019) as built by timm; global weighted
average pooling, Qiu, "Global Weighted Average Pooling Bridges Pixel-level Localization and
Image-level Classification" (2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from timm.layers import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional as F

from training.residuals import MAPS, BayarResidual, SrmResidual

Array = NDArray[Any]

Front = Literal["rgb", "srm", "rgb+srm", "rgb+srm-trainable", "bayar"]
"""RGB alone; SRM residuals alone; RGB with fixed or trainable SRM; RGB with Bayar's residuals."""


HEATMAP_SIDE: Final = 14
"""The heat map's side, whatever the crop's: that of the live messages."""
HALVED_FROM: Final = 3
"""The trunk's first stage that a half-precision export computes in float16."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """The network's numbers.

    `trunk` is timm's name of an EfficientNet or of its kin: ``tf_efficientnet_lite0``,
    ``tf_efficientnet_b0`` to ``b4``, or smaller ``mobilenetv2_035`` to ``mobilenetv2_140``. The
    pixel constants are those of the Lite family.
    """

    trunk: str = "tf_efficientnet_lite0"
    front: Front = "rgb+srm"
    size_px: int = 224
    pixel_mean: float = 127.0
    pixel_std: float = 128.0
    srm_limit: float = 3.0
    srm_maps: int = 6
    local_width: int = 64
    dropout: float = 0.2
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        if self.front not in get_args(Front):
            raise ValueError(f"network.front is one of {', '.join(get_args(Front))}")
        if self.size_px % 32:
            raise ValueError("network.size_px must be a multiple of 32")


class Detector(nn.Module):  # type: ignore[misc]
    """uint8 RGB crops -> fake logit and heat map; see the module's drawing for the shapes."""

    def __init__(self, config: NetworkConfig = NetworkConfig()) -> None:
        super().__init__()
        self.config = config
        self.halved_from: int | None = None
        self.trunk = timm.create_model(
            config.trunk, pretrained=False, num_classes=0, drop_path_rate=config.drop_path
        )
        stages = {int(i["reduction"]): int(i["num_chs"]) for i in self.trunk.feature_info}
        if config.front != "rgb":
            self._add_residuals(config)
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

    def _add_residuals(self, config: NetworkConfig) -> None:
        # Named for the first of them: the names stand in checkpoints.
        trainable = config.front == "rgb+srm-trainable"
        bayar = config.front == "bayar"
        self.srm = BayarResidual() if bayar else SrmResidual(config.srm_limit, trainable)
        # No scale and shift: the 1x1 convolution after it has them.
        self.srm_norm = nn.BatchNorm2d(MAPS, affine=False)
        self.srm_mix = nn.Conv2d(MAPS, config.srm_maps, 1)
        width = self.trunk.conv_stem.out_channels
        self.srm_stem = Conv2dSame(config.srm_maps, width, 3, 2, bias=False)
        if config.front == "srm":
            self.trunk.conv_stem = nn.Identity()  # nothing is left for it to see
            nn.init.kaiming_normal_(self.srm_stem.weight)
        else:
            nn.init.zeros_(self.srm_stem.weight)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Give logit (N,) and heatmap (N, 14, 14) in 0..1; H and W are multiples of 32."""
        logit, attention = self.logits(crops)
        attention = attention.float()
        if attention.shape[1:] != (HEATMAP_SIDE, HEATMAP_SIDE):
            side = (HEATMAP_SIDE, HEATMAP_SIDE)
            attention = F.interpolate(attention[:, None], side, mode="bilinear").squeeze(1)
        return logit.float(), attention.sigmoid()

    def halved(self) -> Detector:
        """Turn the larger, later part to float16 in place: from the trunk's fourth stage on.

        Rounding the stem or one of the first two stages moved the first weights' logits by 0.005
        to 0.009 (root mean square over 160 faces), the third by 0.003, all later ones together
        by less than that.
        """
        self.halved_from = HALVED_FROM
        later = (*self.trunk.blocks[HALVED_FROM:], self.trunk.conv_head, self.trunk.bn2)
        for part in (*later, self.local, self.attention):
            part.half()
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
        pooled = pooled.to(self.classify.weight.dtype)
        return self.classify(self.dropout(pooled)).squeeze(1), attention.squeeze(1)

    def stem(self, crops: Tensor) -> Tensor:
        """Normalise and add the residual branch: (N, H, W, 3) -> (N, stem, H/2, W/2)."""
        pixels = crops.permute(0, 3, 1, 2).float()
        branches: list[Tensor] = []
        if self.config.front != "srm":
            rgb = (pixels - self.config.pixel_mean) / self.config.pixel_std
            branches.append(self.trunk.conv_stem(rgb))
        if self.config.front != "rgb":
            # Contiguous: on channels-last, torch's CPU batch norm is ten times slower for 9 maps.
            residual = self.srm(pixels).contiguous()
            branches.append(self.srm_stem(self.srm_mix(self.srm_norm(residual))))
        stem: Tensor = self.trunk.bn1(sum(branches[1:], branches[0]))
        return stem

    def features(self, stem: Tensor) -> tuple[Tensor, Tensor]:
        """Run the trunk: its last stride-16 stage, and its head's maps at stride 32."""
        level, middle = stem, stem
        for index, stage in enumerate(self.trunk.blocks):
            if index == self.halved_from:
                level = level.half()
            before, level = level, stage(level)
            if level.shape[-1] < before.shape[-1]:
                middle = before
        return middle, self.trunk.bn2(self.trunk.conv_head(level))


def start_from_imagenet(detector: Detector, weights: Mapping[str, Array], faces: Tensor) -> None:
    """Load the trunk's ImageNet weights, whose batch norms are folded away, and unfold these.

    `weights` maps timm's keys to arrays; `faces` is a uint8 batch (N, H, W, 3). Each batch norm
    takes over the mean and variance of its input on the faces and is rescaled so that its output
    stays the same: the network's function is unchanged, and batch statistics work in training.

    Raises: ValueError when the weights are those of another trunk.
    """
    state = {key: torch.from_numpy(np.asarray(value, np.float32)) for key, value in weights.items()}
    unused = ("classifier.", "conv_stem.") if detector.config.front == "srm" else ("classifier.",)
    state = {key: value for key, value in state.items() if not key.startswith(unused)}
    try:
        missing = detector.trunk.load_state_dict(state, strict=False)
    except RuntimeError as exc:  # another shape, named over many lines
        raise ValueError("weights of another trunk: their shapes differ") from exc
    absent = [key for key in missing.missing_keys if not key.endswith("num_batches_tracked")]
    if absent or missing.unexpected_keys:
        raise ValueError(f"weights of another trunk: {absent[:3]} {missing.unexpected_keys[:3]}")
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
