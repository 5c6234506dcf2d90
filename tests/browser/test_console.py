"""The console as an operator uses it, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from rules.engine.loader import load_text
from tests.browser.centre import Centre
from tests.browser.flood import Flood
from tests.browser.launch import SIZES, launch, log_in

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def password(centre: Centre) -> str:
    return centre.person("lan", "operator")


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of its own whose scripts must not fail and which must not ask anything elsewhere."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    faults: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: _note(message, faults))
    yield page
    context.close()
    assert faults == []


def _note(message: ConsoleMessage, faults: list[str]) -> None:
    if message.type == "error" and "Failed to load resource" not in message.text:
        faults.append(message.text)


@pytest.fixture
def desk(page: Page, centre: Centre, password: str) -> Page:
    """The page of alerts, logged in, in Vietnamese, its list believed."""
    log_in(page, centre.url, "lan", password)
    expect(page.locator("#veil")).to_be_hidden(timeout=10_000)
    return page


def row(page: Page, flood: Flood) -> Any:
    return page.locator("#rows .row", has_text=flood.prefix)


def test_a_wrong_password_is_told_in_a_sentence(page: Page, centre: Centre) -> None:
    centre.person("sai", "operator")
    page.goto(f"{centre.url}/login")
    page.fill("#name", "sai")
    page.fill("#password", "wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Sai tên hoặc mật khẩu.")
    page.click("text=English")
    page.fill("#name", "sai")
    page.fill("#password", "wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Wrong name or password.")


def test_an_alert_arrives_without_a_reload_and_is_acknowledged_by_keyboard(desk: Page, centre: Centre) -> None:
    desk.evaluate("() => { window.stayed = true; }")
    flood = Flood(centre)
    flood.rises(2, 3.5, 5)
    expect(row(desk, flood)).to_contain_text("Nghiêm trọng")
    expect(row(desk, flood)).to_contain_text("mới")
    expect(desk.locator("#news")).to_contain_text("Cảnh báo mới: Nghiêm trọng")
    desk.keyboard.press("/")
    desk.keyboard.type(flood.prefix)
    desk.keyboard.press("Enter")
    desk.keyboard.press("j")
    expect(desk.locator("#detail h2")).to_contain_text("5,00 m")
    desk.keyboard.press("a")
    expect(row(desk, flood)).to_contain_text("đã tiếp nhận")
    expect(desk.locator(".told")).to_have_text("Đã xác nhận.")
    expect(desk.locator(".timeline")).to_contain_text("Đã tiếp nhận · lan")
    desk.keyboard.press("u")
    expect(row(desk, flood)).to_contain_text("mới")
    desk.keyboard.press("c")
    desk.keyboard.type("đã gọi trạm")
    desk.keyboard.press("Control+Enter")
    expect(desk.locator(".timeline q")).to_have_text("đã gọi trạm")
    assert desk.evaluate("() => window.stayed") is True


def test_the_detail_says_what_to_do_and_why_with_a_chart(desk: Page, centre: Centre) -> None:
    flood = Flood(centre)
    flood.rises(2, 3.5, 5)
    row(desk, flood).click()
    detail = desk.locator("#detail")
    expect(detail).to_contain_text("Báo cho vùng trũng thấp")
    expect(detail).to_contain_text("trên 4,00 m")
    expect(detail).to_contain_text("Quyết định 05/2020/QĐ-TTg")
    expect(detail.locator(".operands .figure").first).to_have_text("5,00 m")
    expect(detail.locator(".chart .series")).to_be_visible(timeout=10_000)
    expect(detail.locator(".chart .limit text")).to_have_text("4,00 m")
    expect(detail.locator(".still")).to_contain_text("Camera cầu")


AGAIN = """
id: {p}.again
title: {{vi: Lũ lên lại, en: Floods again}}
kind: recurrence
of: [{p}.level]
times: 2
within: 30m
same: site
"""


def test_an_alert_over_others_names_them_and_opens_them(desk: Page, centre: Centre) -> None:
    flood = Flood(centre)
    centre.do(centre.scene.register((), load_text(AGAIN.format(p=flood.prefix)).checked()))
    for level in (5, 2, 6.5):
        flood.rises(level)
    over = desk.locator("#rows .row", has_text="2 lần trong 30 phút")
    expect(over).to_contain_text(f"Cầu {flood.prefix}", timeout=15_000)
    over.click()
    counted = desk.locator("#detail .counted")
    expect(counted).to_contain_text("Gộp từ 2 cảnh báo")
    expect(desk.locator("#detail .why .facts")).to_contain_text("2 lần trong 30 phút")
    counted.get_by_role("link").click()
    expect(desk.locator("#detail .head")).to_contain_text("6,50 m")


def test_an_alert_that_gets_worse_and_ends_changes_where_it_stands(desk: Page, centre: Centre) -> None:
    flood = Flood(centre)
    flood.rises(5)
    expect(row(desk, flood)).to_contain_text("Nghiêm trọng")
    flood.rises(7)
    expect(row(desk, flood)).to_contain_text("Khẩn cấp")
    flood.rises(2)
    expect(row(desk, flood)).to_contain_text("chưa xác nhận")
    row(desk, flood).click()
    desk.keyboard.press("a")
    expect(row(desk, flood)).to_contain_text("đã đóng")


def test_closing_asks_for_a_reason(desk: Page, centre: Centre) -> None:
    flood = Flood(centre)
    flood.rises(5)
    row(desk, flood).click()
    desk.click("[data-deed=close]")
    desk.click("dialog[open] button.main")
    assert desk.evaluate("document.querySelector('dialog textarea').validationMessage") == (
        "Hãy viết lý do hoặc nội dung trước."
    )
    desk.fill("dialog[open] textarea", "diễn tập")
    desk.click("dialog[open] button.main")
    expect(row(desk, flood)).to_contain_text("đã đóng")
    expect(desk.locator(".timeline")).to_contain_text("trực ban đóng")


def test_l_switches_the_language_and_the_selected_alert_stays(desk: Page, centre: Centre) -> None:
    flood = Flood(centre)
    flood.rises(5)
    row(desk, flood).click()
    expect(desk.locator("#evaluated")).to_contain_text("Đã đánh giá đến")
    desk.keyboard.press("l")
    expect(desk.locator("#evaluated")).to_contain_text("Evaluated up to")
    expect(row(desk, flood)).to_contain_text("Major")
    expect(desk.locator("#detail h2")).to_contain_text("5.00 m")
    desk.keyboard.press("l")
    expect(desk.locator("#evaluated")).to_contain_text("Đã đánh giá đến")


def test_the_help_names_the_keys(desk: Page) -> None:
    desk.keyboard.press("?")
    expect(desk.locator("#help")).to_contain_text("cảnh báo kế tiếp")
    desk.keyboard.press("Escape")
    expect(desk.locator("#help")).to_be_hidden()


def test_the_list_is_veiled_when_the_alerts_worker_stops_and_clear_when_it_is_back(desk: Page, centre: Centre) -> None:
    centre.stop("alerts")
    try:
        expect(desk.locator("#veil")).to_contain_text("Chưa đánh giá gì mới từ", timeout=22_000)
        expect(desk.locator("#evaluated")).to_have_class("evaluated stale")
    finally:
        centre.start("alerts")
    expect(desk.locator("#veil")).to_be_hidden(timeout=15_000)


def test_the_list_is_veiled_when_the_console_is_gone_and_nothing_is_missed_meanwhile(
    desk: Page, centre: Centre
) -> None:
    centre.stop("console")
    try:
        flood = Flood(centre)
        flood.rises(5)
        expect(desk.locator("#veil")).to_contain_text("Mất kết nối với máy chủ", timeout=10_000)
    finally:
        centre.start("console")
    expect(desk.locator("#veil")).to_be_hidden(timeout=10_000)
    expect(row(desk, flood)).to_have_count(1)


HIDE = (
    "(hidden) => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true}); "
    "document.dispatchEvent(new Event('visibilitychange')); }"
)


def test_a_tab_that_nobody_looks_at_gives_its_connection_back_and_then_misses_nothing(
    desk: Page, centre: Centre
) -> None:
    begun: list[str] = []
    desk.on("request", lambda request: begun.append(request.url) if "/v1/stream" in request.url else None)
    desk.clock.install()
    desk.reload()
    expect(desk.locator("#veil")).to_be_hidden(timeout=10_000)
    with desk.expect_event("requestfailed", lambda request: "/v1/stream" in request.url, timeout=10_000):
        desk.evaluate(HIDE, True)
        desk.clock.fast_forward(31_000)
    until_then = len(begun)
    flood = Flood(centre)
    flood.rises(5)
    assert len(begun) == until_then
    desk.evaluate(HIDE, False)
    expect(row(desk, flood)).to_contain_text("Nghiêm trọng")
    expect(desk.locator("#veil")).to_be_hidden(timeout=10_000)
    assert len(begun) == until_then + 1


def test_a_database_that_is_away_is_one_sentence_and_the_page_recovers(desk: Page, centre: Centre) -> None:
    centre.database.refuse()
    try:
        desk.reload()
        expect(desk.locator("#problem")).to_contain_text("Cơ sở dữ liệu không trả lời", timeout=10_000)
        expect(desk.locator("#veil")).to_be_visible()
    finally:
        centre.database.ok()
    expect(desk.locator("#problem")).to_be_hidden(timeout=10_000)
    expect(desk.locator("#veil")).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_no_page_scrolls_sideways(page: Page, centre: Centre, password: str, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    flood = Flood(centre)
    flood.rises(2, 5)
    log_in(page, centre.url, "lan", password)
    row(page, flood).click()
    expect(page.locator(".chart")).to_be_visible(timeout=10_000)
    assert _too_wide(page) == []
    page.goto(f"{centre.url}/devices")
    expect(page.locator("#devices")).to_contain_text(flood.prefix)
    assert _too_wide(page) == []
    page.click(".who .name")
    expect(page.locator("h1")).to_have_text("Đổi mật khẩu")
    assert _too_wide(page) == []


def _too_wide(page: Page) -> Any:
    """Elements that are wider than what they stand in, of those that would make the page scroll."""
    return page.evaluate(
        "() => [document.scrollingElement, document.querySelector('main'), document.querySelector('#detail')]"
        ".filter((one) => one && one.scrollWidth > one.clientWidth).map((one) => one.tagName)"
    )


def test_on_a_phone_the_detail_covers_the_list_and_back_uncovers_it(desk: Page, centre: Centre) -> None:
    desk.set_viewport_size({"width": 390, "height": 844})
    flood = Flood(centre)
    flood.rises(5)
    expect(desk.locator("#detail")).to_be_hidden()
    row(desk, flood).click()
    expect(desk.locator("#rows")).to_be_hidden()
    desk.click(".back")
    expect(desk.locator("#rows")).to_be_visible()
    expect(desk.locator("#detail")).to_be_hidden()


def test_devices_show_their_last_reading_with_its_age(desk: Page, centre: Centre) -> None:
    flood = Flood(centre)
    flood.rises(5)
    desk.goto(f"{centre.url}/devices")
    desk.fill("#filter", flood.prefix)
    only = desk.locator("#devices tr")
    expect(only).to_have_count(1)
    expect(only).to_contain_text("5,00 m", timeout=10_000)
    expect(only).to_contain_text("đang gửi")
    expect(only).to_contain_text("giây trước")


def test_a_viewer_gets_no_buttons(page: Page, centre: Centre) -> None:
    log_in(page, centre.url, "khach", centre.person("khach", "viewer"))
    flood = Flood(centre)
    flood.rises(5)
    row(page, flood).click()
    expect(page.locator("#detail h2")).to_contain_text("5,00 m")
    expect(page.locator("#detail [data-deed]")).to_have_count(0)
    expect(page.locator("#comment")).to_have_count(0)
