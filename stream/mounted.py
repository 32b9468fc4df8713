"""Tokens that stand in files of their own, as containers and systemd mount them.

A mounted file shows in no process list, in no environment and in no configuration that is kept with
the code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stream.errors import ConfigError

MOST_BYTES: Final = 4096
"""More is no token but a wrong path: a certificate, a video, /dev/zero."""


def token_in(file: Path, key: str) -> str:
    """The token that `file` holds, without the newline that editors leave at its end.

    Read once: who changes the file starts the program anew. `key` is the setting that names it.

    Raises: ConfigError that names `key` and the file, never what is in it, for a file that is
    missing, cannot be read, is empty, or is no short text.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(key, f"there is no file {file}") from None
    except OSError as exc:
        raise ConfigError(key, f"{file} cannot be read: {exc.strerror}") from exc
    if len(content) > MOST_BYTES:
        raise ConfigError(key, f"{file} is longer than {MOST_BYTES} bytes: it holds no token")
    try:
        token = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError(key, f"{file} is no text") from None
    if not token:
        raise ConfigError(key, f"{file} is empty")
    return token
