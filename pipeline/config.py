"""Settings: one typed tree, read from four places, the first that has a value wins.

1. `--set section.key=value` on the command line (or the argument of `load`)
2. the environment: `IOC__SECTION__KEY`
3. `ioc.toml` in the working folder, or the file that `IOC_CONFIG` names
4. `<data>/stack.json`, which the local stack writes with its addresses and generated passwords

Importing this module imports pydantic (0.3 s); the command line does so only where it is needed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    JsonConfigSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from pipeline.core.alerts import Text
from pipeline.core.errors import ConfigError, Misread, shown
from pipeline.core.folders import cache_folder, default_data_folder

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_BROKERS = re.compile(r"[^\s,:]+:\d+(,[^\s,:]+:\d+)*")
_ENVIRONMENT = "IOC__"
_SECRET_WORDS = ("password", "dsn", "secret", "token")
_HIDDEN = "***"


def _matching(pattern: re.Pattern[str], right: Text) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise Misread(right.en, vi=right.vi)
        return value

    return AfterValidator(check)


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


_ID_FORM = Text("chữ thường, chữ số và . _ -, tối đa 64 ký tự", "small letters, digits and . _ -, at most 64")
_BROKERS_FORM = Text("máy:cổng, nhiều địa chỉ cách nhau bằng dấu phẩy", "host:port, several separated by commas")
Id = Annotated[str, _matching(_ID, _ID_FORM)]
Brokers = Annotated[str, _matching(_BROKERS, _BROKERS_FORM)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Port = Annotated[int, Field(ge=1, le=65_535)]
MetricsPort = Annotated[int, Field(ge=0, le=65_535)]
"""0: no metrics are served."""


class Section(BaseModel):
    """A part of the settings. A key that it does not know is a mistake, not a remark."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Centre(Section):
    """The centre that runs this pipeline; `id` stands in the source of every alert."""

    id: Id = "demo"
    name: str = "Trung tâm Điều hành thông minh"
    timezone: str = "Asia/Ho_Chi_Minh"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            such = "Asia/Ho_Chi_Minh"
            raise Misread(f"a time zone of the IANA list, e.g. {such}", vi=f"múi giờ IANA, ví dụ {such}") from error
        return value


class Kafka(Section):
    """`brokers`: host:port, several separated by commas."""

    brokers: Brokers = "127.0.0.1:9092"


class Mqtt(Section):
    """The broker, the account that registers devices (admin) and the one that reads them (gateway)."""

    host: str = "127.0.0.1"
    port: Port = 1883
    admin_user: str = "admin"
    admin_password: SecretStr = SecretStr("")
    gateway_user: str = "gateway"
    gateway_password: SecretStr = SecretStr("")


class Postgres(Section):
    """`dsn`: postgresql://user:password@host:port/database."""

    dsn: SecretStr = SecretStr("postgresql://ioc@127.0.0.1:5432/ioc")

    @field_validator("dsn")
    @classmethod
    def _is_dsn(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise Misread(
                "postgresql://user:password@host:port/database", vi="postgresql://tên:mật-khẩu@máy:cổng/cơ-sở-dữ-liệu"
            )
        return value


class Console(Section):
    """Where the console listens. `public_url` is how people reach it, if that differs."""

    host: str = "127.0.0.1"
    port: Port = 8080
    public_url: str = ""


class Gateway(Section):
    """The MQTT gateway: its id (also its client id), and the sites that it serves (none named: all)."""

    id: Id = "gateway-1"
    sites: Names = ()
    metrics_port: MetricsPort = 0


class Vision(Section):
    """A vision worker: its id, the threads that run detectors, the default detector's model (empty: the one in the
    cache), the cache of fetched things, and for how many days evidence, pictures and clips, is kept."""

    id: Id = "vision-1"
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    evidence_days: Annotated[float, Field(gt=0)] = 30
    model: Path | None = None
    cache: Path = Field(default_factory=cache_folder)


class Settings(Section):
    """Everything that can be set. `data` is the folder of the local stack."""

    centre: Centre = Centre()
    kafka: Kafka = Kafka()
    mqtt: Mqtt = Mqtt()
    postgres: Postgres = Postgres()
    console: Console = Console()
    gateway: Gateway = Gateway()
    vision: Vision = Field(default_factory=Vision)
    data: Path = Field(default_factory=default_data_folder)


class _Readable(Settings, BaseSettings):
    """The same tree in the form that pydantic-settings reads from the environment and from files."""

    model_config = SettingsConfigDict(extra="forbid", env_prefix=_ENVIRONMENT, env_nested_delimiter="__")


class Layer(NamedTuple):
    """What one place said: where it is, in words, and its values by section."""

    origin: str
    values: dict[str, Any]


class Setting(NamedTuple):
    """One value as it stands, with its origin; `value` of a secret is hidden."""

    path: str
    value: str
    origin: str


def load(sets: Iterable[str] = (), config: Path | None = None) -> Settings:
    """The settings. Raises ConfigError naming the field, the value and what would be right."""
    return validated(layers(sets, config))


def validated(found: list[Layer]) -> Settings:
    """The settings that these layers give together. Raises ConfigError."""
    try:
        return Settings.model_validate(_merged(layer.values for layer in reversed(found)))
    except ValidationError as error:
        said = list(_sentences(error, found))
        raise ConfigError("; ".join(one.en for one in said), vi="; ".join(one.vi for one in said)) from None


def layers(sets: Iterable[str] = (), config: Path | None = None) -> list[Layer]:
    """What each place says, the strongest first. Raises ConfigError when one cannot be read."""
    chosen = config or Path(os.environ.get("IOC_CONFIG", "ioc.toml"))
    if not chosen.exists() and (config is not None or "IOC_CONFIG" in os.environ):
        raise ConfigError(f"there is no settings file {chosen}", vi=f"không có tệp cấu hình {chosen}")
    strong = [
        Layer("--set", _parsed(sets)),
        Layer("environment", _read(_environment)),
        Layer(str(chosen), _read(lambda: TomlConfigSettingsSource(_Readable, toml_file=chosen), chosen)),
    ]
    stack = _data_folder(strong) / "stack.json"
    return [*strong, Layer(str(stack), _read(lambda: JsonConfigSettingsSource(_Readable, json_file=stack), stack))]


def explained(settings: Settings, found: list[Layer]) -> list[Setting]:
    """Every value with its origin, secrets hidden."""
    return [
        Setting(path, _HIDDEN if _is_secret(path) and text else text, _origin(path, found) or "default")
        for path, text in _leaves(settings)
    ]


def _environment() -> EnvSettingsSource:
    known = {f"{_ENVIRONMENT}{name.upper()}" for name in Settings.model_fields}
    for name in os.environ:
        if name.startswith(_ENVIRONMENT) and "__".join(name.upper().split("__")[:2]) not in known:
            sections = ", ".join(Settings.model_fields)
            raise ConfigError(
                f"environment: {name} is no setting; sections are {sections}",
                vi=f"biến môi trường {name} không phải mục cấu hình; các nhóm là {sections}",
            )
    return EnvSettingsSource(_Readable)


def _read(opened: Callable[[], PydanticBaseSettingsSource], path: Path | None = None) -> dict[str, Any]:
    try:
        return dict(opened()())
    except (ValueError, OSError) as error:
        raise ConfigError(
            f"{path or 'environment'} cannot be read: {error}", vi=f"không đọc được {path or 'biến môi trường'}"
        ) from error


def _parsed(sets: Iterable[str]) -> dict[str, Any]:
    """`["kafka.brokers=h:1"]` as `{"kafka": {"brokers": "h:1"}}`."""
    tree: dict[str, Any] = {}
    for text in sets:
        path, equals, value = text.partition("=")
        if not equals or not path:
            raise ConfigError(
                f"--set: {shown(text)} is not valid; expected section.key=value",
                vi="giá trị không hợp lệ; cần dạng nhóm.mục=giá-trị",
            )
        *sections, key = path.split(".")
        at = tree
        for section in sections:
            at = at.setdefault(section, {})
            if not isinstance(at, dict):
                raise ConfigError(
                    f"--set: {section} is set both as a value and as a section",
                    vi=f"{section} vừa được đặt giá trị, vừa được dùng làm nhóm",
                )
        at[key] = value
    return tree


def _data_folder(strong: list[Layer]) -> Path:
    named = (layer.values["data"] for layer in strong if "data" in layer.values)
    chosen = next(named, None)
    return Path(chosen) if chosen else default_data_folder()


def _merged(weakest_first: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for values in weakest_first:
        for key, value in values.items():
            old = result.get(key)
            both = isinstance(old, Mapping) and isinstance(value, Mapping)
            result[key] = _merged((old, value)) if both else value  # type: ignore[arg-type]
    return result


def _sentences(error: ValidationError, found: list[Layer]) -> Iterator[Text]:
    for fault in error.errors(include_url=False):
        path = ".".join(map(str, fault["loc"]))
        value, place = _HIDDEN if _is_secret(path) else shown(fault["input"]), _origin(path, found)
        if fault["type"] == "extra_forbidden":
            see = "`ioc config show`"
            yield Text(f"{path} không phải mục cấu hình; xem {see}", f"{place}: {path} is no setting; see {see}")
        else:
            right = _right(fault)
            yield Text(
                f"{path}: giá trị không hợp lệ; cần {right.vi}",
                f"{place}: {path}: {value} is not valid; expected {right.en}",
            )


def _right(fault: ErrorDetails) -> Text:
    context = fault.get("ctx", {})
    told = context.get("error")
    if isinstance(told, Misread):
        return Text(told.vi, told.expected)
    vi = _IN_VIETNAMESE.get(fault["type"], "giá trị đúng kiểu của mục này")
    return Text(vi.format_map(context), fault["msg"].removeprefix("Input should be "))


_IN_VIETNAMESE = {
    "int_parsing": "số nguyên",
    "int_type": "số nguyên",
    "int_from_float": "số nguyên",
    "float_parsing": "số",
    "float_type": "số",
    "finite_number": "số hữu hạn",
    "bool_parsing": "true hoặc false",
    "bool_type": "true hoặc false",
    "string_type": "chuỗi ký tự",
    "path_type": "đường dẫn",
    "model_type": "nhóm các mục cấu hình",
    "greater_than": "số lớn hơn {gt}",
    "greater_than_equal": "số từ {ge} trở lên",
    "less_than": "số nhỏ hơn {lt}",
    "less_than_equal": "số tối đa {le}",
}
"""What would be right, by pydantic's types of error."""


def _origin(path: str, found: list[Layer]) -> str | None:
    return next((layer.origin for layer in found if _has(layer.values, path.split("."))), None)


def _has(values: Any, keys: list[str]) -> bool:
    for key in keys:
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True


def _is_secret(path: str) -> bool:
    return any(word in path.rpartition(".")[2] for word in _SECRET_WORDS)


def _leaves(section: Section, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _text(value)


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str("" if value is None else value)
