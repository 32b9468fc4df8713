"""Report: one clip's result as one HTML page that needs nothing else."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from engines.spec import ModelSpec
from stream.files import chart
from stream.files.result import ClipResult, FaceCourse
from stream.files.words import LIMITS, MEANINGS, REASONS, STATES
from stream.scoring.options import ScoringOptions

HEAT_SIDE: Final = 112


@dataclass(frozen=True, slots=True)
class Subject:
    """What was analysed: the file's name, its size and hash, and when."""

    name: str
    size_bytes: int
    sha256: str
    analysed_at: datetime


@dataclass(frozen=True, slots=True)
class Method:
    """With what: the detector's spec, the scoring's options, the model card's text, the version."""

    spec: ModelSpec
    scoring: ScoringOptions
    card: str
    version: str


def page(clip: ClipResult, subject: Subject, method: Method) -> str:
    """The page; pictures are in it, and nothing in it is loaded from elsewhere or is a script."""
    return _template().render(
        clip=clip,
        subject=subject,
        method=method,
        model=model_rows(method),
        charts={
            face.track_id: chart.chart_of(face, clip.played_s, method.scoring.suspicious_above)
            for face in clip.faces
        },
        shown=sorted(clip.faces, key=lambda face: _rank(face, clip.track_id)),
        size=(chart.WIDTH, chart.HEIGHT, chart.LEFT, chart.RIGHT),
        levels=[(chart.y(level / 4), f"{level / 4:g}") for level in range(5)],
        states=STATES,
        meanings=MEANINGS,
        reasons=REASONS,
        limits=LIMITS,
    )


def model_rows(method: Method) -> list[tuple[str, str]]:
    """The detector's card in short, from its spec."""
    spec, rate = method.spec, method.scoring.false_alarms_per_hour
    rows = [("Name", spec.name), ("SHA-256", spec.sha256)]
    if spec.crop:
        rows.append(("Input", f"face crops of {spec.crop.size_px} × {spec.crop.size_px} px"))
    if spec.parameters:
        rows.append(("Parameters", f"{spec.parameters / 1e6:.2f} million"))
    if spec.alarm:
        nats = spec.alarm.threshold(rate)
        how = "extrapolated" if spec.alarm.extrapolates(rate) else "measured"
        rows.append(("Alarm", f"at {nats:.2f} nats: {rate:g} false alarms an hour ({how})"))
    else:
        rows.append(("Alarm", "not calibrated for these weights"))
    rows.append(("Suspicious", f"from a probability of {method.scoring.suspicious_above:g} on"))
    return rows


def heat_png(heatmap: str) -> str:
    """A heat map's 196 bytes as a PNG, both in base64: the hotter, the less transparent."""
    grey = np.frombuffer(base64.b64decode(heatmap), np.uint8).reshape(14, 14)
    large = cv2.resize(grey, (HEAT_SIDE, HEAT_SIDE), interpolation=cv2.INTER_CUBIC)
    colours = cv2.applyColorMap(large, cv2.COLORMAP_INFERNO)
    alpha = (large.astype(np.float32) * 0.55).astype(np.uint8)
    ok, png = cv2.imencode(".png", np.dstack([colours, alpha]))
    assert ok
    return base64.b64encode(png.tobytes()).decode()


def _rank(face: FaceCourse, telling: int | None) -> tuple[bool, float]:
    return face.track_id != telling, -(face.probability_fake or 0.0)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


@cache
def _template() -> Template:
    environment: Any = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clock": chart.moment, "percent": _percent, "heat": heat_png}
    template: Template = environment.get_template("report.html")
    return template
