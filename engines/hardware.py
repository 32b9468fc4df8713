"""What the machine calls its processor and its GPUs, read where no driver or package is needed."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Final

NVIDIA: Final = Path("/proc/driver/nvidia")
PROCESSOR: Final = Path("/proc/cpuinfo")
BYTE_PRODUCTS: Final = {"avx512_vnni", "avx_vnni"}


def processor_name(listing: Path = PROCESSOR) -> str:
    """The processor's model, ``unknown`` where nothing says it."""
    return _field(listing, "model name") or platform.processor() or "unknown"


def multiplies_bytes(listing: Path = PROCESSOR) -> bool:
    """Whether the processor sums products of bytes in 32 bits (VNNI); False where it is not x86."""
    return not BYTE_PRODUCTS.isdisjoint(_field(listing, "flags").split())


def gpu_names(folder: Path = NVIDIA) -> str:
    """The models of all NVIDIA GPUs, in the order of their places; ``none`` without a driver."""
    files = sorted((folder / "gpus").glob("*/information"))
    return ", ".join(_field(file, "Model") for file in files) or "none"


def driver_version(folder: Path = NVIDIA) -> str:
    """What NVIDIA's kernel module says of itself; ``none`` without one."""
    return _field(folder / "version", "NVRM version") or "none"


def _field(file: Path, name: str) -> str:
    """The rest of the first line ``name : …``, empty where there is none."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found = (line.partition(":") for line in lines)
    return next((" ".join(value.split()) for key, _, value in found if key.strip() == name), "")
