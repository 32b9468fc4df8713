"""LatencyRecord: percentiles and a count that goes on."""

from __future__ import annotations

import pytest

from stream.latency import HOPS, KEPT, LatencyRecord


def filled(values: list[float]) -> LatencyRecord:
    record = LatencyRecord()
    for value in values:
        record.add(value)
    return record


def test_the_hops_are_those_of_the_contract_in_order() -> None:
    assert HOPS == ("decoded", "faces", "scored", "sent")


def test_without_a_sample_there_are_no_percentiles() -> None:
    assert LatencyRecord().summary() == {"p50": None, "p95": None, "p99": None, "count": 0}


def test_percentiles_and_count_of_a_hundred_and_one_samples() -> None:
    summary = filled([float(value) for value in range(101)]).summary()
    assert summary == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "count": 101}


def test_one_sample_is_every_percentile() -> None:
    assert filled([12.5]).summary() == {"p50": 12.5, "p95": 12.5, "p99": 12.5, "count": 1}


def test_the_order_of_samples_does_not_matter() -> None:
    values = [float(value) for value in range(50)]
    assert filled(values).summary() == filled(values[::-1]).summary()


def test_memory_is_bounded_while_the_count_goes_on() -> None:
    summary = filled([1.0] * 10 + [2.0] * KEPT).summary()
    assert summary["p50"] == pytest.approx(2.0)
    assert summary["count"] == KEPT + 10
