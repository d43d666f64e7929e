"""A real browser."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.support.browser import started_chromium


@pytest.fixture(scope="module")
async def chromium(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    async with started_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser
