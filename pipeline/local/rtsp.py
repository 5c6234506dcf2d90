"""The test camera: one looped clip over RTSP, open on one port, with digest authentication on another."""

from __future__ import annotations

import socket
from pathlib import Path

from pipeline.core.errors import ServiceMissing
from pipeline.local import clip
from pipeline.local.datafolder import DataFolder
from pipeline.local.ports import LOOPBACK
from pipeline.local.service import Service

PORTS = ("rtsp", "rtsp_protected")
PATH = "/cam1"
USER = "cam"
SYSTEM_PYTHON = "/usr/bin/python3"
"""GStreamer's Python binding is a Debian package, made for Debian's Python."""


def service(folder: DataFolder, ports: dict[str, int], *, fast: bool, fps: float = clip.FRAMES_PER_SECOND) -> Service:
    """The server; `fps` frames a second (the clip was taken at 10); `fast` changes nothing here."""
    script = Path(__file__).with_name("rtsp_server.py")
    clear, protected = ports["rtsp"], ports["rtsp_protected"]
    where = ("--port", str(clear), "--protected-port", str(protected), "--path", PATH)
    return Service(
        name="rtsp",
        address=f"{LOOPBACK}:{clear}",
        argv=(SYSTEM_PYTHON, str(script), str(clip.encoded()), *where, "--fps", str(fps)),
        env={"IOC_RTSP_USER": USER, "IOC_RTSP_PASSWORD": folder.password("rtsp")},
        ready=lambda: answers(clear) and answers(protected),
        prepare=_prepare,
        cwd=folder.root,
    )


def url(port: int) -> str:
    """The camera's address, without a password."""
    return f"rtsp://{LOOPBACK}:{port}{PATH}"


def answers(port: int, timeout_s: float = 0.4) -> bool:
    """Whether an RTSP server answers OPTIONS on `port`, be it by a refusal."""
    request = f"OPTIONS {url(port)} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode()
    try:
        with socket.create_connection((LOOPBACK, port), timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(request)
            return connection.recv(8) == b"RTSP/1.0"
    except OSError:
        return False


def _prepare() -> None:
    if not clip.encoded().exists():
        raise ServiceMissing(
            "rtsp",
            str(clip.encoded()),
            "the clip is not there; run `make setup`",
            vi="chưa có đoạn video; hãy chạy `make setup`",
        )
