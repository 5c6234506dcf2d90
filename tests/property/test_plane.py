"""Whatever the camera: its own picture of known ground points gives back the ground."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.catalogue import Calibration, GroundPoint
from vision.plane import Plane

GROUND = np.array([(x, z) for x in (-5.0, 0.0, 5.0) for z in (12.0, 18.0, 30.0)])
pans = st.floats(-0.6, 0.6)
tilts = st.floats(0.05, 0.8)
lifts = st.floats(3, 15)


def seen(ground: np.ndarray, pan: float, tilt: float, lift: float) -> np.ndarray:
    """What a pinhole camera (600 px, centre 400, 300), `lift` m up, turned and looking down, sees of the ground."""
    x = ground[:, 0] * np.cos(pan) - ground[:, 1] * np.sin(pan)
    ahead = ground[:, 0] * np.sin(pan) + ground[:, 1] * np.cos(pan)
    depth = ahead * np.cos(tilt) + lift * np.sin(tilt)
    down = lift * np.cos(tilt) - ahead * np.sin(tilt)
    return np.stack([400 + 600 * x / depth, 300 + 600 * down / depth], 1)


@settings(max_examples=50, deadline=None)
@given(pan=pans, tilt=tilts, lift=lifts)
def test_pixels_and_metres_go_both_ways_and_the_jacobian_is_their_slope(pan: float, tilt: float, lift: float) -> None:
    pixels = seen(GROUND, pan, tilt, lift)
    points = tuple(GroundPoint(picture=(p[0], p[1]), metres=(m[0], m[1])) for p, m in zip(pixels, GROUND, strict=True))
    plane = Plane.of(Calibration(points=points), (800, 600), (800, 600))
    other = GROUND + np.array([0.7, 1.3])
    assert plane.metres(seen(other, pan, tilt, lift)) == pytest.approx(other, abs=1e-4)
    assert plane.picture(other) == pytest.approx(seen(other, pan, tilt, lift), abs=1e-4)
    step = 1e-4
    slope = (plane.metres(pixels + np.array([0, step])) - plane.metres(pixels)) / step
    assert plane.jacobian(pixels)[:, :, 1] == pytest.approx(slope, rel=1e-3, abs=1e-5)
