"""Live changes of a prefix, as a browser shows them."""

from playwright.async_api import Locator, Page, expect

from service.sizes import KIB
from tests.console.conftest import NewPage
from tests.console.steps import Account, opened
from tests.support.axe import violations
from tests.support.client import Client, account_of, unique
from tests.support.console import end_tokens
from tests.support.machine import free_port
from tests.support.proxy import Proxy
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools

#: What a browser does when the user looks at another page, and at this one again.
HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""

HTML = "<img src=x onerror=alert(1)>"


async def follow(page: Page, account: Account, query: str = "") -> Locator:
    """The rows, the newest first, of a view that is connected."""
    await opened(page, account, f"#/live{query}", "Live changes")
    await expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    return page.get_by_role("list", name="Changes").get_by_role("listitem")


def keys_of(rows: Locator) -> Locator:
    return rows.get_by_role("link")


async def test_changes_are_shown_with_their_exact_texts(
    page: Page, client: Client, account: Account
) -> None:
    prefix = unique("live") + "/"
    rows = await follow(page, account, f"?prefix={prefix}")
    await expect(page.get_by_text("No changes yet.")).to_be_visible()
    assert await violations(page) == []

    text = '{"n":248480010225057793,"n":1.0,"e":1e400}'
    body = f'{{"data": {{"{prefix}n": {text}, "{unique("other")}": 1}}}}'
    revision = (await client.post("/api/write", body)).revision
    await expect(rows).to_have_count(1)
    for shown in (f"{prefix}n", text, str(revision), "written"):
        await expect(rows.first).to_contain_text(shown)
    link = keys_of(rows).first
    await expect(link).to_have_attribute(
        "href", f"#/keys/{prefix.replace('/', '%2F')}n"
    )

    await client.delete([f"{prefix}n"])
    await client.write({f"{prefix}{HTML}": HTML, f"{prefix}long": "x" * 300})
    await expect(rows).to_have_count(4)
    await expect(rows.filter(has_text="deleted")).to_have_count(1)
    await expect(rows.filter(has_text=HTML)).to_contain_text(f'"{HTML}"')
    await expect(rows.filter(has_text="long")).to_contain_text("x" * 199 + "…")
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert await violations(page) == []


async def test_rows_are_filtered_paused_and_cleared(
    page: Page, client: Client, account: Account
) -> None:
    prefix = unique("live") + "/"
    rows = await follow(page, account, f"?prefix={prefix}")
    await client.write({f"{prefix}apple": 1, f"{prefix}pear": 2})
    await expect(rows).to_have_count(2)
    await page.get_by_label("Filter").fill("app")
    await expect(keys_of(rows)).to_have_text([f"{prefix}apple"])
    await client.write({f"{prefix}pear": 3})
    await client.write({f"{prefix}apple": 3})
    await expect(rows).to_have_count(2)
    await page.get_by_label("Filter").fill("nothing")
    await expect(page.get_by_text("No change matches the filter.")).to_be_visible()
    await page.get_by_label("Filter").fill("")
    await expect(rows).to_have_count(4)

    await page.get_by_role("button", name="Clear").click()
    await expect(rows).to_have_count(0)


async def test_a_pause_resumes_from_the_change_log(
    page: Page, client: Client, account: Account
) -> None:
    """After more changes than are shown."""
    prefix = unique("live") + "/"
    rows = await follow(page, account, f"?prefix={prefix}")
    pause = page.get_by_role("button", name="Pause", exact=True)
    resume = page.get_by_role("button", name="Resume", exact=True)
    await pause.click()
    await client.write({f"{prefix}while paused": 1})
    await expect(page.get_by_role("status").filter(has_text="Paused")).to_be_visible()
    await expect(rows).to_have_count(0)
    await resume.click()
    await expect(keys_of(rows)).to_have_text([f"{prefix}while paused"])
    await page.keyboard.press("p")
    for batch in range(4):
        data = {f"{prefix}{batch}/{n}": n for n in range(1000)}
        assert (await client.write(data)).status == 200
    await resume.click()
    await expect(keys_of(rows).first).to_contain_text(f"{prefix}3/")
    await expect(rows).to_have_count(500)
    await expect(page.get_by_text("Older changes are not shown.")).to_be_visible()


async def test_changes_are_followed_from_a_revision(
    page: Page, client: Client, account: Account
) -> None:
    prefix = unique("live") + "/"
    first = (await client.write({f"{prefix}a": 1})).revision
    await client.write({f"{prefix}b": 1})
    rows = await follow(page, account)
    await page.get_by_label("Prefix").fill(prefix)
    await page.get_by_label("After revision").fill(str(first))
    await page.get_by_role("button", name="Follow").click()
    await expect(keys_of(rows)).to_have_text([f"{prefix}b"])
    await client.write({f"{prefix}c": 1})
    await expect(keys_of(rows)).to_have_text([f"{prefix}c", f"{prefix}b"])


async def test_it_resumes_without_gap_or_repetition(
    new_page: NewPage, console: Client, client: Client, account: Account
) -> None:
    prefix = unique("live") + "/"
    proxy = Proxy(free_port(), int(console.url.rpartition(":")[2]))
    async with new_page(base_url=f"http://127.0.0.1:{proxy.port}/") as watch:
        watch.expect_unreachable()
        async with proxy.running():
            rows = await follow(watch.page, account, f"?prefix={prefix}")
            written = (await client.write({f"{prefix}1": 1})).revision
            await expect(rows).to_have_count(1)
            proxy.cut()
            await client.write({f"{prefix}2": 1})
            await expect(rows).to_have_count(2)
        await expect(watch.page.get_by_text("Disconnected")).to_be_visible()
        await client.write({f"{prefix}3": 1})
        async with proxy.running():
            await client.write({f"{prefix}4": 1})
            expected = [f"{prefix}{n}" for n in (4, 3, 2, 1)]
            await expect(keys_of(rows)).to_have_text(expected)
            await expect(rows.last).to_contain_text(str(written))


async def test_a_hidden_page_is_disconnected_and_resumes(
    page: Page, client: Client, account: Account
) -> None:
    prefix = unique("live") + "/"
    rows = await follow(page, account, f"?prefix={prefix}")
    async with page.expect_event("requestfailed"):  # its call
        await page.evaluate(HIDE, True)
    await client.write({f"{prefix}1": 1})
    await page.evaluate(HIDE, False)
    await expect(keys_of(rows)).to_have_text([f"{prefix}1"])
    await client.write({f"{prefix}2": 1})
    await expect(keys_of(rows)).to_have_text([f"{prefix}2", f"{prefix}1"])


async def test_a_revision_before_the_change_log_offers_its_beginning(
    new_page: NewPage, tarantools: Tarantools, serve: Serve
) -> None:
    with tarantools.running(KV_CHANGES_BYTES=str(64 * KIB)) as own:
        async with serve(own) as client:
            await client.enter()
            for n in range(100):
                await client.write({f"k{n}": "x" * KIB})
            async with new_page(base_url=f"{client.url}/") as watch:
                watch.expect_status(410)
                page = watch.page
                account = Account(account_of(client), "password")
                await opened(page, account, "#/live?since=1", "Live changes")
                alert = page.get_by_role("alert")
                await expect(alert).to_contain_text("no longer reaches back that far")
                assert await violations(page) == []
                await page.get_by_role("link", name="Start at revision").click()
                rows = page.get_by_role("list", name="Changes").get_by_role("listitem")
                await expect(keys_of(rows).first).to_have_text("k99")
                await expect(alert).to_have_count(0)


async def test_a_store_without_a_change_log_says_so(
    new_page: NewPage, tarantools: Tarantools, serve: Serve
) -> None:
    with tarantools.running(KV_CHANGES_BYTES="0") as own:
        async with serve(own) as client:
            await client.enter()
            account = Account(account_of(client), "password")
            async with new_page(base_url=f"{client.url}/") as watch:
                watch.expect_status(404)
                await opened(watch.page, account, "#/live", "Live changes")
                alert = watch.page.get_by_role("alert")
                await expect(alert).to_contain_text("The change log is disabled.")


async def test_a_session_that_has_ended_is_signed_in_again(
    new_page: NewPage, client: Client, account: Account, tarantool: Tarantool
) -> None:
    prefix = unique("live") + "/"
    async with new_page() as watch:
        watch.expect_status(401, 403)
        page = watch.page
        rows = await follow(page, account, f"?prefix={prefix}")
        await client.write({f"{prefix}before": 1})
        await expect(rows).to_have_count(1)
        end_tokens(tarantool, account.username)
        dialog = page.get_by_role("dialog", name="Sign in again")
        await expect(dialog).to_be_visible()
        await client.login(*account)
        await client.write({f"{prefix}between": 1})
        await dialog.get_by_label("Password").fill(account.password)
        await dialog.get_by_role("button", name="Sign in").click()
        await expect(rows).to_have_count(2)
        await client.write({f"{prefix}after": 1})
        expected = [f"{prefix}{when}" for when in ("after", "between", "before")]
        await expect(keys_of(rows)).to_have_text(expected)
