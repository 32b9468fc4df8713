"""What a step minimises: the label's loss, the mask's, and the distance to a teacher."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss


def label_loss(logit: Tensor, fake: Tensor, smoothing: float, focal_gamma: float) -> Tensor:
    """Binary cross-entropy of logits (N,) with labels 0..1 drawn `smoothing` off 0 and 1.

    With `focal_gamma` above 0 it is the focal loss, which turns to the hard examples: Lin et
    al., "Focal Loss for Dense Object Detection" (ICCV 2017), without its class weight, since
    batches are balanced.
    """
    target = fake * (1 - smoothing) + (1 - fake) * smoothing
    if focal_gamma > 0:
        loss: Tensor = sigmoid_focal_loss(
            logit.float(), target, alpha=-1, gamma=focal_gamma, reduction="mean"
        )
        return loss
    return F.binary_cross_entropy_with_logits(logit.float(), target)


def mask_loss(attention: Tensor, masks: Tensor, known: Tensor) -> Tensor:
    """Cross-entropy of the map's logits (N, h, w) with `masks`, over the rows in `known` (N,)."""
    loss = F.binary_cross_entropy_with_logits(attention.float(), masks, reduction="none")
    return (loss.mean((1, 2)) * known).sum() / known.sum().clamp(min=1)


def teacher_loss(logit: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Divergence of the softened probabilities from the teacher's; both logits are (N,).

    Hinton et al., "Distilling the Knowledge in a Neural Network" (2015): scaled by the squared
    temperature, so that its gradients stay comparable with the labels'.
    """
    soft = (teacher.float() / temperature).sigmoid()
    cross = F.binary_cross_entropy_with_logits(logit.float() / temperature, soft)
    entropy = F.binary_cross_entropy(soft, soft)
    return temperature**2 * (cross - entropy)
