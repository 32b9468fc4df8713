"""What a calibration found: one printed table, and every number as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from scipy.stats import beta

from engines.spec import Calibration, CalibrationLevel
from training.calibration.alarm import Choice, Setting
from training.calibration.live import Played
from training.calibration.reliability import Reliability

SETTINGS: Final = (
    "clip   drift  persistent people, alarms/h   threshold   detected   median s   mean s"
)


@dataclass(frozen=True, slots=True)
class Found:
    """All of it. `abstained` are the shares of real and fake footage too poor to be judged."""

    faces: Mapping[str, int]
    without_face: int
    abstained: tuple[float, float]
    calibration: Calibration
    reliability: list[Reliability]
    per_hour: float
    choice: Choice
    played_real: Played
    played_fake: Played

    def save(self, path: Path) -> None:
        """Write every number."""
        path.write_text(json.dumps(_finite(asdict(self)), indent=2) + "\n", encoding="utf-8")

    def lines(self) -> list[str]:
        """Give the table to be printed."""
        settings = [_row(setting) for setting in best_by_clip(self.choice, self.per_hour)]
        return [
            *self._faces(), "", *self._levels(), "", SETTINGS, *settings, *self._alarm(),
            *(_played(name, it) for name, it in (
                ("reals", self.played_real), ("fakes", self.played_fake)
            )),
        ]  # fmt: skip

    def _faces(self) -> list[str]:
        counts = ", ".join(f"{count} {name}" for name, count in self.faces.items())
        real, fake = self.abstained
        return [
            f"calib half of val: {counts}; no face found in {self.without_face}",
            f"footage too poor to judge: {real:.0%} of the reals, {fake:.0%} of the fakes",
        ]

    def _levels(self) -> list[str]:
        lines = [
            "quality   reals  fakes    AUC    ECE before, after   log loss before, after   T, bias"
        ]
        whole = CalibrationLevel(-1.0, self.calibration.temperature, self.calibration.bias)
        levels = [*self.calibration.levels, whole]
        for row, level in zip(self.reliability, levels, strict=True):
            name = "all" if level is whole else f"from {row.above_quality:.2f}"
            lines.append(
                f"{name:9} {row.reals:5}  {row.fakes:5}  {row.auc:5.3f}"
                f"         {row.ece[0]:5.3f}, {row.ece[1]:5.3f}"
                f"            {row.log_loss[0]:5.3f}, {row.log_loss[1]:5.3f}"
                f"   {level.temperature:.2f}, {level.bias:+.2f}"
            )
        return lines

    def _alarm(self) -> list[str]:
        choice, model, chosen = self.choice, self.choice.model, self.choice.chosen
        low, high = choice.threshold_interval
        lines = [
            f"chosen: clip {model.clip:g}, drift {model.drift:g}, "
            f"correlation {model.correlation_s:.2f} s",
            f"threshold for {self.per_hour:g} an hour: {model.threshold(self.per_hour):.2f} nats "
            f"[{low:.2f}, {high:.2f}]",
            f"line: {model.threshold_at_1_per_hour:.2f} "
            f"+ {model.threshold_per_e_fold:.2f} ln(1/rate), "
            f"shape of the tail {chosen.tail.shape:+.2f} (0 is straight)",
            _persistent(chosen.persistent, self.played_real.faces, chosen.floor_per_hour),
            f"footage scored: {choice.real_hours:.2f} h of reals, drawn into "
            f"{choice.session_hours:.0f} h of sessions",
        ]
        if model.extrapolates(self.per_hour):
            limit = f"{model.extrapolated_below_per_hour:.2f} an hour"
            lines.append(f"EXTRAPOLATED: rates below {limit} were not seen but reckoned")
        return lines


def _played(name: str, played: Played) -> str:
    delay = "" if played.delay_s is None else f", after {played.delay_s:.2f} s in the median"
    return (
        f"through the live sum: {played.alarmed} of {played.faces} {name} alarm within "
        f"{played.seconds:.0f} s{delay}"
    )


def _persistent(count: int, people: int, floor: float) -> str:
    """Clopper & Pearson, Biometrika 1934."""
    most = float(beta.ppf(0.975, count + 1, people - count)) if count < people else 1.0
    return (
        f"people taken for fakes whatever the threshold: {count} of {people} "
        f"(at most {most:.1%}), {floor:.3f} alarms an hour"
    )


def best_by_clip(choice: Choice, per_hour: float) -> list[Setting]:
    """The soonest setting of each clip within the rate; the chosen one is always among them."""
    found = {choice.chosen.sum.clip: choice.chosen}
    for setting in choice.settings:
        best = found.get(setting.sum.clip)
        sooner = best is None or setting.mean_delay_s < best.mean_delay_s
        if setting.floor_per_hour < per_hour and sooner:
            found[setting.sum.clip] = setting
    return [found[clip] for clip in sorted(found)]


def _row(setting: Setting) -> str:
    return (
        f"{setting.sum.clip:4.1f}   {setting.sum.drift:5.2f}  "
        f"{setting.persistent:17}, {setting.floor_per_hour:8.3f}   {setting.threshold:9.2f}   "
        f"{setting.detected:8.1%}   {setting.delay_s:8.2f}   {setting.mean_delay_s:6.2f}"
    )


def _finite(value: Any) -> Any:
    """JSON knows no infinity and no NaN: they become null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
