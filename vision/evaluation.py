"""One camera's way from pictures to tracks, run over a clip and scored against truth.

What runs is what runs in production: the detector, the tracker, the delayed tracks, the pace meter and the lines.
Time is `frame / fps`: a clip's own frame rate is often wrong.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import av
import av.error
import cv2
import msgspec
import numpy as np

from pipeline.core.catalogue import Camera
from pipeline.core.errors import BadInput
from vision.delayed import Delayed, Final
from vision.detectors import DETECTORS, Detector, Options, followed, lowest_of
from vision.following import tracker
from vision.lines import Foot, LineWatch
from vision.pace import LAG_MS, Pace, PaceMeter
from vision.picture import Box, Image, Picture
from vision.plane import Plane, PlaneOfSize
from vision.scores import Event, counted, detection_score, tracking_score, unmatched_events, who_is_who
from vision.tracker import Track, Tracked, Tracker
from vision.truth import Truth
from vision.zones import Point, Polygon, scaled, visible

LABEL = "person"
SPEED_LEAST_MPS = 0.3
"""Who goes slower stands; a relative error of that says nothing."""
EVENT_WITHIN_MS = 2000
SPAN_MS = 1000
LAG_MOST_MS = 500
Tracks = Mapping[int, Sequence[Track]]
"""Tracks, or the truth's people, by frame."""


class Clip(NamedTuple):
    """What is evaluated: a video, frames from 1 to be scored (both ends too), frames a second in truth."""

    video: Path
    first: int
    last: int
    fps: float

    @property
    def frames(self) -> range:
        """The frames that are scored."""
        return range(self.first, self.last + 1)

    def at(self, frame: int) -> int:
        """The time of a frame in ms."""
        return round(frame * 1000 / self.fps)


@dataclass(slots=True)
class Reading:
    """What a camera made of the frames of a clip, by frame; CPU seconds by part for the scored frames."""

    size: tuple[int, int] = (0, 0)
    plane: Plane | None = None
    found: dict[int, list[Box]] = field(default_factory=dict)
    live: dict[int, list[Track]] = field(default_factory=dict)
    there: dict[int, list[Track]] = field(default_factory=dict)
    final: dict[int, list[Track]] = field(default_factory=dict)
    paces: dict[int, dict[str, Pace]] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def pictures(clip: Clip, spent: dict[str, float]) -> Iterator[Picture]:
    """Frames 1 to the last of a clip, decoded with one thread. Raises BadInput."""
    try:
        container = av.open(str(clip.video))
    except (av.error.FFmpegError, OSError) as error:
        name = type(error).__name__
        raise BadInput(
            "--video", str(clip.video), f"a video that can be read ({name})", vi=f"tệp video đọc được ({name})"
        ) from None
    with container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        frames = container.decode(stream)
        for number in range(1, clip.last + 1):
            began = time.process_time()
            frame = next(frames, None)
            if frame is None:
                raise BadInput(
                    "--frames",
                    f"{clip.first}-{clip.last}",
                    f"at most {number - 1}, where the video ends",
                    vi=f"khung hình tối đa là {number - 1}, nơi video kết thúc",
                )
            image: Image = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            if number >= clip.first:
                spent["decode"] += time.process_time() - began
            yield Picture(image, clip.at(number), number)


def read(camera: Camera, detector: Detector, clip: Clip) -> Reading:
    """Run a camera over a clip; frames before the first only warm it up. Raises BadInput."""
    cv2.setNumThreads(1)
    reading, planes = Reading(), PlaneOfSize(camera.calibration, camera.frame_size)
    following: Tracker | None = None
    delayed, meter = Delayed(), PaceMeter()
    for picture in pictures(clip, reading.spent):
        reading.size, reading.plane = picture.size, planes.of(picture.size)
        if following is None:
            following, meter = tracker(camera, "1", reading.plane), PaceMeter(reading.plane)
        began = time.process_time()
        seen = followed(detector.detect(picture), camera)
        seen_at = time.process_time()
        tracked = following.update(seen, picture.at)
        finals = delayed.update(tracked, picture.at)
        _meter(reading, meter, tracked, picture, clip)
        if picture.number >= clip.first:
            reading.spent["detect"] += seen_at - began
            reading.spent["track"] += time.process_time() - seen_at
        found = [each for each in seen if each.label == LABEL and each.confidence >= camera.threshold]
        reading.found[picture.number] = [each.box for each in found]
        reading.live[picture.number] = _people(tracked.live)
        reading.there[picture.number] = _people([*tracked.live, *tracked.hidden])
        _keep(reading, finals, clip)
    _keep(reading, delayed.end(), clip)
    return reading


def _people(tracks: Iterable[Track]) -> list[Track]:
    return [track for track in tracks if track.label == LABEL]


def _keep(reading: Reading, finals: Iterable[Final], clip: Clip) -> None:
    for final in finals:
        reading.final[round(final.at * clip.fps / 1000)] = _people(final.tracks)


def _meter(reading: Reading, meter: PaceMeter, tracked: Tracked, picture: Picture, clip: Clip) -> None:
    """Measure the speeds of the span that ended a lag ago, at most LAG_MOST_MS."""
    if reading.plane is None or not reading.plane.grounded:
        return
    meter.update(tracked, picture.at)
    end = picture.number - round(LAG_MS * clip.fps / 1000)
    if picture.at - clip.at(end) > LAG_MOST_MS:
        end += 1
    paces = ((track.id, meter.pace(track.id, clip.at(end))) for track in reading.live.get(end, ()))
    reading.paces[end] = {id_: pace for id_, pace in paces if pace is not None}


class Marks(NamedTuple):
    """A camera's zones and lines that are about people, in pixels of the pictures. A clip has no time of day: zones are
    in force at all hours."""

    zones: Sequence[Polygon]
    exclusions: Sequence[Polygon]
    lines: Mapping[str, Sequence[Point]]

    @classmethod
    def of(cls, camera: Camera, size: tuple[int, int]) -> Marks:
        """As drawn, on pictures of width and height `size`."""
        drawn = camera.frame_size or size
        about = [(zone.kind, zone) for zone in camera.zones if LABEL in zone.labels]
        always = [(kind, Polygon(msgspec.structs.replace(zone, schedule=None), drawn, size)) for kind, zone in about]
        lines = {
            line.id: scaled(line.points, drawn, size)
            for line in camera.lines
            if not line.labels or LABEL in line.labels
        }
        zones, exclusions = ([each for kind, each in always if kind == one] for one in ("inclusion", "exclusion"))
        return cls(zones, exclusions, lines)


def scored(camera: Camera, reading: Reading, truth: Truth, clip: Clip) -> dict[str, Any]:
    """The flat table of `ioc vision evaluate`; what cannot be measured is None.

    A key with `_delayed` is of the tracks as they are known 3 s later, the others as they are known at once. Zones and
    lines see what they see in production: not what an exclusion zone hides, in the truth neither.
    """
    frames, marks = clip.frames, Marks.of(camera, reading.size)
    found = detection_score(reading.found, truth, frames)
    table: dict[str, Any] = {"f1": found.f1, "precision": found.precision, "recall": found.recall}
    for suffix, tracks in (("", reading.live), ("_delayed", reading.final)):
        followed = tracking_score(tracks, truth, frames)
        table |= {f"{name}{suffix}": value for name, value in followed._asdict().items()}
    table |= _speeds(reading, truth, clip)
    people = {f: [Track(p.person, LABEL, p.box, 1.0, clip.at(f), True) for p in truth.get(f, ())] for f in frames}
    for suffix, tracks in (("", reading.there), ("_delayed", reading.final)):
        table[f"occupancy_mae{suffix}"] = _occupancy_error(marks, tracks, people)
    table |= _crossings(marks, reading, people, clip)
    table |= {f"ms_{part}": seconds * 1000 / len(frames) for part, seconds in reading.spent.items()}
    table["ms_per_frame"] = sum(reading.spent.values()) * 1000 / len(frames)
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in table.items()}


def _speeds(reading: Reading, truth: Truth, clip: Clip) -> dict[str, Any]:
    """Relative errors of the mean speed over a second, for people who walk, and how many have one."""
    span, errors, wanted = round(clip.fps * SPAN_MS / 1000), [], 0
    for end in clip.frames[span:]:
        before = {each.person: each.metres for each in counted(truth, end - span)}
        people = counted(truth, end)
        ids = who_is_who(reading.live[end], people)
        for person in people:
            begin = before.get(person.person)
            if begin is None or person.metres is None:
                continue
            mps = float(np.hypot(person.metres[0] - begin[0], person.metres[1] - begin[1])) * clip.fps / span
            if mps > SPEED_LEAST_MPS:
                wanted += 1
                pace = reading.paces.get(end, {}).get(ids.get(person.person, ""))
                errors += [abs(pace.mps - mps) / mps] if pace else []
    if not errors:
        return {"speed_median": None, "speed_p90": None, "speed_coverage": None}
    median, high = np.percentile(errors, [50, 90])
    return {"speed_median": float(median), "speed_p90": float(high), "speed_coverage": len(errors) / wanted}


def _occupancy_error(marks: Marks, tracks: Tracks, people: Tracks) -> float | None:
    """Mean error of the number of people in a zone; all people count, those to be ignored too."""
    errors = []
    for frame, true in people.items():
        found, wanted = visible(tracks.get(frame, ()), marks.exclusions), visible(true, marks.exclusions)
        errors += [abs(_holds(zone, found) - _holds(zone, wanted)) for zone in marks.zones]
    return float(np.mean(errors)) if errors else None


def _holds(zone: Polygon, tracks: Iterable[Track]) -> int:
    return sum(zone.depth(track.box.foot) >= 0 for track in tracks)


def _crossings(marks: Marks, reading: Reading, people: Tracks, clip: Clip) -> dict[str, Any]:
    """Crossings missed or false, None where there are none; the truth is the same rule on the truth's feet."""
    true = _events(marks, people, reading.plane, clip)
    table: dict[str, Any] = {"crossings": len(true)}
    for suffix, tracks in (("", reading.live), ("_delayed", reading.final)):
        found = _events(marks, {f: tracks.get(f, ()) for f in clip.frames}, reading.plane, clip)
        table[f"crossings_wrong{suffix}"] = unmatched_events(found, true, EVENT_WITHIN_MS) if true else None
    return table


def _events(marks: Marks, tracks: Tracks, plane: Plane | None, clip: Clip) -> list[Event]:
    watches = {name: LineWatch(*ends) for name, ends in marks.lines.items()}
    events = []
    for frame, there in tracks.items():
        shown = visible(there, marks.exclusions)
        feet = feet_of([(track.id, track.box) for track in shown], plane)
        hidden = {track.id for track in there} - {track.id for track in shown}
        for name, watch in watches.items():
            watch.forget(hidden)
            events += [Event(name, c.direction, clip.at(frame)) for c in watch.update(feet, clip.at(frame))]
    return events


def feet_of(boxes: Sequence[tuple[str, Box]], plane: Plane | None) -> list[Foot]:
    """Where boxes stand and how tall a person is there: as the plane says, else as the box is."""
    points = [box.foot for _, box in boxes]
    expected = plane.expected_height(points) if plane is not None and points else None
    heights = [box.height for _, box in boxes] if expected is None else expected.tolist()
    return [
        Foot(id_, box.foot, box.height if math.isnan(height) else height)
        for (id_, box), height in zip(boxes, heights, strict=True)
    ]


def evaluate(camera: Camera, clip: Clip, truth: Truth, model: Path | None = None) -> dict[str, Any]:
    """Run a camera's detector over a clip and score it. Raises BadInput, ConfigError."""
    options = Options(lowest_of(camera), model, camera.attributes, camera.calibration, camera.frame_size)
    detector = DETECTORS[camera.detector](options)
    return scored(camera, read(camera, detector, clip), truth, clip)
