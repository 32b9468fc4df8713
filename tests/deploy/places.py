"""What is under deploy/, read as the tools read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from stream.config import REPOSITORY

DEPLOY: Final = REPOSITORY / "deploy"
KUBERNETES: Final = DEPLOY / "kubernetes"
WORKFLOWS: Final = REPOSITORY / ".github" / "workflows"


def document(file: Path) -> Any:
    """The one YAML document of `file`."""
    return yaml.safe_load(file.read_text(encoding="utf-8"))
