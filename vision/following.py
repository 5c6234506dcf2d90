"""The tracker of a camera: what its detector needs beyond the default."""

from __future__ import annotations

from pipeline.core.catalogue import Camera
from vision.detectors import CONFIRM_HITS
from vision.kinds import KINDS, MOVERS
from vision.plane import Plane
from vision.tracker import CONFIRM_HITS as CONFIRM_HITS_ELSE
from vision.tracker import Tracker


def tracker(camera: Camera, prefix: str, plane: Plane | None) -> Tracker:
    """A new tracker for a camera; its ids are `<prefix>-<n>`."""
    hits = CONFIRM_HITS.get(camera.detector, CONFIRM_HITS_ELSE)
    kinds = MOVERS if camera.detector == "motion" else KINDS
    return Tracker(prefix, camera.threshold, plane, confirm_hits=hits, kinds=kinds)
