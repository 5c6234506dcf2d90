"""Which changes of a camera's state are said: the hold-off that keeps a flapping camera from flooding. Pure."""

from __future__ import annotations

from pipeline.core.events import CameraState

FAULT_S = 3.0
"""A lost connection is said when it has lasted so long; all other faults have been waited for already, or are final."""
AGAIN_S = 5.0
"""Being back is said when pictures have come for so long; the first time at once. Another fault is said then, too."""
LONGEST_S = 60.0
"""The most that a camera which keeps falling back has to hold."""
CALM_S = 600.0
"""A camera that stayed online so long starts with AGAIN_S again."""


class HoldOff:
    """One camera's filter of states; `update` takes steady seconds.

    Each fall back to a fault within CALM_S doubles the time that being online must hold before it is said: a
    camera that reboots every 20 s is soon said to be offline, and stays so until it has been well for a minute.
    Until it is said to be online, another fault must hold as long before it takes the place of the one that was said,
    and doubles the time too: a camera that freezes and is given up again and again has one lasting fault.
    """

    def __init__(self) -> None:
        self.said: CameraState | None = None
        self._held: CameraState | None = None
        self._since = self._again_s = 0.0

    def update(self, state: CameraState | None, now: float) -> CameraState | None:
        """The state to say now, if it is another than was said before; None: say nothing."""
        if state is not self._held:
            if self._held is CameraState.ONLINE:
                self._fell(again=now - self._since <= CALM_S)
            self._held, self._since = state, now
        if state is None or state is self.said or now - self._since < self._hold_s(state):
            return None
        if self._replaces_a_fault(state):
            self._fell(again=True)
        self.said = state
        return state

    def _fell(self, *, again: bool) -> None:
        self._again_s = min(max(2 * self._again_s, AGAIN_S), LONGEST_S) if again else AGAIN_S

    def _replaces_a_fault(self, state: CameraState) -> bool:
        return state is not CameraState.ONLINE and self.said not in (None, CameraState.ONLINE)

    def _hold_s(self, state: CameraState) -> float:
        if state is CameraState.ONLINE:
            return self._again_s
        if self._replaces_a_fault(state):
            return max(self._again_s, AGAIN_S)
        return FAULT_S if state is CameraState.OFFLINE else 0.0
