"""Write the schemas that are committed, from the code that serves them: run it after a change.

``python scripts/write_schemas.py`` from the repository's root; a test says when it was forgotten.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final, cast

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from stream.access import Access  # noqa: E402  the path comes first
from stream.messages import overlay_schema  # noqa: E402
from stream.rtc.exchange import Exchange  # noqa: E402
from stream.rtc.options import RtcOptions  # noqa: E402
from stream.server import create_app  # noqa: E402
from stream.service import Service  # noqa: E402


def as_text(schema: dict[str, Any]) -> str:
    """The file's text for `schema`."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write docs/overlay.schema.json and docs/openapi.json."""
    service, access = cast(Service, None), Access(None)  # no route is called
    routes = create_app(service, access, Exchange(service, access, RtcOptions()))
    openapi = routes.openapi()
    openapi["info"]["version"] = "1"  # the contract's, not the release's
    for name, schema in (("overlay.schema", overlay_schema()), ("openapi", openapi)):
        (ROOT / "docs" / f"{name}.json").write_text(as_text(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
