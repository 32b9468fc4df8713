"""Settings of WebRTC: who may come, how large, and by which addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from pydantic import SecretStr

_ICE_URL: Final = re.compile(r"(stuns?:[^?\s]+|turns?:[^?\s]+(\?transport=(udp|tcp))?)")


@dataclass(frozen=True, slots=True)
class RtcOptions:
    """Limits and ICE. Nothing outside is contacted unless `ice_urls` names it.

    `ice_urls` are STUN and TURN servers (``stun:host:port``, ``turn:host?transport=tcp``), of which
    the first of each kind is used here and all are told to clients that may publish;
    `turn_username` and `turn_password` are for all of them. `relay_only` leaves the TURN server
    as the only way. `host_addresses` are this machine's addresses to be reached at: empty means
    every interface's, and loopback too. `nat_address` is what the world sees instead of them.
    `min_port` to `max_port` are the UDP ports used for them, 0 for any.

    At most `max_publishers` and `max_viewers` at once, and nobody new while a face's evidence is
    older than `busy_age_ms`. A publisher's picture has at most `max_pixels`; one that sends more
    than twice `max_bitrate` (bit/s) for seconds, or nothing for `idle_timeout_s`, is ended.
    Browsers made from Chromium are asked to begin at `start_bitrate`, not at 300 kbit/s.
    `view_bitrate` and `view_width_px` are those of the picture that viewers get.
    """

    ice_urls: tuple[str, ...] = ()
    turn_username: str = ""
    turn_password: SecretStr = field(default_factory=lambda: SecretStr(""))
    relay_only: bool = False
    host_addresses: tuple[str, ...] = ()
    nat_address: str = ""
    min_port: int = 0
    max_port: int = 0
    max_publishers: int = 8
    max_viewers: int = 32
    busy_age_ms: float = 2000.0
    max_pixels: int = 1920 * 1088
    max_bitrate: int = 4_000_000
    start_bitrate: int = 1_500_000
    idle_timeout_s: float = 10.0
    view_bitrate: int = 2_000_000
    view_width_px: int = 1280

    def __post_init__(self) -> None:
        for url in self.ice_urls:
            if not _ICE_URL.fullmatch(url):
                raise ValueError(f"{url!r} is no ICE server, as stun:host:port or turn:host")
        if (self.min_port == 0) != (self.max_port == 0) or self.min_port > self.max_port:
            raise ValueError("min_port and max_port go together, the smaller one first")
        if not 0 <= self.min_port <= self.max_port <= 65535:
            raise ValueError("ports lie between 1 and 65535")
        if min(self.max_publishers, self.max_viewers) < 0:
            raise ValueError("max_publishers and max_viewers cannot be negative")
        if self.idle_timeout_s <= 0 or self.busy_age_ms <= 0:
            raise ValueError("idle_timeout_s and busy_age_ms must be more than 0")
        if min(self.max_bitrate, self.start_bitrate, self.view_bitrate) < 100_000:
            raise ValueError("bit rates are in bit/s, and at least 100000")
        if self.max_pixels < 1 or self.view_width_px < 64:
            raise ValueError("max_pixels must be at least 1 and view_width_px at least 64")
