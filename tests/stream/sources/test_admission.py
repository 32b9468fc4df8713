"""Admission: what somebody may have opened who asks over the network."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stream.errors import ConfigError
from stream.sources.admission import MOST_CHARACTERS, Admission

SCHEMES = ("rtsp", "rtsps", "http", "https", "srt", "udp")
NAMES = {
    "example.org": ["93.184.216.34"],
    "cam.example.org": ["93.184.216.34"],
    "both.example.org": ["93.184.216.34", "10.0.0.5"],
    "inside.example.org": ["192.168.1.9"],
    "localhost": ["127.0.0.1", "::1"],
}


def resolve(host: str) -> Sequence[str]:
    if host in NAMES:
        return NAMES[host]
    if host.replace(".", "").isdigit() or ":" in host:
        return [host]
    raise OSError("no such host")


@pytest.mark.parametrize(
    "text",
    [
        "", "demo", "camera:0", "camera:/dev/video0", "camera:|sh", "file:///etc/passwd",
        "/etc/passwd", "clip.mp4", "./demo", "file:clip.mp4", "concat:a|b", "pipe:0", "-",
        "subfile,,start,0,end,9,,:/etc/passwd", "data:video/mp4;base64,AAAA",
        "FILE:///etc/passwd", "exec:sh", "lavfi:testsrc", "gopher://example.org/", "ffmpeg://x",
        "rtsp://cam/\nheader", "rtsp://cam/\0", " rtsp://cam/", "rtsp://" + MOST_CHARACTERS * "a",
        "demo://x", "camera://0", "hls+http://cam/x", "tcp://cam:80", "unix:/run/x", "async:file:x",
        "crypto://x", "cache:file:///etc/passwd",
    ],
)  # fmt: skip
@pytest.mark.parametrize("confined", [True, False])
def test_nothing_that_is_asked_for_becomes_a_process_or_a_local_file(
    text: str, confined: bool
) -> None:
    with pytest.raises(ConfigError):
        Admission((*SCHEMES, "file", "demo", "camera"), confined=confined).check_text(text)


@pytest.mark.parametrize(
    "text",
    ["rtsp://cam/1", "RTSP://cam/1", "rtsp://me:secret@cam:8554/1", "https://[2001:db8::1]/live"],
)
def test_addresses_of_an_allowed_scheme_may_be_asked_for(text: str) -> None:
    Admission(SCHEMES).check_text(text)


def test_the_demo_only_where_the_configuration_says_so() -> None:
    admission = Admission((), confined=True, demo=True)
    admission.check_text("demo")
    admission.check_host("demo")


@pytest.mark.parametrize(
    "text",
    [
        "http://cam.example.org\\@127.0.0.1/", "http://a@b@127.0.0.1/", "http:///path",
        "http://cam.example.org:80:90/", "http://[::1/", "http://cam%2eexample/", "rtsp://ca m/",
        "http://me:se/cret@127.0.0.1:x/",
    ],
)  # fmt: skip
def test_where_others_may_ask_an_address_has_one_host_beyond_doubt(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Admission(SCHEMES, confined=True).check_text(text)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("cam.example.org", True),
        ("CAM.example.org.", True),
        ("93.184.216.34", True),
        ("[2606:2800:220:1::1]", True),
        ("localhost", False),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("239.1.1.1", False),
        ("[::1]", False),
        ("[::]", False),
        ("[fe80::1]", False),
        ("[fd00::1]", False),
        ("[::ffff:127.0.0.1]", False),
        ("[64:ff9b::7f00:1]", False),
        ("[2002:7f00:1::]", False),
        ("both.example.org", False),
        ("inside.example.org", False),
        ("nowhere.example.org", False),
    ],
)
def test_where_others_may_ask_only_public_hosts_are_opened(host: str, allowed: bool) -> None:
    admission = Admission(SCHEMES, confined=True)
    address = f"rtsp://me:secret@{host}:8554/1"
    admission.check_text(address)
    if allowed:
        admission.check_host(address, resolve)
        return
    with pytest.raises(ConfigError) as caught:
        admission.check_host(address, resolve)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("hosts", "host", "allowed"),
    [
        (("inside.example.org",), "inside.example.org", True),
        (("*.Example.org",), "inside.example.org", True),
        (("*.example.org",), "example.org", False),
        (("192.168.1.0/24",), "192.168.1.7", True),
        (("192.168.1.0/24",), "inside.example.org", True),
        (("192.168.1.0/24",), "192.168.2.7", False),
        (("10.0.0.5",), "both.example.org", False),
        (("192.168.1.0/24",), "cam.example.org", False),
        (("fd00::/8",), "[fd00::7]", True),
    ],
)
def test_a_list_of_hosts_opens_those_and_no_others(
    hosts: tuple[str, ...], host: str, allowed: bool
) -> None:
    admission = Admission(SCHEMES, hosts, confined=True)
    if allowed:
        admission.check_host(f"rtsp://{host}/1", resolve)
        return
    with pytest.raises(ConfigError, match="may not be opened"):
        admission.check_host(f"rtsp://{host}/1", resolve)


def test_this_machines_own_user_may_have_any_host_opened() -> None:
    Admission(SCHEMES).check_host("rtsp://127.0.0.1/1", resolve)


def test_numbers_that_mean_loopback_are_resolved_before_they_are_judged() -> None:
    with pytest.raises(ConfigError):
        Admission(SCHEMES, confined=True).check_host("http://2130706433/")
    with pytest.raises(ConfigError):
        Admission(SCHEMES, confined=True).check_host("http://0x7f.1/")
