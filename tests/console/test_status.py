"""The state of the store, as an administrator sees it in a browser."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.console.administered import Administrator, administrator_of
from tests.console.conftest import NewPage
from tests.console.steps import Account, opened
from tests.console.themes import violations
from tests.support.browser import Watch, watched_page
from tests.support.client import Client
from tests.support.cluster import Cluster
from tests.support.service import Serve
from tests.support.tarantool import Tarantool

TRUSTED = {"KV_TRUSTED_PROXIES": "127.0.0.1"}


@pytest.fixture
async def console(serve: Serve, store: Tarantool) -> AsyncIterator[Client]:
    async with serve(store, **TRUSTED) as client:
        yield client


async def open_status(page: Page, account: Account) -> None:
    await opened(page, account, "#/admin/status", "Status")


def figure(page: Page, label: str) -> Locator:
    """The figure next to a label."""
    term = page.get_by_text(label, exact=True)
    return page.locator("dl > div").filter(has=term).get_by_role("definition")


async def test_figures_and_charts_follow_the_store(
    page: Page, administrator: Administrator
) -> None:
    await open_status(page, administrator.account)
    await expect(page.get_by_text("Writes are accepted.")).to_be_visible()
    await expect(figure(page, "Keys")).to_have_text("0")
    await expect(page.get_by_role("meter", name="Memory")).to_be_visible()
    await expect(page.get_by_text("not a cluster")).to_be_visible()
    chart = page.get_by_role("figure", name="Keys")
    await expect(chart).to_contain_text("5 minutes: 0 to 0")
    for number in range(12):
        await administrator.client.write({f"k{number}": number}, ttl=600)
    await expect(figure(page, "Keys")).to_have_text("12")
    await expect(figure(page, "Keys that expire")).to_have_text("12")
    await expect(figure(page, "Revision")).to_have_text("12")
    await expect(chart).to_have_text("Keys12 5 minutes: 0 to 12")
    writes = page.get_by_role("figure", name="Writes per second")
    await expect(writes).to_contain_text(re.compile(r"0 to \d"))
    await expect(page.get_by_role("figure", name="Memory")).to_contain_text(
        re.compile(r"5 minutes: [\d.]+ MiB to [\d.]+ MiB$")
    )


async def test_the_last_figures_stay_while_the_store_is_down(
    watch: Watch, administrator: Administrator, store: Tarantool
) -> None:
    page = watch.page
    watch.expect_status(503)
    await administrator.client.write({"k": 1})
    await open_status(page, administrator.account)
    await expect(figure(page, "Keys")).to_have_text("1")
    title = await page.get_by_role("heading", name="Cluster nodes").element_handle()
    store.kill()
    old = page.get_by_text("These figures are from")
    await expect(old).to_contain_text("The store does not respond")
    await expect(figure(page, "Keys")).to_have_text("1")
    store.start()
    await expect(old).to_be_hidden()
    assert title is not None
    assert await title.evaluate("element => element.isConnected")


async def test_the_page_does_not_read_while_it_is_hidden(
    watch: Watch, administrator: Administrator
) -> None:
    page = watch.page
    await page.clock.install()
    await open_status(page, administrator.account)
    await page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true})"
    )

    def readings() -> int:
        return sum(url.endswith("/api/admin/status") for url in watch.requests)

    await page.clock.run_for(60_000)
    before = readings()
    await page.clock.run_for(60_000)
    assert readings() == before
    await page.evaluate("delete document.hidden")
    async with page.expect_response("**/api/admin/status"):
        await page.clock.run_for(60_000)


async def test_the_status_is_for_administrators(watch: Watch, console: Client) -> None:
    page = watch.page
    watch.expect_status(403)
    await console.register("somebody", "password")
    account = Account("somebody", "password")
    await opened(page, account, "#/admin/status", "This page could not be loaded")
    await expect(page.get_by_text("Only administrators can do this.")).to_be_visible()


async def test_the_status_is_accessible(
    new_page: NewPage, administrator: Administrator
) -> None:
    async with new_page() as watch:
        await open_status(watch.page, administrator.account)
        assert await violations(watch.page) == []


@pytest.mark.needs_election
async def test_the_nodes_of_a_cluster_are_shown(
    serve: Serve, cluster: Cluster, chromium: Browser
) -> None:
    leader = cluster.wait_until_whole()
    async with (
        serve(cluster.nodes[0], KV_TARANTOOL_URI=cluster.uris, **TRUSTED) as console,
        administrator_of(console, leader) as administrator,
        watched_page(chromium, base_url=f"{console.url}/") as watch,
    ):
        page = watch.page
        await open_status(page, administrator.account)
        row = page.locator("dl > div").filter(has_text=leader.name)
        await expect(row).to_contain_text("Leader")
        rows = page.locator("dl > div").filter(has_text="Follower")
        await expect(rows).to_have_count(2)
        follower = cluster.followers()[0]
        follower.kill()
        row = page.locator("dl > div").filter(has_text=follower.name)
        await expect(row).to_contain_text("Not connected")
        assert await violations(page) == []
        await page.set_viewport_size({"width": 360, "height": 740})
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        assert await violations(page) == []
