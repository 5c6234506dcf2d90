"""What an alert says, in Vietnamese and English: time first, place, figure, relation to the bound.

`08:00 21/11 | Trạm Ninh Hòa | 6,26 m | trên mức 5,70 m`. Local time; decimal comma in Vietnamese.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from pipeline.core.alerts import Text
from pipeline.core.conditions import Condition, ConditionEdge, Why, Window
from pipeline.core.quantities import QUANTITIES
from pipeline.core.schedule import DEFAULT_ZONE
from pipeline.core.values import VALUES
from rules.engine.duration import parse_duration

_ZONE = ZoneInfo(DEFAULT_ZONE)
_UNITS = {
    "ug/m3": "µg/m³",
    "m3/s": "m³/s",
    "W/m2": "W/m²",
    "Cel": "°C",
    "dB[SPL]": "dBA",
    "dB[mW]": "dBm",
    "[pH]": "",
    "[NTU]": "NTU",
    "[kn_i]": "kn",
    "1": "",
    "deg": "°",
}
_COUNTED = {
    "{person}": Text("người", "people"),
    "{vehicle}": Text("xe", "vehicles"),
    "{vehicle}/h": Text("xe/h", "vehicles/h"),
    "{object}": Text("lượt", "crossings"),
    "{report}": Text("phản ánh", "reports"),
}
_RELATIONS = {
    "above": Text("trên mức {0}", "above {0}"),
    "below": Text("dưới mức {0}", "below {0}"),
    "outside": Text("ngoài khoảng {0} đến {1}", "outside {0} to {1}"),
    "equals": Text("bằng {0}", "equal to {0}"),
}
_TWO_DECIMALS = frozenset({"m"})
_SPANS = ((86_400_000, Text("ngày", "d")), (3_600_000, Text("giờ", "h")), (60_000, Text("phút", "min")))


class Facts(msgspec.Struct, frozen=True):
    """What the texts are made of."""

    condition: Condition
    title: Text
    place: Text


def headline(facts: Facts) -> Text:
    """One short line."""
    return Text(_headline(facts, "vi"), _headline(facts, "en"))


def description(facts: Facts) -> Text:
    """The rule's title, the newest figure, the range seen and the legal basis."""
    return Text(_description(facts, "vi"), _description(facts, "en"))


def _headline(facts: Facts, language: str) -> str:
    one = facts.condition
    parts = [_clock(one.at), facts.place.best(language), _figure(one.why, language), _relation(facts, language)]
    return " | ".join(part for part in parts if part)


def _clock(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, _ZONE):%H:%M %d/%m}"


def _figure(why: Why, language: str) -> str:
    unit = _unit_of(why)
    if why.conditions:
        return _conditions(why, language)
    if why.window is not None and why.window.type == "area":
        return _area_figure(why.window, unit, language)
    if why.window is not None:
        value = why.window.value
        span = f" {'trong' if language == 'vi' else 'in'} {span_text(why.window.end - why.window.start, language)}"
        return "" if value is None else show_number(value, unit, language) + span
    if why.operands and why.operands[-1].text is not None:
        return _state(why.operands[-1].text, language)
    value = why.last if why.last is not None else (why.operands[-1].value if why.operands else None)
    return "" if value is None else show_number(value, unit, language)


def _conditions(why: Why, language: str) -> str:
    """`3 lần trong 30 phút` of begins; `3 cảnh báo cùng lúc` of what is active together."""
    count = len(why.conditions)
    predicate = {} if why.threshold is None else why.threshold.predicate
    if "times" in predicate:
        span = span_text(parse_duration(str(predicate["within"])), language)
        return f"{count} lần trong {span}" if language == "vi" else f"{count} times in {span}"
    return f"{count} cảnh báo cùng lúc" if language == "vi" else f"{count} condition{'s' * (count > 1)} at once"


def _area_figure(window: Window, unit: str, language: str) -> str:
    """`62 % trong 8 điểm đo`: an aggregate over the newest values, and over how many."""
    if window.value is None:
        return ""
    factor = 100 if unit == "%" and window.aggregate == "share" else 1
    value = show_number(window.value * factor, unit, language)
    places = f"của {window.count} điểm đo" if language == "vi" else f"over {window.count} points"
    return f"{value} {places}"


def _relation(facts: Facts, language: str) -> str:
    one = facts.condition
    title = facts.title.best(language)
    if one.edge is ConditionEdge.END:
        return f"đã hết: {title}" if language == "vi" else f"over: {title}"
    if one.why.unknown:
        return f"không còn số liệu: {title}" if language == "vi" else f"no data any more: {title}"
    predicate = {} if one.why.threshold is None else one.why.threshold.predicate
    if "after" in predicate:
        return _silence(str(predicate["after"]), language)
    if one.why.window is None and one.why.operands and one.why.operands[-1].text is not None:
        return title or one.why.detail  # something seen, or a state: it is that, not above a number
    for name, bounds in predicate.items():
        if name in _RELATIONS and not isinstance(bounds, str):
            numbers = bounds if isinstance(bounds, list) else [bounds]
            factor = 100 if one.why.window is not None and one.why.window.aggregate == "share" else 1
            shown = [show_number(number * factor, _unit_of(one.why), language) for number in numbers]
            return _RELATIONS[name].best(language).format(*shown)
    return title or one.why.detail


def _silence(after: str, language: str) -> str:
    span = span_text(parse_duration(after), language)
    return f"mất tín hiệu quá {span}" if language == "vi" else f"no signal for more than {span}"


def _description(facts: Facts, language: str) -> str:
    why = facts.condition.why
    sentences = [facts.title.best(language), _seen(why, language)]
    if why.threshold is not None and why.threshold.legal:
        sentences.append(("Căn cứ: " if language == "vi" else "Basis: ") + why.threshold.legal)
    if why.detail:
        sentences.append(why.detail)
    return ". ".join(sentence.rstrip(".") for sentence in sentences if sentence)


def _seen(why: Why, language: str) -> str:
    if why.min is None or why.max is None or why.count < 2:
        return ""
    low, high = (show_number(value, _unit_of(why), language) for value in (why.min, why.max))
    if language == "vi":
        return f"{why.count} số liệu, thấp nhất {low}, cao nhất {high}"
    return f"{why.count} readings, lowest {low}, highest {high}"


def _unit_of(why: Why) -> str:
    if why.window is not None and why.window.aggregate in ("count", "distinct", "share"):
        return "%" if why.window.aggregate == "share" else "1"
    if not why.operands:
        return ""
    operand = why.operands[-1]
    row = QUANTITIES.get(operand.quantity)
    return operand.unit or ("" if row is None else row.unit)


def _state(text: str, language: str) -> str:
    return VALUES[text].best(language) if text in VALUES else text


def show_number(value: float, unit: str, language: str) -> str:
    """A number with its unit as people write it: at most two decimals, comma in Vietnamese."""
    text = f"{value:.2f}" if unit in _TWO_DECIMALS else f"{value:.2f}".rstrip("0").rstrip(".")
    text = "0" if text == "-0" else text
    if language == "vi":
        text = text.replace(".", ",")
    name = _COUNTED[unit].best(language) if unit in _COUNTED else _UNITS.get(unit, unit)
    return f"{text} {name}" if name else text


def span_text(ms: int, language: str) -> str:
    """A length of time in its largest whole unit."""
    for size, name in _SPANS:
        if ms >= size and ms % size == 0:
            return f"{ms // size} {name.best(language)}"
    return f"{ms // 1000} {'giây' if language == 'vi' else 's'}"
