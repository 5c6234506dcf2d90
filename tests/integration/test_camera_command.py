"""`ioc camera test` on the real RTSP server."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
WRONG = "wr0ng-passw0rd"


def ioc(stack: StackUnderTest, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **stack.environment, **environment}
    argv = (sys.executable, "-m", "pipeline.cli", *arguments)
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=30)


def test_the_command_says_in_one_line_what_a_camera_sends(stack: StackUnderTest) -> None:
    endpoints = stack.endpoints
    secret = {"IOC_CAMERA_PASSWORD": endpoints.rtsp_password}
    done = ioc(stack, "camera", "test", endpoints.rtsp_url_protected, "--user", endpoints.rtsp_user, **secret)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("768x576 h264, 10 pictures a second, clock: the camera's own (RTCP), first picture")


def test_the_command_says_the_fault_in_one_sentence_without_the_password(stack: StackUnderTest) -> None:
    url = stack.endpoints.rtsp_url_protected.replace("://", f"://cam:{WRONG}@")
    done = ioc(stack, "camera", "test", url)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "ioc: the camera refuses the login, or wants one\n"
