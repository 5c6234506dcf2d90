"""Tamper: nothing is said of the clean clip, and each way to spoil its view is found, named and over again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.core.events import Edge, TamperKind
from pipeline.local import clip
from vision.picture import Image
from vision.tamper import REMIND_MS, Tamper, TamperWatch

FOUND_MS = 10_000
"""The issue's bar: noticed in 10 s."""
NOISE = np.random.default_rng(5).normal(0, 2, (576, 768, 3)).astype(np.float32)
Spoil = Callable[[Image], Image]


def frames() -> Iterator[Image]:
    video = cv2.VideoCapture(str(clip.source()))
    while (read := video.read())[0]:
        yield np.asarray(read[1], np.uint8)


@cache
def each_second() -> tuple[Image, ...]:
    """One picture of each of the clip's first 40 seconds."""
    return tuple(image for n, image in enumerate(frames()) if n % 10 == 0 and n < 400)


def said(watch: TamperWatch, pictures: Iterable[tuple[int, Image]]) -> list[Tamper]:
    return [found for at, image in pictures if (found := watch.update(image, at)) is not None]


def timed(since: int, seconds: int, spoil: Spoil = lambda image: image) -> Iterator[tuple[int, Image]]:
    """The clip's pictures, one a second and again from its begin, spoiled."""
    for second in range(since, since + seconds):
        yield second * 1000, spoil(each_second()[second % 40])


def clipped(values: Any) -> Image:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def moved(degrees: float, right: int) -> Spoil:
    matrix = cv2.getRotationMatrix2D((384, 288), degrees, 1)
    matrix[0, 2] += right
    return lambda image: np.asarray(cv2.warpAffine(image, matrix, (768, 576), borderMode=cv2.BORDER_REFLECT), np.uint8)


def blurred(sigma: float) -> Spoil:
    return lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def covered(share: float) -> Spoil:
    """Something plain and close hides this share of the picture, from the left."""

    def spoil(image: Image) -> Image:
        image = image.copy()
        image[:, : round(768 * share)] = (70, 80, 110)
        return clipped(image + NOISE)

    return spoil


SPOILED = [
    pytest.param(TamperKind.COVERED, covered(1), id="a hand before the lens"),
    pytest.param(TamperKind.COVERED, covered(0.7), id="two thirds hidden"),
    pytest.param(TamperKind.COVERED, np.zeros_like, id="a cap on the lens"),
    pytest.param(TamperKind.DEFOCUSED, blurred(1.2), id="a little out of focus"),
    pytest.param(TamperKind.DEFOCUSED, blurred(5), id="out of focus"),
    pytest.param(TamperKind.DEFOCUSED, blurred(15), id="far out of focus"),
    pytest.param(TamperKind.TURNED, moved(0, 60), id="pushed aside"),
    pytest.param(TamperKind.TURNED, moved(8, 0), id="rolled"),
    pytest.param(TamperKind.TURNED, lambda image: np.ascontiguousarray(image[::-1, ::-1]), id="upside down"),
    pytest.param(TamperKind.DARK, lambda image: clipped(image * 0.08 + NOISE / 2), id="the light is out"),
    pytest.param(TamperKind.FLOOD_LIT, lambda image: clipped(image * 4.0), id="over-exposed"),
    pytest.param(TamperKind.FLOOD_LIT, lambda image: np.full_like(image, 255), id="a torch into the lens"),
]


def test_nothing_is_said_of_any_frame_of_the_clean_clip() -> None:
    count, watch = 0, TamperWatch()
    for number, image in enumerate(frames()):
        assert watch.update(image, number * 1000) is None  # as if each frame were a second: all 795 are judged
        count += 1
    assert count == 795


@pytest.mark.parametrize(("kind", "spoil"), SPOILED)
def test_a_spoiled_view_is_said_within_10_s_and_is_over_when_it_is_clear_again(kind: TamperKind, spoil: Spoil) -> None:
    watch = TamperWatch()
    assert said(watch, timed(0, 15)) == []
    (begun,) = said(watch, timed(15, 12, spoil))
    assert (begun.kind, begun.edge) == (kind, Edge.BEGIN)
    assert 15_000 < begun.at <= 15_000 + FOUND_MS
    assert watch.spoiled is kind
    (ended,) = said(watch, timed(27, 12))
    assert (ended.kind, ended.edge) == (kind, Edge.END)
    assert 27_000 < ended.at <= 27_000 + FOUND_MS
    assert watch.spoiled is None


def test_a_view_that_is_accepted_ends_what_was_said_and_is_judged_by_itself_from_then_on() -> None:
    watch, turned = TamperWatch(), moved(8, 0)
    watch.watch("1")
    (begun,) = said(watch, [*timed(0, 15), *timed(15, 15, turned)])
    watch.watch("2")
    assert said(watch, timed(30, 30, turned)) == [Tamper(begun.kind, Edge.END, 30_000)]
    assert [each.edge for each in said(watch, [*timed(60, 10, covered(1)), *timed(70, 10, turned)])] == [
        Edge.BEGIN,
        Edge.END,
    ]


def test_a_camera_that_turns_by_itself_from_now_on_ends_what_was_said_and_is_left_alone() -> None:
    watch = TamperWatch()
    (begun,) = said(watch, [*timed(0, 15), *timed(15, 15, covered(1))])
    watch.watch(None)
    assert said(watch, timed(30, 60, moved(8, 0))) == [Tamper(begun.kind, Edge.END, 30_000)]
    assert not watch.due(90_000)


def test_a_clock_that_goes_back_two_minutes_does_not_stop_the_watch() -> None:
    watch = TamperWatch()
    assert said(watch, timed(200, 30)) == []
    (begun,) = said(watch, timed(110, 10, covered(1)))
    (ended,) = said(watch, timed(20, 10))
    assert (begun.edge, begun.at <= 120_000, ended.edge, ended.at <= 30_000) == (Edge.BEGIN, True, Edge.END, True)


@pytest.mark.parametrize("kind_and_spoil", [("covered", covered(1)), ("turned", moved(8, 0))])
@pytest.mark.parametrize("apart_ms", [200, 3000], ids=["5 pictures a second", "one key frame each 3 s"])
def test_it_is_found_as_soon_by_few_pictures_as_by_many(kind_and_spoil: tuple[str, Spoil], apart_ms: int) -> None:
    kind, spoil = kind_and_spoil
    watch = TamperWatch()
    times = [(n * apart_ms, n * apart_ms // 1000) for n in range(60_000 // apart_ms)]
    found = said(
        watch, ((at, (spoil if second >= 30 else np.copy)(each_second()[second % 40])) for at, second in times)
    )
    assert [each.kind for each in found] == [kind]
    assert found[0].at <= 30_000 + FOUND_MS


def test_dusk_and_dawn_are_not_tamper() -> None:
    """Half an hour from full light to a sixth of it, and back; the sensor's noise stays."""
    watch = TamperWatch()

    def light(second: int) -> float:
        return (1 / 6) ** (1 - abs(second - 1800) / 1800) if second < 3600 else 1.0

    small = [image[::2, ::2] for image in each_second()]
    pictures = (
        (second * 1000, clipped(small[second // 6 % 40] * light(second) + NOISE[::2, ::2]))
        for second in range(0, 3600, 6)
    )
    assert said(watch, pictures) == []


@pytest.mark.parametrize("light", [0.5, 0.7, 1.4, 1.8])
def test_a_cloud_or_the_sun_is_not_tamper(light: float) -> None:
    watch = TamperWatch()
    assert said(watch, timed(0, 15)) == []
    assert said(watch, timed(15, 15, lambda image: clipped(image * light))) == []


def infrared(image: Image) -> Image:
    """Grey, lit from the camera, noisy: what a camera shows when it switches to its lamps."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(float)[:, :, None].repeat(3, 2)
    rows, columns = np.mgrid[:576, :768]
    lamp = np.exp(-((columns - 384) ** 2 + (rows - 345) ** 2) / (2 * 260**2))[:, :, None]
    return clipped(grey * lamp * 1.1 + NOISE * 4)


def headlights(image: Image) -> Image:
    rows, columns = np.mgrid[:576, :768]
    glare = sum(260 * np.exp(-((columns - at) ** 2 + (rows - 200) ** 2) / (2 * 60**2)) for at in (500, 560))
    return clipped(image * 0.3 + np.asarray(glare)[:, :, None] + NOISE)


def compressed(image: Image) -> Image:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 5])[1], cv2.IMREAD_COLOR))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(infrared, id="infrared lamps"),
        pytest.param(headlights, id="headlights at dusk"),
        pytest.param(lambda image: clipped(image * 0.2 + 152 + NOISE), id="fog"),
        pytest.param(compressed, id="a poor line"),
    ],
)
def test_what_cameras_see_on_a_bad_night_is_not_tamper(change: Spoil) -> None:
    watch = TamperWatch()
    assert said(watch, timed(0, 15)) == []
    assert said(watch, timed(15, 15, change)) == []


def test_a_hand_that_is_gone_after_three_seconds_is_not_said() -> None:
    watch = TamperWatch()
    said(watch, timed(0, 30))
    assert said(watch, timed(30, 4, covered(1))) == []
    assert said(watch, timed(34, 20)) == []


def test_a_lorry_that_hides_a_third_is_not_tamper() -> None:
    watch = TamperWatch()
    said(watch, timed(0, 30))
    assert said(watch, timed(30, 30, covered(0.33))) == []


def test_a_tamper_that_lasts_is_said_again_each_ten_minutes_and_is_not_learned() -> None:
    watch, dark = TamperWatch(), np.zeros_like(each_second()[0])
    said(watch, timed(0, 30))
    found = said(watch, ((second * 1000, dark) for second in range(30, 1530)))
    assert [each.edge for each in found] == [Edge.BEGIN] * 3
    assert [later.at - first.at for first, later in pairwise(found)] == [REMIND_MS] * 2
    assert [each.edge for each in said(watch, timed(1530, 20))] == [Edge.END]


def test_a_suspicion_from_before_a_silence_begins_anew() -> None:
    watch = TamperWatch()
    said(watch, timed(0, 30))
    said(watch, timed(30, 3, covered(1)))
    assert said(watch, timed(200, 2, covered(1))) == []


def test_a_plain_wall_is_judged_by_its_light_alone() -> None:
    watch, wall = TamperWatch(), clipped(np.full((576, 768, 3), 128.0) + NOISE)
    assert said(watch, ((second * 1000, wall) for second in range(30))) == []
    assert said(watch, ((second * 1000, blurred(5)(wall)) for second in range(30, 60))) == []
    found = said(watch, ((second * 1000, np.zeros_like(wall)) for second in range(60, 90)))
    assert [each.kind for each in found] == [TamperKind.DARK]


def test_pictures_of_another_size_are_learned_anew() -> None:
    watch = TamperWatch()
    said(watch, timed(0, 30))

    def half(image: Image) -> Image:
        return np.ascontiguousarray(image[::2, ::2])

    assert said(watch, timed(30, 40, half)) == []
    assert [each.kind for each in said(watch, timed(70, 20, lambda image: half(covered(1)(image))))] == ["covered"]


def resized(width: int, height: int) -> Spoil:
    return lambda image: np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.mark.parametrize(
    "kind_and_spoil", [("covered", covered(1)), ("turned", moved(8, 0)), ("defocused", blurred(5))]
)
@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (704, 480), (384, 288)])
def test_a_stream_that_changes_its_size_while_its_view_is_spoiled_ends_nothing_before_the_view_is_back(
    kind_and_spoil: tuple[str, Spoil], size: tuple[int, int]
) -> None:
    kind, spoil = kind_and_spoil
    watch = TamperWatch()
    begun = said(watch, [*timed(0, 30), *timed(30, 10, spoil)])
    assert [(each.kind, each.edge) for each in begun] == [(kind, Edge.BEGIN)]
    assert said(watch, timed(40, 60, lambda image: resized(*size)(spoil(image)))) == []
    (ended,) = said(watch, timed(100, 30, resized(*size)))
    assert (ended.kind, ended.edge, ended.at <= 100_000 + FOUND_MS) == (kind, Edge.END, True)
    again = said(watch, timed(130, 20, lambda image: resized(*size)(spoil(image))))
    assert [(each.kind, each.edge) for each in again] == [(kind, Edge.BEGIN)]


@pytest.mark.parametrize("sizes", [((384, 288), (768, 576)), ((640, 480), (1918, 1438))])
def test_a_stream_that_becomes_larger_is_not_taken_for_one_out_of_focus(sizes: tuple[tuple[int, int], ...]) -> None:
    watch = TamperWatch()
    assert said(watch, timed(0, 30, resized(*sizes[0]))) == []
    assert said(watch, timed(30, 40, lambda image: resized(*sizes[1])(resized(*sizes[0])(image)))) == []


@pytest.mark.parametrize("size", [(576, 768), (8, 8), (1, 400)])
def test_a_picture_of_one_colour_or_of_any_size_is_no_fault(size: tuple[int, int]) -> None:
    watch = TamperWatch()
    assert said(watch, ((second * 1000, np.full((*size, 3), 90, np.uint8)) for second in range(40))) == []
