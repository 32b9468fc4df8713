"""The figures of the model card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.spec import Calibration, ModelSpec
from tests.training.sample_data import write_data
from training import evaluate
from training.evaluate import Examples, Figure, figures, load_examples, recode, score


class DarkIsReal:
    """An engine whose logit is the crop's mean, and that remembers its batch sizes."""

    spec = ModelSpec("dark", "", "", (), (), "NHWC", calibration=Calibration(10.0, 0.0))
    provider = device = "cpu"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def infer(self, batch: NDArray[Any]) -> Mapping[str, NDArray[np.float32]]:
        self.batches.append(len(batch))
        return {"logit": batch.mean((1, 2, 3)).astype(np.float32) - 128}

    def close(self) -> None: ...

    def __enter__(self) -> DarkIsReal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


def examples(reals: int, fakes: int) -> Examples:
    levels = [100] * reals + [156] * fakes
    crops = [np.full((8, 8, 3), level, np.uint8) for level in levels]
    fake = np.array([False] * reals + [True] * fakes)
    return Examples(crops, fake, [str(index) for index in range(reals + fakes)])


def named(found: list[Figure]) -> dict[str, Figure]:
    return {figure.name: figure for figure in found}


def test_a_perfect_engine_gets_perfect_figures() -> None:
    listed = examples(40, 40)
    engine = DarkIsReal()
    logits = score(engine, listed.crops)
    found = named(figures(logits, listed, engine.spec.calibration))
    assert engine.batches == [32, 32, 16]
    assert found["frame AUC"].value == 1
    assert found["frame AUC"].interval == (1, 1)
    assert found["equal error rate"].value == 0
    assert found["reals with probability > 0.5"].value == 0
    assert found["log loss"].value == pytest.approx(np.log1p(np.exp(-2.8)))


def test_a_list_without_fakes_gives_false_alarms_only() -> None:
    listed = examples(4, 0)
    found = named(figures(np.array([-1.0, -1, -1, 3]), listed, Calibration()))
    assert set(found) == {"reals", "fakes", "reals with probability > 0.5"}
    assert found["reals with probability > 0.5"].value == 0.25


def test_a_figure_is_one_line() -> None:
    assert str(Figure("AUC", 0.9)).split() == ["AUC", "0.9"]
    assert str(Figure("AUC", 0.9, (0.85, 0.95))).split() == ["AUC", "0.900", "[0.850,", "0.950]"]


def test_recoding_changes_pixels_but_not_the_picture() -> None:
    crop = np.full((64, 64, 3), 90, np.uint8)
    crop[16:48, 16:48] = 160
    after = recode(crop, np.random.default_rng(0))
    assert after.shape == crop.shape
    assert 0 < np.abs(after.astype(int) - crop).mean() < 10


def test_the_pasted_list_pairs_each_real_with_a_fake_of_its_group(tmp_path: Path) -> None:
    folder = write_data(tmp_path, per_class=3)
    listed = load_examples("pasted", folder)
    assert listed.fake.tolist() == [False] * 3 + [True] * 3
    assert list(listed.groups[:3]) == list(listed.groups[3:])
    again = load_examples("pasted", folder)
    np.testing.assert_array_equal(np.stack(listed.crops), np.stack(again.crops))


def test_evaluation_opens_the_model_and_scores_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_data(tmp_path, per_class=3)
    opened: list[tuple[Any, ...]] = []

    def open_engine(*arguments: Any, **options: Any) -> DarkIsReal:
        opened.append((*arguments, options))
        return DarkIsReal()

    monkeypatch.setattr(evaluate, "open_engine", open_engine)
    found = named(evaluate.evaluate(tmp_path / "m.json", "dfdc-val", folder, threads=1))
    assert opened == [("onnxruntime", tmp_path / "m.json", {"threads": 1})]
    assert (found["reals"].value, found["fakes"].value) == (3, 3)
    assert 0 <= found["frame AUC"].value <= 1
