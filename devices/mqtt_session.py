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
from contextlib import suppress
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from pipeline.core.clock import Clock, now_ms
from pipeline.core.errors import CredentialsWrong, ServiceError, ServiceMissing
from pipeline.core.telemetry import log

SESSION_EXPIRY_S = 7 * 86_400
RECEIVE_MAXIMUM = 1000
KEEPALIVE_S = 20
_REMEDY = "start it with `ioc up`, or set mqtt.host and mqtt.port"
_REMEDY_VI = "khởi động bằng `ioc up`, hoặc đặt mqtt.host và mqtt.port"
_TAKE = 200
_FLUSH_S = 2.0
_EVERYTHING = "ioc/#"


class _OldBroker(ServiceError):
    """The broker refused MQTT 5."""


class Message(NamedTuple):
    """One message as received; `settle` acknowledges it. `retained`: an old one, sent because we subscribed."""

    topic: str
    payload: bytes
    received: int
    settle: Callable[[], None]
    retained: bool = False


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
    """One persistent session. At most RECEIVE_MAXIMUM messages are handed over and not settled.

    MQTT itself keeps that limit for QoS 1; QoS 0 beyond it is shed and counted.
    """

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
        self._unacknowledgeable = self._shed = 0
        self._failure: asyncio.Future[None] = self._loop.create_future()
        self._connected = asyncio.Event()
        self._client = self._new_client()

    async def connect(self, within_s: float = 10.0) -> None:
        """Connect, falling back to MQTT 3.1.1 where the broker knows nothing newer.

        Raises ServiceMissing when nothing answers, CredentialsWrong when we are refused. Later disconnections are
        mended by reconnecting.
        """
        try:
            await self._connect(within_s)
        except _OldBroker:
            log.warning("the broker does not speak MQTT 5, using 3.1.1", address=self._account.address)
            await asyncio.to_thread(self._client.loop_stop)
            self._version, self._failure = mqtt.MQTTv311, self._loop.create_future()
            self._client = self._new_client()
            await self._connect(within_s)

    async def take(self) -> list[Message]:
        """Wait for messages and take some. Raises what ended the session."""
        await asyncio.sleep(0)  # also when there is always one more, the senders must run
        while not self._received:
            self._arrived.clear()
            with self._lock:
                self._woken = False
            if not self._received:
                await self._first_of(self._arrived, None)
        return [self._received.popleft() for _ in range(min(_TAKE, len(self._received)))]

    def shed(self) -> int:
        """How many QoS 0 messages were left out since the last call."""
        with self._lock:
            count, self._shed = self._shed, 0
        return count

    async def close(self) -> None:
        """Disconnect; the session stays at the broker and keeps what was not acknowledged."""
        if self._client.is_connected() and not self._failure.done():
            await self._flush()
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)
        self._failure.cancel()

    async def _flush(self) -> None:
        """Wait until mosquitto has read our acknowledgements.

        It reads one packet a round, and those that it has not read when the line closes are lost: the messages would
        come again. An answer to a later packet shows that it has read them.
        """
        self._connected.clear()
        self._subscribe(self._client)
        with suppress(ServiceError):
            await self._first_of(self._connected, _FLUSH_S)

    async def _connect(self, within_s: float) -> None:
        try:
            await asyncio.to_thread(self._open)
        except OSError:
            raise ServiceMissing("mosquitto", self._account.address, _REMEDY, vi=_REMEDY_VI) from None
        self._client.loop_start()
        await self._first_of(self._connected, within_s)
        if not self._connected.is_set():
            raise ServiceMissing("mosquitto", self._account.address, _REMEDY, vi=_REMEDY_VI)

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
        client.on_disconnect, client.on_subscribe = self._on_disconnect, self._on_subscribe
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
            log.info("new MQTT session", topics=list(self._topics))
        self._subscribe(client)

    def _subscribe(self, client: mqtt.Client) -> None:
        """Also when the session is an old one: its topics may be other ones than ours."""
        if _EVERYTHING not in self._topics:
            client.unsubscribe(_EVERYTHING)
        if self._version == mqtt.MQTTv5:
            quietly = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
            client.subscribe([(topic, quietly) for topic in self._topics])
        else:
            client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(self, _c: mqtt.Client, _u: Any, _mid: int, codes: list[ReasonCode], _p: Any) -> None:
        refused = [topic for topic, code in zip(self._topics, codes, strict=False) if code.is_failure]
        if refused:
            remedy = f"it may not subscribe to {', '.join(refused)}; see mqtt.gateway_user"
            vi = f"tài khoản này không được đăng ký nhận {', '.join(refused)}; xem mqtt.gateway_user"
            wrong = CredentialsWrong("mosquitto", self._account.address, remedy, vi=vi)
            self._loop.call_soon_threadsafe(self._fail, wrong)
        else:
            self._loop.call_soon_threadsafe(self._connected.set)

    def _on_message(self, _c: mqtt.Client, _u: Any, message: mqtt.MQTTMessage) -> None:
        settle = self._settlement(message.mid) if message.qos else self._loose()
        if settle is None:
            return
        self._received.append(Message(message.topic, message.payload, self._clock(), settle, bool(message.retain)))
        with self._lock:
            if self._woken:
                return
            self._woken = True
        self._loop.call_soon_threadsafe(self._arrived.set)

    def _on_disconnect(self, _c: mqtt.Client, _u: Any, _f: Any, code: ReasonCode, _p: Any) -> None:
        with self._lock:
            self._generation += 1
        log.warning("MQTT connection ended", address=self._account.address, code=str(code))

    def _settlement(self, number: int) -> Callable[[], None]:
        generation = self._generation

        def settle() -> None:
            with self._lock:  # no reconnect may slip in between the comparison and the acknowledgement
                if generation == self._generation:
                    self._client.ack(number, 1)

        return settle

    def _loose(self) -> Callable[[], None] | None:
        """The settlement of a QoS 0 message: nobody waits for it, so we count it; None when there are too many."""
        with self._lock:
            if self._unacknowledgeable >= RECEIVE_MAXIMUM:
                self._shed += 1
                return None
            self._unacknowledgeable += 1
        return self._settle_loose

    def _settle_loose(self) -> None:
        with self._lock:
            self._unacknowledgeable -= 1

    # --- the event loop

    def _refused(self, code: str) -> None:
        if "rotocol version" in code and self._version == mqtt.MQTTv5:
            self._fail(_OldBroker(code))
        elif "uthorized" in code or "password" in code or "user name" in code:
            remedy = "check mqtt.gateway_user and mqtt.gateway_password"
            vi = "kiểm tra mqtt.gateway_user và mqtt.gateway_password"
            self._fail(CredentialsWrong("mosquitto", self._account.address, remedy, vi=vi))
        else:
            self._fail(ServiceError(f"mosquitto at {self._account.address} refused us: {code}"))

    def _fail(self, error: ServiceError) -> None:
        if not self._failure.done():
            self._failure.set_exception(error)

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
