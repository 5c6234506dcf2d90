"""How tall a person looks in a picture, by where the feet are. Pure.

On a flat ground, seen without roll, the height of a picture of someone grows with the distance of the feet from the
horizon: height / distance = height of the person / height of the camera (Hoiem, Efros, Hebert, Putting Objects in
Perspective, 2008). It is exact for a level camera; marked heights take up what a tilted one changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core.catalogue import Calibration
from vision.calibration import refuse

_FIELD = "camera.calibration"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stature:
    """Height in pixels = `across` x + `down` y + `fixed` of the feet (pixels), where that is positive."""

    across: float
    down: float
    fixed: float

    def at(self, feet: Floats) -> Floats:
        """Heights at `feet`, N x 2; NaN where nobody can stand."""
        found = feet @ (self.across, self.down) + self.fixed
        return np.asarray(np.where(found > 0, found, np.nan))


def stature(calibration: Calibration, forward: Floats | None, scale: float) -> Stature | None:
    """What the calibration says of heights, on pictures `scale` times as high as those it was drawn on.

    Marked heights go before the camera's own height. `forward` is the homography from pixels to metres, whose third
    row is 0 on the horizon; None without a ground. Returns None when nothing is said. Raises BadInput.
    """
    if not 0.5 <= calibration.person_height <= 2.5:
        raise refuse(
            f"{_FIELD}.person_height",
            calibration.person_height,
            "metres, 0.5 to 2.5",
            vi="chiều cao tính bằng mét, từ 0,5 đến 2,5",
        )
    if calibration.height:
        return _of_marks(calibration, np.array(calibration.height, float) * scale)
    if calibration.camera_height is None:
        return None
    if forward is None or forward[2, 1] <= 0:
        raise refuse(
            f"{_FIELD}.height",
            calibration.height,
            "pairs [y of the feet, height]: no horizon is known here",
            vi="các cặp [y của bàn chân, chiều cao]: ở đây chưa biết đường chân trời",
        )
    return _of_camera_height(calibration, calibration.camera_height, forward[2] / forward[2, 1])


def _of_camera_height(calibration: Calibration, camera_height: float, horizon: Floats) -> Stature:
    if not calibration.person_height < camera_height < math.inf:
        raise refuse(
            f"{_FIELD}.camera_height",
            camera_height,
            "metres, over the heads of people",
            vi="độ cao tính bằng mét, cao hơn đầu người",
        )
    across, down, fixed = (float(part) for part in horizon * (calibration.person_height / camera_height))
    return Stature(across, down, fixed)


def _of_marks(calibration: Calibration, marked: Floats) -> Stature:
    """The line through the marks, by least squares."""
    field, said = f"{_FIELD}.height", calibration.height
    if not (np.isfinite(marked).all() and (marked[:, 1] > 0).all()):
        raise refuse(
            field,
            said,
            "pairs [y of the feet, height] in pixels, heights above 0",
            vi="các cặp [y của bàn chân, chiều cao] tính bằng pixel, chiều cao lớn hơn 0",
        )
    if len(marked) < 2 or np.ptp(marked[:, 0]) < marked[:, 1].min() / 2:
        raise refuse(
            field,
            said,
            "two or more pairs [y of the feet, height] in pixels, people far and near",
            vi="ít nhất hai cặp [y của bàn chân, chiều cao] tính bằng pixel, có người ở xa và người ở gần",
        )
    down, fixed = np.polyfit(marked[:, 0], marked[:, 1], 1)
    if not down > 0:
        raise refuse(
            field,
            said,
            "heights that grow towards the lower edge of the picture",
            vi="chiều cao tăng dần về phía mép dưới của hình",
        )
    return Stature(0.0, float(down), float(fixed))
