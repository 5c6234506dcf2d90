"""`GET /v1/stream`: the alert stream as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Annotated

from aiokafka.errors import KafkaError
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from pipeline.console.login import Viewer
from pipeline.console.stream import CATCH_UP, TOO_SLOW, Client, Event, Hub
from pipeline.core.clock import now_ms
from pipeline.core.errors import ServiceMissing

MAX_CLIENTS = 200
HEARTBEAT_S = 5.0
_WAKE_S = 0.5
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
router = APIRouter()


@router.get("/v1/stream", response_class=StreamingResponse)
async def stream(
    request: Request,
    viewer: Viewer,
    after: Annotated[int | None, Query(description="Offset of the last event seen", ge=-1)] = None,
    last_event_id: Annotated[str, Header()] = "",
) -> Response:
    """Events `alert` (an alert event with its whole body), `progress`, `hb` (heartbeat) and `reload`.

    Ids are offsets of `ioc.alerts.v1`; Last-Event-ID resumes after one.
    """
    hub: Hub = request.app.state.hub
    if hub.clients >= MAX_CLIENTS:
        return Response("too many browsers follow this console", 503)
    seen = int(last_event_id) if last_event_id.isdecimal() else after
    client = hub.join(seen)
    return StreamingResponse(
        _events(hub, client, request.app.state.stopping), media_type="text/event-stream", headers=_HEADERS
    )


async def _events(hub: Hub, client: Client, stopping: Callable[[], bool]) -> AsyncIterator[bytes]:
    try:
        yield b"retry: 1000\n\n" + _heartbeat()
        if hub.progress is not None:
            yield Event(-1, "progress", hub.progress.data).sse()
        async for event in _missed(hub, client):
            yield event.sse()
        silent_s = 0.0
        while not client.slow and not stopping():
            event_now = await client.next(_WAKE_S)
            silent_s = silent_s + _WAKE_S if event_now is None else 0.0
            if event_now is not None:
                yield event_now.sse()
            elif silent_s >= HEARTBEAT_S:
                silent_s = 0.0
                yield _heartbeat()
        if client.slow:
            yield Event(-1, "reload", b"{}").sse()
    finally:
        hub.leave(client)


async def _missed(hub: Hub, client: Client) -> AsyncIterator[Event]:
    """What the browser missed: from the topic where memory no longer has it, then from memory."""
    if client.gap is not None:
        first, end = client.gap
        if end - first > CATCH_UP:
            TOO_SLOW.labels("behind").inc()
            client.slow = True
            return
        try:
            async for event in hub.read_back(first, end):
                yield event
        except (ServiceMissing, KafkaError):
            client.slow = True
            return
    for event in client.missed:
        yield event
    client.missed = []


def _heartbeat() -> bytes:
    return Event(-1, "hb", b'{"now":%d}' % now_ms()).sse()
