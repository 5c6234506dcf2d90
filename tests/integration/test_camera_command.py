"""`ioc camera test` on the real RTSP server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import psycopg
import pytest

from devices.registry import Registry
from pipeline.core.catalogue import Camera, Kind, Site
from pipeline.core.errors import BadInput
from pipeline.migrations import connect
from tests.conftest import StackUnderTest
from vision.ladder import RUNGS

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
WRONG = "wr0ng-passw0rd"


def ioc(stack: StackUnderTest, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **stack.environment, **environment}
    argv = (sys.executable, "-m", "pipeline.cli", *arguments)
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=30)


def test_the_command_climbs_to_the_clock_and_leaves_a_picture(stack: StackUnderTest, tmp_path: Path) -> None:
    endpoints, picture = stack.endpoints, tmp_path / "seen.jpg"
    secret = {"IOC_CAMERA_PASSWORD": endpoints.rtsp_password}
    arguments = ("--user", endpoints.rtsp_user, "--snapshot", str(picture))
    done = ioc(stack, "camera", "test", endpoints.rtsp_url_protected, *arguments, **secret)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[1:3] for line in lines[:8]] == [[name, "ok"] for name in RUNGS]
    assert "768x576" in lines[5]
    assert "10 pictures a second" in lines[6]
    assert "the camera's own clock (RTCP)" in lines[7]
    seen = cv2.imread(str(picture))
    assert seen is not None
    assert seen.shape == (576, 768, 3)


def test_a_view_that_was_changed_on_purpose_is_a_new_one_each_time(stack: StackUnderTest) -> None:
    with psycopg.connect(stack.postgres_dsn) as connection:
        open_registry = Registry(connection, "test")
        open_registry.put(Site(id="view-site"))
        open_registry.put(Camera(id="view-cam", site="view-site", url="rtsp://127.0.0.1:9/", attributes={"tag": "x"}))
    for version in (2, 3):
        done = ioc(stack, "camera", "view", "view-cam")
        assert done.stdout == f"view-cam learns its view anew, version {version}\n", done.stderr
        with psycopg.connect(stack.postgres_dsn) as connection:
            found = Registry(connection, "test").find(Kind.CAMERA, "view-cam")
        assert isinstance(found, Camera)
        assert found.attributes == {"tag": "x", "view": version}


def test_the_view_of_a_camera_that_is_not_registered_is_refused(stack: StackUnderTest) -> None:
    done = ioc(stack, "camera", "view", "no-such")
    assert done.returncode != 0
    assert "a registered camera" in done.stderr


def test_the_command_says_the_broken_rung_and_the_remedy_without_the_password(stack: StackUnderTest) -> None:
    url = stack.endpoints.rtsp_url_protected.replace("://", f"://cam:{WRONG}@")
    done = ioc(stack, "camera", "test", url, "--lang", "vi", "--json")
    assert done.returncode == 3
    assert done.stderr == "ioc: camera từ chối tên hoặc mật khẩu\n"
    found = json.loads(done.stdout)
    (broken,) = [rung for rung in found["rungs"] if rung["passed"] is False]
    assert broken["name"] == "login"
    assert set(broken["fix"]) == {"vi", "en"}
    assert (found["passed"], found["found"], found["snapshot"]) == (False, None, "")
    assert WRONG not in done.stdout


def test_the_command_tells_an_address_that_is_none_from_a_program_that_failed(stack: StackUnderTest) -> None:
    done = ioc(stack, "camera", "test", f"rtsp://cam:{WRONG}[@[h/")
    assert done.returncode == 3
    assert done.stderr == "ioc: the address is not rtsp://host:port/path\n"
    assert WRONG not in done.stdout
    assert "--user" in done.stdout


def test_the_command_refuses_an_address_that_shows_a_password(stack: StackUnderTest) -> None:
    done = ioc(stack, "camera", "test", f"rtsp://127.0.0.1:9/user=cam&password={WRONG}&channel=1")
    assert done.returncode == 1
    assert WRONG not in done.stdout + done.stderr
    assert "{password}" in done.stderr
    assert "mật khẩu trong đường dẫn" in done.stderr


def test_a_login_that_would_be_cut_is_refused_when_it_is_entered(stack: StackUnderTest) -> None:
    with connect(stack.postgres_dsn) as connection, pytest.raises(BadInput, match="at most 127 bytes") as caught:
        Registry(connection, by="test").keep_secret("long", "cam", WRONG * 9)
    assert WRONG not in str(caught.value)
