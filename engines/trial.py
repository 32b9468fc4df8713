"""The trial behind ``--engine auto``: which installed engine runs these models here the fastest."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engines.base import Engine
from engines.build_cache import BuildCache, BuildKey
from engines.canary import Timer, input_sides
from engines.errors import EngineError, EngineUnavailable
from engines.hardware import driver_version, gpu_names, processor_name
from engines.package import installed_version
from engines.precision import FLOAT
from engines.spec import ModelSpec
from engines.table import AUTO, CANDIDATES, build_needed, choose_engine, installed, open_engine

log = logging.getLogger(__name__)

STORE: Final = "trials"
FILE: Final = "trial.json"
MARGIN: Final = 0.95
"""The first of two that are this close is taken: noise shall not choose."""
RUNS: Final = 3
"""The quickest counts."""
WARM_RUNS: Final = 2
WARM_RUNS_FREE: Final = 70
"""Runs before the first that counts; more where an engine compiles a common shape for itself."""


@dataclass(frozen=True, slots=True)
class Work:
    """One model's share of a second of 720p video with one face: `times` calls of `batch`."""

    model: str
    batch: int
    times: float
    free_sides: tuple[int, int] = (64, 64)


WORK: Final = (
    Work("pnet", 1, 8.0, (109, 194)),  # a pyramid a second, eight times as many pixels as this
    Work("rnet", 16, 1.0),
    Work("onet", 1, 10.0),
    Work(FLOAT, 2, 2.0),
)

Opener = Callable[..., Engine]


def fastest_engine(
    device: str,
    weights: Path,
    *,
    threads: int,
    cache: Path,
    timer: Timer,
    detector: str = FLOAT,
    open_with: Opener = open_engine,
) -> str:
    """Give the engine that takes the least time for `WORK`, and log why it was chosen.

    Each candidate that is installed opens the four models of the folder `weights`, the spec
    `detector` among them, and runs them a few times, 1 to 2 s in all. The result is kept in
    `cache` until a package, a model, the machine or `threads` changes. Where it cannot be kept
    there is no trial, and the first candidate is taken: two starts shall not differ by chance.
    Engines that would first build for minutes do not take part.

    Raises: EngineUnavailable when no engine can run on `device`; ModelMismatch for weights that
    are not there.
    """
    names = installed(device)
    if device == "cpu" and len(names) < 2:
        return choose_engine(AUTO, device)[0]
    specs = [weights / f"{detector if work.model == FLOAT else work.model}.json" for work in WORK]
    key = _key(device, specs, threads)

    def attempt(folder: Path) -> None:
        seconds = _seconds(names, device, specs, threads, cache, timer, open_with)
        (folder / FILE).write_text(json.dumps(seconds), encoding="utf-8")

    try:
        entry = BuildCache(cache, STORE).built(key, attempt)
    except EngineUnavailable as exc:
        if exc.engine == AUTO:
            raise
        log.warning("engine auto: no trial, since its result could not be kept (%s)", exc.problem)
        return choose_engine(AUTO, device)[0]
    seconds: dict[str, float] = json.loads((entry / FILE).read_text(encoding="utf-8"))
    chosen = _best(seconds)
    listed = ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in seconds.items())
    log.info("engine auto: chose %s on %s; a second of video takes %s", chosen, device, listed)
    return chosen


def _key(device: str, specs: Sequence[Path], threads: int) -> BuildKey:
    models = [ModelSpec.load(spec).sha256 for spec in specs]
    packages = sorted(
        {
            package
            for packages in CANDIDATES[device.partition(":")[0]].values()
            for package in packages
        }
    )
    machine = processor_name() if device == "cpu" else gpu_names()
    return BuildKey(
        model=" ".join(models),
        gpu=f"{device} {machine}",
        driver=driver_version(),
        runtime=" ".join(f"{package} {installed_version(package)}" for package in packages),
        precision="as the specs say",
        profile=f"threads {threads}",
    )


def _best(seconds: Mapping[str, float]) -> str:
    chosen, *others = seconds
    for name in others:
        if seconds[name] < MARGIN * seconds[chosen]:
            chosen = name
    return chosen


def _seconds(
    names: tuple[str, ...],
    device: str,
    specs: Sequence[Path],
    threads: int,
    cache: Path,
    timer: Timer,
    open_with: Opener,
) -> dict[str, float]:
    """Give each candidate's time; one that cannot run is left out, with a line in the log."""
    seconds: dict[str, float] = {}
    problems: list[str] = []
    for name in names:
        try:
            if any(build_needed(name, spec, device=device, cache=cache) for spec in specs):
                raise EngineUnavailable(
                    name, "it has to build for minutes first", f"--engine {name}"
                )
            with ExitStack() as opened:
                engines = [
                    opened.enter_context(
                        open_with(name, spec, device=device, threads=threads, cache=cache)
                    )
                    for spec in specs
                ]
                seconds[name] = sum(map(_time, engines, WORK, [timer] * len(WORK)))
        except EngineError as exc:
            log.info("engine auto: %s takes no part: %s", name, exc)
            problems.append(str(exc))
    if not seconds:
        problem = f"no engine can run on {device!r} ({'; '.join(problems) or 'none is installed'})"
        raise EngineUnavailable(AUTO, problem, "install one, or use --device cpu")
    return seconds


def _time(engine: Engine, work: Work, timer: Timer) -> float:
    free = any(isinstance(side, str) for side in engine.spec.inputs[0].shape[1:])
    height, width = work.free_sides if free else input_sides(engine.spec)
    batch = np.full((work.batch, height, width, 3), 127, np.uint8)
    for _ in range(WARM_RUNS_FREE if free else WARM_RUNS):
        engine.infer(batch)
    taken = []
    for _ in range(RUNS):
        begin_s = timer()
        engine.infer(batch)
        taken.append(timer() - begin_s)
    return work.times * min(taken)
