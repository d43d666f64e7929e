"""No request to any route fails the service, and a refused one changes nothing."""

import asyncio
import re
from collections.abc import AsyncIterator
from random import Random
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.api.routes import READING, ROUTES, Route
from service.app import create_app
from service.settings import Settings
from service.web.admission import SAFE
from tests.support.client import Client, Reply
from tests.support.random_requests import Request, Tokens, request
from tests.support.raw_http import REPLY_TIMEOUT
from tests.support.reply_check import check, next_reply
from tests.support.service import Serve, environ_for
from tests.support.tarantool import Tarantool, Tarantools

EXAMPLES = 100

#: The account of most requests: it may make all of them.
ADMIN = {"ADMIN_LOGIN": "the administrator", "ADMIN_PASSWORD": "password"}

#: What is there before every request that may change it.
WITNESSES = {"k": 1, "key1": "value", "config/colour": [1.5, None], "é": {"a": {}}}


class State(NamedTuple):
    """The state of the store, and of the accounts that make requests."""

    revision: int
    keys: str
    accounts: list[str]


class Store:
    """A service with a store of its own, and what it must be like."""

    def __init__(self, service: Client) -> None:
        self._service = service
        self._lasting = self._ending = self._watching = service
        self._unchanged: State | None = None

    async def prepare(self) -> None:
        self._watching = await self._entered()
        self._lasting = Client(self._service.session, self._service.url)
        assert (await self._lasting.login(*ADMIN.values())).status == 200
        self._ending = await self._entered()
        await self.restore()

    async def _entered(self) -> Client:
        return await Client(self._service.session, self._service.url).enter()

    @property
    def tokens(self) -> Tokens:
        return Tokens([str(self._lasting.token)], str(self._ending.token))

    async def state(self) -> State:
        listed = await self._watching.list_keys("", values=True)
        accounts = [
            (await account.request("GET", "/api/me")).text
            for account in (self._lasting, self._ending)
        ]
        return State(listed.revision, listed.text, accounts)

    async def state_before(self) -> State:
        """The state before a request: after one that changed nothing, the same."""
        before = self._unchanged or await self.state()
        self._unchanged = None
        return before

    async def assert_unchanged(self, before: State) -> None:
        assert await self.state() == before
        self._unchanged = before

    async def restore(self) -> None:
        """Restores the state after a request that may have changed it."""
        listed = (await self._watching.list_keys("")).json["keys"]
        if listed:
            await self._watching.delete(listed)
        assert (await self._watching.write(WITNESSES)).status == 200
        if (await self._ending.request("GET", "/api/me")).status != 200:
            self._ending = await self._entered()

    async def reply(self, sent: Request) -> Reply:
        url = urlsplit(self._service.url)
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        try:
            writer.write(bytes(sent))
            async with asyncio.timeout(REPLY_TIMEOUT):
                reply = await next_reply(reader, sent.method)
        finally:
            writer.close()
        assert reply is not None
        return reply


@pytest.fixture(scope="module")
async def store(serve: Serve, tarantools: Tarantools) -> AsyncIterator[Store]:
    with tarantools.running() as tarantool:
        async with serve(tarantool, **ADMIN) as service:
            store = Store(service)
            await store.prepare()
            yield store


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


def reads(sent: Request) -> bool:
    path, _, _ = sent.target.partition("?")
    return sent.method in SAFE or (sent.method, path) in READING


def test_every_route_of_the_application_is_tried(tarantool: Tarantool) -> None:
    app = create_app(Settings.from_env(environ_for(tarantool)))
    there = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method not in ("HEAD", "OPTIONS")
    }
    tried = {(route.method, re.sub(r":.*\}$", "}", route.path)) for route in ROUTES}
    assert tried == there


@pytest.mark.parametrize("route", ROUTES, ids=name)
@settings(deadline=None, database=None, max_examples=EXAMPLES)
@given(random=st.randoms(use_true_random=False))
async def test_no_request_fails_the_service_and_no_refused_one_changes_anything(
    store: Store, route: Route, random: Random
) -> None:
    sent = request(random, route, store.tokens)
    before = await store.state_before()
    reply = await store.reply(sent)
    check(reply, sent.method)
    if reply.status >= 400 or reads(sent):
        await store.assert_unchanged(before)
    else:
        await store.restore()


async def test_a_change_of_the_store_is_noticed(store: Store) -> None:
    """The control."""
    before = await store.state()
    random, tokens = Random(1), store.tokens
    noticed = 0
    for route in ROUTES * 20:
        reply = await store.reply(request(random, route, tokens))
        after = await store.state()
        noticed += reply.status < 400 and after != before
        before = after
    await store.restore()
    assert noticed > 0
