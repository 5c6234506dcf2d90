"""A camera's address: the public part may be shown, the login may not and enters the URL only when it is opened."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from pipeline.core.logins import filled, fits, in_url

_HIDDEN = "***"
_AUTHORITY_ENDS = re.compile(r"[/?#]")


class Login:
    """A camera's user and password. Every text form of it is `***`."""

    __slots__ = ("_password", "_user")

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password

    def __repr__(self) -> str:
        return _HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Login) and (self._user, self._password) == (other._user, other._password)

    __hash__ = None  # type: ignore[assignment]

    def plain(self, realm: str = "") -> str:
        """`user:password`, or `user:realm:password`, as logins are proved with; never to be shown."""
        return ":".join([self._user, *([realm] if realm else []), self._password])

    def user_quoted(self) -> str:
        """The user as a quoted string of a header (RFC 9110, section 5.6.4); never to be shown."""
        return self._user.replace("\\", "\\\\").replace('"', '\\"')

    def quoted(self) -> str:
        """`user:password`, percent-encoded for a URL (RFC 3986); never to be shown."""
        return in_url(self._user, self._password)

    def filled_in(self, url: str) -> str:
        """A URL with the login where its path says so; never to be shown."""
        return filled(url, self._user, self._password)

    @property
    def fits(self) -> bool:
        """Whether it is short enough to be used."""
        return fits(self._user, self._password)


class Address(NamedTuple):
    """`url` without name and password, and the login to be used there.

    Where the camera wants the login in the path, `url` says `{user}` and `{password}`.
    """

    url: str
    login: Login | None = None

    def opened(self) -> str:
        """The URL with the login in it. Only for the call that opens the stream; never keep, log or raise it."""
        scheme, separator, rest = self.asked().partition("://")
        return f"{scheme}{separator}{self.login.quoted()}@{rest}" if self.login else self.url

    def asked(self) -> str:
        """The URL that requests are for, as secret as `opened`: the login may stand in its path."""
        return self.login.filled_in(self.url) if self.login else self.url

    @classmethod
    def parse(cls, url: str) -> Address:
        """Split a URL that a person typed into its public part and its login.

        Where an `@` stands behind the host nobody can say what is the password: that is the address of nothing.
        """
        scheme, separator, rest = url.partition("://")
        end = _AUTHORITY_ENDS.search(rest)
        authority, path = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
        login, at, host = authority.rpartition("@")
        if "@" in path:
            return cls("")
        user, _, password = login.partition(":")
        return cls(f"{scheme}{separator}{host}{path}", Login(unquote(user), unquote(password)) if at else None)
