"""Metrics: what Prometheus reads, and fault lines that do not flood."""

from __future__ import annotations

import logging
import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stream.latency import HOPS
from stream.metrics import FaultLog, Metrics

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(metrics: Metrics) -> Samples:
    return {
        (sample.name.removeprefix("deepfakestream_"), tuple(sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return samples(metrics)[name, tuple(sorted(labels.items()))]


def test_every_counter_starts_at_zero_for_each_stream() -> None:
    metrics = Metrics()
    metrics.stream("door")
    names = ("frames", "frames_dropped", "frames_corrupt", "faces_scored", "messages",
             "messages_lost", "reconnects", "faults", "alarms")  # fmt: skip
    for name in names:
        assert value(metrics, f"{name}_total", stream="door") == 0


def test_streams_are_counted_apart() -> None:
    metrics = Metrics()
    door, yard = metrics.stream("door"), metrics.stream("yard")
    door.frames.inc(3)
    yard.frames.inc()
    assert value(metrics, "frames_total", stream="door") == 3
    assert value(metrics, "frames_total", stream="yard") == 1


@pytest.mark.parametrize("hop", HOPS)
def test_each_hops_latency_is_a_histogram(hop: str) -> None:
    metrics = Metrics()
    stream = metrics.stream("door")
    for known in HOPS:
        if known == hop:
            stream.latency(known, 0.04)
    assert value(metrics, "latency_seconds_count", stream="door", hop=hop) == 1
    assert value(metrics, "latency_seconds_sum", stream="door", hop=hop) == 0.04
    assert value(metrics, "latency_seconds_bucket", stream="door", hop=hop, le="0.03") == 0
    assert value(metrics, "latency_seconds_bucket", stream="door", hop=hop, le="0.05") == 1


def test_evidence_age_and_liveness_are_read_when_they_are_asked_for() -> None:
    metrics = Metrics()
    now = {"age": 0.1, "live": 1.0}
    metrics.stream("door").watch(lambda: now["age"], lambda: now["live"])
    assert value(metrics, "evidence_age_seconds", stream="door") == 0.1
    now |= {"age": math.nan, "live": 0.0}
    assert math.isnan(value(metrics, "evidence_age_seconds", stream="door"))
    assert value(metrics, "source_live", stream="door") == 0.0


def test_clients_come_and_go_by_channel() -> None:
    metrics = Metrics()
    stream = metrics.stream("door")
    with stream.client("scores"), stream.client("video"):
        with stream.client("scores"):
            assert value(metrics, "clients", stream="door", channel="scores") == 2
        assert value(metrics, "clients", stream="door", channel="scores") == 1
        assert value(metrics, "clients", stream="door", channel="video") == 1


def test_the_engine_in_use_is_stated() -> None:
    metrics = Metrics()
    metrics.engine("onnxruntime", "cpu", "CPUExecutionProvider", "fp32")
    labels = {"engine": "onnxruntime", "device": "cpu", "provider": "CPUExecutionProvider"}
    labels["precision"] = "fp32"
    assert value(metrics, "engine_info", **labels) == 1


def test_two_services_never_share_counts() -> None:
    one, other = Metrics(), Metrics()
    one.stream("door").frames.inc()
    other.stream("door")
    assert value(other, "frames_total", stream="door") == 0


@pytest.fixture
def faults(caplog: pytest.LogCaptureFixture) -> FaultLog:
    caplog.set_level(logging.WARNING)
    return FaultLog(logging.getLogger("test-faults"), "door")


def test_a_fault_is_one_line_that_names_the_stream(
    faults: FaultLog, caplog: pytest.LogCaptureFixture
) -> None:
    faults.report(ValueError("no luck"), 10.0)
    assert caplog.messages == ["door: no luck"]


def test_at_most_one_line_a_second_and_the_rest_is_counted(
    faults: FaultLog, caplog: pytest.LogCaptureFixture
) -> None:
    for tenth in range(25):
        faults.report("no luck", 10.0 + tenth / 10)
    assert caplog.messages == [
        "door: no luck",
        "door: no luck (and 9 more in the meantime)",
        "door: no luck (and 9 more in the meantime)",
    ]


def test_faults_a_second_apart_are_all_told(
    faults: FaultLog, caplog: pytest.LogCaptureFixture
) -> None:
    for second in range(3):
        faults.report("no luck", float(second))
    assert caplog.messages == ["door: no luck"] * 3


def test_a_stream_that_is_forgotten_leaves_no_trace_even_if_its_last_client_goes_later() -> None:
    metrics = Metrics()
    metrics.stream("door").frames.inc()
    guest = metrics.stream("guest")
    guest.frames.inc()
    guest.latency("faces", 0.1)
    guest.watch(lambda: 1.0, lambda: 1.0)
    with guest.client("scores"):
        metrics.forget("guest")
    text = metrics.text().decode()
    assert "guest" not in text
    assert 'stream="door"' in text
