"""What operators do: each deed is a verb, written through the outbox in one transaction.

The answer says only that it was written. Whether it was applied or refused comes over the stream, as an event
whose `causationid` is the verb's id.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Annotated, Literal

import psycopg
from fastapi import APIRouter, HTTPException, Path, Request
from psycopg import OperationalError
from pydantic import BaseModel, Field

from devices.registry import enqueue, lock_outbox
from pipeline.console.database import Database, StoreUnavailable
from pipeline.console.login import Viewer, confirmed
from pipeline.console.people import Right
from pipeline.console.security import HeaderToken
from pipeline.core.clock import now_ms
from pipeline.core.codec import encode_line
from pipeline.core.conditions import Verb, VerbName
from pipeline.core.topics import CONDITIONS

MAX_NOTE = 2000
_LIMITS = "-c statement_timeout=4000 -c lock_timeout=3000"
router = APIRouter()
Deed = Literal["ack", "unack", "comment", "close"]
AlertId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


class Asked(BaseModel):
    """What the operator saw and says. `id`: the verb's, made by the page, so that asking again changes nothing."""

    key: str = Field(min_length=3, max_length=512)
    seen: int = Field(ge=0)
    note: str = Field("", max_length=MAX_NOTE)
    id: str = Field("", pattern=r"^([0-9a-f]{32})?$")


class Written(BaseModel):
    """The verb's id: the event that it causes carries it as `causationid`."""

    id: str


@router.post("/v1/alerts/{alert}/{deed}", status_code=202, dependencies=[HeaderToken])
async def act(request: Request, viewer: Viewer, alert: AlertId, deed: Deed, asked: Asked) -> Written:
    """Acknowledge, take that back, comment or close; a viewer may not."""
    database: Database = request.app.state.database
    if deed in ("comment", "close") and not asked.note.strip():
        raise HTTPException(422, "note")
    async with database.connection() as connection:
        person = await confirmed(connection, viewer)
    if not person.role.may(Right.ACT):
        raise HTTPException(403, "role")
    verb = Verb(
        id=asked.id or uuid.uuid4().hex,
        verb=VerbName(deed),
        key=asked.key,
        alert=alert,
        seen=asked.seen,
        by=person.name,
        at=now_ms(),
        note=asked.note.strip(),
        reason="closed by an operator" if deed == "close" else "",
    )
    try:
        await asyncio.to_thread(_write, database.dsn, verb)
    except OperationalError as error:
        raise StoreUnavailable("the database does not answer") from error
    return Written(id=verb.id)


def _write(dsn: str, verb: Verb) -> None:
    with psycopg.connect(dsn, connect_timeout=3, options=_LIMITS) as connection:
        lock_outbox(connection)
        enqueue(connection, CONDITIONS, None, encode_line(verb).decode())
