"""Signing in and registering; how a session lives on, and how it ends."""

import contextlib
import re

from playwright.async_api import FilePayload, Locator, Page, expect

from tests.console.conftest import NewPage
from tests.console.steps import Account, open_console, open_view
from tests.console.themes import violations
from tests.support.addresses import FREE
from tests.support.browser import Watch
from tests.support.client import Client, unique
from tests.support.full_memory import FILL, TINY_MEMORY
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools

KEEP = "Stay signed in when this page is reloaded"
STORED = "[Object.keys(localStorage), document.cookie, Object.keys(sessionStorage)]"


async def fill(page: Page, account: Account) -> None:
    await page.get_by_label("User name").fill(account.username)
    await page.get_by_label("Password", exact=True).fill(account.password)


async def press(page: Page | Locator, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def expect_alert(page: Page, text: str | re.Pattern[str]) -> None:
    await expect(page.get_by_role("alert").filter(has_text=text)).to_be_visible()


async def expect_signed_in(page: Page) -> None:
    await expect(
        page.get_by_role("heading", name="Account", exact=True)
    ).to_be_visible()


async def expect_signed_out(page: Page) -> None:
    await expect(page.get_by_label("User name")).to_be_visible()


async def test_a_new_account_is_registered_and_signed_in(
    watch: Watch, account: Account
) -> None:
    page = watch.page
    new = Account(unique("user"), "correct horse")
    await open_console(page, "#/account")
    await press(page, "Create an account")
    name = page.get_by_label("User name")
    await expect(name).to_be_focused()
    await expect(name).to_have_attribute("autocomplete", "username")
    first = page.get_by_label("New password", exact=True)
    again = page.get_by_label("New password again")
    for field in (first, again):
        await expect(field).to_have_attribute("autocomplete", "new-password")
        await expect(field).to_have_attribute("type", "password")
    await name.fill(account.username)
    await first.fill(new.password)
    await again.fill("another")
    await press(page, "Create an account")
    await expect_alert(page, "The passwords differ.")
    await again.fill(new.password)
    watch.expect_status(409)
    await press(page, "Create an account")
    await expect_alert(page, "This user name is taken.")
    await name.fill(new.username)
    await press(page, "Create an account")
    await expect_signed_in(page)
    await expect(page.get_by_role("banner")).to_contain_text(new.username)


async def test_a_wrong_password_keeps_what_was_typed_and_many_are_throttled(
    watch: Watch, account: Account
) -> None:
    page = watch.page
    await open_console(page, "#/account")
    password = page.get_by_label("Password", exact=True)
    await expect(password).to_have_attribute("autocomplete", "current-password")
    await fill(page, Account(account.username, "wrong"))
    watch.expect_status(401, 429)
    button = page.get_by_role("button", name="Sign in", exact=True)
    for _ in range(FREE):
        async with page.expect_response("**/api/login") as reply:
            await button.click()
        assert (await reply.value).status == 401
        await expect_alert(page, "The user name or the password is wrong.")
        await expect(button).to_be_enabled()
    await button.click()
    await expect_alert(
        page, re.compile(r"Too many attempts\. Try again at .*\d\d:\d\d")
    )
    await expect(page.get_by_label("User name")).to_have_value(account.username)
    await page.get_by_label("Language").select_option("ru")
    await expect(page.get_by_role("heading", name="Войти")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("button", name="Войти", exact=True)).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == "ru"


async def test_a_session_outlives_a_reload_only_if_the_user_wants_so(
    page: Page, account: Account, client: Client
) -> None:
    await open_view(page, account, "#/account")
    await expect_signed_in(page)
    assert await page.evaluate(STORED) == [[], "", []]
    await page.reload()
    await expect_signed_out(page)
    await page.get_by_label(KEEP).check()
    await fill(page, account)
    await press(page, "Sign in")
    await expect_signed_in(page)
    await page.reload()
    await expect_signed_in(page)
    assert await page.evaluate(STORED) == [[], "", ["kv.token"]]
    assert await page.context.cookies() == []
    await press(page, "Sign out")
    await expect_signed_out(page)
    assert await page.evaluate(STORED) == [[], "", []]
    await page.reload()
    await expect_signed_out(page)
    assert (await client.request("GET", "/api/me")).status == 200


async def test_a_session_that_ended_elsewhere_continues_after_signing_in_again(
    watch: Watch, account: Account, client: Client
) -> None:
    page = watch.page
    await open_view(page, account, "#/account")
    await press(page, "Create an access token")
    await page.get_by_label("Name").fill("kept")
    await page.get_by_label("Current password").fill(account.password)
    assert (await client.post("/api/logout")).status == 200
    watch.expect_status(401, 403)
    await press(page.get_by_role("dialog"), "Create an access token")
    dialog = page.get_by_role("dialog", name="Sign in again")
    await expect(dialog).to_contain_text(f"of {account.username} has ended")
    await dialog.get_by_label("Password", exact=True).fill("wrong")
    await dialog.get_by_role("button", name="Sign in", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_contain_text("is wrong")
    await dialog.get_by_label("Password", exact=True).fill(account.password)
    await dialog.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("textbox", name="Access token")).to_be_visible()
    await page.get_by_role("dialog").get_by_role("button", name="Close").click()
    await expect(page.get_by_role("heading", name="kept")).to_be_visible()


async def test_the_token_of_an_active_user_is_exchanged(
    watch: Watch, account: Account
) -> None:
    page = watch.page
    await page.clock.install()
    await open_view(page, account, "#/account")
    await expect_signed_in(page)
    await page.clock.fast_forward("31:00")
    assert not any(url.endswith("/api/refresh") for url in watch.requests)
    await page.keyboard.press("Shift")
    async with page.expect_response("**/api/refresh") as reply:
        await page.clock.fast_forward("00:11")
    assert (await reply.value).status == 200


async def test_an_expired_session_is_noticed_by_the_next_call(
    serve: Serve, tarantool: Tarantool, new_page: NewPage, account: Account
) -> None:
    async with (
        serve(tarantool, KV_TOKEN_TTL="1") as client,
        new_page(base_url=f"{client.url}/") as watch,
    ):
        watch.expect_status(403)
        await watch.page.add_init_script("delete window.showSaveFilePicker")
        await open_view(watch.page, account, "#/account")
        assert (await client.login(*account)).status == 200
        while (await client.request("GET", "/api/me")).status == 200:
            pass  # for a second
        await watch.page.get_by_role("link", name="Import and export").click()
        await watch.page.get_by_label("Prefix", exact=True).fill(unique("none"))
        await press(watch.page, "Export")
        dialog = watch.page.get_by_role("dialog", name="Sign in again")
        await dialog.get_by_label("Password", exact=True).fill(account.password)
        await dialog.get_by_role("button", name="Sign in", exact=True).click()
        await expect(watch.page.locator("section .notice")).to_contain_text("Keys: ")


async def test_a_closed_registration_is_said_in_words(
    serve: Serve, tarantool: Tarantool, new_page: NewPage
) -> None:
    async with (
        serve(tarantool, KV_REGISTRATION="closed") as client,
        new_page(base_url=f"{client.url}/") as watch,
    ):
        watch.expect_status(403)
        page = watch.page
        await open_console(page)
        await press(page, "Create an account")
        await page.get_by_label("User name").fill(unique("user"))
        await page.get_by_label("New password", exact=True).fill("password")
        await page.get_by_label("New password again").fill("password")
        await press(page, "Create an account")
        await expect_alert(page, "Registration is closed: ask an administrator")


async def test_a_full_store_and_one_that_is_away_are_said_in_words(
    serve: Serve, tarantools: Tarantools, new_page: NewPage
) -> None:
    with tarantools.running(KV_MEMTX_MEMORY=TINY_MEMORY) as own:
        async with (
            serve(own, KV_FAILOVER_WAIT="0") as client,
            new_page(base_url=f"{client.url}/") as watch,
        ):
            account = Account(unique("user"), "password")
            assert (await client.register(*account)).status == 200
            own.console(FILL)
            watch.expect_status(503)
            page = watch.page
            await open_view(page, account, "#/transfer")
            line = b'{"key": "k", "value": "%s"}' % (b"x" * 5000)
            file: FilePayload = {"name": "a", "mimeType": "", "buffer": line}
            await page.get_by_label("File", exact=True).set_input_files(file)
            await press(page, "Import")
            await expect_alert(
                page, "The store is full. Reads and deletions still work."
            )
            await press(page, "Sign out")
            await fill(page, account)
            own.kill()
            await press(page, "Sign in")
            await expect_alert(page, "The store does not respond")
            await expect(page.get_by_label("User name")).to_have_value(account.username)


async def test_a_service_that_is_away_is_said_in_words(
    serve: Serve, tarantool: Tarantool, new_page: NewPage, account: Account
) -> None:
    async with contextlib.AsyncExitStack() as pages:
        async with serve(tarantool) as client:
            opened = new_page(base_url=f"{client.url}/")
            watch = await pages.enter_async_context(opened)
            await open_console(watch.page, "#/account")
            await fill(watch.page, account)
        watch.expect_unreachable()
        await press(watch.page, "Sign in")
        await expect_alert(watch.page, "The service does not respond.")


async def test_the_pages_are_accessible(new_page: NewPage) -> None:
    async with new_page() as watch:
        await open_console(watch.page)
        assert await violations(watch.page) == []
        await press(watch.page, "Create an account")
        assert await violations(watch.page) == []
