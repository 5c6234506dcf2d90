"""The ladder of `ioc camera test`: what must work before a picture comes, one rung after the other.

Each rung has its own message and its own remedy; the first one that breaks ends the climb. All of it takes less
than 8 s, whatever the camera does. Nothing here shows a password or repeats what a camera said.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from pipeline.core.alerts import Text
from pipeline.core.events import CameraState
from vision import wording
from vision.address import Address
from vision.capture import CLOCK_TRUSTED_MS
from vision.probe import Probed, probe
from vision.resting import LONGEST_GOP_S
from vision.rtsp import PORTS, Answer, Asking, NotRtsp
from vision.stream import NoKeyFrame, StreamFault
from vision.timeline import AGREES_MS

BUDGET_S = 6.0
_DNS_S, _TCP_S, _ANSWER_S = 1.0, 1.5, 1.0
_AT_ONCE_S, _AGAIN_S = 0.3, 0.5
"""A camera that was just asked what it has may refuse (503) while it puts that away: GStreamer's server often does."""
_SENT_ON = (301, 302, 303, 305)
_NO_STREAM = {CameraState.UNSUPPORTED: wording.UNDECODABLE, CameraState.UNAUTHORISED: wording.OTHER_PROOF}
RUNGS = ("dns", "tcp", "rtsp", "login", "describe", "key_frame", "fps", "clock")
_VIDEO = re.compile(r"^m=video ", re.MULTILINE)
_JPEG = re.compile(r"^m=video \d+ RTP/AVP 26\b", re.MULTILINE)
"""A number of its own, which needs no name (RFC 3551)."""
_CODEC = re.compile(r"^m=video (?:(?!^m=).)*?^a=rtpmap:\d+ ([\w-]+)/", re.MULTILINE | re.DOTALL)
_CODECS = {"H264": "H.264", "H265": "H.265", "JPEG": "MJPEG"}


class Rung(NamedTuple):
    """One step: what was found, and what to do where it did not hold. `passed` None: not reached."""

    name: str
    passed: bool | None
    said: Text
    fix: Text = Text()
    ms: int = 0


class Climb(NamedTuple):
    """All rungs in order; what was found at the top, None where the climb ended before."""

    rungs: tuple[Rung, ...]
    found: Probed | None

    @property
    def broken(self) -> Rung | None:
        """The rung that did not hold."""
        return next((rung for rung in self.rungs if rung.passed is False), None)


class _Broken(Exception):
    """A rung that does not hold, with its message and remedy."""

    def __init__(self, message: wording.Message) -> None:
        self.message = message
        super().__init__()


def climb(address: Address) -> Climb:
    """Try the camera at `address`. Raises nothing: what goes wrong is in the rungs."""
    climber = _Climber(address)
    steps = dict(zip(RUNGS, climber.steps(), strict=True))
    rungs: list[Rung] = []
    for name, step in steps.items():
        if rungs and not rungs[-1].passed:
            rungs.append(Rung(name, None, wording.NOT_REACHED))
            continue
        began = time.monotonic()
        try:
            said, fix, passed = step(), Text(), True
        except _Broken as broken:
            (said, fix), passed = broken.message, False
        rungs.append(Rung(name, passed, said, fix, round((time.monotonic() - began) * 1000)))
    return Climb(tuple(rungs), climber.found)


class _Climber:
    """Goes up; keeps what a rung found for those above it."""

    def __init__(self, address: Address) -> None:
        self.found: Probed | None = None
        self._address, self._began = address, time.monotonic()
        self._described: Answer | None = None

    def steps(self) -> Iterator[Callable[[], Text]]:
        """The rungs in the order of RUNGS; each gives its message or raises _Broken."""
        yield from (self._dns, self._tcp, self._rtsp, self._login, self._describe)
        yield from (self._key_frame, self._fps, self._clock)

    def _left_s(self, most_s: float = BUDGET_S) -> float:
        """What a step may take, of what is left of the budget."""
        return max(0.1, min(most_s, self._began + BUDGET_S - time.monotonic()))

    def _where(self) -> tuple[str, int]:
        try:
            parts = urlsplit(self._address.url)
            if parts.scheme not in PORTS or not parts.hostname:
                raise ValueError
            return parts.hostname, parts.port or PORTS[parts.scheme]
        except ValueError:
            raise _Broken(wording.NO_ADDRESS) from None

    def _dns(self) -> Text:
        host, port = self._where()
        answers: list[str] = []

        def look_up() -> None:
            try:
                answers.extend(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError):
                return

        thread = threading.Thread(target=look_up, name="dns", daemon=True)  # a look-up cannot be given a limit
        thread.start()
        thread.join(_DNS_S)
        if not answers:
            raise _Broken(wording.no_name(host))
        return wording.name_found(host, answers[0])

    def _tcp(self) -> Text:
        host, port = self._where()
        try:
            socket.create_connection((host, port), self._left_s(_TCP_S)).close()
        except ConnectionRefusedError:
            raise _Broken(wording.refused(port)) from None
        except OSError:
            raise _Broken(wording.unreachable(host, port)) from None
        return wording.reached(port)

    def _rtsp(self) -> Text:
        answer = self._ask(lambda asking: asking.options(self._left_s(_ANSWER_S)))
        return wording.speaks(answer.headers.get("server", [""])[0][:40])

    def _login(self) -> Text:
        if self._address.login is not None and not self._address.login.fits:
            raise _Broken(wording.LOGIN_TOO_LONG)
        self._described = answer = self._ask(lambda asking: asking.describe(self._left_s(_ANSWER_S)))
        if answer.status == 403:
            raise _Broken(wording.FORBIDDEN)
        if answer.status == 401:
            raise _Broken(wording.WANTS_LOGIN if self._address.login is None else wording.WRONG_LOGIN)
        if answer.status != 200:
            return wording.NOT_REFUSED if answer.challenged else wording.NOT_ASKED
        if answer.challenged:
            return wording.LOGGED_IN
        return wording.LOGIN_NOT_WANTED if self._address.login else wording.NO_LOGIN

    def _describe(self) -> Text:
        answer = self._described
        assert answer is not None
        if answer.status in (400, 404):
            raise _Broken(wording.NO_PATH)
        if answer.status in _SENT_ON:  # what opens streams goes there
            return wording.SENT_ON
        if answer.status != 200:
            raise _Broken(wording.refuses(answer.status))
        if not _VIDEO.search(answer.body):
            raise _Broken(wording.NO_VIDEO)
        codec = _CODEC.search(answer.body)
        named = codec.group(1).upper() if codec else "JPEG" if _JPEG.search(answer.body) else "?"
        return wording.described(_CODECS.get(named, named))

    def _ask(self, question: Callable[[Asking], Answer]) -> Answer:
        try:
            with Asking(self._address, self._left_s(_TCP_S)) as asking:
                return question(asking)
        except TimeoutError:
            raise _Broken(wording.SILENT) from None
        except (NotRtsp, OSError):
            raise _Broken(wording.NOT_RTSP) from None

    def _key_frame(self) -> Text:
        began = time.monotonic()
        try:
            try:
                self.found = self._probe()
            except StreamFault as fault:
                if fault.state is not CameraState.OFFLINE or time.monotonic() - began > _AT_ONCE_S:
                    raise
                time.sleep(_AGAIN_S)
                self.found = self._probe()
        except NoKeyFrame as fault:
            raise _Broken(wording.no_key_frame(fault.within_s)) from None
        except StreamFault as fault:
            raise _Broken(_NO_STREAM.get(fault.state, wording.NO_PICTURE)) from None
        found = self.found
        slow = found.key_every_s is None or found.key_every_s > LONGEST_GOP_S
        return wording.key_frame(found.width, found.height, found.first_picture_s, found.key_every_s, slow=slow)

    def _probe(self) -> Probed:
        left_s = self._left_s()
        return probe(self._address, left_s / 2, open_s=left_s / 3, read_s=0.38 * left_s, within_s=0.75 * left_s)

    def _fps(self) -> Text:
        assert self.found is not None
        if self.found.fps <= 0:
            raise _Broken(wording.ONE_PICTURE)
        return wording.rate(self.found.fps)

    def _clock(self) -> Text:
        assert self.found is not None
        ahead_s = self.found.clock_ahead_s
        if ahead_s is None:
            return wording.NO_CLOCK
        if abs(ahead_s) * 1000 > CLOCK_TRUSTED_MS:
            raise _Broken(wording.wrong_clock(ahead_s))
        return wording.clock(ahead_s, agrees=abs(ahead_s) * 1000 <= AGREES_MS)
