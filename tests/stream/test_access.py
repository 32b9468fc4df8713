"""Access: tokens and origins."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from stream.access import Access, is_loopback, new_token, presented_token

OPEN = Access(None)
GUARDED = Access(SecretStr("s3cret"))
DASH = ["https://dash.example"]
OPEN_TO_DASH, GUARDED_FOR_DASH = Access(None, DASH), Access(SecretStr("s3cret"), DASH)


@pytest.mark.parametrize("presented", [None, "", "anything"])
def test_without_a_token_everything_is_open(presented: str | None) -> None:
    assert OPEN.may_list(presented)
    assert OPEN.may_read(presented, "door")


@pytest.mark.parametrize(
    ("presented", "allowed"),
    [
        ("s3cret", True),
        (None, False),
        ("", False),
        ("s3cre", False),
        ("s3crett", False),
        ("S3CRET", False),
        ("ключ", False),
    ],
)
def test_with_a_token_only_its_bearer_comes_in(presented: str | None, allowed: bool) -> None:
    assert GUARDED.may_list(presented) is allowed
    assert GUARDED.may_read(presented, "door") is allowed


def test_an_empty_token_opens_nothing() -> None:
    access = Access(SecretStr(""))
    assert not access.may_list(presented_token({"authorization": "Bearer"}))
    assert not access.may_list(presented_token({"authorization": "Bearer  "}))
    assert not access.may_list(presented_token({"sec-websocket-protocol": "token."}))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"authorization": "Bearer s3cret"}, "s3cret"),
        ({"authorization": "bearer s3cret"}, "s3cret"),
        ({"authorization": "Bearer  s3cret "}, "s3cret"),
        ({"authorization": "Bearer"}, None),
        ({"authorization": "Basic s3cret"}, None),
        ({"sec-websocket-protocol": "deepfakestream.v1, token.s3cret"}, "s3cret"),
        ({"sec-websocket-protocol": "token.s3cret,deepfakestream.v1"}, "s3cret"),
        ({"sec-websocket-protocol": "token.a.b-c_d"}, "a.b-c_d"),
        ({"sec-websocket-protocol": "deepfakestream.v1"}, None),
        ({"sec-websocket-protocol": "token."}, None),
        ({"sec-websocket-protocol": "token"}, None),
        ({"authorization": "Bearer one", "sec-websocket-protocol": "token.two"}, "one"),
        ({"authorization": "Basic one", "sec-websocket-protocol": "token.two"}, "two"),
    ],
)
def test_the_token_comes_as_bearer_or_as_subprotocol(
    headers: dict[str, str], expected: str | None
) -> None:
    assert presented_token(headers) == expected


HERE = "127.0.0.1:8080"


@pytest.mark.parametrize(
    ("host", "origin", "allowed"),
    [
        (HERE, None, True),
        (HERE, "http://127.0.0.1:8080", True),
        ("localhost:8080", "http://localhost:8080", True),
        ("[::1]:8080", "http://[::1]:8080", True),
        (HERE, "https://dash.example", True),
        (HERE, "https://evil.example", False),
        (HERE, "http://127.0.0.1:9000", False),
        (HERE, "http://127.0.0.1", False),
        (HERE, "null", False),
        (HERE, "", False),
        (HERE, "http://[broken", False),
        ("", "null", False),
        ("[broken", None, False),
    ],
)
def test_a_browsers_script_may_come_from_the_own_page_or_an_allowed_site(
    host: str, origin: str | None, allowed: bool
) -> None:
    headers = {"host": host} if origin is None else {"host": host, "origin": origin}
    for access in (OPEN_TO_DASH, GUARDED_FOR_DASH):
        assert access.may_come_from(headers) is allowed


@pytest.mark.parametrize("headers", [{}, {"origin": "http://127.0.0.1:8080"}])
def test_a_request_that_names_no_host_is_refused_without_a_token(headers: dict[str, str]) -> None:
    assert not OPEN.may_come_from(headers)


@pytest.mark.parametrize("origin", [None, "http://rebound.example:8080"])
def test_a_foreign_name_that_points_here_is_refused_without_a_token(origin: str | None) -> None:
    headers = {"host": "rebound.example:8080"} | ({"origin": origin} if origin else {})
    assert not OPEN.may_come_from(headers)


def test_behind_a_token_the_server_may_have_any_name() -> None:
    headers = {"host": "cam.example", "origin": "https://cam.example"}
    assert GUARDED.may_come_from(headers)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("camera.local", False),
        ("", False),
    ],
)
def test_only_addresses_of_this_machine_alone_are_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_new_token_is_long_new_each_time_and_fits_a_subprotocol() -> None:
    tokens = {new_token().get_secret_value() for _ in range(20)}
    assert len(tokens) == 20
    for token in tokens:
        assert len(token) >= 32
        assert token.replace("-", "").replace("_", "").isalnum()


def test_a_token_is_masked_where_it_is_shown() -> None:
    token = new_token()
    assert token.get_secret_value() not in f"{token!r} {token}"


# -- publishers and their viewers -----------------------------------------------------------------


def shared() -> Access:
    return Access(
        SecretStr("s3cret"),
        publish_token=SecretStr("publish"),
        metrics_token=SecretStr("measure"),
    )


@pytest.mark.parametrize(
    ("presented", "allowed"), [("s3cret", True), ("publish", True), ("wrong", False), (None, False)]
)
def test_the_owner_and_who_has_the_publish_token_may_publish(
    presented: str | None, allowed: bool
) -> None:
    assert shared().may_publish(presented) is allowed


def test_without_a_publish_token_the_owner_alone_publishes() -> None:
    assert not GUARDED.may_publish("publish")
    assert GUARDED.may_publish("s3cret")
    assert OPEN.may_publish(None)


def test_the_publish_token_reads_nothing() -> None:
    access = shared()
    access.grant("cam")
    assert not access.may_read("publish", "cam")
    assert not access.may_list("publish")
    assert not access.owns("publish")


def test_a_viewer_token_reads_its_stream_alone() -> None:
    access = shared()
    ann, bob = (access.grant(name).get_secret_value() for name in ("ann", "bob"))
    assert ann != bob
    assert access.may_list(ann)
    assert access.may_read(ann, "ann")
    assert not access.may_read(ann, "bob")
    assert not access.may_read(ann, "door")
    assert not access.may_publish(ann)
    assert not access.owns(ann)


def test_a_viewer_token_ends_when_it_is_revoked_or_granted_anew() -> None:
    access = shared()
    first = access.grant("cam").get_secret_value()
    second = access.grant("cam").get_secret_value()
    assert not access.may_read(first, "cam")
    access.revoke("cam")
    access.revoke("cam")
    assert not access.may_read(second, "cam")
    assert not access.may_list(second)


@pytest.mark.parametrize(
    ("presented", "allowed"),
    [("s3cret", True), ("measure", True), ("publish", False), ("wrong", False), (None, False)],
)
def test_the_owner_and_who_has_the_metrics_token_may_measure(
    presented: str | None, allowed: bool
) -> None:
    access = shared()
    assert access.may_measure(presented) is allowed
    assert not access.may_measure(access.grant("cam").get_secret_value())


def test_the_metrics_token_does_nothing_else() -> None:
    access = shared()
    access.grant("cam")
    assert not access.owns("measure")
    assert not access.may_list("measure")
    assert not access.may_read("measure", "cam")
    assert not access.may_publish("measure")


def test_without_a_metrics_token_the_owner_alone_measures() -> None:
    assert GUARDED.may_measure("s3cret")
    assert not GUARDED.may_measure("measure")
    assert OPEN.may_measure(None)
