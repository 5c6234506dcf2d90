"""The still of a camera while somebody watches it, people blurred for those without the right; and the devices."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import Response

from pipeline.console.alerts import json
from pipeline.console.login import Viewer, confirmed
from pipeline.console.people import Right
from pipeline.core.clock import now_ms
from sinks import queries

WATCH_S = 10.0
"""How long a camera goes on writing stills after the last time that a page asked for one."""
FRESH_S = 10.0
router = APIRouter()
CameraId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


@router.get("/v1/cameras/{camera}/still.jpg", response_class=Response)
async def still(request: Request, viewer: Viewer, camera: CameraId) -> Response:
    """The newest still, its time (ms) in `X-Still-At`. Asking for it is what makes the camera write stills.

    204 while there is none that is fresh; 404 for a camera that is not registered. People are clear in it for those
    with the right `evidence.clear`, as the database has them now.
    """
    async with request.app.state.database.connection() as connection:
        clear = (await confirmed(connection, viewer)).role.may(Right.EVIDENCE_CLEAR)
        if not await queries.watch(connection, camera, WATCH_S):
            raise HTTPException(404, "camera")
        found = await queries.still(connection, camera, FRESH_S)
    if found is None:
        return Response(status_code=204)
    at, copies = found
    return Response(
        copies.clear if clear and copies.clear else copies.blurred,
        media_type="image/jpeg",
        headers={"X-Still-At": str(at)},
    )


@router.get("/v1/devices")
async def devices(request: Request, viewer: Viewer) -> Response:
    """Devices with the last reading of each quantity, and cameras."""
    async with request.app.state.database.connection() as connection:
        found = await queries.devices(connection)
        cameras = await queries.cameras(connection)
        titles = await queries.titles(connection)
    cut = len(found) >= queries.MAX_DEVICES
    return json({"devices": found, "cameras": cameras, "cut": cut, "now": now_ms(), **titles})
