"""Evidence on the console: who sees people clearly, what is written down, and the clip in a real Chromium."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import av
import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright
from typer.testing import CliRunner

from pipeline.cli.person import group as person
from tests.browser.centre import Centre
from tests.browser.launch import launch, log_in
from tests.browser.sighting import Sighting
from tests.integration.test_console import Browser
from vision.store import connect

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(120)]
ROLES = ("viewer", "operator")


class Seen(NamedTuple):
    """A sighting with its alert and the people who look at it."""

    sighting: Sighting
    alert: str
    told: dict[str, Any]
    viewer: Browser
    operator: Browser
    passwords: dict[str, str]


@pytest.fixture(scope="module")
def seen(centre: Centre) -> Seen:
    passwords = {role: centre.person(f"ev-{role}", role) for role in ROLES}
    viewer, operator = (Browser(centre, f"ev-{role}", password) for role, password in passwords.items())
    sighting = Sighting(centre)
    sighting.happens()
    body = centre.until(lambda: operator.alert(sighting.key))
    sighting.clip_is_cut()
    return Seen(
        sighting, body["alert"], operator.get(f"/v1/alerts/{body['alert']}").json(), viewer, operator, passwords
    )


def opened(centre: Centre, digest: str) -> list[Any]:
    with connect(centre.dsn) as connection:
        query = "select person, role, clear_digest from ioc.evidence_opened where digest = %s order by at"
        return connection.execute(query, [digest]).fetchall()


def clip_of(seen: Seen) -> str:
    (clip,) = seen.told["clips"]
    return f"/v1/evidence/{clip['digest']}.mp4"


def test_the_alert_names_its_picture_and_its_clip(seen: Seen) -> None:
    assert seen.told["pictures"] == {seen.sighting.digest: True}
    (clip,) = seen.told["clips"]
    assert (clip["camera"], clip["clear"], seen.told["filmed"]) == (seen.sighting.camera, True, True)
    assert abs(clip["since"] - (seen.sighting.at - 5000)) <= 200
    assert abs(clip["until"] - (seen.sighting.at + 5000)) <= 400


def test_everybody_gets_the_blurred_copies_under_their_digests(seen: Seen) -> None:
    for path in (f"/v1/evidence/{seen.sighting.digest}.jpg", clip_of(seen)):
        answers = [browser.get(path) for browser in (seen.viewer, seen.operator)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].content == answers[1].content
        assert f"sha256:{hashlib.sha256(answers[0].content).hexdigest()}" in path
        assert "immutable" in answers[0].headers["cache-control"]


def test_a_viewer_is_refused_the_clear_ones_and_nothing_is_written_down(seen: Seen, centre: Centre) -> None:
    for path in (f"/v1/evidence/{seen.sighting.digest}.jpg?clear=true", f"{clip_of(seen)}?clear=true"):
        answer = seen.viewer.get(path)
        assert (answer.status_code, answer.json()) == (403, {"problem": "clear"})
    assert [row for row in opened(centre, seen.sighting.digest) if row[0] == "ev-viewer"] == []


def test_an_operator_gets_the_clear_ones_which_nobody_keeps_and_that_is_written_down(
    seen: Seen, centre: Centre
) -> None:
    path = f"/v1/evidence/{seen.sighting.digest}.jpg"
    clear = seen.operator.get(f"{path}?clear=true")
    assert clear.content != seen.operator.get(path).content
    assert clear.headers["cache-control"] == "no-store"
    digest = f"sha256:{hashlib.sha256(clear.content).hexdigest()}"
    assert opened(centre, seen.sighting.digest) == [("ev-operator", "operator", digest)]
    seen.operator.get(f"{path}?clear=true")
    assert len(opened(centre, seen.sighting.digest)) == 1  # a player asks many times for what was opened once


def test_the_record_of_who_looked_can_be_read(seen: Seen) -> None:
    seen.operator.get(f"/v1/evidence/{seen.sighting.digest}.jpg?clear=true")
    told = CliRunner().invoke(person, ["opened", "--json"])
    assert told.exit_code == 0
    mine = [row for row in json.loads(told.stdout) if row["digest"] == seen.sighting.digest]
    assert [(row["person"], row["role"], row["camera"]) for row in mine] == [
        ("ev-operator", "operator", seen.sighting.camera)
    ]


def test_a_right_that_was_taken_away_is_gone_at_once(centre: Centre, seen: Seen) -> None:
    browser = Browser(centre, "ev-was", centre.person("ev-was", "operator"))
    with connect(centre.dsn) as connection:
        connection.execute("update ioc.person set role = 'viewer' where name = 'ev-was'")
    assert browser.get(f"/v1/evidence/{seen.sighting.digest}.jpg?clear=true").status_code == 403


def test_a_clip_can_be_fetched_in_parts_and_played(seen: Seen) -> None:
    path = clip_of(seen)
    whole = seen.viewer.get(path)
    assert (whole.headers["content-type"], whole.headers["accept-ranges"]) == ("video/mp4", "bytes")
    part = seen.viewer.http.get(path, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.content == whole.content[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    with av.open(io.BytesIO(whole.content)) as video:
        assert len(list(video.decode(video=0))) >= 45


def test_evidence_that_nobody_has_is_not_found(seen: Seen) -> None:
    gone = f"/v1/evidence/sha256:{'0' * 64}"
    for path in (f"{gone}.jpg", f"{gone}.mp4", f"{gone}.jpg?clear=true"):
        assert seen.operator.get(path).status_code == 404


def test_without_a_login_there_is_no_evidence(seen: Seen, centre: Centre) -> None:
    with httpx.Client(base_url=centre.url) as anybody:
        assert anybody.get(clip_of(seen)).status_code == 401
        assert anybody.get(f"/v1/evidence/{seen.sighting.digest}.jpg").status_code == 401


def test_where_nobody_is_the_only_picture_is_everybody_s_and_opening_it_is_not_written_down(centre: Centre) -> None:
    browser = Browser(centre, "ev-operator-2", centre.person("ev-operator-2", "operator"))
    sighting = Sighting(centre, people=False)
    sighting.happens()
    path = f"/v1/evidence/{sighting.digest}.jpg"
    assert browser.get(f"{path}?clear=true").content == browser.get(path).content
    assert opened(centre, sighting.digest) == []


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        yield page
        browser.close()
        assert faults == []


def shown(page: Page, seen: Seen, centre: Centre, role: str) -> Page:
    """The alert in detail, as somebody of that role sees it."""
    log_in(page, centre.url, f"ev-{role}", seen.passwords[role])
    page.locator("#rows .row", has_text=seen.sighting.prefix).first.click()
    expect(page.locator(".picture img")).to_be_visible(timeout=10_000)
    return page


def test_the_clip_plays_in_the_alert_and_people_are_clear_when_an_operator_asks(
    page: Page, seen: Seen, centre: Centre
) -> None:
    shown(page, seen, centre, "operator")
    expect(page.locator("#detail h2")).to_have_text("Camera sân ga · người · Người vào khu vực cấm")
    expect(page.locator(".operands")).to_contain_text("vào vùng")
    video = page.locator(".picture video")
    expect(video).to_be_visible()
    page.wait_for_function("() => document.querySelector('.picture video').readyState >= 1", timeout=10_000)
    assert video.evaluate("(one) => one.duration") == pytest.approx(10.2, abs=0.3)
    video.evaluate("(one) => one.play()")
    page.wait_for_function("() => document.querySelector('.picture video').currentTime > 0.5", timeout=10_000)
    expect(page.locator(".privacy")).to_contain_text("Người trong hình đã được làm mờ.")
    page.click("text=Xem hình rõ")
    expect(page.locator(".privacy")).to_contain_text("được ghi lại")
    for element in (page.locator(".picture img"), video):
        assert "clear=true" in (element.get_attribute("src") or "")
    page.wait_for_function("() => document.querySelector('.picture img').naturalWidth === 768", timeout=10_000)
    page.click("text=Làm mờ lại")
    assert "clear" not in (video.get_attribute("src") or "")


def test_a_viewer_is_offered_no_clear_copy(page: Page, seen: Seen, centre: Centre) -> None:
    shown(page, seen, centre, "viewer")
    expect(page.locator(".privacy")).to_contain_text("Người trong hình đã được làm mờ.")
    expect(page.locator(".privacy button")).to_have_count(0)


def test_a_clip_that_is_cut_after_the_alert_appears_by_itself(page: Page, seen: Seen, centre: Centre) -> None:
    log_in(page, centre.url, "ev-operator", seen.passwords["operator"])
    sighting = Sighting(centre)
    sighting.happens()
    page.locator("#rows .row", has_text=sighting.prefix).first.click()
    expect(page.locator(".picture img")).to_be_visible(timeout=10_000)
    expect(page.locator(".picture video")).to_have_count(0)
    sighting.clip_is_cut()
    expect(page.locator(".picture video")).to_be_visible(timeout=10_000)
