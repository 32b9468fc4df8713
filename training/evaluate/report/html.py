"""A document as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from jinja2 import Environment

from training.evaluate.report.document import Document, Plot, Table

TEMPLATE = Path(__file__).with_name("report.html")


def write_html(document: Document, path: Path) -> None:
    """Write the document to `path`."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["anchor"] = _anchor
    environment.filters["data_uri"] = _data_uri
    environment.tests["plot"] = lambda block: isinstance(block, Plot)
    environment.tests["table"] = lambda block: isinstance(block, Table)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    path.write_text(template.render(document=document), encoding="utf-8")


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _data_uri(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
