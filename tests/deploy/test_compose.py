"""The compose file: hardened, and of one mind with the configuration that it mounts."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from stream.config import REPOSITORY, Config
from stream.listener import listens_beyond_loopback
from tests.deploy.places import DEPLOY, KUBERNETES, document

COMPOSE: Final = document(DEPLOY / "compose.yaml")
SERVICES: Final = COMPOSE["services"]


def configuration(file: Path) -> Config:
    return Config.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_writes_to_its_volumes_alone_and_gains_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_pages_are_reached_from_this_machine_alone(name: str) -> None:
    for port in SERVICES[name]["ports"]:
        assert port.startswith("127.0.0.1:") or port.endswith("/udp")


@pytest.mark.parametrize("name", ["prometheus", "grafana"])
def test_images_of_others_have_a_version(name: str) -> None:
    tag = SERVICES[name]["image"].rpartition(":")[2]
    assert tag.strip("v").replace(".", "").isdigit()


def test_what_a_service_uses_is_defined_and_what_is_mounted_is_there() -> None:
    for service in SERVICES.values():
        assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys()
        for config in service.get("configs", ()):
            assert (DEPLOY / COMPOSE["configs"][config["source"]]["file"]).is_file()
        for volume in service["volumes"]:
            place = volume.partition(":")[0]
            here = (DEPLOY / place).is_dir() if place.startswith(".") else False
            assert here or place in COMPOSE["volumes"], place


def test_the_script_makes_every_secret() -> None:
    script = (DEPLOY / "secrets.sh").read_text(encoding="utf-8")
    names = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    (loop,) = (line for line in script.splitlines() if line.startswith("for name in "))
    assert set(loop.removeprefix("for name in ").partition(";")[0].split()) == names
    assert "deploy/secrets/" in (REPOSITORY / ".gitignore").read_text(encoding="utf-8").split()


def test_the_detectors_tokens_are_the_secrets_that_it_is_given() -> None:
    server = configuration(DEPLOY / "detector.toml").server
    files = {server.token_file, server.publish_token_file, server.metrics_token_file}
    assert files == {Path("/run/secrets", name) for name in SERVICES["detector"]["secrets"]}


def test_the_published_ports_are_the_media_ports() -> None:
    rtc = configuration(DEPLOY / "detector.toml").webrtc
    (media,) = (port for port in SERVICES["detector"]["ports"] if port.endswith("/udp"))
    ports = f"{rtc.min_port}-{rtc.max_port}"
    assert media == f"{ports}:{ports}/udp"


def test_uploads_go_to_a_disk() -> None:
    detector = SERVICES["detector"]
    assert "spool:/tmp" in detector["volumes"]
    assert "tmpfs" not in detector


def test_the_gpu_file_changes_the_detector_alone() -> None:
    services: dict[str, Any] = document(DEPLOY / "compose.gpu.yaml")["services"]
    assert services.keys() == {"detector"}
    (device,) = services["detector"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


@pytest.mark.parametrize(
    "file",
    [DEPLOY / "detector.toml", *sorted(KUBERNETES.glob("*/detector.toml"))],
    ids=lambda file: file.parent.name,
)
def test_a_configuration_is_valid_and_its_tokens_are_files(file: Path) -> None:
    config = configuration(file)
    server = config.server
    assert not listens_beyond_loopback(server), "the image says where to listen"
    assert server.token is server.publish_token is server.metrics_token is None
    assert server.token_file
    assert server.publish_token_file
    assert server.metrics_token_file
