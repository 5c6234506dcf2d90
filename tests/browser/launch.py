"""Chromium as Debian ships it, without a screen and without asking anybody anything."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Page, Playwright

SIZES = [(1920, 1080), (1280, 800), (390, 844)]
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def launch(playwright: Playwright) -> Browser:
    """A browser."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium") or "/usr/bin/chromium", args=_QUIET)


def log_in(page: Page, url: str, name: str, password: str) -> None:
    """Log in; leaves the page of alerts open."""
    page.goto(f"{url}/login")
    page.fill("#name", name)
    page.fill("#password", password)
    page.keyboard.press("Enter")
    page.wait_for_selector("#evaluated")
