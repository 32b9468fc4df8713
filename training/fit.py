"""Fit the detector: AdamW under a cosine, a moving average of the weights, exact resumption."""

from __future__ import annotations

import csv
import math
import time
import tomllib
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from training.data import Batch, Draws
from training.network import Detector, NetworkConfig

PREFETCH = 4
"""Batches made ahead by one thread; the newest optimiser step waits for the oldest of them."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Train at `size_px` until the run's progress (0..1) reaches `until`."""

    until: float
    size_px: int
    bf16: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a training run does; the TOML file's keys.

    `budget_s` ends the run after so many seconds of training even where `steps` are not done:
    progress, which the schedule and the phases follow, is the larger of the two shares.
    """

    steps: int
    batch: int = 32
    seed: int = 0
    budget_s: float | None = None
    phases: tuple[Phase, ...] = (Phase(1.0, 224),)
    trunk_rate: float = 6e-4
    head_rate: float = 2e-3
    weight_decay: float = 0.02
    warm_up: float = 0.05
    smoothing: float = 0.02
    mask_weight: float = 0.3
    ema_decay: float = 0.998
    clip_norm: float = 5.0
    dfdc_pastes: int = 600
    checkpoint_every_s: float = 180.0
    evaluate_every: float = 0.125
    network: NetworkConfig = field(default_factory=NetworkConfig)

    @classmethod
    def load(cls, path: Path) -> Recipe:
        """Read a recipe from TOML.

        Raises: OSError, tomllib.TOMLDecodeError; TypeError for a key that there is not.
        """
        return cls.parse(tomllib.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Recipe:
        """Build a recipe from a mapping such as `asdict` gives."""
        values = dict(body)
        if "phases" in values:
            values["phases"] = tuple(Phase(**phase) for phase in values["phases"])
        values["network"] = NetworkConfig(**values.get("network", {}))
        return cls(**values)


class Trainer:
    """One run: the network, its moving average, the optimiser, and how far it has come.

    Random numbers are a function of (seed, step), so that `state` holds none and a resumed run
    gives the weights of one that was never stopped (as long as `budget_s` does not cut in).
    """

    def __init__(self, recipe: Recipe, network: Detector) -> None:
        self.recipe = recipe
        self.network = network.to(memory_format=torch.channels_last)
        self.average = {key: value.clone() for key, value in network.state_dict().items()}
        self.optimiser = torch.optim.AdamW(_groups(network, recipe), betas=(0.9, 0.999))
        self.step = 0
        self.spent_s = 0.0

    @property
    def progress(self) -> float:
        """The share of the run that is done, 0..1."""
        share = self.step / self.recipe.steps
        if self.recipe.budget_s is not None:
            share = max(share, self.spent_s / self.recipe.budget_s)
        return min(1.0, share)

    @property
    def phase(self) -> Phase:
        """The phase that the next step belongs to."""
        phases = self.recipe.phases
        return next((phase for phase in phases if self.progress < phase.until), phases[-1])

    def advance(self, batch: Batch) -> dict[str, float]:
        """Make one step on a batch; give the losses and the learning rate."""
        started = time.monotonic()
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.step)
        rate = self._set_rate()
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.phase.bf16):
            logit, attention = self.network.logits(torch.from_numpy(batch.pixels))
        fake_loss = _bce(logit, torch.from_numpy(batch.fake), self.recipe.smoothing)
        mask_loss = _mask_loss(attention.float(), batch)
        self.optimiser.zero_grad(set_to_none=True)
        (fake_loss + self.recipe.mask_weight * mask_loss).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip_norm)
        self.optimiser.step()
        self._follow()
        self.step += 1
        self.spent_s += time.monotonic() - started
        losses = {"loss": fake_loss.item(), "mask_loss": mask_loss.item()}
        return losses | {"rate": rate, "gradient_norm": float(norm)}

    def averaged(self) -> Detector:
        """Give a network with the moving average's weights, in evaluation mode."""
        network = Detector(self.recipe.network)
        network.load_state_dict(self.average)
        network.to(memory_format=torch.channels_last).eval()
        return network

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs."""
        return {
            "recipe": asdict(self.recipe),
            "network": self.network.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "spent_s": self.spent_s,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; the recipe stays that of this trainer."""
        self.network.load_state_dict(state["network"])
        self.average = {key: value.clone() for key, value in state["average"].items()}
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.spent_s = state["step"], state["spent_s"]

    def _set_rate(self) -> float:
        done, warm = self.progress, self.recipe.warm_up
        level = done / warm if done < warm else 0.5 * (1 + math.cos(math.pi * done))
        level = max(level, 1e-3)
        for group in self.optimiser.param_groups:
            group["lr"] = level * group["peak"]
        return level * self.recipe.trunk_rate

    def _follow(self) -> None:
        # Early on the average follows closely, or it would keep the untrained head for long.
        decay = min(self.recipe.ema_decay, (1 + self.step) / (10 + self.step))
        for key, value in self.network.state_dict().items():  # detached from the graph
            mean = self.average[key]
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)


def batches(draws: Draws, trainer: Trainer) -> Generator[Batch]:
    """Give the run's batches from its present step on, made ahead by one thread.

    The thread ends with the generator: close it, or exhaust it.
    """
    count = trainer.recipe.batch
    ahead: list[Future[Batch]] = []
    with ThreadPoolExecutor(1, "batches") as pool:
        step = trainer.step
        try:
            while trainer.progress < 1:
                while len(ahead) < PREFETCH:
                    size = trainer.phase.size_px
                    ahead.append(pool.submit(draws.batch, step * count, count, size))
                    step += 1
                yield ahead.pop(0).result()
        finally:
            for future in ahead:
                future.cancel()


def save(state: Mapping[str, Any], path: Path) -> None:
    """Write a checkpoint so that a crash leaves either the old or the new one."""
    partial = path.with_suffix(".partial")
    torch.save(dict(state), partial)
    partial.replace(path)


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Append one row to a CSV log, with a header when the file is new."""
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def predict(network: Detector, crops: Sequence[np.ndarray[Any, Any]], size: int) -> Tensor:
    """Logits (N,) of crops (S, S, 3) at `size` px, in batches of 32."""
    logits: list[Tensor] = []
    with torch.inference_mode():
        for start in range(0, len(crops), 32):
            part = [
                cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
                for crop in crops[start : start + 32]
            ]
            logits.append(network.logits(torch.from_numpy(np.stack(part)))[0])
    return torch.cat(logits)


def _bce(logit: Tensor, fake: Tensor, smoothing: float) -> Tensor:
    target = fake * (1 - smoothing) + (1 - fake) * smoothing
    return F.binary_cross_entropy_with_logits(logit.float(), target)


def _mask_loss(attention: Tensor, batch: Batch) -> Tensor:
    known = torch.from_numpy(batch.masked)
    loss = F.binary_cross_entropy_with_logits(
        attention, torch.from_numpy(batch.masks), reduction="none"
    ).mean((1, 2))
    return (loss * known).sum() / known.sum().clamp(min=1)


def _groups(network: Detector, recipe: Recipe) -> list[dict[str, Any]]:
    """Parameter groups: the ImageNet trunk slower than the new parts, no decay on vectors."""
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for name, parameter in network.named_parameters():
        key = (name.startswith("trunk."), parameter.ndim > 1)
        groups.setdefault(key, []).append(parameter)
    return [
        {
            "params": parameters,
            "peak": recipe.trunk_rate if trunk else recipe.head_rate,
            "weight_decay": recipe.weight_decay if decayed else 0.0,
        }
        for (trunk, decayed), parameters in groups.items()
    ]
