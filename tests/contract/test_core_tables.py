"""Every row of every table of the core keeps the contract."""

from __future__ import annotations

import re
import zlib

import jsonschema
import msgspec
import pytest

from pipeline.core import schemas, topics
from pipeline.core.alerts import AlertEvent
from pipeline.core.conditions import RANK, Severity, alert_id, condition_id
from pipeline.core.errors import Reason
from pipeline.core.events import ID_PATTERN, Reading
from pipeline.core.quantities import QUANTITIES, Nature, Quantity
from pipeline.core.topics import TOPICS, partition_of


@pytest.mark.parametrize("row", QUANTITIES.values(), ids=list(QUANTITIES))
def test_a_quantity_has_a_name_titles_a_sane_range_and_a_unit_unless_it_is_a_state(row: Quantity) -> None:
    assert re.match(ID_PATTERN, row.name)
    assert row.title.vi
    assert row.title.en
    assert (row.unit == "") == (row.nature is Nature.STATE)
    assert row.unit not in row.others
    if row.low is not None and row.high is not None:
        assert row.low < row.high
    for converter in row.others.values():
        assert converter(2.0) > converter(1.0)


def test_the_names_of_quantities_are_all_different() -> None:
    from pipeline.core.quantities import _ROWS

    assert len(_ROWS) == len(QUANTITIES)


@pytest.mark.parametrize("topic", TOPICS.values(), ids=list(TOPICS))
def test_a_topic_says_how_it_is_kept(topic: topics.Topic) -> None:
    settings = topic.settings()
    assert settings["max.message.bytes"] == str(2 * 1024 * 1024)
    assert ("retention.ms" in settings) != (settings.get("cleanup.policy") == "compact")


@pytest.mark.parametrize("source", [topics.READINGS, topics.DETECTIONS, topics.CASES])
def test_checkpoints_have_as_many_partitions_as_their_source(source: str) -> None:
    assert TOPICS[topics.checkpoint_topic("rules", source)].partitions == TOPICS[source].partitions


def test_the_partition_of_a_device_is_crc32_of_its_id() -> None:
    assert zlib.crc32(b"123456789") == 0xCBF43926  # the published check value of CRC-32/ISO-HDLC
    assert partition_of("123456789", 8) == 0xCBF43926 % 8


def test_the_committed_schemas_are_what_the_types_say() -> None:
    committed = {path.name: path.read_bytes() for path in schemas.FOLDER.glob("*.schema.json")}
    assert committed == schemas.generate(), "run `python -m pipeline.core.schemas` and look at the difference"


@pytest.mark.parametrize("name", sorted(schemas.PAYLOADS))
def test_a_schema_is_a_valid_schema(name: str) -> None:
    schema = msgspec.json.decode((schemas.FOLDER / f"{name}.schema.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)


def test_a_schema_accepts_what_we_write_and_refuses_a_wrong_type() -> None:
    schema = msgspec.json.decode((schemas.FOLDER / "reading.schema.json").read_bytes())
    validator = jsonschema.Draft202012Validator(schema)
    written = msgspec.json.decode(msgspec.json.encode(Reading(device="a", quantity="ph", at=1, value=7.0)))
    assert list(validator.iter_errors(written)) == []
    assert list(validator.iter_errors({**written, "value": "7"}))
    assert list(validator.iter_errors({**written, "device": "A B"}))


def test_severities_are_ordered_as_x733_orders_them() -> None:
    ordered = sorted(Severity, key=RANK.__getitem__)
    assert [str(s) for s in ordered] == ["cleared", "indeterminate", "warning", "minor", "major", "critical"]


def test_ids_of_conditions_and_alerts_are_what_the_contract_says() -> None:
    # printf 'env.rain|env.rain|ks-rain-01|1795230000000|0' | sha256sum | cut -c1-32, and without the last part
    assert condition_id("env.rain", "env.rain|ks-rain-01", 1795230000000, 0) == CONDITION_ID
    assert alert_id("env.rain", "env.rain|ks-rain-01", 1795230000000) == ALERT_ID


CONDITION_ID = "06a22a227fe23996670f8127e08d5fa7"
ALERT_ID = "b957263e6ed73eadfa14492e95cb7edc"


def test_reasons_and_event_types_are_closed_lists_of_wire_names() -> None:
    assert all(re.fullmatch(r"[a-z_]+", reason) for reason in Reason)
    assert all(re.fullmatch(r"vn\.ioc\.(alert|incident)\.[a-z]+\.v1|vn\.ioc\.progress\.v1", e) for e in AlertEvent)
