"""People who may log in: their passwords, roles, and the lock after too many failures.

Passwords are Argon2id (RFC 9106, the defaults of argon2-cffi). An attempt is counted before its password is
verified, so that attempts side by side cannot outrun the lock.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import psycopg
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from pipeline.core.errors import BadInput
from sinks.tables import moment

MAX_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
MIN_PASSWORD = 12
"""Characters of a password that a person chooses: OWASP ASVS 4.0.3, 2.1.1."""
MAX_PASSWORD = 256
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 4
_LANGUAGES = ("vi", "en")
_hasher = PasswordHasher()
_nobody = _hasher.hash(secrets.token_hex())
_at_once = asyncio.Semaphore(2)  # one verification takes 64 MiB


class Right(StrEnum):
    """What not everybody who may log in may do."""

    ACT = "alerts.act"
    EVIDENCE_CLEAR = "evidence.clear"
    """See people in pictures and clips of cameras; everybody else sees them blurred."""


class Role(StrEnum):
    """What a person may do; each may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    TECHNICIAN = "technician"
    ADMIN = "admin"

    def may(self, right: Right) -> bool:
        """Whether this role has a right."""
        roles = list(Role)
        return roles.index(self) >= roles.index(_LEAST[right])

    @property
    def rights(self) -> list[Right]:
        """All rights of this role."""
        return [right for right in Right if self.may(right)]


_LEAST = {Right.ACT: Role.OPERATOR, Right.EVIDENCE_CLEAR: Role.OPERATOR}
"""The least role that has a right."""


class Person(NamedTuple):
    """Somebody who may log in. `mark` changes with the password: a session holds it."""

    name: str
    role: Role
    language: str
    mark: str


class Refusal(StrEnum):
    """Why somebody was not let in; a name that does not exist is told like a wrong password."""

    WRONG = "login.wrong"
    LOCKED = "login.locked"


class Attempt(NamedTuple):
    """What an attempt leaves behind: failures so far, and whether the name is locked from now on."""

    failures: int
    locks: bool


def create(
    connection: psycopg.Connection[Any], name: str, role: str, language: str = "vi", *, replace: bool = False
) -> str:
    """Register a person; returns a random password, which is kept nowhere. The caller commits.

    `replace` gives somebody who is registered already a new password, role and language.
    Raises BadInput for an unknown role or language, and for a name that is taken.
    """
    _check(name, role, language)
    if not replace and connection.execute("select from ioc.person where name = %s", [name]).fetchone():
        raise BadInput(
            "name",
            name,
            "a name that is not taken; `--replace` gives this person a new password",
            vi="tên chưa ai dùng; `--replace` cấp mật khẩu mới cho người này",
        )
    password = random_password()
    connection.execute(
        "insert into ioc.person (name, role, password_hash, language) values (%s, %s, %s, %s) "
        "on conflict (name) do update set role = excluded.role, password_hash = excluded.password_hash, "
        "language = excluded.language, failures = 0, locked_until = null",
        [name, role, _hasher.hash(password), language],
    )
    return password


def _check(name: str, role: str, language: str) -> None:
    if not name.strip() or len(name) > 64:
        raise BadInput("name", name, "1 to 64 characters", vi="từ 1 đến 64 ký tự")
    if role not in set(Role):
        raise BadInput.one_of("role", role, Role)
    if language not in _LANGUAGES:
        raise BadInput.one_of("language", language, _LANGUAGES)


def random_password() -> str:
    """80 random bits in groups that can be read aloud, e.g. `k3vx-9mzp-7ahq-d2ue`."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


async def check(connection: psycopg.AsyncConnection[Any], name: str, password: str, now_ms: int) -> Person | Refusal:
    """The person, when the password is right and the name is not locked."""
    row = await _count_attempt(connection, name, now_ms)
    if row is None:
        await _verify(_nobody, password)  # an unknown name takes as long as a known one
        return Refusal.LOCKED if await _is_locked(connection, name, now_ms) else Refusal.WRONG
    role, language, password_hash, failures = row
    if failures <= MAX_FAILURES and await _verify(password_hash, password):
        await _settle(connection, name, Attempt(0, False), now_ms)
        return Person(name, Role(role), language, mark_of(password_hash))
    attempt = after_failure(failures)
    await _settle(connection, name, attempt, now_ms)
    return Refusal.LOCKED if attempt.locks else Refusal.WRONG


async def change_password(
    connection: psycopg.AsyncConnection[Any], name: str, current: str, new: str, now_ms: int
) -> Person | Refusal:
    """The person with the new password, when the current one is right and the name is not locked."""
    found = await check(connection, name, current, now_ms)
    if isinstance(found, Refusal):
        return found
    async with _at_once:
        password_hash = await asyncio.to_thread(_hasher.hash, new)
    await connection.execute("update ioc.person set password_hash = %s where name = %s", [password_hash, name])
    return found._replace(mark=mark_of(password_hash))


def after_failure(failures: int) -> Attempt:
    """The fifth failure in a row locks the name; after the lock the count begins again."""
    return Attempt(0, True) if failures >= MAX_FAILURES else Attempt(failures, False)


async def _count_attempt(connection: psycopg.AsyncConnection[Any], name: str, now_ms: int) -> Any:
    async with connection.transaction():
        cursor = await connection.execute(
            "update ioc.person set failures = failures + 1 "
            "where name = %s and (locked_until is null or locked_until <= %s) "
            "returning role, language, password_hash, failures",
            [name, moment(now_ms)],
        )
        return await cursor.fetchone()


async def _is_locked(connection: psycopg.AsyncConnection[Any], name: str, now_ms: int) -> bool:
    query = "select from ioc.person where name = %s and locked_until > %s"
    return await (await connection.execute(query, [name, moment(now_ms)])).fetchone() is not None


async def _settle(connection: psycopg.AsyncConnection[Any], name: str, attempt: Attempt, now_ms: int) -> None:
    if attempt.failures:
        return  # counted already
    until = moment(now_ms) + LOCKED_FOR if attempt.locks else None
    await connection.execute("update ioc.person set failures = 0, locked_until = %s where name = %s", [until, name])


async def _verify(password_hash: str, password: str) -> bool:
    async with _at_once:
        return await asyncio.to_thread(_matches, password_hash, password[:MAX_PASSWORD])


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except VerificationError:
        return False


async def find(connection: psycopg.AsyncConnection[Any], name: str) -> Person | None:
    """The person of this name as of now."""
    query = "select role, language, password_hash from ioc.person where name = %s"
    row = await (await connection.execute(query, [name])).fetchone()
    return None if row is None else Person(name, Role(row[0]), row[1], mark_of(row[2]))


def mark_of(password_hash: str) -> str:
    """What a session remembers of a password: another password, another mark."""
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]
