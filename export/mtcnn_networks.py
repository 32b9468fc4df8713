"""MTCNN's three networks in torch, with the names of facenet-pytorch's weights.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional
Networks", 2016; layers as in facenet-pytorch (MIT). Input: float32 RGB, ``(x - 127.5) / 128``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class _Network(nn.Module):  # type: ignore[misc]  # mypy is kept from reading torch
    """Base of the three."""


class _PReLU(_Network):
    """PReLU of 4-D or 2-D input, in operations that ONNX Runtime has fast kernels for.

    Its own PRelu took 4.3 of P-Net's 8.7 ms on a 217x385 level, on one core; with this, and one
    sigmoid in place of the softmax over two, P-Net takes 4.4 ms.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """``x`` where positive, ``weight * x`` elsewhere."""
        slope = self.weight.view(-1, *[1] * (x.dim() - 2))
        return slope * x + (1 - slope) * torch.relu(x)


def _face(pair: Tensor) -> Tensor:
    """Softmax of (no face, face), the second part alone."""
    return torch.sigmoid(pair[:, 1] - pair[:, 0])


class PNet(_Network):
    """Proposals: (N, 3, H, W) -> regression (N, 4, h, w) and face probability (N, h, w).

    h = ceil((H - 2) / 2) - 4, likewise w: stride 2, cells of 12 pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 10, 3)
        self.prelu1 = _PReLU(10)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(10, 16, 3)
        self.prelu2 = _PReLU(16)
        self.conv3 = nn.Conv2d(16, 32, 3)
        self.prelu3 = _PReLU(32)
        self.conv4_1 = nn.Conv2d(32, 2, 1)
        self.conv4_2 = nn.Conv2d(32, 4, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Run the network; shapes as in the class docstring."""
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.prelu2(self.conv2(x))
        x = self.prelu3(self.conv3(x))
        return self.conv4_2(x), _face(self.conv4_1(x))


class RNet(_Network):
    """Refinement: (N, 3, 24, 24) -> regression (N, 4) and face probability (N,)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 28, 3)
        self.prelu1 = _PReLU(28)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(28, 48, 3)
        self.prelu2 = _PReLU(48)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3 = nn.Conv2d(48, 64, 2)
        self.prelu3 = _PReLU(64)
        self.dense4 = nn.Linear(576, 128)
        self.prelu4 = _PReLU(128)
        self.dense5_1 = nn.Linear(128, 2)
        self.dense5_2 = nn.Linear(128, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Run the network; shapes as in the class docstring."""
        x = self.pool1(self.prelu1(self.conv1(x)))  # (N, 28, 11, 11)
        x = self.pool2(self.prelu2(self.conv2(x)))  # (N, 48, 4, 4)
        x = self.prelu3(self.conv3(x))  # (N, 64, 3, 3)
        x = x.permute(0, 3, 2, 1).flatten(1)  # Caffe's order, column first
        x = self.prelu4(self.dense4(x))
        return self.dense5_2(x), _face(self.dense5_1(x))


class ONet(_Network):
    """Output: (N, 3, 48, 48) -> regression (N, 4), landmarks (N, 10), face probability (N,).

    Landmarks are five x, then five y, as shares of the box.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3)
        self.prelu1 = _PReLU(32)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.prelu2 = _PReLU(64)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3 = nn.Conv2d(64, 64, 3)
        self.prelu3 = _PReLU(64)
        self.pool3 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv4 = nn.Conv2d(64, 128, 2)
        self.prelu4 = _PReLU(128)
        self.dense5 = nn.Linear(1152, 256)
        self.prelu5 = _PReLU(256)
        self.dense6_1 = nn.Linear(256, 2)
        self.dense6_2 = nn.Linear(256, 4)
        self.dense6_3 = nn.Linear(256, 10)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Run the network; shapes as in the class docstring."""
        x = self.pool1(self.prelu1(self.conv1(x)))  # (N, 32, 23, 23)
        x = self.pool2(self.prelu2(self.conv2(x)))  # (N, 64, 10, 10)
        x = self.pool3(self.prelu3(self.conv3(x)))  # (N, 64, 4, 4)
        x = self.prelu4(self.conv4(x))  # (N, 128, 3, 3)
        x = x.permute(0, 3, 2, 1).flatten(1)
        x = self.prelu5(self.dense5(x))
        return self.dense6_2(x), self.dense6_3(x), _face(self.dense6_1(x))
