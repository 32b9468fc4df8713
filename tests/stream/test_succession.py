"""Succession: who takes over, who never serves, and what is said meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engines.canary import canary_numbers, canary_picture
from engines.errors import EngineUnavailable
from engines.spec import ModelSpec
from stream.scheduler import Scheduler
from stream.succession import Succession
from tests import builders
from tests.doubles import DEADLINE_S, ScriptedEngine, ScriptedNetworks, eventually


class Place:
    """A scheduler of one lane, the heirs that are opened for it, and who took over."""

    def __init__(self, scheduler: Scheduler, first: ScriptedEngine) -> None:
        self.scheduler = scheduler
        self.first = first
        self.heirs: list[ScriptedEngine] = []
        self.specs: list[ModelSpec] = []
        self.open: Callable[[], Any] = lambda: [ScriptedNetworks(e) for e in self.heirs]
        self.succession = Succession(scheduler, lambda: self.open(), self.specs.append)

    @property
    def serving(self) -> object:
        return self.scheduler.lanes[0].models.detector

    @property
    def problem(self) -> str:
        return self.scheduler.problems.get("replacement", "")


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    first = ScriptedEngine()
    async with Scheduler(ScriptedNetworks(first)) as scheduler:
        yield Place(scheduler, first)


def heir(**spec: Any) -> ScriptedEngine:
    """An engine that gives what its spec says of the canary."""
    engine = ScriptedEngine()
    numbers = canary_numbers(engine.infer(canary_picture(engine.spec)))
    engine.spec = replace(builders.detector_spec(**spec), canary=numbers)
    return engine


async def test_networks_that_pass_take_over_and_those_that_served_are_closed() -> None:
    async with place() as here:
        here.heirs = [heir(temperature=2.0)]
        assert await here.succession.replace()
        assert here.serving is here.heirs[0]
        assert [spec.calibration.at(1.0).temperature for spec in here.specs] == [2.0]
        assert (here.first.closed, here.heirs[0].closed, here.problem) == (1, 0, "")
        await here.scheduler.score([builders.crop(0)])
    here.succession.close()
    assert here.heirs[0].closed == 1


def wrong() -> ScriptedEngine:
    engine = heir()
    assert engine.spec.canary is not None
    engine.spec = replace(engine.spec, canary={**engine.spec.canary, "logit": (99.0,)})
    return engine


def unknown() -> ScriptedEngine:
    engine = heir()
    engine.spec = replace(engine.spec, canary=None)
    return engine


def of_another_crop() -> ScriptedEngine:
    return heir(crop_scale=1.9)


class Lazy(ScriptedEngine):
    """Right for one picture, wrong for the others of a batch."""

    def infer(self, batch: Any) -> Any:
        outputs = super().infer(batch)
        return {**outputs, "logit": outputs["logit"] * (np.arange(len(batch)) == 0)}


def wrong_in_batches() -> ScriptedEngine:
    engine = Lazy()
    engine.spec = heir().spec
    return engine


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (wrong, "gave logit"),
        (unknown, "no canary"),
        (of_another_crop, "other crops"),
        (wrong_in_batches, "differs in a batch"),
    ],
)
async def test_one_that_fails_a_test_never_serves_and_the_old_one_serves_on(
    make: Callable[[], ScriptedEngine], why: str
) -> None:
    async with place() as here:
        here.heirs = [make()]
        assert not await here.succession.replace()
        assert here.serving is here.first
        assert why in here.problem
        assert (here.first.closed, here.heirs[0].closed, here.specs) == (0, 1, [])
        here.heirs = [heir()]
        assert await here.succession.replace(), "a later attempt may succeed"
        assert here.problem == ""


async def test_networks_that_cannot_be_opened_are_told() -> None:
    def fail() -> Any:
        raise EngineUnavailable("openvino", "it is not installed", "install it")

    async with place() as here:
        here.open = fail
        assert not await here.succession.replace()
        assert "install it" in here.problem


async def test_the_old_networks_serve_while_the_new_ones_are_built() -> None:
    built, begun = threading.Event(), threading.Event()

    def build() -> Any:
        begun.set()
        assert built.wait(DEADLINE_S)
        return [ScriptedNetworks(engine) for engine in here.heirs]

    async with place() as here:
        here.heirs, here.open = [heir()], build
        running = asyncio.create_task(here.succession.run())
        here.succession.ask("tensorrt is being built; cuda serves meanwhile")
        await asyncio.to_thread(begun.wait, DEADLINE_S)
        assert here.problem == "tensorrt is being built; cuda serves meanwhile"
        assert len(await here.scheduler.score([builders.crop(0)])) == 1
        assert here.serving is here.first
        built.set()
        await eventually(lambda: here.serving is here.heirs[0])
        await eventually(lambda: here.problem == "")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
