"""The accounts, as an administrator sees and changes them in a browser."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Page, expect

from tests.console.administered import Administrator
from tests.console.conftest import NewPage
from tests.console.steps import Account, opened
from tests.console.themes import violations
from tests.support.addresses import coming_from, new_address
from tests.support.assertions import assert_problem
from tests.support.browser import Watch
from tests.support.client import Client, account_of
from tests.support.console import make_administrator
from tests.support.service import Serve
from tests.support.tarantool import Tarantool

#: A name that looks like a path, a file and markup.
ODD = "a/../b.<b>c</b>?d#e%20f"

NARROW = {"width": 360, "height": 740}
WIDTH = "document.documentElement.scrollWidth"


@pytest.fixture
async def console(serve: Serve, store: Tarantool) -> AsyncIterator[Client]:
    async with serve(store, KV_TRUSTED_PROXIES="127.0.0.1") as client:
        yield client


@pytest.fixture
async def user(console: Client) -> AsyncIterator[Client]:
    async with coming_from(new_address(), console) as visitor:
        yield await visitor.enter()


async def open_accounts(page: Page, account: Account) -> None:
    await opened(page, account, "#/admin/accounts", "Accounts")


async def open_account(page: Page, account: Account, name: str) -> None:
    await opened(page, account, f"#/admin/accounts/{quote(name, safe='')}", name)


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def confirm(page: Page, name: str) -> None:
    await page.get_by_role("dialog").get_by_role("button", name=name).click()


async def shown(client: Client, name: str) -> Any:
    path = f"/api/admin/account?username={quote(name, safe='')}"
    return (await client.request("GET", path)).json


async def test_accounts_are_loaded_by_pages_and_found_by_the_beginning_of_the_name(
    page: Page, administrator: Administrator
) -> None:
    for number in range(101):
        body = {"username": f"many-{number:03}", "password": "password", "grants": []}
        await administrator.client.post("/api/admin/accounts", body)
    await open_accounts(page, administrator.account)
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(100)
    await press(page, "Load more")
    await expect(rows).to_have_count(102)
    await expect(page.get_by_role("button", name="Load more")).to_be_hidden()
    await page.keyboard.press("/")
    await page.keyboard.type("many-01")
    await expect(rows).to_have_count(10)
    await expect(page).to_have_url(
        f"{page.url.split('#')[0]}#/admin/accounts?prefix=many-01"
    )
    await page.get_by_role("searchbox").fill("many-010x")
    await expect(page.get_by_text("No name begins so.")).to_be_visible()
    await page.get_by_role("searchbox").fill("many-010")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("No keys")
    await page.get_by_role("link", name="many-010").click()
    await expect(page.get_by_role("heading", name="many-010")).to_be_visible()
    await page.go_back()
    await expect(rows).to_have_count(1)


async def test_an_account_is_created_with_grants_that_an_example_key_explains(
    watch: Watch, administrator: Administrator
) -> None:
    page = watch.page
    watch.expect_status(409)
    await open_accounts(page, administrator.account)
    await press(page, "New account")
    await page.get_by_label("User name").fill(administrator.account.username)
    await page.get_by_label("New password").fill("a first password")
    await press(page, "Save")
    await expect(page.get_by_text("This user name is taken.")).to_be_visible()
    await page.get_by_label("User name").fill(ODD)
    await page.get_by_label("The default grants of new accounts").uncheck()
    for number, (prefix, rights) in enumerate([("a/", "rw"), ("b/", "r"), ("c/", "w")]):
        await press(page, "Add a grant")
        await page.get_by_label("Prefix of the keys").nth(number).fill(prefix)
        await page.get_by_label("Rights").nth(number).select_option(rights)
    for key, said in {
        "a/1": "Read and write",
        "b/1": "Read",
        "d/1": "no access",
    }.items():
        await page.get_by_label("Try an example key").fill(key)
        await expect(page.get_by_text(f"{key}: {said}", exact=True)).to_be_visible()
    await press(page, "Save")
    await expect(page.get_by_role("heading", name=ODD, exact=True)).to_be_visible()
    created = await shown(administrator.client, ODD)
    assert created["grants"] == [
        {"prefix": "a/", "rights": "rw"},
        {"prefix": "b/", "rights": "r"},
        {"prefix": "c/", "rights": "w"},
    ]
    await page.get_by_role("link", name="Accounts").click()
    row = page.get_by_role("row").filter(has_text=ODD)
    await expect(row).to_contain_text("Read and write: keys that begin with “a/”")
    await expect(row).to_contain_text("and 1 more")
    assert await page.locator("tbody b").count() == 0


async def test_disabling_an_account_and_a_new_password_end_its_sessions(
    page: Page, administrator: Administrator, user: Client
) -> None:
    name = account_of(user)
    await open_account(page, administrator.account, name)
    await page.get_by_label("Disabled").check()
    await press(page, "Save")
    badge = page.locator(".badge").filter(has_text="Disabled")
    await expect(badge).to_be_visible()
    assert_problem(await user.read(["k"]), 403, "token_revoked")
    await page.get_by_label("Disabled").uncheck()
    await page.get_by_label("New password").fill("another password")
    await press(page, "Save")
    await expect(badge).to_be_hidden()
    assert (await user.login(name, "another password")).status == 200
    await press(page, "End all sessions")
    await confirm(page, "End all sessions")
    await expect(page.get_by_text("All sessions have ended.").last).to_be_visible()
    assert_problem(await user.read(["k"]), 403, "token_revoked")


async def test_grants_apply_from_the_next_call_and_a_deletion_keeps_the_keys(
    page: Page, administrator: Administrator, user: Client
) -> None:
    name = account_of(user)
    assert (await user.write({"kept": 1})).status == 200
    await open_account(page, administrator.account, name)
    await page.get_by_label("Rights").select_option("r")
    await press(page, "Save")
    await expect(page.get_by_text("The account is saved.").last).to_be_visible()
    assert_problem(await user.write({"kept": 2}), 403, "forbidden")
    await press(page, "Delete the account")
    await confirm(page, "Delete the account")
    await expect(page.get_by_role("dialog").get_by_text("This is not")).to_be_visible()
    await page.get_by_label(f"Type {name} to confirm").fill(name)
    await confirm(page, "Delete the account")
    await expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    assert (await shown(administrator.client, name))["code"] == "not_found"
    read = await administrator.client.read(["kept"])
    assert read.json["data"] == {"kept": 1}


async def test_the_last_administrator_stays_one_and_is_warned(
    watch: Watch, administrator: Administrator
) -> None:
    page = watch.page
    watch.expect_status(404, 409)
    await open_account(page, administrator.account, administrator.account.username)
    await expect(page.get_by_text("This is your own account")).to_be_visible()
    await page.get_by_label("Administrator").uncheck()
    await press(page, "Save")
    await expect(page.get_by_text("This is the last administrator")).to_be_visible()
    watch.expect_status(403)
    await page.get_by_label("Administrator").check()
    await page.get_by_label("New password").fill("another password")
    await press(page, "Save")
    dialog = page.get_by_role("dialog", name="Sign in again")
    await dialog.get_by_label("Password", exact=True).fill("another password")
    await confirm(page, "Sign in")
    await expect(dialog).to_be_hidden()
    await page.goto("./#/admin/accounts/nobody")
    await expect(page.get_by_text("This does not exist any more.")).to_be_visible()


async def test_one_who_is_demoted_while_the_page_is_open_is_told_so(
    watch: Watch, administrator: Administrator, user: Client, store: Tarantool
) -> None:
    page = watch.page
    watch.expect_status(403)
    name = account_of(user)
    make_administrator(store, name)
    await open_accounts(page, Account(name, "password"))
    path = f"/api/admin/account?username={name}"
    await administrator.client.request("PATCH", path, {"administrator": False})
    await page.get_by_role("searchbox").fill("a")
    said = page.get_by_role("main").get_by_text("Only administrators can do this.")
    await expect(said).to_be_visible()
    links = page.get_by_role("navigation").get_by_role("link")
    await expect(links.filter(has_text="Accounts")).to_have_count(0)


async def test_the_accounts_are_accessible(
    new_page: NewPage, administrator: Administrator
) -> None:
    async with new_page(viewport=NARROW) as watch:
        page = watch.page
        await open_accounts(page, administrator.account)
        assert await violations(page) == []
        assert await page.evaluate(WIDTH) <= NARROW["width"]
        await press(page, "New account")
        assert await violations(page) == []
        await page.go_back()
        await page.get_by_role("link", name=administrator.account.username).click()
        await expect(
            page.get_by_role("button", name="Save", exact=True)
        ).to_be_visible()
        assert await violations(page) == []
        assert await page.evaluate(WIDTH) <= NARROW["width"]
