"""`/live`: this process answers. `/ready`: the database answers and what is judged is young enough to be believed."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from pipeline.console.database import Database, StoreUnavailable
from pipeline.console.stream import Hub
from pipeline.core.clock import now_ms

STALE_MS = 15_000
"""Beyond this age of the progress, pages veil themselves."""
router = APIRouter()


@router.get("/live")
async def live() -> dict[str, bool]:
    """Always, while this process lives."""
    return {"live": True}


@router.get("/ready")
async def ready(request: Request) -> JSONResponse:
    """200, or 503 with what is missing."""
    hub: Hub = request.app.state.hub
    found = {"database": await _answers(request.app.state.database), "progress": now_ms() - hub.upto <= STALE_MS}
    return JSONResponse({**found, "upto": hub.upto}, 200 if all(found.values()) else 503)


async def _answers(database: Database) -> bool:
    try:
        async with database.connection() as connection:
            await connection.execute("select 1")
    except StoreUnavailable:
        return False
    return True
