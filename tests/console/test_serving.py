"""The files of the console: where they are, and their headers."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, Error

from service.api.console import FILES as SERVED
from tests.console.conftest import NewPage
from tests.console.steps import open_console
from tests.support.assertions import assert_problem
from tests.support.browser import Watch, watched_page
from tests.support.client import Client
from tests.support.console_urls import CONSOLE_FILES
from tests.support.nginx import nginx
from tests.support.raw_http import http, talk
from tests.support.service import Serve
from tests.support.tarantool import Tarantool

PATHS = sorted(CONSOLE_FILES)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}

#: Not of the console's files; sent as they are.
ELSEWHERE = (
    *("", "nothing.js", "index.html", "main.js/", "MAIN.JS", "main%00.js", "%0a"),
    *("../settings.py", "..%2fsettings.py", "%2e%2e/settings.py", "main.js/.."),
    *("%2e%2e%2fsettings.py", "./../settings.py", "//../settings.py"),
    *("app/../../settings.py", "..%5csettings.py", "%252e%252e%252fsettings.py"),
    *("/etc/passwd", "%2fetc%2fpasswd", "../../../../../../../../etc/passwd"),
)


@pytest.mark.parametrize("path", PATHS)
async def test_a_file_is_served_as_it_is(visitor: Client, path: str) -> None:
    url, file = visitor.url + path, CONSOLE_FILES[path]
    content = await asyncio.to_thread(file.read_bytes)
    async with visitor.session.get(url) as response:
        assert (response.status, await response.read()) == (200, content)
        headers = response.headers
    assert headers.getall("Content-Type") == [TYPES[file.suffix]]
    assert headers.getall("Content-Security-Policy") == [POLICY]
    assert headers.getall("X-Content-Type-Options") == ["nosniff"]
    assert headers.getall("Cache-Control") == ["no-cache"]
    async with visitor.session.head(url) as response:
        assert (response.status, await response.read()) == (200, b"")
        for name in ("Content-Type", "Content-Security-Policy", "ETag"):
            assert response.headers[name] == headers[name]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_file_that_has_not_changed_is_not_sent_again(
    visitor: Client, path: str, method: str
) -> None:
    first = await visitor.request("GET", path)
    tag = {"If-None-Match": first.headers["ETag"]}
    unchanged = await visitor.request(method, path, headers=tag)
    assert (unchanged.status, unchanged.text) == (304, "")
    for name in ("ETag", "Cache-Control", "Content-Security-Policy"):
        assert unchanged.headers[name] == first.headers[name]
    changed = await visitor.request("GET", path, headers={"If-None-Match": '"other"'})
    assert (changed.status, changed.text) == (200, first.text)


async def test_tags_differ(visitor: Client) -> None:
    tags = {(await visitor.request("GET", path)).headers["ETag"] for path in PATHS}
    assert len(tags) == len(PATHS)


async def test_a_large_file_is_compressed(
    visitor: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of which the console may have none."""
    large = tmp_path / "large.js"
    large.write_bytes(b"// the same\n" * 10_000)
    monkeypatch.setitem(SERVED, "large.js", large)
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        headers = {"Accept-Encoding": "gzip"}
        url = f"{visitor.url}/console/large.js"
        async with session.get(url, headers=headers) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert gzip.decompress(await response.read()) == large.read_bytes()


@pytest.mark.parametrize("path", ELSEWHERE)
async def test_nothing_else_is_served(service: Client, path: str) -> None:
    reply = await talk(service, http("GET", f"/console/{path}"))
    assert (reply.status, reply.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/console/main.js"])
async def test_the_files_are_only_read(visitor: Client, method: str, path: str) -> None:
    reply = await visitor.request(method, path)
    assert_problem(reply, 405, "method_not_allowed")


@pytest.fixture(scope="module")
async def without(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    async with serve(tarantool, KV_CONSOLE="off") as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_without_a_console_the_root_leads_to_the_docs(
    without: Client, method: str
) -> None:
    async with without.session.request(
        method, f"{without.url}/?a=b", allow_redirects=False
    ) as response:
        assert (response.status, response.headers["Location"]) == (302, "docs")
        assert await response.read() == b""
    async with without.session.request(method, f"{without.url}/") as response:
        assert (response.status, response.url.path) == (200, "/docs")


async def test_without_a_console_its_files_are_not_served(without: Client) -> None:
    for path in PATHS:
        if path != "/":
            assert_problem(await without.request("GET", path), 404, "not_found")


# In a browser


def loaded(watch: Watch, url: str) -> set[str]:
    """The paths of the page's requests below this URL; none may be elsewhere."""
    assert watch.elsewhere(url) == []
    return {request.removeprefix(url) for request in watch.requests}


async def test_the_page_loads_its_modules(watch: Watch, console: Client) -> None:
    await open_console(watch.page)
    assert {"/", "/console/main.js"} <= loaded(watch, console.url)


async def test_the_page_loads_its_modules_below_a_path_of_a_proxy(
    chromium: Browser, console: Client, tmp_path: Path
) -> None:
    with nginx(tmp_path / "below", console.url, path="/kv/") as url:
        async with watched_page(chromium, base_url=f"{url}/") as watch:
            await open_console(watch.page)
            assert {"/", "/console/main.js"} <= loaded(watch, url)


async def test_the_policy_refuses_markup_made_of_text(watch: Watch) -> None:
    await open_console(watch.page)
    async with watch.page.expect_console_message(
        lambda message: message.text.startswith("Violation: require-trusted-types-for")
    ):
        with pytest.raises(Error, match="TrustedHTML"):
            await watch.page.evaluate("document.body.innerHTML = '<b>bold</b>'")
    assert watch.complaints
    watch.complaints.clear()


async def test_a_complaint_that_no_test_has_checked_is_reported(
    new_page: NewPage,
) -> None:
    """The control of every test with a page."""

    async def use() -> None:
        async with new_page() as watch:
            await open_console(watch.page)
            await watch.page.evaluate("console.warn('a warning of the page')")

    with pytest.raises(AssertionError, match="of the page"):
        await use()


async def test_only_the_statuses_that_a_test_expects_are_no_complaints(
    watch: Watch,
) -> None:
    await open_console(watch.page)
    watch.expect_status(404)
    await watch.page.evaluate("fetch('nothing')")
    await watch.assert_no_complaints()
    await watch.page.evaluate("fetch('api/me')")
    with pytest.raises(AssertionError, match="status of 403"):
        await watch.assert_no_complaints()
    watch.complaints.clear()
