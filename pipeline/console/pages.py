"""The pages: Jinja templates whose every word comes from the table of messages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from pipeline.config import Centre
from pipeline.console.health import STALE_MS
from pipeline.console.login import language_of, renew
from pipeline.console.messages import Language, table, text
from pipeline.console.people import Right, Role
from pipeline.console.security import token
from pipeline.core.quantities import QUANTITIES
from pipeline.core.schemas import FOLDER as SCHEMAS
from rules.alerts.texts import show_number

Render = Callable[[Request, str, dict[str, Any], int], Response]
_environment = Environment(
    loader=PackageLoader("pipeline.console"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
router = APIRouter(include_in_schema=False)


def renderer(centre: Centre) -> Render:
    """Renders a template for a request: its language, its person, and what scripts need."""

    def render(request: Request, template: str, context: dict[str, Any], status: int = 200) -> Response:
        language = language_of(request)
        common = {"t": partial(text, language), "language": language, "centre": centre.name, "page": template[:-5]}
        common["csrf"] = request.session.get("csrf", "")
        person = {"name": request.session.get("name"), "role": request.session.get("role")}
        html = _environment.get_template(template).render({**common, "person": person, **context})
        return HTMLResponse(html, status)

    return render


@router.get("/")
async def alerts(request: Request) -> Response:
    """The alerts."""
    return _page(request, "alerts.html")


@router.get("/devices")
async def devices(request: Request) -> Response:
    """The devices."""
    return _page(request, "devices.html")


def _page(request: Request, template: str) -> Response:
    if "name" not in request.session:
        return RedirectResponse("/login", 303)
    renew(request)
    language = language_of(request)
    boot = {
        "language": language,
        "csrf": token(request),
        "name": request.session["name"],
        "may_act": Role(request.session["role"]).may(Right.ACT),
        "rights": Role(request.session["role"]).rights,
        "timezone": request.app.state.centre.timezone,
        "stale_ms": STALE_MS,
        "messages": table(language),
        "quantities": quantities(language),
    }
    shown: Response = request.app.state.render(request, template, {"boot": boot, "csrf": boot["csrf"]}, 200)
    return shown


def quantities(language: Language) -> dict[str, dict[str, str]]:
    """Names and units of all quantities, as people write them."""
    return {
        name: {"title": row.title.best(language), "unit": show_number(0.0, row.unit, language).partition(" ")[2]}
        for name, row in QUANTITIES.items()
    }


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The API in words, from the OpenAPI document; nothing is fetched from elsewhere."""
    document = request.app.openapi()
    operations = [
        {"method": method.upper(), "path": path, "description": operation.get("description", "")}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = sorted(path.name for path in SCHEMAS.glob("*.schema.json"))
    shown: Response = request.app.state.render(
        request, "docs.html", {"operations": operations, "schemas": schemas}, 200
    )
    return shown


@router.get("/schemas/")
async def schemas() -> list[str]:
    """The names of the JSON Schemas of everything that travels."""
    return sorted(path.name for path in SCHEMAS.glob("*.schema.json"))


@router.get("/schemas/{name}")
async def schema(name: str) -> Response:
    """One JSON Schema."""
    found: dict[str, Path] = {path.name: path for path in SCHEMAS.glob("*.schema.json")}
    if name not in found:
        raise HTTPException(404, "schema")
    return Response(found[name].read_bytes(), media_type="application/schema+json")
