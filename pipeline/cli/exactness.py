"""How exact a camera's calibration is, told when it is registered."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from pipeline.core.alerts import Text
from pipeline.core.catalogue import Camera, Document, Zone
from pipeline.core.errors import BadInput, with_comma

if TYPE_CHECKING:
    from vision.plane import Plane

WARN_SHARE = 0.1
"""A ground on which lengths may be off by a larger part, one sigma, gives few speeds and doubtful areas."""
USELESS_SHARE = 0.5
_MOST = 100
_METRIC = ("direction", "speed_limit_kmh", "queue_m", "crowd_density", "running_mps")
"""What a zone may ask for that needs metres."""
_WARNING = Text(
    vi="cảnh báo: vùng {zone}: nếu các điểm hiệu chuẩn bị đánh dấu lệch {px:g} px, một góc lệch {metres} và chiều dài"
    " ở đó sai {share}; hãy thêm điểm hiệu chuẩn quanh vùng, cách xa nhau",
    en="warning: zone {zone}: if calibration points were clicked {px:g} px off, a corner is {metres} off and lengths"
    " there are {share} wrong; add calibration points around the zone, far from one another",
)


class Corners(NamedTuple):
    """How far a zone's worst corner may be off, metres, and by which part lengths may be at its worst and best one."""

    zone: Zone
    moved_m: float
    worst: float
    best: float


def exactness(document: Document) -> str:
    """How well a calibration's points agree, and how exact it is in the zones. Raises BadInput when it is useless."""
    from vision.plane import Plane

    if not isinstance(document, Camera) or document.calibration is None or document.retired_at is not None:
        return ""
    size = document.frame_size or (1, 1)
    plane = Plane.of(document.calibration, size, size)
    if not plane.grounded:
        return "; heights only: no metres and no speeds"
    told = "; four points fit any calibration: give more, and they are checked against one another"
    if len(plane.residuals_m) > 4:
        worst = max(plane.residuals_m)
        told = f"; calibration points agree to {plane.residual_m:.2f} m, the worst to {worst:.2f} m"
    return told + _of_zones(document, plane)


def _of_zones(camera: Camera, plane: Plane) -> str:
    from vision.clicks import CLICK_PX

    zones = list(_corners(camera, plane))
    if not zones:
        return ""
    for each in zones:
        if each.best > USELESS_SHARE and any(getattr(each.zone, name) is not None for name in _METRIC):
            raise _useless(CLICK_PX, each)
    moved, worst = _metres(max(each.moved_m for each in zones)), _share(max(each.worst for each in zones))
    told = [f"; by clicks of {CLICK_PX:g} px corners of zones may be {moved} off, lengths there {worst}"]
    for each in zones:
        if each.worst > WARN_SHARE:
            said = {"px": CLICK_PX, "metres": _metres(each.moved_m), "share": _share(each.worst)}
            told += [text.format(zone=each.zone.id, **said) for text in (_WARNING.vi, _WARNING.en)]
    return "\n".join(told)


def _useless(click_px: float, of: Corners) -> BadInput:
    zone, share = of.zone.id, _share(of.best)
    return BadInput(
        "camera.calibration",
        f"clicked {click_px:g} px off, they make lengths in zone {zone} {share} wrong",
        "points around the zone, far from one another",
        vi="các điểm hiệu chuẩn quanh vùng và cách xa nhau: đánh dấu lệch"
        f" {with_comma(click_px)} px thì chiều dài trong vùng {zone} sai {share}",
    )


def _corners(camera: Camera, plane: Plane) -> Iterator[Corners]:
    """Of every zone of which a corner is on the ground."""
    assert plane.clicks is not None
    for zone in camera.zones:
        corners = [corner for corner in plane.metres(zone.polygon).tolist() if all(map(math.isfinite, corner))]
        if zone.kind == "inclusion" and corners:
            shares = plane.clicks.worst_scale(corners)
            yield Corners(zone, float(plane.clicks.moved_m(corners).max()), float(shares.max()), float(shares.min()))


def _metres(value: float) -> str:
    return f"{value:.1f} m" if value < _MOST else f"> {_MOST} m"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %" if 100 * value < _MOST else f"> {_MOST} %"
