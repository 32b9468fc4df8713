"""The canary: one made-up picture whose outputs are known, to ask an engine whether it is well.

An engine that computes something else (a driver's bug, a stale build, a bad memory), or that has
silently fallen to the processor, still gives numbers that look like scores. Only a known answer
tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.base import Engine, Outputs
from engines.errors import EngineError
from engines.spec import ModelSpec

FREE_SIDE: Final = 64
"""What a dynamic side is given; every model here takes it."""
SAMPLES: Final = 8
"""How many numbers of each output are compared: enough that no wrong network gives them all."""
RUNS: Final = 3
"""The quickest of these is the time: one run is at the mercy of the scheduler."""
TOLERANCES: Final[Mapping[str, float]] = {"fp32": 0.01, "fp16": 0.1, "bf16": 0.5, "int8": 0.5}
"""Largest difference of a number, as a share of its size where that is above 1. Runtimes differ by
1e-5 in fp32, TensorFloat-32 by 5e-3; a wrong network differs by whole logits."""
SLOWER: Final = 5.0
"""How many times the first time is a fall to the processor: that is 20 and more, a busy GPU 2."""

Timer = Callable[[], float]
"""Gives seconds since any fixed moment, as `time.perf_counter` does."""


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """What one look found: `problem` is empty where it is `ok`.

    `seconds` is the quickest run's, `provider` what the runtime said it ran on.
    """

    ok: bool
    problem: str
    seconds: float
    provider: str


def check_canary(engine: Engine, timer: Timer, first: CanaryResult | None = None) -> CanaryResult:
    """Run the canary on `engine` by the thread that owns it; takes four inferences of one sample.

    Outputs are compared with those in the engine's spec, at the tolerance of the precision that
    the spec states. With the result of an earlier run as `first`, the provider must be the same,
    and off the processor the time of the same order. Raises nothing: what an engine raises is
    the problem.
    """
    pixels = canary_picture(engine.spec)
    try:
        outputs = engine.infer(pixels)  # not timed: a cold call may compile
        seconds = min(_timed(engine, pixels, timer) for _ in range(RUNS))
    except EngineError as exc:
        return CanaryResult(False, str(exc), float("inf"), engine.provider)
    problem = _wrong(engine.spec, outputs) or _fallen(engine, seconds, first)
    return CanaryResult(not problem, problem, seconds, engine.provider)


def canary_picture(spec: ModelSpec) -> NDArray[np.uint8]:
    """Give the picture (1, H, W, 3), uint8 RGB, of the model's input size.

    The pixels are blocks of 8 with grain, by whole-number arithmetic alone: numpy does not
    promise that its generators give the same numbers in every version (NEP 19).
    """
    height, width = input_sides(spec)
    y, x, channel = np.ogrid[:height, :width, :3]
    blocks = _scrambled((y // 8 * 1009 + x // 8) * 3 + channel)
    grain = _scrambled((y * 2053 + x) * 3 + channel + 7) >> np.uint64(3)
    picture = blocks // np.uint64(2) + np.uint64(48) + grain
    return picture.astype(np.uint8)[np.newaxis]


def input_sides(spec: ModelSpec) -> tuple[int, int]:
    """Height and width that the model takes; `FREE_SIDE` for a dynamic one."""
    shape = spec.inputs[0].shape
    height, width = shape[2:] if spec.layout == "NCHW" else shape[1:3]
    return _fixed(height), _fixed(width)


def canary_numbers(outputs: Outputs) -> dict[str, tuple[float, ...]]:
    """Give what is compared: up to `SAMPLES` numbers of each output, evenly spaced."""
    return {name: _spaced(values) for name, values in outputs.items()}


def _fixed(side: int | str) -> int:
    return FREE_SIDE if isinstance(side, str) else side


def _scrambled(index: NDArray[Any]) -> NDArray[np.uint64]:
    """Hash whole numbers to 0-255 (Knuth's multiplicative hash, two rounds)."""
    mixed = index.astype(np.uint64) * np.uint64(2654435761) % np.uint64(2**32)
    mixed = (mixed ^ (mixed >> np.uint64(15))) * np.uint64(2246822519) % np.uint64(2**32)
    return np.asarray(mixed >> np.uint64(24), np.uint64)


def _spaced(values: NDArray[np.float32]) -> tuple[float, ...]:
    flat = values.reshape(-1)
    places = np.unique(np.linspace(0, len(flat) - 1, min(SAMPLES, len(flat))).astype(int))
    return tuple(float(value) for value in flat[places])


def _timed(engine: Engine, pixels: NDArray[np.uint8], timer: Timer) -> float:
    begin_s = timer()
    engine.infer(pixels)
    return timer() - begin_s


def _wrong(spec: ModelSpec, outputs: Outputs) -> str:
    """Say which output is not what the spec says; without a canary in it, which is no number."""
    found = canary_numbers(outputs)
    expected = spec.canary or found
    tolerance = TOLERANCES[spec.precision]
    for name, numbers in expected.items():
        actual = found.get(name, ())
        if len(actual) != len(numbers):
            return f"canary: {spec.name} gave {len(actual)} numbers of {name!r}"
        for value, wanted in zip(actual, numbers, strict=True):
            if not abs(value - wanted) <= tolerance * max(1.0, abs(wanted)):  # a NaN is not
                return f"canary: {spec.name} gave {name} {value:.4g} in place of {wanted:.4g}"
    return ""


def _fallen(engine: Engine, seconds: float, first: CanaryResult | None) -> str:
    if first is None:
        return ""
    if engine.provider != first.provider:
        return f"canary: {engine.provider} runs in place of {first.provider}"
    # On the processor there is nothing to fall to, and a busy machine is slow without a fault.
    if engine.device != "cpu" and seconds > SLOWER * first.seconds:
        times = seconds / first.seconds
        return f"canary: {engine.spec.name} takes {times:.0f} times as long as at the start"
    return ""
