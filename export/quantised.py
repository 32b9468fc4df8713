"""The detector in int8: quantised, judged beside the float file, written only if it is worth it.

Weights are int8 for each channel, activations uint8 with ranges from real faces (ONNX Runtime's
static quantisation, QDQ form, which OpenVINO reads too). The SRM layer and the stem stay in float:
their signal is a few grey levels, less than one step of 8 bits over a picture's range; so do the
attention and the last layer, which cost nothing.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
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
from export.detector import export_detector
from stream.config import data_dir
from training.crops import GEOMETRY, decode
from training.manifest import Face, load_faces, part
from training.metrics import auc

KEPT: Final = re.compile(r"srm|bayar|stem")
"""Weights of the layers before the trunk, which stay in float with all that lies between them."""
HEAD: Final = re.compile(r"attention|classify")
QUANTISED: Final = ("Conv", "Add", "Clip")
CALIBRATION: Final = 64
"""Faces that the ranges come from; 48 moved logits by at most 0.11."""
SOURCE: Final = "dfdc"
AUC_DROP: Final = 0.005
AT_ONCE: Final = 8
ROUNDS: Final = 15
MTCNN: Final = ("pnet", "rnet", "onet")

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
    """Both networks on the same faces, and a batch of `AT_ONCE` on one thread in the same run."""

    faces: int
    auc: tuple[float, float]
    cpu_ms: tuple[float, float]
    largest_difference: float

    @property
    def accepts(self) -> bool:
        """Whether it is quicker and hardly worse; not so for NaN."""
        return self.auc[0] - self.auc[1] < AUC_DROP and self.cpu_ms[1] < self.cpu_ms[0]

    def __str__(self) -> str:
        return (
            f"AUC {self.auc[0]:.4f} -> {self.auc[1]:.4f} on {self.faces} faces, logits differ by "
            f"at most {self.largest_difference:.2f}; {AT_ONCE} crops take {self.cpu_ms[0]:.1f} -> "
            f"{self.cpu_ms[1]:.1f} ms"
        )


def export_quantised(checkpoint: Path | None, source: Path, out: Path) -> Judgement:
    """Quantise the checkpoint's network, or the ONNX file (or folder with it) at `source`.

    Faces come from the data folder.

    Raises: as `quantise_detector`, `faces_of` and `export.detector.export_detector`.
    """
    folder = data_dir()
    if folder is None:
        raise FileNotFoundError("no faces to calibrate on: set DEEPFAKESTREAM_DATA")
    with tempfile.TemporaryDirectory() as scratch:
        if checkpoint is not None:
            export_detector(checkpoint, "fp32", Path(scratch))
            source = Path(scratch)
        spec = source / "detector.json" if source.is_dir() else source.with_suffix(".json")
        faces = faces_of(folder, ModelSpec.load(spec).crop)
        return quantise_detector(spec, out, faces)


def quantise_detector(spec_path: Path, out: Path, faces: Faces) -> Judgement:
    """Write ``detector.onnx`` and ``detector.json`` in int8 into `out`, with copies of MTCNN's.

    `spec_path` is the float model's. The folder can then be served as it is.

    Raises: NotWorthIt (nothing is written); EngineError when a model cannot be opened or run.
    """
    spec = ModelSpec.load(spec_path)
    weights = spec.verify(spec_path)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        made = Path(scratch) / "detector.onnx"
        quantise(weights, made, spec.inputs[0].name, faces.calibration)
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
    for name in MTCNN:
        for path in spec_path.parent.glob(f"{name}.*"):
            shutil.copy(path, out)
    return judgement


def quantise(source: Path, target: Path, input_name: str, crops: Pixels) -> None:
    """Write the quantised form of the ONNX file `source` to `target`."""
    quantize_static(
        str(source),
        str(target),
        _Reader(input_name, crops),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(QUANTISED),
        nodes_to_exclude=in_float(onnx.load(source).graph),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


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
    gap = float(np.abs(logits[0] - logits[1]).max())
    return Judgement(len(faces.crops), (before, after), (plain_ms, small_ms), gap)


def faces_of(folder: Path, geometry: CropGeometry | None) -> Faces:
    """Read DFDC's validation faces: ranges from the *calib* half, judgement on the *report* half.

    Raises: OSError when the folder has no manifest of faces; ValueError when a half is empty.
    """
    found = [face for face in load_faces(folder, "val") if face.source == SOURCE]
    calib = [face for face in found if part(face.group) == "calib"]
    report = [face for face in found if part(face.group) == "report"]
    if not (calib and report):
        raise ValueError(f"{folder} has no faces of {SOURCE} to calibrate and to judge on")
    places = np.linspace(0, len(calib) - 1, min(CALIBRATION, len(calib))).astype(int)
    return Faces(
        _pixels([calib[place] for place in places], geometry),
        _pixels(report, geometry),
        np.array([face.fake for face in report]),
    )


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
