"""A tiny data folder in the format of the real one: drawn faces in tars with a manifest."""

from __future__ import annotations

import csv
import io
import tarfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def drawn_face(seed: int, fake: bool, size: int = 64) -> Pixels:
    """A flat head on a flat ground; a fake's head bears fine stripes."""
    rng = np.random.default_rng(seed)
    picture = np.full((size, size, 3), rng.integers(40, 120, 3), np.uint8)
    tone = tuple(int(value) for value in rng.integers(120, 220, 3))
    cv2.circle(picture, (size // 2, size // 2), size // 3, tone, -1)
    if fake:
        picture[::2, size // 4 : -size // 4] //= 2
    return picture


LANDMARKS = "0.37 0.42 0.63 0.42 0.5 0.55 0.4 0.68 0.6 0.68"
"""Shares of the picture where a drawn face would have its eyes, nose and mouth."""


def write_data(folder: Path, per_class: int = 12, landmarks: bool = True) -> Path:
    """Write ``faces/`` with dfdc-train, dfdc-val and portraits-real, and give `folder`."""
    (folder / "faces").mkdir(parents=True)
    rows: list[dict[str, str]] = []
    for tar, split, labels in (
        ("dfdc-train.tar", "train", ("real", "fake")),
        ("dfdc-val.tar", "val", ("real", "fake")),
        ("portraits-real.tar", "train", ("real",)),
    ):
        with tarfile.open(folder / "faces" / tar, "w") as archive:
            for label in labels:
                for index in range(per_class):
                    name = f"{label}/{index}.png"
                    group = f"{tar}-{index}"
                    _add(archive, name, drawn_face(index, label == "fake"))
                    row = {"tar": tar, "file": name, "label": label, "group": group}
                    rows.append(row | {"split": split, "landmarks": LANDMARKS if landmarks else ""})
    with (folder / "faces" / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def _add(archive: tarfile.TarFile, name: str, picture: Pixels) -> None:
    done, data = cv2.imencode(".png", picture[..., ::-1])
    assert done
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data.tobytes()))
