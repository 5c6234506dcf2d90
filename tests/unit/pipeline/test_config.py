"""Settings come from the strongest place that has them; a wrong one is named with what would be right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.config import explained, layers, load, validated
from pipeline.core.errors import ConfigError


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of this machine: an empty working folder and an empty data folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IOC__DATA", str(tmp_path / "data"))
    monkeypatch.delenv("IOC_CONFIG", raising=False)
    (tmp_path / "data").mkdir()


def _stack(tmp_path: Path, **sections: object) -> None:
    (tmp_path / "data" / "stack.json").write_text(json.dumps(sections))


def test_the_local_stack_is_the_weakest_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _stack(tmp_path, kafka={"brokers": "stack:1"}, mqtt={"host": "stack", "port": 1})
    assert load().kafka.brokers == "stack:1"
    (tmp_path / "ioc.toml").write_text('[kafka]\nbrokers = "toml:2"\n[mqtt]\nhost = "toml"\n')
    assert load().kafka.brokers == "toml:2"
    monkeypatch.setenv("IOC__KAFKA__BROKERS", "environment:3")
    assert load().kafka.brokers == "environment:3"
    assert load(["kafka.brokers=set:4"]).kafka.brokers == "set:4"
    assert (load().mqtt.host, load().mqtt.port) == ("toml", 1)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("kafka.brokers=nohost", ["kafka.brokers", "'nohost'", "host:port"]),
        ("mqtt.port=abc", ["mqtt.port", "'abc'", "integer"]),
        ("mqtt.port=70000", ["mqtt.port", "'70000'", "65535"]),
        ("centre.timezone=Mars/Base", ["centre.timezone", "Asia/Ho_Chi_Minh"]),
        ("centre.id=Lâm Đồng", ["centre.id", "small letters"]),
        ("kafka.broker=h:1", ["kafka.broker is no setting"]),
        ("kafka", ["--set", "section.key=value"]),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_what_is_right(text: str, names: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load([text])
    for name in names:
        assert name in str(caught.value)


def test_a_misspelt_environment_variable_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOC__KAFAK__BROKERS", "h:1")
    with pytest.raises(ConfigError, match="IOC__KAFAK__BROKERS"):
        load()


def test_a_named_settings_file_must_exist() -> None:
    with pytest.raises(ConfigError, match=r"no settings file missing\.toml"):
        load(config=Path("missing.toml"))


def test_a_broken_settings_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "ioc.toml").write_text("[kafka\n")
    with pytest.raises(ConfigError, match=r"ioc\.toml cannot be read"):
        load()


def test_several_values_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOC__GATEWAY__SITES", "di-linh-01, bao-loc-02")
    assert load().gateway.sites == ("di-linh-01", "bao-loc-02")
    assert load(["gateway.sites=ha-giang"]).gateway.sites == ("ha-giang",)


def test_no_secret_is_in_an_error_a_repr_or_the_list_of_settings(tmp_path: Path) -> None:
    _stack(tmp_path, postgres={"dsn": "postgresql://ioc:hunter2@h/ioc"}, mqtt={"admin_password": "hunter2"})
    found = layers()
    settings = validated(found)
    assert "hunter2" in settings.postgres.dsn.get_secret_value()
    assert "hunter2" not in repr(settings) + str(explained(settings, found))
    with pytest.raises(ConfigError) as caught:
        load(["postgres.dsn=hunter2"])
    assert "hunter2" not in str(caught.value)


def test_every_setting_says_where_it_comes_from(tmp_path: Path) -> None:
    _stack(tmp_path, mqtt={"port": 20001})
    found = layers(["kafka.brokers=h:1"])
    origins = {setting.path: setting.origin for setting in explained(validated(found), found)}
    assert origins["kafka.brokers"] == "--set"
    assert origins["data"] == "environment"
    assert origins["mqtt.port"] == str(tmp_path / "data" / "stack.json")
    assert origins["centre.id"] == "default"
