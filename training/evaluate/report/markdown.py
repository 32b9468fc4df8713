"""A document as Markdown, its plots as SVG files beside it."""

from __future__ import annotations

from pathlib import Path

from training.evaluate.report.document import Block, Document, Plot, Table, Text


def write_markdown(document: Document, path: Path) -> None:
    """Write `path`, and its plots into the folder of the same name without ending."""
    folder = path.with_suffix("")
    lines = [f"# {document.title}", ""]
    lines += [f"- **{name}**: {value}" for name, value in document.facts.items()]
    lines += ["", *(f"> {warning}\n" for warning in document.warnings)]
    for section in document.sections:
        lines += [f"## {section.title}", ""]
        for block in section.blocks:
            if isinstance(block, Plot):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{block.name}.svg").write_bytes(block.svg)
            lines += [_markdown(block, folder.name), ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def _markdown(block: Block, folder: str) -> str:
    if isinstance(block, Text):
        return block.text
    if isinstance(block, Plot):
        return f"![{block.words}]({folder}/{block.name}.svg)\n\n*{block.caption}*"
    return _table(block)


def _table(table: Table) -> str:
    align = [":---", *["---:"] * (len(table.header) - 1)]
    rows = [table.header, tuple(align), *table.rows]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return f"**{table.caption}**\n\n" + "\n".join(lines)
