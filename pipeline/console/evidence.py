"""Evidence by digest, people blurred; clear for whoever has the right to it, and that is written down.

A digest names one blurred picture or clip for ever, so browsers may keep it; a clear copy is never kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Path, Query, Request
from fastapi.responses import Response

from pipeline.console.database import Connection, Database
from pipeline.console.login import Viewer, confirmed
from pipeline.console.people import Person, Right
from sinks import queries
from sinks.queries import Copies

AGAIN_S = 600
"""Somebody who opens the same clear copy again within so long is not written down twice: a player asks in parts."""
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_NEVER = {"Cache-Control": "no-store"}
router = APIRouter()
Digest = Annotated[str, Path(pattern=r"^sha256:[0-9a-f]{64}$")]
Clear = Annotated[bool, Query(description="Nobody blurred; needs the right `evidence.clear`, and is written down.")]
Find = Callable[[Connection, str], Awaitable[Copies | None]]


@router.get("/v1/evidence/{digest}.jpg", response_class=Response)
async def picture(request: Request, viewer: Viewer, digest: Digest, clear: Clear = False) -> Response:
    """The picture that an alert names; 404 when it is not stored (any more), 403 without the right to the clear one."""
    content = await _copy(request, viewer, digest, queries.evidence, clear)
    return Response(content, media_type="image/jpeg", headers=_NEVER if clear else _FOR_EVER)


@router.get("/v1/evidence/{digest}.mp4", response_class=Response)
async def video(
    request: Request, viewer: Viewer, digest: Digest, clear: Clear = False, range: Annotated[str, Header()] = ""
) -> Response:
    """The clip around an alert, whole or the part that `Range` asks for; 404 and 403 as for pictures."""
    content = await _copy(request, viewer, digest, queries.clip, clear)
    return part(content, range, "video/mp4", _NEVER if clear else _FOR_EVER)


async def _copy(request: Request, viewer: Person, digest: str, find: Find, clear: bool) -> bytes:
    database: Database = request.app.state.database
    async with database.connection() as connection:
        if clear and not (viewer := await confirmed(connection, viewer)).role.may(Right.EVIDENCE_CLEAR):
            raise HTTPException(403, "clear")
        found = await find(connection, digest)
        if found is None:
            raise HTTPException(404, "evidence")
        if not (clear and found.clear):
            return found.blurred
        await queries.note_opened(connection, viewer.name, viewer.role, digest, found.clear_digest, AGAIN_S)
        return found.clear


def part(content: bytes, asked: str, media_type: str, headers: dict[str, str]) -> Response:
    """The answer to a request for one range of bytes (RFC 9110, section 14), or for all of it.

    What is not understood, and several ranges at once, are answered with all of it, as the RFC allows.
    """
    headers = {**headers, "Accept-Ranges": "bytes"}
    first, dash, last = asked.removeprefix("bytes=").strip().partition("-")
    understood = asked.startswith("bytes=") and dash and all(not end or end.isdecimal() for end in (first, last))
    if not understood or not (first or last) or (first and last and int(last) < int(first)):
        return Response(content, media_type=media_type, headers=headers)
    begin = int(first) if first else max(len(content) - int(last), 0)
    end = min(int(last) + 1, len(content)) if first and last else len(content)
    if begin >= end:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(content)}"
    return Response(content[begin:end], 206, media_type=media_type, headers=headers)
