"""Intake: takes a peer's video packets from aiortc before they would be decoded there.

aiortc decodes every frame into a queue without bound, tells neither its RTP timestamp nor how
coarsely it was coded, and gives a frame out only when the next one begins. So its jitter buffer,
which sees every packet, is replaced: frames go to an `Inbox`, and its own decoder never gets one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtp import RtpPacket

from stream.clock import Clock
from stream.rtc.assembly import FrameAssembly
from stream.sources.inbox import Arrived, Codec, Inbox

KEYFRAME_INTERVAL_S: Final = 1.0
"""Between two requests for a keyframe: each is as large as ten other frames."""
RATE_WINDOW_S: Final = 2.0
_JITTER_BUFFER: Final = "_RTCRtpReceiver__jitter_buffer"


class Intake(JitterBuffer):
    """In the place of a receiver's jitter buffer; on the event loop.

    `heard_at_s` is when the last packet came. `bitrate` is that of the last whole
    `RATE_WINDOW_S`, in bit/s of payload.
    """

    def __init__(self, inbox: Inbox, clock: Clock, codec_of: Callable[[int], Codec | None]) -> None:
        super().__init__(capacity=1, is_video=True)
        self.heard_at_s = clock.now_s()
        self.bitrate = 0.0
        self._inbox = inbox
        self._clock = clock
        self._codec_of = codec_of
        self._assembly = FrameAssembly()
        self._lost = 0
        self._asked_at_s = float("-inf")
        self._wants_keyframe = False
        self._window_from_s = self.heard_at_s
        self._window_bytes = 0

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Take a packet; True asks the sender for a keyframe, and aiortc never gets a frame."""
        now_s = self._clock.now_s()
        self._measure(packet, now_s)
        codec = self._codec_of(packet.payload_type)
        if codec is None:
            return False, None
        for frame in self._assembly.add(packet, now_s):  # type: ignore[arg-type]
            arrived = Arrived(codec, frame.data, frame.rtp_timestamp, now_s, frame.damaged)
            self._wants_keyframe |= not self._inbox.put(arrived)
        if self._assembly.lost > self._lost:
            self._lost = self._assembly.lost
            self._wants_keyframe = True
        if not self._wants_keyframe or now_s - self._asked_at_s < KEYFRAME_INTERVAL_S:
            return False, None
        self._wants_keyframe, self._asked_at_s = False, now_s
        return True, None

    def ask_for_keyframe(self) -> None:
        """Ask with the next packet: what comes cannot be decoded. Called in any thread."""
        self._wants_keyframe = True

    def _measure(self, packet: RtpPacket, now_s: float) -> None:
        self.heard_at_s = now_s
        self._window_bytes += len(packet.payload)
        passed_s = now_s - self._window_from_s
        if passed_s >= RATE_WINDOW_S:
            self.bitrate = 8 * self._window_bytes / passed_s
            self._window_from_s, self._window_bytes = now_s, 0


def install(intake: Intake, receiver: RTCRtpReceiver) -> None:
    """Let `receiver` hand its packets to `intake`, before it has received any.

    Raises: TypeError where this version of aiortc has its jitter buffer elsewhere.
    """
    if not isinstance(getattr(receiver, _JITTER_BUFFER, None), JitterBuffer):
        raise TypeError("this version of aiortc keeps its jitter buffer elsewhere")
    setattr(receiver, _JITTER_BUFFER, intake)
