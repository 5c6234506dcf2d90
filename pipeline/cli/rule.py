"""`ioc rule`: check rule files, run their tests, try rules on recorded events, apply them, explain their alerts.

`check`, `test` and `backtest --input` need no service.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from pipeline.cli.output import Sets
from pipeline.cli.services import moment, no_time, registry, settings
from pipeline.config import Settings
from pipeline.core.catalogue import DOCUMENTS, Document, Kind
from pipeline.core.clock import parse_rfc3339, rfc3339
from pipeline.core.conditions import Condition
from pipeline.core.errors import BadInput, UsageError
from pipeline.core.machine import CatalogueChange
from pipeline.core.oserrors import why
from pipeline.rule_store import store_rules
from rules.backtest import Backtest, Input, parse_input
from rules.catalogue_files import read_catalogue
from rules.check import check_paths
from rules.difference import difference
from rules.engine.catalogue import changes_from
from rules.engine.loader import load_paths
from rules.engine.yamltext import parse_yaml
from rules.overrides import load_with_overrides
from rules.packs import FOLDER
from rules.testing import run_tests

app = typer.Typer(help="Rules: check, test, backtest.", no_args_is_help=True)
Paths = Annotated[
    list[Path],
    typer.Argument(
        help="Rule files, or folders of them.", default_factory=lambda: [FOLDER], show_default="the starter packs"
    ),
]
Overrides = Annotated[
    list[Path],
    typer.Option("--overrides", help="Your own changes, laid over the rules: files of id and changed fields."),
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command()
def check(paths: Paths, overrides: Overrides = [], as_json: Json = False) -> None:  # noqa: B006
    """Find every mistake in rule files, and what looks like one."""
    rules, findings = check_paths(paths, overrides)
    if as_json:
        _print_json({"rules": [rule.id for rule in rules], "findings": findings})
    else:
        for found in findings:
            print(found.message if found.kind == "mistake" else f"{found.where}: {found.rule}: {found.message}")
        print(f"{len(rules)} rules, {len(findings)} findings")
    raise typer.Exit(1 if findings else 0)


@app.command()
def test(paths: Paths, overrides: Overrides = [], as_json: Json = False) -> None:  # noqa: B006
    """Run the tests in rule files."""
    rules = load_with_overrides(paths, overrides).checked()
    outcomes = [outcome for rule in rules for outcome in run_tests(rule, rules)]
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if as_json:
        _print_json({"tests": [{**msgspec.to_builtins(one), "passed": one.passed} for one in outcomes]})
    else:
        for outcome in failed:
            print(f"{outcome.place}: {outcome.rule}: {outcome.name}")
            for line in outcome.differences:
                print(f"  {line}")
        print(f"{len(outcomes) - len(failed)} of {len(outcomes)} tests passed")
    raise typer.Exit(1 if failed else 0)


@app.command()
def apply(
    paths: Paths,
    overrides: Overrides = [],  # noqa: B006
    prune: Annotated[bool, typer.Option("--prune", help="Deactivate rules that are not in these files.")] = False,
    sets: Sets = [],  # noqa: B006
) -> None:
    """Store rules and publish them; a broken file, or a rule whose own tests fail, changes nothing."""
    rules = load_with_overrides(paths, overrides).checked()
    failed = [outcome for rule in rules for outcome in run_tests(rule, rules) if not outcome.passed]
    for outcome in failed:
        print(f"{outcome.place}: {outcome.rule}: test '{outcome.name}' fails; see `ioc rule test`")
    if failed:
        raise typer.Exit(1)
    with registry(settings(sets)) as open_registry:
        for line in store_rules(open_registry, rules, prune=prune):
            print(line)


@app.command()
def backtest(
    rules: Annotated[list[Path], typer.Option("--rules", help="Rule files, or folders of them.")],
    inputs: Annotated[str, typer.Option("--input", help="NDJSON files of events, separated by commas.")] = "",
    store: Annotated[str, typer.Option("--store", help="From the store: A..B, RFC 3339, by log time.")] = "",
    topic: Annotated[str, typer.Option("--topic", help="From a topic, all that stands there.")] = "",
    overrides: Overrides = [],  # noqa: B006
    output: Annotated[
        Path | None, typer.Option("--output", help="NDJSON file of conditions, - for standard output.")
    ] = None,
    catalogue: Annotated[Path | None, typer.Option("--catalogue", help="Catalogue documents, NDJSON or YAML.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Let time run on to here, RFC 3339.")] = None,
    against: Annotated[
        list[Path], typer.Option("--against", help="Rules to compare with: alerts gained and lost.")
    ] = [],  # noqa: B006
    as_json: Json = False,
    sets: Sets = [],  # noqa: B006
) -> None:
    """Say what rules would have raised over recorded events, and what other rules would not have."""
    if sum(bool(given) for given in (inputs, store, topic)) != 1 or not (output or against):
        raise UsageError(
            "give one of --input, --store and --topic, and --output, --against or both",
            vi="hãy chọn một trong --input, --store, --topic, kèm --output, --against hoặc cả hai",
        )
    found, old = load_with_overrides(rules, overrides).checked(), load_paths(against).checked()
    lines, known = _recorded(inputs, store, topic, sets)
    changes = known if catalogue is None else _catalogue(catalogue)
    end = None if until is None else _until(until)
    trial = Backtest(found, changes)
    conditions = trial.run(lines, end)
    if output is not None:
        _write(output, conditions)
    summary: dict[str, Any] = {"rules": len(found), "events": len(lines), "conditions": len(conditions)}
    summary["counts"] = dict(trial.counters)
    if against:
        summary["against"] = msgspec.to_builtins(difference(Backtest(old, changes).run(lines, end), conditions))
    if str(output) != "-":
        _tell(summary, output, as_json=as_json)


def _recorded(inputs: str, store: str, topic: str, sets: list[str]) -> tuple[list[Input], list[CatalogueChange]]:
    """The events, and what the registry knows of their devices when they come from a running centre."""
    if inputs:
        return [line for name in inputs.split(",") for line in _inputs(Path(name.strip()))], []
    from pipeline.history import from_store, from_topic
    from pipeline.migrations import connect

    found = settings(sets)
    known = changes_from(_documents(found, [kind for kind in DOCUMENTS if kind is not Kind.RULE]))
    if topic:
        return asyncio.run(from_topic(found.kafka.brokers, topic)), known
    since, _, end = store.partition("..")
    first, last = moment("--store", since), moment("--store", end)
    if first is None or last is None:
        span = "2026-11-20T00:00:00+07:00..2026-11-21T00:00:00+07:00"
        raise BadInput("--store", store, f"two times, such as {span}", vi=f"hai thời điểm, ví dụ {span}")
    with connect(found.postgres.dsn.get_secret_value()) as connection:
        return from_store(connection, first, last), known


def _documents(found: Settings, kinds: Iterable[Kind]) -> list[tuple[Kind, Document]]:
    """What the registry has of these kinds."""
    with registry(found) as open_registry:
        return [(kind, one) for kind in kinds for one in open_registry.list(kind)]


def _write(output: Path, conditions: list[Condition]) -> None:
    text = b"".join(msgspec.json.encode(one) + b"\n" for one in conditions)
    if str(output) == "-":
        print(text.decode(), end="")
    else:
        output.write_bytes(text)


def _tell(summary: dict[str, Any], output: Path | None, *, as_json: bool) -> None:
    if as_json:
        _print_json(summary)
        return
    told = "{conditions} conditions of {rules} rules over {events} events".format(**summary)
    print(told + (f" -> {output}" if output else ""))
    if "against" in summary:
        found = summary["against"]
        for sign, name in (("+", "gained"), ("-", "lost")):
            for one in found[name]:
                print(f"{sign} {_episode(one)}")
        for before, after in found["changed"]:
            print(f"~ {_episode(before)} -> {_episode(after)}")
        print(
            "{} gained, {} lost, {} otherwise, {same} the same".format(
                len(found["gained"]), len(found["lost"]), len(found["changed"]), same=found["same"]
            )
        )


def _episode(one: dict[str, Any]) -> str:
    end = "" if one["end"] is None else rfc3339(one["end"])
    return f"{one['key']} {one['highest']} {rfc3339(one['begin'])}..{end}"


@app.command()
def explain(
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="The id of an alert.")],
    verify: Annotated[bool, typer.Option("--verify", help="Read the operands again and judge them again.")] = False,
    as_json: Json = False,
    sets: Sets = [],  # noqa: B006
) -> None:
    """Say why an alert was raised; with --verify, whether log, store and a replay still say so (exit 1 when not)."""
    from pipeline.explanation import begin_of, lines_of, replay, verified
    from pipeline.migrations import connect

    found = settings(sets)
    checks = []
    with connect(found.postgres.dsn.get_secret_value()) as connection:
        raised = begin_of(connection, alert)
        if verify:
            checks = asyncio.run(verified(connection, found.kafka.brokers, raised.why))
            checks.append(replay(connection, raised, _documents(found, DOCUMENTS)))
    if as_json:
        _print_json({"alert": raised, "checks": checks})
    else:
        print("\n".join(lines_of(raised, checks)))
    raise typer.Exit(1 if any(check.same is False for check in checks) else 0)


def _inputs(path: Path) -> Iterator[Input]:
    for number, line in _lines(path):
        yield parse_input(line, f"{path}:{number}")


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        handle = path.open("rb")
    except OSError as wrong:
        said = why(wrong)
        raise UsageError(f"{path}: cannot be read ({said.en})", vi=f"không đọc được tệp {path} ({said.vi})") from wrong
    with handle:
        for number, raw in enumerate(handle, 1):
            if raw.strip():
                yield number, _object(raw, f"{path}:{number}")


def _object(raw: bytes, where: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(raw)
    except msgspec.DecodeError as wrong:
        vi = "một đối tượng JSON đúng cú pháp"
        raise BadInput("line", raw[:80], f"one JSON object ({wrong})", where, vi=vi) from wrong
    if not isinstance(found, dict):
        raise BadInput("line", found, "one JSON object", where, vi="một đối tượng JSON")
    return found


def _catalogue(path: Path) -> list[CatalogueChange]:
    if path.suffix in (".yaml", ".yml"):
        documents = parse_yaml(path.read_text("utf-8"), str(path))
        mistakes = [mistake for document in documents for mistake in document.mistakes]
        if mistakes:
            raise mistakes[0]
        return [change for document in documents for change in read_catalogue(document.data, document.where(()))]
    if path.suffix == ".json":
        return read_catalogue(msgspec.json.decode(path.read_bytes()), str(path))
    return [change for number, line in _lines(path) for change in read_catalogue(line, f"{path}:{number}")]


def _until(text: str) -> int:
    try:
        return int(text) if text.isdecimal() else parse_rfc3339(text)
    except ValueError as wrong:
        raise no_time("--until", text) from wrong


def _print_json(value: object) -> None:
    print(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))
