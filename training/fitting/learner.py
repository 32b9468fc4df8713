"""Learner: one step of training and one of evaluation, for Lightning's trainer."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torchmetrics.classification import BinaryAUROC

from training.fitting.course import Course
from training.fitting.losses import label_loss, mask_loss, teacher_loss
from training.fitting.recipe import Recipe
from training.network import Detector

Tensors = Mapping[str, Tensor]


class Learner(LightningModule):  # type: ignore[misc]  # mypy is kept from reading Lightning
    """The network with its losses, its optimiser, and the AUC within each source.

    `course` is saved with it and moved on by each step. `row` holds the last step's losses,
    `scores` the last evaluation's figures: ``auc`` is the mean over sources, by their crops.
    """

    def __init__(
        self, network: Detector, course: Course, sources: Sequence[str],
        teacher: Detector | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.course = course
        self.recipe = course.recipe
        self.network = network.to(memory_format=torch.channels_last)
        self.sources = tuple(sources)
        self.aurocs = torch.nn.ModuleList(BinaryAUROC() for _ in sources)
        self.row: dict[str, float | Tensor] = {}
        self.scores: dict[str, float] = {}
        # In a tuple, so that its weights are neither trained, nor averaged, nor saved.
        self._teacher = () if teacher is None else (teacher,)
        self._counts = dict.fromkeys(self.sources, 0)
        self._since_s = time.monotonic()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW, its rates set anew at every step."""
        return torch.optim.AdamW(_groups(self.network, self.recipe))

    def on_train_epoch_start(self) -> None:
        """Start the clock: evaluations do not count as training."""
        self._since_s = time.monotonic()
        for teacher in self._teacher:
            teacher.to(self.device).eval()

    def on_train_batch_start(self, batch: Tensors, index: int) -> None:
        """Set the step's random numbers and rates."""
        del batch, index
        torch.manual_seed(self.course.seed)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.course.rate * group["peak"]

    def training_step(self, batch: Tensors, index: int) -> Tensor:
        """Give the loss of one batch."""
        del index
        logit, attention = self.network.logits(batch["pixels"])
        recipe = self.recipe
        fake_loss = label_loss(logit, batch["fake"], recipe.smoothing, recipe.focal_gamma)
        map_loss = mask_loss(attention, batch["masks"], batch["masked"])
        self.row = {"loss": fake_loss.detach(), "mask_loss": map_loss.detach()}
        for teacher in self._teacher:
            assert recipe.teacher is not None
            with torch.no_grad():
                wanted, _ = teacher.logits(batch["pixels"])
            apart = teacher_loss(logit, wanted, recipe.teacher.temperature)
            self.row["teacher_loss"] = apart.detach()
            share = recipe.teacher.weight
            fake_loss = (1 - share) * fake_loss + share * apart
        return fake_loss + recipe.mask_weight * map_loss

    def configure_gradient_clipping(
        self, optimizer: torch.optim.Optimizer, *limits: Any, **named: Any
    ) -> None:
        """Clip the gradient's norm, and note it."""
        del optimizer, limits, named
        parameters = self.network.parameters()
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.recipe.clip_norm)
        self.row["gradient_norm"] = norm

    def optimizer_step(self, *arguments: Any, **named: Any) -> None:
        """Step, and move the course on; waiting for the batch counts as time spent.

        Callbacks that save and log at a batch's end see the course moved.
        """
        super().optimizer_step(*arguments, **named)
        self.row["rate"] = self.course.rate
        now = time.monotonic()
        self.course.spent_s += now - self._since_s
        self._since_s = now
        self.course.step += 1

    def on_validation_epoch_start(self) -> None:
        """Forget the last evaluation."""
        self._counts = dict.fromkeys(self.sources, 0)
        for auroc in self.aurocs:
            auroc.reset()

    def validation_step(self, batch: Mapping[str, Any], index: int) -> None:
        """Score one part of a source's crops."""
        del index
        logit, _ = self.network.logits(batch["pixels"])
        place = self.sources.index(batch["source"])
        self.aurocs[place].update(logit.float(), batch["fake"].long())
        self._counts[batch["source"]] += len(logit)

    def on_validation_epoch_end(self) -> None:
        """Work out the AUCs; early stopping watches ``auc``."""
        values = [float(auroc.compute()) for auroc in self.aurocs]
        weights = [self._counts[source] for source in self.sources]
        weighted = sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)
        by_source = zip(self.sources, values, strict=True)
        self.scores = {"auc": weighted} | {f"auc_{source}": value for source, value in by_source}
        self.log("auc", weighted, logger=False)
        if not self.trainer.sanity_checking:
            self.course.evaluated(weighted)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the course, and leave out Lightning's own: one truth about the position is enough.

        Its loops restored within an epoch may skip an evaluation or repeat one.
        """
        checkpoint["course"] = self.course.state()
        checkpoint["recipe"] = asdict(self.recipe)
        checkpoint["scores"] = self.scores
        del checkpoint["loops"]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the course stood."""
        self.course.restore(checkpoint["course"])
        self.scores = checkpoint["scores"]


def _groups(network: Detector, recipe: Recipe) -> list[dict[str, Any]]:
    """Parameter groups: the ImageNet trunk slower than the new parts, no decay on vectors.

    Nor on filters of residuals, whose size means nothing or stands on the scale of grey levels.
    """
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for name, parameter in network.named_parameters():
        decayed = parameter.ndim > 1 and not name.startswith("srm.")
        groups.setdefault((name.startswith("trunk."), decayed), []).append(parameter)
    return [
        {
            "params": parameters,
            "peak": recipe.trunk_rate if trunk else recipe.head_rate,
            "weight_decay": recipe.weight_decay if decayed else 0.0,
        }
        for (trunk, decayed), parameters in groups.items()
    ]
