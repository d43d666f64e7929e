"""How to reach each view, in any language."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable

from playwright.async_api import FilePayload, Page, expect

from tests.console.screenshots.sample import ADMINISTRATOR, FEATURES, PASSWORD
from tests.support.client import Client

#: Gets the page and a client that is signed in.
View = Callable[[Page, Client], Awaitable[None]]

#: Writes per second, and how many, that the charts and the live list show.
WRITES = 30


async def _open(page: Page, address: str, shown: str) -> None:
    """:param shown: a selector of what appears last"""
    await page.evaluate("hash => { location.hash = hash }", address)
    await expect(page.locator(shown).first).to_be_visible()


async def sign_in_form(page: Page, _: Client) -> None:
    await page.goto("./")
    await page.locator("[name=username]").fill(ADMINISTRATOR)
    await page.locator("[name=current-password]").fill(PASSWORD)


async def keys(page: Page, client: Client) -> None:
    await client.post("/api/write", f'{{"data": {{"config/features": {FEATURES}}}}}')
    await page.locator("form button.primary").click()
    await expect(page.locator(".key-grid")).to_be_visible()
    await _open(page, "#/keys/config%2Ffeatures?prefix=config/", ".value-text")


async def tree(page: Page, _: Client) -> None:
    await _open(page, "#/keys?prefix=&mode=tree", "[role=treegrid] .name")
    for row in 0, 3:
        prefix = page.locator(".key-row[aria-level]").nth(row)
        await prefix.click()
        await page.keyboard.press("ArrowRight")
        await expect(prefix).to_have_attribute("aria-expanded", "true")


async def editor(page: Page, _: Client) -> None:
    await _open(page, "#/keys/config%2Ffeatures?prefix=config/", ".value-text")
    await page.keyboard.press("e")
    text = page.locator(".value textarea")
    await text.fill(FEATURES.replace("0.50}", "0.50,}"))
    await expect(page.locator(".value .bad")).to_be_visible()


async def conflict(page: Page, client: Client) -> None:
    text = page.locator(".value textarea")
    await text.fill(FEATURES.replace("0.50", "0.75"))
    changed = FEATURES.replace("team-discovery", "team-search")
    await client.post("/api/write", f'{{"data": {{"config/features": {changed}}}}}')
    await expect(page.locator(".value .bad")).to_have_count(0)
    await text.press("Control+s")
    await expect(page.locator("dialog .versions, dialog .diff").first).to_be_visible()


async def history(page: Page, _: Client) -> None:
    await page.keyboard.press("Escape")
    await page.locator(".value textarea").press("Escape")
    await page.locator("dialog .actions button").last.click()
    await expect(page.locator(".value textarea")).to_have_count(0)
    await _open(page, "#/history/config%2Ffeatures", ".diff")


async def live(page: Page, client: Client) -> None:
    await _open(page, "#/live?prefix=orders/", ".badge.good")
    for number in range(1, WRITES):
        order = {"customer": 7000 + number, "total": number * 12.5, "carrier": "post"}
        await client.write({f"orders/2026/{5000 + number}": order})
    await client.delete([f"orders/2026/{5000 + number}" for number in range(1, 4)])
    await expect(page.get_by_text(re.compile("orders/2026/5003")).first).to_be_visible()


async def transfer(page: Page, _: Client) -> None:
    await _open(page, "#/transfer", "[type=file]")
    lines = [
        json.dumps({"key": f"imported/{number}", "value": number})
        for number in range(1000)
    ]
    await page.locator("[type=file]").set_input_files(
        FilePayload(name="kv.ndjson", mimeType="", buffer="\n".join(lines).encode())
    )
    await page.locator("form:has([type=file]) button.primary").click()
    await expect(page.locator(".notice.success").first).to_be_visible()


async def account(page: Page, _: Client) -> None:
    await _open(page, "#/account", ".tokens")


async def accounts(page: Page, _: Client) -> None:
    await _open(page, "#/admin/accounts", "tbody tr:nth-child(4)")


async def grants(page: Page, _: Client) -> None:
    await _open(page, "#/admin/accounts/grace", ".grant")
    await page.get_by_placeholder("orders/17").fill("orders/2026/00017")


async def status(page: Page, client: Client) -> None:
    await _open(page, "#/admin/status", "figure")
    for number in range(4 * WRITES):
        await client.write({f"sessions/new/{number}": number}, ttl=600)
        await asyncio.sleep(0.1)


VIEWS: dict[str, View] = {
    "sign-in": sign_in_form,
    "keys": keys,
    "tree": tree,
    "editor": editor,
    "conflict": conflict,
    "history": history,
    "live": live,
    "transfer": transfer,
    "account": account,
    "accounts": accounts,
    "grants": grants,
    "status": status,
}
