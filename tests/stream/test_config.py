"""The configuration: defaults, file, environment and command line, in this order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from stream.config import TOKENS, Config, cache_dir, data_dir, load_config
from stream.errors import ConfigError, StreamError


def load(
    toml: str | None = None,
    folder: Path | None = None,
    *,
    environ: dict[str, str] | None = None,
    **overrides: Any,
) -> Config:
    """Load with `overrides` written as section__name; `toml` is first put into `folder`."""
    file = None
    if toml is not None and folder is not None:
        file = folder / "deepfakestream.toml"
        file.write_text(toml, encoding="utf-8")
    dotted = {key.replace("__", "."): value for key, value in overrides.items()}
    return load_config(file, dotted, environ or {})


def problem(*args: Any, **kwargs: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(*args, **kwargs)
    assert isinstance(caught.value, StreamError)
    assert "\n" not in str(caught.value)
    return caught.value


def test_the_defaults_are_the_contracts() -> None:
    config = load()
    assert (config.server.host, config.server.port) == ("127.0.0.1", 8080)
    assert config.server.token is None
    assert (config.engine.name, config.engine.device) == ("auto", "cpu")
    assert config.source.open_timeout_s == 10.0
    assert config.source.rtsp_transport == "tcp"
    assert (config.run.serve, config.run.once, config.run.fast) == (True, False, False)
    assert config.scoring.window_s == 5.0
    assert config.scoring.false_alarms_per_hour == 0.1
    assert config.streams == ()


def test_a_file_overrides_defaults(tmp_path: Path) -> None:
    config = load("[server]\nport = 9000\n[faces]\nmin_face_px = 60\n", tmp_path)
    assert (config.server.port, config.faces.min_face_px) == (9000, 60)
    assert config.server.host == "127.0.0.1"


def test_the_command_line_overrides_the_file(tmp_path: Path) -> None:
    config = load("[server]\nport = 9000\nhost = '::1'\n", tmp_path, server__port=9001)
    assert (config.server.port, config.server.host) == (9001, "::1")


def test_the_environments_token_overrides_the_files_and_yields_to_the_command_lines(
    tmp_path: Path,
) -> None:
    toml, environ = "[server]\ntoken = 'file'\n", {"DEEPFAKESTREAM_TOKEN": "env"}
    from_environment = load(toml, tmp_path, environ=environ)
    from_command_line = load(toml, tmp_path, environ=environ, server__token="line")
    assert from_environment.server.token == SecretStr("env")
    assert from_command_line.server.token == SecretStr("line")


@pytest.mark.parametrize("token", ["two words", "a,b", "päss", 'quo"te'])
def test_a_token_that_a_browser_cannot_send_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(ConfigError, match=r"server\.token") as caught:
        load(server__token=token)
    assert token not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"XDG_CACHE_HOME": "/var/cache", "HOME": "/home/a"}, "/var/cache"),
        ({"XDG_CACHE_HOME": "", "HOME": "/home/a"}, "/home/a/.cache"),
        ({"XDG_CACHE_HOME": "not/absolute", "HOME": "/home/a"}, "/home/a/.cache"),
        ({}, "/.cache"),
    ],
)
def test_builds_are_kept_in_the_users_cache(environ: dict[str, str], folder: str) -> None:
    assert cache_dir(environ) == Path(folder) / "deepfakestream"


def test_an_empty_token_in_the_environment_is_none() -> None:
    assert load(environ={"DEEPFAKESTREAM_TOKEN": ""}).server.token is None


def test_no_other_environment_variable_is_read() -> None:
    environ = {"DEEPFAKESTREAM_PORT": "1", "PORT": "2", "SERVER_PORT": "3"}
    assert load(environ=environ) == load()


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("server__port", "0", 0),
        ("run__once", "true", True),
        ("run__duration_s", "2.5", 2.5),
        ("faces__min_face_px", "80", 80),
        ("scoring__window_s", "3", 3.0),
        ("scoring__false_alarms_per_hour", "0.01", 0.01),
        ("engine__weights", "elsewhere", Path("elsewhere")),
        ("engine__cache", "elsewhere", Path("elsewhere")),
        ("faces__thresholds", "[0.5, 0.6, 0.7]", (0.5, 0.6, 0.7)),
        ("source__schemes", '["rtsp"]', ("rtsp",)),
        ("server__host", "[::1]", "[::1]"),
    ],
)
def test_text_from_the_command_line_becomes_the_keys_type(key: str, text: Any, value: Any) -> None:
    section, _, name = key.partition("__")
    assert getattr(getattr(load(**{key: text}), section), name) == value


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("server__port", "99999", "server.port"),
        ("server__port", "-1", "server.port"),
        ("server__port", "http", "server.port"),
        ("server__colour", "red", "server.colour"),
        ("faces__colour", "red", "faces.colour"),
        ("colour__red", "1", "colour"),
        ("engine__name", "abacus", "engine.name"),
        ("engine__device", "gpu", "engine.device"),
        ("engine__threads", "-1", "engine.threads"),
        ("run__duration_s", "0", "run.duration_s"),
        ("run__duration_s", "inf", "run.duration_s"),
        ("source__open_timeout_s", "nan", "source.open_timeout_s"),
        ("source__rtsp_transport", "pigeon", "source.rtsp_transport"),
        ("scoring__window_s", "nan", "scoring.window_s"),
        ("scoring__window_s", "inf", "scoring.window_s"),
        ("scoring__window_s", "-1", "scoring"),
        ("scoring__false_alarms_per_hour", "0", "scoring"),
        ("scoring__long_undecided_s", "inf", "scoring.long_undecided_s"),
        ("faces__min_face_px", "5", "faces"),
        ("faces__thresholds", "[0.5, 0.6]", "faces.thresholds.2"),
        ("faces__thresholds", "[0.5, 0.6, 1.0]", "faces"),
        ("faces__factor", "1.0", "faces"),
        ("faces__lost_after_s", "-1", "faces"),
        ("faces__confirm_hits", "0", "faces"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_its_key(key: str, value: Any, named: str) -> None:
    assert problem(**{key: value}).key == named


def test_an_unknown_setting_is_said_to_be_unknown() -> None:
    assert "no such setting" in str(problem(server__colour="red"))


def test_an_options_own_sentence_is_given_without_decoration() -> None:
    assert str(problem(faces__min_face_px="5")).startswith("faces: min_face_px must be at least 12")


@pytest.mark.parametrize("key", ["port", "server.tls.cert", ""])
def test_a_key_is_one_section_and_one_name(key: str) -> None:
    with pytest.raises(ConfigError, match=r"section\.name"):
        load_config(None, {key: "1"}, environ={})


def test_a_list_in_the_file_cannot_be_set_as_a_section(tmp_path: Path) -> None:
    toml = "[[streams]]\nid = 'door'\nsource = 'demo'\n"
    assert problem(toml, tmp_path, streams__door="demo").key == "streams"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"[server", "no valid TOML"), (b"\xff\xfe", "cannot be read"), (None, "no such")],
)
def test_a_missing_or_broken_file_is_an_error_that_names_it(
    content: bytes | None, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "broken.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        load_config(file, {}, environ={})
    assert caught.value.key == str(file)


def test_a_folder_in_the_files_place_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path, {}, environ={})


def test_streams_may_stand_in_the_file(tmp_path: Path) -> None:
    toml = "[[streams]]\nid = 'door'\nsource = 'rtsp://a:b@cam/1'\n"
    (stream,) = load(toml, tmp_path).streams
    assert (stream.id, stream.source.get_secret_value()) == ("door", "rtsp://a:b@cam/1")


def test_two_streams_of_one_id_are_refused(tmp_path: Path) -> None:
    one = "[[streams]]\nid = 'door'\nsource = 'demo'\n"
    assert "'door' is given to two streams" in str(problem(one + one, tmp_path))


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 33, "tür"])
def test_an_id_is_short_and_plain(name: str, tmp_path: Path) -> None:
    toml = f"[[streams]]\nid = '{name}'\nsource = 'demo'\n"
    assert problem(toml, tmp_path).key == "streams.0.id"


def test_the_tree_is_frozen() -> None:
    config = load()
    with pytest.raises(ValidationError):
        config.server.port = 1


@pytest.mark.parametrize("show", [repr, str])
def test_secrets_are_masked_wherever_the_tree_is_shown(show: Any, tmp_path: Path) -> None:
    toml = "[[streams]]\nid = 'door'\nsource = 'rtsp://user:hunter2@cam/1'\n"
    config = load(toml, tmp_path, server__token="sesame")
    assert "hunter2" not in show(config)
    assert "sesame" not in show(config)


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_may_stand_in_a_file_of_its_own(name: str, tmp_path: Path) -> None:
    file = tmp_path / "mounted"
    file.write_text("sesame\n", encoding="utf-8")
    config = load_config(None, {f"server.{name}_file": str(file)}, environ={})
    assert getattr(config.server, name) == SecretStr("sesame")
    assert "sesame" not in repr(config)


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_and_its_file_together_are_refused(name: str, tmp_path: Path) -> None:
    file = tmp_path / "mounted"
    file.write_text("sesame", encoding="utf-8")
    given = {f"server.{name}_file": str(file), f"server.{name}": "other"}
    with pytest.raises(ConfigError, match=rf"server\.{name} is given, too") as caught:
        load_config(None, given, environ={})
    assert caught.value.key == f"server.{name}_file"


def test_the_environments_token_beside_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mounted"
    file.write_text("sesame", encoding="utf-8")
    wrong = problem(environ={"DEEPFAKESTREAM_TOKEN": "env"}, server__token_file=str(file))
    assert wrong.key == "server.token_file"


def test_a_mounted_token_that_a_browser_cannot_send_is_refused_and_not_repeated(
    tmp_path: Path,
) -> None:
    file = tmp_path / "mounted"
    file.write_text("open sesame", encoding="utf-8")
    wrong = problem(server__publish_token_file=str(file))
    assert wrong.key == "server.publish_token_file"
    assert "letters, digits" in wrong.problem
    assert "sesame" not in str(wrong)


def test_a_wrong_secret_is_not_repeated(tmp_path: Path) -> None:
    toml = "[server]\ntoken = ['sesame']\n[[streams]]\nid = '!'\nsource = 'rtsp://u:hunter2@c'\n"
    for text in (str(problem(toml, tmp_path)), str(problem(server__token=["sesame"]))):
        assert "sesame" not in text
        assert "hunter2" not in text


def test_the_data_folder_is_the_one_named(tmp_path: Path) -> None:
    assert data_dir({"DEEPFAKESTREAM_DATA": str(tmp_path)}) == tmp_path


def test_a_data_folder_that_is_named_but_missing_is_none(tmp_path: Path) -> None:
    assert data_dir({"DEEPFAKESTREAM_DATA": str(tmp_path / "absent")}) is None


def test_without_a_name_the_data_folder_lies_beside_the_checkout() -> None:
    found = data_dir({})
    assert found is None or found.parts[-2:] == ("shared", "data")
