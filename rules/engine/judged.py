"""What a kind hands to the life of a condition: one value at a time."""

from __future__ import annotations

from pipeline.core.conditions import Operand
from pipeline.core.conditions import Window as WindowEvidence


class Judged:
    """One value to be judged, with its evidence.

    `truths`: for each level whether it holds, when the kind itself says so; else the value is compared.
    `first`: the reading that the evidence begins with, when it is another one than `operand`.
    """

    __slots__ = ("at", "detail", "first", "operand", "seq", "text", "truths", "value", "window")

    def __init__(
        self,
        at: int,
        seq: int,
        value: float | None,
        text: str | None = None,
        operand: Operand | None = None,
        window: WindowEvidence | None = None,
        truths: list[bool] | None = None,
        first: Operand | None = None,
        detail: str = "",
    ) -> None:
        self.at, self.seq, self.value, self.text = at, seq, value, text
        self.operand, self.window = operand, window
        self.truths, self.first, self.detail = truths, first, detail
