"""Starter rules, as YAML beside this file, a pack a file. Numbers are a centre's settings, not law; `legal` says which.

A centre's own numbers lie in a folder of its own and are laid over these: `rules/overrides.py`.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
"""Where the packs lie."""
