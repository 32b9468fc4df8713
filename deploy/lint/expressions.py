"""Print the dashboards' expressions as recording rules, which promtool can check."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

VARIABLES: Final = {"$__rate_interval": "1m", "$__range": "1h", "$stream": ".*"}
"""What Grafana puts in, and something that may stand there."""


def expressions(dashboard: dict[str, Any]) -> Iterator[str]:
    """Every panel's expressions, their variables filled in."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            text: str = target["expr"]
            for name, value in VARIABLES.items():
                text = text.replace(name, value)
            yield text


def main(files: list[str]) -> None:
    """Write one group of rules, as JSON, which is YAML."""
    rules = [
        {"record": f"panel:{number}", "expr": text}
        for file in files
        for number, text in enumerate(expressions(json.loads(Path(file).read_text("utf-8"))))
    ]
    json.dump({"groups": [{"name": "dashboards", "rules": rules}]}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
