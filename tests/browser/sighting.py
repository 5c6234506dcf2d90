"""One camera of a test's own that saw somebody: the picture, the alert, and the clip, made by the shipped code.

Its pictures are those of the real clip, its people where a script says.
"""

from __future__ import annotations

import uuid
from zoneinfo import ZoneInfo

import cv2
import numpy as np

from pipeline.core.alerts import Text
from pipeline.core.catalogue import Camera, Site, Zone
from pipeline.core.clock import now_ms
from pipeline.core.events import Detection, DetectionEvent
from pipeline.local import clip
from rules.engine.loader import load_text
from tests.browser.centre import Centre
from tests.integration.scene import judged
from vision import store
from vision.clips import Clips
from vision.picture import Box, Image, Picture, Seen
from vision.tracker import Track

RULE = """
id: {p}.intrusion
title: {{vi: Người vào khu vực cấm, en: Person in a closed area}}
kind: threshold
scope: {{detections: {{event: enter, zone: {p}-yard}}}}
raise: {{major: {{above: 0}}}}
alert:
  instruction: {{vi: Xem hình và cử bảo vệ, en: Look and send a guard}}
"""
SAIGON = ZoneInfo("Asia/Ho_Chi_Minh")
PERSON = Box(270, 200, 36, 86)
"""Where somebody walks in the clip's frame FIRST_FRAME + SECONDS_BEFORE x 10, seen by eye."""
ALL_PEOPLE = (PERSON, Box(586, 142, 34, 62), Box(686, 300, 62, 112))
FIRST_FRAME = 350
SECONDS_BEFORE = 5
APART_MS = 200


class Sighting:
    """A camera, the rule that watches it, and what happened before it."""

    def __init__(self, centre: Centre, *, people: bool = True) -> None:
        self.prefix = f"k{uuid.uuid4().hex[:6]}"
        self.camera = f"{self.prefix}-cam"
        self.key = f"{self.prefix}.intrusion|{self.camera}|{self.prefix}-yard"
        self.centre = centre
        self.people = people
        self.at = now_ms()
        self.digest = ""
        zone = Zone(id=f"{self.prefix}-yard", polygon=((180, 215), (560, 215), (640, 400), (120, 400)))
        site = f"{self.prefix}-site"
        self._documents = (
            Site(id=site, title=Text(f"Ga {self.prefix}", f"Station {self.prefix}")),
            Camera(
                id=self.camera,
                site=site,
                url="rtsp://127.0.0.1:1/cam",
                title=Text("Camera sân ga", "Platform camera"),
                zones=(zone,),
                frame_size=(768, 576),
            ),
        )
        self._rules = load_text(RULE.format(p=self.prefix)).checked()
        centre.do(centre.scene.register(self._documents, self._rules))
        self._clips = Clips(centre.dsn, SAIGON)
        self._witness = self._clips.witness(self._documents[1], ["person"])

    def happens(self) -> None:
        """Somebody enters: the picture is stored, the detection judged, the film kept for a clip."""
        for n, image in enumerate(_images()):
            picture = Picture(image, self.at + n * APART_MS - SECONDS_BEFORE * 1000)
            self._witness.note(picture, [Seen(box, "person", 0.9) for box in self._people()])
            self._witness.look(picture, busy=True)
            if picture.at == self.at:
                self._keep(picture)
        seen = Detection(
            camera=self.camera,
            event=DetectionEvent.ENTER,
            at=self.at,
            zone=f"{self.prefix}-yard",
            track="1-1",
            label="person",
            evidence=self.digest,
        )
        conditions = judged(self._rules, [seen], self._documents, self.at + 10_000)
        self.centre.do(self.centre.scene.judge([each for each in conditions if each.edge == "begin"]))

    def clip_is_cut(self) -> None:
        """What the camera's worker does each second; its film is as long as it will get."""
        with store.connect(self.centre.dsn) as connection:
            self._clips.serve(connection)

    def _people(self) -> tuple[Box, ...]:
        return ALL_PEOPLE if self.people else ()

    def _keep(self, picture: Picture) -> None:
        track = Track("1-1", "person", PERSON, 0.87, picture.at, seen=True)
        made = self._witness.evidence(picture, [track] if self.people else [])
        self.digest = made.digest
        with store.connect(self.centre.dsn) as connection:
            store.write(connection, store._KEEP, made)


def _images() -> list[Image]:
    """Ten seconds of the clip, five pictures a second."""
    video = cv2.VideoCapture(str(clip.source()))
    video.set(cv2.CAP_PROP_POS_FRAMES, FIRST_FRAME)
    images = [video.read()[1] for _ in range(2 * SECONDS_BEFORE * clip.FRAMES_PER_SECOND + 2)]
    return [np.asarray(image, np.uint8) for image in images[::2]]
