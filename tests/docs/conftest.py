"""A real browser."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests.support.browser import ARGUMENTS, CHROMIUM


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
