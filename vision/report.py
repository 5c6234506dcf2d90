"""What a camera says to the rules: readings and detections made of tracks, counts and states. Pure."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from pipeline.core.catalogue import Camera
from pipeline.core.events import CameraState, Detection, DetectionEvent, Position, Quality, Reading, Speed
from pipeline.core.quantities import quantity
from vision.analytics.zone import Finding, Measure
from vision.picture import ClockSource, Picture
from vision.plane import Plane
from vision.tamper import Tamper
from vision.tracker import Ground, Track

CAMERA_FPS, CAMERA_LATENCY = "camera_fps", "camera_latency"


class Reporter:
    """Makes the events of one camera since one start; `generation` grows with every start."""

    def __init__(self, camera: Camera, generation: int) -> None:
        self._camera, self._generation = camera, generation

    def measure(self, measure: Measure) -> Reading:
        """A value of a place."""
        return self._reading(series(self._camera, measure.place), measure.quantity, measure.value, measure.at)

    def fps(self, value: float, at: int) -> Reading:
        """Frames a second that came from the camera."""
        return self._reading(self._camera.id, CAMERA_FPS, round(value, 2), at)

    def latency(self, value_ms: float, at: int) -> Reading:
        """From the time of a picture to what was seen in it being handed to Kafka."""
        return self._reading(self._camera.id, CAMERA_LATENCY, round(value_ms), at)

    def finding(
        self,
        found: Finding,
        clock: ClockSource,
        plane: Plane | None = None,
        speed: Speed | None = None,
        evidence: str = "",
    ) -> Detection:
        """Something that happened at a place; `plane` gives the foot's position, where it knows one."""
        track = found.track
        detection = Detection(
            camera=self._camera.id,
            event=found.event,
            at=found.at,
            edge=found.edge,
            zone=found.place,
            line=found.place if found.on_line else "",
            direction=found.direction,
            clock=clock,
            speed=speed,
            evidence=evidence,
            site=self._camera.site,
            generation=self._generation,
        )
        return detection if track is None else replace(detection, **_of_track(track, plane))

    def state(self, state: CameraState, at: int, evidence: str = "") -> Detection:
        """The camera is in another state than before; `evidence` is the last picture that came."""
        return Detection(
            camera=self._camera.id,
            event=DetectionEvent.STATE,
            at=at,
            state=state,
            evidence=evidence,
            site=self._camera.site,
            generation=self._generation,
        )

    def tamper(self, tamper: Tamper, picture: Picture, evidence: str = "") -> Detection:
        """The camera's view was spoiled, or is clear again."""
        return Detection(
            camera=self._camera.id,
            event=DetectionEvent.TAMPER,
            at=tamper.at,
            edge=tamper.edge,
            kind=tamper.kind,
            clock=picture.clock,
            evidence=evidence,
            site=self._camera.site,
            generation=self._generation,
        )

    def _reading(self, device: str, name: str, value: float, at: int) -> Reading:
        row = quantity(name)
        return Reading(
            device=device,
            quantity=name,
            at=at,
            unit=row.unit,
            value=value,
            quality=Quality.GOOD if row.plausible(value) else Quality.UNCERTAIN,
            site=self._camera.site,
            generation=self._generation,
        )


def _of_track(track: Track, plane: Plane | None) -> dict[str, Any]:
    x, y, width, height = (round(side, 1) for side in track.box)
    said: dict[str, Any] = {
        "track": track.id,
        "label": track.label,
        "confidence": round(track.confidence, 3),
        "box": (x, y, width, height),
    }
    if track.ground is not None:
        said["foot"] = _position(track.ground, plane)
    return said


def _position(ground: Ground, plane: Plane | None) -> Position | None:
    found = None if plane is None else plane.positions([[ground.x, ground.y]])
    return None if found is None else (round(found[0][0], 7), round(found[0][1], 7))


def series(camera: Camera, place: str) -> str:
    """The device id of a place's readings: the camera, or `<camera>.<place>` when it has several of the kind.

    A reading has no field for a place, and two places must not share a series. Zones and lines measure different
    quantities, so one of each may share the camera's.
    """
    lines = [line.id for line in camera.lines]
    zones = [zone.id for zone in camera.zones if zone.kind == "inclusion"]
    alone = len(lines if place in lines else zones) == 1
    return camera.id if alone else f"{camera.id}.{place}"
