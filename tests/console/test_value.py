"""The value pane: exact texts, edits, conflicts, lifetimes, counters."""

import json
from urllib.parse import quote

import pytest
from playwright.async_api import Locator, Page, expect

from service.sizes import KIB, MIB
from tests.console.conftest import NewPage
from tests.console.steps import Account, opened
from tests.support.axe import violations
from tests.support.browser import Watch
from tests.support.client import Client, account_of, unique
from tests.support.console import end_tokens
from tests.support.machine import free_port
from tests.support.proxy import Proxy
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools

#: Numbers, names, escapes and white space that a parser would change.
EXACT = (
    '{"a" : 248480010225057793,\r\n\t"b":[1.0,1e400,-0],'
    '"a":"\\u0041 \\/ é😀",\r\n"c":null,  "d" :true}'
)
HTML = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


def address(key: str) -> str:
    return quote(key, safe="")


async def put(client: Client, key: str, text: str, **fields: object) -> int:
    """Writes the exact text of a value."""
    rest = "".join(
        f",{json.dumps(name)}:{json.dumps(it)}" for name, it in fields.items()
    )
    reply = await client.post(
        "/api/write", f'{{"data":{{{json.dumps(key)}:{text}}}{rest}}}'
    )
    assert reply.status == 200, reply.text
    return reply.revision


async def stored(client: Client, key: str) -> str | None:
    """The exact text of a value; None: there is none."""
    reply = await client.request("GET", f"/api/keys/{address(key)}")
    return None if reply.status == 404 else reply.text


async def lifetime(client: Client, key: str) -> float | None:
    """The seconds that remain; None: it never expires."""
    found: dict[str, float] = (await client.read([key], revisions=True)).json["ttl"]
    return found.get(key)


class Pane:
    """The value pane of a page, as a user sees it."""

    def __init__(self, page: Page, key: str) -> None:
        self.page = page
        self.root = page.get_by_role("region", name=key, exact=True)
        self.text = self.root.get_by_role("region", name="Text", exact=True)
        self.area = self.root.get_by_role("textbox", name="Text")

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    def dialog(self, name: str) -> Locator:
        return self.page.get_by_role("dialog", name=name, exact=True)

    async def shown(self) -> str:
        return str(await self.text.evaluate("element => element.textContent"))

    async def edit(self, text: str) -> None:
        await self.button("Edit").click()
        await self.area.fill(text)


async def open_value(page: Page, account: Account, key: str) -> Pane:
    await opened(page, account, f"#/keys/{address(key)}", key)
    return Pane(page, key)


async def test_a_value_survives_each_step_byte_for_byte(
    page: Page, account: Account, client: Client
) -> None:
    key = unique("exact")
    await put(client, key, EXACT)
    pane = await open_value(page, account, key)
    assert await pane.shown() == EXACT
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert await violations(page) == []

    await page.keyboard.press("e")
    await expect(pane.area).to_be_focused()
    assert await violations(page) == []
    await pane.button("Format").click()
    await expect(pane.area).to_have_value(json_lines())
    await page.keyboard.press("Control+z")
    await expect(pane.area).to_have_value(EXACT.replace("\r\n", "\n"))
    await pane.area.press("Control+End")
    await pane.area.press("ArrowLeft")
    await pane.area.type(',"e":2')
    await page.keyboard.press("Control+s")
    await expect(pane.button("Edit")).to_be_visible()
    await expect(pane.root).to_be_focused()
    assert await stored(client, key) == EXACT[:-1] + ',"e":2}'

    await pane.button("Edit").click()
    await pane.button("Compact").click()
    await pane.button("Save").click()
    await expect(pane.text).to_contain_text('{"a":248480010225057793,')
    compact = EXACT.replace("\r\n", "").replace("\t", "").replace('" :', '":')
    compact = compact.replace(": ", ":").replace(",  ", ",")
    assert await stored(client, key) == compact[:-1] + ',"e":2}'


def json_lines() -> str:
    return "\n".join(
        (
            "{",
            '  "a": 248480010225057793,',
            '  "b": [',
            "    1.0,",
            "    1e400,",
            "    -0",
            "  ],",
            '  "a": "\\u0041 \\/ é😀",',
            '  "c": null,',
            '  "d": true',
            "}",
        )
    )


async def test_an_invalid_text_cannot_be_saved(
    page: Page, account: Account, client: Client
) -> None:
    key = unique("invalid")
    await put(client, key, "1")
    pane = await open_value(page, account, key)
    await pane.edit('{"é😀": 1,\n  "b": 01}')
    problem = pane.root.get_by_role("button", name="Line 2, column 8")
    await expect(problem).to_be_visible()
    await page.keyboard.press("Control+s")
    caret = await pane.area.evaluate("area => area.selectionStart")
    assert (
        caret
        == '{"é😀": 1,\n  "b": 01}'.encode("utf-16-le").index("01".encode("utf-16-le"))
        // 2
    )
    assert await violations(page) == []
    await page.keyboard.press("Tab")
    await expect(pane.area).not_to_be_focused()
    assert not await page.evaluate(
        "dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    )
    await page.keyboard.press("Escape")
    await (
        pane.dialog("Discard your changes?")
        .get_by_role("button", name="Cancel")
        .click()
    )
    await expect(pane.area).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Discard", exact=True).click()
    await expect(pane.text).to_have_text("1")
    assert await stored(client, key) == "1"


async def test_markup_is_shown_as_text(
    page: Page, account: Account, client: Client
) -> None:
    key = unique(f"{HTML}/\n\u202e")
    text = json.dumps([HTML, {HTML: HTML}])
    await put(client, key, text)
    await opened(page, account, f"#/keys/{address(key)}", "Keys")
    value = page.locator("section.value")
    await expect(value.get_by_role("region", name="Text")).to_have_text(text)
    assert await value.locator("h2").evaluate("heading => heading.textContent") == key
    assert await page.locator("img, script:not([src])").count() == 0


async def test_a_large_value_is_cut_and_downloaded(
    page: Page, account: Account, client: Client
) -> None:
    largest, large = unique("largest"), unique("large/ü")
    await put(client, largest, json.dumps("x" * (256 * KIB - 2)))
    text = json.dumps(["é😀" * 200 for _ in range(MIB // 1300)], ensure_ascii=False)
    await put(client, large, text)

    pane = await open_value(page, account, largest)
    assert len(await pane.shown()) == 256 * KIB
    await expect(pane.button("Edit")).to_be_visible()

    await page.evaluate("""() => {
        window.longest = 0;
        new PerformanceObserver(list => list.getEntries().forEach(
            ({duration}) => window.longest = Math.max(window.longest, duration)
        )).observe({type: "longtask"});
        window.began = performance.now();
    }""")
    await page.evaluate(f"location.hash = '#/keys/{address(large)}'")
    pane = Pane(page, large)
    await expect(pane.text).to_be_visible()
    print(
        f"\na value of {len(text.encode())} bytes:",
        await page.evaluate(
            "[performance.now() - window.began, window.longest].map(Math.round)"
        ),
        "ms until it is shown, ms of the longest task",
    )
    shown = await pane.shown()
    assert text.startswith(shown)
    assert 64 * KIB - 4 < len(shown.encode()) <= 64 * KIB
    await expect(pane.root.get_by_text("The first 64 KiB of")).to_be_visible()
    assert await pane.button("Edit").count() == 0

    async with page.expect_download() as download:
        await pane.button("Download").click()
    file = await (await download.value).path()
    assert file.read_bytes() == text.encode()
    assert (await download.value).suggested_filename.endswith(".json")


@pytest.mark.parametrize("width", [360, 1280])
async def test_a_long_key_leaves_every_button_in_reach(
    new_page: NewPage, account: Account, client: Client, width: int
) -> None:
    key = unique("long").ljust(1024, "x")
    await put(client, key, f'"{"y" * 2000}"')
    async with new_page(viewport={"width": width, "height": 740}) as watch:
        pane = await open_value(watch.page, account, key)
        for part in pane.button("Close"), pane.button("Delete"), pane.text:
            box = await part.bounding_box()
            assert box
            assert box["x"] + box["width"] <= width


async def test_a_deletion_by_another_client_is_shown_once(
    page: Page, account: Account, client: Client
) -> None:
    key = unique("deleted")
    await put(client, key, "1")
    pane = await open_value(page, account, key)
    await client.delete([key])
    await pane.button("Show").click()
    await expect(pane.root.get_by_text("This key does not exist.")).to_be_visible()
    await expect(pane.button("Show")).to_have_count(0)


async def test_a_copy_is_exact(
    new_page: NewPage, account: Account, client: Client
) -> None:
    key = unique("copy")
    await put(client, key, EXACT)
    permissions = ["clipboard-read", "clipboard-write"]
    async with new_page(permissions=permissions) as watch:
        pane = await open_value(watch.page, account, key)
        await pane.button("Copy").click()
        await expect(watch.page.locator(".notice", has_text="Copied")).to_be_visible()
        copied = await watch.page.evaluate("navigator.clipboard.readText()")
        assert copied == EXACT


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("Take theirs", '["theirs",1]'), ("Save mine", '["mine",1]')],
)
async def test_a_conflict_is_decided(
    new_page: NewPage, account: Account, client: Client, choice: str, expected: str
) -> None:
    key = unique("conflict")
    await put(client, key, '["base",1]', ttls={key: 5000})
    async with new_page() as one, new_page() as two:
        one.expect_status(412)
        pane = await open_value(one.page, account, key)
        await pane.edit('["mine",1]')
        other = await open_value(two.page, account, key)
        await other.edit('["theirs",1]')
        await other.button("Save").click()
        await expect(other.button("Edit")).to_be_visible()
        await expect(pane.root.get_by_text("Changed by another client")).to_be_visible()
        await pane.button("Save").click()
        dialog = pane.dialog("Conflict")
        before = dialog.get_by_role("region", name="Before")
        await expect(before).to_contain_text('"base"')
        for title, line in (("Mine", "mine"), ("Theirs", "theirs")):
            version = dialog.get_by_role("region", name=title)
            added, removed = (
                version.get_by_role("insertion"),
                version.get_by_role("deletion"),
            )
            await expect(added).to_have_text(f'+   "{line}",')
            await expect(removed).to_contain_text('"base"')
        assert await violations(one.page) == []
        await dialog.get_by_role("button", name=choice).click()
        await expect(pane.text).to_have_text(expected)
        assert await stored(client, key) == expected
        assert (await lifetime(client, key) or 0) > 4000
        if choice == "Save mine":
            await expect(
                other.root.get_by_text("Changed by another client")
            ).to_be_visible()
            await other.button("Show").click()
            await expect(other.text).to_have_text(expected)


async def test_a_conflict_is_edited_further(
    page: Page, watch: Watch, account: Account, client: Client
) -> None:
    key = unique("conflict")
    await put(client, key, "1")
    watch.expect_status(412)
    pane = await open_value(page, account, key)
    await pane.edit("2")
    await put(client, key, "3")
    await pane.button("Save").click()
    await pane.dialog("Conflict").get_by_role("button", name="Continue editing").click()
    await expect(pane.area).to_have_value("2")
    assert await stored(client, key) == "3"
    await pane.button("Save").click()
    await expect(pane.text).to_have_text("2")
    assert await stored(client, key) == "2"

    await pane.edit("4")
    await client.delete([key])
    await pane.button("Save").click()
    dialog = pane.dialog("Conflict")
    theirs = dialog.get_by_role("region", name="Theirs")
    await expect(theirs).to_contain_text("No value")
    await dialog.get_by_role("button", name="Save mine").click()
    await expect(pane.text).to_have_text("4")
    assert await stored(client, key) == "4"

    await pane.edit("5")
    await client.delete([key])
    await pane.button("Save").click()
    await dialog.get_by_role("button", name="Take theirs").click()
    await expect(pane.root.get_by_text("This key does not exist.")).to_be_visible()
    await pane.button("Create").click()
    new = pane.dialog("New key")
    await new.get_by_label("Value, as JSON").fill("[6,]")
    await new.get_by_role("button", name="Create").click()
    await expect(new).to_contain_text("Line 1, column 4")
    assert await violations(page) == []
    await new.get_by_label("Value, as JSON").fill("[6]")
    await new.get_by_role("button", name="Create").click()
    await expect(pane.text).to_have_text("[6]")


async def test_lifetimes_are_kept_changed_and_end(
    page: Page, account: Account, client: Client
) -> None:
    key = unique("lifetime")
    await put(client, key, "1.0", ttls={key: 5000})
    pane = await open_value(page, account, key)
    await expect(pane.root.get_by_role("timer")).to_contain_text(
        "Expires in 1 h 23 min"
    )
    await pane.edit("2.0")
    await pane.button("Save").click()
    await expect(pane.text).to_have_text("2.0")
    assert 4000 < (await lifetime(client, key) or 0) < 5000

    await pane.button("Extend…").click()
    await page.get_by_role("button", name="1 d", exact=True).click()
    assert await violations(page) == []
    await page.get_by_role("button", name="Set", exact=True).click()
    await expect(pane.root.get_by_role("timer")).to_contain_text("23 h")
    await pane.button("Persist").click()
    await expect(pane.button("Set a lifetime…")).to_be_visible()
    assert await lifetime(client, key) is None
    assert await stored(client, key) == "2.0"
    await pane.button("Set a lifetime…").click()
    await pane.dialog("Lifetime").get_by_label("Lifetime from now").fill("2")
    await page.get_by_role("button", name="Set", exact=True).click()
    await expect(pane.root.get_by_text("This key has expired.")).to_be_visible()
    await expect(pane.text).to_have_text("2.0")
    assert await pane.button("Edit").count() == 0


async def test_names_of_keys_are_new(
    page: Page, watch: Watch, account: Account, client: Client
) -> None:
    key, other, new = unique("name"), unique("name"), unique("name")
    await put(client, key, "1.0", ttls={key: 5000})
    before = await put(client, other, "2")
    watch.expect_status(412)
    pane = await open_value(page, account, key)
    await pane.button("Rename").click()
    dialog = pane.dialog("Rename")
    await dialog.get_by_label("Key").fill(other)
    await dialog.get_by_role("button", name="Rename").click()
    await expect(dialog).to_contain_text("This key exists.")
    assert (await stored(client, key), await stored(client, other)) == ("1.0", "2")
    await dialog.get_by_label("Key").fill(new)
    await dialog.get_by_role("button", name="Rename").click()
    pane = Pane(page, new)
    await expect(pane.text).to_have_text("1.0")
    assert (await stored(client, key), await stored(client, new)) == (None, "1.0")
    assert (await lifetime(client, new) or 0) > 4000
    changes = (await client.request("GET", f"/api/changes?since={before}")).json
    assert [change["deleted"] for change in changes["changes"]] == [[key]]

    await pane.button("Duplicate").click()
    dialog = pane.dialog("Duplicate")
    await dialog.get_by_label("Key").fill(other)
    await dialog.get_by_role("button", name="Duplicate").click()
    await expect(dialog).to_contain_text("This key exists.")
    await page.keyboard.press("Escape")
    await page.evaluate(f"location.hash = '#/keys/{address(other)}'")
    pane = Pane(page, other)
    await expect(pane.text).to_have_text("2")
    await put(client, other, "3")
    await expect(pane.root.get_by_text("Changed by another client")).to_be_visible()
    await pane.text.press("Delete")
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("alert")).to_contain_text("Somebody else has changed")
    await pane.button("Show").click()
    await expect(pane.text).to_have_text("3")
    await pane.text.press("Delete")
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(pane.root).to_have_count(0)
    assert await stored(client, other) is None


async def test_counters_are_exact(page: Page, account: Account, client: Client) -> None:
    key = unique("counter")
    await put(client, key, str(2**53), ttls={key: 5000})
    pane = await open_value(page, account, key)
    await pane.button("+1").click()
    await expect(pane.text).to_have_text("9007199254740993")
    await expect(pane.button("+1")).to_be_focused()
    await pane.button("\N{MINUS SIGN}1").click()
    await expect(pane.text).to_have_text("9007199254740992")
    assert await stored(client, key) == str(2**53)
    assert (await lifetime(client, key) or 0) > 4000
    await expect(pane.root.get_by_role("timer")).to_be_visible()
    assert await pane.root.get_by_text("Changed by another client").count() == 0


async def test_an_unsaved_text_survives_the_end_of_the_session(
    page: Page, watch: Watch, account: Account, client: Client, tarantool: Tarantool
) -> None:
    key = unique("session")
    await put(client, key, "1")
    watch.expect_status(401, 403)
    pane = await open_value(page, account, key)
    await pane.edit('"typed"')
    end_tokens(tarantool, account.username)
    dialog = pane.dialog("Sign in again")  # the call that waits for changes has ended
    await dialog.get_by_label("Password").fill(account.password)
    await dialog.get_by_role("button", name="Sign in").click()
    await pane.button("Save").click()
    await expect(pane.text).to_have_text('"typed"')
    await client.login(*account)
    assert await stored(client, key) == '"typed"'


async def test_an_unsaved_text_survives_an_outage(
    new_page: NewPage, console: Client, account: Account, client: Client
) -> None:
    key = unique("outage")
    await put(client, key, "1")
    proxy = Proxy(free_port(), int(console.url.rpartition(":")[2]))
    async with new_page(base_url=f"http://127.0.0.1:{proxy.port}/") as watch:
        watch.expect_unreachable()
        page = watch.page
        async with proxy.running():
            pane = await open_value(page, account, key)
            await pane.edit("2")
        await pane.button("Save").click()
        await expect(page.get_by_role("alert")).to_contain_text("does not respond")
        await expect(pane.area).to_have_value("2")
        await page.evaluate("location.hash = '#/live'")
        asked = pane.dialog("Discard your changes?")
        await asked.get_by_role("button", name="Cancel").click()
        await expect(pane.area).to_have_value("2")
        async with proxy.running():
            await pane.button("Save").click()
            await expect(pane.text).to_have_text("2")
        assert await stored(client, key) == "2"


async def test_an_unsaved_text_survives_the_death_of_the_store(
    new_page: NewPage, tarantools: Tarantools, serve: Serve
) -> None:
    with tarantools.running() as own:
        async with serve(own) as client:
            await client.enter()
            key = unique("death")
            await put(client, key, "1")
            async with new_page(base_url=f"{client.url}/") as watch:
                watch.expect_status(503)
                account = Account(account_of(client), "password")
                pane = await open_value(watch.page, account, key)
                await pane.edit("2")
                own.kill()
                await pane.button("Save").click()
                alert = watch.page.get_by_role("alert").first
                await expect(alert).to_contain_text("The store does not respond")
                await expect(pane.area).to_have_value("2")
                own.start()
                await pane.button("Save").click()
                await expect(pane.text).to_have_text("2")
                assert await stored(client, key) == "2"
