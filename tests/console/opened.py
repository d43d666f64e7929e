"""A view that is opened with its address by a user who then signs in."""

from playwright.async_api import Page, expect

from tests.console.steps import Account, open_console


async def opened(page: Page, account: Account, path: str, heading: str) -> None:
    """:param path: of the view, like `#/live`"""
    await open_console(page, path)
    await page.get_by_label("User name", exact=True).fill(account.username)
    await page.get_by_label("Password", exact=True).fill(account.password)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
