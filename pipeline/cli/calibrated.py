"""A camera's calibration as its document is registered: whether it can be, and how exact it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.core.catalogue import Camera, Document

if TYPE_CHECKING:
    from vision.plane import Plane


def plane_of(document: Document) -> Plane | None:
    """The ground of a camera's pictures; None where nothing is calibrated, or retired. Raises BadInput."""
    if not isinstance(document, Camera) or document.calibration is None or document.retired_at is not None:
        return None
    from vision.plane import Plane

    size = document.frame_size or (1, 1)
    return Plane.of(document.calibration, size, size)


def exactness(document: Document) -> str:
    """How well a calibration's points agree, to be told after a document's name. Raises BadInput when they do not."""
    plane = plane_of(document)
    if plane is None:
        return ""
    if not plane.grounded:
        return "; heights only: no metres and no speeds"
    if len(plane.residuals_m) <= 4:
        return "; four points fit any calibration: give more, and they are checked against one another"
    return f"; calibration points agree to {plane.residual_m:.2f} m, the worst to {max(plane.residuals_m):.2f} m"
