"""Starter rules, as YAML beside this file. Numbers are settings of a centre, not law, unless `legal` says so."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
"""Where the packs lie; a centre's own folder is laid over them."""
