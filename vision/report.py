"""What a camera says to the rules: readings and detections made of tracks, counts and states. Pure."""

from __future__ import annotations

from pipeline.core.catalogue import Camera
from pipeline.core.events import CameraState, Detection, DetectionEvent, Quality, Reading
from pipeline.core.quantities import quantity
from vision.picture import Picture
from vision.tamper import Tamper
from vision.zones import Passage

ZONE_OCCUPANCY, CAMERA_FPS, CAMERA_LATENCY = "zone_occupancy", "camera_fps", "camera_latency"


class Reporter:
    """Makes the events of one camera since one start; `generation` grows with every start."""

    def __init__(self, camera: Camera, generation: int) -> None:
        self._camera, self._generation = camera, generation

    def occupancy(self, zone: str, count: int, at: int) -> Reading:
        """How many stand in a zone."""
        return self._reading(series(self._camera, zone), ZONE_OCCUPANCY, count, at)

    def fps(self, value: float, at: int) -> Reading:
        """Frames a second that came from the camera."""
        return self._reading(self._camera.id, CAMERA_FPS, round(value, 2), at)

    def latency(self, value_ms: float, at: int) -> Reading:
        """From the time of a picture to what was seen in it being handed to Kafka."""
        return self._reading(self._camera.id, CAMERA_LATENCY, round(value_ms), at)

    def passage(self, passage: Passage, picture: Picture, evidence: str = "") -> Detection:
        """A track entered or left a zone."""
        track = passage.track
        x, y, width, height = (round(side, 1) for side in track.box)
        return Detection(
            camera=self._camera.id,
            event=DetectionEvent.ENTER if passage.entered else DetectionEvent.LEAVE,
            at=track.at,
            zone=passage.zone,
            track=track.id,
            label=track.label,
            confidence=round(track.confidence, 3),
            clock=picture.clock,
            box=(x, y, width, height),
            evidence=evidence,
            site=self._camera.site,
            generation=self._generation,
        )

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


def series(camera: Camera, zone: str) -> str:
    """The device id of a zone's readings: the camera, or `<camera>.<zone>` when it has several zones.

    A reading has no field for a zone, and two zones must not share a series.
    """
    return camera.id if len(camera.zones) == 1 else f"{camera.id}.{zone}"
