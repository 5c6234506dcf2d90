"""What came and stands before a learned background: kept as something that is there, and out of the background.

A background forgets by time, so whoever stands is learned in the end: a car that stopped, a queue. Here what moved and
then stayed as it is for REST_MS is *kept*: the background goes on with what it showed before, and the place is
compared with that until it looks so again. Each kept thing is one blob, though others pass before it.

What stays as it is need not have come. When something leaves that was there from the beginning, the ground that it
uncovers differs from the background and stands still. The edges tell: along the outline of what came, the picture has
an edge that the background lacks, and the other way round for such a ghost (Cucchiara and others, PAMI 25, 2003, tell
ghosts by motion alone; edges also tell them where nothing moves). What shows the background's own texture, brighter or
darker, is light. Both count as background from GHOST_MS after they are seen.

Memory and cost: eight planes of the picture's size, at most MOST things, each at most KEPT_MS. Pixels are those of the
reduced picture; times in ms.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.picture import Image

GHOST_MS, REST_MS = 1000, 4000
"""How long something stays as it is before it may be found to be a ghost, and before it is kept."""
YOUNG = 0.06
"""A background that is younger than a minute learns what stands in a tenth of its age: it is kept after this part."""
RESTS = 0.8
"""So much of a thing must have stayed as it is."""
KEPT_MS = 1_800_000
"""Half an hour: what stands for longer becomes background, and a changed scene is learned by then."""
LEARNT_MS = 60_000
"""Until then the background has learned what a ghost uncovered."""
BACK_MS = 1000
"""A pixel that shows the background for so long is given back."""
LEFT = 0.1
"""A thing of which so much shows the background has moved off, and is a mover as others. It had better be told at
once: when that was wrong it is kept again REST_MS later, and was seen all the time."""
LEVELS = 12
"""Colours of which no part differs by more are the same (of 255)."""
LEAST_PIXELS = 40
"""Of the reduced picture: a person of 29 pixels in the full one."""
MOST = 100
TEXTURE, ALIKE = 2.0, 0.7
"""A ground with such a standard deviation (levels) has a texture; with such a correlation it is the same one."""
EDGE = 1.0
"""By so many levels a pixel an outline is clearer in the picture than in the background when something is there."""
FOLLOW_MS = 10_000
_GAP_MOST_MS = 10_000
_RIM, _JOIN = np.ones((3, 3), np.uint8), np.ones((9, 3), np.uint8)
_GRID = np.s_[4::8, 4::8]
Mask = NDArray[np.uint8]
Where = tuple[slice, slice]


class Thing(NamedTuple):
    """Something that stands: a part of the picture, its pixels there."""

    where: Where
    mask: NDArray[np.bool_]


class Standing:
    """What stands before one camera's background, for pictures of rows x columns."""

    def __init__(self, rows: int, columns: int) -> None:
        self._own = np.zeros((rows, columns), np.uint8)
        """255 where a pixel is compared with `_before`, not by the model of the background."""
        self._kept = self._own.copy()
        """255 where the model must not learn what it sees."""
        self._labels = self._own.copy()
        self._before = np.zeros((rows, columns, 3), np.uint8)
        self._rested, self._shown = self._before.copy(), self._before.copy()
        self._still, self._back = (np.zeros((rows, columns), np.float32) for _ in range(2))
        self._until = np.zeros((rows, columns), np.float64)
        self._things: dict[int, tuple[Where, int]] = {}
        """By its label: where each is, and how many pixels it had at first."""
        self._light = _Light()
        self._at: int | None = None

    def learnable(self, small: Image) -> Image:
        """The picture as the background may learn it."""
        return (
            np.asarray(cv2.copyTo(self._before, self._kept, small.copy()), np.uint8)
            if cv2.countNonZero(self._kept)
            else small
        )

    def update(
        self, small: Image, moving: Mask, background: Callable[[], Image], at: int, age_ms: float
    ) -> tuple[Mask, list[Thing]]:
        """What moves, 255, and what stands. `moving`: by the background, which `background` gives when it is asked;
        `age_ms`: how long that was learned."""
        gap = 0 if self._at is None else min(max(at - self._at, 0), _GAP_MOST_MS)
        if self._at is not None and at < self._at:  # a clock that went back makes no half hour longer
            self._until -= self._at - at
        self._at = at
        gain = self._light.gain(small, self._own, at)
        if cv2.countNonZero(self._own):
            moving = self._compared(_scaled(small, 1 / gain), moving, gap, at)
        if self._light.due(at):
            self._before, self._rested = _scaled(self._before, gain), _scaled(self._rested, gain)
            self._light.begin(small, at)
        self._note_still(small, moving, gap)
        self._judge(small, moving, background, at, min(REST_MS, YOUNG * age_ms))
        things = [self._thing(label, where) for label, (where, _) in self._things.items()]
        return moving, things

    def _compared(self, small: Image, moving: Mask, gap: int, at: int) -> Mask:
        """What moves, with those pixels that are judged here: they neither show what was before nor what stands."""
        back = cv2.bitwise_and(_same(small, self._before), self._own)
        self._back = _going_on(self._back, np.asarray(back, np.uint8), gap)
        self._leave()
        self._give_back(small, at)
        stands = cv2.bitwise_and(_same(small, self._rested), _over(self._labels, 1))
        away = cv2.bitwise_not(cv2.bitwise_or(back, stands))
        return np.asarray(cv2.copyTo(away, self._own, moving), np.uint8)

    def _give_back(self, small: Image, at: int) -> None:
        """Pixels that show the background again, and those whose time is over: what stands there is background now."""
        over = cv2.bitwise_and(cv2.bitwise_not(_over(self._until, at + 1)), self._own)
        shows = cv2.bitwise_and(_over(self._back, BACK_MS), self._kept)
        old = cv2.bitwise_and(over, self._kept)
        given_back = cv2.bitwise_or(shows, cv2.bitwise_xor(over, old))
        if cv2.countNonZero(given_back):
            for plane in (self._own, self._kept, self._labels):
                plane[given_back > 0] = 0
        if cv2.countNonZero(old):
            self._let_learn(small, np.s_[:, :], old > 0, at)

    def _leave(self) -> None:
        """Let things go that moved off."""
        for label, (where, pixels) in list(self._things.items()):
            mask = self._labels[where] == label
            left = np.count_nonzero(mask & (self._back[where] > 0)) + pixels - np.count_nonzero(mask)
            if left > LEFT * pixels:
                self._labels[where][mask] = 0
                del self._things[label]

    def _note_still(self, small: Image, moving: Mask, gap: int) -> None:
        same = cv2.bitwise_and(_same(small, self._shown), moving)
        self._still = _going_on(self._still, np.asarray(same, np.uint8), gap)
        self._shown = np.asarray(cv2.copyTo(small, cv2.bitwise_not(same), self._shown), np.uint8)

    def _judge(self, small: Image, moving: Mask, background: Callable[[], Image], at: int, rest_ms: float) -> None:
        """Keep what came to rest, and let ghosts be background."""
        ghost_ms = min(GHOST_MS, rest_ms)
        if cv2.countNonZero(_over(self._still, ghost_ms)) < LEAST_PIXELS:
            return
        _, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(moving, _JOIN))
        before: Image | None = None
        for number, (x, y, width, height, _) in list(enumerate(stats.tolist()))[1:]:
            where = (slice(y, y + height), slice(x, x + width))
            mask = (labels[where] == number) & (moving[where] > 0)
            still, pixels = self._still[where][mask], np.count_nonzero(mask)
            if pixels < LEAST_PIXELS or np.count_nonzero(still >= ghost_ms) < RESTS * pixels:
                continue
            if before is None:
                before = np.asarray(cv2.copyTo(self._before, self._own, background()), np.uint8)
            nature = nature_of(small, before, where, mask)
            if nature is Nature.CAME and np.count_nonzero(still >= rest_ms) >= RESTS * pixels:
                self._keep(small, before, where, mask, at)
                moving[where][self._labels[where] > 0] = 0
            elif nature is Nature.UNCOVERED:
                self._let_learn(small, where, mask, at)
                moving[where][mask] = 0

    def _keep(self, small: Image, before: Image, where: Where, mask: NDArray[np.bool_], at: int) -> None:
        label = next((n for n in range(1, MOST + 1) if n not in self._things), None)
        mask = mask & (_same(small[where], before[where]) == 0)
        if label is None or np.count_nonzero(mask) < LEAST_PIXELS:
            return
        self._hold(before, where, mask, at + KEPT_MS)
        self._kept[where][mask], self._labels[where][mask] = 255, label
        self._rested[where][mask] = small[where][mask]
        self._things[label] = where, int(np.count_nonzero(mask))

    def _let_learn(self, small: Image, where: Where, mask: NDArray[np.bool_], at: int) -> None:
        self._hold(small, where, mask, at + LEARNT_MS)
        self._kept[where][mask] = self._labels[where][mask] = 0

    def _hold(self, before: Image, where: Where, mask: NDArray[np.bool_], until: int) -> None:
        self._before[where][mask] = before[where][mask]
        self._own[where][mask], self._until[where][mask] = 255, until
        self._still[where][mask] = self._back[where][mask] = 0

    def _thing(self, label: int, where: Where) -> Thing:
        return Thing(where, self._labels[where] == label)


class _Light:
    """How much brighter the picture is than it was when this was begun last: by the median of many places."""

    def __init__(self) -> None:
        self._begun, self._at = np.zeros(0), 0

    def gain(self, small: Image, own: Mask, at: int) -> float:
        """Of places that the background judges. 1 when nearly none is."""
        if not self._begun.size:
            self.begin(small, at)
        ratio = (_levels(small) / self._begun)[own[_GRID] == 0]
        return float(np.median(ratio)) if ratio.size > own[_GRID].size // 8 else 1.0

    def due(self, at: int) -> bool:
        """Whether the light should be followed now."""
        return not 0 <= at - self._at < FOLLOW_MS

    def begin(self, small: Image, at: int) -> None:
        """This is the light to compare with."""
        self._begun, self._at = _levels(small), at


class Nature(Enum):
    """What stands still and differs from the background: something that came, or a ground that is to be learned."""

    CAME = auto()
    UNCOVERED = auto()
    UNKNOWN = auto()


def nature_of(picture: Image, before: Image, where: Where, mask: NDArray[np.bool_]) -> Nature:
    """By the texture within the mask and the edges along its outline, in the picture and in the background."""
    (rows, columns), margin = where, 6
    top, left = max(rows.start - margin, 0), max(columns.start - margin, 0)
    around = np.s_[top : rows.stop + margin, left : columns.stop + margin]
    now, then = (cv2.cvtColor(one[around], cv2.COLOR_BGR2GRAY).astype(np.float32) for one in (picture, before))
    inside = np.zeros(now.shape, np.uint8)
    inside[rows.start - top :, columns.start - left :][: mask.shape[0], : mask.shape[1]] = mask
    a, b = (one[inside > 0] for one in (now, then))
    if min(a.std(), b.std()) >= TEXTURE and np.corrcoef(a, b)[0, 1] >= ALIKE:
        return Nature.UNCOVERED
    wide = cv2.dilate(inside, _RIM)
    outline = (wide > 0) & (cv2.erode(inside, _RIM, borderValue=1) == 0)
    ground = (cv2.dilate(wide, _RIM, iterations=4) > 0) & (cv2.dilate(wide, _RIM) == 0)
    edge_now, edge_then = _steepness(now, outline), _steepness(then, outline)
    if edge_now > edge_then + EDGE:
        return Nature.CAME
    clear = edge_then > max(edge_now, _steepness(then, ground)) + EDGE
    return Nature.UNCOVERED if clear else Nature.UNKNOWN


def _steepness(grey: NDArray[np.float32], there: NDArray[np.bool_]) -> float:
    """Levels a pixel, the mean of the gradients of a smoothed picture."""
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)
    return float(cv2.magnitude(across, down)[there].mean()) if there.any() else 0.0


def _same(a: Image, b: Image) -> Mask:
    """255 where two pictures differ by no more than LEVELS."""
    return np.asarray(cv2.inRange(cv2.absdiff(a, b), (0, 0, 0), (LEVELS, LEVELS, LEVELS)), np.uint8)


def _over(values: NDArray[Any], least: float) -> Mask:
    """255 where a value is not less than that."""
    return np.multiply(values >= least, 255, dtype=np.uint8)


def _going_on(since: NDArray[np.float32], there: Mask, gap: int) -> NDArray[np.float32]:
    """For how long each pixel has been so: `gap` ms more where it is `there`, 0 where not."""
    return np.asarray(cv2.copyTo(since + np.float32(gap), there, np.zeros_like(since)), np.float32)


def _scaled(image: Image, factor: float) -> Image:
    return image if factor == 1 else np.asarray(cv2.convertScaleAbs(image, None, factor), np.uint8)


def _levels(small: Image) -> NDArray[np.float64]:
    return np.asarray(small[_GRID].mean(2) + 1.0, np.float64)
