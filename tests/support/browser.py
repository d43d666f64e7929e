"""Debian's Chromium, started by playwright, and pages whose complaints are kept."""

import contextlib
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    async_playwright,
    expect,
)

#: Debian's package; playwright's own browsers are not in any package registry.
CHROMIUM = "/usr/bin/chromium"


#: It runs as root on CI, and requests only what the page requests.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


#: Milliseconds, for each thing that is waited for.
PAGE_TIMEOUT = 60_000

#: Runs before the page's own scripts, and is not under its policy.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", violation =>
    console.error("Violation:", violation.effectiveDirective, violation.blockedURI));
"""

#: What Chromium logs for each reply with an error status.
REFUSED = re.compile(
    r"Failed to load resource: the server responded with a status of (\d+)"
)

#: Why Chromium aborts requests while the machine gets or loses an address, as it does
#: with containers: no fault of a page.
NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"

#: What Chromium logs for each request without a reply.
UNREACHABLE = "Failed to load resource: net::ERR_"


@contextlib.asynccontextmanager
async def started_chromium(home: Path) -> AsyncIterator[Browser]:
    """:param home: where it keeps files of its own"""
    if not shutil.which(CHROMIUM) and not os.environ.get("CI"):
        pytest.skip("no Chromium")
    expect.set_options(timeout=PAGE_TIMEOUT)
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=ARGUMENTS,
            env={**os.environ, "HOME": str(home)},
        ) as browser,
    ):
        yield browser


class Watch:
    """The requests of a page, and the complaints of its browser.

    Complaints are errors and warnings in the browser's console, uncaught exceptions and
    violations of the content policy.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._expected: set[int] = set()
        self._may_be_unreachable = False
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def expect_status(self, *statuses: int) -> None:
        """From now on replies with these statuses are no complaints.

        Chromium logs an error for every reply from 400 on, whatever its page does.
        """
        self._expected.update(statuses)

    def expect_unreachable(self) -> None:
        """From now on requests without a reply are no complaints."""
        self._may_be_unreachable = True

    def elsewhere(self, origin: str) -> list[str]:
        return [url for url in self.requests if not url.startswith(f"{origin}/")]

    async def assert_no_complaints(self) -> None:
        """A test that expects some clears `complaints` after it has checked them."""
        # which Chromium answers after the events that came before it
        with contextlib.suppress(Error):
            await self.page.evaluate("0")
        assert self.complaints == [], self.complaints

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not self._expects(message.text):
            self.complaints.append(message.text)

    def _expects(self, text: str) -> bool:
        if text.startswith(UNREACHABLE):
            return self._may_be_unreachable or text.endswith(NETWORK_CHANGED)
        refused = REFUSED.match(text)
        return refused is not None and int(refused[1]) in self._expected


@contextlib.asynccontextmanager
async def empty_page(browser: Browser, **options: Any) -> AsyncIterator[Page]:
    """A page in a context of its own: without what another page keeps.

    :param options: of playwright's `Browser.new_page`
    """
    async with await browser.new_page(**options) as page:
        page.set_default_timeout(PAGE_TIMEOUT)
        await page.add_init_script(REPORT_VIOLATIONS)
        yield page


@contextlib.asynccontextmanager
async def watched_page(browser: Browser, **options: Any) -> AsyncIterator[Watch]:
    """An empty page that must not have caused complaints by its end.

    :param options: of playwright's `Browser.new_page`
    """
    async with empty_page(browser, **options) as page:
        watch = Watch(page)
        yield watch
        await watch.assert_no_complaints()
