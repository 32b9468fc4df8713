"""Connection: aiortc's peer connection, which may be closed at any time."""

from __future__ import annotations

import asyncio
from typing import Final

from aiortc import RTCCertificate, RTCConfiguration, RTCPeerConnection
from aiortc.rtcdtlstransport import SRTPProtectionProfile
from OpenSSL import SSL

_CONNECT: Final = "_RTCPeerConnection__connect"
_CERTIFICATES: Final = "_RTCPeerConnection__certificates"
CIPHERS: Final = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
    b":ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
    b":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA"
)
"""aiortc's, and beside each the same for a peer whose certificate is an RSA one."""


class Certificate(RTCCertificate):
    """aiortc's own, that also meets peers with RSA certificates: GStreamer makes itself such."""

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = super()._create_ssl_context(srtp_profiles)
        context.set_cipher_list(CIPHERS)
        return context


class Connection(RTCPeerConnection):
    """As aiortc's, but it connects to peers with RSA certificates, too, and `close` ends what still
    connects, and awaits its end.

    aiortc connects in tasks that it keeps no hold of. One that is closed in the midst of its
    handshake ends by an InvalidStateError that nobody hears, or goes on and begins to receive in
    a thread that nobody ends.
    """

    def __init__(self, configuration: RTCConfiguration | None = None) -> None:
        super().__init__(configuration)
        setattr(self, _CERTIFICATES, [Certificate.generateCertificate()])
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
