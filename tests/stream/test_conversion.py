"""Conversion: made once, for whoever asks first, kept for the others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from stream.conversion import Conversion
from stream.types import Pixels
from tests import builders


def test_a_picture_is_converted_once_for_all_who_ask() -> None:
    calls: list[int] = []

    def convert() -> Pixels:
        calls.append(1)
        return builders.textured()

    conversion = Conversion(convert)
    assert not calls, "nobody has asked"
    with ThreadPoolExecutor(4) as threads:
        given = list(threads.map(lambda _: conversion(), range(16)))
    assert len(calls) == 1
    assert all(pixels is given[0] for pixels in given)


def test_a_failure_is_the_askers_and_the_next_one_tries_again() -> None:
    problems = [MemoryError("full")]

    def convert() -> Pixels:
        if problems:
            raise problems.pop()
        return builders.textured()

    conversion = Conversion(convert)
    with pytest.raises(MemoryError):
        conversion()
    assert conversion().shape == (240, 320, 3)
