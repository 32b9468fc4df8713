"""The command, from people to the file that is written."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.spec import AlarmModel, Calibration, CropGeometry
from training.calibration import alarm, command
from training.calibration.command import calibrate
from training.calibration.faces import Person
from training.calibration.footage import Pixels, Still
from training.calibration.scoring import Scores
from training.metrics import Floats

STEP_S = 0.25


@pytest.fixture(autouse=True)
def few_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm, "ROUNDS", 2)
    monkeypatch.setattr(alarm, "CLIPS", (3.0,))
    monkeypatch.setattr(alarm, "DRIFT_STEP", 1.0)


@pytest.fixture
def scores() -> Scores:
    """120 people whose logits are twice too large; a quarter of the footage is too poor."""
    rng = np.random.default_rng(0)
    fake = np.arange(120) % 2 == 1
    offset = np.where(fake, 5.0, -5.0)[:, None] + rng.normal(0, 2, (120, 1))
    weights = np.where(np.arange(120) % 8 < 2, 0.1, 0.8)[:, None]
    return Scores(
        single_logits=offset + rng.normal(0, 1, (120, 4)),
        single_weights=np.repeat(weights, 4, 1),
        film_logits=offset + rng.normal(0, 1, (120, 40)),
        film_weights=np.repeat(weights, 40, 1),
        fake=fake,
        groups=np.array([f"g{index}" for index in range(120)]),
        sources=np.where(np.arange(120) < 80, "dfdc", "lfw"),
        step_s=STEP_S,
    )


def test_everything_that_was_found_is_said_and_saved(scores: Scores, tmp_path: Path) -> None:
    found = calibrate(scores, 0.1, 60.0, 7)
    text = "\n".join(found.lines())
    for words in (
        "40 dfdc fake",
        "20 lfw real",
        "no face found in 7",
        "EXTRAPOLATED",
        "25% of the",
    ):
        assert words in text
    assert found.played_real.faces == found.played_fake.faces == 45
    assert (found.played_real.alarmed, found.played_fake.alarmed) == (0, 45)
    found.save(tmp_path / "calibration.json")
    body = json.loads((tmp_path / "calibration.json").read_text())
    assert body["choice"]["model"]["clip"] == 3.0
    assert body["calibration"]["levels"][0]["above_quality"] == 0.0
    assert len(body["reliability"]) == len(body["calibration"]["levels"]) + 1
    assert body["choice"]["real_hours"] == pytest.approx(45 * 10 / 3600)


def test_footage_of_one_class_alone_is_refused(scores: Scores) -> None:
    poor = np.where(scores.fake[:, None], 0.1, scores.film_weights)
    with pytest.raises(ValueError, match="good enough"):
        calibrate(replace(scores, film_weights=poor), 0.1, 60.0, 0)


class Brightness:
    """A model by which bright crops are fakes; it keeps what is written."""

    geometry = CropGeometry(size_px=64, crop_scale=1.0)

    def __init__(self) -> None:
        self.written: list[tuple[Calibration, AlarmModel]] = []

    def logits(self, crops: Pixels) -> Floats:
        return np.asarray((crops.mean((1, 2, 3)) - 128.0) / 10, np.float64)

    def write(self, calibration: Calibration, alarm: AlarmModel) -> None:
        self.written.append((calibration, alarm))


def drawn(index: int) -> Person:
    rng = np.random.default_rng(index)
    points = np.array([(70, 80), (130, 80), (100, 110), (75, 140), (125, 140)], np.float32)
    level = (190 if index % 2 else 70) + rng.normal(0, 10)
    pixels = np.clip(rng.normal(level, 25, (200, 200, 3)), 0, 255).astype(np.uint8)
    still = Still(pixels, np.array([20, 20, 180, 180], np.float32), points)
    return Person(still, index % 2 == 1, "drawn", f"g{index}")


@pytest.mark.parametrize("dry", [False, True])
def test_the_command_writes_into_the_model_unless_it_is_a_rehearsal(
    dry: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Brightness()

    @contextmanager
    def opened(path: Path, threads: int) -> Iterator[Brightness]:
        assert (path, threads) == (tmp_path / "detector.json", 1)
        yield model

    monkeypatch.setattr(command, "opened_model", opened)
    monkeypatch.setattr(command, "calib_faces", lambda *_: list(range(8)))
    monkeypatch.setattr(command, "_people", lambda faces, _: [drawn(index) for index in faces])
    options = ["--model", str(tmp_path / "detector.json"), "--seconds", "4", "--threads", "1"]
    command.run(parsed(*options, "--session", "30", *(["--dry-run"] if dry else [])), tmp_path)
    assert "chosen: clip 3" in capsys.readouterr().out
    assert len(model.written) == (not dry)
    assert (tmp_path / "calibration.json").exists() != dry


@pytest.mark.parametrize("wrong", [("--seconds", "1"), ("--rate", "0"), ("--streams", "0")])
def test_options_that_make_no_sense_are_refused(wrong: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=wrong[0]):
        command.run(parsed(*wrong), tmp_path)


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)
