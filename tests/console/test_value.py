"""The value pane: exact texts, edits, conflicts, lifetimes, counters."""

import json
from urllib.parse import quote

from playwright.async_api import Page, expect

from tests.console.conftest import NewPage
from tests.console.steps import Account, open_console, sign_in
from tests.support.browser import Watch
from tests.support.client import Client, unique

#: Numbers, names and escapes that a parser would change.
EXACT = (
    '{"a" : 248480010225057793,\r\n\t"b":[1.0,1e400,-0],'
    '"a":"\\u0041 \\/",\r\n"c":null,  "d" :true}'
)


async def put(client: Client, key: str, text: str, **fields: object) -> int:
    """Writes the exact text of a value."""
    rest = "".join(f",{json.dumps(name)}:{json.dumps(it)}" for name, it in fields.items())
    body = f'{{"data":{{{json.dumps(key)}:{text}}}{rest}}}'
    reply = await client.post("/api/write", body.encode())
    assert reply.status == 200, reply.text
    return reply.revision


async def stored(client: Client, key: str) -> str | None:
    """The exact text of a value; None: there is none."""
    reply = await client.request("GET", f"/api/keys/{quote(key, safe='')}")
    return None if reply.status == 404 else reply.text


async def open_value(page: Page, account: Account, key: str) -> None:
    await open_console(page, f"#/keys/{quote(key, safe='')}")
    await sign_in(page, *account)
    await expect(page.get_by_role("button", name="Copy")).to_be_visible()


async def test_a_value_survives_every_step_byte_for_byte(
    page: Page, account: Account, client: Client
) -> None:
    key = unique("exact/ключ <b>&\n")
    await put(client, key, EXACT)
    await open_value(page, account, key)
    await page.screenshot(path="/tmp/w/i16/v1.png")
    shown = page.get_by_role("region", name="Value")
    assert await shown.evaluate("element => element.textContent") == EXACT
    await page.keyboard.press("e")
    area = page.get_by_role("textbox", name="Value")
    await page.screenshot(path="/tmp/w/i16/v2.png")
    await page.get_by_role("button", name="Format").click()
    await page.screenshot(path="/tmp/w/i16/v3.png")
    await expect(area).to_have_value('x')
