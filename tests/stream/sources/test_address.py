from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.sources.address import host_of, mask_secrets, read_address, scrub


@pytest.mark.parametrize(
    ("text", "scheme", "target"),
    [
        ("demo", "demo", ""),
        ("./demo", "file", "./demo"),
        ("camera:0", "camera", "0"),
        ("camera:/dev/video12", "camera", "/dev/video12"),
        ("RTSP://host/x", "rtsp", "RTSP://host/x"),
        ("clips/a b.mp4", "file", "clips/a b.mp4"),
        ("concat:a|b", "file", "concat:a|b"),
    ],
)
def test_what_a_source_stands_for(text: str, scheme: str, target: str) -> None:
    assert read_address(text) == (scheme, target)


@pytest.mark.parametrize("text", ["camera:", "camera:x", "camera:/etc/passwd", "camera:-1"])
def test_a_camera_is_a_number_or_a_video_device(text: str) -> None:
    with pytest.raises(ValueError, match="camera:0 or camera:/dev/video0"):
        read_address(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("demo", "demo"),
        ("clips/token=a.mp4", "clips/token=a.mp4"),
        ("rtsp://host:554/live?x=1", "rtsp://host:554/live?x=1"),
        ("http://host/live@2", "http://host/live@2"),
        ("rtsp://user:pw@host/live", "rtsp://user:***@host/live"),
        ("cam=rtsp://user:pw@host/live", "cam=rtsp://user:***@host/live"),
        ("rtsp://user:p@ss/w:o?rd#@host:554/a", "rtsp://user:***@host:554/a"),
        ("rtsp://user:p w@host/a", "rtsp://user:***@host/a"),
        ("rtsp://:pw@host", "rtsp://:***@host"),
        ("http://bearer@host/x", "http://***@host/x"),
        ("http://h/?token=a@b&c=d", "http://h/?token=***&c=d"),
        ("http://h/?x=1&Pass%77ord=abc#f&y=2", "http://h/?x=1&Pass%77ord=***&y=2"),
        ("srt://h:1?streamid=a&passphrase=b", "srt://h:1?streamid=a&passphrase=***"),
        ("http://u:x?token=yy@h/z", "http://u:***@***"),
    ],
)
def test_masking(text: str, shown: str) -> None:
    assert mask_secrets(text) == shown


# A marker that no other part of an address can hold stands for the characters of the secret.
odd = st.text(alphabet="X@:/?#&=%;[]\\ .\u00e9", min_size=1, max_size=12).filter(
    lambda text: "X" in text
)
word = st.text(alphabet="abcdefghi0123456789", min_size=1, max_size=8)


@given(odd, word, word, word)
def test_no_password_leaks_however_odd(password: str, user: str, host: str, path: str) -> None:
    assert "X" not in mask_secrets(f"rtsp://{user}:{password}@{host}/{path}")
    assert "X" not in mask_secrets(f"name=rtsp://{user}:{password}@{host}:554/{path}?a=b")


@given(
    st.sampled_from(["token", "Password", "api_key", "sig", "auth", "%74oken", "passphrase"]),
    odd.filter(lambda text: "&" not in text),
    word,
)
def test_no_secret_parameter_leaks(name: str, value: str, host: str) -> None:
    assert "X" not in mask_secrets(f"http://{host}/live?a=b&{name}={value}&c=d")
    assert "X" not in mask_secrets(f"http://{host}/live?{name}={value}")


@given(st.text(alphabet="X@:/?#&=%", min_size=4, max_size=12).filter(lambda text: "X" in text))
def test_what_another_library_wrote_is_scrubbed(password: str) -> None:
    source = f"rtsp://user:{password}@host/live"
    message = scrub(f"Server returned 401: {source!s} (login user, {password})", source)
    assert password not in message.replace("***", "")
    assert message.startswith("Server returned 401")


def test_scrubbing_knows_the_unescaped_password() -> None:
    source = "rtsp://user:p%40ssword@host/live?token=secret99"
    assert scrub("bad password p@ssword, token secret99", source) == "bad password ***, token ***"


def test_scrubbing_leaves_short_words_alone() -> None:
    assert scrub("a bad answer", "rtsp://user:a@host/") == "a bad answer"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("rtsp://10.0.0.1:554/x", "10.0.0.1"),
        ("rtsp://u:p@cam.local/x", "cam.local"),
        ("http://[fe80::1]:80/x", "fe80::1"),
        ("http://host?x=1", "host"),
        ("udp://:1234", "udp"),
        ("rtsp://u:p@ss/w@host/x", "rtsp"),
        ("no url", ""),
    ],
)
def test_the_host_is_never_part_of_a_password(url: str, host: str) -> None:
    assert host_of(url) == host
