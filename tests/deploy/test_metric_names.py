"""Alerts, dashboard and autoscaler ask for metrics that the program gives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stream.metrics import Metrics
from tests.deploy.places import DEPLOY, KUBERNETES, document

NAME: Final = re.compile(r"\b(?:deepfakestream|process)_[a-z_]+")
ALERTS: Final = DEPLOY / "prometheus" / "alerts.yml"
TESTS: Final = DEPLOY / "prometheus" / "alerts.test.yml"
DASHBOARD: Final = DEPLOY / "grafana" / "dashboards" / "deepfakestream.json"


@pytest.fixture(scope="module")
def exposed() -> frozenset[str]:
    """The names in the exposition of a service with one stream that one client looks at."""
    metrics = Metrics()
    metrics.engine("onnxruntime", "cpu", "CPUExecutionProvider", "fp32")
    door = metrics.stream("door")
    door.watch(lambda: 0.1, lambda: 1.0)
    door.latency("scored", 0.1)
    with door.client("scores"):
        families = list(text_string_to_metric_families(metrics.text().decode()))
    return frozenset(sample.name for family in families for sample in family.samples)


def rules() -> list[dict[str, Any]]:
    groups = document(ALERTS)["groups"]
    return [rule for group in groups for rule in group["rules"]]


def asked_for() -> Iterator[tuple[str, str]]:
    """Each name that is asked for, and where."""
    autoscaler = KUBERNETES / "visitors" / "autoscaler.yaml"
    for file in (ALERTS, TESTS, DASHBOARD, autoscaler, KUBERNETES / "visitors" / "adapter.yaml"):
        for name in set(NAME.findall(file.read_text(encoding="utf-8"))):
            yield file.name, name


@pytest.mark.parametrize(("file", "name"), sorted(asked_for()))
def test_what_is_asked_for_is_given(file: str, name: str, exposed: frozenset[str]) -> None:
    assert name in exposed


def test_the_autoscaler_reads_the_admitted_load_that_the_adapter_gives() -> None:
    (metric,) = document(KUBERNETES / "visitors" / "autoscaler.yaml")["spec"]["metrics"]
    (rule,) = document(KUBERNETES / "visitors" / "adapter.yaml")["rules"]["custom"]
    assert metric["pods"]["metric"]["name"] == "deepfakestream_admitted_load"
    assert rule["name"]["as"] == metric["pods"]["metric"]["name"]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_happened_what_to_do_and_how_urgent_it_is(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"].keys() == {"summary", "description"}
    assert re.search(r"\{\{ \$labels\.(stream|instance) \}\}", rule["annotations"]["summary"])


def test_each_alert_is_tested() -> None:
    tested = {
        case["alertname"] for test in document(TESTS)["tests"] for case in test["alert_rule_test"]
    }
    assert tested == {rule["alert"] for rule in rules()}


def test_the_dashboard_reads_the_data_source_that_is_provisioned() -> None:
    sources = document(DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yaml")
    uids = {source["uid"] for source in sources["datasources"]}
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [target for panel in dashboard["panels"] for target in panel["targets"]]
    asked += dashboard["templating"]["list"]
    assert {item["datasource"]["uid"] for item in asked} == uids


def test_no_two_panels_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        x, y, w, h = (panel["gridPos"][key] for key in "xywh")
        cells = {(column, row) for column in range(x, x + w) for row in range(y, y + h)}
        assert not taken & cells, panel["title"]
        assert x + w <= 24
        taken |= cells


@pytest.mark.parametrize("name", ["prometheus.yml", "kubernetes.yml"])
def test_prometheus_shows_the_scrapers_token_and_reads_the_alerts(name: str) -> None:
    folder = DEPLOY / "prometheus"
    config = document(folder / name)
    assert all((folder / rules).is_file() for rules in config.get("rule_files", ()))
    (job,) = config["scrape_configs"]
    assert Path(job["authorization"]["credentials_file"]).name == "metrics_token"
    assert job["job_name"] == "deepfakestream"  # the alerts and panels ask for it


def test_in_the_cluster_a_metric_bears_what_the_adapter_looks_it_up_by() -> None:
    (job,) = document(DEPLOY / "prometheus" / "kubernetes.yml")["scrape_configs"]
    (rule,) = document(KUBERNETES / "visitors" / "adapter.yaml")["rules"]["custom"]
    labels = {step.get("target_label") for step in job["relabel_configs"]}
    assert rule["resources"]["overrides"].keys() <= labels
