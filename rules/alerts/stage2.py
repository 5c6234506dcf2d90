"""Stage 2 as a whole: every rule over partials and conditions, with its state, in one order of log and event time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from pipeline.core.catalogue import RuleDocument
from pipeline.core.conditions import Condition, ConditionEdge, EndReason, Partial
from pipeline.core.errors import BadInput
from pipeline.core.machine import CatalogueChange
from rules.engine import failures
from rules.engine.cycles import NO_CIRCLE, circle, in_order
from rules.engine.failures import FailureState
from rules.engine.fold import Fold
from rules.engine.settings import Rule
from rules.engine.stage2 import Item, Second, item_of
from rules.engine.world import World
from rules.kinds import STAGE2

_RULE, _ACTIVE = b"s|", b"x|"


class Stage2:
    """The rules of one catalogue. Immutable; states are the caller's, reached through the fold.

    `sources`: the partitions whose progress W2 waits for. `invalid`: rules that cannot run, with the mistake.
    """

    def __init__(self, world: World, sources: Iterable[str]) -> None:
        self.world, self.sources = world, frozenset(sources)
        circles = {name: way for name, rule in world.rules.items() if (way := circle(rule, world.rules))}
        self.invalid = {**world.invalid, **{name: _round(way) for name, way in circles.items()}}
        rules = {name: rule for name, rule in world.rules.items() if name not in circles}
        self.seconds: list[Second] = [STAGE2[rule.kind].second(rule, world) for rule in in_order(rules)]
        self._dues: dict[str, tuple[Any, int | None]] = {}
        self._counting: dict[str, list[Second]] = {}
        for second in self.seconds:
            for name in second.of or (second.rule.id,):
                self._counting.setdefault(name, []).append(second)

    # --- lines

    def take(self, fold: Fold, line: Condition | Partial) -> None:
        """Hand a line to the rules that count it."""
        if isinstance(line, Condition):
            if line.late:
                return
            _remember(fold, line)
        for second in self._counting.get(line.rule, ()):
            if second.rule.id not in fold.out_of_service and isinstance(line, Partial) != bool(second.of):
                self._run(fold, second, second.take, line)

    def advance(self, fold: Fold, log: Mapping[str, int]) -> None:
        """Let time pass up to W2, members before the rules that count them."""
        for second in self.seconds:
            until, state = self._floor(second, log), fold.state(_key(second.rule))
            if state is None or second.rule.id in fold.out_of_service:
                continue
            due = self._due(second, state)
            if due is None or due >= until:
                continue
            mark = len(fold.outputs)
            self._run(fold, second, second.advance, until)
            self._pass_on(fold, mark)

    def _due(self, second: Second, state: Any) -> int | None:
        """What a state waits for; found anew only when it is another state."""
        known = self._dues.get(second.rule.id)
        if known is None or known[0] is not state:
            known = self._dues[second.rule.id] = (state, second.due(state))
        return known[1]

    def _pass_on(self, fold: Fold, mark: int) -> None:
        """Hand what stage 2 has written since `mark` to the rules that count it."""
        for output in fold.outputs[mark:]:
            assert isinstance(output, Condition)
            self.take(fold, output)

    def _floor(self, second: Second, log: Mapping[str, int]) -> int:
        """W2 of a rule; before every source has told its progress nothing is due."""
        if not self.sources or any(source not in log for source in self.sources):
            return -(2**53)
        return min(log[source] for source in self.sources) - second.lateness

    def _run(self, fold: Fold, second: Second, deed: Callable[..., Any], *given: Any) -> None:
        """Change a rule's state; a rule that throws goes out of service, the others go on."""
        key = _key(second.rule)
        mark = len(fold.outputs)
        try:
            fold.changed[key] = deed(fold, fold.state(key), *given)
        except Exception as error:  # noqa: BLE001 - one rule's fault must not stop the others; reported
            del fold.outputs[mark:]
            self._retire(fold, second, EndReason.RULE_FAILED)
            failures.report_failed(fold, second.rule.id, second.rule.version, f"{type(error).__name__}: {error}")

    def _retire(self, fold: Fold, second: Second, reason: EndReason) -> None:
        key = _key(second.rule)
        state = fold.state(key)
        fold.changed[key] = None
        if state is None:
            return
        mark = len(fold.outputs)
        try:
            second.retire(fold, state, fold.log, reason)
        except Exception:  # noqa: BLE001 - it fails even in ending: its state is gone; counted
            del fold.outputs[mark:]
            fold.counts["ioc_rules_failed_total"] += 1

    # --- changes

    def greet(self, fold: Fold) -> None:
        """At the very first frame: report the rules that cannot run."""
        for name, mistake in sorted(self.invalid.items()):
            failures.report_failed(fold, name, self.world.catalogue.rules[name].sha256, mistake)

    def after(self, fold: Fold, news: Iterable[CatalogueChange], log: Mapping[str, int]) -> Stage2:
        """Stage 2 after catalogue changes: states are carried over or ended with their reason."""
        new = Stage2(self.world.after(news, fold.log), self.sources)
        seconds = {second.rule.id: second for second in new.seconds}
        mark = len(fold.outputs)
        for before in self.seconds:
            self._carry_over(fold, before, seconds.get(before.rule.id), new)
        new._pass_on(fold, mark)
        for name in sorted({*self.world.catalogue.rules, *new.world.catalogue.rules}):
            self._service(fold, name, new)
        new._start(fold, {second.rule.id: second for second in self.seconds}, log)
        return new

    def _start(self, fold: Fold, known: Mapping[str, Second], log: Mapping[str, int]) -> None:
        """Begin the rules that come, or have lost their state: what these have judged, they do not judge again."""
        active = _active(fold)
        for second in self.seconds:
            before = known.get(second.rule.id)
            if (before is not None and before.rule.shape == second.rule.shape) or second.rule.id in fold.out_of_service:
                continue
            floor = max(self._floor(one, log) for one in (before, second) if one is not None)
            counted = tuple(item for item in active if item.rule in second.of)
            self._run(fold, second, second.start, counted, floor)

    def _carry_over(self, fold: Fold, before: Second, after: Second | None, new: Stage2) -> None:
        name = before.rule.id
        if after is None:
            invalid = name in new.invalid
            self._retire(fold, before, EndReason.RULE_FAILED if invalid else EndReason.RULE_REMOVED)
        elif after.rule.shape != before.rule.shape:
            self._retire(fold, before, EndReason.RULE_CHANGED)
        elif after.gone:
            self._retire(fold, before, EndReason.OUT_OF_SCOPE)
        elif fold.state(_key(before.rule)) is not None:
            new._run(fold, after, after.adopt)

    def _service(self, fold: Fold, name: str, new: Stage2) -> None:
        """A changed rule is in service again; one that cannot run is reported, here and nowhere else."""
        before, after = self.world.catalogue.rules.get(name), new.world.catalogue.rules.get(name)
        if _mark(before) == _mark(after) and self.invalid.get(name) == new.invalid.get(name):
            return
        failures.mend(fold, name)
        if after is not None and name in new.invalid:
            failures.report_failed(fold, name, after.sha256, new.invalid[name])


def _mark(document: RuleDocument | None) -> tuple[str, bool] | None:
    return None if document is None else (document.sha256, document.active)


def _remember(fold: Fold, line: Condition) -> None:
    """Know what is active, for rules that come later."""
    key = _ACTIVE + line.key.encode()
    known: Item | None = fold.state(key)
    if line.edge is ConditionEdge.BEGIN:
        fold.changed[key] = item_of(line, line.at)
    elif known is not None and known.episode == line.episode:
        ended = line.edge is ConditionEdge.END
        fold.changed[key] = None if ended else msgspec.structs.replace(item_of(line, known.begin))


def _active(fold: Fold) -> list[Item]:
    keys = sorted(key for key in {*fold.states, *fold.changed} if key.startswith(_ACTIVE))
    return [item for key in keys if (item := fold.state(key)) is not None]


def _key(rule: Rule) -> bytes:
    return _RULE + rule.id.encode()


def _round(way: list[str]) -> str:
    return str(BadInput("of", " > ".join(way), NO_CIRCLE.en, vi=NO_CIRCLE.vi))


_ITEM: msgspec.msgpack.Decoder[Item] = msgspec.msgpack.Decoder(Item)
_FAILURE: msgspec.msgpack.Decoder[FailureState] = msgspec.msgpack.Decoder(FailureState)


def load_second(key: bytes, raw: bytes, world: World) -> Any:
    """One state of stage 2, decoded; None for a rule that is gone."""
    if key.startswith(_ACTIVE):
        return _ITEM.decode(raw)
    if key.startswith(failures.PREFIX):
        return _FAILURE.decode(raw)
    rule = world.rules.get(key[len(_RULE) :].decode())
    return (
        None if rule is None or rule.kind not in STAGE2 else msgspec.msgpack.decode(raw, type=STAGE2[rule.kind].state)
    )
