"""Everything that people read stands in one table, in both languages."""

from __future__ import annotations

import inspect
import re
from importlib import resources

import pytest

from pipeline.console.messages import LANGUAGES, MESSAGES, table, text
from pipeline.console.people import Refusal, Role
from pipeline.core.alerts import AlertEvent
from pipeline.core.conditions import Severity
from pipeline.core.events import Quality
from rules.alerts import verbs
from rules.kinds.aggregates import AGGREGATES

CONSOLE = resources.files("pipeline.console")
TEMPLATES = {path.name: path.read_text() for path in (CONSOLE / "templates").iterdir()}
SCRIPTS = {path.name: path.read_text() for path in (CONSOLE / "static").iterdir() if path.name.endswith(".js")}


@pytest.mark.parametrize("key", sorted(MESSAGES))
def test_a_message_is_there_in_both_languages_with_the_same_places_to_fill(key: str) -> None:
    vi, en = (MESSAGES[key][language] for language in LANGUAGES)
    assert vi and en
    assert sorted(re.findall(r"\{\d\}", vi)) == sorted(re.findall(r"\{\d\}", en))


def test_both_languages_have_every_key() -> None:
    assert table("vi").keys() == table("en").keys()


def test_every_key_that_templates_and_scripts_name_is_in_the_table() -> None:
    named = {key for source in {**TEMPLATES, **SCRIPTS}.values() for key in re.findall(r"\bt\(\"([a-z_.]+)\"", source)}
    named |= {key for source in TEMPLATES.values() for key in re.findall(r"\"(help\.\w+|language\.\w+)\"", source)}
    named.discard("help.html")
    assert len(named) > 60
    assert {key for key in named if not key.endswith(".")} - MESSAGES.keys() == set()


def test_keys_that_are_put_together_are_all_there() -> None:
    wanted = [f"severity.{severity}" for severity in Severity]
    wanted += [f"event.{event.split('.')[3]}" for event in AlertEvent if event.startswith("vn.ioc.alert.")]
    wanted += [f"role.{role}" for role in Role] + [f"quality.{quality}" for quality in Quality] + list(Refusal)
    wanted += [f"aggregate.{name}" for name in AGGREGATES]
    wanted += [f"title.{name.removesuffix('.html')}" for name in TEMPLATES if name not in ("base.html", "help.html")]
    assert set(wanted) - MESSAGES.keys() == set()


def test_every_refusal_of_a_verb_has_words() -> None:
    source = inspect.getsource(verbs._objection) + inspect.getsource(verbs._refuse_unknown)
    reasons = re.findall(r"(?:return |refused=)\"([^\"]+)\"", source)
    assert len(reasons) > 6
    assert {f"refused.{reason}" for reason in reasons} - MESSAGES.keys() == set()


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_has_no_words_of_its_own(name: str) -> None:
    bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", TEMPLATES[name], flags=re.DOTALL)
    words = re.findall(r">([^<>]*[^\W\d_]{2,}[^<>]*)<", bare)
    assert [word for word in words if word.strip() != "openapi.json"] == []


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_has_no_inline_script_style_or_handler(name: str) -> None:
    scripts = re.findall(r"<script([^>]*)>", TEMPLATES[name])
    assert all("src=" in script or "application/json" in script for script in scripts)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", TEMPLATES[name])


def test_a_message_is_filled_in() -> None:
    assert text("vi", "evaluated.upto", "08:15:42") == "Đã đánh giá đến 08:15:42"
    assert text("en", "evaluated.upto", "08:15:42") == "Evaluated up to 08:15:42"
