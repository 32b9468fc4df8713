"""What schemathesis checks besides its own checks; it loads this file itself."""

from __future__ import annotations

from typing import Any

import schemathesis

schemathesis.serializer.alias(["application/sdp", "application/trickle-ice-sdpfrag"], "text/plain")


@schemathesis.check
def no_fault(ctx: Any, response: Any, case: Any) -> None:
    """No answer is a fault of the server; it may say when to come back, as documented (503)."""
    busy = response.status_code == 503 and "retry-after" in response.headers
    assert response.status_code < 500 or busy, f"a fault: {response.status_code}"
