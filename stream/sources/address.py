"""SOURCE as written on the command line: what kind it is, and what of it may be shown.

All of it is text; nothing is opened here.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

MASK: Final = "***"

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_CAMERA_DEVICE = re.compile(r"\d{1,3}|/dev/video\d{1,3}|/dev/v4l/[\w./:+-]+", re.ASCII)
_PARAMETER = re.compile(r"[?&;#/]([^=&?#;/]*)=")
_SECRET_NAME = re.compile(r"pass|psw|pwd|pw$|token|secret|key|auth|sig|cred|jwt|session", re.I)
# A shorter secret is replaced only where its place in an address gives it away: striking out every
# "a" of a message hides nothing and makes the message unreadable.
_MIN_SECRET = 4


class Address(NamedTuple):
    """One SOURCE: `scheme` is ``demo``, ``camera``, ``file`` or a URL's own; `target` is the
    device, the path, or the whole URL.
    """

    scheme: str
    target: str


def read_address(text: str) -> Address:
    """What `text`, a SOURCE without its NAME, stands for. Anything that is no URL is a path.

    Raises: ValueError for ``camera:`` with neither a number nor a video device behind it.
    """
    if text == "demo":
        return Address("demo", "")
    if text.startswith("camera:"):
        device = text.removeprefix("camera:")
        if not _CAMERA_DEVICE.fullmatch(device):
            raise ValueError(f"{text}: a camera is camera:0 or camera:/dev/video0")
        return Address("camera", device)
    if url := _URL.match(text):
        return Address(url["scheme"].lower(), text)
    return Address("file", text)


def mask_secrets(source: str) -> str:
    """`source` (one SOURCE, with or without its NAME) fit to be shown.

    Passwords of ``user:password@`` and the values of query parameters whose names speak of a
    secret become ``***``. A password may hold ``@ : / ?`` unescaped, so everything up to the last
    ``@`` counts as part of it: an address may lose a piece that is no secret, never keep one.
    """
    url = _URL.search(source)
    if url is None:
        return source
    before, rest = source[: url.start("rest")], url["rest"]
    zone, at, after = rest.rpartition("@")
    user, colon, _ = zone.partition(":")
    bare_user = "@" in re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not at or not (colon or bare_user):
        return before + _mask_parameters(rest)
    shown_user = f"{_mask_parameters(user)}:" if colon else ""
    # A secret parameter that was still open at the "@" runs on behind it.
    if _open_secret(zone):
        after = MASK + after[len(after.partition("&")[0]) :]
    return f"{before}{shown_user}{MASK}@{_mask_parameters(after)}"


def scrub(message: str, source: str) -> str:
    """`message`, which another library wrote about `source`, without the secrets of `source`."""
    message = message.replace(source, mask_secrets(source))
    for secret in sorted(_secrets(source), key=len, reverse=True):
        message = message.replace(secret, MASK)
    return " ".join(mask_secrets(word) for word in message.split(" "))


def host_of(url: str) -> str:
    """The host in `url`, for an id; the scheme where there is none or it cannot be told from a
    password.
    """
    match = _URL.match(url)
    if match is None:
        return ""
    authority, _, path = _split_authority(match["rest"])
    _, at, place = authority.rpartition("@")
    if "@" in path and (at or ":" in authority):
        return match["scheme"].lower()
    host = place[1:].partition("]")[0] if place.startswith("[") else place.partition(":")[0]
    return host or match["scheme"].lower()


def _split_authority(rest: str) -> tuple[str, str, str]:
    cut = re.search(r"[/?#]", rest)
    return (rest[: cut.start()], cut[0], rest[cut.end() :]) if cut else (rest, "", "")


def _mask_parameters(text: str) -> str:
    shown, at = [], 0
    for match in _PARAMETER.finditer(text):
        if match.start() >= at and _SECRET_NAME.search(unquote(match[1])):
            shown += [text[at : match.end()], MASK]
            at = len(text) if (end := text.find("&", match.end())) < 0 else end
    return "".join(shown) + text[at:]


def _open_secret(zone: str) -> bool:
    last = "&" + zone.rpartition("&")[2]
    return any(_SECRET_NAME.search(unquote(match[1])) for match in _PARAMETER.finditer(last))


def _secrets(source: str) -> set[str]:
    url = _URL.search(source)
    if url is None:
        return set()
    rest = url["rest"]
    found = [rest.rpartition("@")[0].partition(":")[2]]
    authority = _split_authority(rest)[0]
    found.append(authority.rpartition("@")[0].partition(":")[2])
    found += [
        rest[match.end() :].partition("&")[0]
        for match in _PARAMETER.finditer(rest)
        if _SECRET_NAME.search(unquote(match[1]))
    ]
    spellings = {spelling for text in found for spelling in (text, unquote(text), quote(text))}
    return {spelling for spelling in spellings if len(spelling) >= _MIN_SECRET}
