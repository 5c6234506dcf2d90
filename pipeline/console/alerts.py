"""The API of alerts: the open list, one alert with its story, and the series around it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from pipeline.console.database import Database
from pipeline.console.login import Viewer
from pipeline.console.verbs import AlertId
from pipeline.core.alerts import Alert
from pipeline.core.clock import now_ms, parse_rfc3339
from pipeline.core.conditions import Operand
from sinks import queries
from sinks.tables import moment

MAX_SERIES = 4
_BEFORE_MS, _AFTER_MS = 10 * 60_000, 5 * 60_000
_LONGEST_MS = 24 * 3_600_000
router = APIRouter()


def json(body: Any) -> Response:
    """An answer as msgspec writes it: bodies of alerts pass through as they are stored."""
    return Response(msgspec.json.encode(body), media_type="application/json")


@router.get("/v1/alerts")
async def open_alerts(request: Request, viewer: Viewer) -> Response:
    """Open alerts, the gravest first, with the offset from which the stream goes on."""
    database: Database = request.app.state.database
    async with database.connection() as connection:
        found = await queries.open_alerts(connection)
        sites = (await queries.titles(connection))["sites"]
    told = {"alerts": found.bodies, "total": found.total, "next": found.next, "sites": sites, "now": now_ms()}
    return json(told)


@router.get("/v1/alerts/{alert}")
async def one_alert(request: Request, viewer: Viewer, alert: AlertId) -> Response:
    """One alert, its events, the cameras of its site, and its evidence: pictures by digest, and clips.

    `pictures` says of each stored picture whether there is a clear copy of it; `filmed`, whether a camera saw what the
    alert is made of, so that a clip comes some seconds after it.
    """
    database: Database = request.app.state.database
    async with database.connection() as connection:
        body = await _found(connection, alert)
        events = await queries.alert_events(connection, alert)
        cameras = await queries.cameras(connection)
        digests = [operand.evidence for operand in body.why.operands if operand.evidence]
        pictures = await queries.shown_clear(connection, digests)
        clips = await queries.clips(connection, alert)
    saw = [camera for camera in cameras if any(_is_of(operand, camera["id"]) for operand in body.why.operands)]
    near = [camera for camera in cameras if body.entity.site and camera["site"] == body.entity.site]
    shown = [*saw, *(camera for camera in near if camera not in saw)][: queries.MAX_CAMERAS]
    told = {"alert": body, "events": events, "cameras": shown, "pictures": pictures, "clips": clips}
    return json({**told, "filmed": bool(saw)})


def _is_of(operand: Operand, camera: str) -> bool:
    """Whether a camera made it: the device of a zone's readings is `<camera>.<zone>`."""
    return operand.device == camera or operand.device.startswith(f"{camera}.")


@router.get("/v1/alerts/{alert}/series")
async def series(request: Request, viewer: Viewer, alert: AlertId) -> Response:
    """What the operands measured before, during and a little after the alert."""
    database: Database = request.app.state.database
    async with database.connection() as connection:
        body = await _found(connection, alert)
        since, until = span(body, now_ms())
        found = [
            {
                "device": operand.device,
                "quantity": operand.quantity,
                "unit": operand.unit,
                "points": await queries.series_around(
                    connection, operand.device, operand.quantity, moment(since), moment(until)
                ),
            }
            for operand in measured(body.why.operands)
        ]
    return json({"since": since, "until": until, "series": found})


async def _found(connection: Any, alert: str) -> Alert:
    body = await queries.alert(connection, alert)
    if body is None:
        raise HTTPException(404, "alert")
    return body


def measured(operands: Iterable[Operand]) -> list[Operand]:
    """One operand of each series that has numbers, at most MAX_SERIES, those judged last first."""
    found: dict[tuple[str, str], Operand] = {}
    for operand in operands:
        if operand.quantity and operand.value is not None:
            found[operand.device, operand.quantity] = operand
    return list(reversed(found.values()))[:MAX_SERIES]


def span(alert: Alert, now: int) -> tuple[int, int]:
    """From when to when (ms) a chart of an alert goes: its window or ten minutes before it, to its end or now."""
    begin = alert.episode
    window = alert.why.window
    before = max(_BEFORE_MS, (window.end - window.start) * 2 if window else 0, alert.why.held_for_ms * 2)
    end = parse_rfc3339(alert.times.end) + _AFTER_MS if alert.times.end else now
    return begin - min(before, _LONGEST_MS), max(begin, min(now, end, begin + _LONGEST_MS))
