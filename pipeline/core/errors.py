"""The tree of errors, and the closed list of reasons for which an input is rejected or dropped.

A caller can catch a whole branch by its parent. Every message is one sentence that names what was wrong,
the value seen, and what would be right; what a person can mend says it in English and Vietnamese. The command line
prints it without a traceback and exits with `exit_code` (1 found faults, 2 wrong usage, 3 a service is missing).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

_SHOWN_VALUE_CHARS = 80


class Reason(StrEnum):
    """Why an input was dead-lettered. Closed: metrics, the dead-letter topic and the docs share it."""

    BROKEN_JSON = "broken_json"
    NOT_FINITE = "not_finite"
    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"
    WRONG_TOPIC = "wrong_topic"
    UNKNOWN_DEVICE = "unknown_device"
    RETIRED_DEVICE = "retired_device"
    UNKNOWN_QUANTITY = "unknown_quantity"
    WRONG_UNIT = "wrong_unit"
    CLOCK_AHEAD = "clock_ahead"
    TOO_OLD = "too_old"
    PERSONAL_DATA = "personal_data"
    UNDECODABLE = "undecodable"
    POISON = "poison"


class IocError(Exception):
    """Parent of every error of this product."""

    exit_code = 1


class BadInput(IocError):
    """A value that a person or a device gave is wrong: names the field, the value and what would be right.

    `expected`: what would be right, in English; `vi`: the same in Vietnamese. The message says both.
    """

    def __init__(self, field: str, value: object, expected: str, where: str = "", *, vi: str) -> None:
        self.field, self.value, self.expected, self.where, self.vi = field, value, expected, where, vi
        prefix = f"{where}: " if where else ""
        wrong = f"{shown(value)} is not valid; expected {expected} / giá trị không hợp lệ; cần {vi}"
        super().__init__(f"{prefix}{field}: {wrong}")

    @classmethod
    def one_of(cls, field: str, value: object, names: Iterable[str], where: str = "") -> BadInput:
        """The error for a value that is none of `names`."""
        known = ", ".join(names)
        return cls(field, value, f"one of {known}", where, vi=f"một trong {known}")


class Misread(ValueError):
    """A text is not written as it should be: `expected` and `vi` say how, for the BadInput that names the field."""

    def __init__(self, expected: str, *, vi: str) -> None:
        self.expected, self.vi = expected, vi
        super().__init__(f"{expected} / {vi}")


class Rejected(IocError):
    """An event that cannot be used. It goes to the dead-letter topic with `reason` and `detail`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")


class Mendable(IocError):
    """Parent of what only a person can mend: `en` says what is wrong and what would be right, `vi` in Vietnamese."""

    exit_code = 2

    def __init__(self, en: str, *, vi: str) -> None:
        self.en, self.vi = en, vi
        super().__init__(f"{en} / {vi}")


class UsageError(Mendable):
    """The command line was used wrongly."""


class ConfigError(Mendable):
    """A setting is wrong; trying again cannot help until a person changes it."""


class ServiceError(IocError):
    """Parent of what goes wrong with a service that we depend on."""

    exit_code = 3


class ServiceMissing(ServiceError):
    """A service does not answer. Worth trying again later. `remedy`, `vi`: what a person can do, in both languages."""

    def __init__(self, service: str, address: str, remedy: str, *, vi: str) -> None:
        self.service, self.address, self.remedy, self.vi = service, address, remedy, vi
        super().__init__(f"{service} does not answer at {address}; {remedy} / không kết nối được; {vi}")


class CredentialsWrong(ServiceError):
    """A service refused our name or password; trying again cannot help."""

    def __init__(self, service: str, address: str, remedy: str, *, vi: str) -> None:
        self.service, self.address, self.remedy, self.vi = service, address, remedy, vi
        super().__init__(f"{service} at {address} refused our credentials; {remedy} / sai tên hoặc mật khẩu; {vi}")


def shown(value: object) -> str:
    """`repr(value)`, cut to a length that fits into a message."""
    text = repr(value)
    return text if len(text) <= _SHOWN_VALUE_CHARS else text[: _SHOWN_VALUE_CHARS - 1] + "…"


def with_comma(number: float, form: str = "g") -> str:
    """A number as Vietnamese writes it, with a decimal comma; `form` as in format strings."""
    return f"{number:{form}}".replace(".", ",")
