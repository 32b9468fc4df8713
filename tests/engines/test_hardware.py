"""What the machine calls its parts, as Linux and NVIDIA's driver write it."""

from __future__ import annotations

from pathlib import Path

from engines.hardware import driver_version, gpu_names, multiplies_bytes, processor_name


def test_the_processors_model_is_the_first_cores(tmp_path: Path) -> None:
    listing = tmp_path / "cpuinfo"
    listing.write_text("processor\t: 0\nmodel name\t: Abacus  9000\n\nmodel name\t: other\n")
    assert processor_name(listing) == "Abacus 9000"


def test_without_a_listing_it_has_some_name(tmp_path: Path) -> None:
    assert processor_name(tmp_path / "none")


def test_byte_products_are_among_the_processors_flags(tmp_path: Path) -> None:
    listing = tmp_path / "cpuinfo"
    for flags, can in (("sse avx512_vnni", True), ("avx_vnni", True), ("sse avx2", False)):
        listing.write_text(f"processor\t: 0\nflags\t\t: fpu {flags} adx\n")
        assert multiplies_bytes(listing) == can
    assert not multiplies_bytes(tmp_path / "none")


def test_gpus_and_driver_are_what_the_kernel_module_says(tmp_path: Path) -> None:
    for place, model in (("0000:01:00.0", "RTX 4090"), ("0000:02:00.0", "RTX 3060")):
        folder = tmp_path / "gpus" / place
        folder.mkdir(parents=True)
        (folder / "information").write_text(f"Model: \t\t NVIDIA {model}\nIRQ:   7\n")
    (tmp_path / "version").write_text("NVRM version: NVIDIA UNIX x86_64  580.65  Thu\nGCC: 13\n")
    assert gpu_names(tmp_path) == "NVIDIA RTX 4090, NVIDIA RTX 3060"
    assert driver_version(tmp_path) == "NVIDIA UNIX x86_64 580.65 Thu"


def test_without_a_driver_there_is_none(tmp_path: Path) -> None:
    assert (gpu_names(tmp_path), driver_version(tmp_path)) == ("none", "none")
