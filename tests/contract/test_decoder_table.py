"""Every row of the decoder table keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.decoders import DECODERS, Item
from pipeline.core.errors import Rejected

GOLDEN = Path(__file__).parents[1] / "golden" / "decoders"


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_resolves_and_has_golden_payloads_each_with_its_expectation(name: str) -> None:
    assert callable(DECODERS[name])
    payloads = sorted((GOLDEN / name).glob("*.payload"))
    assert payloads
    assert [file.name for file in payloads if not file.with_suffix(".yaml").exists()] == []


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_gives_items_or_a_rejection_for_nothing_at_all(name: str) -> None:
    try:
        items = list(DECODERS[name](b"", "ioc/s/d/up"))
    except Rejected:
        return
    assert all(isinstance(item, Item) for item in items)


def test_no_golden_folder_is_without_a_decoder() -> None:
    assert {folder.name for folder in GOLDEN.iterdir() if folder.is_dir()} == set(DECODERS)
