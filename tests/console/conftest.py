"""A real browser, and a service whose web console it opens."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.console.administered import Administrator, administrator_of
from tests.console.steps import Account
from tests.support.addresses import new_address
from tests.support.browser import Watch, started_chromium, watched_page
from tests.support.client import Client, account_of
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools

NewPage = Callable[..., AbstractAsyncContextManager[Watch]]


@pytest.fixture(scope="module")
async def chromium(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    async with started_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
async def console(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    """A service on the shared Tarantool, which believes a page's address."""
    async with serve(tarantool, KV_TRUSTED_PROXIES="127.0.0.1") as client:
        yield client


@pytest.fixture
def new_page(chromium: Browser, console: Client) -> NewPage:
    """`async with new_page(color_scheme="dark") as watch` opens one more `watch.page`.

    Its client has an address of its own, for which the limits on logins count. Its
    relative URLs are those of the console. In the end it must not have complaints.
    """

    def opened(**options: Any) -> AbstractAsyncContextManager[Watch]:
        address = {"X-Forwarded-For": new_address()}
        given = {"base_url": f"{console.url}/", "extra_http_headers": address}
        return watched_page(chromium, **(given | options))

    return opened


@pytest.fixture
async def watch(new_page: NewPage) -> AsyncIterator[Watch]:
    """The complaints of `page`, of which there must not be any in the end."""
    async with new_page() as watch:
        yield watch


@pytest.fixture
def page(watch: Watch) -> Page:
    return watch.page


@pytest.fixture
def store(tarantools: Tarantools) -> Iterator[Tarantool]:
    """An instance of its own, without other administrators than those of the test."""
    with tarantools.running() as tarantool:
        yield tarantool


@pytest.fixture
async def administrator(
    console: Client, store: Tarantool
) -> AsyncIterator[Administrator]:
    async with administrator_of(console, store) as administrator:
        yield administrator


@pytest.fixture
def account(client: Client) -> Account:
    """The account of `client`, which calls the same store without a browser."""
    return Account(account_of(client), "password")
