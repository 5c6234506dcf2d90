"""A network of ultralytics without training that says something all the same.

Its weights are random by a fixed seed. Batch normalisation is set by one picture, and the last layers are scaled, so
that some dozens of boxes come out, with scores from 0 to 1: arithmetic to compare, no sense.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

ROWS, COLUMNS = 480, 640
"""Of the pictures and of the input: a network without training is sane only near what it was settled by."""
NAMES = {number: f"thing {number}" for number in range(80)}
SAID = 40
"""About so many cells of the input say something."""


def picture(times: int = 1) -> np.ndarray:
    """Coloured shapes, each pixel `times` x `times` large."""
    small = np.random.default_rng(1).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    image = np.asarray(cv2.resize(small, (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC), np.uint8)
    return image.repeat(times, 0).repeat(times, 1)


def untrained(architecture: str, folder: Path) -> Any:
    """A model as `ultralytics.YOLO` gives it. `folder`: where ultralytics may keep its settings."""
    os.environ.setdefault("YOLO_CONFIG_DIR", str(folder))
    from ultralytics import YOLO

    torch.manual_seed(3)
    model = YOLO(architecture)
    pixels = np.ascontiguousarray(picture()[:, :, ::-1].transpose(2, 0, 1)[None])
    shown = torch.from_numpy(pixels).float().repeat(2, 1, 1, 1) / 255
    with torch.no_grad():
        _settle(model.model, shown)
        _scale(model.model, shown)
    model.model.names = NAMES
    return model


def _settle(network: Any, shown: Any) -> None:
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # running means become those of this one picture
    network.train()
    network(shown)
    network.eval()


def _scale(network: Any, shown: Any) -> None:
    """Scores of a useful spread, boxes of some cells' size; for both heads where a model has two."""
    head = network.model[-1]
    classes = [part[-1] for name in ("cv3", "one2one_cv3") for part in getattr(head, name, None) or ()]
    sides = [part[-1] for name in ("cv2", "one2one_cv2") for part in getattr(head, name, None) or ()]
    said: dict[Any, Any] = {}
    hooks = [each.register_forward_hook(lambda one, _, out: said.update({one: out})) for each in (*classes, *sides)]
    network(shown)
    for hook in hooks:
        hook.remove()
    for heads in (classes[:3], classes[3:]):  # three grids a head
        logits = torch.cat([said[each].flatten() for each in heads if each in said] or [torch.zeros(1)])
        low, high = logits.median(), logits.topk(min(SAID, len(logits))).values[-1]
        scale = 4 / (high - low) if high > low else torch.ones(())
        for each in heads:
            each.bias.copy_((each.bias - high) * scale - 1)  # the last of them scores 0.27
            each.weight.mul_(scale)
    for each in sides:
        if each in said:
            each.weight.mul_(0.1 / said[each].std())
        bins = len(each.bias) // 4
        each.bias.copy_(torch.full((4,), 2.0) if bins == 1 else (-0.5 * torch.arange(bins)).repeat(4))
