"""What protects every page: strict headers, and a token on everything that changes something."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Depends, Form, Header, HTTPException, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self'; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class StrictHeaders:
    """Adds the headers to every answer; what does not say how long it may be kept is not kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with headers."""

        async def strictly(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, strictly if scope["type"] == "http" else send)


def token(request: Request) -> str:
    """The session's token, made when there is none."""
    if "csrf" not in request.session:
        request.session["csrf"] = secrets.token_urlsafe(24)
    return str(request.session["csrf"])


def _check_header(request: Request, x_csrf_token: Annotated[str, Header()] = "") -> None:
    _compare(request, x_csrf_token)


def _check_form(request: Request, csrf: Annotated[str, Form()] = "") -> None:
    _compare(request, csrf)


def _compare(request: Request, given: str) -> None:
    known = str(request.session.get("csrf", ""))
    if not known or not secrets.compare_digest(known.encode(), given.encode()):
        raise HTTPException(403, "csrf")


HeaderToken = Depends(_check_header)
"""A script's POST carries the token in `X-CSRF-Token`."""
FormToken = Depends(_check_form)
"""A form carries it in a hidden field."""
