"""Swagger UI at /docs in a real browser: it shows every call, and makes it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser, Error, Locator, Page, Route, expect

from tests.support.browser import PAGE_TIMEOUT, Watch, empty_page
from tests.support.client import Client, account_of, unique
from tests.support.console import make_administrator
from tests.support.nginx import nginx
from tests.support.tarantool import Tarantool


class Shown(NamedTuple):
    """A reply as the page shows it: `reply` is its JSON, None where it has no body."""

    status: str
    reply: Any


class Docs:
    """The page as its reader uses it."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.called: set[tuple[str, str]] = set()

    async def authorize(self, token: str) -> None:
        await self._page.get_by_role("button", name="Authorize", exact=True).click()
        dialog = self._page.locator(".modal-ux .auth-container")
        form = dialog.filter(has_text="token (http")
        log_out = form.get_by_role("button", name="Remove authorization")
        if await log_out.count():
            await log_out.click()
        await form.get_by_label("auth-bearer-value").fill(token)
        await form.get_by_role("button", name="Apply credentials").click()
        await form.get_by_role("button", name="Close", exact=True).click()

    async def call(
        self, method: str, path: str, body: Any = None, **parameters: str
    ) -> Shown:
        """Makes a call on the page; fields that are not given keep their defaults."""
        block = self._page.locator(f".opblock-{method.lower()}").filter(
            has=self._page.locator(f'[data-path="{path}"]')
        )
        summary = block.locator(".opblock-summary-control")
        await summary.click()
        for name, value in parameters.items():
            await block.locator(f'[data-param-name="{name}"] input').fill(value)
        if body is not None:
            text = body if isinstance(body, str) else json.dumps(body)
            await block.locator("textarea").fill(text)
        await block.get_by_role("button", name="Execute").click()
        self.called.add((method, path))
        shown = await _shown(block.locator(".live-responses-table tbody"))
        # the page gets slow with every block that is open; it need not be in view
        await summary.evaluate("element => element.click()")
        return shown


async def _shown(response: Locator) -> Shown:
    status = await response.locator(".response-col_status").inner_text()
    body = response.locator("code.language-json")
    reply = json.loads(await body.inner_text()) if await body.count() else None
    return Shown(status, reply)


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    async with empty_page(chromium) as page:
        yield page


@pytest.fixture
def watch(page: Page) -> Watch:
    return Watch(page)


async def documented(client: Client) -> set[tuple[str, str]]:
    paths = (await client.request("GET", "/openapi.json")).json["paths"]
    return {(method.upper(), path) for path in paths for method in paths[path]}


async def blocks(page: Page, count: int) -> set[tuple[str, str]]:
    """The operations that the page shows, once it shows this many."""
    found = page.locator(".opblock")
    await expect(found).to_have_count(count, timeout=PAGE_TIMEOUT)
    methods = await found.locator(".opblock-summary-method").all_inner_texts()
    paths = [
        str(await path.get_attribute("data-path"))
        for path in await found.locator("[data-path]").all()
    ]
    return set(zip(methods, paths, strict=True))


async def test_the_page_shows_every_operation(
    page: Page, watch: Watch, service: Client
) -> None:
    operations = await documented(service)
    await page.goto(f"{service.url}/docs")
    assert await blocks(page, len(operations)) == operations
    assert f"{service.url}/openapi.json" in watch.requests
    assert watch.elsewhere(service.url) == []
    assert watch.complaints == []


async def test_every_call_can_be_made_from_the_page_alone(
    page: Page, watch: Watch, service: Client, client: Client, tarantool: Tarantool
) -> None:
    credentials = {"username": unique("user"), "password": "correct horse"}
    prefix = unique("ui")
    key, counter, nested = f"{prefix}-key", f"{prefix}-counter", f"{prefix}/a/key"
    written = await client.write({unique("key"): None})
    before = written.headers["KV-Revision"]
    await page.goto(f"{service.url}/docs")
    docs = Docs(page)
    call = docs.call

    assert (await call("POST", "/api/register", credentials)).status == "200"
    login = await call("POST", "/api/login", credentials)
    assert login.status == "200"
    await docs.authorize(login.reply["token"])

    success = {"status": "success"}
    write = await call("POST", "/api/write", {"data": {key: [1.5, None]}})
    assert write == ("200", success)
    read = await call("POST", "/api/read", {"keys": [key]})
    assert read == ("200", {"data": {key: [1.5, None]}})
    increment = await call("POST", "/api/increment", {"data": {counter: 2}})
    assert increment == ("200", {"data": {counter: 2}})
    listing = await call("POST", "/api/list", {"prefix": prefix})
    assert listing == ("200", {"keys": [counter, key], "next": None})
    delete = await call("POST", "/api/delete", {"keys": [key, counter]})
    assert delete == ("200", success | {"deleted": 2})

    one_key = "/api/keys/{key}"
    assert await call("PUT", one_key, {"b": "red"}, key=nested) == ("204", None)
    assert await call("GET", one_key, key=nested) == ("200", {"b": "red"})
    assert await call("HEAD", one_key, key=nested) == ("200", None)
    assert await call("DELETE", one_key, key=nested) == ("204", None)

    changes = await call("GET", "/api/changes", since=before, prefix=prefix)
    assert changes.status == "200"
    changed = [list(change["data"]) for change in changes.reply["changes"]]
    assert changed == [[key], [counter], [], [nested], []]

    history = await call("GET", "/api/history", key=nested)
    assert history.status == "200"
    values = [change.get("value") for change in history.reply["changes"]]
    assert values == [None, {"b": "red"}]
    assert await call("HEAD", "/api/history", key=nested) == ("200", None)
    line = json.dumps({"key": key, "value": 1})
    assert (await call("POST", "/api/import", line)).status == "200"
    assert (await call("GET", "/api/export", prefix=prefix)).status == "200"

    new_token = {"password": "correct horse", "name": "a program"}
    token = await call("POST", "/api/tokens", new_token)
    assert token.status == "200"
    tokens = await call("GET", "/api/tokens")
    assert [each["id"] for each in tokens.reply["tokens"]] == [token.reply["id"]]
    assert await call("HEAD", "/api/tokens") == ("200", None)
    one_token = "/api/tokens/{id}"
    deleted = await call("DELETE", one_token, id=str(token.reply["id"]))
    assert deleted == ("200", success)

    ticket = await call("POST", "/api/tickets")
    assert (ticket.status, ticket.reply.keys()) == ("200", {"ticket", "expires_in"})

    assert (await call("GET", "/api/me")).status == "200"
    assert await call("HEAD", "/api/me") == ("200", None)
    for path, body in {
        "/api/refresh": None,
        "/api/password": {"password": "correct horse", "new_password": "new"},
    }.items():
        renewed = await call("POST", path, body)
        assert renewed.status == "200"
        await docs.authorize(renewed.reply["token"])
    make_administrator(tarantool, account_of(client))  # who stays the last one
    make_administrator(tarantool, credentials["username"])
    other = unique("other")
    account, accounts = "/api/admin/account", "/api/admin/accounts"
    created = await call("POST", accounts, {"username": other, "password": "p"})
    assert (created.status, created.reply["username"]) == ("200", other)
    found = await call("GET", accounts, prefix=other)
    assert [each["username"] for each in found.reply["accounts"]] == [other]
    assert await call("HEAD", accounts, prefix=other) == ("200", None)
    assert (await call("GET", account, username=other)).reply == created.reply
    assert await call("HEAD", account, username=other) == ("200", None)
    disabled = await call("PATCH", account, {"disabled": True}, username=other)
    assert disabled.reply == created.reply | {"disabled": True}
    ended = await call("POST", "/api/admin/end-tokens", {}, username=other)
    assert ended == ("200", success)
    assert await call("DELETE", account, username=other) == ("200", success)
    assert (await call("GET", "/api/admin/status")).status == "200"
    assert await call("HEAD", "/api/admin/status") == ("200", None)

    assert await call("POST", "/api/logout") == ("200", success)
    # not on the page again: it shows the reply before until the new one is there
    again = Client(service.session, service.url)
    await again.login(credentials["username"], "new")
    await docs.authorize(again.token or "")
    assert await call("DELETE", "/api/me", {"password": "new"}) == ("200", success)

    for path in ("/livez", "/readyz"):
        assert (await call("GET", path)).status == "200"
        assert await call("HEAD", path) == ("200", None)

    assert docs.called == await documented(service)
    assert watch.elsewhere(service.url) == []
    assert watch.complaints == []


#: Everything that a page may keep in its browser, but for cookies.
KEPT = "() => JSON.stringify([{...localStorage}, {...sessionStorage}])"


async def kept(page: Page) -> str:
    databases = await page.evaluate("indexedDB.databases()")
    cookies = await page.context.cookies()
    return f"{await page.evaluate(KEPT)}{databases}{cookies}"


async def test_the_token_is_not_kept_in_the_browser(
    page: Page, service: Client, client: Client
) -> None:
    token = client.token or ""
    await page.goto(f"{service.url}/docs")
    docs = Docs(page)
    await docs.authorize(token)
    assert (await docs.call("GET", "/api/me")).status == "200"
    assert token not in await kept(page)
    await page.reload()
    assert (await docs.call("GET", "/api/me")).status == "403"
    assert token not in await kept(page)


async def test_a_token_that_is_kept_is_noticed(
    page: Page, service: Client, client: Client
) -> None:
    """The control of the one before."""

    async def altered(route: Route) -> None:
        response = await route.fetch()
        script = await response.text()
        keep = "persistAuthorization: true"
        body = script.replace("persistAuthorization: false", keep)
        assert keep in body
        await route.fulfill(response=response, body=body)

    token = client.token or ""
    await page.route(f"{service.url}/docs/initializer.js", altered)
    await page.goto(f"{service.url}/docs")
    await Docs(page).authorize(token)
    assert token in await kept(page)


async def test_the_page_works_below_a_path_of_a_proxy(
    page: Page, watch: Watch, client: Client, tmp_path: Path
) -> None:
    with nginx(tmp_path / "below", client.url, path="/kv/") as url:
        operations = await documented(client)
        await page.goto(f"{url}/docs")
        assert await blocks(page, len(operations)) == operations
        docs = Docs(page)
        await docs.authorize(client.token or "")
        assert (await docs.call("GET", "/api/me")).status == "200"
    assert f"{url}/api/me" in watch.requests
    assert watch.elsewhere(url) == []
    assert watch.complaints == []


def elsewhere(service: Client) -> str:
    """Another origin that has the same files."""
    return service.url.replace("127.0.0.1", "localhost")


async def open_with_files_from_elsewhere(
    page: Page, service: Client, **more_headers: str
) -> None:
    async def altered(route: Route) -> None:
        response = await route.fetch()
        html = await response.text()
        body = html.replace('"docs/', f'"{elsewhere(service)}/docs/')
        headers = response.headers | more_headers
        await route.fulfill(response=response, headers=headers, body=body)

    await page.route(f"{service.url}/docs", altered)
    await page.goto(f"{service.url}/docs")


async def test_files_from_elsewhere_are_noticed(
    page: Page, watch: Watch, service: Client
) -> None:
    """Which shows that the checks of the tests above can fail."""
    script = f"{elsewhere(service)}/docs/swagger-ui.js"
    without_policy = {"content-security-policy": ""}
    async with page.expect_request(script):
        await open_with_files_from_elsewhere(page, service, **without_policy)
    assert script in watch.elsewhere(service.url)


async def test_the_policy_blocks_files_from_elsewhere(
    page: Page, watch: Watch, service: Client
) -> None:
    files = f"{elsewhere(service)}/docs"
    style = f"Violation: style-src-elem {files}/swagger-ui.css"
    script = f"Violation: script-src-elem {files}/initializer.js"
    async with page.expect_console_message(lambda message: message.text == script):
        await open_with_files_from_elsewhere(page, service)
    assert {style, script} <= set(watch.complaints)
    assert await page.locator(".opblock").count() == 0


async def test_the_policy_blocks_requests_to_elsewhere(
    page: Page, watch: Watch, service: Client
) -> None:
    url = f"{elsewhere(service)}/livez"
    violation = f"Violation: connect-src {url}"
    await page.goto(f"{service.url}/docs")
    async with page.expect_console_message(lambda message: message.text == violation):
        with pytest.raises(Error, match="Failed to fetch"):
            await page.evaluate("url => fetch(url)", url)
    assert violation in watch.complaints
