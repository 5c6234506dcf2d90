"""The GPU when there is one: chosen, in half precision, and seeing what the processor sees."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.yolo.network import picture, untrained
from vision.detectors import ultralytics as ours
from vision.picture import Box, Seen, overlap

HAS_GPU = torch.cuda.is_available()
SURE = 0.3
"""In half precision scores differ by some hundredths: what is close to the lowest comes and goes."""


class Noted:
    """Stands in for `ultralytics.YOLO`: notes what it is asked for, sees nothing."""

    def __init__(self) -> None:
        self.names = {0: "person"}
        self.asked: list[dict[str, Any]] = []

    def predict(self, images: list[np.ndarray], **options: Any) -> list[Any]:
        self.asked.append(options)
        nothing = SimpleNamespace(xyxy=torch.zeros(0, 4), cls=torch.zeros(0), conf=torch.zeros(0))
        return [SimpleNamespace(boxes=nothing, names=self.names) for _ in images]


@pytest.mark.parametrize(("there", "device", "half"), [(True, "cuda:0", True), (False, "cpu", False)])
def test_a_model_runs_on_the_gpu_in_half_precision_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, there: bool, device: str, half: bool
) -> None:
    model = Noted()
    monkeypatch.setattr("ultralytics.YOLO", lambda *_, **__: model)
    monkeypatch.setattr("torch.cuda.is_available", lambda: there)
    network = ours._network.__wrapped__(Path("noted.pt"))
    assert network.predict([picture(), picture()]) == [[], []]
    network.batcher.stop()
    assert [(each["device"], each["half"]) for each in model.asked] == [(device, half)] * 2


@pytest.mark.skipif(not HAS_GPU, reason="this machine has no GPU that torch can use")
@pytest.mark.parametrize("architecture", ["yolo11n.yaml", "yolo26n.yaml"])
def test_the_gpu_sees_what_the_processor_sees_alone_and_in_a_batch(architecture: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    untrained(architecture, tmp_path).save(str(path))
    from ultralytics import YOLO

    slow, fast = (ours.Network(YOLO(str(path), task="detect"), device) for device in ("cpu", "cuda:0"))
    try:
        (wanted,) = slow.predict([picture()])
        for found in (*fast.predict([picture()]), *fast.predict([picture()] * 6)):
            agree(wanted, found)
            agree(found, wanted)
    finally:
        slow.batcher.stop()
        fast.batcher.stop()


def agree(some: list[Seen], others: list[Seen]) -> None:
    """All of the surely seen are among the others."""
    sure = [seen for seen in some if seen.confidence > SURE]
    assert len(sure) > 5
    for seen in sure:
        assert any(other.label == seen.label and overlap(seen.box, other.box) > 0.8 for other in others), seen


def test_agreement_is_not_for_the_asking() -> None:
    """The comparison itself, which no machine without a GPU would run else."""
    some = [Seen(Box(20.0 * n, 0, 10, 10), "thing 1", 0.9) for n in range(6)]
    agree(some, some)
    with pytest.raises(AssertionError):
        agree(some, some[:5])
    with pytest.raises(AssertionError):
        agree(some, [each._replace(label="thing 2") for each in some])
