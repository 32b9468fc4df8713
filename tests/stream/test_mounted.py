"""Tokens in files: what is taken from one, and what is refused without being shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.errors import ConfigError
from stream.mounted import MOST_BYTES, token_in


def mounted(folder: Path, content: bytes) -> Path:
    file = folder / "token"
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("content", [b"s3cret", b"s3cret\n", b"s3cret\r\n", b"s3cret\n\n"])
def test_a_newline_at_the_end_is_no_part_of_the_token(content: bytes, tmp_path: Path) -> None:
    assert token_in(mounted(tmp_path, content), "server.token_file") == "s3cret"


def test_a_token_may_be_as_long_as_the_limit(tmp_path: Path) -> None:
    assert len(token_in(mounted(tmp_path, b"x" * MOST_BYTES), "key")) == MOST_BYTES


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"s3cret\xff", "is no text"),
        (b"s3cret" * MOST_BYTES, "holds no token"),
    ],
)
def test_a_file_without_a_token_is_an_error_that_names_it(
    content: bytes, said: str, tmp_path: Path
) -> None:
    file = mounted(tmp_path, content)
    with pytest.raises(ConfigError, match=said) as caught:
        token_in(file, "server.token_file")
    assert caught.value.key == "server.token_file"
    assert str(file) in caught.value.problem
    assert "s3cret" not in str(caught.value)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file") as caught:
        token_in(tmp_path / "absent", "server.token_file")
    assert "absent" in caught.value.problem


def test_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        token_in(tmp_path, "server.token_file")
