"""`ioc vision`: how good the eyes are, measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import yaml

from pipeline.cli.output import AsJson, show
from pipeline.cli.services import not_yaml
from pipeline.core.catalogue import Camera
from pipeline.core.errors import BadInput, UsageError
from pipeline.core.folders import project_folder

group = typer.Typer(no_args_is_help=True)


@group.callback()
def _group() -> None:
    """How good the eyes are, measured."""


@group.command()
def evaluate(
    video: Annotated[Path | None, typer.Option(help="The clip; default: the one that set-up fetched.")] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Its truth in MOTChallenge's format; default: the shipped one.")
    ] = None,
    frames: Annotated[str, typer.Option(help="First and last frame to score, from 1.")] = "1-400",
    fps: Annotated[float, typer.Option(help="Frames a second in truth; a clip's header is often wrong.")] = 7.0,
    detector: Annotated[str, typer.Option(help="A detector's name; default: the camera's.")] = "",
    camera: Annotated[Path | None, typer.Option(help="A camera document with calibration, zones and lines.")] = None,
    model: Annotated[Path | None, typer.Option(help="Another model file for the detector.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a camera over a clip with known truth and say how often it is right, and what a frame costs."""
    from pipeline.local import clip as shipped
    from vision.evaluation import Clip
    from vision.evaluation import evaluate as run
    from vision.truth import read_truth

    first, last = _frames(frames)
    if not 0 < fps < 1000:
        raise BadInput(
            "--fps", fps, "frames a second, above 0 and below 1000", vi="số khung hình mỗi giây, lớn hơn 0 và dưới 1000"
        )
    document = _camera(camera or shipped_file("camera.yaml", "--camera"))
    if detector:
        document = msgspec.structs.replace(document, detector=detector)
    known = read_truth(truth or shipped_file("gt-frames-1-400.txt", "--truth"))
    table = run(document, Clip(video or shipped.source(), first, last, fps), known, model)
    table = {"detector": document.detector, **table}
    if as_json:
        print(json.dumps(table))
        return
    show([{"figure": name, "value": value} for name, value in table.items()], ["figure", "value"], as_json=False)


def shipped_file(name: str, option: str) -> Path:
    """A file of the shipped clip's truth, which is in a checkout and never installed. Raises UsageError."""
    path = project_folder() / "tests" / "data" / "pets09-s2l1" / name
    if not path.exists():
        raise UsageError(
            f"{option} is missing, and the shipped {name} is only in a checkout of the project",
            vi=f"thiếu {option}, mà tệp {name} đi kèm chỉ có trong mã nguồn của dự án",
        )
    return path


def _frames(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        wanted = "two frame numbers from 1, such as 1-400"
        raise BadInput("--frames", text, wanted, vi="số hai khung hình, tính từ 1, ví dụ 1-400")
    return int(first), int(last)


def _camera(path: Path) -> Camera:
    """A camera document whose zones and lines could be registered. Raises BadInput."""
    from devices.camera_checks import check_looking
    from devices.registry import document_of
    from devices.zone_checks import check_places

    try:
        raw = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise not_yaml("--camera", path, error) from None
    document = document_of("camera", raw, str(path))
    assert isinstance(document, Camera)
    check_looking(document)
    check_places(document)
    return document
