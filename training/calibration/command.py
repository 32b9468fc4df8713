"""``python -m training calibrate``: temperature, bias and alarm, from the calib half of val."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from stream.config import WEIGHTS
from stream.scoring.options import ScoringOptions
from training.calibration.alarm import SESSION_S, choose_alarm
from training.calibration.faces import Person, calib_faces, person
from training.calibration.levels import calibrated, fit_levels
from training.calibration.live import play
from training.calibration.model import Model, opened_model
from training.calibration.reliability import reliability
from training.calibration.report import Found
from training.calibration.scoring import TAKES, Scores, score_people
from training.calibration.sessions import Evidence
from training.landmarks import opened_cascade
from training.manifest import Face

OPTIONS: Final = ScoringOptions()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("--model", type=Path, default=WEIGHTS / "detector.json", metavar="FILE",
        help="detector.json of an exported model, or a training run's detector.pt")  # fmt: skip
    add("--streams", type=int, metavar="N", help="use at most N faces of each class")
    add("--seconds", type=float, default=8.0, help="footage of each face (8)")
    add("--session", type=float, default=SESSION_S, metavar="SECONDS",
        help=f"how long one person is taken to stay ({SESSION_S:g})")  # fmt: skip
    add("--rate", type=float, default=OPTIONS.false_alarms_per_hour, metavar="R",
        help="false alarms an hour that clip and drift are chosen for (0.1)")  # fmt: skip
    add("--seed", type=int, default=0)
    add("--threads", type=int, default=2)
    add("--dry-run", action="store_true", help="print, but write nothing into the model")


def run(parsed: argparse.Namespace, data: Path) -> None:
    """Calibrate ``parsed.model``; write into it, and ``calibration.json`` beside it.

    Raises: OSError; ValueError for a model or data that cannot be used, or options that make no
    sense; EngineError.
    """
    _check(parsed)
    cv2.setNumThreads(1)
    faces = calib_faces(data, parsed.streams, parsed.seed)
    with opened_model(parsed.model, parsed.threads) as model, _bar() as bar:
        people = _people(faces, bar)
        task = bar.add_task("score", total=len(people))
        scores = score_people(
            people, model, parsed.seconds, parsed.threads, parsed.seed, lambda: bar.advance(task)
        )
        waiting = bar.add_task("set the alarm", total=None)
        found = calibrate(scores, parsed.rate, parsed.session, len(faces) - len(people))
        bar.remove_task(waiting)
        print("\n".join(found.lines()))
        if not parsed.dry_run:
            _write(found, model, parsed.model.parent / "calibration.json")


def calibrate(scores: Scores, per_hour: float, session_s: float, without_face: int) -> Found:
    """Fit probabilities on all crops, and set the alarm on the footage that is good enough.

    Raises: ValueError when a class is absent, the scores are reversed, or no footage is good.
    """
    crops = scores.crops()
    fitted = fit_levels(crops)
    logits = calibrated(fitted, scores.film_logits, scores.film_weights)
    evidence = Evidence(logits, scores.film_weights, scores.step_s, scores.groups, TAKES)
    # Live says `undecided` where the mean weight is lower: no alarm, whatever the sum.
    good = scores.film_weights.mean(1) >= OPTIONS.min_quality
    real, fake = evidence.of(good & ~scores.fake), evidence.of(good & scores.fake)
    if not len(real.people) or not len(fake.people):
        raise ValueError("no footage of both classes is good enough to be judged")
    choice = choose_alarm(real, fake, per_hour, session_s)
    return Found(
        faces=scores.counts(),
        without_face=without_face,
        abstained=(float((~good[~scores.fake]).mean()), float((~good[scores.fake]).mean())),
        calibration=fitted,
        reliability=reliability(crops, fitted),
        per_hour=per_hour,
        choice=choice,
        played_real=play(real, choice.model, per_hour),
        played_fake=play(fake, choice.model, per_hour),
    )


def _write(found: Found, model: Model, report: Path) -> None:
    model.write(found.calibration, found.choice.model)
    found.save(report)
    print(f"written into the model, and all numbers to {report}")


def _people(faces: Sequence[Face], bar: Progress) -> list[Person]:
    task = bar.add_task("find landmarks", total=len(faces))
    found = []
    with opened_cascade(WEIGHTS) as cascade:
        for face in faces:
            found.append(person(face, cascade))
            bar.advance(task)
    return [each for each in found if each is not None]


def _check(parsed: argparse.Namespace) -> None:
    if not (parsed.seconds >= 4 and parsed.session > 0 and parsed.rate > 0):
        raise ValueError("--seconds must be 4 or more, --session and --rate above 0")
    if parsed.threads < 1 or (parsed.streams is not None and parsed.streams < 1):
        raise ValueError("--threads and --streams must be at least 1")


def _bar() -> Progress:
    described = TextColumn("{task.description:14}")
    return Progress(described, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
