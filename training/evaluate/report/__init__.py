"""The report: one document, written as HTML and as Markdown."""
