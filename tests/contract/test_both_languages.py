"""Whatever a person gets wrong is refused in English and in Vietnamese, and no refusal can be written in one alone.

The mistakes are real ones, made in every room and run through the code that refuses them. The Vietnamese words beside
each are what a technician in Nha Trang would look for, written down before the sentences were looked at.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import msgspec
import pytest

from devices.registry import Registry, document_of
from pipeline.cli import rule as rule_command
from pipeline.cli import services
from pipeline.cli.camera import places_of, try_
from pipeline.cli.deadletter import list_ as list_letters
from pipeline.cli.demo import seconds
from pipeline.cli.vision import evaluate
from pipeline.config import load
from pipeline.console import people
from pipeline.core.catalogue import Calibration, Camera
from pipeline.core.errors import (
    BadInput,
    ConfigError,
    CredentialsWrong,
    Mendable,
    Misread,
    ServiceMissing,
    UsageError,
)
from pipeline.core.logins import check_login
from rules.backtest import parse_input
from rules.catalogue_files import read_catalogue
from rules.engine.fields import Fields
from rules.engine.loader import Loaded, load_paths, load_text
from rules.overrides import load_with_overrides
from rules.testing import until_of
from vision.calibration import refuse
from vision.clips import zone_of
from vision.detectors import DETECTORS, Options
from vision.plane import Plane
from vision.truth import read_truth

ROOT = Path(__file__).parents[2]
ROOMS = ("devices", "pipeline", "rules", "sinks", "vision")
ENGLISH = re.compile(r"\b(the|and|or|with|must|than|such|least|most|number|between|one of|a value)\b")
VIETNAMESE = re.compile(r"[^\x00-\x7f]")
NAMED = re.compile(r"`[^`]*`|'[^']*'|\{[^}]*\}|/\S+")
"""What is quoted stands as it is in both languages, and so do paths."""

SITE = {"id": "s"}
TYPE = {"id": "rain", "quantities": [{"quantity": "rain_depth", "unit": "mm"}]}
HOT = "id: hot\nkind: threshold\nscope: {quantity: air_temperature}\nraise: {above: 30}\n"
SQUARE = [[10, 10], [90, 10], [90, 90], [10, 90]]
SEEN = [((x, z), (400 + 500 * x / z, 300 + 2500 / z)) for x, z in [(-4, 10), (4, 10), (-4, 20), (4, 20), (0, 14)]]
"""Points on the ground, and where a level camera 5 m up sees them (focal length 500 px)."""
POINTS = [{"picture": picture, "metres": metres} for metres, picture in SEEN]
OFF = [*POINTS[:4], {"picture": POINTS[4]["picture"], "metres": (6, 14)}]


class Database:
    """Has one site and one type, and takes whatever is stored."""

    def execute(self, _: object, values: object = None) -> Any:
        known = {"s": SITE, "rain": TYPE}.get(values[0]) if isinstance(values, list) else None
        return _Rows([] if known is None else [(known,)])


class _Rows(list[Any]):
    def fetchone(self) -> Any:
        return self[0] if self else None


def put(kind: str, **fields: Any) -> Callable[[], object]:
    """Registers a document as `ioc catalogue apply` does, but for the database."""
    return lambda: Registry(cast("Any", Database()), by="test").put(document_of(kind, {"id": "x", **fields}))


def camera(**fields: Any) -> Callable[[], object]:
    return put("camera", site="s", url="rtsp://10.0.0.7/1", frame_size=[100, 100], **fields)


def zone(**fields: Any) -> Callable[[], object]:
    return camera(zones=[{"id": "z", "polygon": SQUARE, **fields}])


def plane(**fields: Any) -> Callable[[], object]:
    return lambda: Plane.of(msgspec.convert(fields, Calibration), (800, 600), (800, 600))


def first(loaded: Callable[[], Loaded]) -> Callable[[], object]:
    """Raises the first mistake of a set of rules."""

    def refuse_it() -> None:
        raise loaded().mistakes[0]

    return refuse_it


def rule(text: str) -> Callable[[], object]:
    return first(lambda: load_text(text))


def overridden(text: str) -> Callable[[], object]:
    def load_it() -> Loaded:
        with TemporaryDirectory() as folder:
            (Path(folder) / "hot.yaml").write_text(HOT)
            (Path(folder) / "own.yml").write_text(text)
            return load_with_overrides([Path(folder) / "hot.yaml"], [Path(folder) / "own.yml"])

    return first(load_it)


def detector(name: str, **attributes: Any) -> Callable[[], object]:
    return lambda: DETECTORS[name](Options(0.5, Path("/none/model.onnx"), attributes=attributes))


MISTAKES: list[tuple[str, Callable[[], object], str, str]] = [
    ("points", plane(points=POINTS[:3]), "4 or more points", "ít nhất 4 điểm, tốt hơn là 8, trải khắp mặt đất"),
    ("points.4", plane(points=OFF), "points that agree to within", "điểm khớp nhau, lệch không quá"),
    ("points", plane(points=POINTS, diagonal=4), "either points, or corners", "chỉ một trong hai cách: points, hoặc"),
    ("points", plane(points=[POINTS[0], *POINTS[:3]]), "not on one line", "không thẳng hàng"),
    ("corners", plane(corners=SQUARE[:3]), "4 corners of the quadrilateral", "4 góc của tứ giác"),
    ("sides", plane(corners=SQUARE), "4 lengths in metres", "độ dài 4 cạnh tính bằng mét"),
    ("sides", plane(corners=SQUARE, sides=[1, 1, 9, 9], diagonal=5.5), "diagonal of 5.5 m", "đường chéo 5,5 m"),
    ("height", plane(person_height=3), "metres, 0.5 to 2.5", "mét, từ 0,5 đến 2,5"),
    ("height", plane(height=[[100, 50], [101, 51]]), "people far and near", "người ở xa và người ở gần"),
    ("detector", lambda: DETECTORS["eyes"], "one of hog, motion", "một trong hog, motion"),
    ("vision.model", detector("onnx"), "there is no file", "không có tệp mô hình"),
    ("script", detector("scripted"), "needs the path of a script", "tệp kịch bản"),
    ("timezone", lambda: zone_of(_camera(timezone="Mars/X"), cast("Any", None)), "no time zone", "không phải múi giờ"),
    ("--truth", lambda: read_truth(Path("/none")), "a readable file", "tệp đọc được"),
    ("zones.z.polygon", zone(polygon=[[0, 0], [9, 9], [9, 0], [0, 9]]), "edges that do not cross", "đang cắt nhau"),
    ("zones.z.polygon", zone(polygon=[[0, 0], [9, 9]]), "at least 3 corners", "từ 3 đến 64 góc"),
    ("zones.z.polygon", zone(polygon=[[0, 0], [9, 9], [500, 0]]), "points in the picture", "điểm nằm trong hình"),
    ("zones.z.labels", zone(labels=["Person"]), "in lower case", "viết chữ thường"),
    ("zones.z.dwell_s", zone(kind="exclusion", dwell_s=9), "exclusion zone watches nobody", "vùng loại trừ không"),
    ("zones.z.stopped_s", zone(stopped_s=0), "seconds above 0, at most a day", "số giây lớn hơn 0, tối đa một ngày"),
    ("zones.z.queue_m", zone(queue_m=40), "a direction too", "có thêm direction: hàng chờ"),
    ("zones.z.crowd_density", zone(crowd_density=2.5), "no metres", "chưa hiệu chuẩn thì không đo được mét"),
    ("zones.z.schedule.when", zone(schedule={"when": "ever"}), "days and hours", "ngày và giờ như"),
    (
        "zones.z.schedule.timezone",
        zone(schedule={"when": "daily 00:00-24:00", "timezone": "X"}),
        "time zone",
        "múi giờ",
    ),
    (
        "lines.l.points",
        camera(lines=[{"id": "l", "points": [[1, 2], [1, 2]]}]),
        "different points",
        "hai điểm khác nhau",
    ),
    ("zones.id", camera(zones=[{"id": "z", "polygon": SQUARE}] * 2), "name of its own", "mỗi vạch một tên riêng"),
    ("zones[0].kind", zone(kind="mask"), "a value allowed here", "giá trị được phép ở đây"),
    ("camera.fps", camera(fps=0.25), "0.5 to 30 pictures a second", "số từ 0,5 đến 30 hình mỗi giây"),
    ("camera.fps", camera(fps="fast"), "`float`, got `str`", "số, không phải chuỗi ký tự"),
    ("camera.site", put("camera", url="rtsp://h/1"), "the field is required", "trường này bắt buộc"),
    (
        "camera.url",
        put("camera", site="s", url="rtsp://a:b@h/1"),
        "without name and password",
        "không kèm tên và mật khẩu",
    ),
    ("camera.url", put("camera", site="s", url="http://h/1"), "rtsp://host:port/path", "địa chỉ dạng rtsp://máy:cổng"),
    (
        "camera.login",
        lambda: check_login("camera.login", "u", "p" * 200),
        "at most 127 bytes",
        "mật khẩu cộng lại tối đa",
    ),
    (
        "device.type",
        put("device", type="none", site="s"),
        "a registered type",
        "loại thiết bị đã đăng ký; hiện chưa có",
    ),
    ("device.site", put("device", type="rain", site="none"), "a registered site", "địa điểm đã đăng ký"),
    ("device.point", put("device", type="rain", site="s", point=[12, 109]), "longitude", "kinh độ -180..180, vĩ độ"),
    ("device.id", put("device", id="A B", type="rain", site="s"), "1 to 64 of a-z", "từ 1 đến 64 ký tự"),
    (
        "device.dated.b",
        put("device", dated={"b": [{"value": 1}, {"value": 2}]}, type="rain", site="s"),
        "time",
        "mỗi lúc",
    ),
    ("type.decoder", put("type", decoder="magic"), "one of", "một trong"),
    ("type.period_s", put("type", period_s=0), "seconds above 0", "số giây lớn hơn 0"),
    ("type.quantities", put("type", quantities=[{"quantity": "luck", "unit": "1"}]), "table of", "bảng đại lượng"),
    (
        "rain_depth.unit",
        put("type", quantities=[{"quantity": "rain_depth", "unit": "kg"}]),
        "mm, cm",
        "một trong mm, cm",
    ),
    ("area.valid_to", put("area", valid_from=9, valid_to=5), "after valid_from (9)", "thời điểm sau valid_from (9)"),
    ("area.parent", put("area", parent="none"), "a registered area", "khu vực đã đăng ký"),
    ("calendar.hours", put("calendar", hours="office hours"), "days and hours such as", "ngày và giờ như"),
    ("calendar.country", put("calendar", country="Vietnam"), "ISO 3166-1", "mã ISO 3166-1 như VN, hoặc để trống"),
    ("calendar.days", put("calendar", days=[{"date": "2026-02-17"}] * 2), "each day once", "mỗi ngày chỉ ghi một lần"),
    ("kind", rule(HOT.replace("threshold", "treshold")), "did you mean threshold?", "có phải là threshold?"),
    ("raise.above", rule(HOT.replace("30", "hot")), "a number, or {attribute", "thuộc tính của thiết bị"),
    ("for", rule(HOT + "for: 10\n"), "a duration such as 90s", "khoảng thời gian như 90s"),
    ("colour", rule(HOT + "colour: red\n"), "no such field", "không có tên như vậy; các trường có: alert"),
    ("scope", rule("id: a\nkind: threshold\nraise: {above: 3}\n"), "field is required", "trường này bắt buộc"),
    (
        "schedule.timezone",
        rule(HOT + "schedule: {when: daily 00:00-24:00, timezone: X}\n"),
        "a time zone",
        "múi giờ như",
    ),
    ("raise", rule(HOT.replace("{above: 30}", "{}")), "levels named", "các mức có tên"),
    ("scope.quantity", rule(HOT.replace("air_temperature", "rain_dept")), "table of quantities", "bảng đại lượng"),
    ("id", rule(HOT.replace("id: hot", "id: sys.x")), "does not begin with sys.", "không bắt đầu bằng sys."),
    ("id", rule(f"{HOT}---\n{HOT}"), "an id of its own", "mã riêng"),
    ("yaml", rule("a: &x 1\nb: *x\n"), "the value written out", "viết đầy đủ"),
    ("of", rule("id: a\nkind: composite\nof: [a]\n"), "in a circle", "đếm lẫn nhau thành vòng"),
    ("path", first(lambda: load_paths([Path("/none")])), "file or folder that exists", "tệp hoặc thư mục có thật"),
    ("id", overridden("id: hat\nfor: 5m\n"), "did you mean hot?", "mã của một quy tắc đã có (có phải là hot?)"),
    ("kind", overridden("id: hot\nkind: rate\n"), "a rule of its own", "bỏ kind: loại khác thì phải là quy tắc khác"),
    ("catalogue", lambda: read_catalogue(7), "documents in one of", "tài liệu theo một trong"),
    ("line", lambda: parse_input({"at": 1}), "a reading (device)", "số liệu đo (device), phát hiện của camera"),
    ("at", lambda: parse_input({"at": "noon"}), "ms since the epoch", "có múi giờ"),
    ("until", lambda: until_of("soon", 0), "or a duration", "hoặc khoảng thời gian"),
    ("--until", lambda: rule_command._until("soon"), "a time such as", "thời điểm viết như"),
    ("/none", lambda: list(rule_command._lines(Path("/none"))), "cannot be read", "không đọc được tệp"),
    ("--point", lambda: services.position("--point", "Nha Trang"), "longitude,latitude", "kinh độ,vĩ độ tính bằng độ"),
    ("--set", lambda: services.pairs("--set", ["x"]), "name=value", "tên=giá trị"),
    ("--from", lambda: services.moment("--from", "hôm qua"), "a time such as", "thời điểm viết như 2026"),
    ("--lang", lambda: try_("cam", language="fr"), "vi or en", "vi hoặc en"),
    ("--zones", lambda: places_of(Path("/none.yaml")), "a readable YAML file", "tệp YAML đọc được"),
    ("--for", lambda: seconds("5s"), "at least 60s", "ít nhất 60s"),
    ("--reason", lambda: list_letters("bored"), "one of broken_json", "một trong broken_json"),
    ("--frames", lambda: evaluate(frames="9-3"), "two frame numbers", "số hai khung hình"),
    ("role", lambda: people.create(cast("Any", None), "lan", "boss"), "one of viewer", "một trong viewer"),
    ("name", lambda: people.create(cast("Any", None), " ", "viewer"), "1 to 64 characters", "từ 1 đến 64 ký tự"),
    ("mqtt.port", lambda: load(["mqtt.port=abc"]), "a valid integer", "mqtt.port: giá trị không hợp lệ; cần số nguyên"),
    ("kafka.brokers", lambda: load(["kafka.brokers=x"]), "host:port", "máy:cổng, nhiều địa chỉ cách nhau"),
    ("centre.timezone", lambda: load(["centre.timezone=Mars"]), "a time zone", "múi giờ IANA"),
    ("mqtt.prot", lambda: load(["mqtt.prot=1"]), "is no setting", "không phải mục cấu hình"),
]


def _camera(**attributes: Any) -> Camera:
    return Camera(id="c", site="s", url="rtsp://h/1", attributes=attributes)


def halves(error: BaseException) -> tuple[str, str]:
    """What is wanted, in English and in Vietnamese; both stand in the message, and the message ends with the second."""
    if isinstance(error, BadInput):
        en, vi = error.expected, error.vi
        assert str(error).endswith(f" is not valid; expected {en} / giá trị không hợp lệ; cần {vi}")
        return en, vi
    assert isinstance(error, Mendable)
    assert str(error) == f"{error.en} / {error.vi}"
    return error.en, error.vi


@pytest.mark.parametrize(("field", "mistake", "english", "vietnamese"), MISTAKES, ids=[one[0] for one in MISTAKES])
def test_a_mistake_is_refused_in_both_languages(
    field: str, mistake: Callable[[], object], english: str, vietnamese: str
) -> None:
    with pytest.raises((BadInput, Mendable, msgspec.ValidationError)) as refused:
        mistake()
    en, vi = halves(refused.value)
    assert field in str(refused.value)
    assert english in en
    assert vietnamese in vi
    assert not VIETNAMESE.search(NAMED.sub("", en)), en
    assert not ENGLISH.search(NAMED.sub("", vi)), vi


def test_the_numbers_of_a_calibration_have_a_decimal_comma_in_vietnamese() -> None:
    with pytest.raises(BadInput) as refused:
        plane(points=OFF)()
    en, vi = halves(refused.value)
    assert [number.replace(".", ",") for number in re.findall(r"\d+\.\d+", en)] == re.findall(r"\d+,\d+", vi)[:2]
    assert not re.search(r"\d\.\d", vi)


SAYING = (
    *(one.__init__ for one in (BadInput, Misread, Mendable, ServiceMissing, CredentialsWrong)),
    *(Fields.wrong, Fields.unwanted, Fields.bare, refuse),
)


@pytest.mark.parametrize("saying", SAYING, ids=lambda one: one.__qualname__)
def test_nothing_can_be_refused_without_its_vietnamese(saying: Callable[..., object]) -> None:
    vi = inspect.signature(saying).parameters["vi"]
    assert (vi.kind, vi.default) == (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.empty)
    assert (ConfigError.__init__, UsageError.__init__) == (Mendable.__init__, Mendable.__init__)


def calls() -> Iterator[tuple[str, ast.expr]]:
    """Every `vi=` of a call in the rooms, with where it stands."""
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    yield from ((f"{file}:{node.lineno}", one.value) for one in node.keywords if one.arg == "vi")


def test_every_vietnamese_half_that_is_written_out_is_vietnamese() -> None:
    written = [(where, ast.unparse(said)) for where, said in calls() if isinstance(said, ast.Constant | ast.JoinedStr)]
    assert len(written) > 120
    assert [one for one in written if not VIETNAMESE.search(one[1])] == []
