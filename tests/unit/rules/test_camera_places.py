"""Zones and lines of a camera: readings under `<camera>.<place>` belong to the camera wherever rules ask."""

from __future__ import annotations

import pytest

from pipeline.core.catalogue import Area, Camera, Group, Kind, Line, Site, Zone
from rules.engine.catalogue import Catalogue, changes_from
from rules.engine.settings import Scope

CAMERA = Camera(
    id="cam.07",
    site="cho-dam",
    url="rtsp://x/1",
    tags=("restricted",),
    attributes={"free_flow_speed": 50},
    zones=(Zone(id="lan.1", polygon=()), Zone(id="lan-2", polygon=())),
    lines=(Line(id="vach", points=((0.0, 0.0), (1.0, 1.0))),),
)


def catalogue(camera: Camera = CAMERA) -> Catalogue:
    documents = [
        (Kind.AREA, Area(id="nha-trang")),
        (Kind.SITE, Site(id="cho-dam", area="nha-trang")),
        (Kind.GROUP, Group(id="g", devices=("cam.07",))),
        (Kind.CAMERA, camera),
    ]
    return Catalogue().with_changes(changes_from(documents))


SCOPES = [
    Scope(tags=frozenset(("restricted",))),
    Scope(area="nha-trang"),
    Scope(sites=frozenset(("cho-dam",))),
    Scope(types=frozenset(("camera",))),
    Scope(devices=frozenset(("cam.07",))),
    Scope(group="g"),
]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("device", ["cam.07", "cam.07.lan.1", "cam.07.lan-2", "cam.07.vach"])
def test_a_place_is_in_the_scopes_of_its_camera(scope: Scope, device: str) -> None:
    assert catalogue().in_scope(scope, device)


@pytest.mark.parametrize("device", ["cam.07.lan", "cam.07.", "cam.0", "cam", "cam.07.lan.1.x"])
def test_what_only_looks_like_a_place_is_not(device: str) -> None:
    assert not catalogue().in_scope(Scope(tags=frozenset(("restricted",))), device)


def test_a_scope_may_name_one_place_alone() -> None:
    scope = Scope(devices=frozenset(("cam.07.lan-2",)))
    assert [catalogue().in_scope(scope, device) for device in ("cam.07.lan-2", "cam.07", "cam.07.vach")] == [
        True, False, False,
    ]  # fmt: skip


def test_a_place_has_its_camera_s_attributes_and_is_retired_with_it() -> None:
    assert catalogue().attributes("cam.07.lan.1") == {"free_flow_speed": 50}
    retired = Camera(id="cam.07", site="cho-dam", url="rtsp://x/1", zones=CAMERA.zones, retired_at=5)
    assert not catalogue(retired).in_scope(Scope(), "cam.07.lan.1")
