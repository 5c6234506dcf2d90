"""Catalogue documents from a file: what backtests and rule tests know of devices."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.core.catalogue import DOCUMENTS, Kind
from pipeline.core.errors import BadInput
from pipeline.core.machine import CatalogueChange
from pipeline.core.misfit import misfit

_PLURALS = {f"{kind.value}s": kind for kind in DOCUMENTS}
_PLURALS["cameras"] = Kind.CAMERA
SHAPES = ("{kind: device, id: ...}", "{key: device/<id>, document: {...}}", "{devices: [...]}")


def read_catalogue(data: object, where: str = "catalogue") -> list[CatalogueChange]:
    """Documents in any of the shapes that `SHAPES` names, in order. Raises BadInput."""
    if isinstance(data, dict):
        return _mapping(data, where)
    if isinstance(data, list):
        return [change for item in data for change in read_catalogue(item, where)]
    shapes = ", ".join(SHAPES)
    raise BadInput("catalogue", data, f"documents in one of {shapes}", where, vi=f"tài liệu theo một trong {shapes}")


def _mapping(data: dict[str, Any], where: str) -> list[CatalogueChange]:
    if "kind" in data or "key" in data:
        return [_single(data, where)]
    found = []
    for name, documents in data.items():
        kind = _PLURALS.get(name) or _kind(name, where)
        items = documents if isinstance(documents, list) else [{"id": key, **doc} for key, doc in documents.items()]
        found += [_change(kind, item, where) for item in items]
    return found


def _single(data: dict[str, Any], where: str) -> CatalogueChange:
    if "key" in data:
        name, _, document_id = str(data["key"]).partition("/")
        inner = data.get("document", data.get("value"))
        kind = _kind(name, where)
        if inner is None:
            return CatalogueChange(0, kind, document_id, None)
        return _change(kind, {"id": document_id, **inner}, where)
    inner = data.get("document", {key: value for key, value in data.items() if key != "kind"})
    return _change(_kind(data["kind"], where), inner, where)


def _kind(name: object, where: str) -> Kind:
    if name in set(DOCUMENTS):
        return Kind(str(name))
    raise BadInput.one_of("kind", name, DOCUMENTS, where)


def _change(kind: Kind, data: dict[str, Any], where: str) -> CatalogueChange:
    if isinstance(data.get("title"), str):
        data = {**data, "title": [data["title"], ""]}
    if isinstance(data.get("title"), dict):
        data = {**data, "title": {"vi": "", "en": "", **data["title"]}}
    try:
        document = msgspec.convert(data, DOCUMENTS[kind])
    except msgspec.ValidationError as error:
        wrong = misfit(error)
        name = f"{kind.value} {data.get('id', '')}".strip()
        raise BadInput(f"{name}: {wrong.field}", data, wrong.said.en, where, vi=wrong.said.vi) from error
    return CatalogueChange(0, kind, document.id, document)
