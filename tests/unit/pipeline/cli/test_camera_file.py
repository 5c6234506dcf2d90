"""The file that `ioc camera add --zones` reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.cli.camera import places_of, zone_words
from pipeline.core.catalogue import Zone
from pipeline.core.errors import BadInput

POLYGON = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0))


def written(folder: Path, text: str) -> Path:
    path = folder / "zones.yaml"
    path.write_text(text)
    return path


def test_a_list_is_the_zones_and_names_give_lines_too(tmp_path: Path) -> None:
    assert places_of(None) == {}
    assert places_of(written(tmp_path, "[{id: a, polygon: []}]")) == {"zones": [{"id": "a", "polygon": []}]}
    text = "zones: [{id: a, dwell_s: 5}]\nlines: [{id: b, points: []}]\nframe_size: [640, 480]\n"
    assert places_of(written(tmp_path, text)) == {
        "zones": [{"id": "a", "dwell_s": 5}],
        "lines": [{"id": "b", "points": []}],
        "frame_size": [640, 480],
    }


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[{id: a, dwel_s: 5}]", "camera.zones.a.dwel_s"),
        ("lines: [{id: b, polygon: []}]", "camera.lines.b.polygon"),
        ("zone: []", "camera.zone"),
        ("just words", "--zones"),
        ("[", "--zones"),
    ],
)
def test_a_name_that_means_nothing_is_refused_not_passed_over(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        places_of(written(tmp_path, text))
    assert refused.value.field == field


def test_a_list_of_cameras_says_briefly_what_is_watched() -> None:
    lane = Zone(id="lan-1", polygon=POLYGON, stopped_s=5, crowd=3, crowd_density=1.0)
    assert zone_words(lane) == "lan-1 (stopped crowd)"
    assert zone_words(Zone(id="san", polygon=POLYGON)) == "san"
    assert zone_words(Zone(id="bien", polygon=POLYGON, kind="exclusion")) == "-bien"
