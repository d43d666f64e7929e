"""A real browser."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

#: Debian's package; playwright's own browsers are not in any package registry.
CHROMIUM = "/usr/bin/chromium"

#: It runs as root on CI, and asks nothing of the world but what the page asks.
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
PATIENCE = 60_000


@pytest.fixture(scope="module")
async def chromium(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    if not shutil.which(CHROMIUM) and not os.environ.get("CI"):
        pytest.skip("no Chromium")
    home = {"HOME": str(tmp_path_factory.mktemp("chromium"))}
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS, env={**os.environ, **home}
        ) as browser,
    ):
        yield browser
