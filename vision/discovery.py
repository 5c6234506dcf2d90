"""Which ONVIF cameras answer on the network: one WS-Discovery probe (ONVIF Core Specification, section 7).

Receives datagrams of anybody; gives what looks like a camera's answer to this probe, each sender once; drops
everything else. Limits: `within_s` seconds, MAX_FOUND cameras, datagrams of 64 KiB. Answers are searched, not
parsed as XML: what stands in them is a stranger's word, and is cut and shown as text only.
"""

from __future__ import annotations

import re
import socket
import time
import uuid
from typing import NamedTuple
from urllib.parse import unquote

MULTICAST = ("239.255.255.250", 3702)
MAX_FOUND = 256
_MAX_TEXT = 200
_DATAGRAM = 65_535
_PROBE = """<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"
 xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"
 xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<e:Header><w:MessageID>urn:uuid:{id}</w:MessageID>
<w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>
<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>
<e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"""
_ADDRESSES = re.compile(r"<(?:[\w-]+:)?XAddrs[^>]*>([^<]*)<")
_SCOPES = re.compile(r"<(?:[\w-]+:)?Scopes[^>]*>([^<]*)<")
_SCOPE = re.compile(r"onvif://www\.onvif\.org/(name|hardware|location)/(\S+)")


class Found(NamedTuple):
    """A camera's answer: where it sent from, its service, and what it says of itself."""

    host: str
    service: str
    name: str
    hardware: str
    location: str


def discover(within_s: float = 3.0, target: tuple[str, int] = MULTICAST) -> list[Found]:
    """Ask once and listen for `within_s` seconds; cameras by host. Raises OSError when nothing can be sent."""
    probe_id = str(uuid.uuid4())
    found: dict[str, Found] = {}
    until = time.monotonic() + within_s
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)  # this network, no further
        line.sendto(_PROBE.format(id=probe_id).encode(), target)
        while len(found) < MAX_FOUND and (left_s := until - time.monotonic()) > 0:
            line.settimeout(left_s)
            try:
                answer, (host, _) = line.recvfrom(_DATAGRAM)
            except TimeoutError:
                break
            camera = read(answer, host, probe_id)
            if camera is not None:
                found[host] = camera
    return sorted(found.values())


def read(answer: bytes, host: str, probe_id: str) -> Found | None:
    """A camera out of a datagram; None for what does not answer this probe."""
    text = answer.decode(errors="replace")
    addresses = _ADDRESSES.search(text)
    if probe_id not in text or addresses is None or not addresses[1].split():
        return None
    scopes = _SCOPES.search(text)
    said = {kind: _plain(value) for kind, value in _SCOPE.findall(scopes[1] if scopes else "")}
    service = _plain(addresses[1].split()[0])
    return Found(host, service, said.get("name", ""), said.get("hardware", ""), said.get("location", ""))


def _plain(text: str) -> str:
    return "".join(letter for letter in unquote(text) if letter.isprintable())[:_MAX_TEXT]
