"""The manifests: hardened pods, probes and selectors that fit, and nothing lying about unused.

`make lint-deploy` renders them with Kustomize and validates them against Kubernetes' schemas.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from stream.config import REPOSITORY
from tests.deploy.places import KUBERNETES, document

LAYERS: Final = sorted(KUBERNETES.glob("*/kustomization.yaml"))
DEPLOYMENT: Final = document(KUBERNETES / "base" / "deployment.yaml")
POD: Final = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
APP: Final = {"app.kubernetes.io/name": "deepfakestream"}
NOT_APPLIED: Final = {"kustomization.yaml", "adapter.yaml"}
"""Kustomize's own file, and values for somebody else's chart."""


def base(name: str) -> Any:
    return document(KUBERNETES / "base" / name)


def referred(layer: Path) -> list[Path]:
    """The files and folders that a kustomization names."""
    content = document(layer)
    names = [*content.get("resources", ()), *content.get("components", ())]
    names += [patch["path"] for patch in content.get("patches", ())]
    return [(layer.parent / name).resolve() for name in names]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.parent.name)
def test_a_layer_names_what_is_there_and_all_that_is_there(layer: Path) -> None:
    assert all(path.exists() for path in referred(layer))
    beside = {file for file in layer.parent.glob("*.yaml") if file.name not in NOT_APPLIED}
    assert beside <= set(referred(layer))


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.parent.name)
def test_a_patch_is_for_something_of_the_base(layer: Path) -> None:
    named = {
        (item["kind"], item["metadata"]["name"])
        for item in map(document, (KUBERNETES / "base").glob("*.yaml"))
        if "metadata" in item
    }
    for patch in document(layer).get("patches", ()):
        target = document(layer.parent / patch["path"])
        assert (target["kind"], target["metadata"]["name"]) in named


def test_the_pod_keeps_the_strictest_standard() -> None:
    security = POD["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] == 10001
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["automountServiceAccountToken"] is False
    labels = base("namespace.yaml")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_image_runs_as_the_user_that_the_pod_names() -> None:
    dockerfile = (REPOSITORY / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert "USER 10001:10001\n" in dockerfile


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_a_probe_asks_for_a_route_that_needs_no_token(probe: str) -> None:
    asked = CONTAINER[probe]["httpGet"]
    served = json.loads((REPOSITORY / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert asked["path"] in served["paths"]
    assert asked["path"] in {"/healthz", "/readyz"}
    assert asked["port"] in {port["name"] for port in CONTAINER["ports"]}


def test_a_busy_pod_is_not_killed_before_it_is_taken_out_of_service() -> None:
    alive, ready = CONTAINER["livenessProbe"], CONTAINER["readinessProbe"]
    assert alive["periodSeconds"] * alive["failureThreshold"] >= 60
    assert ready["httpGet"]["path"] == "/readyz"


def test_every_mount_has_its_volume_and_uploads_go_to_a_disk() -> None:
    volumes = {volume["name"]: volume for volume in POD["volumes"]}
    assert {mount["name"] for mount in CONTAINER["volumeMounts"]} == volumes.keys()
    at = {mount["mountPath"]: volumes[mount["name"]] for mount in CONTAINER["volumeMounts"]}
    for path in ("/tmp", "/var/cache/deepfakestream"):  # noqa: S108  the container's own
        assert "sizeLimit" in at[path]["emptyDir"]
        assert "medium" not in at[path]["emptyDir"], "of memory it counts against the limit"


def test_a_pod_has_whole_cores_which_its_load_is_held_against() -> None:
    gpu = document(KUBERNETES / "gpu" / "device.yaml")["spec"]["template"]["spec"]["containers"][0]
    for resources in (CONTAINER["resources"], gpu["resources"]):
        asked, allowed = resources["requests"], resources["limits"]
        assert int(asked["cpu"]) == int(allowed["cpu"])
        assert asked["memory"] == allowed["memory"], "the kubelet gives cores to such pods alone"


def test_everything_selects_the_pods_and_no_others() -> None:
    assert base("disruption.yaml")["spec"]["selector"]["matchLabels"] == APP
    assert base("network.yaml")["spec"]["podSelector"]["matchLabels"] == APP
    for layer in ("base", "visitors", "cameras"):
        (label,) = document(KUBERNETES / layer / "kustomization.yaml")["labels"]
        assert label["includeSelectors"] is True


def test_the_network_is_closed_both_ways_but_for_what_is_named() -> None:
    spec = base("network.yaml")["spec"]
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
    assert all(rule["from"] for rule in spec["ingress"])
    for layer in ("base", "visitors", "cameras"):
        egress = document(KUBERNETES / layer / "network.yaml")["spec"]["egress"]
        assert all(rule["to"] and rule["ports"] for rule in egress)
        assert egress[0] == spec["egress"][0], "a patch replaces the list: names must stay"


def test_who_came_to_a_pod_comes_to_it_again() -> None:
    assert base("service.yaml")["spec"]["sessionAffinity"] == "ClientIP"


def test_visitors_are_scaled_and_cameras_are_not() -> None:
    autoscaler = document(KUBERNETES / "visitors" / "autoscaler.yaml")["spec"]
    assert autoscaler["scaleTargetRef"]["name"] == DEPLOYMENT["metadata"]["name"]
    assert autoscaler["minReplicas"] >= 2
    assert "replicas" not in DEPLOYMENT["spec"]
    assert "replicas" not in document(KUBERNETES / "visitors" / "rollout.yaml")["spec"]
    cameras = document(KUBERNETES / "cameras" / "rollout.yaml")["spec"]
    assert cameras == {"replicas": 1, "strategy": {"type": "Recreate"}}


def test_the_gpu_component_asks_for_one_gpu_and_the_image_that_uses_it() -> None:
    component = document(KUBERNETES / "gpu" / "kustomization.yaml")
    (image,) = component["images"]
    assert CONTAINER["image"].partition(":")[0] == image["name"]
    assert image["newTag"].endswith("-cuda")
    pod = document(KUBERNETES / "gpu" / "device.yaml")["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
