"""`python -m tests.browser.screenshots FOLDER`: every page at three sizes in both languages, on a storm of its own.

Starts a stack of its own in a temporary folder and ends it; dark as in a control room, one light picture more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from pipeline.config import load
from pipeline.local.stack import LocalStack
from pipeline.prepare import prepare
from tests.browser import storm
from tests.browser.centre import Centre
from tests.browser.launch import SIZES, launch, log_in

SETTLED_MS = 1500


def main(folder: Path) -> None:
    """Take them all."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ioc-shots-", dir="/var/tmp", ignore_cleanup_errors=True) as name:
        root = Path(name)
        root.chmod(0o711)
        local = LocalStack(root / "stack", ("kafka", "postgres"), fast=True)
        with local.running() as endpoints:
            environment = {"IOC__DATA": str(local.folder.root)}
            os.environ.update(environment)
            prepare(load())
            with Centre(endpoints.kafka_brokers, endpoints.postgres_dsn, environment, root).running() as centre:
                _take(centre, folder)


def _take(centre: Centre, folder: Path) -> None:
    passwords = {language: centre.person(f"lan-{language}", "operator", language) for language in ("vi", "en")}
    centre.do(storm.tell(centre.scene), 120)
    acting = contextlib.AsyncExitStack()
    centre.do(acting.enter_async_context(_background(centre)))
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for language, password in passwords.items():
            for width, height in SIZES:
                page = _page(browser, width, height)
                _pages(page, centre, language, password, folder / f"{language}-{width}x{height}")
                page.context.close()
        page = _page(browser, 1280, 800, "light")
        _alerts(page, centre, "vi", passwords["vi"], folder / "vi-1280x800-light")
        centre.scene.judging = False
        expect(page.locator("#veil")).to_be_visible(timeout=25_000)
        page.screenshot(path=f"{folder}/vi-1280x800-light-veil.png")
        browser.close()
    centre.do(acting.aclose())


@contextlib.asynccontextmanager
async def _background(centre: Centre) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(storm.film(centre.dsn)), asyncio.create_task(storm.go_on(centre.scene))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


def _page(browser: Browser, width: int, height: int, scheme: str = "dark") -> Page:
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    return page


def _pages(page: Page, centre: Centre, language: str, password: str, stem: Path) -> None:
    page.goto(f"{centre.url}/login?language={language}")
    page.screenshot(path=f"{stem}-login.png")
    _alerts(page, centre, language, password, stem)
    page.goto(f"{centre.url}/devices")
    page.wait_for_selector("#devices tr")
    page.locator(".camera button").first.click()
    page.wait_for_timeout(SETTLED_MS * 2)
    page.screenshot(path=f"{stem}-devices.png")
    page.goto(f"{centre.url}/password")
    page.screenshot(path=f"{stem}-password.png")


def _alerts(page: Page, centre: Centre, language: str, password: str, stem: Path) -> None:
    log_in(page, centre.url, f"lan-{language}", password)
    page.wait_for_selector("#rows .row")
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=f"{stem}-list.png")
    page.locator("#rows .row").first.click()
    page.keyboard.press("a")
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=f"{stem}-alert.png")
    page.keyboard.press("Escape")
    page.locator("#rows .row", has_text="Camera").first.click()
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=f"{stem}-camera.png")
    page.keyboard.press("Escape")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots"))
