"""The history of a key, as a browser shows it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Locator, Page, expect

from tests.console.conftest import NewPage
from tests.console.steps import Account, opened
from tests.support.axe import violations
from tests.support.client import Client, account_of, unique
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools
from tests.support.verbatim import path_of, send

HTML = "<b>&amp;"
LARGE = '{"n":248480010225057793, "n": 1.0, "e":1e400}'


@pytest.fixture(scope="module")
def tarantool(tarantools: Tarantools) -> Iterator[Tarantool]:
    """Not the shared instance: many large batches of others would end a page early."""
    with tarantools.running() as instance:
        yield instance


@pytest.fixture(scope="module")
async def service(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    async with serve(tarantool) as client:
        yield client


async def put(client: Client, key: str, text: str) -> int:
    reply = await send(client, "PUT", path_of(key), text)
    assert reply.status < 300, reply.text
    return reply.revision


async def entries(page: Page, account: Account, key: str) -> Locator:
    """The changes, the newest first, in a view that has just been opened."""
    path = f"#/history/{path_of(key).removeprefix('/api/keys/')}"
    await opened(page, account, path, "History")
    return page.get_by_role("list", name="Changes").get_by_role("button")


def selected(page: Page) -> Locator:
    return page.get_by_role("region", name="Selected change")


async def text_of(client: Client, key: str) -> str:
    return (await send(client, "GET", path_of(key))).text


async def test_an_earlier_value_is_compared_and_restored(
    page: Page, client: Client, account: Account
) -> None:
    key = unique("history") + f"/{HTML}\n ключ"
    first = await put(client, key, LARGE)
    await put(client, key, f'{{"n":248480010225057794, "html": "{HTML}"}}')
    await client.write({key: [1]}, ttl=3600)
    rows = await entries(page, account, key)
    await expect(rows).to_have_count(3)
    link = page.get_by_role("link", name="ключ")
    await expect(link).to_have_attribute("href", f"#/keys/{path_of(key)[10:]}")
    for shown in ("written", account.username, "3 B"):
        await expect(rows.first).to_contain_text(shown)
    await expect(rows.first).to_have_attribute("aria-current", "true")
    await expect(page.get_by_text("The change log begins at revision")).to_be_visible()

    await rows.nth(1).click()
    details = selected(page)
    removed, added = details.get_by_role("deletion"), details.get_by_role("insertion")
    await expect(removed).to_contain_text('"n": 248480010225057793')
    await expect(added).to_contain_text(f'"html": "{HTML}"')
    await rows.last.click()
    await expect(removed).to_have_count(0)
    await expect(details.get_by_text(LARGE, exact=True)).to_be_visible()
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert await violations(page) == []

    await details.get_by_role("button", name="Restore this value").click()
    dialog = page.get_by_role("dialog", name="Restore this value")
    await expect(dialog.get_by_role("deletion")).to_contain_text("1")
    await expect(dialog.get_by_role("insertion")).to_contain_text('"e": 1e400')
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Restore this value").click()
    done = f"The value of revision {first} was restored."
    await expect(page.get_by_role("paragraph").filter(has_text=done)).to_be_visible()
    await expect(rows).to_have_count(4)
    await expect(rows.first).to_be_focused()
    reply = await send(client, "GET", path_of(key))
    assert reply.text == LARGE
    assert 3500 < float(reply.headers["KV-TTL"]) <= 3600


async def test_a_deleted_key_is_restored_but_nothing_newer_is_overwritten(
    new_page: NewPage, client: Client, account: Account
) -> None:
    key = unique("history")
    await put(client, key, "1.0")
    await client.delete([key])
    async with new_page() as watch:
        watch.expect_status(409, 412)
        page = watch.page
        rows = await entries(page, account, key)
        await expect(rows.first).to_contain_text("deleted")
        restore = selected(page).get_by_role("button", name="Restore this value")
        await expect(restore).to_have_count(0)
        confirm = page.get_by_role("dialog").get_by_role(
            "button", name="Restore this value"
        )
        await rows.last.click()
        await restore.click()
        await confirm.click()
        await expect(rows).to_have_count(3)
        assert await text_of(client, key) == "1.0"

        await rows.last.click()
        await restore.click()
        await expect(confirm).to_be_visible()
        await put(client, key, '"newer"')
        await confirm.click()
        alert = page.get_by_role("alert")
        await expect(alert).to_contain_text("Somebody else has changed this")
        assert await text_of(client, key) == '"newer"'


async def test_others_are_not_named_and_expiry_is_shown(
    page: Page, client: Client, account: Account
) -> None:
    key = unique("history")
    other = await Client(client.session, client.url).enter()
    await other.write({key: 1})
    written = (await client.write({key: 2}, ttl=1)).revision
    query = f"?since={written}&prefix={key}&wait=50"
    changes = (await client.request("GET", f"/api/changes{query}")).json["changes"]
    assert changes[0]["deleted"] == [key]
    rows = await entries(page, account, key)
    await expect(rows.last).to_contain_text("another account")
    await expect(rows.first).to_contain_text("expired")
    assert await violations(page) == []


async def test_a_long_history_is_loaded_page_by_page(
    page: Page, client: Client, account: Account
) -> None:
    key = unique("history")
    for n in range(120):
        await client.write({key: n})
    rows = await entries(page, account, key)
    await expect(rows).to_have_count(50)
    await page.get_by_role("button", name="Load older").click()
    await expect(rows).to_have_count(100)
    await expect(rows.nth(50)).to_be_focused()
    # the value before this one is on the next page
    await rows.last.click()
    removed = selected(page).get_by_role("deletion")
    await expect(removed).to_have_text("\N{MINUS SIGN} 19")
    await page.get_by_role("button", name="Load older").click()
    await expect(rows).to_have_count(120)
    await expect(page.get_by_role("button", name="Load older")).to_have_count(0)


async def test_what_there_is_no_history_of_is_said(
    new_page: NewPage,
    page: Page,
    client: Client,
    account: Account,
    tarantools: Tarantools,
    serve: Serve,
) -> None:
    await opened(page, account, f"#/history/{unique('none')}", "History")
    await expect(
        page.get_by_text("This key has no changes in the log.")
    ).to_be_visible()
    with tarantools.running(KV_CHANGES_BYTES="0") as own:
        async with serve(own) as without:
            await without.enter()
            async with new_page(base_url=f"{without.url}/") as watch:
                watch.expect_status(404)
                own_account = Account(account_of(without), "password")
                await opened(watch.page, own_account, "#/history/k", "History")
                alert = watch.page.get_by_text("The change log is disabled.")
                await expect(alert).to_be_visible()
