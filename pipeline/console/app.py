"""The console's application: routes, session, headers, and one sentence for each failure."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import HTTPException, RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.middleware.sessions import SessionMiddleware

from pipeline.config import Settings
from pipeline.console import alerts, evidence, health, live, login, pages, password, stills, verbs
from pipeline.console.database import Database, StoreUnavailable
from pipeline.console.security import StrictHeaders
from pipeline.console.stream import Hub

_STATIC = Path(__file__).parent / "static"


def create_app(settings: Settings, session_key: str, stopping: Callable[[], bool] = lambda: False) -> FastAPI:
    """The application. `stopping`: whether the server wants to end, so that streams end too."""
    app = FastAPI(title="ioc", version="1", docs_url=None, redoc_url=None, lifespan=_lifespan)
    app.state.database = Database(settings.postgres.dsn.get_secret_value())
    app.state.hub = Hub(settings.kafka.brokers)
    app.state.centre = settings.centre
    app.state.render = pages.renderer(settings.centre)
    app.state.stopping = stopping
    for module in (login, live, alerts, verbs, evidence, stills, health, pages, password):
        app.include_router(module.router)
    app.mount("/static", _Static(directory=_STATIC))
    app.add_exception_handler(StoreUnavailable, _store_unavailable)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_middleware(
        SessionMiddleware,
        secret_key=session_key,
        session_cookie=login.COOKIE,
        max_age=login.COOKIE_S,
        same_site="lax",
        https_only=settings.console.public_url.startswith("https:"),
    )
    app.add_middleware(StrictHeaders)
    return app


class _Static(StaticFiles):
    """Static files, asked for again each time (by ETag), so that a new version is never mixed with an old one."""

    def file_response(self, *args: object, **keywords: object) -> Response:
        """With the header that says so."""
        response = super().file_response(*args, **keywords)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "no-cache"
        return response


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    await app.state.database.open()
    following = asyncio.create_task(app.state.hub.run())
    try:
        yield
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await app.state.database.close()


async def _store_unavailable(request: Request, error: Exception) -> Response:
    return JSONResponse({"problem": "store"}, 503, headers={"Retry-After": "3"})


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 403 and request.url.path in ("/login", "/logout"):
        return RedirectResponse("/login", 303)  # a form from before a restart or from another tab
    return JSONResponse({"problem": error.detail}, error.status_code)


async def _not_valid(request: Request, error: Exception) -> Response:
    """Names the first field that is wrong, and what would be right; never the value, which may be long."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:]) or "body"
    return JSONResponse({"problem": "input", "detail": f"{field}: {first['msg']}"}, 422)
