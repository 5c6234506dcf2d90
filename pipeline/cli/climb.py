"""Shows how far up the ladder a camera came: a table for people, JSON for programs, a picture at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.core.errors import ConfigError, IocError
from pipeline.core.oserrors import why

if TYPE_CHECKING:
    from vision.ladder import Climb, Rung

_MARKS = {True: "ok", False: "FAIL", None: "-"}
_FIX = {"vi": "cách sửa", "en": "remedy"}


class CameraFault(IocError):
    """The camera gives no usable pictures; the sentence is that of the broken rung."""

    exit_code = 3


def tell(climb: Climb, language: str, snapshot: Path, *, as_json: bool) -> None:
    """Print the rungs and save the picture. Raises CameraFault with the broken rung's message; ConfigError."""
    saved = _save(climb, snapshot)
    if as_json:
        print(json.dumps(_plain(climb, saved), ensure_ascii=False, indent=2))
    else:
        for number, rung in enumerate(climb.rungs, 1):
            print(_line(number, rung, language))
        if saved:
            print(f"  {saved}")
    if climb.broken is not None:
        raise CameraFault(climb.broken.said.best(language))


def _line(number: int, rung: Rung, language: str) -> str:
    took = "" if rung.passed is None else f"{rung.ms:5} ms"
    line = f"{number} {rung.name:9} {_MARKS[rung.passed]:4} {took:8}  {rung.said.best(language)}"
    fix = rung.fix.best(language)
    return f"{line}\n{'':28}{_FIX[language]}: {fix}" if fix else line


def _save(climb: Climb, snapshot: Path) -> str:
    if climb.found is None:
        return ""
    import cv2

    _, jpeg = cv2.imencode(".jpg", climb.found.image)
    try:
        snapshot.write_bytes(jpeg.tobytes())
    except OSError as error:
        said = why(error)
        raise ConfigError(
            f"the picture cannot be written to {snapshot}: {said.en}",
            vi=f"không ghi được hình vào {snapshot}: {said.vi}",
        ) from None
    return str(snapshot)


def _plain(climb: Climb, saved: str) -> dict[str, Any]:
    found = climb.found
    return {
        "passed": climb.broken is None,
        "ms": sum(rung.ms for rung in climb.rungs),
        "rungs": [msgspec.to_builtins(rung._asdict()) for rung in climb.rungs],
        "found": None if found is None else {k: v for k, v in found._asdict().items() if k != "image"},
        "snapshot": saved,
    }
