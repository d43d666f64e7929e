"""The queue for the threads that hash: bounded, and fair to its clients."""

import asyncio
import os
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import TypeVar

import pytest

from service.app import Tuning
from service.auth.passwords import THREADS
from tests.support.addresses import coming_from, new_address
from tests.support.client import Client, unique
from tests.support.raw_http import http, talk_and_end
from tests.support.service import Serve
from tests.support.tarantool import Tarantool

T = TypeVar("T")

#: Entries of the queue: fewer than a service has by default, so that it empties soon.
MAX_WAITING = 24 * THREADS

QUEUE_LIMIT = THREADS + MAX_WAITING

#: A hash takes 0.1 s and more: a full queue takes seconds.
ROUNDS = "10"

#: Failures of a name from an address without a wait.
FREE = 10

#: Of an address at once.
SIGN_UPS = 1000

#: For SO_LINGER: to close with a reset.
AT_ONCE = struct.pack("ii", 1, 0)

#: Seconds between the requests of a client in a crowd.
PAUSE = 0.3

#: Requests, one after the other, that are answered after those sent before them.
LATER_REQUESTS = 5


@pytest.fixture
async def slow(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    """A service whose passwords take long. Its store has no account of that cost."""
    tuning = Tuning(max_waiting=MAX_WAITING)
    async with serve(tarantool, tuning=tuning, KV_BCRYPT_ROUNDS=ROUNDS) as client:
        yield client


async def logins_of(client: Client, count: int) -> list[int]:
    """The statuses of logins at once, each of another name."""
    logins = [client.login(unique("nobody"), "password") for _ in range(count)]
    return [reply.status for reply in await asyncio.gather(*logins)]


async def arrival(service: Client) -> None:
    """Returns when all requests sent before have entered the queue, or were refused.

    The tests and the service share an event loop, which accepts connections in their
    order: when it has answered later requests, it has read the earlier ones.
    """
    for _ in range(LATER_REQUESTS):
        async with coming_from(new_address(), service) as client:
            assert (await client.request("GET", "/livez")).status == 200


async def test_a_flood_from_one_address_does_not_keep_others_out(slow: Client) -> None:
    async with (
        coming_from(new_address(), slow) as flood,
        coming_from(new_address(), slow) as other,
    ):
        flooding = asyncio.create_task(logins_of(flood, 2 * QUEUE_LIMIT))
        await arrival(slow)
        for _ in range(3):
            assert await logins_of(other, 1) == [401]
            assert not flooding.done()
        statuses = await flooding
    assert set(statuses) == {401, 503}
    assert QUEUE_LIMIT - 1 <= statuses.count(401) <= QUEUE_LIMIT


async def test_a_crowd_that_shares_its_checks_does_not_keep_others_out(
    serve: Serve, tarantool: Tarantool
) -> None:
    """Neither other requests nor single logins."""

    async def keep_on(name: str) -> None:
        while True:
            statuses[(await flood.login(name, "wrong")).status] += 1
            await asyncio.sleep(PAUSE)

    statuses: Counter[int] = Counter()
    async with (
        serve(tarantool, KV_BCRYPT_ROUNDS=ROUNDS, KV_MAX_IN_FLIGHT="50") as service,
        coming_from(new_address(), service) as flood,
        coming_from(new_address(), service) as other,
    ):
        await other.enter()
        names = [unique("nobody") for _ in range(20)] * 20
        crowd = asyncio.gather(*map(keep_on, names))
        await asyncio.sleep(2 * PAUSE)
        for _ in range(3):
            assert await logins_of(other, 1) == [401]
            for _ in range(10):
                assert (await other.request("GET", "/api/me")).status == 200
        crowd.cancel()
        await asyncio.wait([crowd])
    assert set(statuses) == {401, 503}


async def test_a_sign_up_refused_by_a_full_queue_does_not_count(
    slow: Client, tarantool: Tarantool
) -> None:
    """From an address that has one sign-up left."""
    address = new_address()
    tarantool.console(f"for _ = 2, {SIGN_UPS} do kv.v1.begin_sign_up('{address}') end")
    async with coming_from(address, slow) as flood:
        flooding = asyncio.create_task(logins_of(flood, QUEUE_LIMIT))
        await arrival(slow)
        sign_ups = [flood.register(unique("user"), "password") for _ in range(20)]
        replies = await asyncio.gather(*sign_ups)
        await flooding
    # the rest found entries that had become free
    assert [reply.status for reply in replies].count(503) > 10


async def test_a_full_queue_refuses_at_once(slow: Client) -> None:
    async def timed(client: Client) -> tuple[int, float]:
        begin = time.monotonic()
        (status,) = await logins_of(client, 1)
        return status, time.monotonic() - begin

    async with coming_from(new_address(), slow) as flood:
        begin = time.monotonic()
        ends = await asyncio.gather(*(timed(flood) for _ in range(2 * QUEUE_LIMIT)))
        taken = time.monotonic() - begin
    refusals = [seconds for status, seconds in ends if status == 503]
    assert len(refusals) > QUEUE_LIMIT / 2
    assert max(refusals) < taken / 4


async def test_an_evicted_queue_entry_does_not_count_as_a_failure(
    slow: Client,
) -> None:
    async with coming_from(new_address(), slow) as flood:
        name = unique("nobody")
        filling = asyncio.create_task(logins_of(flood, QUEUE_LIMIT - FREE))
        await arrival(slow)
        guesses = [flood.login(name, f"wrong {n}") for n in range(FREE)]
        guessing = asyncio.gather(*guesses)
        await arrival(slow)
        others = [one_login_from(new_address(), slow) for _ in range(2 * FREE)]
        assert await asyncio.gather(*others) == [401] * 2 * FREE
        lost = [reply.status for reply in await guessing].count(503)
        await filling
        assert lost > 1
        for n in range(lost):
            assert (await flood.login(name, f"another {n}")).status == 401
        assert (await flood.login(name, "too many")).status == 429


async def one_login_from(address: str, service: Client) -> int:
    async with coming_from(address, service) as client:
        (status,) = await logins_of(client, 1)
        return status


@pytest.mark.parametrize(
    ("farewell", "is_refused"), [("close", False), ("reset", False), ("none", True)]
)
async def test_entries_of_disconnected_clients_are_evicted_first(
    slow: Client, farewell: str, is_refused: bool
) -> None:
    """To a client that gets only the entries that become free while others wait."""
    address = slow.url.removeprefix("http://").split(":")
    with ExitStack() as stack:
        for n in range(QUEUE_LIMIT):
            body = f'{{"username": "nobody-{n}", "password": "p"}}'.encode()
            crowd = stack.enter_context(socket.socket())
            crowd.bind((new_address(), 0))
            crowd.connect((address[0], int(address[1])))
            crowd.sendall(http("POST", "/api/login", body=body))
            if farewell == "reset":
                crowd.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            if farewell != "none":
                crowd.close()
        await arrival(slow)
        async with coming_from(new_address(), slow) as present:
            statuses = await logins_of(present, QUEUE_LIMIT - THREADS)
    assert (503 in statuses) == is_refused
    assert set(statuses) <= {401, 503}


async def test_half_closed_connections_are_served_last(
    slow: Client,
) -> None:
    async def half_closed(number: int) -> int:
        body = f'{{"username": "nobody-{number}", "password": "p"}}'.encode()
        return (await talk_and_end(slow, http("POST", "/api/login", body=body))).status

    async with coming_from(new_address(), slow) as present:
        ending = [asyncio.create_task(half_closed(n)) for n in range(5 * THREADS)]
        await arrival(slow)
        assert await logins_of(present, 1) == [401]
        assert sum(task.done() for task in ending) <= 2 * THREADS
        assert set(await asyncio.gather(*ending)) == {401}


async def test_the_threads_yield_to_everything_else(visitor: Client) -> None:
    """Their scheduling policy, as the kernel has it."""
    assert await logins_of(visitor, 1) == [401]
    numbers = {thread.name: thread.native_id for thread in threading.enumerate()}
    hashing = [n for name, n in numbers.items() if n and name.startswith("bcrypt")]
    assert hashing
    assert {os.sched_getscheduler(number) for number in hashing} == {os.SCHED_IDLE}
    assert os.sched_getscheduler(0) != os.SCHED_IDLE
