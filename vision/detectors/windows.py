"""Dalal's and Triggs's people detector over a whole picture: OpenCV's histograms and classifier, scored at one go.

`cv2.HOGDescriptor.detect` multiplies window by window what neighbouring windows share. Here the histograms of the whole
picture are taken once, columns of 15 blocks are multiplied with all 7 columns of the classifier's weights, and a
window's score is the sum of 7 such products: the same numbers in less time.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.picture import Image

WINDOW = (64, 128)
STEP = 8
"""Pixels between windows, and the side of a cell; a block is two cells wide and high."""
_BINS, _L2_HYS, _LEVELS = 9, 0.2, 64
_ACROSS, _DOWN = WINDOW[0] // STEP - 1, WINDOW[1] // STEP - 1
_BLOCK = 4 * _BINS
_TOWER = _DOWN * _BLOCK
"""Numbers in a block, and in a window's column of blocks."""
_CLASSIFIER: NDArray[np.float32] = np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32).ravel()
_WEIGHTS, _BIAS = np.ascontiguousarray(_CLASSIFIER[:-1].reshape(_ACROSS, _TOWER).T), _CLASSIFIER[-1]


def scores(grey: Image) -> NDArray[np.float32]:
    """The classifier's score of every window, columns x rows, STEP pixels apart; `grey` holds one window at least."""
    blocks = _blocks(grey)
    rows = blocks.shape[1] // _BLOCK - _DOWN + 1
    towers = (blocks[:, row * _BLOCK : row * _BLOCK + _TOWER] for row in range(rows))
    parts = np.stack([tower @ _WEIGHTS for tower in towers], 1)  # one large product would be given to several threads
    windows = len(blocks) - _ACROSS + 1
    found = parts[:windows, :, 0] + _BIAS
    for n in range(1, _ACROSS):
        found += parts[n : windows + n, :, n]
    return np.asarray(found, np.float32)


def _blocks(grey: Image) -> NDArray[np.float32]:
    """The normalised histograms of all blocks, a column of them a row: those of one window as large as the picture."""
    cells = grey.shape[1] // STEP, grey.shape[0] // STEP
    size = (cells[0] * STEP, cells[1] * STEP)
    hog = cv2.HOGDescriptor(
        size, (2 * STEP, 2 * STEP), (STEP, STEP), (STEP, STEP), _BINS, 1, -1, 0, _L2_HYS, True, _LEVELS
    )
    found = hog.compute(grey, size, (0, 0))
    return np.asarray(found, np.float32).reshape(cells[0] - 1, -1)
