"""MTCNN's three networks: from facenet-pytorch's wheel to ONNX.

The networks are Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded
Convolutional Networks", 2016; layers and weights are facenet-pytorch's (MIT). Only its weight
files are read: importing the package would need an old torchvision.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engines.spec import Dimension, ModelSpec, TensorSpec, sha256_of
from export.canary import write_canary
from export.mtcnn_networks import ONet, PNet, RNet
from export.onnx_file import write_onnx
from stream.config import REPOSITORY, data_dir

INSTALL: Final = "pip install --no-deps facenet-pytorch==2.6.0"
TOLERANCE: Final = 1e-4
"""Largest allowed difference of any output between torch and ONNX Runtime (outputs are O(1))."""


class ExportError(Exception):
    """An export that cannot be made: the sentence says why."""


@dataclass(frozen=True)
class _Plan:
    """How one network is exported: `side` is its input's, None for any; outputs by name."""

    name: str
    module: Callable[[], nn.Module]
    side: int | None
    outputs: tuple[TensorSpec, ...]


def _output(name: str, *inner: Dimension) -> TensorSpec:
    return TensorSpec(name, "float32", ("batch", *inner))


PLANS: Final = (
    _Plan(
        "pnet",
        PNet,
        None,
        (_output("boxes", 4, "rows", "columns"), _output("probability", "rows", "columns")),
    ),
    _Plan("rnet", RNet, 24, (_output("boxes", 4), _output("probability"))),
    _Plan(
        "onet", ONet, 48, (_output("boxes", 4), _output("landmarks", 10), _output("probability"))
    ),
)


def export_mtcnn(out_dir: Path) -> None:
    """Write {pnet,rnet,onet}.{onnx,json} into `out_dir`, and print how far each is from torch.

    Input: float32 (N, 3, H, W) RGB, ``(x - 127.5) / 128``; H and W are free for P-Net, 24 and 48
    for the others. Outputs as in the networks' docstrings; a spec says them too.

    Raises: ExportError when the wheel is not installed, no picture is at hand to compare on, or
    an output differs by more than `TOLERANCE`; then nothing is written for that network.
    """
    folder, release = _wheel()
    pictures = sample_pictures()
    out_dir.mkdir(parents=True, exist_ok=True)
    for plan in PLANS:
        module = plan.module()
        module.load_state_dict(torch.load(folder / f"{plan.name}.pt", weights_only=True))
        _export(plan, module.eval(), _batches(pictures, plan.side), out_dir, release)


def sample_pictures() -> list[NDArray[np.uint8]]:
    """Give up to 12 real pictures, RGB: the data folder's photos, else the demo's frames.

    Raises: ExportError when there are neither.
    """
    data = data_dir()
    photos = sorted((data / "photos").glob("*.jpg")) if data else []
    read = [cv2.imread(str(path)) for path in photos[:: max(1, len(photos) // 12)][:12]]
    pictures = [picture for picture in read if picture is not None] or _demo_frames()
    if not pictures:
        raise ExportError("no picture to check the export on: set DEEPFAKESTREAM_DATA")
    return [np.asarray(picture[:, :, ::-1], np.uint8) for picture in pictures]


def _demo_frames() -> list[Any]:
    demo = REPOSITORY / "stream" / "sources" / "media" / "demo.mp4"
    film = cv2.VideoCapture(str(demo))
    frames: list[Any] = []
    while len(frames) < 12 and (frame := film.read())[0]:
        frames.append(frame[1])
    film.release()
    return frames


def _wheel() -> tuple[Path, str]:
    """The wheel's folder of weights and its release, found without importing the package."""
    spec = find_spec("facenet_pytorch")
    if spec is None or spec.origin is None:
        raise ExportError(f"the package facenet-pytorch is missing; {INSTALL}")
    folder = Path(spec.origin).parent / "data"
    if missing := [plan.name for plan in PLANS if not (folder / f"{plan.name}.pt").is_file()]:
        raise ExportError(f"facenet-pytorch has no weights for {', '.join(missing)}; {INSTALL}")
    try:
        return folder, version("facenet-pytorch")
    except PackageNotFoundError:
        return folder, "unknown"


def _batches(pictures: list[NDArray[np.uint8]], side: int | None) -> list[Tensor]:
    """Normalised inputs: each picture whole for P-Net, a grid of crops of it for the others."""
    batches = []
    for picture in pictures:
        height, width = picture.shape[:2]
        if side is None:
            scale = 240 / max(height, width)
            size = (int(width * scale), int(height * scale))
            crops = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA)]
        else:
            span = min(height, width) // 2
            corners = [
                (y, x)
                for y in range(0, height - span + 1, span // 2)
                for x in range(0, width - span + 1, span // 2)
            ]
            crops = [
                cv2.resize(picture[y : y + span, x : x + span], (side, side)) for y, x in corners
            ]
        values = (np.stack(crops).astype(np.float32) - 127.5) / 128
        batches.append(torch.from_numpy(values.transpose(0, 3, 1, 2).copy()))
    return batches


def _export(
    plan: _Plan, module: nn.Module, batches: list[Tensor], out_dir: Path, release: str
) -> None:
    with tempfile.TemporaryDirectory(dir=out_dir) as scratch:
        file = Path(scratch) / f"{plan.name}.onnx"
        _write_onnx(plan, module, file)
        worst = _differences(plan, module, file, batches)
        crops = sum(map(len, batches))
        listed = ", ".join(f"{name} {value:.1e}" for name, value in worst.items())
        print(f"{plan.name}: largest difference from torch over {crops} crops: {listed}")
        if not all(value <= TOLERANCE for value in worst.values()):  # a NaN is not
            raise ExportError(f"{plan.name}: differs from torch by more than {TOLERANCE:g}")
        spec = _spec(plan, module, sha256_of(file), release, worst)
        file.replace(out_dir / file.name)
    spec.save(out_dir / f"{plan.name}.json")
    write_canary(out_dir / f"{plan.name}.json")


def _write_onnx(plan: _Plan, module: nn.Module, file: Path) -> None:
    side = plan.side or 64
    example = torch.zeros(2, 3, side, side if plan.side else side + 6)
    axes = (0,) if plan.side else (0, 2, 3)
    write_onnx(module, example, file, "pixels", [tensor.name for tensor in plan.outputs], axes)


def _differences(
    plan: _Plan, module: nn.Module, file: Path, batches: list[Tensor]
) -> dict[str, float]:
    """The largest absolute difference of each output; a NaN anywhere gives NaN."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [tensor.name for tensor in plan.outputs]
    worst = dict.fromkeys(names, 0.0)
    for batch in batches:
        with torch.inference_mode():
            expected = module(batch)
        for name, ours, theirs in zip(
            names, session.run(names, {"pixels": batch.numpy()}), expected, strict=True
        ):
            difference = float(np.abs(ours - theirs.numpy()).max())
            worst[name] = float(np.maximum(worst[name], difference))
    return worst


def _spec(
    plan: _Plan, module: nn.Module, sha256: str, release: str, worst: dict[str, float]
) -> ModelSpec:
    sides: tuple[Dimension, ...] = (plan.side, plan.side) if plan.side else ("height", "width")
    unit = "one crop" if plan.side else "one megapixel of input"
    return ModelSpec(
        name=plan.name,
        file=f"{plan.name}.onnx",
        sha256=sha256,
        inputs=(TensorSpec("pixels", "float32", ("batch", 3, *sides)),),
        outputs=plan.outputs,
        layout="NCHW",
        mean=(127.5, 127.5, 127.5),
        std=(128.0, 128.0, 128.0),
        gflop=round(_gflop(module, plan.side), 6),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        provenance={
            "weights": f"facenet-pytorch {release}, MIT",
            "paper": "Zhang et al. 2016, Joint Face Detection and Alignment using MTCNN",
            "gflop_is_for": unit,
            "largest_difference_from_torch": worst,
        },
    )


def _gflop(module: nn.Module, side: int | None) -> float:
    """10^9 multiplications and additions of the convolutions and dense layers.

    For one crop, or for P-Net for each megapixel of input.
    """
    total = 0

    def count(layer: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal total
        places = output[0].numel() // output.shape[1]
        weight = layer.get_parameter("weight")
        total += 2 * weight.numel() * places

    layers = [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.inference_mode():
        module(torch.zeros(1, 3, side or 1000, side or 1000))
    for hook in hooks:
        hook.remove()
    return total / 1e9
