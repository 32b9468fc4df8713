"""The Sink protocol: a place that a stream's messages go to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from stream.messages import OverlayMessage


class Sink(Protocol):
    """Takes the messages of every stream; `consume` runs once for each stream, at the same time.

    A slow sink loses its oldest messages, which are counted; it never slows a live stream.
    """

    async def consume(self, messages: AsyncIterator[OverlayMessage]) -> None:
        """Take messages until they end. Cancelling loses at most the message in hand.

        Raises: SinkError when the target cannot be written any more.
        """

    async def close(self, summary: Mapping[str, Any]) -> None:
        """Write the summary and let go of the target; called once, after every `consume`."""
