"""A probe finds cameras that answer it, and nobody else's answers."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vision.discovery import Found, discover

# the form of an answer: WS-Discovery 1.0 (2005/04), section 5.3; scopes: ONVIF Core Specification, section 7.3.2
MATCH = """<?xml version="1.0"?><SOAP-ENV:Envelope>
<SOAP-ENV:Header><wsa:RelatesTo>{id}</wsa:RelatesTo></SOAP-ENV:Header>
<SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch><d:Types>dn:NetworkVideoTransmitter</d:Types>
<d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/C%E1%BA%A7u%20s%E1%BB%91%207
onvif://www.onvif.org/hardware/X-2000 onvif://www.onvif.org/location/city/hanoi</d:Scopes>
<d:XAddrs>http://192.0.2.7/onvif/device_service http://[2001:db8::7]/onvif/device_service</d:XAddrs>
</d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>"""


@contextmanager
def network(answers: Callable[[str], list[bytes]]) -> Iterator[tuple[str, int]]:
    """A place that answers one probe, given its id, with datagrams."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(5)

        def serve() -> None:
            probe, sender = line.recvfrom(65_535)
            (id_,) = re.findall(rb"<w:MessageID>(urn:uuid:[0-9a-f-]{36})</w:MessageID>", probe)
            for answer in answers(id_.decode()):
                line.sendto(answer, sender)

        thread = threading.Thread(target=serve)
        thread.start()
        yield line.getsockname()
        thread.join(5)


def test_a_camera_that_answers_is_found_with_what_it_says_of_itself() -> None:
    with network(lambda id_: [MATCH.format(id=id_).encode()]) as place:
        found = discover(0.3, place)
    service = "http://192.0.2.7/onvif/device_service"
    assert found == [Found("127.0.0.1", service, "Cầu số 7", "X-2000", "city/hanoi")]


def test_garbage_and_answers_to_somebody_else_are_not_cameras() -> None:
    other = MATCH.format(id="urn:uuid:00000000-0000-0000-0000-000000000000").encode()
    with network(lambda id_: [b"\xff\x00garbage", other, id_.encode(), b""]) as place:
        assert discover(0.3, place) == []


def test_what_a_camera_says_is_cut_and_holds_no_control_characters() -> None:
    wild = MATCH.replace("X-2000", "A%1B[31m" + "x" * 5000)
    with network(lambda id_: [wild.format(id=id_).encode()]) as place:
        (found,) = discover(0.3, place)
    assert found.hardware == "A[31m" + "x" * 195


def test_a_silent_network_ends_in_time() -> None:
    began = time.monotonic()
    with network(lambda _: []) as place:
        assert discover(0.3, place) == []
    assert time.monotonic() - began < 2
