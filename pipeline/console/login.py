"""Log in and out; who asks, from the signed session cookie. There is no idle logout: a wall screen stays on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel

from pipeline.console import people
from pipeline.console.database import Connection, Database, StoreUnavailable
from pipeline.console.messages import LANGUAGES, Language
from pipeline.console.people import Person, Refusal, Role
from pipeline.console.security import FormToken, HeaderToken, token
from pipeline.core.clock import now_ms
from pipeline.core.telemetry import log

COOKIE = "ioc_session"
COOKIE_S = 30 * 86_400
_RENEW_MS = 86_400_000
router = APIRouter()


def _person(request: Request) -> Person:
    held = request.session
    if "name" not in held:
        raise HTTPException(401, "login")
    return Person(held["name"], Role(held["role"]), language_of(request), held["mark"])


Viewer = Annotated[Person, Depends(_person)]
"""Somebody who has logged in; raises 401. Believes the cookie: reading goes on without the database."""


def language_of(request: Request) -> Language:
    """The language of this browser: chosen, else Vietnamese."""
    chosen = request.session.get("language")
    return "en" if chosen == "en" else "vi"


async def confirmed(connection: Connection, person: Person) -> Person:
    """The person as the database has them now. Raises 401 when the password was changed since the login."""
    found = await people.find(connection, person.name)
    if found is None or found.mark != person.mark:
        raise HTTPException(401, "login")
    return found


@router.get("/login", include_in_schema=False)
async def form(request: Request, language: Annotated[str, Query()] = "") -> Response:
    """The form."""
    if language in LANGUAGES:
        request.session["language"] = language
    if "name" in request.session:
        return RedirectResponse("/", 303)
    return _page(request, "", 200)


def _page(request: Request, problem: str, status: int, name: str = "") -> Response:
    render = request.app.state.render
    shown: Response = render(request, "login.html", {"problem": problem, "name": name, "csrf": token(request)}, status)
    return shown


@router.post("/login", include_in_schema=False, dependencies=[FormToken])
async def log_in(
    request: Request, name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""
) -> Response:
    """Let somebody in, or say why not."""
    database: Database = request.app.state.database
    name = name.strip()[:64]
    try:
        async with database.connection() as connection:
            found = await people.check(connection, name, password, now_ms())
    except StoreUnavailable:
        return _page(request, "problem.store_login", 503, name)
    if isinstance(found, Refusal):
        log.warning("login refused", name=name, why=found.value)
        return _page(request, found.value, 429 if found is Refusal.LOCKED else 401, name)
    _begin(request, found)
    return RedirectResponse("/", 303)


def _begin(request: Request, person: Person) -> None:
    language = request.session.get("language", person.language)
    request.session.clear()
    request.session.update(name=person.name, role=person.role.value, mark=person.mark, language=language, at=now_ms())
    token(request)


def renew(request: Request) -> None:
    """Give a session that is used new days to live."""
    if now_ms() - request.session.get("at", 0) > _RENEW_MS:
        request.session["at"] = now_ms()


@router.post("/logout", include_in_schema=False, dependencies=[FormToken])
async def log_out(request: Request) -> Response:
    """Forget the session, keep the language."""
    language = language_of(request)
    request.session.clear()
    request.session["language"] = language
    return RedirectResponse("/login", 303)


class Chosen(BaseModel):
    """The language that somebody chose."""

    language: Language


@router.post("/v1/language", dependencies=[HeaderToken], status_code=204)
async def choose(request: Request, viewer: Viewer, chosen: Chosen) -> Response:
    """Show this browser's pages in a language, and remember it for the person."""
    request.session["language"] = chosen.language
    try:
        async with request.app.state.database.connection() as connection:
            await connection.execute(
                "update ioc.person set language = %s where name = %s", [chosen.language, viewer.name]
            )
    except StoreUnavailable:
        log.warning("language not remembered", name=viewer.name)
    return Response(status_code=204)
