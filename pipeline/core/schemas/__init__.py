"""JSON Schemas (2020-12) of every payload, generated from the types that the code uses and committed beside this file.

`python -m pipeline.core.schemas` writes them; a test fails when they are stale. Served at `/schemas/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from pipeline.core.alerts import Alert, EvaluatedUpTo
from pipeline.core.catalogue import DOCUMENTS
from pipeline.core.conditions import ConditionLine
from pipeline.core.events import Case, Detection, Reading

FOLDER = Path(__file__).parent
PAYLOADS: dict[str, Any] = {
    "reading": Reading,
    "detection": Detection,
    "case": Case,
    "condition-line": ConditionLine,
    "alert": Alert,
    "progress": EvaluatedUpTo,
    **{f"catalogue-{kind}": type_ for kind, type_ in DOCUMENTS.items()},
}
"""Every payload that travels on a topic, by the name of its schema."""


def generate() -> dict[str, bytes]:
    """File name -> schema text, for every payload."""
    return {f"{name}.schema.json": _text(name, type_) for name, type_ in PAYLOADS.items()}


def _text(name: str, type_: Any) -> bytes:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, **msgspec.json.schema(type_)}
    return msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=1) + b"\n"


def write(folder: Path = FOLDER) -> None:
    """Write all schemas into `folder`."""
    for file_name, text in generate().items():
        (folder / file_name).write_bytes(text)
