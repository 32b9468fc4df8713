"""Roster: the streams of a running service as its owner changes them."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from stream.errors import ConfigError
from stream.refusals import Full, Taken, Unknown, Unsupported
from stream.service import Service
from stream.session import Session
from stream.sources import free_id

STREAM_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
RESOLVE_TIMEOUT_S: Final = 5.0
RETRY_S: Final = 10


class Roster:
    """Adds, changes and removes a service's streams; on the event loop, one change at a time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._changing = asyncio.Lock()

    async def add(self, stream_id: str | None, source: str, *, paused: bool = False) -> Session:
        """A new stream of `source`, called `stream_id` or after its host; it is opened at once.

        Raises: Unsupported for a source that may not be asked for, Taken for an id that is there
        or a full roster, Full while the service starts or stops.
        """
        await self._check(source)
        async with self._changing:
            service = self._service
            stream_id = stream_id or free_id(source, set(service.sessions))
            if stream_id in service.sessions:
                raise Taken(f"the stream {stream_id!r} is there already: choose another id")
            if len(service.owned) >= service.max_streams:
                problem = f"all {service.max_streams} places are taken (source.max_streams)"
                raise Taken(f"{problem}: remove a stream first")
            return self._enlist(stream_id, source, paused=paused)

    async def change(
        self, stream_id: str, *, source: str | None = None, paused: bool | None = None
    ) -> Session:
        """The stream with another `source`, paused or resumed; None leaves either as it is.

        Another source is another beginning: its viewers are shown out and count from 0 again.

        Raises: Unknown; Taken for a visitor's stream, and for pausing what has ended; otherwise as
        `add`.
        """
        if source is not None:
            await self._check(source)
        async with self._changing:
            session = self._owned(stream_id)
            if source is not None:
                paused = session.paused if paused is None else paused
                await self._service.remove(stream_id)
                return self._enlist(stream_id, source, paused=paused)
            if paused is not None and session.source_state == "ended":
                raise Taken(f"the stream {stream_id!r} has ended: give its source to begin anew")
            if paused is not None:
                (session.pause if paused else session.resume)()
            return session

    async def remove(self, stream_id: str) -> None:
        """End the stream and wait until all of it is freed; a visitor's is told to end.

        Raises: Unknown.
        """
        async with self._changing:
            session = self._present(stream_id)
            if session in self._service.owned:
                await self._service.remove(stream_id)
            else:
                session.stop()

    async def _check(self, source: str) -> None:
        admission = self._service.admission
        try:
            admission.check_text(source)
            async with asyncio.timeout(RESOLVE_TIMEOUT_S):
                await asyncio.to_thread(admission.check_host, source)
        except ConfigError as exc:
            raise Unsupported(str(exc)) from None
        except TimeoutError:
            raise Unsupported("source: its host cannot be resolved in time") from None

    def _enlist(self, stream_id: str, source: str, *, paused: bool) -> Session:
        if not self._service.ready:
            raise Full("the service is starting or stopping", RETRY_S)
        try:
            return self._service.add(stream_id, source, paused=paused)
        except ConfigError as exc:
            raise Unsupported(str(exc)) from None

    def _present(self, stream_id: str) -> Session:
        session = self._service.sessions.get(stream_id)
        if session is None:
            raise Unknown(f"there is no stream {stream_id[:32]!r}: see /v1/streams")
        return session

    def _owned(self, stream_id: str) -> Session:
        session = self._present(stream_id)
        if session not in self._service.owned:
            raise Taken(f"the stream {stream_id!r} is a visitor's: it can only be removed")
        return session
