"""Whether somebody, or something, spoiled a camera's view. Pure; event time, so a slow or late camera is judged alike.

A view is known by its edges, not by its brightness. Each sample, at most one in SAMPLE_MS, is compared with the
learned scene by figures that hardly change from noon to dusk:

- *structure*: of the cells whose edges stay the same from sample to sample, the share whose edges still lie as they
  did. People and lorries take a few cells; a cover or a turned camera takes most.
- *detail*: fine gradients over contrast, relative to the scene's: what a blur takes.
- *likeness*: correlation of thumbnails, which a blur leaves alone and a cover does not.
- *busy*: the share of cells with any edges; *sharpness*: fine over coarse gradients. A turned camera sees another
  scene, busy and sharp; a covered one sees nothing, or something out of focus.

Dark and flood-lit are judged by the light: nearly all of the picture black or white that was not so before. A black
picture without any of the scene's edges is called covered: a cap and a dead lamp look alike. What is suspected must
hold for HOLD_MS before it is said, and be gone for as long before it is over. The scene adapts only while nothing is
suspected, in ADAPT_MS: dusk takes longer, a hand on the lens does not. A stream whose pictures get another size is
learned anew, but not while its view is spoiled: then its pictures are brought to the scene's size until it is back.
All thresholds are ours; the tests say what they find and what they leave alone.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Iterable
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.events import Edge, TamperKind
from vision.picture import Image

SAMPLE_MS = 1000
LEARN_MS, LEARN_SAMPLES = 7000, 8
HOLD_MS, HOLD_SAMPLES = 4000, 3
GAP_MS = 30_000
"""After a longer silence a suspicion begins anew."""
REMIND_MS = 600_000
"""A tamper that lasts is said again so often: whoever began to listen later must know."""
ADAPT_MS = 300_000
FINE_WIDTH, COARSE_WIDTH, CELL, THUMBNAIL = 640, 160, 10, (16, 12)
"""Pictures are reduced by whole factors, to not less than these widths; cells are squares of the coarse ones."""
BLACK, WHITE = 32, 235
EDGE = 64.0
"""Mean squared gradient of a cell (Sobel 3 x 3, grey levels) below which it has no edges, only noise."""
STEADY = 0.5
"""A cell's edges stay the same when the mean gradient holds this part of the gradients' mean energy."""
FEWEST_CELLS = 6
_FLATTEST = 0.7
"""Contrast, over the scene's, below which a cell's edges are not looked for more closely: it would be noise."""
_RESIZED = 0.5
"""About so much of its fine gradients a picture keeps that is brought to another size: .35 to .79, as measured."""
_RELAXED = 1.2
"""Thresholds are this much easier to be suspicious by once something was said: no flicker at the limit."""
_PLANES = ("gradient", "thumbnail", "energy")
Floats = NDArray[np.float32]


class Tamper(NamedTuple):
    """A tamper began, goes on (the begin repeated) or ended, at `at` ms."""

    kind: TamperKind
    edge: Edge
    at: int


class Sample(NamedTuple):
    """What one picture shows. `gradient`: 2 x rows x columns; shares are 0 to 1."""

    gradient: Floats
    thumbnail: Floats
    fine: float
    coarse: float
    contrast: float
    black: float
    white: float


class Likeness(NamedTuple):
    """A sample compared with the scene; 1 is as it was."""

    structure: float
    detail: float
    likeness: float
    busy: float
    sharpness: float
    black: float
    white: float
    judged: bool
    """Whether the scene has enough steady edges for their loss to mean something."""


def measure(image: Image) -> Sample:
    """The figures of a picture of any size."""
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    fine, coarse = _reduced(grey, FINE_WIDTH), _reduced(grey, COARSE_WIDTH)
    gradient = np.stack([cv2.Sobel(coarse, cv2.CV_32F, 1, 0), cv2.Sobel(coarse, cv2.CV_32F, 0, 1)])
    return Sample(
        np.asarray(gradient, np.float32),
        np.asarray(cv2.resize(coarse, THUMBNAIL, interpolation=cv2.INTER_AREA), np.float32),
        cv2.norm(cv2.Laplacian(fine, cv2.CV_16S), cv2.NORM_L1) / fine.size,
        float(np.abs(gradient).mean()),
        float(coarse.std()),
        float((coarse < BLACK).mean()),
        float((coarse > WHITE).mean()),
    )


class Known(NamedTuple):
    """What a watch knows of a view, for another process to go on from: its name, what was said of it, its scene."""

    view: str
    said: TamperKind | None
    scene: bytes


class TamperWatch:
    """The view of one camera: learns it, then says when it is spoiled and when it is back. Thread-safe."""

    def __init__(self) -> None:
        self._view: str | None = ""
        self._scene: _Scene | None = None
        self._sampled_at = -GAP_MS
        self._said: TamperKind | None = None
        self._said_at = 0
        self._doubt = _Doubt()
        self._lock = threading.Lock()

    @property
    def spoiled(self) -> TamperKind | None:
        """What is wrong with the view now, as far as it was said."""
        return self._said

    @property
    def sampled_at(self) -> int:
        """The time of the newest sample, ms."""
        return self._sampled_at

    def watch(self, view: str | None) -> None:
        """Judge the view of this name from now on; None: none. One that has another name than the one before is learned
        anew, and what was said of that is over."""
        with self._lock:
            if view != self._view:
                self._view, self._scene, self._doubt = view, None, _Doubt()

    def known(self) -> Known | None:
        """What it knows of its view by now; None while it is still learning, or watches none."""
        with self._lock:
            if self._view is None or self._scene is None or not self._scene.learned(self._sampled_at):
                return None
            return Known(self._view, self._said, self._scene.packed())

    def recall(self, known: Known) -> None:
        """Go on from what another process knew, unless it has learned its view by itself already.

        What was said of a view with another name is over with the next picture.
        """
        with self._lock:
            if self._scene is None or not self._scene.learned(self._sampled_at):
                self._scene = _Scene.unpacked(known.scene) if known.view == self._view else None
                self._said, self._said_at = known.said, self._sampled_at

    def due(self, at: int) -> bool:
        """Whether a picture of `at` would be sampled; of the others `update` need not be told."""
        if self._view is None:
            return self._said is not None
        return not 0 <= at - self._sampled_at < SAMPLE_MS

    def update(self, image: Image, at: int) -> Tamper | None:
        """Take in a picture; returns what is to be said now, if anything."""
        with self._lock:
            return self._update(image, at)

    def _update(self, image: Image, at: int) -> Tamper | None:
        if not self.due(at):
            return None
        if self._scene is None and self._said is not None:
            was, self._said = self._said, None
            return self._tell(was, Edge.END, at)
        gap = at - self._sampled_at
        if gap < 0:
            gap = self._go_back(-gap)
        if self._sampled_at < 0:  # the first picture here: reminders count from it
            self._said_at = at
        self._sampled_at = at
        if self._scene is None or (self._scene.size != size_of(image) and self._said is None):
            self._scene = _Scene(measure(image), size_of(image), at)
            return None
        if not self._scene.learned(at):
            self._scene.learn(measure(image))
            return None
        return self._settle(self._judged(self._scene, image, gap), at, gap)

    def _judged(self, scene: _Scene, image: Image, gap: int) -> TamperKind | None:
        same_size = scene.size == size_of(image)
        sample = measure(image if same_size else _resized(image, scene.size))
        found = scene.compare(sample)
        if not same_size:
            found = found._replace(detail=found.detail / _RESIZED)
        kind = kind_of(found, relaxed=self._said is not None)
        if kind is None and self._said is None:
            scene.adapt(sample, gap)
        return kind

    def _go_back(self, by: int) -> int:
        """The camera's clock went back: what is remembered lies as far back by the new time; returns the gap."""
        self._said_at -= by
        if self._scene is not None:
            self._scene.since -= by
        return GAP_MS + 1

    def _settle(self, kind: TamperKind | None, at: int, gap: int) -> Tamper | None:
        """Say a change when it has held; the kind that was said first stays until the view is back."""
        changed = (kind is None) != (self._said is None)
        if self._doubt.holds(at, gap, changed):
            was, self._said = self._said, kind
            return self._tell(kind, Edge.BEGIN, at) if kind else self._tell(was, Edge.END, at)
        if self._said is not None and at - self._said_at >= REMIND_MS:
            return self._tell(self._said, Edge.BEGIN, at)
        return None

    def _tell(self, kind: TamperKind | None, edge: Edge, at: int) -> Tamper:
        assert kind is not None
        self._said_at = at
        return Tamper(kind, edge, at)


def kind_of(found: Likeness, *, relaxed: bool = False) -> TamperKind | None:
    """What a comparison looks like; None when the view is as it was."""
    more, less = (_RELAXED, 1 / _RELAXED) if relaxed else (1.0, 1.0)
    if found.white > 0.6 * less:
        return TamperKind.FLOOD_LIT
    lost = found.judged and found.structure < 0.55 * more
    if found.black > 0.6 * less and not lost:
        return TamperKind.DARK
    if not found.judged:
        return None
    if found.likeness > 0.75 * less and found.detail < 0.5 * more:
        return TamperKind.DEFOCUSED
    if not lost:
        return None
    return TamperKind.COVERED if found.sharpness < 0.6 or found.busy < 0.6 else TamperKind.TURNED


class _Scene:
    """The learned view: running means over its samples."""

    def __init__(self, sample: Sample, size: tuple[int, int], at: int) -> None:
        self.size = size
        """Width and height of its pictures."""
        self.since, self._count = at, 1
        self._mean = sample
        self._energy = _cells((sample.gradient**2).sum(0))

    @classmethod
    def unpacked(cls, scene: bytes) -> _Scene:
        """A learned scene out of what `packed` gave."""
        with np.load(io.BytesIO(scene), allow_pickle=False) as read:
            gradient, thumbnail, energy = (np.asarray(read[name], np.float32) for name in _PLANES)
            rows, columns = gradient.shape[1:]
            older = (4 * columns, 4 * rows)  # they were kept without their size
            width, height = map(int, read.get("size", older))
            made = cls(Sample(gradient, thumbnail, *read["figures"].tolist()), (width, height), -LEARN_MS)
        made._energy, made._count = energy, LEARN_SAMPLES
        return made

    def packed(self) -> bytes:
        """The scene in some 100 kB."""
        mean, out = self._mean, io.BytesIO()
        gradient = np.asarray(mean.gradient, np.float16)  # of Sobel: at most 1020
        planes: dict[str, Any] = dict(zip(_PLANES, (gradient, mean.thumbnail, self._energy), strict=True))
        planes |= {"figures": np.array(mean[2:], np.float64), "size": np.array(self.size)}
        np.savez_compressed(out, allow_pickle=False, **planes)
        return out.getvalue()

    def learned(self, at: int) -> bool:
        """Whether there is enough to compare with."""
        return self._count >= LEARN_SAMPLES and at - self.since >= LEARN_MS

    def learn(self, sample: Sample) -> None:
        """Take in one of the first samples: all weigh the same."""
        self._count += 1
        self._blend(sample, 1 / self._count)

    def adapt(self, sample: Sample, gap_ms: int) -> None:
        """Follow slowly what is not suspicious."""
        self._blend(sample, 1 - math.exp(-min(gap_ms, GAP_MS) / ADAPT_MS))

    def compare(self, sample: Sample) -> Likeness:
        """How much of the scene a sample still shows."""
        mean = self._mean
        own, held = _cells((sample.gradient**2).sum(0)), _cells((mean.gradient**2).sum(0))
        aligned = _cells((sample.gradient * mean.gradient).sum(0)) > 0.4 * np.sqrt(own * held)
        solid = (held > EDGE) & (held > STEADY * self._energy)
        busy = self._energy > EDGE
        gain = max(sample.contrast, 1.0) / max(mean.contrast, 1.0)
        return Likeness(
            structure=float(aligned[solid].mean()) if solid.any() else 0.0,
            detail=_ratio(sample.fine, mean.fine) / gain,
            likeness=_correlation(sample.thumbnail, mean.thumbnail),
            busy=float((own[busy] > EDGE * min(max(gain, _FLATTEST), 1.0) ** 2).mean()) if busy.any() else 0.0,
            sharpness=_ratio(sample.fine, sample.coarse) / _ratio(mean.fine, mean.coarse),
            black=sample.black - mean.black,
            white=sample.white - mean.white,
            judged=int(solid.sum()) >= FEWEST_CELLS,
        )

    def _blend(self, sample: Sample, weight: float) -> None:
        self._energy += weight * (_cells((sample.gradient**2).sum(0)) - self._energy)
        pairs: Iterable[tuple[Any, Any]] = zip(self._mean, sample, strict=True)
        self._mean = Sample._make(old + weight * (new - old) for old, new in pairs)


class _Doubt:
    """How long the samples have contradicted what was said."""

    def __init__(self) -> None:
        self._since, self._samples = 0, 0

    def holds(self, at: int, gap: int, contradicts: bool) -> bool:
        """Whether they have done so long enough; then the doubt is settled."""
        if not contradicts or gap > GAP_MS:
            self._samples = 0
        if not contradicts:
            return False
        if not self._samples:
            self._since = at
        self._samples += 1
        settled = self._samples >= HOLD_SAMPLES and at - self._since >= HOLD_MS
        if settled:
            self._samples = 0
        return settled


def size_of(image: Image) -> tuple[int, int]:
    """Width and height in pixels."""
    return image.shape[1], image.shape[0]


def _resized(image: Image, size: tuple[int, int]) -> Image:
    smaller = size[0] < image.shape[1]
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR), np.uint8)


def _reduced(grey: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """At least `width` pixels wide; a smaller picture as it is. Whole factors: no moire, and quick."""
    rows, columns = grey.shape
    factor = max(min(columns // width, rows), 1)
    size = (columns // factor, rows // factor)
    cut = grey[: size[1] * factor, : size[0] * factor]
    return cut if factor == 1 else np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)


def _cells(values: Floats) -> Floats:
    """Means over squares of CELL x CELL; a rest at the border is left out."""
    rows, columns = (size // CELL for size in values.shape)
    cut = values[: rows * CELL, : columns * CELL]
    return np.asarray(cut.reshape(rows, CELL, columns, CELL).mean((1, 3)), np.float32)


def _ratio(above: float, below: float) -> float:
    return max(above, 1e-3) / max(below, 1e-3)


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(float(np.sqrt((a * a).sum() * (b * b).sum())), 1e-3))
