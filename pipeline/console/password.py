"""The page on which a person gives themselves another password. Sessions elsewhere can do nothing with the old one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from pipeline.console import people
from pipeline.console.database import StoreUnavailable
from pipeline.console.login import Viewer
from pipeline.console.people import MAX_PASSWORD, MIN_PASSWORD, Refusal
from pipeline.console.security import FormToken
from pipeline.core.clock import now_ms
from pipeline.core.telemetry import log

router = APIRouter(include_in_schema=False)


@router.get("/password")
async def form(request: Request) -> Response:
    """The form."""
    return _page(request) if "name" in request.session else RedirectResponse("/login", 303)


@router.post("/password", dependencies=[FormToken])
async def change(
    request: Request,
    viewer: Viewer,
    current: Annotated[str, Form()] = "",
    new: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Change it, or say why not. A wrong current password counts as a failed login does."""
    problem = _problem(viewer.name, current, new, again)
    if problem:
        return _page(request, problem, 422)
    try:
        async with request.app.state.database.connection() as connection:
            found = await people.change_password(connection, viewer.name, current, new, now_ms())
    except StoreUnavailable:
        return _page(request, "problem.store_login", 503)
    if isinstance(found, Refusal):
        log.warning("change of password refused", name=viewer.name, why=found.value)
        locked = found is Refusal.LOCKED
        return _page(request, found.value if locked else "password.wrong", 429 if locked else 401)
    request.session["mark"] = found.mark
    return _page(request, done=True)


def _problem(name: str, current: str, new: str, again: str) -> str:
    """The key of what is wrong with a new password, empty when nothing is."""
    if not MIN_PASSWORD <= len(new) <= MAX_PASSWORD:
        return "password.length"
    if new != again:
        return "password.again_wrong"
    if new == current or name.casefold() in new.casefold():
        return "password.known"
    return ""


def _page(request: Request, problem: str = "", status: int = 200, *, done: bool = False) -> Response:
    limits = {"least": MIN_PASSWORD, "most": MAX_PASSWORD}
    held = {"csrf": request.session.get("csrf", ""), "name": request.session["name"]}
    context = {"problem": problem, "done": done, **limits, **held}
    shown: Response = request.app.state.render(request, "password.html", context, status)
    return shown
