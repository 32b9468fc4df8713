"""The report says what was kept, and what was dropped and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.training.prepare.samples import crop
from training.prepare.item import Drop
from training.prepare.report import SHOWN, Report
from training.prepare.settings import Settings
from training.prepare.shards import Kept


def report(**given: Any) -> Report:
    usual: dict[str, Any] = {
        "inputs": ("mine",), "settings": Settings(), "val_share": 0.1, "near": 2,
        "kept": [
            Kept(crop(landmarks="x"), "a", "train"), Kept(crop(), "a", "train"),
            Kept(crop(fake=True), "b", "train"), Kept(crop(), "c", "val"),
        ],
        "drops": [
            Drop("one.mp4", "unreadable: no moov | box"), Drop("two.mp4", "unreadable: empty"),
            Drop("three.mp4", "poor quality: blurred", 4),
            Drop("x/4", "near-duplicate", like="x/5"),
        ],
        "mixed": (),
    }  # fmt: skip
    return Report(**(usual | given))


def test_counts_are_by_source_label_and_split(tmp_path: Path) -> None:
    report().write(tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    assert facts["kept"] == [
        {"source": "x", "label": "fake", "split": "train", "crops": 1, "groups": 1},
        {"source": "x", "label": "real", "split": "train", "crops": 2, "groups": 1},
        {"source": "x", "label": "real", "split": "val", "crops": 1, "groups": 1},
    ]
    assert facts["without_landmarks"] == 3
    assert facts["dropped"] == {"poor quality: blurred": 4, "unreadable": 2, "near-duplicate": 1}


def test_every_drop_is_named_with_its_reason(tmp_path: Path) -> None:
    report().write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "| x | real | train | 2 | 1 |" in text
    assert "- one.mp4: unreadable: no moov \\| box" in text
    assert "- three.mp4 (×4): poor quality: blurred" in text
    assert "- x/4: near-duplicate, like x/5" in text


def test_a_long_list_is_cut_in_the_markdown_alone(tmp_path: Path) -> None:
    drops = [Drop(f"{index}.mp4", "no face") for index in range(SHOWN + 7)]
    report(drops=drops).write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert f"{SHOWN - 1}.mp4" in text
    assert f"- {SHOWN}.mp4" not in text
    assert "and 7 more" in text
    assert len(json.loads((tmp_path / "report.json").read_text())["drops"]) == SHOWN + 7


def test_it_warns_of_mixed_groups_and_of_a_source_that_is_one_group() -> None:
    warnings = list(report(mixed=("g",)).warnings())
    assert warnings == ["the input had group g in train and in val: all of it went to val"]
    one = [Kept(crop(), "a", "train") for _ in range(3)] + [Kept(crop(), "b", "train")]
    assert list(report(kept=one).warnings()) == ["3 of the 4 crops of x are one group, a"]
