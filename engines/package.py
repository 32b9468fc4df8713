"""An engine's package: imported with the engine, missing told from broken; which GPU it takes."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from engines.errors import EngineUnavailable

GPU: Final = re.compile(r"cuda:(\d+)")


def load_package(engine: str, module: str, *, needs: str, install: str, repair: str) -> Any:
    """Import `module` for `engine` and look up its attribute `needs`.

    A half-removed wheel imports as an empty package, hence `needs`. `install` and `repair` are
    what the reader is told to do about a missing and about a broken package.

    Raises: EngineUnavailable.
    """
    try:
        package = import_module(module)
        getattr(package, needs)
    except ModuleNotFoundError as exc:
        if f"{module}.".startswith(f"{exc.name}."):  # itself, or a package that it lies in
            raise EngineUnavailable(engine, f"the package {module} is missing", install) from exc
        raise EngineUnavailable(engine, _broken(module, exc), repair) from exc
    except Exception as exc:  # a native package that cannot load raises whatever it likes
        raise EngineUnavailable(engine, _broken(module, exc), repair) from exc
    return package


def _broken(module: str, cause: Exception) -> str:
    return f"the package {module} is installed but broken ({cause})"


def gpu_number(engine: str, device: str) -> int:
    """Give N of ``cuda:N``.

    Raises: EngineUnavailable for any other device.
    """
    match = GPU.fullmatch(device)
    if match is None:
        raise EngineUnavailable(engine, f"it cannot run on {device!r}", "use --device cuda:0")
    return int(match[1])


def installed_version(distribution: str) -> str:
    """The version of an installed distribution, ``none`` if it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"
