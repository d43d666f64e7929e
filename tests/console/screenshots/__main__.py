"""Takes a picture of every view, in both themes and languages, for docs/console.md."""

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import Literal

import aiohttp
from playwright.async_api import Browser

from tests.console.screenshots.sample import ADMINISTRATOR, PASSWORD, fill
from tests.console.screenshots.views import VIEWS
from tests.console.themes import THEMES
from tests.support.browser import PAGE_TIMEOUT, started_chromium
from tests.support.client import Client
from tests.support.machine import ROOT
from tests.support.service import service_process

PICTURES = ROOT / "docs" / "images" / "console"

LANGUAGES = ("en", "ru")

#: CSS pixels.
SIZE = {"width": 1200, "height": 750}


async def take(
    browser: Browser,
    client: Client,
    folder: Path,
    theme: Literal["light", "dark"],
    language: str,
) -> None:
    """All views in one theme and language."""
    context = await browser.new_context(
        base_url=f"{client.url}/",
        color_scheme=theme,
        locale=language,
        viewport=SIZE,  # type: ignore[arg-type]
        reduced_motion="reduce",
        timezone_id="Europe/Berlin",
    )
    context.set_default_timeout(PAGE_TIMEOUT)
    page = await context.new_page()
    for name, view in VIEWS.items():
        await view(page, client)
        await page.screenshot(path=folder / f"{name}-{language}-{theme}.png")
    await context.close()


async def main(folder: Path) -> None:
    with (
        tempfile.TemporaryDirectory() as place,
        service_process(
            Path(place), ADMIN_LOGIN=ADMINISTRATOR, ADMIN_PASSWORD=PASSWORD
        ) as service,
    ):
        async with (
            aiohttp.ClientSession() as session,
            started_chromium(Path(place)) as browser,
        ):
            client = Client(session, service.url)
            await fill(client)
            for theme in THEMES:
                for language in LANGUAGES:
                    await take(browser, client, folder, theme, language)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=PICTURES, help="the folder")
    to = parser.parse_args().to
    to.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(to))
