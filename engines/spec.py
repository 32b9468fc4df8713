"""ModelSpec: what a weight file is, what it takes and what it gives, as JSON beside the file.

The spec is the only place where input size, colour order, normalisation, crop geometry and
calibration are written down; training, export and run time all read it from here, so they
cannot disagree.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from engines.errors import ModelMismatch

SPEC_VERSION: Final = 1
REEXPORT: Final = "fetch the weights again or export them anew with `python -m export`"

CROP_KEYS: Final = {
    "crop_size_px": "size_px",
    "crop_scale": "crop_scale",
    "crop_rotate": "crop_rotate",
    "crop_shift_down": "shift_down",
    "crop_to_landmarks": "to_landmarks",
}
"""How the JSON names the fields of `CropGeometry`."""

Dimension = int | str
"""A fixed size, or the name of a dynamic one ("batch", "height", "width")."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One named input or output: `shape` with the batch first, `dtype` as numpy names it."""

    name: str
    dtype: str
    shape: tuple[Dimension, ...]


@dataclass(frozen=True, slots=True)
class CropGeometry:
    """How a face box becomes a model input, at training and at run time alike.

    The crop is a square of side ``crop_scale * max(box width, box height)`` round the box's
    centre, resized to `size_px`; with `crop_rotate` it is turned so that the eyes are level.
    Its centre is moved down, along its own vertical axis, by `shift_down` of its side: a face
    box ends at the chin, and the blend along the jaw is evidence. Along its horizontal axis it is
    moved by the share `to_landmarks` of the way to the landmarks' mean: MTCNN's box of a turned
    head reaches round to the ear, and the face lies at one side of it.
    """

    size_px: int
    crop_scale: float
    crop_rotate: bool = False
    shift_down: float = 0.0
    to_landmarks: float = 0.0


@dataclass(frozen=True, slots=True)
class CalibrationLevel:
    """Platt scaling of crops whose quality weight is at least `above_quality`."""

    above_quality: float
    temperature: float
    bias: float

    def __post_init__(self) -> None:
        if not (self.temperature > 0 and math.isfinite(self.temperature + self.bias)):
            raise ValueError("a temperature must be positive, a bias finite")


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt scaling of the logit: ``probability = sigmoid(logit / temperature + bias)``.

    A poor picture makes a network wrong more often than it makes it unsure, so crops of
    different quality may have scalings of their own: `levels`, ascending in `above_quality`.
    Below the first of them, and without any, `temperature` and `bias` hold.
    """

    temperature: float = 1.0
    bias: float = 0.0
    levels: tuple[CalibrationLevel, ...] = ()

    def __post_init__(self) -> None:
        starts = [level.above_quality for level in self.levels]
        if starts != sorted(set(starts)):
            raise ValueError(f"calibration levels must ascend in above_quality, got {starts}")

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Calibration:
        """Read what ``dataclasses.asdict`` or JSON made of one; `levels` may be absent.

        Raises: TypeError or ValueError for another field or a value that makes no sense.
        """
        levels = tuple(CalibrationLevel(**level) for level in body.get("levels", ()))
        return cls(**{**body, "levels": levels})

    def at(self, quality: float) -> CalibrationLevel:
        """The scaling for a crop of this quality weight: the last level that it reaches."""
        reached = [level for level in self.levels if level.above_quality <= quality]
        return reached[-1] if reached else CalibrationLevel(0.0, self.temperature, self.bias)


@dataclass(frozen=True, slots=True)
class AlarmModel:
    """How much evidence against one face makes an alarm, as measured on video of real people.

    Evidence is in nats. One crop's log-likelihood ratio is cut at ±`clip`, so that no single
    picture decides; two crops of a face are independent once `correlation_s` of media time lies
    between them; `drift` is taken off each crop's, since a real person has an offset of their own,
    before the crop's quality weighs it. The threshold of a cumulative sum is
    `threshold_at_1_per_hour` for one false alarm in an hour of real video, and
    `threshold_per_e_fold` more for each factor e fewer; below `extrapolated_below_per_hour` no
    video was long enough to check it.
    """

    clip: float
    correlation_s: float
    drift: float
    threshold_at_1_per_hour: float
    threshold_per_e_fold: float
    extrapolated_below_per_hour: float

    def __post_init__(self) -> None:
        positive = (self.clip, self.correlation_s, self.threshold_at_1_per_hour)
        not_negative = (self.drift, self.threshold_per_e_fold, self.extrapolated_below_per_hour)
        if not (min(positive) > 0 and min(not_negative) >= 0):
            raise ValueError("an alarm model needs positive numbers")
        if not math.isfinite(sum(positive) + sum(not_negative)):
            raise ValueError("an alarm model needs finite numbers")

    @classmethod
    def from_body(cls, body: Mapping[str, float] | None) -> AlarmModel | None:
        """Read what ``dataclasses.asdict`` or JSON made of one; None where there is none.

        Raises: TypeError or ValueError for another field or a value that makes no sense.
        """
        return None if body is None else cls(**body)

    def threshold(self, false_alarms_per_hour: float) -> float:
        """The cumulative sum, in nats, at which an alarm is raised; the rate is above 0.

        Never below `clip`, which is more than one crop can add: at no rate does one crop alarm.
        """
        e_folds = -math.log(false_alarms_per_hour)
        return max(self.clip, self.threshold_at_1_per_hour + self.threshold_per_e_fold * e_folds)

    def extrapolates(self, false_alarms_per_hour: float) -> bool:
        """Whether the threshold for this rate was never checked on enough real video."""
        return false_alarms_per_hour < self.extrapolated_below_per_hour


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The description of one weight file.

    `mean` and `std` are applied by `engines.preprocess` as ``(x - mean) / std`` on the 0-255
    scale; a model with normalisation inside its graph has mean 0, std 1 and a uint8 input.
    `layout` is the order of the input's axes. `precision` is what the numbers are computed in.
    `crop` is None for models that take no face crop, `alarm` for those whose false alarms were
    never counted on video. `canary` holds a few numbers of each output for the picture that
    `engines.canary` makes; None for weights that were exported before there was one. `options`
    are the runtime's own, chosen at the export: the engine that takes the format explains them.
    """

    name: str
    file: str
    sha256: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    layout: Literal["NHWC", "NCHW"]
    format: str = "onnx"
    options: Mapping[str, Any] = field(default_factory=dict)
    precision: Literal["fp32", "fp16", "bf16", "int8"] = "fp32"
    colour_order: Literal["RGB"] = "RGB"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    crop: CropGeometry | None = None
    calibration: Calibration = Calibration()
    alarm: AlarmModel | None = None
    canary: Mapping[str, tuple[float, ...]] | None = None
    gflop: float | None = None
    parameters: int | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Give the spec as indented JSON with `version` first."""
        body = {"version": SPEC_VERSION, **asdict(self)}
        crop = body.pop("crop")
        for key, name in CROP_KEYS.items():
            body[key] = crop[name] if crop else None
        return json.dumps(body, indent=2) + "\n"

    def save(self, path: Path) -> None:
        """Write the spec to `path`."""
        path.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> ModelSpec:
        """Read a spec.

        Raises: ModelMismatch when the file is missing, is no JSON, lacks a field, or has
        another version.
        """
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as exc:
            raise ModelMismatch(path, "there is no such spec", REEXPORT) from exc
        except (OSError, ValueError) as exc:
            raise ModelMismatch(path, "the spec is no readable JSON", REEXPORT) from exc
        try:
            return _from_body(body)
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise ModelMismatch(path, f"the spec is not valid ({exc!r})", REEXPORT) from exc

    def weights_path(self, spec_path: Path) -> Path:
        """The weight file that belongs to the spec at `spec_path`: it lies beside it."""
        return spec_path.parent / self.file

    def verify(self, spec_path: Path) -> Path:
        """Give the weight file's path, once its SHA-256 is the spec's.

        Raises: ModelMismatch when the file is missing or its bytes are not those described.
        """
        path = self.weights_path(spec_path)
        if not path.is_file():
            raise ModelMismatch(path, "the weight file is missing", REEXPORT)
        actual = sha256_of(path)
        if actual != self.sha256:
            problem = f"SHA-256 is {actual[:12]}…, its spec says {self.sha256[:12]}…"
            raise ModelMismatch(path, problem, REEXPORT)
        return path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _from_body(body: dict[str, Any]) -> ModelSpec:
    version = body.pop("version")
    if version != SPEC_VERSION:
        raise ValueError(f"spec version {version}, this program reads {SPEC_VERSION}")
    size, scale, rotate = (body.pop(f"crop_{key}") for key in ("size_px", "scale", "rotate"))
    # Older specs have neither.
    moves = [float(body.pop(f"crop_{key}", None) or 0.0) for key in ("shift_down", "to_landmarks")]
    given = scale is not None
    body["crop"] = CropGeometry(int(size), float(scale), bool(rotate), *moves) if given else None
    body["inputs"] = _tensors(body["inputs"])
    body["outputs"] = _tensors(body["outputs"])
    body["mean"], body["std"] = tuple(body["mean"]), tuple(body["std"])
    body["calibration"] = Calibration.from_body(body["calibration"])
    body["alarm"] = AlarmModel.from_body(body.get("alarm"))
    body["canary"] = _numbers(body.get("canary"))
    return ModelSpec(**body)


def _tensors(items: list[dict[str, Any]]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(t["name"], t["dtype"], tuple(t["shape"])) for t in items)


def _numbers(canary: Mapping[str, list[float]] | None) -> dict[str, tuple[float, ...]] | None:
    if canary is None:
        return None
    return {name: tuple(map(float, numbers)) for name, numbers in canary.items()}
