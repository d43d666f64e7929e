"""Pages of other origins in a real browser: what they can do, and what they cannot."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Error, Page

from tests.support.browser import PAGE_TIMEOUT
from tests.support.client import Client, unique
from tests.support.machine import free_port
from tests.support.proxy import Proxy
from tests.support.service import Serve
from tests.support.tarantool import Tarantool

#: Keeps what happens to it; one that forgets opens a new EventSource after an error.
FOLLOW = """
([url, forgets]) => {
    Object.assign(window, {opens: 0, errors: 0, seen: [], ends: []});
    window.open = () => {
        window.source = new EventSource(url);
        source.onopen = () => window.opens++;
        source.onerror = () => { window.errors++; if (forgets) source.close(); };
        source.onmessage = event => seen.push(Number(event.lastEventId));
        source.addEventListener("end", event => ends.push(JSON.parse(event.data).code));
    };
    open();
}
"""

FETCH = """
async ([url, options]) => {
    const reply = await fetch(url, options);
    return [reply.status, await reply.json(), reply.headers.get("KV-Revision")];
}
"""


async def empty(_: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><title>page</title>")


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """The origin of a page that is not the service's."""
    app = web.Application()
    app.router.add_get("/{name:.*}", empty)
    async with TestServer(app, host="127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
async def page(chromium: Browser, site: str) -> AsyncIterator[Page]:
    """A page of that origin."""
    async with await chromium.new_page() as page:
        page.set_default_timeout(PAGE_TIMEOUT)
        await page.goto(f"{site}/")
        yield page


async def written(client: Client, prefix: str, count: int = 3) -> list[int]:
    return [
        (await client.write({f"{prefix}/{number}": number})).revision
        for number in range(count)
    ]


async def ticket_of(client: Client, prefix: str) -> str:
    """The query of a stream."""
    ticket = (await client.post("/api/tickets")).json["ticket"]
    return urlencode({"ticket": ticket, "prefix": prefix})


@pytest.mark.parametrize("forgets", [False, True], ids=["", "forgets"])
async def test_an_event_source_that_is_cut_off_misses_and_repeats_nothing(
    page: Page, site: str, serve: Serve, tarantool: Tarantool, forgets: bool
) -> None:
    """The control forgets where it was: it misses what was written in between."""
    prefix = unique("browser")
    async with serve(tarantool, KV_CORS_ORIGINS=site) as client:
        await client.enter()
        proxy = Proxy(free_port(), int(client.url.rpartition(":")[2]))
        async with proxy.running():
            url = f"http://127.0.0.1:{proxy.port}/api/changes"
            query = await ticket_of(client, prefix)
            await page.evaluate(FOLLOW, [f"{url}?{query}", forgets])
            await page.wait_for_function("opens == 1")
            seen = await written(client, prefix)
            for cut in (1, 2):
                await page.wait_for_function(f"seen.length == {len(seen)}")
                proxy.cut()
                await page.wait_for_function(f"errors == {cut}")
                between = await written(client, prefix)
                if forgets:
                    await page.evaluate("open()")
                await page.wait_for_function(f"opens == {cut + 1}")
                seen += ([] if forgets else between) + await written(client, prefix)
            await page.wait_for_function(f"seen.length == {len(seen)}")
            assert await page.evaluate("seen") == seen

            await client.post("/api/logout")
            await page.wait_for_function("ends.length == 1")
            assert await page.evaluate("ends") == ["token_revoked"]
            # it comes back, is refused, and gives up
            await page.wait_for_function("source.readyState == EventSource.CLOSED")


async def fetched(page: Page, url: str, **options: Any) -> Any:
    return await page.evaluate(FETCH, [url, options])


def calling(client: Client, body: Any) -> dict[str, Any]:
    headers = {
        "Authorization": f"Bearer {client.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": unique("retry"),
    }
    return {"method": "POST", "headers": headers, "body": json.dumps(body)}


@pytest.mark.parametrize("origins", ["", "*"], ids=["listed", "any"])
async def test_a_page_of_an_allowed_origin_reads_and_writes(
    page: Page, site: str, serve: Serve, tarantool: Tarantool, origins: str
) -> None:
    key = unique("key")
    async with serve(tarantool, KV_CORS_ORIGINS=origins or site) as client:
        await client.enter()
        write = calling(client, {"data": {key: 1.5}})
        status, body, revision = await fetched(page, f"{client.url}/api/write", **write)
        assert (status, body) == (200, {"status": "success"})
        read = await client.read([key], revisions=True)
        assert read.json["revisions"] == {key: int(revision)}
        read_back = calling(client, {"keys": [key]})
        found = await fetched(page, f"{client.url}/api/read", **read_back)
        assert found == [200, {"data": {key: 1.5}}, None]
        refused = await fetched(page, f"{client.url}/api/me")
        assert (refused[0], refused[1]["code"]) == (403, "token_missing")
        put = calling(client, 2) | {"method": "PUT"}
        with pytest.raises(Error, match="JSON"):  # 204 has no body, but it came
            await fetched(page, f"{client.url}/api/keys/{key}", **put)
        assert (await client.read([key])).json == {"data": {key: 2}}


@pytest.mark.parametrize("origins", ["", "https://app.example.com"])
async def test_a_page_of_another_origin_reads_and_writes_nothing(
    page: Page, serve: Serve, tarantool: Tarantool, origins: str
) -> None:
    """The control: these are the browser's refusals, which the headers above lift."""
    key = unique("key")
    async with serve(tarantool, KV_CORS_ORIGINS=origins) as client:
        await client.enter()
        for path, options in {
            "/api/write": calling(client, {"data": {key: 1}}),
            "/api/read": calling(client, {"keys": [key]}),
            "/livez": {},
            "/api/me": {},
        }.items():
            with pytest.raises(Error, match="Failed to fetch"):
                await fetched(page, f"{client.url}{path}", **options)
        assert (await client.read([key])).json == {"data": {}}

        query = await ticket_of(client, key)
        url = f"{client.url}/api/changes?{query}"
        await page.evaluate(FOLLOW, [url, False])
        await page.wait_for_function("source.readyState == EventSource.CLOSED")
        assert await page.evaluate("opens") == 0
