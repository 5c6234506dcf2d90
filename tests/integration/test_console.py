"""The console's API on the real stack: who may do what, the stream, verbs, and a database that goes away."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from tests.browser.centre import Centre
from tests.browser.flood import Flood

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]


class Browser:
    """Somebody's session."""

    def __init__(self, centre: Centre, name: str, password: str) -> None:
        self.http = centre.open(httpx.Client(base_url=centre.url, timeout=15))
        page = self.http.get("/login").text
        self.csrf = _found(r'name="csrf" value="([^"]+)"', page)
        form = {"name": name, "password": password, "csrf": self.csrf}
        self.answer = self.http.post("/login", data=form, follow_redirects=True)
        if self.answer.status_code == 200:
            self.csrf = json.loads(_found(r'id="boot">(.*?)</script>', self.answer.text))["csrf"]

    def get(self, path: str) -> httpx.Response:
        """GET."""
        return self.http.get(path)

    def post(self, path: str, **body: Any) -> httpx.Response:
        """POST with the token."""
        return self.http.post(path, json=body, headers={"X-CSRF-Token": self.csrf})

    def alert(self, key: str) -> dict[str, Any] | None:
        """The open alert with this key, when the store has it."""
        found = [one for one in self.get("/v1/alerts").json()["alerts"] if one["key"] == key]
        return found[0] if found else None


def _found(pattern: str, page: str) -> str:
    found = re.search(pattern, page, re.DOTALL)
    assert found, page[:500]
    return found.group(1).replace("&#34;", '"')


class Stream:
    """The alert stream as a browser reads it, on a thread."""

    def __init__(self, browser: Browser, headers: dict[str, str] | None = None, after: int | None = None) -> None:
        self.events: list[tuple[int, str, dict[str, Any]]] = []
        self._ended = threading.Event()
        self._browser, self._headers = browser, headers or {}
        self._path = "/v1/stream" + ("" if after is None else f"?after={after}")
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._browser.http.stream("GET", self._path, headers=self._headers, timeout=30) as answer:
            event: dict[str, str] = {}
            for line in answer.iter_lines():
                if self._ended.is_set():
                    return
                name, _, value = line.partition(": ")
                event[name] = value
                if not line and "event" in event:
                    self.events.append((int(event.get("id", -1)), event["event"], json.loads(event["data"])))
                    event = {}

    def of(self, key: str) -> list[tuple[int, str, dict[str, Any]]]:
        """Alert events of a key: offset, kind, event."""
        return [(id_, _kind(told), told) for id_, name, told in self.events if name == "alert" and _key(told) == key]

    def close(self) -> None:
        """Stop reading."""
        self._ended.set()
        self._thread.join(5)


def _kind(told: dict[str, Any]) -> str:
    return str(told["type"]).split(".")[3]


def _key(told: dict[str, Any]) -> str:
    return str(told["data"]["key"])


@pytest.fixture(scope="module")
def operator(centre: Centre) -> Browser:
    return Browser(centre, "lan", centre.person("lan", "operator"))


@pytest.fixture
def stream(centre: Centre, operator: Browser) -> Iterator[Stream]:
    following = Stream(operator)
    centre.until(lambda: following.events)
    yield following
    following.close()


def raised(centre: Centre, operator: Browser) -> tuple[Flood, dict[str, Any]]:
    """A flood, and its alert as the store has it."""
    flood = Flood(centre)
    flood.rises(2, 3.5, 5)
    return flood, centre.until(lambda: operator.alert(flood.key))


def test_without_a_login_there_is_nothing_to_see(centre: Centre) -> None:
    with httpx.Client(base_url=centre.url) as anybody:
        for path in ("/v1/alerts", "/v1/stream", "/v1/devices", "/v1/cameras/c/still.jpg"):
            assert anybody.get(path).status_code == 401
        assert anybody.get("/").headers["location"] == "/login"


def test_a_wrong_password_is_told_in_the_language_of_the_page(centre: Centre) -> None:
    centre.person("minh", "operator")
    answer = Browser(centre, "minh", "wrong").answer
    assert (answer.status_code, "Sai tên hoặc mật khẩu" in answer.text) == (401, True)


def test_a_name_that_does_not_exist_is_told_like_a_wrong_password(centre: Centre) -> None:
    answer = Browser(centre, "nobody", "wrong").answer
    assert (answer.status_code, "Sai tên hoặc mật khẩu" in answer.text) == (401, True)


def test_after_five_failures_even_the_right_password_is_refused(centre: Centre) -> None:
    password = centre.person("hoa", "operator")
    statuses = [Browser(centre, "hoa", "wrong").answer.status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 401, 429]
    assert "15 phút" in Browser(centre, "hoa", password).answer.text


def test_the_lock_ends_by_itself(centre: Centre) -> None:
    password = centre.person("mai", "operator")
    for _ in range(5):
        Browser(centre, "mai", "wrong")
    with psycopg.connect(centre.dsn) as connection:
        connection.execute("update ioc.person set locked_until = locked_until - interval '15 min' where name = 'mai'")
    assert Browser(centre, "mai", password).answer.status_code == 200


def test_a_post_without_the_token_changes_nothing(centre: Centre, operator: Browser) -> None:
    flood, alert = raised(centre, operator)
    body = {"key": flood.key, "seen": alert["sequence"]}
    assert operator.http.post(f"/v1/alerts/{alert['alert']}/ack", json=body).json() == {"problem": "csrf"}


def test_a_viewer_sees_alerts_and_may_not_act(centre: Centre, operator: Browser) -> None:
    flood, alert = raised(centre, operator)
    viewer = Browser(centre, "khach", centre.person("khach", "viewer"))
    assert viewer.alert(flood.key) is not None
    answer = viewer.post(f"/v1/alerts/{alert['alert']}/ack", key=flood.key, seen=alert["sequence"])
    assert (answer.status_code, answer.json()) == (403, {"problem": "role"})


def test_a_new_password_ends_older_sessions_rights_to_act(centre: Centre, operator: Browser) -> None:
    flood, alert = raised(centre, operator)
    older = Browser(centre, "tuan", centre.person("tuan", "operator"))
    centre.person("tuan", "operator")
    answer = older.post(f"/v1/alerts/{alert['alert']}/ack", key=flood.key, seen=alert["sequence"])
    assert answer.status_code == 401


def test_somebody_gives_themselves_a_password_and_goes_on_while_older_sessions_may_not_act(
    centre: Centre, operator: Browser
) -> None:
    flood, alert = raised(centre, operator)
    first = centre.person("dung", "operator")
    here, elsewhere = Browser(centre, "dung", first), Browser(centre, "dung", first)
    form = {"current": first, "new": "sông dâng thì gọi ngay", "again": "sông dâng thì gọi ngay", "csrf": here.csrf}
    assert "Đã đổi mật khẩu" in here.http.post("/password", data=form).text
    verb = {"key": flood.key, "seen": alert["sequence"]}
    assert elsewhere.post(f"/v1/alerts/{alert['alert']}/ack", **verb).status_code == 401
    assert here.post(f"/v1/alerts/{alert['alert']}/ack", **verb).status_code == 202
    assert Browser(centre, "dung", first).answer.status_code == 401
    assert Browser(centre, "dung", form["new"]).answer.status_code == 200


def test_a_password_that_will_not_do_is_refused_with_what_would(centre: Centre) -> None:
    first = centre.person("thuy", "operator")
    browser = Browser(centre, "thuy", first)
    good = "ba con đường ven biển"
    for form, status, told in (
        ({"current": first, "new": "ngắn quá", "again": "ngắn quá"}, 422, "từ 12 đến 256 ký tự"),
        ({"current": first, "new": good, "again": good + "."}, 422, "không giống nhau"),
        ({"current": first, "new": first, "again": first}, 422, "khác mật khẩu cũ"),
        ({"current": first, "new": "chị Thuy trực đêm", "again": "chị Thuy trực đêm"}, 422, "không chứa tên"),
        ({"current": "sai", "new": good, "again": good}, 401, "Mật khẩu hiện tại không đúng"),
    ):
        answer = browser.http.post("/password", data={**form, "csrf": browser.csrf})
        assert (answer.status_code, told in answer.text) == (status, True), (form, answer.text)
    assert browser.http.post("/password", data={"current": first, "new": good, "again": good}).status_code == 403
    assert Browser(centre, "thuy", first).answer.status_code == 200


def test_guessing_the_current_password_locks_the_name(centre: Centre) -> None:
    browser = Browser(centre, "long", centre.person("long", "operator"))
    form = {"current": "sai", "new": "ba con đường ven biển", "again": "ba con đường ven biển", "csrf": browser.csrf}
    assert [browser.http.post("/password", data=form).status_code for _ in range(5)] == [401, 401, 401, 401, 429]


def test_an_acknowledgement_comes_back_over_the_stream_and_a_second_one_is_refused(
    centre: Centre, operator: Browser, stream: Stream
) -> None:
    flood, alert = raised(centre, operator)
    act = f"/v1/alerts/{alert['alert']}/ack"
    first = operator.post(act, key=flood.key, seen=alert["sequence"]).json()["id"]
    centre.until(lambda: len(stream.of(flood.key)) == 2)
    second = operator.post(act, key=flood.key, seen=alert["sequence"]).json()["id"]
    centre.until(lambda: len(stream.of(flood.key)) == 3)
    events = [(kind, told.get("causationid")) for _, kind, told in stream.of(flood.key)]
    assert events[1:] == [("acknowledged", first), ("refused", second)]
    assert stream.of(flood.key)[1][2]["data"]["state"]["acked"]["by"] == "lan"
    assert stream.of(flood.key)[2][2]["data"]["refused"] == "someone else has acted on it since"


def test_a_verb_that_is_sent_twice_is_applied_once(centre: Centre, operator: Browser, stream: Stream) -> None:
    flood, alert = raised(centre, operator)
    asked = {"key": flood.key, "seen": alert["sequence"], "note": "đã gọi trạm", "id": "0" * 31 + "7"}
    for _ in range(2):
        assert operator.post(f"/v1/alerts/{alert['alert']}/comment", **asked).status_code == 202
    operator.post(f"/v1/alerts/{alert['alert']}/unack", key=flood.key, seen=alert["sequence"] + 1)
    centre.until(lambda: len(stream.of(flood.key)) == 3)
    assert [kind for _, kind, _ in stream.of(flood.key)] == ["raised", "commented", "refused"]


def test_closing_without_a_reason_is_not_accepted(centre: Centre, operator: Browser) -> None:
    flood, alert = raised(centre, operator)
    answer = operator.post(f"/v1/alerts/{alert['alert']}/close", key=flood.key, seen=alert["sequence"], note=" ")
    assert (answer.status_code, answer.json()) == (422, {"problem": "note"})


def test_a_note_that_is_too_long_is_refused_by_its_name_and_limit(centre: Centre, operator: Browser) -> None:
    _, alert = raised(centre, operator)
    comment = f"/v1/alerts/{alert['alert']}/comment"
    answer = operator.post(comment, key=alert["key"], seen=alert["sequence"], note="x" * 2001)
    assert answer.status_code == 422
    assert answer.json() == {"problem": "input", "detail": "note: String should have at most 2000 characters"}


def test_last_event_id_resumes_after_that_event_without_a_gap_or_a_repeat(
    centre: Centre, operator: Browser, stream: Stream
) -> None:
    flood, _ = raised(centre, operator)
    flood.rises(7)
    centre.until(lambda: len(stream.of(flood.key)) == 2)
    first = stream.of(flood.key)[0][0]
    again = Stream(operator, {"Last-Event-ID": str(first)})
    centre.until(lambda: again.of(flood.key))
    again.close()
    assert [kind for _, kind, _ in again.of(flood.key)] == ["updated"]


def test_the_stream_goes_on_from_the_offset_of_the_list(centre: Centre, operator: Browser) -> None:
    start = operator.get("/v1/alerts").json()["next"]
    flood, _ = raised(centre, operator)
    following = Stream(operator, after=start - 1)
    centre.until(lambda: following.of(flood.key))
    following.close()
    assert [kind for _, kind, _ in following.of(flood.key)] == ["raised"]


def test_one_alert_has_its_story_its_series_and_the_cameras_of_its_site(centre: Centre, operator: Browser) -> None:
    flood, alert = raised(centre, operator)
    told = operator.get(f"/v1/alerts/{alert['alert']}").json()
    assert [event["type"].split(".")[3] for event in told["events"]] == ["raised"]
    assert [camera["id"] for camera in told["cameras"]] == [flood.camera]

    def points() -> Any:
        found = operator.get(f"/v1/alerts/{alert['alert']}/series").json()["series"]
        return found if found and len(found[0]["points"]) == 3 else None

    (series,) = centre.until(points)
    assert (series["device"], series["quantity"], series["unit"]) == (flood.device, "water_level", "m")
    assert [point[1:] for point in series["points"]] == [[2, 2, 2], [3.5, 3.5, 3.5], [5, 5, 5]]


def test_devices_come_with_their_last_reading(centre: Centre, operator: Browser) -> None:
    flood, _ = raised(centre, operator)

    def mine() -> Any:
        found = [one for one in operator.get("/v1/devices").json()["devices"] if one["id"] == flood.device]
        return [one for one in found[0]["last"] if one["at"]]  # a series is known a moment before its first reading

    (last,) = centre.until(mine)
    assert (last["quantity"], last["value"], last["quality"]) == ("water_level", 5, 0)


def test_asking_for_a_still_makes_a_camera_watched_and_shows_what_it_writes(centre: Centre, operator: Browser) -> None:
    flood = Flood(centre)
    path = f"/v1/cameras/{flood.camera}/still.jpg"
    assert operator.get(path).status_code == 204
    with psycopg.connect(centre.dsn) as connection:
        watched = connection.execute("select until > now() from ioc.watch where camera = %s", [flood.camera]).fetchone()
        connection.execute("insert into ioc.still values (%s, now(), %s)", [flood.camera, b"jpeg"])
    assert watched == (True,)
    answer = operator.get(path)
    assert (answer.content, answer.headers["content-type"]) == (b"jpeg", "image/jpeg")


def test_a_camera_that_is_not_registered_has_no_still(operator: Browser) -> None:
    assert operator.get("/v1/cameras/no-such/still.jpg").status_code == 404


def test_evidence_is_served_by_its_digest_for_ever(centre: Centre, operator: Browser) -> None:
    digest = "sha256:" + hashlib.sha256(b"picture").hexdigest()
    with psycopg.connect(centre.dsn) as connection:
        connection.execute(
            "insert into ioc.evidence values (%s, 'c', now(), %s) on conflict do nothing", [digest, b"picture"]
        )
    answer = operator.get(f"/v1/evidence/{digest}.jpg")
    assert (answer.content, "immutable" in answer.headers["cache-control"]) == (b"picture", True)
    assert operator.get(f"/v1/evidence/sha256:{'0' * 64}.jpg").status_code == 404


def test_a_database_that_goes_away_is_told_in_one_word_and_comes_back_by_itself(
    centre: Centre, operator: Browser
) -> None:
    centre.database.refuse()
    try:
        answer = operator.get("/v1/alerts")
        ready = operator.get("/ready")
    finally:
        centre.database.ok()
    assert (answer.status_code, answer.json()) == (503, {"problem": "store"})
    assert (ready.status_code, ready.json()["database"]) == (503, False)
    centre.until(lambda: operator.get("/v1/alerts").status_code == 200)


def test_a_database_that_hangs_is_given_up_within_seconds(centre: Centre, operator: Browser) -> None:
    centre.database.silent()
    try:
        answer = operator.get("/v1/alerts")
    finally:
        centre.database.ok()
    assert answer.status_code == 503
    centre.until(lambda: operator.get("/v1/alerts").status_code == 200)


def test_ready_says_that_the_database_answers_and_the_progress_is_young(centre: Centre) -> None:
    centre.until(lambda: httpx.get(f"{centre.url}/ready").status_code == 200)
    assert httpx.get(f"{centre.url}/live").json() == {"live": True}


def test_schemas_and_documents_come_from_here_alone(centre: Centre) -> None:
    assert "alert.schema.json" in httpx.get(f"{centre.url}/schemas/").json()
    assert httpx.get(f"{centre.url}/schemas/alert.schema.json").json()["$defs"]
    docs = httpx.get(f"{centre.url}/docs").text
    assert "/v1/stream" in docs
    assert not re.search(r"(src|href)=\"(https?:)?//", docs)


@pytest.mark.parametrize("path", ["/login", "/v1/alerts", "/static/style.css", "/nowhere"])
def test_every_answer_forbids_what_does_not_come_from_here(centre: Centre, path: str) -> None:
    policy = httpx.get(centre.url + path).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_session_cookie_is_closed_to_scripts_and_to_other_sites(centre: Centre) -> None:
    cookie = httpx.get(f"{centre.url}/login").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
