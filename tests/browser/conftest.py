"""A real browser for the page's tests, in a fresh profile each time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from benchmarks.rtc import program
from tests.program import pinned

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 20_000
"""For a condition to come true, also on a machine that is busy with something else."""
ROOMY = ("--set", "webrtc.busy_age_ms=60000")
"""A busy machine must not turn a test's only visitor away."""

OpenPage = Callable[..., Page]
expect.set_options(timeout=PATIENCE_MS)


# One a module, not a session: Playwright's loop counts as running until it is closed, and then
# no test on asyncio could run in this process.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is missing: the Debian package chromium has it")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield running
        running.close()


def running(*arguments: str, **how: Any) -> AbstractContextManager[str]:
    """The program as `benchmarks.rtc.program.running` starts it, without a trial of engines."""
    return program.running(*pinned(arguments), **how)


@contextmanager
def another_browser(browser: Browser, *flags: str) -> Iterator[Page]:
    """An empty page of a browser with `flags` of its own, beside the one that all tests share."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    other = browser.browser_type.launch(executable_path=chromium, args=[*FLAGS, *flags])
    page = other.new_page()
    page.set_default_timeout(PATIENCE_MS)
    try:
        yield page
    finally:
        other.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens an address, context options as keywords; fails the test if the page broke a rule."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # The browser logs every refused or lost connection by itself; those are the tests' doing.
        if message.type == "error" and "Content Security Policy" in message.text:
            faults.append(message.text)

    def open_one(url: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", listen)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not faults
