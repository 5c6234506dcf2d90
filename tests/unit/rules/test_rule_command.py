"""`ioc rule` on files, without any service."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from pipeline.cli.rule import app
from rules.packs import FOLDER

RUN = CliRunner()
HOT = "{id: hot, kind: threshold, scope: {quantity: air_temperature, tags: [roof]}, raise: {above: 30}}\n"


def test_check_names_every_fault_and_exits_with_1(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HOT.replace("above", "abov"))
    (tmp_path / "b.yaml").write_text(HOT.replace("30", "300"))
    found = RUN.invoke(app, ["check", str(tmp_path), "--json"])
    assert found.exit_code == 1
    findings = json.loads(found.stdout)["findings"]
    assert {Path(one["where"].split(":")[0]).name for one in findings} == {"a.yaml", "b.yaml"}
    assert any("300 Cel can never be measured" in one["message"] for one in findings)
    assert any("no test in which the rule fires" in one["message"] for one in findings)


def test_test_runs_the_tests_of_the_packs() -> None:
    assert RUN.invoke(app, ["test", str(FOLDER)]).exit_code == 0


def test_a_failing_test_shows_what_differs(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HOT.rstrip("}\n") + "}, tests: [{name: x, given: [], then: [{edge: begin}]}]}\n")
    found = RUN.invoke(app, ["test", str(tmp_path)])
    assert found.exit_code == 1
    assert "missing: edge begin" in found.stdout


def test_backtest_writes_conditions_in_order(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(HOT)
    reading = {"device": "d1", "quantity": "air_temperature", "unit": "K", "value": 310, "at": 1_795_222_800_000}
    (tmp_path / "in.ndjson").write_text(json.dumps(reading) + "\n\n" + json.dumps(reading | {"device": "d2"}) + "\n")
    devices = [{"kind": "device", "id": "d1", "type": "t", "site": "s", "tags": ["roof"]}]
    (tmp_path / "cat.ndjson").write_text("".join(json.dumps(one) + "\n" for one in devices))
    names = {name: str(tmp_path / file) for name, file in (("i", "in.ndjson"), ("o", "out"), ("c", "cat.ndjson"))}
    arguments = ["--rules", str(tmp_path / "rules.yaml"), "--input", names["i"], "--output", names["o"]]
    found = RUN.invoke(app, ["backtest", *arguments, "--catalogue", names["c"], "--json"])
    assert found.exit_code == 0, found.output
    lines = [json.loads(line) for line in Path(names["o"]).read_text().splitlines()]
    assert [(one["key"], one["edge"]) for one in lines] == [("hot|d1|air_temperature", "begin")]
    assert lines[0]["why"]["operands"][0]["value"] == 310 - 273.15
