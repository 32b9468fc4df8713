"""Admission: which addresses are opened for somebody who asks over the network.

Whoever may start the program may open anything that is his. Who asks a running one may have no
process started, no local file read, and, where others than this machine's users can ask, nothing
looked at that only the server can reach (server-side request forgery).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from stream.errors import ConfigError
from stream.sources.address import mask_secrets, read_address

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str], Sequence[str]]
"""The addresses of a host's name; blocks. Raises OSError."""

MOST_CHARACTERS: Final = 2048
_LOCAL: Final = frozenset({"demo", "file", "camera"})
# FFmpeg and Python read odd addresses differently: whose host could be told in two ways is refused.
_PLAIN: Final = re.compile(
    r"[a-z][a-z0-9]*://(?:[^@/?#\\\[\]]*@)?(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
    r"(?::\d{1,5})?(?:[/?#].*)?"
)
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
"""An IPv4 address behind NAT64 (RFC 6052), in its last 32 bits."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What may be asked for. `schemes` are those of URLs.

    `confined`: others than this machine's users can ask. Then a host must be one of `hosts`: a
    name, ``*.example.org``, an address or a network. Without any, every public address may be
    opened, and none that is private, loopback or link-local.
    """

    schemes: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    confined: bool = False
    demo: bool = False

    def check_text(self, text: str) -> None:
        """Whether `text`, a SOURCE, is one that may be asked for; opens and resolves nothing.

        Raises: ConfigError, which holds no password.
        """
        if text == "demo" and self.demo:
            return
        if not text or len(text) > MOST_CHARACTERS or not text.isprintable():
            raise ConfigError("source", f"write a URL of at most {MOST_CHARACTERS} characters")
        scheme = self._scheme_of(text)
        allowed = [name for name in self.schemes if name not in _LOCAL]
        if scheme not in allowed:
            names = ", ".join(f"{name}://" for name in allowed) or "none"
            raise ConfigError(
                "source", f"cameras, files and other schemes are not opened so; allowed are {names}"
            )
        if self.confined and not _PLAIN.fullmatch(text):
            shown = mask_secrets(text)
            raise ConfigError("source", f"{shown} has no plain host; percent-encode its password")

    def check_host(self, text: str, resolve: Resolve | None = None) -> None:
        """Whether the host of `text`, which passed `check_text`, may be reached; resolves its name.

        Blocks while it resolves. Raises: ConfigError.
        """
        if not self.confined or text == "demo":
            return
        match = _PLAIN.fullmatch(text)
        host = match["host"].strip("[]").rstrip(".").lower() if match else ""
        if any(fnmatchcase(host, pattern.lower()) for pattern in self.hosts):
            return
        try:
            found = [_unwrapped(address) for address in (resolve or _resolve)(host)]
        except (OSError, UnicodeError, ValueError):
            raise ConfigError("source", f"the host {host} cannot be resolved") from None
        if not found or not all(self._reachable(address) for address in found):
            remedy = "add it to source.hosts" if self.hosts else "it is no public address"
            raise ConfigError("source", f"the host {host} may not be opened from here: {remedy}")

    def _scheme_of(self, text: str) -> str:
        try:
            return read_address(text).scheme if "://" in text else "file"
        except ValueError:
            return "camera"

    def _reachable(self, address: IP) -> bool:
        if not self.hosts:
            return address.is_global and not address.is_multicast
        return any(address in network for network in self._networks())

    def _networks(self) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        networks = []
        for text in self.hosts:
            try:
                networks.append(ipaddress.ip_network(text, strict=False))
            except ValueError:
                continue  # a name
        return networks


def _resolve(host: str) -> Sequence[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None)]


def _unwrapped(text: str) -> IP:
    """The address that is reached in the end: IPv4 hides in IPv6 in several ways."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
