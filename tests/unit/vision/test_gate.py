"""The gate opens for what moves and stays shut for noise; expected answers come from how the pictures are drawn."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from vision.gate import SIZE, Gate, Small

PERIOD_MS = 200


class Yard:
    """Drawn pictures of 768 x 576: a flat yard with the noise of a sensor, and sometimes a person."""

    def __init__(self, noise: float = 4.0) -> None:
        self._random, self._noise = np.random.default_rng(5), noise
        self._grain = noise * self._random.standard_normal((2 * 576, 768), np.float32)

    def small(self, person: tuple[int, int] | None = None, *, level: int = 120, height: int = 30) -> Small:
        image = np.full((576, 768), level, np.float32)
        if person is not None:
            x, y = person
            image[y : y + height, x : x + height * 2 // 5] -= 40
        if self._noise:  # another part of it for each picture, to and fro
            first, way = self._random.integers(576), self._random.choice((-1, 1))
            image += self._grain[first : first + 576, ::way]
        small = cv2.resize(np.clip(image, 0, 255).astype(np.uint8), SIZE, interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8)


def quiet_gate(yard: Yard, seconds: float = 3.0, full_s: float = 60.0) -> tuple[Gate, int]:
    """A gate that has seen the empty yard for a while, and the time of the next picture."""
    gate, at = Gate(full_s), 1_000_000
    for _ in range(round(seconds * 1000 / PERIOD_MS)):
        gate.look(yard.small(), at)
        at += PERIOD_MS
    return gate, at


def test_the_first_picture_is_always_looked_at() -> None:
    assert Gate().look(Yard().small(), 0)


@pytest.mark.parametrize("noise", [0.0, 4.0, 12.0])
def test_an_empty_yard_is_quiet_whatever_the_sensor_s_noise(noise: float) -> None:
    yard = Yard(noise)
    gate, at = quiet_gate(yard)
    assert not any(gate.look(yard.small(), at + n * PERIOD_MS) for n in range(100))
    assert gate.quiet_s > 20


@pytest.mark.parametrize("noise", [0.0, 4.0])
def test_a_small_person_who_walks_is_looked_at_in_every_picture(noise: float) -> None:
    yard = Yard(noise)
    gate, at = quiet_gate(yard)
    assert all(gate.look(yard.small((100 + 5 * n, 300)), at + n * PERIOD_MS) for n in range(100))


def test_a_light_that_goes_on_is_a_change() -> None:
    yard = Yard()
    gate, at = quiet_gate(yard)
    assert gate.look(yard.small(level=150), at)


def test_after_a_change_the_gate_stays_open_for_a_second() -> None:
    yard = Yard()
    gate, at = quiet_gate(yard)
    gate.look(yard.small((100, 300), height=100), at)
    opened = [gate.look(yard.small(), at + n * PERIOD_MS) for n in range(1, 30)]
    assert all(opened[:5])  # the second itself; the mean forgets the person a little later
    assert not any(opened[-10:])


def test_a_quiet_yard_is_looked_at_every_so_often_all_the_same() -> None:
    yard = Yard()
    gate, at = quiet_gate(yard, full_s=10.0)
    looks = [n * PERIOD_MS for n in range(300) if gate.look(yard.small(), at + n * PERIOD_MS)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(looks)]
    assert gaps
    assert set(gaps) == {10_000}


def test_the_mean_follows_time_and_not_the_number_of_pictures() -> None:
    yard = Yard(0)
    quick, slow = Gate(1e6), Gate(1e6)
    for at in range(0, 60_001, 100):
        quick.look(yard.small(level=100 + at // 1200), at)  # dusk: 50 levels in a minute
        if at % 1000 == 0:
            slow.look(yard.small(level=100 + at // 1200), at)
    assert quick.quiet_s == pytest.approx(slow.quiet_s, abs=2)
