"""What several commands open: the settings, the registry, mosquitto's administrator."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.core.errors import BadInput

if TYPE_CHECKING:
    from devices.credentials import Broker
    from devices.registry import Registry
    from pipeline.config import Settings

A_TIME = "2026-11-21T08:00:00+07:00"


def settings(sets: Sequence[str]) -> Settings:
    """The settings. Raises ConfigError."""
    from pipeline.config import load

    return load(sets)


@contextmanager
def registry(found: Settings) -> Iterator[Registry]:
    """The registry in one transaction: committed when the block ends well. Raises ServiceMissing.

    It checks calibrations too: how to, only vision knows.
    """
    from devices.registry import Registry
    from pipeline.cli.exactness import exactness
    from pipeline.migrations import connect

    connection = connect(found.postgres.dsn.get_secret_value())
    with connection:
        yield Registry(connection, by=f"{pwd.getpwuid(os.getuid()).pw_name} (ioc)", check=exactness)


def mosquitto(found: Settings) -> Broker:
    """Where mosquitto is, with its administrator."""
    from devices.credentials import Broker

    mqtt = found.mqtt
    return Broker(mqtt.host, mqtt.port, mqtt.admin_user, mqtt.admin_password.get_secret_value())


def pairs(field: str, given: Sequence[str]) -> dict[str, object]:
    """`name=value` words as a mapping; numbers become numbers. Raises BadInput."""
    found: dict[str, object] = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not (name and equals):
            raise BadInput(field, word, "name=value", vi="dạng tên=giá trị")
        found[name] = number(value)
    return found


def moment(field: str, text: str) -> int | None:
    """An RFC 3339 time in ms; None for an empty text. Raises BadInput."""
    from pipeline.core.clock import parse_rfc3339

    try:
        return parse_rfc3339(text) if text else None
    except ValueError:
        raise no_time(field, text) from None


def no_time(field: str, text: str) -> BadInput:
    """The error for a text that is no time."""
    return BadInput(field, text, f"a time such as {A_TIME}", vi=f"thời điểm viết như {A_TIME}")


def not_yaml(field: str, path: Path, error: Exception) -> BadInput:
    """The error for a file that is not there, or is no YAML."""
    from pipeline.core.oserrors import why

    mark = getattr(error, "problem_mark", None)
    vi = why(error).vi if isinstance(error, OSError) else "sai cú pháp" + (f" ở dòng {mark.line + 1}" if mark else "")
    return BadInput(field, str(path), f"a readable YAML file ({error})", vi=f"tệp YAML đọc được ({vi})")


def number(text: str) -> float | str:
    """A number where it is one, else the text."""
    try:
        return float(text)
    except ValueError:
        return text


def position(field: str, text: str) -> list[float] | None:
    """`lon,lat` as a position; None for an empty text. Raises BadInput."""
    if not text:
        return None
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError:
        wanted = "longitude,latitude in degrees, e.g. 109.19,12.24"
        raise BadInput(field, text, wanted, vi="kinh độ,vĩ độ tính bằng độ, ví dụ 109.19,12.24") from None
    return [longitude, latitude]
