"""Serve one looped clip, H.264 or H.265, by RTSP. A script for Debian's own Python, which has GStreamer's binding.

usage: rtsp_server.py CLIP.h264|CLIP.h265 --port P --protected-port Q [--path /cam1] [--fps 10] [--sound] [--frames N]
Name and password for the protected port: IOC_RTSP_USER, IOC_RTSP_PASSWORD (not seen in a process list).

With --sound there is a track of sound beside the pictures. After --frames the pictures end and nothing else does: the
camera hangs, and its sound goes on.

Open and protected are two ports because an anonymous default token makes a protected path answer 404.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402  (versions are chosen first)

_ROLE = "viewer"
_PIPELINE = (
    "( multifilesrc location={clip} loop=true blocksize=65536 ! {codec}parse name=frames config-interval=-1"
    " ! video/x-{codec},stream-format=byte-stream,alignment=au ! identity sync=true"
    " ! rtp{codec}pay name=pay0 pt=96 config-interval=1 {sound})"
)
_SOUND = (
    "audiotestsrc is-live=true ! audioconvert ! audioresample ! audio/x-raw,rate=8000,channels=1"
    " ! mulawenc ! rtppcmupay name=pay1 pt=0 "
)


def codec(clip: str) -> str:
    """As GStreamer names it, by the clip's ending."""
    return "h265" if clip.endswith(".h265") else "h264"


class LoopedClip(GstRtspServer.RTSPMediaFactory):  # type: ignore[misc]
    """Media of an endless clip: a raw stream has no times, so frame n gets n / fps."""

    def __init__(self, clip: str, fps: float, frames: int = 0, *, sound: bool = False) -> None:
        super().__init__()
        self._clip, self._frame_ns, self._frames = clip, round(Gst.SECOND / fps), frames
        self._sound = _SOUND if sound else ""
        self.set_shared(True)

    def do_create_element(self, _url: Any) -> Any:
        """Build the pipeline for a new audience."""
        element = Gst.parse_launch(_PIPELINE.format(clip=self._clip, codec=codec(self._clip), sound=self._sound))
        pad = element.get_by_name("frames").get_static_pad("src")
        pad.add_probe(Gst.PadProbeType.BUFFER, _Stamp(self._frame_ns, self._frames))
        return element


class _Stamp:
    """A pad probe that gives the n-th frame its time, and lets `most` pass; 0: all."""

    def __init__(self, frame_ns: int, most: int) -> None:
        self._frame_ns, self._most, self._frames = frame_ns, most, 0

    def __call__(self, _pad: Any, info: Any) -> Any:
        buffer = info.get_buffer()
        buffer.pts = buffer.dts = self._frames * self._frame_ns
        buffer.duration = self._frame_ns
        self._frames += 1
        return Gst.PadProbeReturn.DROP if 0 < self._most < self._frames else Gst.PadProbeReturn.OK


def serve(port: int, path: str, media: LoopedClip, auth: Any = None) -> Any:
    """A server on loopback; keep what is returned, or it stops."""
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(port))
    if auth is not None:
        media.set_permissions(_permissions())
        server.set_auth(auth)
    server.get_mount_points().add_factory(path, media)
    if server.attach(None) == 0:
        raise SystemExit(f"port {port} is taken")
    return server


def digest(user: str, password: str) -> Any:
    """Digest authentication for one user."""
    auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
    auth.set_realm("ioc-camera")
    token.set_string("media.factory.role", _ROLE)
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(user, password, token)
    return auth


def _permissions() -> Any:
    permissions = GstRtspServer.RTSPPermissions()
    for action in ("media.factory.access", "media.factory.construct"):
        permissions.add_permission_for_role(_ROLE, action, True)
    return permissions


def main() -> None:
    """Serve until a signal ends the process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("clip")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--protected-port", type=int, required=True)
    parser.add_argument("--path", default="/cam1")
    parser.add_argument("--fps", type=float, default=10.0)
    parser.add_argument("--sound", action="store_true")
    parser.add_argument("--frames", type=int, default=0)
    asked = parser.parse_args()
    Gst.init(None)
    auth = digest(os.environ["IOC_RTSP_USER"], os.environ["IOC_RTSP_PASSWORD"])
    media = [LoopedClip(asked.clip, asked.fps, asked.frames, sound=asked.sound) for _ in range(2)]
    servers = [
        serve(asked.port, asked.path, media[0]),
        serve(asked.protected_port, asked.path, media[1], auth),
    ]
    GLib.timeout_add_seconds(30, _sweep, servers)
    GLib.MainLoop().run()


def _sweep(servers: list[Any]) -> bool:
    """Forget sessions of viewers that vanished without a word."""
    for server in servers:
        server.get_session_pool().cleanup()
    return True


if __name__ == "__main__":
    main()
