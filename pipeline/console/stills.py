"""Pictures: evidence by digest, kept by browsers for ever; and the camera's still while somebody watches."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import Response

from pipeline.console.alerts import json
from pipeline.console.login import Viewer
from pipeline.core.clock import now_ms
from sinks import queries

WATCH_S = 10.0
"""How long a camera goes on writing stills after the last time that a page asked for one."""
FRESH_S = 10.0
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
router = APIRouter()
CameraId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Digest = Annotated[str, Path(pattern=r"^sha256:[0-9a-f]{64}$")]


@router.get("/v1/evidence/{digest}.jpg", response_class=Response)
async def evidence(request: Request, viewer: Viewer, digest: Digest) -> Response:
    """The picture that an alert names; 404 when it is not stored (any more)."""
    async with request.app.state.database.connection() as connection:
        jpeg = await queries.evidence(connection, digest)
    if jpeg is None:
        raise HTTPException(404, "evidence")
    return Response(jpeg, media_type="image/jpeg", headers=_FOR_EVER)


@router.get("/v1/cameras/{camera}/still.jpg", response_class=Response)
async def still(request: Request, viewer: Viewer, camera: CameraId) -> Response:
    """The newest still, its time (ms) in `X-Still-At`. Asking for it is what makes the camera write stills.

    204 while there is none that is fresh; 404 for a camera that is not registered.
    """
    async with request.app.state.database.connection() as connection:
        if not await queries.watch(connection, camera, WATCH_S):
            raise HTTPException(404, "camera")
        found = await queries.still(connection, camera, FRESH_S)
    if found is None:
        return Response(status_code=204)
    at, jpeg = found
    return Response(jpeg, media_type="image/jpeg", headers={"X-Still-At": str(at)})


@router.get("/v1/devices")
async def devices(request: Request, viewer: Viewer) -> Response:
    """Devices with the last reading of each quantity, and cameras."""
    async with request.app.state.database.connection() as connection:
        found = await queries.devices(connection)
        cameras = await queries.cameras(connection)
        titles = await queries.titles(connection)
    cut = len(found) >= queries.MAX_DEVICES
    return json({"devices": found, "cameras": cameras, "cut": cut, "now": now_ms(), **titles})
