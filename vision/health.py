"""What state a camera is in, from what its reader notices. Pure: seconds of any steady clock are handed in."""

from __future__ import annotations

from pipeline.core.events import CameraState

FROZEN_S = 8.0
"""So long without a new picture is frozen: noticed within ten seconds, the pause of looking included."""


class Health:
    """One camera's state machine; every method takes `now` in seconds.

    Online begins with the first picture, not with the connection. A picture that is the same as before
    (`vision.stillness`) is not new: a camera that repeats itself is frozen although its stream lives.
    """

    def __init__(self, frozen_s: float = FROZEN_S) -> None:
        self._frozen_s = frozen_s
        self._fault: CameraState | None = None
        self._connected = self._seen = False
        self._new_at = 0.0

    def opened(self, now: float) -> None:
        """The connection stands."""
        self._connected, self._new_at = True, now

    def picture(self, now: float, *, new: bool) -> None:
        """A picture came; `new`: it differs from the one before."""
        if new or self._fault is not None:
            self._new_at, self._fault, self._seen = now, None, True

    def failed(self, state: CameraState) -> None:
        """The connection ended, or could not be made."""
        self._fault, self._connected, self._seen = state, False, False

    def state(self, now: float) -> CameraState | None:
        """The state now; None until anything is known."""
        if self._connected and now - self._new_at > self._frozen_s:
            return CameraState.FROZEN
        if self._fault is not None:
            return self._fault
        return CameraState.ONLINE if self._seen else None
