"""ModelSpec: what a weight file is, what it takes and what it gives, as JSON beside the file.

The spec is the only place where input size, colour order, normalisation, crop geometry and
calibration are written down; training, export and run time all read it from here, so they
cannot disagree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from engines.errors import ModelMismatch

SPEC_VERSION: Final = 1
REEXPORT: Final = "fetch the weights again or export them anew with `python -m export`"

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
    """

    size_px: int
    crop_scale: float
    crop_rotate: bool = False


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt scaling of the logit: ``probability = sigmoid(logit / temperature + bias)``."""

    temperature: float = 1.0
    bias: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The description of one weight file.

    `mean` and `std` are applied by `engines.preprocess` as ``(x - mean) / std`` on the 0-255
    scale; a model with normalisation inside its graph has mean 0, std 1 and a uint8 input.
    `layout` is the order of the input's axes. `crop` is None for models that take no face crop.
    """

    name: str
    file: str
    sha256: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    layout: Literal["NHWC", "NCHW"]
    format: str = "onnx"
    precision: Literal["fp32", "fp16", "int8"] = "fp32"
    colour_order: Literal["RGB"] = "RGB"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    crop: CropGeometry | None = None
    calibration: Calibration = Calibration()
    gflop: float | None = None
    parameters: int | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Give the spec as indented JSON with `version` first."""
        body = {"version": SPEC_VERSION, **asdict(self)}
        crop = body.pop("crop")
        body["crop_size_px"] = crop["size_px"] if crop else None
        body["crop_scale"] = crop["crop_scale"] if crop else None
        body["crop_rotate"] = crop["crop_rotate"] if crop else None
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
    body["crop"] = None if scale is None else CropGeometry(int(size), float(scale), bool(rotate))
    body["inputs"] = _tensors(body["inputs"])
    body["outputs"] = _tensors(body["outputs"])
    body["mean"], body["std"] = tuple(body["mean"]), tuple(body["std"])
    body["calibration"] = Calibration(**body["calibration"])
    return ModelSpec(**body)


def _tensors(items: list[dict[str, Any]]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(t["name"], t["dtype"], tuple(t["shape"])) for t in items)
