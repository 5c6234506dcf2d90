"""`ioc camera models`: the detectors' models, installed and missing."""

from __future__ import annotations

from typing import Any

from pipeline.cli.output import AsJson, show


def models(as_json: AsJson = False) -> None:
    """Say which models are installed, which are missing and how to get them, each with its licence."""
    from vision.models import models as all_models

    rows = [model._asdict() for model in all_models()]
    columns = ["detector", "model", "installed", "licence", "classes", "how to get it"]
    show(rows if as_json else [_in_words(row) for row in rows], columns, as_json=as_json)


def _in_words(row: dict[str, Any]) -> dict[str, Any]:
    installed, classes = "yes" if row["installed"] else "no", row["classes"] or None
    return {**row, "installed": installed, "classes": classes, "how to get it": row["get"] or row["problem"]}
