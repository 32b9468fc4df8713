"""The configuration: a small frozen tree, read once from file, environment and command line.

Building it does no I/O beyond reading the named file, and logs nothing. Each part of the program
receives only its own branch. Secrets are `SecretStr`: masked in `repr`, logs and errors.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)

from stream.errors import ConfigError
from stream.faces.options import FacesOptions
from stream.files.options import FilesOptions
from stream.mounted import token_in
from stream.rtc.options import RtcOptions
from stream.scoring.options import ScoringOptions

TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""What a WebSocket subprotocol may hold (RFC 9110, token): a browser can send nothing else."""
TOKENS: Final = ("token", "publish_token", "metrics_token")
REPOSITORY: Final = Path(__file__).resolve().parent.parent
WEIGHTS: Final = REPOSITORY / "weights"
"""The networks that ship."""
EngineName = Literal[
    "auto",
    "onnxruntime",
    "onnxruntime-cuda",
    "onnxruntime-tensorrt",
    "openvino",
    "tensorrt-rtx",
    "torch",
    "torch-tensorrt",
]


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where engines keep what took long to build: ``$XDG_CACHE_HOME``, else ``~/.cache``."""
    named = Path(environ.get("XDG_CACHE_HOME", ""))
    base = named if named.is_absolute() else Path(environ.get("HOME", "/")) / ".cache"
    return base / "deepfakestream"


class _Branch(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _sendable(token: SecretStr) -> SecretStr:
    if not TOKEN.fullmatch(token.get_secret_value()):
        raise ValueError("use letters, digits and !#$%&'*+.^_`|~- only: it travels in headers")
    return token


Token = Annotated[SecretStr, AfterValidator(_sendable)]


class ServerConfig(_Branch):
    """Where and how the page, the messages and the metrics are served.

    Each of the tokens is given, or the file that holds it; `load_config` reads the files.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    token: Token | None = None
    token_file: Path | None = None
    publish_token: Token | None = None
    publish_token_file: Path | None = None
    metrics_token: Token | None = None
    metrics_token_file: Path | None = None
    allowed_origins: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    preview_width_px: int = Field(default=960, ge=64, le=3840)
    preview_fps: float = Field(default=30.0, gt=0, le=120)
    preview_quality: int = Field(default=80, ge=10, le=100)


class EngineConfig(_Branch):
    """Which runtime the networks run on, and where: `device` names one or more, after commas, each
    of which gets a thread and networks of its own. `threads` of one call on a CPU; 0 means one for
    every two cores, shared among the devices, at most 4. `precision` is the detector's; see
    `engines.precision`.

    `cache` is made where it is needed; it must belong to this user alone.
    """

    name: EngineName = "auto"
    device: str = Field(default="cpu", pattern=r"^(cpu(,cpu)*|cuda:\d+(,cuda:\d+)*)$")
    threads: int = Field(default=0, ge=0, le=256)
    precision: Literal["auto", "fp32", "int8"] = "auto"
    weights: Path = REPOSITORY / "weights"
    cache: Path = Field(default_factory=cache_dir)


class SourceConfig(_Branch):
    """How sources are opened and what may be opened. Time spans in seconds.

    `hosts`, `allow_demo` and `max_streams` bound what may be added while the service runs.
    """

    schemes: tuple[str, ...] = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "srt", "udp")
    open_timeout_s: float = Field(default=10.0, gt=0, le=600)
    read_timeout_s: float = Field(default=2.5, gt=0, le=60)
    rtsp_transport: Literal["tcp", "udp"] = "tcp"
    hosts: tuple[str, ...] = ()
    allow_demo: bool = False
    max_streams: int = Field(default=32, ge=1, le=1024)


class RunConfig(_Branch):
    """How long to run, and what to do besides."""

    serve: bool = True
    once: bool = False
    fast: bool = False
    duration_s: float | None = Field(default=None, gt=0)
    jsonl: str | None = None


class StreamConfig(_Branch):
    """One stream: its id and the SOURCE as it was written, secrets included."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")
    source: SecretStr


class Config(_Branch):
    """The whole tree."""

    streams: tuple[StreamConfig, ...] = ()
    server: ServerConfig = ServerConfig()
    engine: EngineConfig = EngineConfig()
    source: SourceConfig = SourceConfig()
    run: RunConfig = RunConfig()
    faces: FacesOptions = FacesOptions()
    scoring: ScoringOptions = ScoringOptions()
    webrtc: RtcOptions = RtcOptions()
    files: FilesOptions = FilesOptions()

    @field_validator("streams")
    @classmethod
    def _named_once(cls, streams: tuple[StreamConfig, ...]) -> tuple[StreamConfig, ...]:
        ids = [stream.id for stream in streams]
        if twice := [name for name in ids if ids.count(name) > 1]:
            raise ValueError(f"the id {twice[0]!r} is given to two streams")
        return streams


def load_config(
    file: Path | None,
    overrides: Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
) -> Config:
    """Read the tree: defaults, then `file` (TOML), the environment, then `overrides`.

    `overrides` maps dotted keys (``server.port``) to values; strings are converted to the key's
    type, a list written as in TOML: ``["rtsp", "http"]``. The environment gives only
    ``DEEPFAKESTREAM_TOKEN``. Tokens that are in files of their own are read from there.

    Raises: ConfigError that names the key, for a missing or broken file, an unknown key, a
    value out of range, or a token that is given beside its file. Values of secret keys are not
    repeated.
    """
    body = _read(file) if file else {}
    if token := environ.get("DEEPFAKESTREAM_TOKEN"):
        _put(body, "server.token", token)
    for key, value in overrides.items():
        _put(body, key, _unwritten(value))
    try:
        config = Config.model_validate(body)
    except ValidationError as exc:
        raise _config_error(exc) from None
    return config.model_copy(update={"server": _with_mounted_tokens(config.server)})


def data_dir(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The third-party data folder: ``DEEPFAKESTREAM_DATA``, else beside the checkout, or None."""
    named = environ.get("DEEPFAKESTREAM_DATA")
    path = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    return path if path.is_dir() else None


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(str(file), "there is no such configuration file") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(str(file), f"cannot be read: {exc}") from exc
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(str(file), f"is no valid TOML: {exc}") from exc


def _with_mounted_tokens(server: ServerConfig) -> ServerConfig:
    found = {}
    for name in TOKENS:
        file, key = getattr(server, f"{name}_file"), f"server.{name}_file"
        if file is None:
            continue
        if getattr(server, name) is not None:
            raise ConfigError(key, f"server.{name} is given, too: one of them is enough")
        try:
            found[name] = _sendable(SecretStr(token_in(file, key)))
        except ValueError as exc:
            raise ConfigError(key, f"what {file} holds cannot be sent: {exc}") from None
    return server.model_copy(update=found)


def _put(body: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    if len(sections) != 1:
        raise ConfigError(key, "a key is section.name, such as server.port")
    branch = body.setdefault(sections[0], {})
    if not isinstance(branch, dict):
        raise ConfigError(sections[0], "is a list, not a section: it cannot be set this way")
    branch[last] = value


def _unwritten(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("["):
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value  # an address such as [::1]


def _config_error(exc: ValidationError) -> ConfigError:
    first = exc.errors(include_url=False, include_input=False, include_context=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    text = first["msg"].removeprefix("Value error, ")
    if first["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        text = "there is no such setting"
    return ConfigError(key or "configuration", text)
