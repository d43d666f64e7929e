"""What a user does first: opens the console and signs in."""

from typing import NamedTuple

from playwright.async_api import Error, Page, Request, expect

from tests.support.browser import NETWORK_CHANGED

#: A page is loaded so often before the test gives up.
LOADS = 4


class Account(NamedTuple):
    username: str
    password: str


async def open_console(page: Page, path: str = "") -> None:
    """Loads the page again where the machine's network changed in the meantime.

    :param path: of a view, like `#/keys`
    """
    aborted: list[Request] = []

    def note(request: Request) -> None:
        if request.failure == NETWORK_CHANGED:
            aborted.append(request)

    page.on("requestfailed", note)
    for _ in range(LOADS):
        aborted.clear()
        try:
            await page.goto("about:blank")
            await page.goto(f"./{path}")
        except Error as error:
            if NETWORK_CHANGED not in error.message:
                raise
        if not aborted:
            break
    page.remove_listener("requestfailed", note)


async def fill_in(page: Page, username: str, password: str) -> None:
    """Signs in on a page that shows the form."""
    await page.get_by_label("User name", exact=True).fill(username)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def sign_in(page: Page, username: str, password: str) -> None:
    """On a page that shows the form; ends with the view of the keys."""
    await fill_in(page, username, password)
    await expect(page.get_by_role("heading", name="Keys", exact=True)).to_be_visible()


async def open_view(page: Page, account: Account, path: str) -> None:
    """Signs in on the page of a view, like `#/account`, and ends there."""
    await open_console(page, path)
    await fill_in(page, *account)
    await expect(page.get_by_role("navigation", name="Main")).to_be_visible()


async def opened(page: Page, account: Account, path: str, heading: str) -> None:
    """The same, for a view that has loaded when it has this heading."""
    await open_view(page, account, path)
    await expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
