"""Stage 2: rules over what several partitions, and several rules, have found. What a kind of stage 2 must offer.

It is folded by the alerts worker from `ioc.conditions.v1`. Time is W2: the least L of all source partitions minus
the rule's lateness; a timer due at T fires when W2 > T. Pure, like stage 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from pipeline.core.conditions import Condition, EndReason, Operand, Partial, Severity
from pipeline.core.events import Position
from rules.engine.fold import Fold
from rules.engine.settings import Rule

if TYPE_CHECKING:
    from rules.engine.world import World


class Item(msgspec.Struct, frozen=True, array_like=True):
    """One active condition. `begin` in ms; `n`: its newest edge; `place`: what a rule groups it by."""

    key: str
    rule: str
    episode: int
    n: int
    begin: int
    severity: Severity
    device: str = ""
    point: Position | None = None
    operand: Operand | None = None
    place: str = ""


def item_of(condition: Condition, begin: int) -> Item:
    """A condition as an item, with its newest operand."""
    operand = condition.why.operands[-1] if condition.why.operands else None
    return Item(
        condition.key,
        condition.rule,
        condition.episode,
        condition.n,
        begin,
        condition.severity,
        condition.device,
        condition.point,
        operand,
    )


class Second(Protocol):
    """Judges all entities of one rule in stage 2. Every method returns the next state; None: nothing is kept."""

    rule: Rule
    lateness: int
    of: frozenset[str]
    """The rules whose conditions it counts; empty for a rule over partials."""
    gone: bool
    """Whether what it watches does not exist as of its catalogue."""

    def take(self, fold: Fold, state: Any, line: Condition | Partial) -> Any:
        """Note a line, to be judged when W2 passes its time."""

    def start(self, fold: Fold, state: Any, active: tuple[Item, ...], floor: int) -> Any:
        """The state of a rule that comes while `active` conditions live; they count from `floor` (W2, ms) on."""

    def due(self, state: Any) -> int | None:
        """What the state waits for."""

    def advance(self, fold: Fold, state: Any, until: int) -> Any:
        """Let everything happen that was due before `until`."""

    def retire(self, fold: Fold, state: Any, at: int, reason: EndReason) -> None:
        """End what is active, for `reason`."""

    def adopt(self, fold: Fold, state: Any) -> Any:
        """The state under a change that lets it be kept."""


class SecondKind(Protocol):
    """A kind of stage 2. `state`: the type of its rules' states."""

    state: type

    def second(self, rule: Rule, world: World) -> Second:
        """The running logic of one rule."""

    def members(self, rule: Rule) -> frozenset[str]:
        """The rules whose conditions it counts."""
