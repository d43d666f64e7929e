"""The page of the account: rights, password, sessions, access tokens, deletion."""

import re

from playwright.async_api import Locator, Page, expect

from tests.console.conftest import NewPage
from tests.console.steps import Account, open_view
from tests.console.themes import violations
from tests.support.browser import Watch
from tests.support.client import Client, unique
from tests.support.console import make_administrator, set_grants
from tests.support.tarantool import Tarantool


def dialog(page: Page, name: str) -> Locator:
    return page.get_by_role("dialog", name=name, exact=True)


async def press(where: Page | Locator, name: str) -> None:
    await where.get_by_role("button", name=name, exact=True).click()


async def test_rights_are_shown_in_words(
    page: Page, account: Account, tarantool: Tarantool
) -> None:
    make_administrator(tarantool, account.username)
    set_grants(tarantool, account.username, ("", "r"), ("orders/<b>", "rw"))
    await open_view(page, account, "#/account")
    rights = page.locator("main .card").first.get_by_role("listitem")
    await expect(rights).to_have_text(
        ["Read: every key", "Read and write: keys that begin with “orders/<b>”"]
    )
    await expect(page.get_by_text("Administrator", exact=True)).to_be_visible()
    set_grants(tarantool, account.username)
    await page.get_by_label("Language").select_option("ru")
    await expect(rights).to_have_text(["Нет доступа к ключам"])


async def test_an_access_token_is_created_shown_once_and_revoked(
    watch: Watch, account: Account, visitor: Client
) -> None:
    page = watch.page
    await open_view(page, account, "#/account")
    await press(page, "Create an access token")
    form = dialog(page, "Create an access token")
    await form.get_by_label("Name").fill("nightly report")
    await form.get_by_label("All rights of the account").uncheck()
    await form.get_by_label("Prefix of the keys").fill("orders/")
    await form.get_by_label("Try an example key").fill("orders/17")
    explained = form.get_by_text("orders/17: ")
    await expect(explained).to_have_text("orders/17: Read")
    await press(form, "Add a grant")
    await form.get_by_label("Prefix of the keys").last.fill("orders/1")
    await form.get_by_label("Rights").last.select_option("w")
    await expect(explained).to_have_text("orders/17: Read and write")
    await form.get_by_role("button", name="Remove the grant").last.click()
    await expect(form.get_by_role("button", name="Add a grant")).to_be_focused()
    await form.get_by_label("Days, or empty").fill("7")
    await form.get_by_label("Current password").fill("wrong")
    watch.expect_status(401)
    await press(form, "Create an access token")
    await expect(form.get_by_role("alert")).to_contain_text("password is wrong.")
    await form.get_by_label("Current password").fill(account.password)
    await press(form, "Create an access token")
    shown = dialog(page, "Access token")
    await expect(shown.get_by_text("it is not shown again")).to_be_visible()
    visitor.token = await shown.get_by_label("Access token").input_value()
    assert visitor.token.startswith("kvt_")
    assert (await visitor.read(["orders/1"])).status == 200
    assert (await visitor.write({"orders/1": 1})).status == 403
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await press(shown, "Copy")
    await expect(shown.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == visitor.token
    await shown.get_by_role("button", name="Close").click()
    row = page.get_by_role("listitem").filter(has_text="nightly report")
    await expect(row).to_contain_text("Read: keys that begin with “orders/”")
    await expect(row).to_contain_text(
        re.compile("Created .* expires .* not used yet|last")
    )
    await press(page, "Revoke nightly report")
    await press(dialog(page, "Revoke nightly report"), "Revoke nightly report")
    await expect(page.get_by_text("None yet.")).to_be_visible()
    await expect(
        page.get_by_role("button", name="Create an access token")
    ).to_be_focused()
    assert (await visitor.read(["orders/1"])).status == 403


async def test_a_new_password_keeps_this_session_and_ends_others(
    page: Page, account: Account, client: Client
) -> None:
    created = {"password": account.password, "name": "kept"}
    program = Client(client.session, client.url)
    program.token = (await client.post("/api/tokens", created)).json["token"]
    await open_view(page, account, "#/account")
    await press(page, "Change the password")
    form = dialog(page, "Change the password")
    await form.get_by_label("Current password").fill(account.password)
    await form.get_by_label("New password", exact=True).fill("battery staple")
    await form.get_by_label("New password again").fill("another")
    await press(form, "Change the password")
    await expect(form.get_by_role("alert")).to_have_text("The passwords differ.")
    await form.get_by_label("New password again").fill("battery staple")
    await press(form, "Change the password")
    await expect(page.get_by_text("The password is changed.").first).to_be_visible()
    await expect(page.get_by_role("heading", name="kept")).to_be_visible()
    assert (await client.request("GET", "/api/me")).status == 403
    assert (await program.request("GET", "/api/me")).status == 200
    await press(page, "Change the password")
    await form.get_by_label("Current password").fill("battery staple")
    await form.get_by_label("New password", exact=True).fill("correct horse")
    await form.get_by_label("New password again").fill("correct horse")
    await form.get_by_label("Keep access tokens").uncheck()
    await press(form, "Change the password")
    await expect(page.get_by_text("None yet.")).to_be_visible()
    assert (await program.request("GET", "/api/me")).status == 403


async def test_signing_out_everywhere_ends_every_session(
    page: Page, account: Account, client: Client
) -> None:
    await open_view(page, account, "#/account")
    await press(page, "Sign out everywhere")
    await press(dialog(page, "Sign out everywhere"), "Cancel")
    assert (await client.request("GET", "/api/me")).status == 200
    await press(page, "Sign out everywhere")
    await press(dialog(page, "Sign out everywhere"), "Sign out everywhere")
    await expect(page.get_by_text("All sessions have ended.").first).to_be_visible()
    await expect(page.get_by_label("User name")).to_be_focused()
    assert (await client.request("GET", "/api/me")).status == 403


async def test_an_account_is_deleted_and_its_keys_stay(
    watch: Watch, account: Account, client: Client, visitor: Client
) -> None:
    page = watch.page
    key = unique("stays")
    await client.write({key: 1})
    await open_view(page, account, "#/account")
    await press(page, "Delete the account")
    form = dialog(page, "Delete the account")
    await form.get_by_label("Current password").fill(account.password)
    typed = form.get_by_label(f"Type {account.username} to confirm")
    await typed.fill("not me")
    await press(form, "Delete the account")
    await expect(form.get_by_role("alert")).to_contain_text("This is not")
    await typed.fill(account.username)
    await form.get_by_label("Current password").fill("wrong")
    watch.expect_status(401)
    await press(form, "Delete the account")
    await expect(page.get_by_text("The password is wrong.")).to_be_visible()
    await press(page, "Delete the account")
    await expect(form.get_by_label("Current password")).to_have_value("")
    await form.get_by_label("Current password").fill(account.password)
    await typed.fill(account.username)
    await press(form, "Delete the account")
    await expect(page.get_by_text("The account is deleted.").first).to_be_visible()
    await expect(page.get_by_label("User name")).to_be_visible()
    assert (await client.login(*account)).status == 401
    await visitor.enter()
    assert (await visitor.read([key])).json["data"] == {key: 1}


async def test_the_page_is_accessible(
    new_page: NewPage, account: Account, client: Client
) -> None:
    await client.post("/api/tokens", {"password": account.password, "name": "one"})
    async with new_page() as watch:
        page = watch.page
        await open_view(page, account, "#/account")
        await expect(page.get_by_role("heading", name="one")).to_be_visible()
        assert await violations(page) == []
        await page.set_viewport_size({"width": 360, "height": 740})
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        await press(page, "Create an access token")
        await page.get_by_label("All rights of the account").uncheck()
        body = page.locator(".dialog-body")
        assert await body.evaluate("body => body.scrollWidth <= body.clientWidth")
        assert await violations(page) == []
