"""The detector in int8, on every engine that computes in it: batches, canary, the float file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from engines.base import Engine
from engines.canary import canary_picture, check_canary
from engines.errors import EngineUnavailable
from engines.hardware import multiplies_bytes
from engines.precision import ENGINES, FLOAT, INT8
from engines.spec import ModelSpec
from engines.table import open_engine
from stream.config import WEIGHTS

CLOSE = 0.5
"""Of a logit: on faces it moved by at most 0.4."""

pytestmark = pytest.mark.skipif(
    not multiplies_bytes(), reason="this processor's sums of byte products saturate"
)


@pytest.fixture(params=ENGINES, scope="module")
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def detector(name: str) -> Iterator[Engine]:
    try:
        engine = open_engine(name, WEIGHTS / f"{INT8}.json")
    except EngineUnavailable as exc:
        pytest.skip(str(exc))
    with engine:
        yield engine


def pictures(detector: Engine, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The canary's picture, and the same in other light."""
    picture = canary_picture(detector.spec)[0].astype(np.float64)
    gains = np.linspace(1, 0.4, count)[:, None, None, None]
    return np.asarray(gains * picture, np.uint8)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_every_batch_size_gives_outputs_as_the_spec_says(detector: Engine, count: int) -> None:
    outputs = detector.infer(pictures(detector, count))
    assert {key: value.shape for key, value in outputs.items()} == {
        "logit": (count,),
        "heatmap": (count, 14, 14),
    }
    assert all(value.dtype == np.float32 for value in outputs.values())


def test_a_crop_scores_the_same_alone_and_in_a_batch(detector: Engine) -> None:
    batch = pictures(detector, 5)
    together = detector.infer(batch)["logit"]
    alone = [detector.infer(batch[at : at + 1])["logit"][0] for at in range(len(batch))]
    np.testing.assert_allclose(alone, together, atol=1e-3)


def test_the_canary_sings(detector: Engine) -> None:
    result = check_canary(detector, lambda: 0.0)
    assert result.ok, result.problem


def test_it_says_nearly_what_the_float_file_says(name: str, detector: Engine) -> None:
    batch = pictures(detector, 5)
    with open_engine(name, WEIGHTS / f"{FLOAT}.json") as plain:
        difference = detector.infer(batch)["logit"] - plain.infer(batch)["logit"]
    assert 0 < np.abs(difference).max() < CLOSE


def test_its_spec_differs_in_what_the_numbers_are_alone() -> None:
    small, full = (ModelSpec.load(WEIGHTS / f"{name}.json") for name in (INT8, FLOAT))
    assert (small.precision, full.precision) == ("int8", "fp32")
    assert small.provenance["quantised_from"] == full.sha256
    assert (small.crop, small.inputs, small.outputs) == (full.crop, full.inputs, full.outputs)
