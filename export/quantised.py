"""The detector in int8: quantised, judged beside the float file, written only if it is worth it.

Weights are int8 for each channel, rounded together (`export.rounding`), activations uint8 with
ranges from training faces (ONNX Runtime's static quantisation, QDQ form, which OpenVINO reads too).
The SRM layer and the stem stay in float: their signal is a few grey levels, less than one step of
8 bits over a picture's range. So do the first depthwise layer, whose rounding moved logits most of
all layers' and whose time is the same in float, and the attention and the last layer, which cost
nothing.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

from engines.base import Engine
from engines.spec import CropGeometry, ModelSpec, sha256_of
from engines.table import open_engine
from export.canary import write_canary
from export.rounding import round_weights
from stream.config import data_dir
from training.channel import sample
from training.crops import GEOMETRY, decode
from training.manifest import Face, load_faces, part
from training.metrics import auc

KEPT: Final = re.compile(r"srm|bayar|stem|blocks\.0\.0\.conv_dw")
"""Weights of the first layers, which stay in float with all that lies between them."""
HEAD: Final = re.compile(r"attention|classify")
QUANTISED: Final = ("Conv", "Add", "Clip")
CALIBRATION: Final = 256
"""Training faces that ranges and rounding come from, every other one through a call's channel."""
SOURCE: Final = "dfdc"
AUC_DROP: Final = 0.005
AT_ONCE: Final = 8
ROUNDS: Final = 15
NAME: Final = "detector.int8"
"""Of the file and its spec, which lie beside the float ones: `engines.precision` looks there."""

Pixels = NDArray[np.uint8]


class NotWorthIt(Exception):
    """The quantised network is slower or worse: `judgement` has the figures."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(judgement)
        self.judgement = judgement

    def __str__(self) -> str:
        return f"int8 is not worth it: {self.judgement}"


@dataclass(frozen=True, slots=True)
class Faces:
    """What is calibrated on, (N, S, S, 3), and what is judged on, with its labels."""

    calibration: Pixels
    crops: Pixels
    fake: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Both networks on the same faces, and a batch of `AT_ONCE` on one thread in the same run.

    `differences` are the logits' median and largest.
    """

    faces: int
    auc: tuple[float, float]
    cpu_ms: tuple[float, float]
    differences: tuple[float, float]

    @property
    def accepts(self) -> bool:
        """Whether it is quicker and hardly worse; not so for NaN."""
        return self.auc[0] - self.auc[1] < AUC_DROP and self.cpu_ms[1] < self.cpu_ms[0]

    def __str__(self) -> str:
        return (
            f"AUC {self.auc[0]:.4f} -> {self.auc[1]:.4f} on {self.faces} faces, logits differ by "
            f"{self.differences[0]:.3f} in the median and {self.differences[1]:.2f} at most; "
            f"{AT_ONCE} crops take {self.cpu_ms[0]:.1f} -> {self.cpu_ms[1]:.1f} ms"
        )


def export_quantised(source: Path, out: Path | None) -> Judgement:
    """Quantise the float ONNX file (or the folder with it) at `source`, into `out` or beside it.

    Faces come from the data folder.

    Raises: as `quantise_detector` and `faces_of`; FileNotFoundError without a data folder.
    """
    folder = data_dir()
    if folder is None:
        raise FileNotFoundError("no faces to calibrate on: set DEEPFAKESTREAM_DATA")
    spec = source / "detector.json" if source.is_dir() else source.with_suffix(".json")
    return quantise_detector(spec, out or spec.parent, faces_of(folder, ModelSpec.load(spec).crop))


def quantise_detector(spec_path: Path, out: Path, faces: Faces) -> Judgement:
    """Write ``detector.int8.onnx`` and ``detector.int8.json`` into `out`.

    `spec_path` is the float model's, whose calibration and alarm are kept: ``training calibrate``
    counts them anew.

    Raises: NotWorthIt (nothing is written); EngineError when a model cannot be opened or run.
    """
    spec = ModelSpec.load(spec_path)
    weights = spec.verify(spec_path)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        made = Path(scratch) / f"{NAME}.onnx"
        quantise(weights, made, faces.calibration)
        noted = {"quantised_from": spec.sha256, "calibration_crops": len(faces.calibration)}
        provenance = {**spec.provenance, **noted}
        small = replace(
            spec,
            file=made.name, sha256=sha256_of(made), precision="int8", provenance=provenance,
        )  # fmt: skip
        small.save(made.with_suffix(".json"))
        judgement = judge(spec_path, made.with_suffix(".json"), faces)
        if not judgement.accepts:
            raise NotWorthIt(judgement)
        write_canary(made.with_suffix(".json"))
        for path in (made, made.with_suffix(".json")):
            path.replace(out / path.name)
    return judgement


def quantise(source: Path, target: Path, crops: Pixels) -> None:
    """Write the quantised form of the ONNX file `source` to `target`."""
    model = onnx.load(source)
    excluded = in_float(model.graph)
    layers = [
        node.name
        for node in model.graph.node
        if node.op_type == "Conv" and node.name not in excluded
    ]
    scales = round_weights(model, layers, crops)
    quantize_static(
        model,
        str(target),
        _Reader(model.graph.input[0].name, crops),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(QUANTISED),
        nodes_to_exclude=excluded,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        extra_options={"TensorQuantOverrides": _as_rounded(scales)},
    )


def _as_rounded(scales: Mapping[str, NDArray[np.float64]]) -> dict[str, list[dict[str, Any]]]:
    """Say by which scales the weights were rounded, channel by channel."""
    zero = np.array(0, np.int8)
    return {
        name: [{"axis": 0, "scale": np.float32(each), "zero_point": zero} for each in channels]
        for name, channels in scales.items()
    }


def in_float(graph: Any) -> list[str]:
    """Give the nodes that stay in float: all before the first layer of the trunk, and the head."""
    layers = [node for node in graph.node if node.op_type == "Conv"]
    kept = [node for node in layers if any(map(KEPT.search, node.input))]
    rest = layers[layers.index(kept[-1]) + 1 :] if kept else layers
    front = takewhile(lambda node: node.name != rest[0].name, graph.node)
    head = [node for node in graph.node if any(map(HEAD.search, node.input))]
    return [node.name for node in (*front, *head)]


def judge(float_path: Path, small_path: Path, faces: Faces) -> Judgement:
    """Score the same faces with both, and time both in turns."""
    with (
        open_engine("onnxruntime", float_path) as plain,
        open_engine("onnxruntime", small_path) as small,
    ):
        logits = [_logits(engine, faces.crops) for engine in (plain, small)]
        plain_ms, small_ms = _times((plain, small), faces.crops[:AT_ONCE])
    before, after = (auc(values, faces.fake) for values in logits)
    gaps = np.abs(logits[0] - logits[1])
    differences = (float(np.median(gaps)), float(gaps.max()))
    return Judgement(len(faces.crops), (before, after), (plain_ms, small_ms), differences)


def faces_of(folder: Path, geometry: CropGeometry | None) -> Faces:
    """Read DFDC's faces: ranges and rounding from training faces, judgement on *calib*.

    The *report* half stays shut: what is decided on it could not be reported on it.

    Raises: OSError when the folder has no manifest of faces; ValueError when a part is empty.
    """
    train = [face for face in load_faces(folder, "train") if face.source == SOURCE]
    val = [face for face in load_faces(folder, "val") if face.source == SOURCE]
    calib = [face for face in val if part(face.group) == "calib"]
    if not (train and calib):
        raise ValueError(f"{folder} has no faces of {SOURCE} to calibrate and to judge on")
    rng = np.random.default_rng(0)
    drawn = rng.permutation(len(train))[:CALIBRATION]
    seen = _pixels([train[place] for place in drawn], geometry)
    for crop in seen[::2]:
        crop[:] = sample(rng, "live").apply(crop)
    return Faces(seen, _pixels(calib, geometry), np.array([face.fake for face in calib]))


def _pixels(faces: list[Face], geometry: CropGeometry | None) -> Pixels:
    return np.stack([decode(face, geometry or GEOMETRY) for face in faces])


def _logits(engine: Engine, crops: Pixels) -> NDArray[np.float64]:
    parts = (crops[at : at + AT_ONCE] for at in range(0, len(crops), AT_ONCE))
    return np.concatenate([engine.infer(each)["logit"] for each in parts]).astype(np.float64)


def _times(engines: tuple[Engine, Engine], batch: Pixels) -> list[float]:
    """Median milliseconds of CPU time of each, in turns, whatever else the machine does."""
    taken: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for engine, times in zip(engines, taken, strict=True):
            begin_s = time.process_time()
            engine.infer(batch)
            times.append(1000 * (time.process_time() - begin_s))
    return [float(np.median(times)) for times in taken]


class _Reader:
    """Hands ONNX Runtime's calibrator one crop at a time."""

    def __init__(self, name: str, crops: Pixels) -> None:
        self._name = name
        self._left: Iterator[Pixels] = iter(crops[:, np.newaxis])

    def get_next(self) -> dict[str, Pixels] | None:
        crop = next(self._left, None)
        return None if crop is None else {self._name: crop}
