"""The list of keys: flat or a tree, its keyboard, its selection, its place."""

import os
import re
import time
from urllib.parse import quote, unquote

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.console.conftest import NewPage
from tests.console.steps import Account, open_console, sign_in
from tests.support.axe import violations
from tests.support.browser import Watch
from tests.support.client import Client, unique
from tests.support.console import set_grants
from tests.support.tarantool import Tarantool

#: Keys that a careless page shows or addresses as something else.
ODD = (
    "<b>bold</b>&amp;<img src=x onerror=alert(1)>",
    "two\nlines\tand a tab",
    " spaces at the ends  ",
    "\u202eright to left\u202c \u05e2\u05d1\u05e8\u05d9\u05ea",
    "50%?prefix=a#/keys/b",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \ue000",
    "a//b/",
)

#: Milliseconds between the frames of the page from now on.
MEASURE_FRAMES = """
() => {
    window.deltas = [];
    let last = performance.now();
    const next = now => {
        window.deltas.push(now - last);
        last = now;
        requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
}
"""


async def open_keys(page: Page, account: Account, query: str = "") -> None:
    await open_console(page, f"#/keys{query}")
    await sign_in(page, *account)


def prefixed(prefix: str, mode: str = "list") -> str:
    return f"?prefix={quote(prefix, safe='')}&mode={mode}"


def row(page: Page, key: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=key))


def folder(page: Page, name: str) -> Locator:
    """The row of a prefix."""
    return page.get_by_role("row").filter(
        has_text=re.compile(f"^{re.escape(name)}"), has=page.get_by_role("button")
    )


def status(page: Page, text: str) -> Locator:
    return page.get_by_role("status").filter(
        has_text=re.compile(f"^{re.escape(text)}$")
    )


def active(page: Page) -> Locator:
    return page.locator(".key-row.active")


async def fill(client: Client, prefix: str, count: int) -> None:
    for start in range(0, count, 10_000):
        names = range(start, min(start + 10_000, count))
        reply = await client.write({f"{prefix}{n:07}": n for n in names})
        assert reply.status == 200, reply.text


async def test_a_list_loads_page_by_page_and_counts_exactly(
    page: Page, account: Account, client: Client
) -> None:
    prefix = unique("pages") + "/"
    await fill(client, prefix, 2500)
    await open_keys(page, account, prefixed(prefix))
    await expect(status(page, "Entries: 1,000+")).to_be_visible()
    grid = page.get_by_role("grid", name="Keys")
    await expect(grid).to_have_attribute("aria-rowcount", "-1")
    await expect(row(page, f"{prefix}0000000")).to_contain_text("1 B")
    await grid.press("End")
    await expect(status(page, "Entries: 2,000+")).to_be_visible()
    await grid.press("End")
    await expect(status(page, "Entries: 2,500")).to_be_visible()
    await grid.press("End")
    last = row(page, f"{prefix}0002499")
    await expect(last).to_have_attribute("aria-rowindex", "2501")
    await expect(grid).to_have_attribute("aria-rowcount", "2501")
    await expect(last).to_be_in_viewport()
    await grid.press("Home")
    await expect(row(page, f"{prefix}0000000")).to_be_in_viewport()
    assert await page.evaluate("document.querySelectorAll('*').length") < 600

    box = page.get_by_role("textbox", name="Prefix")
    await page.keyboard.press("/")
    await expect(box).to_be_focused()
    await box.fill(f"{prefix}00024")
    await expect(status(page, "Entries: 100")).to_be_visible()
    await box.fill(f"{prefix}none")
    await expect(page.get_by_text("There are no keys here")).to_be_visible()
    await box.press("Escape")
    await expect(box).to_have_value("")
    await expect(page).to_have_url(re.compile("prefix=&mode=list"))


async def test_a_tree_shows_levels_and_counts_up_to_1000(
    page: Page, account: Account, client: Client
) -> None:
    prefix = unique("tree") + "/"
    await fill(client, f"{prefix}many/", 1001)
    names = ("few/a", "few/b/c", "few/b/d", "top", "few")
    await client.write({f"{prefix}{name}": name for name in names})
    await open_keys(page, account, prefixed(prefix, "tree"))
    grid = page.get_by_role("treegrid", name="Keys")
    await expect(status(page, "Entries: 4")).to_be_visible()
    await expect(folder(page, "many/")).to_contain_text("1,000+ keys")
    few = folder(page, "few/")
    await expect(few).to_contain_text("3 keys")
    await expect(few).to_have_attribute("aria-expanded", "false")
    await few.click()
    await expect(few).to_have_attribute("aria-expanded", "true")
    await expect(folder(page, "b/")).to_have_attribute("aria-level", "2")
    await folder(page, "b/").click()
    await expect(row(page, f"{prefix}few/b/d")).to_have_attribute("aria-level", "3")
    await expect(grid).to_have_attribute("aria-rowcount", "9")
    await few.click()
    await expect(grid).to_have_attribute("aria-rowcount", "5")

    await page.get_by_role("button", name="Tree").click()
    await expect(status(page, "Entries: 1,000+")).to_be_visible()
    await expect(page).to_have_url(re.compile("mode=list"))


async def test_the_keyboard_reaches_everything(
    page: Page, account: Account, client: Client
) -> None:
    prefix = unique("keyboard") + "/"
    await client.write({f"{prefix}{name}": 1 for name in ("a/1", "a/2", "b", "c")})
    await open_keys(page, account, prefixed(prefix, "tree"))
    await expect(status(page, "Entries: 3")).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.press("ArrowDown")
    grid = page.get_by_role("treegrid", name="Keys")
    await expect(grid).to_be_focused()
    await expect(active(page)).to_contain_text("a/")
    await grid.press("ArrowRight")
    await expect(grid).to_have_attribute("aria-rowcount", "6")
    for _ in range(2):
        await grid.press("ArrowRight")
    await expect(active(page)).to_contain_text("1")
    named = await grid.get_attribute("aria-activedescendant")
    await expect(active(page)).to_have_id(named or "")
    await grid.press("Enter")
    await expect(page).to_have_url(re.compile(quote(f"{prefix}a/1", safe="")))
    await expect(row(page, f"{prefix}a/1")).to_have_attribute("aria-current", "true")
    await expect(grid).to_be_focused()
    await grid.press("ArrowLeft")
    await expect(active(page)).to_contain_text("a/")
    await grid.press("ArrowLeft")
    await expect(grid).to_have_attribute("aria-rowcount", "4")
    await grid.press("End")
    await grid.press("Space")
    await expect(active(page)).to_have_attribute("aria-selected", "true")
    await grid.press("Delete")
    await page.get_by_role("dialog").get_by_role("button", name="Delete").press("Enter")
    await expect(page.get_by_text("Deleted: 1 key.").first).to_be_visible()
    await expect(grid).to_be_focused()
    await expect(active(page)).to_contain_text("b")
    assert (await client.read([f"{prefix}c"])).json["data"] == {}
    await page.get_by_role("button", name="Tree").press("Enter")
    await expect(page.get_by_role("grid", name="Keys")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("Move in the list")


async def test_odd_keys_are_shown_and_opened_as_they_are(
    page: Page, account: Account, client: Client
) -> None:
    prefix = unique("odd") + "/"
    long = prefix + "\u044f" * ((1024 - len(prefix)) // 2)
    keys = [*(prefix + key for key in ODD), long]
    await client.write(dict.fromkeys(keys, "value"))
    await open_keys(page, account, prefixed(prefix))
    await expect(status(page, f"Entries: {len(keys)}")).to_be_visible()
    links = page.get_by_role("grid").get_by_role("link")
    assert await links.evaluate_all("links => links.map(link => link.textContent)") == (
        sorted(keys, key=str.encode)
    )
    symbols = await page.locator(".odd").evaluate_all(
        "odd => odd.map(element => element.dataset.symbol)"
    )
    assert {"\u21b5", "\u21e5", "\u00b7", "\u00b7\u00b7", "U+202E"} <= set(symbols)
    for key in keys:
        await links.nth(sorted(keys, key=str.encode).index(key)).click()
        await expect(page.locator("[aria-current=true] a[title]")).to_have_attribute(
            "title", key
        )
        address = page.url.partition("#/keys/")[2].partition("?")[0]
        assert unquote(address) == key


@pytest.mark.parametrize("key", [".", ".."])
async def test_a_key_of_dots_has_an_address(
    page: Page, account: Account, client: Client, key: str
) -> None:
    await client.write({key: 1})
    await open_keys(page, account, f"/{key}?prefix=.")
    await expect(page.locator("[aria-current=true] a")).to_have_attribute("title", key)
    await client.delete([key])


async def test_a_link_opens_a_key_among_its_neighbours(
    page: Page, account: Account, client: Client
) -> None:
    prefix = unique("link") + "/"
    await fill(client, f"{prefix}a", 500)
    await client.write({f"{prefix}b": 2, f"{prefix}c/d": 3})
    await open_keys(page, account, f"/{quote(f'{prefix}b', safe='')}")
    await expect(status(page, "Entries: 502")).to_be_visible()
    await expect(row(page, f"{prefix}b")).to_be_in_viewport()
    await expect(row(page, f"{prefix}b")).to_have_attribute("aria-current", "true")
    await expect(page.get_by_role("textbox", name="Prefix")).to_have_value(prefix)
    await page.set_viewport_size({"width": 360, "height": 740})
    await expect(page.get_by_role("grid")).to_be_hidden()
    await page.goto("./#/keys")
    await expect(page.get_by_role("grid")).to_be_visible()
    await page.goto("./#/keys/%zz")
    await expect(page.get_by_role("region", name="%zz")).to_be_visible()


async def test_the_place_in_the_list_is_kept(
    page: Page, account: Account, client: Client
) -> None:
    prefix = unique("place") + "/"
    await fill(client, f"{prefix}in/", 300)
    await client.write({f"{prefix}z": 1})
    await open_keys(page, account, prefixed(prefix, "tree"))
    await folder(page, "in/").click()
    await expect(row(page, f"{prefix}in/0000000")).to_be_visible()
    grid = page.get_by_role("treegrid", name="Keys")
    for _ in range(10):
        await grid.press("PageDown")
    key = await active(page).get_by_role("link").get_attribute("title") or ""
    top = await grid.evaluate("grid => grid.scrollTop")
    assert top > 3000
    await grid.press("Enter")
    await page.get_by_role("link", name="Live changes").click()
    await expect(grid).to_be_hidden()
    await client.write({f"{prefix}zz": 1})
    await page.get_by_role("link", name="Keys", exact=True).click()
    await expect(row(page, key)).to_be_in_viewport()
    await expect(status(page, "Entries: 3")).to_be_visible()
    await expect(active(page).get_by_role("link")).to_have_attribute("title", key)
    assert await grid.evaluate("grid => grid.scrollTop") == top
    await expect(page.get_by_role("textbox", name="Prefix")).to_have_value(prefix)
    await client.write({f"{prefix}in/0000000a": 1})
    await page.get_by_role("button", name="Refresh").click()
    await expect(folder(page, "in/")).to_have_count(0)
    await expect(active(page).get_by_role("link")).to_have_attribute("title", key)
    await expect(grid).to_have_attribute("aria-rowcount", "305")
    assert await grid.evaluate("grid => grid.scrollTop") == top


async def test_several_keys_are_deleted(
    page: Page, account: Account, client: Client, watch: Watch
) -> None:
    prefix = unique("several") + "/"
    await fill(client, prefix, 10)
    await open_keys(page, account, prefixed(prefix))
    await row(page, f"{prefix}0000002").get_by_role("checkbox").click()
    await (
        row(page, f"{prefix}0000005").get_by_role("checkbox").click(modifiers=["Shift"])
    )
    await row(page, f"{prefix}0000008").get_by_role("checkbox").click()
    await client.delete([f"{prefix}0000003"])
    await page.get_by_role("button", name="Delete 5 keys").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("heading", name="Delete 5 keys")).to_be_visible()
    await dialog.get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("Deleted: 4 keys.").first).to_be_visible()
    await expect(status(page, "Entries: 5")).to_be_visible()
    left = (await client.list_keys(prefix)).json["keys"]
    assert [key[-1] for key in left] == ["0", "1", "6", "7", "9"]
    grid = page.get_by_role("grid", name="Keys")
    await expect(grid).to_be_focused()
    await grid.press("Home")
    await grid.press("Shift+End")
    await expect(page.get_by_role("button", name="Delete 5 keys")).to_be_visible()
    await page.get_by_role("button", name="Clear the selection").click()
    await expect(page.get_by_role("button", name="Delete all keys")).to_be_visible()

    watch.expect_status(412)
    changed = f"{prefix}0000009"
    await client.write({changed: "changed"})
    await grid.press("Delete")
    await dialog.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("alert")).to_contain_text("changed")
    await expect(row(page, changed)).to_contain_text("9 B")
    await grid.press("Delete")
    await dialog.get_by_role("button", name="Delete").click()
    await expect(status(page, "Entries: 4")).to_be_visible()


async def test_a_prefix_is_deleted_until_it_is_cancelled(
    page: Page, account: Account, client: Client
) -> None:
    prefix = unique("subtree") + "/"
    await fill(client, prefix, 2500)
    await open_keys(page, account, prefixed(prefix))
    await expect(status(page, "Entries: 1,000+")).to_be_visible()
    lists = 0

    async def hold(route: Route) -> None:
        nonlocal lists
        lists += 1
        if lists != 2:  # the page itself cancels the other one
            await route.continue_()

    await page.route("**/api/list", hold)
    dialog = page.get_by_role("dialog", name="Delete all keys with this prefix")

    async def confirm() -> None:
        await page.get_by_role(
            "button", name="Delete all keys with this prefix"
        ).click()
        button = dialog.get_by_role("button", name="Delete all")
        await button.click()
        await expect(dialog.get_by_role("alert")).to_contain_text("This is not")
        await dialog.get_by_label(f"Type {prefix} to confirm").fill(prefix)
        await button.click()

    await confirm()
    await expect(dialog.get_by_role("status")).to_have_text("Deleted: 1,000 keys.")
    await dialog.get_by_role("button", name="Cancel").click()
    notice = page.locator(".notices").get_by_text("Deleted: 1,000 keys.")
    await expect(notice.first).to_be_visible()
    await page.unroute("**/api/list", hold)
    await expect(dialog).to_be_hidden()
    await expect(row(page, f"{prefix}0001000")).to_be_visible()
    await confirm()
    await expect(page.get_by_text("Deleted: 1,500 keys.").first).to_be_visible()
    await expect(page.get_by_text("There are no keys here")).to_be_visible()
    assert (await client.list_keys(prefix)).json["keys"] == []


async def test_the_list_follows_what_the_value_pane_writes(
    page: Page, account: Account, client: Client
) -> None:
    prefix = unique("written") + "/"
    await client.write({f"{prefix}a": 1, f"{prefix}b": 9, f"{prefix}c": 1})
    await open_keys(page, account, prefixed(prefix))
    await row(page, f"{prefix}b").click()
    await expect(row(page, f"{prefix}b")).to_contain_text("1 B")
    await page.get_by_role("button", name="+1").click()
    await expect(row(page, f"{prefix}b")).to_contain_text("2 B")
    await page.keyboard.press("Delete")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Delete").click()
    await expect(status(page, "Entries: 2")).to_be_visible()
    await expect(page.get_by_role("grid", name="Keys")).to_be_focused()
    await expect(page.get_by_text("Choose a key to see its value.")).to_be_visible()

    await page.keyboard.press("n")
    await dialog.get_by_role("textbox", name="Key").fill(f"{prefix}aa")
    await dialog.get_by_role("textbox", name="Value").fill("[1, 2]")
    await dialog.get_by_role("button", name="Create").click()
    await expect(status(page, "Entries: 3")).to_be_visible()
    await expect(row(page, f"{prefix}aa")).to_have_attribute("aria-current", "true")
    await expect(row(page, f"{prefix}aa")).to_have_attribute("aria-rowindex", "3")


async def test_an_expired_key_disappears(
    page: Page, account: Account, client: Client
) -> None:
    prefix = unique("expiry") + "/"
    keys = {name: f"{prefix}{name}" for name in ("soon", "later", "never")}
    ttls = {keys["soon"]: 4, keys["later"]: 86_400 * 3 + 60}
    await client.write(dict.fromkeys(keys.values(), 1), ttls=ttls)
    await open_keys(page, account, prefixed(prefix))
    await expect(row(page, keys["later"])).to_contain_text("3 d")
    await expect(row(page, keys["soon"])).to_contain_text(re.compile(r"[1-4] s"))
    await expect(status(page, "Entries: 2")).to_be_visible()
    await expect(row(page, keys["soon"])).to_have_count(0)


async def test_a_list_says_what_may_be_read(
    page: Page, account: Account, watch: Watch, tarantool: Tarantool
) -> None:
    watch.expect_status(403)
    mine = unique("granted") + "/"
    set_grants(tarantool, account.username, (mine, "rw"))
    await open_keys(page, account)
    await expect(page.get_by_text("There are no keys here")).to_be_visible()
    await page.get_by_role("textbox", name="Prefix").fill("others/")
    await expect(page.get_by_text("No right to read these keys")).to_be_visible()
    await page.get_by_role("link", name=mine).click()
    await expect(page.get_by_text("There are no keys here")).to_be_visible()


async def test_a_page_that_failed_is_loaded_again(
    page: Page, account: Account, client: Client, watch: Watch
) -> None:
    prefix = unique("failed") + "/"
    await fill(client, prefix, 3)
    watch.expect_unreachable()
    await page.route("**/api/list", lambda route: route.abort())
    await open_keys(page, account, prefixed(prefix))
    failed = page.get_by_role("row").filter(has_text="The service does not respond")
    await expect(failed).to_be_visible()
    await page.unroute("**/api/list")
    await failed.get_by_role("button", name="Try again").click()
    await expect(status(page, "Entries: 3")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_keys_are_accessible(
    new_page: NewPage, account: Account, client: Client, scheme: str
) -> None:
    prefix = unique("axe") + "/"
    await fill(client, f"{prefix}a/", 3)
    await client.write({f"{prefix}b": 1}, ttls={f"{prefix}b": 1000})
    options = {"color_scheme": scheme, "reduced_motion": "reduce"}
    async with new_page(**options) as watch:
        page = watch.page
        await open_keys(page, account, prefixed(prefix, "tree"))
        await folder(page, "a/").click()
        await row(page, f"{prefix}a/0000001").get_by_role("checkbox").click()
        assert await violations(page) == []
        await page.get_by_role("button", name="Tree").click()
        await expect(status(page, "Entries: 4")).to_be_visible()
        assert await violations(page) == []
        await page.set_viewport_size({"width": 360, "height": 740})
        assert await violations(page) == []
        wide = "document.documentElement.scrollWidth > innerWidth"
        assert not await page.evaluate(wide)
        await page.get_by_role("textbox", name="Prefix").fill(f"{prefix}none")
        await expect(page.get_by_text("There are no keys here")).to_be_visible()
        assert await violations(page) == []


async def test_many_keys_scroll_with_few_elements(
    new_page: NewPage, account: Account, client: Client
) -> None:
    """Prints figures; `KV_CONSOLE_KEYS` sets the number of keys."""
    count = int(os.environ.get("KV_CONSOLE_KEYS", "20000"))
    prefix = unique("many") + "/"
    await fill(client, prefix, count)
    async with new_page(viewport={"width": 1280, "height": 800}) as watch:
        page = watch.page
        await open_keys(page, account, prefixed(prefix))
        grid = page.get_by_role("grid", name="Keys")
        await expect(row(page, f"{prefix}0000000")).to_be_visible()
        start = time.monotonic()
        await page.get_by_role("textbox", name="Prefix").fill(f"{prefix}0")
        await expect(page).to_have_url(re.compile(quote(f"{prefix}0", safe="")))
        await expect(row(page, f"{prefix}0000000")).to_be_visible()
        first = time.monotonic() - start
        await grid.hover()
        await page.evaluate(MEASURE_FRAMES)
        start = time.monotonic()
        whole = status(page, f"Entries: {count:,}")
        while not await whole.is_visible():
            await page.mouse.wheel(0, 40_000)
            await page.evaluate("new Promise(requestAnimationFrame)")
        seconds = time.monotonic() - start
        await grid.press("End")
        await expect(row(page, f"{prefix}{count - 1:07}")).to_be_in_viewport()
        elements = await page.evaluate("document.querySelectorAll('*').length")
        frames = await page.evaluate("window.deltas")
        session = await page.context.new_cdp_session(page)
        await session.send("HeapProfiler.collectGarbage")
        heap = (await session.send("Runtime.getHeapUsage"))["usedSize"]
    print(
        f"\n{count:,} keys: first rows {first:.2f} s, "
        f"loaded by scrolling in {seconds:.1f} s, longest frame {max(frames):.0f} ms, "
        f"{sum(frame > 50 for frame in frames)} of {len(frames)} frames over 50 ms, "
        f"{elements} elements, {heap / 2**20:.0f} MiB of JavaScript memory"
    )
    assert elements < 600
