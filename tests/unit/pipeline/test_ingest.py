"""How the gateway presents itself to mosquitto."""

from __future__ import annotations

from pipeline.config import Settings
from pipeline.ingest import account


def client_id(name: str, password: str) -> str:
    settings = {"gateway": {"id": name}, "mqtt": {"gateway_password": password}}
    return account(Settings.model_validate(settings)).client_id


def test_the_client_id_is_kept_over_restarts_and_taken_over_by_a_standby_with_the_same_account() -> None:
    assert client_id("gateway-1", "long and random") == client_id("gateway-1", "long and random")


def test_a_device_that_knows_the_gateways_name_cannot_guess_its_client_id() -> None:
    assert client_id("gateway-1", "a") != client_id("gateway-1", "b")
    assert client_id("gateway-1", "a") != client_id("gateway-2", "a")
    assert "long" not in client_id("gateway-1", "long")
