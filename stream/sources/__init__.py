"""Sources of pictures: what SOURCE on the command line means, and who opens it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath
from types import MappingProxyType
from typing import Final, cast

from stream.errors import ConfigError
from stream.sources.address import Address, host_of, mask_secrets, read_address, scrub
from stream.sources.base import Emit, Source, SourceOptions

__all__ = [
    "SCHEMES",
    "Emit",
    "Source",
    "SourceOptions",
    "free_id",
    "mask_secrets",
    "open_source",
    "parse_sources",
    "scrub",
]

_NETWORK: Final = "stream.sources.network:NetworkSource"
SCHEMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "demo": "stream.sources.demo:DemoSource",
        "file": "stream.sources.file:FileSource",
        "camera": "stream.sources.camera:CameraSource",
        "rtsp": _NETWORK,
        "rtsps": _NETWORK,
        "http": _NETWORK,
        "https": _NETWORK,
        "rtmp": _NETWORK,
        "rtmps": _NETWORK,
        "srt": _NETWORK,
        "udp": _NETWORK,
    }
)
"""Scheme -> "module:Class", loaded when it is named; a class takes (target, SourceOptions)."""

RESERVED: Final = ("analyze", "doctor", "probe")
_LOCAL: Final = ("demo", "file", "camera")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_MAX_ID: Final = 32


def open_source(text: str, options: SourceOptions, allowed_schemes: Sequence[str]) -> Source:
    """The source that `text` (a SOURCE without its NAME) stands for. Nothing is opened yet.

    `allowed_schemes` are the URL schemes that may be used; demo, cameras and files always may.

    Raises: ConfigError for a scheme that is not allowed or that nothing here opens.
    """
    address = _allowed(text, allowed_schemes)
    module, _, name = SCHEMES[address.scheme].partition(":")
    make = cast(
        Callable[[str, SourceOptions], Source], getattr(importlib.import_module(module), name)
    )
    return make(address.target, options)


def parse_sources(
    words: Iterable[str], allowed_schemes: Sequence[str] | None = None
) -> list[tuple[str, str]]:
    """The command line's SOURCE words as (id, SOURCE without NAME), ids unique; none: the demo.

    With `allowed_schemes` a URL of another scheme is refused here already, before anything runs.

    Raises: ConfigError for a name given twice, a reserved first word, an empty SOURCE, a broken
    camera, or a scheme that is not allowed. No message holds a password.
    """
    words = list(words)
    if words and words[0] in RESERVED:
        raise ConfigError(words[0], f"is a command, not a source; write ./{words[0]} for a file")
    named = [_split_name(word) for word in words] or [(None, "demo")]
    given = [name for name, _ in named if name is not None]
    for twice in given:
        if given.count(twice) > 1:
            raise ConfigError(twice, "this name is given to two sources")
    taken = set(given)
    parsed = []
    for name, text in named:
        address = _read(text) if allowed_schemes is None else _allowed(text, allowed_schemes)
        stream_id = name or _free(_default_id(address), taken)
        taken.add(stream_id)
        parsed.append((stream_id, text))
    return parsed


def free_id(text: str, taken: set[str]) -> str:
    """An id for a stream of `text`, a SOURCE that can be read, that is none of `taken`."""
    return _free(_default_id(_read(text)), taken)


def _split_name(word: str) -> tuple[str | None, str]:
    name, equals, text = word.partition("=")
    if equals and _NAME.fullmatch(name):
        return name, text
    return None, word


def _read(text: str) -> Address:
    if not text:
        raise ConfigError("source", "an empty SOURCE; write demo, camera:0, a URL or a path")
    if "\0" in text:
        raise ConfigError("source", "a SOURCE holds no NUL character")
    try:
        return read_address(text)
    except ValueError as exc:
        raise ConfigError("source", str(exc)) from None


def _allowed(text: str, allowed_schemes: Sequence[str]) -> Address:
    address = _read(text)
    if address.scheme in _LOCAL and "://" not in text:
        return address
    allowed = [scheme for scheme in allowed_schemes if scheme not in _LOCAL]
    if address.scheme not in allowed:
        names = ", ".join(allowed) or "none"
        raise ConfigError(mask_secrets(text), f"unknown scheme; allowed are {names}")
    if address.scheme not in SCHEMES:
        raise ConfigError(mask_secrets(text), f"nothing here opens {address.scheme}://")
    return address


def _default_id(address: Address) -> str:
    if address.scheme == "demo":
        text = "demo"
    elif address.scheme == "camera":
        number = re.search(r"\d+$", address.target)
        text = f"camera{number[0] if number else '-' + PurePath(address.target).name}"
    elif address.scheme == "file":
        text = PurePath(address.target).stem
    else:
        text = host_of(address.target)
    fitted = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:_MAX_ID]
    return fitted or address.scheme


def _free(base: str, taken: set[str]) -> str:
    name, number = base, 1
    while name in taken:
        number += 1
        ending = f"-{number}"
        name = base[: _MAX_ID - len(ending)] + ending
    return name
