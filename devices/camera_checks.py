"""How a camera's pictures are looked at: what its document may say. Raises BadInput in both languages."""

from __future__ import annotations

from pipeline.core.catalogue import DETECTOR_NAMES, Camera
from pipeline.core.errors import BadInput, with_comma

LEAST_FPS = 0.5
"""A track ends when nothing was seen for 3 s (`vision.tracker.KEEP_MS`): with fewer than one picture in 3 s somebody
who stands for a minute never entered. One in 2 s is enough, with a second to spare for when it comes late."""
MOST_FPS = 30.0
"""Cameras send 25 to 30 a second."""
LEAST_THRESHOLD, MOST_THRESHOLD = 0.05, 0.95
"""Below it a detector sees things everywhere, above it nothing."""
LEAST_SIDE, MOST_SIDE = 16, 16_384


def check_looking(camera: Camera) -> None:
    """A detector that there is, and numbers that it can work with. A retired camera is not looked at."""
    if camera.retired_at is not None:
        return
    if camera.detector not in DETECTOR_NAMES:
        raise BadInput.one_of("camera.detector", camera.detector, DETECTOR_NAMES)
    _check_between("camera.fps", camera.fps, LEAST_FPS, MOST_FPS, ("pictures a second", "hình mỗi giây"))
    _check_between(
        "camera.threshold", camera.threshold, LEAST_THRESHOLD, MOST_THRESHOLD, ("of confidence", "độ tin cậy")
    )
    _check_frame_size(camera.frame_size)
    _check_model(camera)


def _check_between(field: str, value: float, low: float, high: float, of: tuple[str, str]) -> None:
    if not low <= value <= high:  # not a number is between nothing
        vi = f"số từ {with_comma(low)} đến {with_comma(high)} {of[1]}"
        raise BadInput(field, value, f"a number from {low:g} to {high:g} {of[0]}", vi=vi)


def _check_frame_size(size: tuple[int, int] | None) -> None:
    if size is not None and not all(LEAST_SIDE <= side <= MOST_SIDE for side in size):
        raise BadInput(
            "camera.frame_size",
            size,
            f"width and height in pixels, {LEAST_SIDE} to {MOST_SIDE} each",
            vi=f"chiều rộng và chiều cao bằng pixel, mỗi chiều từ {LEAST_SIDE} đến {MOST_SIDE}",
        )


def _check_model(camera: Camera) -> None:
    model = camera.attributes.get("model", "-")
    if not isinstance(model, str) or not model.strip():
        raise BadInput("camera.attributes.model", model, "the name of a model file", vi="tên tệp mô hình")
