"""Peers of other makers, run as programs of their own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

PATIENCE_S = 60.0


async def outside(*command: str) -> dict[str, Any]:
    """Run a peer until it has seen enough; what it says, as one line of JSON, before it ends."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(PATIENCE_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    heard: dict[str, Any] = json.loads(said)
    return heard
