"""The light and the dark theme of a page."""

from typing import Literal

from playwright.async_api import Page

from tests.support import axe

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


async def violations(page: Page) -> list[str]:
    """What axe finds in each theme."""
    found = []
    for theme in THEMES:
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found += [f"{theme}: {each}" for each in await axe.violations(page)]
    return found
