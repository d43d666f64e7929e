"""Coalescing: concurrent small requests share a call, each with its own result."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, account_of, unique
from tests.support.console import set_grants
from tests.support.raw_http import PAUSE
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools, evaluated

CALLERS = 12

CALLS = "box.stat().CALL.total"

#: Seconds of a call that takes long, and for one that does not wait for it.
LONG, TIMEOUT = 3, 1.0

TAKES_LONG = f"""
local read_each = kv.v1.read_each
kv.v1.read_each = function(gets, ...)
    if gets[1][2][1] == 'slow' then require('fiber').sleep({LONG}) end
    return read_each(gets, ...)
end
"""


async def callers_of(service: Client, count: int) -> list[Client]:
    clients = [Client(service.session, service.url) for _ in range(count)]
    return await asyncio.gather(*(client.enter() for client in clients))


async def one_key_stale(client: Client) -> Reply:
    return await client.request("GET", "/api/keys/key?stale")


@pytest.mark.parametrize(
    "read",
    [
        lambda client: client.read(["key"]),
        lambda client: client.read(["key"], stale=True),
        one_key_stale,
    ],
    ids=["strict", "stale", "stale-key"],
)
async def test_concurrent_requests_share_calls(
    serve: Serve, tarantools: Tarantools, read: Callable[[Client], Awaitable[Reply]]
) -> None:
    with tarantools.running() as own:
        async with serve(own) as service:
            callers = await callers_of(service, CALLERS)

            async def calls(*, at_once: bool) -> Any:
                before = evaluated(own, CALLS)
                reads = [read(caller) for caller in callers]
                if at_once:
                    await asyncio.gather(*reads)
                else:
                    for one in reads:
                        await one
                return evaluated(own, CALLS) - before

            assert await calls(at_once=False) == CALLERS
            assert min([await calls(at_once=True) for _ in range(5)]) < CALLERS


async def test_requests_do_not_wait_for_a_slow_call(
    serve: Serve, tarantools: Tarantools
) -> None:
    with tarantools.running() as own:
        async with serve(own) as service:
            await service.enter()
            assert "error" not in own.console(TAKES_LONG)
            slow = asyncio.create_task(service.read(["slow"]))
            await asyncio.sleep(PAUSE)
            for _ in range(3):
                async with asyncio.timeout(TIMEOUT):
                    assert (await service.read(["key"])).status == 200
            assert not slow.done()
            assert (await slow).json == {"data": {}}


async def test_each_write_increments_the_revision(service: Client) -> None:
    callers = await callers_of(service, CALLERS)
    keys = [unique("key") for _ in callers]
    for round_ in range(5):
        replies = await asyncio.gather(
            *(
                caller.write({key: round_})
                for caller, key in zip(callers, keys, strict=True)
            )
        )
        revisions = [reply.revision for reply in replies]
        assert len(set(revisions)) == CALLERS
        found = (await callers[0].read(keys, revisions=True)).json
        assert found["data"] == dict.fromkeys(keys, round_)
        assert found["revisions"] == dict(zip(keys, revisions, strict=True))


async def test_writes_of_one_key_are_in_the_order_of_their_revisions(
    client: Client,
) -> None:
    key = unique("key")
    replies = await asyncio.gather(*(client.write({key: n}) for n in range(CALLERS)))
    last = max(range(CALLERS), key=lambda n: replies[n].revision)
    assert (await client.read([key])).json == {"data": {key: last}}


@pytest.mark.parametrize("stale", [False, True])
async def test_a_refused_request_does_not_fail_the_rest_of_its_batch(
    service: Client, tarantool: Tarantool, stale: bool
) -> None:
    revoked, narrowed, *others = await callers_of(service, CALLERS)
    set_grants(tarantool, account_of(narrowed), ("own/", "rw"))
    assert (await revoked.post("/api/logout")).status == 200
    key = unique("key")

    replies = await asyncio.gather(
        revoked.write({key: "revoked"}),
        narrowed.write({key: "narrowed"}),
        *(other.write({f"{key}/{n}": n}) for n, other in enumerate(others)),
    )
    assert_problem(replies[0], 403, "token_revoked")
    assert_problem(replies[1], 403, "forbidden")
    assert {reply.status for reply in replies[2:]} == {200}

    replies = await asyncio.gather(
        revoked.read([key], stale=stale),
        narrowed.read([f"{key}/0"], stale=stale),
        *(
            other.read([key, f"{key}/{n}"], stale=stale)
            for n, other in enumerate(others)
        ),
    )
    assert_problem(replies[0], 403, "token_revoked")
    assert_problem(replies[1], 403, "forbidden")
    for n, reply in enumerate(replies[2:]):
        assert reply.json == {"data": {f"{key}/{n}": n}}


@pytest.mark.parametrize("stale", [False, True])
async def test_a_long_value_is_returned_whole(client: Client, stale: bool) -> None:
    keys = [unique("key") for _ in range(3)]
    values = dict(zip(keys, ("x" * 8000, "y" * 100_000, "z"), strict=True))
    for key, value in values.items():
        assert (await client.write({key: value})).status == 200
    replies = await asyncio.gather(*(client.read([key], stale=stale) for key in keys))
    assert [reply.json["data"] for reply in replies] == [
        {key: value} for key, value in values.items()
    ]
