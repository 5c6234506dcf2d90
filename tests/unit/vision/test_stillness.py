"""A source that hangs behind an encoder that lives, and still scenes that must not be taken for one."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby

import av
import cv2
import numpy as np
import pytest

from pipeline.local import clip
from vision.health import FROZEN_S
from vision.picture import Image
from vision.stillness import Stillness

FPS, GOP = 10, 20
SIZE = (384, 216)


def yard(light: float = 1.0) -> Image:
    image = cv2.VideoCapture(str(clip.source())).read()[1]
    return np.asarray(cv2.resize(image, SIZE) * light, np.uint8)


def hanging(image: Image) -> Iterator[Image]:
    for _ in range(FPS * 30):
        yield image


def trembling(image: Image, sigma: float) -> Iterator[Image]:
    random = np.random.default_rng(4)
    for _ in range(FPS * 10):
        noise = random.normal(0, sigma, (SIZE[1], SIZE[0], 1))
        yield np.asarray(np.clip(image + noise, 0, 255).round(), np.uint8)


def dark_with_a_clock() -> Iterator[Image]:
    for number in range(FPS * 10):
        image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
        cv2.putText(image, f"02:14:{number // FPS:02d}", (8, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1)
        yield image


def stillest_s(pictures: Iterator[Image], options: dict[str, str], gop: int = GOP) -> float:
    """For how long at most no picture was new, seconds, after the encoder's first two."""
    encoder, decoder = av.CodecContext.create("libx264", "w"), av.CodecContext.create("h264", "r")
    encoder.width, encoder.height, encoder.pix_fmt = *SIZE, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.options = {"preset": "veryfast", "bf": "0", "g": str(gop), "threads": "1"} | options
    stillness, new = Stillness(), []
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts = number
        for packet in encoder.encode(frame):
            for shown in decoder.decode(packet):
                if shown.key_frame:
                    stillness.key()
                new.append(stillness.new(shown.to_ndarray(format="bgr24")))
    return max([len(list(run)) for was_new, run in groupby(new[2 * FPS :]) if not was_new], default=0) / FPS


@pytest.mark.parametrize("light", [1.0, 0.25])
@pytest.mark.parametrize("options", [{"crf": "23"}, {"crf": "30"}, {"qp": "28"}])
def test_a_source_that_hangs_is_the_same_though_key_frames_come(light: float, options: dict[str, str]) -> None:
    """For longer than FROZEN_S, in half a minute."""
    assert stillest_s(hanging(yard(light)), options) >= 15 > FROZEN_S


@pytest.mark.parametrize(("light", "sigma"), [(0.25, 0.3), (1.0, 0.3), (0.25, 2.5)])
@pytest.mark.parametrize("options", [{"crf": "23"}, {"b": "128000", "maxrate": "128k", "bufsize": "128k"}])
def test_a_still_scene_is_new_with_every_key_frame(light: float, sigma: float, options: dict[str, str]) -> None:
    assert stillest_s(trembling(yard(light), sigma), options) <= GOP / FPS


def test_where_key_frames_are_rare_a_still_scene_is_not_taken_for_the_same() -> None:
    """Its frames differ by next to nothing until a key frame comes."""
    assert stillest_s(trembling(yard(0.25), 0.3), {"crf": "28"}, gop=10_000) <= 2


def test_a_clock_in_a_black_picture_is_new_each_second() -> None:
    assert stillest_s(dark_with_a_clock(), {"crf": "30"}) <= 1


def test_another_size_is_another_picture() -> None:
    stillness = Stillness()
    assert stillness.new(np.zeros((40, 40, 3), np.uint8))
    assert not stillness.new(np.zeros((40, 40, 3), np.uint8))
    assert stillness.new(np.zeros((44, 40, 3), np.uint8))
