"""Exchange: every peer of one service: who may come, who is there, and that all of it is freed."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Final, TypeVar

from pydantic import SecretStr

from stream.access import Access
from stream.clock import MonotonicClock
from stream.refusals import BadOffer, Full, Refusal, Taken, Unknown, Unsupported
from stream.rtc.broadcast import Broadcast
from stream.rtc.offer import read_offer
from stream.rtc.options import RtcOptions
from stream.rtc.publisher import Publisher
from stream.rtc.viewer import Viewer
from stream.service import Service
from stream.session import Session

LOG: Final = logging.getLogger("deepfakestream")
STREAM_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
FULL_RETRY_S: Final = 30
BUSY_RETRY_S: Final = 10

P = TypeVar("P", Publisher, Viewer)


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a peer is told that was taken in. `resource` is its secret name: who knows it may end
    it. `viewer_token` reads the stream that a publisher made, and nothing else.
    """

    resource: str
    sdp: str
    viewer_token: SecretStr | None = None


class Exchange:
    """Takes peers in and lets them go; on the event loop. An async context manager: leaving ends
    every peer and waits until all is freed.
    """

    def __init__(self, service: Service, access: Access, options: RtcOptions) -> None:
        self._service = service
        self._access = access
        self.options = options
        self._publishers: dict[str, Publisher] = {}
        self._viewers: dict[str, Viewer] = {}
        self._broadcasts: dict[Session, Broadcast] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Exchange:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closed = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def publishers(self) -> int:
        """How many peers publish, or are about to."""
        return len(self._publishers)

    @property
    def viewers(self) -> int:
        """How many peers watch, or are about to."""
        return len(self._viewers)

    async def publish(self, stream_id: str, sdp: str) -> Admitted:
        """Take in a peer that publishes `stream_id`.

        Raises: a Refusal.
        """
        if not STREAM_ID.fullmatch(stream_id):
            raise Unsupported("a stream's id has 1 to 32 letters, digits, - and _")
        offer = read_offer(sdp, "publish")
        arriving = {publisher.stream_id for publisher in self._publishers.values()}
        if stream_id in arriving or stream_id in self._service.sessions:
            raise Taken(f"the stream {stream_id!r} is there already: choose another id")
        self._admit(self.publishers, self.options.max_publishers)
        publisher = Publisher(stream_id, offer, self.options, MonotonicClock())
        resource = secrets.token_urlsafe(24)
        self._publishers[resource] = publisher
        answered = _future()
        self._start(self._host(resource, publisher, answered), f"publisher-{stream_id}")
        return await answered

    async def watch(self, stream_id: str, sdp: str) -> Admitted:
        """Take in a peer that watches `stream_id`.

        Raises: a Refusal.
        """
        session = self._service.sessions.get(stream_id)
        if session is None:
            raise Unknown(f"there is no stream {stream_id[:32]!r}: see /v1/streams")
        offer = read_offer(sdp, "watch")
        self._admit(self.viewers, self.options.max_viewers)
        broadcast = self._broadcasts.setdefault(session, Broadcast(session, self.options))
        viewer = Viewer(session, broadcast, offer, self.options)
        resource = secrets.token_urlsafe(24)
        self._viewers[resource] = viewer
        answered = _future()
        self._start(self._show(resource, viewer, session, answered), f"viewer-{stream_id}")
        return await answered

    def publisher(self, stream_id: str, resource: str) -> Publisher:
        """The publisher of `stream_id` that goes by `resource`.

        Raises: Unknown.
        """
        return _found(self._publishers, stream_id, resource)

    def viewer(self, stream_id: str, resource: str) -> Viewer:
        """The viewer of `stream_id` that goes by `resource`.

        Raises: Unknown.
        """
        return _found(self._viewers, stream_id, resource)

    async def _host(
        self, resource: str, publisher: Publisher, answered: asyncio.Future[Admitted]
    ) -> None:
        """One publisher's whole life; the answer, or why there is none, goes to `answered`."""
        stream_id = publisher.stream_id
        try:
            address = f"webrtc:{stream_id}"
            async with self._service.guest(stream_id, address, publisher.source) as session:
                answer = await publisher.answer()
                token = self._access.grant(stream_id)
                try:
                    _tell(answered, Admitted(resource, answer, token))
                    LOG.info("%s: a publisher came", stream_id)
                    await publisher.run(session, partial(self._service.live, session))
                finally:
                    # Before the stream is gone: a token without one would still be let in.
                    self._access.revoke(stream_id)
                LOG.info("%s: the publisher has gone", stream_id)
        except Refusal as exc:
            _refuse(answered, exc)
        finally:
            await publisher.close()
            del self._publishers[resource]
            _refuse(answered, Full("the service is stopping", BUSY_RETRY_S))

    async def _show(
        self, resource: str, viewer: Viewer, session: Session, answered: asyncio.Future[Admitted]
    ) -> None:
        """One viewer's whole life."""
        try:
            await viewer.run(lambda answer: _tell(answered, Admitted(resource, answer)))
        except BadOffer as exc:
            _refuse(answered, exc)
        finally:
            del self._viewers[resource]
            if session in self._broadcasts and not self._broadcasts[session].running:
                del self._broadcasts[session]
            _refuse(answered, Full("the service is stopping", BUSY_RETRY_S))

    def _admit(self, present: int, most: int) -> None:
        """Raises: Full where there are enough, or the machine cannot keep up with those."""
        if self._closed or not self._service.ready:
            raise Full("the service is starting or stopping", BUSY_RETRY_S)
        if present >= most:
            raise Full(f"all {most} places are taken", FULL_RETRY_S)
        ages = [
            health.evidence_age_ms
            for session in self._service.sessions.values()
            if (health := session.health()).source_state == "live"
            and health.evidence_age_ms is not None
        ]
        if (oldest := max(ages, default=0.0)) > self.options.busy_age_ms:
            problem = f"the machine is busy: what it shows is {oldest / 1000:.1f} s old"
            raise Full(problem, BUSY_RETRY_S)

    def _start(self, life: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(life, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("a peer ended by a fault in the program: please report it", exc_info=error)


def _found(peers: dict[str, P], stream_id: str, resource: str) -> P:
    found = peers.get(resource)
    if found is None or found.stream_id != stream_id:
        raise Unknown("there is no such session: it has ended, or never was")
    return found


def _future() -> asyncio.Future[Admitted]:
    return asyncio.get_running_loop().create_future()


def _tell(answered: asyncio.Future[Admitted], admitted: Admitted) -> None:
    # Who asked may have hung up; the peer then never connects, and is given up.
    if not answered.done():
        answered.set_result(admitted)


def _refuse(answered: asyncio.Future[Admitted], refusal: Refusal) -> None:
    if not answered.done():
        answered.set_exception(refusal)
