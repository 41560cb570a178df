"""A real browser without a window, where this machine has one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "brave-browser")
HOW = "`apt-get install chromium`, or `playwright install chromium`, brings one"


def executable() -> str | None:
    """A Chromium of this machine: on the path, or the one that playwright has installed."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is not None or find_spec("playwright") is None:
        return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else None


def missing() -> str | None:
    """Why no browser can be started, in a line; None where one can."""
    if find_spec("playwright") is None:
        return "needs the package playwright: `pip install frostline[dev]`"
    return None if executable() is not None else f"needs a Chromium: {HOW}"


@contextmanager
def browser() -> Iterator[Browser]:
    """Started for the time of the block. Root has no sandbox of Chromium's."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=executable(), args=arguments)
        try:
            yield found
        finally:
            found.close()


@contextmanager
def opened(
    browser: Browser, path: Path, width: int = 1200, height: int = 900, dark: bool = False
) -> Iterator[tuple[Page, list[str]]]:
    """The page of a file once its tables are drawn, and what it complains of or asks the network for: a list that
    grows while it is used."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: complaints.append(request.url) if _leaves(request.url, path) else None)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    try:
        yield page, complaints
    finally:
        context.close()


def _leaves(url: str, path: Path) -> bool:
    return not url.startswith(("data:", "blob:", path.as_uri()))
