"""Where the services of one stack answer, and `stack.json`, from which pipeline.config reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline.local import mosquitto, postgres, rtsp
from pipeline.local.datafolder import DataFolder, write_private_json
from pipeline.local.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses and generated passwords. Passwords are left out of the text form."""

    kafka_brokers: str
    mqtt_host: str
    mqtt_port: int
    mqtt_admin_user: str
    mqtt_admin_password: str = field(repr=False)
    mqtt_gateway_user: str
    mqtt_gateway_password: str = field(repr=False)
    postgres_dsn: str = field(repr=False)
    rtsp_url: str
    rtsp_url_protected: str
    rtsp_user: str
    rtsp_password: str = field(repr=False)
    console_host: str
    console_port: int

    def settings(self) -> dict[str, Any]:
        """The same in the form of pipeline.config's sections."""
        return {
            "kafka": {"brokers": self.kafka_brokers},
            "mqtt": {
                "host": self.mqtt_host,
                "port": self.mqtt_port,
                "admin_user": self.mqtt_admin_user,
                "admin_password": self.mqtt_admin_password,
                "gateway_user": self.mqtt_gateway_user,
                "gateway_password": self.mqtt_gateway_password,
            },
            "postgres": {"dsn": self.postgres_dsn},
            "console": {"host": self.console_host, "port": self.console_port},
        }


def of(folder: DataFolder, ports: dict[str, int]) -> Endpoints:
    """The endpoints of the stack in `folder`."""
    return Endpoints(
        kafka_brokers=f"{LOOPBACK}:{ports['kafka']}",
        mqtt_host=LOOPBACK,
        mqtt_port=ports["mqtt"],
        mqtt_admin_user=mosquitto.ADMIN,
        mqtt_admin_password=folder.password(f"mqtt_{mosquitto.ADMIN}"),
        mqtt_gateway_user=mosquitto.GATEWAY,
        mqtt_gateway_password=folder.password(f"mqtt_{mosquitto.GATEWAY}"),
        postgres_dsn=postgres.dsn(ports["postgres"], folder.password("postgres")),
        rtsp_url=rtsp.url(ports["rtsp"]),
        rtsp_url_protected=rtsp.url(ports["rtsp_protected"]),
        rtsp_user=rtsp.USER,
        rtsp_password=folder.password("rtsp"),
        console_host=LOOPBACK,
        console_port=ports["console"],
    )


def publish(folder: DataFolder, endpoints: Endpoints) -> None:
    """Write `stack.json` (mode 0600: it holds passwords)."""
    write_private_json(folder.endpoints, endpoints.settings())
