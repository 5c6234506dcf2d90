"""Who may send, as of the newest catalogue change."""

from __future__ import annotations

import pytest

from devices.directory import Directory
from pipeline.core.catalogue import Device, DeviceType, Kind
from pipeline.core.errors import Reason, Rejected
from pipeline.core.machine import CatalogueChange

NOW = 1_795_230_000_000


def directory(*documents: Device | DeviceType) -> Directory:
    found = Directory()
    kinds = {Device: Kind.DEVICE, DeviceType: Kind.TYPE}
    found.apply(CatalogueChange(n, kinds[type(d)], d.id, d) for n, d in enumerate(documents))
    return found


TYPE = DeviceType(id="t")
DEVICE = Device(id="d1", type="t", site="s1")


def refusal(found: Directory, device: str = "d1", site: str = "s1") -> Rejected:
    with pytest.raises(Rejected) as caught:
        found.sender(device, site, NOW)
    return caught.value


def test_a_registered_device_may_send_from_its_site() -> None:
    assert directory(TYPE, DEVICE).sender("d1", "s1", NOW) == (DEVICE, TYPE)


def test_a_device_that_nobody_registered_is_unknown() -> None:
    assert refusal(directory(TYPE, DEVICE), "d2").reason is Reason.UNKNOWN_DEVICE


def test_a_device_whose_type_is_not_known_yet_is_unknown_and_the_type_is_named() -> None:
    found = refusal(directory(DEVICE))
    assert found.reason is Reason.UNKNOWN_DEVICE
    assert "'t'" in found.detail


def test_a_device_is_refused_from_the_moment_of_its_retirement() -> None:
    retired = directory(TYPE, Device(id="d1", type="t", site="s1", retired_at=NOW))
    assert refusal(retired).reason is Reason.RETIRED_DEVICE
    assert retired.sender("d1", "s1", NOW - 1)


def test_a_device_at_another_site_is_a_wrong_topic_and_the_right_one_is_named() -> None:
    found = refusal(directory(TYPE, DEVICE), site="s2")
    assert found.reason is Reason.WRONG_TOPIC
    assert "ioc/s1/d1/" in found.detail


def test_a_device_that_was_deleted_is_unknown_again() -> None:
    found = directory(TYPE, DEVICE)
    found.apply([CatalogueChange(9, Kind.DEVICE, "d1", None)])
    assert refusal(found).reason is Reason.UNKNOWN_DEVICE
    assert len(found) == 0
