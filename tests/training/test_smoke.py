"""From pictures to an exported detector, command by command, on a few dozen real crops."""

from __future__ import annotations

import csv
import json
import tarfile
from pathlib import Path

import pytest

for needed in ("torch", "lightning", "timm", "onnxscript", "sklearn", "optuna"):
    pytest.importorskip(needed, reason="needs the train and export extras")

from engines.spec import ModelSpec  # noqa: E402  after the skips
from export.__main__ import main as export  # noqa: E402
from training.__main__ import main as training  # noqa: E402
from training.manifest import part  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.data,
    pytest.mark.usefixtures("one_torch_thread"),
    # torch's exporter warns about torch's own pytree.
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning"),
]

RECIPE = Path(__file__).with_name("smoke.toml")
PAIRS = {"dfdc-train.tar": 12, "dfdc-val.tar": 6}


@pytest.fixture(scope="module")
def few(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some groups of the data folder in its own form: of val, only of the calib half."""
    faces = tmp_path_factory.mktemp("few") / "faces"
    faces.mkdir()
    with (data_dir / "faces" / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    kept: list[dict[str, str]] = []
    for tar, count in PAIRS.items():
        own = [row for row in rows if row["tar"] == tar]
        reals = {row["group"] for row in own if row["label"] == "real"}
        both = {row["group"] for row in own if row["label"] == "fake"} & reals
        groups = sorted(group for group in both if "val" not in tar or part(group) == "calib")
        chosen = [row for row in own if row["group"] in groups[:count]]
        names = {row["file"] for row in chosen}
        with tarfile.open(data_dir / "faces" / tar) as source, \
             tarfile.open(faces / tar, "w") as target:  # fmt: skip
            for member in source:
                if member.name in names:
                    target.addfile(member, source.extractfile(member))
        kept += chosen
    with (faces / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)
    return faces.parent


@pytest.mark.timeout(300)
def test_prepare_fit_evaluate_export(few: Path, tmp_path: Path) -> None:
    prepared, run, report, weights = (
        tmp_path / name for name in ("prepared", "run", "report", "weights")
    )
    data = ("--data", str(prepared))
    assert training(["prepare", str(few), "--out", str(prepared)]) == 0
    fit = ["fit", "--config", str(RECIPE), "--out", str(run), "--threads", "1", *data]
    assert training(fit) == 0
    model = str(run / "detector.pt")
    evaluate = ["--model", model, "--list", "dfdc-calib", "--plain", "--threads", "1"]
    assert training(["evaluate", *evaluate, "--out", str(report), *data]) == 0
    assert json.loads((report / "dfdc-calib.json").read_text())
    assert export(["detector", "--checkpoint", model, "--out", str(weights)]) == 0
    spec = ModelSpec.load(weights / "detector.json")
    assert spec.verify(weights / "detector.json").exists()
    assert spec.provenance["facts"]["steps"] == 4
