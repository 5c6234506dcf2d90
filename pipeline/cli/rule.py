"""`ioc rule`: check rule files, run their tests, try rules on recorded events, and apply them.

Only `apply` needs a service.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from pipeline.cli.output import Sets
from pipeline.cli.services import registry, settings
from pipeline.core.clock import parse_rfc3339
from pipeline.core.errors import BadInput, UsageError
from pipeline.core.machine import CatalogueChange
from pipeline.rule_store import store_rules
from rules.backtest import Backtest, Input, parse_input
from rules.catalogue_files import read_catalogue
from rules.check import check_paths
from rules.engine.loader import load_paths
from rules.engine.yamltext import parse_yaml
from rules.testing import run_tests

app = typer.Typer(help="Rules: check, test, backtest.", no_args_is_help=True)
Paths = Annotated[list[Path], typer.Argument(help="Rule files, or folders of them.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command()
def check(paths: Paths, as_json: Json = False) -> None:
    """Find every mistake in rule files, and what looks like one."""
    rules, findings = check_paths(paths)
    if as_json:
        _print_json({"rules": [rule.id for rule in rules], "findings": findings})
    else:
        for found in findings:
            print(found.message if found.kind == "mistake" else f"{found.where}: {found.rule}: {found.message}")
        print(f"{len(rules)} rules, {len(findings)} findings")
    raise typer.Exit(1 if findings else 0)


@app.command()
def test(paths: Paths, as_json: Json = False) -> None:
    """Run the tests in rule files."""
    rules = load_paths(paths).checked()
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
    prune: Annotated[bool, typer.Option("--prune", help="Deactivate rules that are not in these files.")] = False,
    sets: Sets = [],  # noqa: B006
) -> None:
    """Store rules and publish them; a broken file, or a rule whose own tests fail, changes nothing."""
    rules = load_paths(paths).checked()
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
    inputs: Annotated[str, typer.Option("--input", help="NDJSON files of events, separated by commas.")],
    output: Annotated[Path, typer.Option("--output", help="NDJSON file of conditions, - for standard output.")],
    catalogue: Annotated[Path | None, typer.Option("--catalogue", help="Catalogue documents, NDJSON or YAML.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Let time run on to here, RFC 3339.")] = None,
    as_json: Json = False,
) -> None:
    """Say what rules would have raised over recorded events."""
    found = load_paths(rules).checked()
    lines = [line for name in inputs.split(",") for line in _inputs(Path(name.strip()))]
    changes = [] if catalogue is None else _catalogue(catalogue)
    trial = Backtest(found, changes)
    conditions = trial.run(lines, None if until is None else _until(until))
    text = b"".join(msgspec.json.encode(one) + b"\n" for one in conditions)
    if str(output) == "-":
        print(text.decode(), end="")
        return
    output.write_bytes(text)
    summary = {"rules": len(found), "events": len(lines), "conditions": len(conditions), "counts": trial.counters}
    if as_json:
        _print_json(summary)
    else:
        print(f"{len(conditions)} conditions of {len(found)} rules over {len(lines)} events -> {output}")


def _inputs(path: Path) -> Iterator[Input]:
    for number, line in _lines(path):
        yield parse_input(line, f"{path}:{number}")


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        handle = path.open("rb")
    except OSError as wrong:
        raise UsageError(f"{path}: cannot be read ({wrong.strerror})") from wrong
    with handle:
        for number, raw in enumerate(handle, 1):
            if raw.strip():
                yield number, _object(raw, f"{path}:{number}")


def _object(raw: bytes, where: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(raw)
    except msgspec.DecodeError as wrong:
        raise BadInput("line", raw[:80], f"one JSON object ({wrong})", where) from wrong
    if not isinstance(found, dict):
        raise BadInput("line", found, "one JSON object", where)
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
        raise BadInput("--until", text, "a time such as 2026-11-21T08:00:00+07:00") from wrong


def _print_json(value: object) -> None:
    print(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))
