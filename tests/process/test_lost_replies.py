"""A reply that is lost in a crash of Tarantool: the request can be retried safely."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply
from tests.support.machine import wait_until_ready
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools, evaluated
from tests.support.writes import Write, delete_one, increment, put, write

#: Procedures commit, and then keep their reply to themselves.
HOLD_REPLIES = """
rawset(_G, 'committed', 0)
for _, name in ipairs({'put', 'delete', 'increment'}) do
    local real = kv.v1[name]
    kv.v1[name] = function(...)
        local reply = {real(...)}
        committed = committed + 1
        require('fiber').sleep(60)
        return unpack(reply)
    end
end
"""

#: Seconds for Tarantool to commit all, or to come back, on a busy machine.
TIMEOUT = 30.0


class Case(NamedTuple):
    """:ivar call: of a key
    :ivar safe: with an Idempotency-Key
    :ivar status: of the same request made again
    :ivar value: of the key then, None: it is gone
    """

    call: Callable[[str], Write]
    safe: bool
    status: int
    value: int | None


class Crash(NamedTuple):
    """:ivar revision: the last one that was committed before it"""

    client: Client
    replies: dict[str, Reply]
    revision: int


def create(key: str) -> Write:
    return write(key, **{"if": {key: None}})


def create_one(key: str) -> Write:
    return put(key, ("If-None-Match", "*"))


CASES = {
    "increment": Case(increment, True, 200, 1),
    "increment-control": Case(increment, False, 200, 2),
    "write": Case(create, True, 200, 1),
    "write-control": Case(create, False, 412, 1),
    "put": Case(create_one, True, 204, 1),
    "put-control": Case(create_one, False, 412, 1),
    "delete": Case(delete_one, True, 204, None),
    "delete-control": Case(delete_one, False, 404, None),
}


async def request(client: Client, name: str) -> Reply:
    """Sends the request of the case, with its name as the key and Idempotency-Key."""
    case = CASES[name]
    lines = [("Idempotency-Key", name)] if case.safe else []
    return await case.call(name).by(client, *lines)


async def evaluated_in_thread(tarantool: Tarantool, expression: str) -> int:
    return int(await asyncio.to_thread(evaluated, tarantool, expression))


@pytest.fixture(scope="module")
async def crash(tarantools: Tarantools, serve: Serve) -> AsyncIterator[Crash]:
    """Tarantool is killed when it has committed every case and answered none."""
    with tarantools.running() as own:
        async with serve(own) as client:
            await client.enter()
            deleted = {name: 0 for name in CASES if name.startswith("delete")}
            await client.write(deleted)
            own.console(HOLD_REPLIES)
            requests = asyncio.gather(*(request(client, name) for name in CASES))
            async with asyncio.timeout(TIMEOUT):
                while await evaluated_in_thread(own, "committed") < len(CASES):
                    pass
            revision = await evaluated_in_thread(
                own, "box.space.kv_meta:get('revision').value"
            )
            await asyncio.to_thread(own.kill)
            replies = dict(zip(CASES, await requests, strict=True))
            await asyncio.to_thread(own.start)
            await wait_until_ready(client, TIMEOUT)
            yield Crash(client, replies, revision)


@pytest.mark.parametrize("name", CASES)
async def test_a_write_whose_reply_was_lost_is_applied_once(
    crash: Crash, name: str
) -> None:
    case, lost = CASES[name], crash.replies[name]
    assert_problem(lost, 503, "storage_unavailable")
    assert lost.json["applied"] == "unknown"
    again = await request(crash.client, name)
    assert again.status == case.status
    if case.safe:
        assert again.revision <= crash.revision
    found = (await crash.client.read([name])).json["data"]
    assert found.get(name) == case.value
