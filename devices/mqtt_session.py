"""The MQTT side of the gateway: a persistent session with manual acknowledgement, MQTT 5 or 3.1.1.

paho's thread only appends to a queue; everything else happens in the event loop. A message is acknowledged to
mosquitto when the caller settles it. An acknowledgement from before a reconnect is never sent: mosquitto may
have given its number to another message meanwhile, and redelivers the unacknowledged ones anyway.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from pipeline.core.clock import Clock, now_ms
from pipeline.core.errors import CredentialsWrong, ServiceError, ServiceMissing
from pipeline.core.telemetry import log

SESSION_EXPIRY_S = 7 * 86_400
RECEIVE_MAXIMUM = 1000
KEEPALIVE_S = 20
_REMEDY = "start it with `ioc up`, or set mqtt.host and mqtt.port"


class Message(NamedTuple):
    """One message as received; `settle` acknowledges it."""

    topic: str
    payload: bytes
    received: int
    settle: Callable[[], None]


class Account(NamedTuple):
    """Where mosquitto is, and who we are there. `client_id` names the persistent session."""

    host: str
    port: int
    user: str
    password: str
    client_id: str

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"


class MqttSession:
    """One persistent session. At most RECEIVE_MAXIMUM messages are handed over and not settled."""

    def __init__(
        self, account: Account, topics: Sequence[str], *, version: int = mqtt.MQTTv5, clock: Clock = now_ms
    ) -> None:
        self._account, self._topics, self._version, self._clock = account, topics, version, clock
        self._loop = asyncio.get_running_loop()
        self._received: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._woken = False
        self._lock = threading.Lock()
        self._generation = 0
        self._failure: asyncio.Future[None] = self._loop.create_future()
        self._connected = asyncio.Event()
        self._client = self._new_client()

    async def connect(self, within_s: float = 10.0) -> None:
        """Connect, falling back to MQTT 3.1.1 where the broker knows nothing newer.

        Raises ServiceMissing when nothing answers, CredentialsWrong when we are refused. Later disconnections are
        mended by reconnecting.
        """
        try:
            await asyncio.to_thread(self._open)
        except OSError:
            raise ServiceMissing("mosquitto", self._account.address, _REMEDY) from None
        self._client.loop_start()
        await self._first_of(self._connected, within_s)
        if not self._connected.is_set():
            raise ServiceMissing("mosquitto", self._account.address, _REMEDY)

    async def take(self) -> list[Message]:
        """Wait for messages and take all that have come. Raises what ended the session."""
        while not self._received:
            self._arrived.clear()
            with self._lock:
                self._woken = False
            if not self._received:
                await self._first_of(self._arrived, None)
        taken = list(self._received)
        for _ in taken:
            self._received.popleft()
        return taken

    def close(self) -> None:
        """Disconnect; the session stays at the broker and keeps what was not acknowledged."""
        self._client.disconnect()
        self._client.loop_stop()
        self._failure.cancel()

    def _new_client(self) -> mqtt.Client:
        modern = self._version == mqtt.MQTTv5
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._account.client_id,
            protocol=mqtt.MQTTProtocolVersion(self._version),
            clean_session=None if modern else False,
            manual_ack=True,
        )
        client.username_pw_set(self._account.user, self._account.password)
        client.reconnect_delay_set(min_delay=1, max_delay=5)
        client.on_connect, client.on_message = self._on_connect, self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _open(self) -> None:
        settings: dict[str, Any] = {}
        if self._version == mqtt.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            settings = {"clean_start": False, "properties": properties}
        self._client.connect(self._account.host, self._account.port, KEEPALIVE_S, **settings)

    # --- paho's thread

    def _on_connect(self, client: mqtt.Client, _u: Any, flags: Any, code: ReasonCode, _p: Any) -> None:
        with self._lock:
            self._generation += 1
        if code.is_failure:
            self._loop.call_soon_threadsafe(self._refused, str(code))
            return
        if not flags.session_present:
            log.info("new MQTT session, subscribing", topics=list(self._topics))
            client.subscribe([(topic, 1) for topic in self._topics])
        self._loop.call_soon_threadsafe(self._connected.set)

    def _on_message(self, _c: mqtt.Client, _u: Any, message: mqtt.MQTTMessage) -> None:
        settle = self._settlement(message.mid, message.qos)
        self._received.append(Message(message.topic, message.payload, self._clock(), settle))
        with self._lock:
            if self._woken:
                return
            self._woken = True
        self._loop.call_soon_threadsafe(self._arrived.set)

    def _on_disconnect(self, _c: mqtt.Client, _u: Any, _f: Any, code: ReasonCode, _p: Any) -> None:
        with self._lock:
            self._generation += 1
        log.warning("MQTT connection ended", address=self._account.address, code=str(code))

    def _settlement(self, number: int, qos: int) -> Callable[[], None]:
        generation = self._generation

        def settle() -> None:
            with self._lock:  # no reconnect may slip in between the comparison and the acknowledgement
                if generation == self._generation:
                    self._client.ack(number, qos)

        return settle

    # --- the event loop

    def _refused(self, code: str) -> None:
        if self._failure.done():
            return
        if "rotocol version" in code and self._version == mqtt.MQTTv5:
            self._fall_back()
        elif "uthorized" in code or "password" in code or "user name" in code:
            self._failure.set_exception(
                CredentialsWrong(
                    "mosquitto", self._account.address, "check mqtt.gateway_user and mqtt.gateway_password"
                )
            )
        else:
            self._failure.set_exception(ServiceError(f"mosquitto at {self._account.address} refused us: {code}"))

    def _fall_back(self) -> None:
        log.warning("the broker does not speak MQTT 5, using 3.1.1", address=self._account.address)
        self._client.loop_stop()
        self._version = mqtt.MQTTv311
        self._client = self._new_client()
        self._open()
        self._client.loop_start()

    async def _first_of(self, event: asyncio.Event, within_s: float | None) -> None:
        """Wait for `event`, at most `within_s`; raises what ended the session."""
        waiter: asyncio.Future[Any] = asyncio.ensure_future(event.wait())
        failure: asyncio.Future[Any] = self._failure
        try:
            await asyncio.wait([waiter, failure], timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()
        if failure.done():
            failure.result()
