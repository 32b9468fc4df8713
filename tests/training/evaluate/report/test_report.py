"""A whole report, from measures on a tiny list to both its forms."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from engines.spec import AlarmModel, CropGeometry
from tests.training.evaluate.small import ByPixels, bench_of, brightness, pairs_of
from tests.training.sample_data import write_data
from training.evaluate.lists import read_list
from training.evaluate.measures import evaluation, verdicts
from training.evaluate.measures.disturbed import Level
from training.evaluate.measures.evaluation import Evaluation, Plan, as_json, measure
from training.evaluate.report.document import Document, Plot, Section, Table, Text
from training.evaluate.report.html import write_html
from training.evaluate.report.markdown import write_markdown
from training.evaluate.report.report import make_document
from training.evaluate.scorers import Identity

GEOMETRY = CropGeometry(64, 0.85)
ALARM = AlarmModel(4.0, 0.8, 2.0, 3.0, 0.4, 1.0)
LEVELS = [Level("jpeg", 95), Level("jpeg", 30), Level("scale", 40)]
SECTIONS = [
    "Ranking", "Decisions at the frozen threshold", "Calibration", "By source and method",
    "Shortcuts", "Codec, scale, blur, noise and light", "Verdicts in calls",
    "Channel swap", "Masks", "Heat map",
]  # fmt: skip


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = write_data(tmp_path_factory.mktemp("data"), per_class=10)
    forged = read_list("dfdc-calib", folder, GEOMETRY).forged(GEOMETRY, 20)
    listed = pairs_of(20, real=115, fake=140, spread=12)
    bench = bench_of(
        listed,
        mine=ByPixels(brightness, Identity("mine", "", alarm=ALARM), maps=True),
        meso=ByPixels(lambda crop: float(crop[0, 0, 0]) - 128, Identity("meso", "", baseline=True)),
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(evaluation, "all_levels", lambda quick: LEVELS)
        patched.setattr(verdicts, "LEVELS", (Level("vp8", 300.0),))
        patched.setattr(verdicts, "SECONDS", 1.5)
        return measure(bench, listed, None, forged, Plan(per_class=10, filmed=1))


@pytest.fixture(scope="module")
def document(result: Evaluation) -> Document:
    return make_document(result, {"Made": "today"})


def test_every_question_has_its_section(document: Document) -> None:
    assert [section.title for section in document.sections] == SECTIONS


def test_the_half_the_share_of_fakes_and_the_shared_actors_are_said(document: Document) -> None:
    assert "calib half" in document.facts["List"]
    assert "50 %" in document.facts["Crops"]
    assert any("shared between training and validation" in one for one in document.warnings)


def test_the_page_needs_nothing_else_and_shows_every_plot(
    document: Document, tmp_path: Path
) -> None:
    write_html(document, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    plots = [b for section in document.sections for b in section.blocks if isinstance(b, Plot)]
    assert page.count("<img ") == len(plots) >= 6
    assert len(re.findall(r'src="data:image/svg\+xml;base64,', page)) == len(plots)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    for title in SECTIONS:
        assert f">{title}</h2>" in page


def test_what_names_hold_is_escaped(tmp_path: Path) -> None:
    block = Table("a | b", ("<i>", "x"), (("<script>", "1 | 2"),))
    section = Section("T", (Text("a < b"), block))
    written = Document("<b>", {}, (), (section,))
    write_html(written, tmp_path / "r.html")
    write_markdown(written, tmp_path / "r.md")
    page = (tmp_path / "r.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "1 \\| 2" in (tmp_path / "r.md").read_text()


def test_the_markdown_holds_the_same_tables_and_its_plots_lie_beside_it(
    document: Document, tmp_path: Path
) -> None:
    write_markdown(document, tmp_path / "r.md")
    text = (tmp_path / "r.md").read_text()
    for picture in re.findall(r"\]\((\S+\.svg)\)", text):
        assert (tmp_path / picture).read_bytes().startswith(b"<?xml")
    tables = [b for section in document.sections for b in section.blocks if isinstance(b, Table)]
    for table in tables:
        assert f"**{table.caption}**" in text
        assert all(len(row) == len(table.header) for row in table.rows), table.caption


def test_every_number_is_in_the_json_and_none_is_nan(result: Evaluation) -> None:
    body = json.loads(json.dumps(as_json(result), allow_nan=False))
    assert set(body["models"]) == {"mine", "meso"}
    assert body["models"]["mine"]["figures"]["AUC"]["value"] == pytest.approx(
        result.models["mine"].figures["AUC"].value
    )
    assert [one["kind"] for one in body["sweep"]["levels"]] == ["jpeg", "jpeg", "scale"]
    assert as_json((float("nan"), float("inf"), 1.5)) == [None, None, 1.5]


def test_the_same_plot_is_the_same_bytes(result: Evaluation, document: Document) -> None:
    again = make_document(result, {"Made": "today"})
    assert again == document


def test_reals_alone_make_a_report_of_false_alarms() -> None:
    listed = pairs_of(20).taken(np.arange(20))
    found = measure(bench_of(listed), listed, None, (), Plan(robustness=False))
    titles = [section.title for section in make_document(found, {}).sections]
    assert titles == ["Decisions at the frozen threshold", "By source and method"]


def test_shuffled_labels_are_said_first() -> None:
    listed = pairs_of(20)
    found = measure(
        bench_of(listed), listed, None, (), Plan(robustness=False), labels_permuted=True
    )
    assert "shuffled" in make_document(found, {}).warnings[0]
