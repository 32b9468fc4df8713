"""Access: who may read what. Checked against the stream asked for, not only the route."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from pydantic import SecretStr

SUBPROTOCOL = "deepfakestream.v1"


class Access:
    """The owner's token opens every stream; without a token everything is open (loopback only).

    The bearer of `publish_token` may publish, and read nothing; that of `metrics_token` may read
    the metrics, and nothing else. Who publishes is granted a viewer token for that stream alone.
    `allowed_origins` are the sites, besides the server's own page, whose scripts may connect.
    """

    def __init__(
        self,
        token: SecretStr | None,
        allowed_origins: Iterable[str] = (),
        *,
        publish_token: SecretStr | None = None,
        metrics_token: SecretStr | None = None,
    ) -> None:
        self._token = token
        self._publish_token = publish_token
        self._metrics_token = metrics_token
        self._origins = frozenset(allowed_origins)
        self._granted: dict[str, SecretStr] = {}

    @property
    def allowed_origins(self) -> frozenset[str]:
        """The sites, besides the server's own page, whose scripts may connect."""
        return self._origins

    def owns(self, presented: str | None) -> bool:
        """Whether the bearer of `presented` may see and do everything."""
        return self._token is None or _same(presented, self._token)

    def may_read(self, presented: str | None, stream_id: str) -> bool:
        """Whether the bearer of `presented` may read the stream `stream_id`."""
        return bool(stream_id) and (
            self.owns(presented) or _same(presented, self._granted.get(stream_id))
        )

    def may_list(self, presented: str | None) -> bool:
        """Whether the bearer of `presented` may ask which streams it may read."""
        if self.owns(presented):
            return True
        return any(_same(presented, token) for token in self._granted.values())

    def may_publish(self, presented: str | None) -> bool:
        """Whether the bearer of `presented` may publish a stream."""
        return self.owns(presented) or _same(presented, self._publish_token)

    def may_measure(self, presented: str | None) -> bool:
        """Whether the bearer of `presented` may read the metrics, which name every stream."""
        return self.owns(presented) or _same(presented, self._metrics_token)

    def grant(self, stream_id: str) -> SecretStr:
        """A fresh token that reads the stream `stream_id` and nothing else, until `revoke`."""
        self._granted[stream_id] = token = new_token()
        return token

    def revoke(self, stream_id: str) -> None:
        """Let nobody read `stream_id` any more by a token of its own."""
        self._granted.pop(stream_id, None)

    def may_come_from(self, headers: Mapping[str, str]) -> bool:
        """Whether a browser's request comes from an allowed site; no `Origin`, no browser script.

        Keeps other sites that the visitor has open from reading a camera on loopback. Without a
        token the `Host` must be a loopback name too: a site can point its own name at 127.0.0.1.
        """
        host = headers.get("host", "")
        origin = headers.get("origin")
        try:
            host_name, origin_place = urlsplit(f"//{host}").hostname, urlsplit(origin or "").netloc
        except ValueError:  # a broken address is nobody's
            return False
        if self._token is None and not is_loopback(host_name or ""):
            return False
        if origin is None or origin in self._origins:
            return True
        return origin_place != "" and origin_place == host


def _same(presented: str | None, expected: SecretStr | None) -> bool:
    if presented is None or expected is None:
        return False
    return hmac.compare_digest(presented.encode(), expected.get_secret_value().encode())


def presented_token(headers: Mapping[str, str]) -> str | None:
    """The token of ``Authorization: Bearer`` or, for WebSockets, of the subprotocol
    ``token.<value>``; None without one.
    """
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and (token := value.strip()):
        return token
    for protocol in headers.get("sec-websocket-protocol", "").split(","):
        name, _, value = protocol.strip().partition(".")
        if name == "token" and value:
            return value
    return None


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address to listen on, is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def new_token() -> SecretStr:
    """A fresh token, safe in an address and in a WebSocket subprotocol."""
    return SecretStr(secrets.token_urlsafe(24))
