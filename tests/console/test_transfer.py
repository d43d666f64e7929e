"""Exports and imports on the page, with a real file on each side."""

import asyncio
import gzip
import json
import re
from pathlib import Path

from playwright.async_api import Download, FilePayload, Locator, Page, expect

from tests.console.conftest import NewPage
from tests.console.steps import Account, open_view
from tests.console.themes import violations
from tests.support.browser import Watch
from tests.support.client import Client, unique

#: JSON texts that JSON.parse and JSON.stringify would change.
EXACT = (
    "248480010225057793",
    "1.0",
    "1e400",
    '{"a": 1, "a": 2}',
    '"<img src=x>\\u00e9"',
    "[ 1,\n2 ]",
)

#: Chromium asks for a file where it is saved; a download needs no dialog.
WITHOUT_PICKER = "delete window.showSaveFilePicker"

#: A file of the browser's own storage stands for one that the user has chosen.
WITH_PICKER = """
window.showSaveFilePicker = async ({ suggestedName: name }) =>
  (await navigator.storage.getDirectory()).getFileHandle(name, { create: true });
"""
SAVED = """async (start) => {
  for await (const [name, file] of await navigator.storage.getDirectory()) {
    if (name.startsWith(start)) return [name, await (await file.getFile()).text()];
  }
}"""

#: Of 4 KB: they take seconds to import.
LINES = 40_000


async def write_texts(client: Client, values: dict[str, str]) -> None:
    members = ",".join(f"{json.dumps(key)}:{text}" for key, text in values.items())
    reply = await client.post("/api/write", f'{{"data":{{{members}}}}}')
    assert reply.status == 200


async def text_of(client: Client, key: str) -> str:
    reply = await client.post("/api/read", {"keys": [key]})
    assert reply.status == 200
    return reply.text.removeprefix(f'{{"data":{{"{key}":').removesuffix("}}")


async def export(page: Page, prefix: str) -> Download:
    await page.get_by_label("Prefix", exact=True).fill(prefix)
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Export", exact=True).click()
    return await download.value


async def choose(page: Page, name: str, content: bytes) -> None:
    file: FilePayload = {"name": name, "mimeType": "", "buffer": content}
    await page.get_by_label("File", exact=True).set_input_files(file)


async def run_import(page: Page, name: str, content: bytes) -> None:
    await choose(page, name, content)
    await page.get_by_role("button", name="Import", exact=True).click()


def result(page: Page) -> Locator:
    """What the page says of a transfer that has ended."""
    return page.locator("section .notice").last


async def test_a_round_trip_keeps_every_value_exact(
    page: Page, client: Client, account: Account
) -> None:
    prefix = f"{unique('trip')}/ü <b>/"
    values = {f"{prefix}{n}": text for n, text in enumerate(EXACT)}
    await write_texts(client, values | {f"{prefix[:-2]}": "0"})
    await page.add_init_script(WITHOUT_PICKER)
    await open_view(page, account, "#/transfer")
    download = await export(page, prefix)
    assert download.suggested_filename.startswith("kv-trip")
    assert download.suggested_filename.endswith(".ndjson")
    await expect(result(page)).to_contain_text("Keys: 6,")
    content = await asyncio.to_thread(Path(await download.path()).read_bytes)
    assert json.loads(content.splitlines()[-1])["keys"] == len(EXACT)
    for key in values:
        await client.delete([key])
    await run_import(page, "export.ndjson", content)
    await expect(result(page)).to_have_text("Lines written: 6, skipped: 0")
    assert {key: await text_of(client, key) for key in values} == values
    await page.get_by_label("If a key exists").select_option("Skip it")
    await run_import(page, "export.ndjson.gz", gzip.compress(content))
    await expect(result(page)).to_have_text("Lines written: 0, skipped: 6")


async def test_an_export_goes_straight_to_a_chosen_file(
    page: Page, client: Client, account: Account
) -> None:
    prefix = unique("chosen")
    await write_texts(client, {f"{prefix}/1": "1.0"})
    await page.add_init_script(WITH_PICKER)
    await open_view(page, account, f"#/transfer?prefix={prefix}")
    await page.get_by_role("button", name="Export", exact=True).click()
    await expect(result(page)).to_contain_text("Keys: 1,")
    name, text = await page.evaluate(SAVED, f"kv-{prefix}")
    assert name.endswith(".ndjson")
    assert '"value":1.0' in text.splitlines()[1]


async def test_an_error_has_its_line_and_a_corrected_file_is_imported(
    watch: Watch, client: Client, account: Account
) -> None:
    page = watch.page
    prefix = unique("wrong")
    lines = [f'{{"key": "{prefix}/{n:04}", "value": {n}.0}}' for n in range(1, 3001)]
    wrong = "\n".join([*lines[:2499], "{oops", *lines[2500:]]).encode()
    await write_texts(client, {f"{prefix}/3000": "0"})
    await open_view(page, account, "#/transfer")
    await page.get_by_label("If a key exists").select_option("Stop there")
    await run_import(page, "lines.ndjson", wrong)
    notice = page.get_by_role("alert").filter(has_text="Error in line 2,500")
    await expect(notice).to_contain_text("Written through line")
    await choose(page, "corrected.ndjson", "\n".join(lines[:-1]).encode())
    await page.get_by_label("If a key exists").select_option("Skip it")
    await page.get_by_role("button", name="Import", exact=True).click()
    await expect(result(page)).to_contain_text(re.compile(r"Lines written: [\d,]+, sk"))
    assert await text_of(client, f"{prefix}/2500") == "2500.0"
    await page.get_by_label("If a key exists").select_option("Stop there")
    watch.expect_status(412)
    await choose(page, "again.ndjson", lines[-1].encode())
    await page.get_by_role("button", name="Import", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("Nothing was written.")
    assert await text_of(client, f"{prefix}/3000") == "0"


async def test_an_empty_file_is_an_error(watch: Watch, account: Account) -> None:
    watch.expect_status(400)
    await open_view(watch.page, account, "#/transfer")
    await run_import(watch.page, "empty.ndjson", b"")
    await expect(watch.page.get_by_role("alert")).to_contain_text(
        "Nothing was written."
    )
    await expect(watch.page.get_by_label("If a key exists")).to_be_enabled()


async def test_an_import_guards_the_page_and_is_cancelled(
    page: Page, client: Client, account: Account, tmp_path: Path
) -> None:
    prefix = unique("long")
    large = tmp_path / "large.ndjson"
    await asyncio.to_thread(write_large, large, prefix)
    await open_view(page, account, "#/transfer")
    await page.get_by_label("File", exact=True).set_input_files(large)
    await page.get_by_role("button", name="Import", exact=True).click()
    await expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_focused()
    await expect(page.get_by_text(re.compile(r"MiB of \d+ MiB"))).to_be_visible()
    await expect(page.get_by_role("button", name="Import", exact=True)).to_be_disabled()
    await page.get_by_role("link", name="Account", exact=True).click()
    dialog = page.get_by_role("dialog", name="Stop the transfer?")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(page).to_have_url(re.compile("#/transfer$"))
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await expect(result(page)).to_contain_text("Cancelled.")
    await expect(result(page)).to_contain_text("What was written stays.")
    await expect(page.get_by_role("button", name="Import", exact=True)).to_be_enabled()


def write_large(path: Path, prefix: str) -> None:
    """A file that takes seconds to import."""
    value = "x" * 4000
    with path.open("w") as file:
        for n in range(LINES):
            file.write(f'{{"key": "{prefix}/{n % 100}", "value": "{value}"}}\n')


async def test_an_export_that_ends_early_is_reported(
    watch: Watch, client: Client, account: Account
) -> None:
    page = watch.page
    prefix = unique("cut")
    value = json.dumps("x" * 900_000)
    for n in range(60):
        await write_texts(client, {f"{prefix}/{n:03}": value})
    await page.add_init_script(WITHOUT_PICKER)
    await open_view(page, account, "#/transfer")
    await page.get_by_label("Prefix", exact=True).fill(prefix)
    await page.get_by_role("button", name="Export", exact=True).click()
    await expect(page.get_by_text(re.compile(r"Keys: \d+, .* MiB"))).to_be_visible()
    await client.post("/api/logout")
    alert = page.get_by_role("alert").filter(has_text="The file is incomplete.")
    await expect(alert).to_have_text(
        "The file is incomplete. Your session has ended. Sign in again."
    )


async def test_the_page_is_accessible_in_both_themes_and_russian(
    new_page: NewPage, account: Account
) -> None:
    async with new_page() as watch:
        await open_view(watch.page, account, "#/transfer")
        assert await violations(watch.page) == []
        await watch.page.get_by_label("Language").select_option("ru")
        heading = watch.page.get_by_role("heading", name="Импорт и экспорт")
        await expect(heading).to_be_visible()
        wrong: FilePayload = {"name": "a", "mimeType": "", "buffer": b"{oops"}
        await watch.page.get_by_label("Файл", exact=True).set_input_files(wrong)
        watch.expect_status(400)
        await watch.page.get_by_role("button", name="Импорт", exact=True).click()
        error = watch.page.get_by_role("alert").filter(has_text="Ошибка в строке 1")
        await expect(error).to_be_visible()
        assert await violations(watch.page) == []
        await watch.page.set_viewport_size({"width": 360, "height": 740})
        width = await watch.page.evaluate("document.documentElement.scrollWidth")
        assert width == 360
