"""`ioc vision evaluate` says what is wrong with what it was given."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.vision import group, shipped_file
from pipeline.core.errors import BadInput, IocError, UsageError


def refused(*arguments: str) -> IocError:
    done = CliRunner().invoke(group, ["evaluate", *arguments])
    assert isinstance(done.exception, IocError), done.output
    return done.exception


@pytest.mark.parametrize("frames", ["400", "0-5", "9-3", "a-b"])
def test_frames_are_two_numbers_from_1(frames: str) -> None:
    assert "two frame numbers" in str(refused("--frames", frames))


def test_a_camera_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("id: c\n")
    said = str(refused("--camera", str(tmp_path / "c.yaml")))
    assert said.startswith(
        f"{tmp_path}/c.yaml: camera.site: None is not valid; expected a value: the field is required"
    )


@pytest.mark.parametrize(
    ("said", "field", "value", "wanted"),
    [
        ("lines: [{id: a, points: [[1, 2]]}]", "lines[0].points", "got 1", "`array` of length 2"),
        (
            "lines: [{id: a, points: [[1, 2], [1, 2]]}]",
            "camera.lines.a.points",
            "((1.0, 2.0), (1.0, 2.0))",
            "different",
        ),
        ("frame_size: [0, 0]", "camera.frame_size", "(0, 0)", "16 to 16384 each"),
        ("frame_size: [768]", "frame_size", "got 1", "`array` of length 2"),
        ("zones: [{id: z, polygon: [[0, 0], [9, 0]]}]", "camera.zones.z.polygon", "(9.0, 0.0)", "at least 3 corners"),
    ],
)
def test_a_camera_file_that_could_not_be_registered_is_refused(
    said: str, field: str, value: str, wanted: str, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text(f"id: c\nsite: s\nurl: rtsp://x/1\n{said}\n")
    error = refused("--camera", str(tmp_path / "c.yaml"))
    assert isinstance(error, BadInput)
    assert all(part in str(error) for part in (field, value, wanted)), error


def test_a_video_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    error = refused("--video", str(tmp_path / "none.avi"), "--detector", "motion")
    assert isinstance(error, BadInput)
    assert error.field == "--video"


def test_without_a_checkout_the_missing_option_is_named() -> None:
    with pytest.raises(UsageError, match="--camera is missing"):
        shipped_file("no-such-file.yaml", "--camera")
