"""A detector that sees what it is told, for tests and exercises: boxes by the number of the picture.

A script is NDJSON, one line a picture: `{"number": 1, "seen": [{"box": [x, y, w, h], "label": "person",
"confidence": 0.9}]}`; label and confidence may be left out. It is the camera's attribute `script`, a path. After
the last numbered picture it begins again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from pipeline.core.errors import ConfigError
from vision.detectors import Options
from vision.naming import PERSON, people_among
from vision.picture import Box, Picture, Seen


class _Scene(msgspec.Struct, frozen=True):
    box: tuple[float, float, float, float]
    label: str = "person"
    confidence: float = 0.9


class _Line(msgspec.Struct, frozen=True):
    number: int
    seen: tuple[_Scene, ...]


class Scripted:
    """Plays a script as a model would that knows people. Raises ConfigError when there is none or it cannot be read."""

    def __init__(self, options: Options) -> None:
        self._script = _read(options.attributes.get("script"))
        self._lowest = options.lowest
        self.people = _people(self._script)

    @classmethod
    def of(cls, script: Mapping[int, Sequence[Seen]]) -> Scripted:
        """A detector of the given boxes by picture number."""
        made = cls.__new__(cls)
        made._script, made._lowest = {number: list(seen) for number, seen in script.items()}, 0.0
        made.people = _people(made._script)
        return made

    def detect(self, picture: Picture) -> list[Seen]:
        """What the script has for the picture's number."""
        number = (picture.number - 1) % max(self._script, default=1) + 1
        return [seen for seen in self._script.get(number, []) if seen.confidence >= self._lowest]


def _people(script: Mapping[int, Sequence[Seen]]) -> frozenset[str]:
    return people_among({PERSON, *(seen.label for line in script.values() for seen in line)})


def _read(path: object) -> dict[int, list[Seen]]:
    if not isinstance(path, str):
        raise ConfigError(
            "camera.attributes.script: the detector 'scripted' needs the path of a script",
            vi="bộ phát hiện 'scripted' cần đường dẫn của tệp kịch bản",
        )
    try:
        lines = msgspec.json.Decoder(_Line).decode_lines(Path(path).read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(
            f"camera.attributes.script: {path} cannot be read: {error}", vi=f"không đọc được tệp kịch bản {path}"
        ) from None
    return {line.number: [Seen(Box(*s.box), s.label, s.confidence) for s in line.seen] for line in lines}
