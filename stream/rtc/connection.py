"""Connection: aiortc's peer connection, which may be closed at any time."""

from __future__ import annotations

import asyncio
from typing import Final

from aiortc import RTCConfiguration, RTCPeerConnection

_CONNECT: Final = "_RTCPeerConnection__connect"


class Connection(RTCPeerConnection):
    """As aiortc's, but `close` ends what still connects, and awaits its end.

    aiortc connects in tasks that it keeps no hold of. One that is closed in the midst of its
    handshake ends by an InvalidStateError that nobody hears, or goes on and begins to receive in
    a thread that nobody ends.
    """

    def __init__(self, configuration: RTCConfiguration | None = None) -> None:
        super().__init__(configuration)
        self._connecting: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """End the connection; once more does no harm. Safe in a task that connects, too."""
        while others := self._connecting - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.wait(others)
        await super().close()

    async def _RTCPeerConnection__connect(self) -> None:  # noqa: N802  called by aiortc
        task = asyncio.current_task()
        assert task is not None
        self._connecting.add(task)
        try:
            await getattr(super(), _CONNECT)()
        finally:
            self._connecting.discard(task)
