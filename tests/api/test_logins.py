"""Guesses of passwords are throttled, and no client can lock out another one."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.support.addresses import FREE, FREE_OF_ADDRESS, coming_from, new_address
from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, unique
from tests.support.full_memory import FILL, TINY_MEMORY
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools, evaluated

#: Seconds after which an address has one of its failures forgotten.
LEAK = 5

SIGN_UPS = 1000

#: A hash takes half a second.
SLOW_ROUNDS = "13"

#: Gives back at once what was counted, as if attempts counted when they end.
COUNTS_LATER = """
local begin_login = kv.v1.begin_login
kv.v1.begin_login = function(username, address)
    local wait, cost, hash, version = begin_login(username, address)
    if wait == nil then kv.v1.end_login(username, address, false) end
    return wait, cost, hash, version
end
"""


@pytest.fixture
async def owner(service: Client) -> AsyncIterator[Client]:
    async with coming_from(new_address(), service) as client:
        yield client


@pytest.fixture
async def anonymous(service: Client) -> AsyncIterator[Client]:
    async with coming_from(new_address(), service) as client:
        yield client


@pytest.fixture
async def name(visitor: Client) -> str:
    """The name of an account with the password "right"."""
    name = unique("user")
    assert (await visitor.register(name, "right")).status == 200
    return name


async def fail(client: Client, name: str, times: int = FREE) -> None:
    for n in range(times):
        assert_problem(
            await client.login(name, f"wrong {n}"), 401, "invalid_credentials"
        )


def retry_after(reply: Reply) -> int:
    detail = assert_problem(reply, 429, "too_many_attempts")
    seconds = int(reply.headers["Retry-After"])
    assert detail == f"Too many attempts: try again in {seconds} s"
    return seconds


async def test_each_failure_after_the_free_ones_doubles_the_wait(
    anonymous: Client, name: str
) -> None:
    await fail(anonymous, name)
    for seconds in (1, 2):
        assert retry_after(await anonymous.login(name, "right")) == seconds
        await asyncio.sleep(seconds)
        await fail(anonymous, name, times=1)
    assert retry_after(await anonymous.login(name, "right")) == 4


async def test_a_right_password_works_after_the_wait_and_forgives_the_failures(
    owner: Client, name: str
) -> None:
    await fail(owner, name)
    refused = await owner.login(name, "right")
    assert owner.token is None
    await asyncio.sleep(retry_after(refused))
    assert (await owner.login(name, "right")).status == 200
    await fail(owner, name)


async def test_an_attempt_that_is_refused_does_not_count(
    anonymous: Client, name: str
) -> None:
    await fail(anonymous, name)
    for _ in range(20):
        assert retry_after(await anonymous.login(name, "right")) == 1
    await asyncio.sleep(1)
    assert (await anonymous.login(name, "right")).status == 200


async def test_an_owner_from_another_address_is_not_locked_out(
    anonymous: Client, owner: Client, name: str
) -> None:
    await fail(anonymous, name)
    retry_after(await anonymous.login(name, "right"))
    assert (await owner.login(name, "right")).status == 200
    retry_after(await anonymous.login(name, "right"))


async def test_other_names_are_not_locked_out(anonymous: Client, name: str) -> None:
    await fail(anonymous, unique("nobody"))
    assert (await anonymous.login(name, "right")).status == 200


async def test_an_unknown_name_is_answered_like_a_known_one(
    service: Client, name: str
) -> None:
    """Header by header and byte for byte, also once it is refused."""
    histories = []
    for tried in name, unique("nobody"):
        async with coming_from(new_address(), service) as client:
            replies = [await client.login(tried, f"no {n}") for n in range(FREE + 1)]
            histories.append([_shown(reply) for reply in replies])
    assert histories[0] == histories[1]
    assert [status for status, *_ in histories[0]] == [401] * FREE + [429]


def _shown(reply: Reply) -> tuple[int, list[tuple[str, str]], str]:
    return reply.status, reply.same_headers, reply.text_without_id


@contextlib.asynccontextmanager
async def of_two_workers(
    serve: Serve, tarantool: Tarantool
) -> AsyncIterator[tuple[Client, Client]]:
    """A client of each, both from one address."""
    address = new_address()
    async with (
        serve(tarantool) as one,
        serve(tarantool) as another,
        coming_from(address, one) as of_one,
        coming_from(address, another) as of_another,
    ):
        yield of_one, of_another


async def test_all_workers_share_the_counts(
    serve: Serve, tarantool: Tarantool, anonymous: Client, owner: Client, name: str
) -> None:
    async with of_two_workers(serve, tarantool) as (of_one, of_another):
        await fail(of_one, name, times=FREE // 2)
        await fail(of_another, name, times=FREE - FREE // 2)
        retry_after(await of_one.login(name, "right"))
        retry_after(await of_another.login(name, "right"))


async def guesses_made_at_once(serve: Serve, tarantool: Tarantool) -> Counter[int]:
    async with (
        serve(tarantool) as service,
        coming_from(new_address(), service) as anonymous,
    ):
        name = unique("user")
        assert (await service.register(name, "right")).status == 200
        guesses = [anonymous.login(name, f"wrong {n}") for n in range(5 * FREE)]
        return Counter(reply.status for reply in await asyncio.gather(*guesses))


async def test_concurrent_guesses_are_throttled(
    serve: Serve, tarantool: Tarantool
) -> None:
    statuses = await guesses_made_at_once(serve, tarantool)
    assert statuses == {401: FREE, 429: 4 * FREE}


async def test_concurrent_guesses_pass_if_counted_at_their_end(
    serve: Serve, tarantools: Tarantools
) -> None:
    """The control of the test above."""
    with tarantools.running() as tarantool:
        tarantool.console(COUNTS_LATER)
        assert (await guesses_made_at_once(serve, tarantool))[401] > FREE


async def test_concurrent_logins_of_one_account_all_succeed(
    serve: Serve, tarantool: Tarantool, name: str
) -> None:
    async with of_two_workers(serve, tarantool) as (of_one, of_another):
        logins = [client.login(name, "right") for client in (of_one, of_another) * 50]
        replies = await asyncio.gather(*logins)
    assert {reply.status for reply in replies} == {200}


async def test_concurrent_logins_behind_one_address_all_succeed(
    serve: Serve, tarantool: Tarantool, visitor: Client
) -> None:
    names = [unique("user") for _ in range(50)]
    for name in names:
        assert (await visitor.register(name, "right")).status == 200
    async with (
        serve(tarantool) as service,
        coming_from(new_address(), service) as office,
    ):
        for _ in range(2 * FREE_OF_ADDRESS // len(names)):
            replies = await asyncio.gather(*(office.login(n, "right") for n in names))
            assert {reply.status for reply in replies} == {200}


async def test_successful_logins_are_not_limited(owner: Client, name: str) -> None:
    for _ in range(2 * FREE_OF_ADDRESS):
        assert (await owner.login(name, "right")).status == 200


async def test_a_login_is_not_decided_by_an_earlier_state(
    serve: Serve, tarantools: Tarantools
) -> None:
    """Attempts that are the same share a check, but none that has begun already."""
    with tarantools.running() as tarantool:
        async with (
            serve(tarantool) as quick,
            serve(tarantool, KV_BCRYPT_ROUNDS=SLOW_ROUNDS) as slow,
        ):
            early = asyncio.create_task(slow.login("ann", "right"))
            await asyncio.sleep(0.1)
            assert (await quick.register("ann", "right")).status == 200
            late = asyncio.create_task(slow.login("ann", "right"))
            await asyncio.sleep(0.1)
            assert not early.done()
            assert (await early).status == 401
            assert (await late).status == 200


async def test_an_address_that_tries_many_names_is_refused(
    anonymous: Client, owner: Client, name: str
) -> None:
    begin, failures = time.monotonic(), 0
    while (reply := await anonymous.login(unique("nobody"), "password")).status == 401:
        failures += 1
        if failures % 20 == 10:  # what succeeds counts neither for nor against
            assert (await anonymous.login(name, "right")).status == 200
    leaked = (time.monotonic() - begin) / LEAK
    assert FREE_OF_ADDRESS <= failures <= FREE_OF_ADDRESS + leaked
    seconds = retry_after(reply)
    assert seconds <= LEAK
    retry_after(await anonymous.login(name, "right"))
    assert (await owner.login(name, "right")).status == 200
    await asyncio.sleep(seconds)
    assert (await anonymous.login(name, "right")).status == 200


async def test_failures_count_for_the_client_behind_a_trusted_proxy(
    serve: Serve, tarantool: Tarantool
) -> None:
    proxy, name = new_address(), unique("nobody")
    async with (
        serve(tarantool, KV_TRUSTED_PROXIES=proxy) as service,
        coming_from(proxy, service) as at_the_proxy,
        coming_from(new_address(), service) as direct,
    ):
        one, other = new_address(), new_address()
        for n in range(FREE):
            assert await status_from(at_the_proxy, name, n, f"{n}.1.1.1, {one}") == 401
            assert await status_from(direct, name, n, f"198.51.100.{n}") == 401
        assert await status_from(at_the_proxy, name, FREE, one) == 429
        assert await status_from(direct, name, FREE, other) == 429
        assert await status_from(at_the_proxy, name, FREE, other) == 401


async def status_from(client: Client, name: str, guess: int, forwarded_for: str) -> int:
    reply = await client.post(
        "/api/login",
        {"username": name, "password": f"wrong {guess}"},
        headers={"X-Forwarded-For": forwarded_for},
    )
    return reply.status


async def test_an_address_that_signs_up_too_often_is_refused(
    service: Client, tarantool: Tarantool
) -> None:
    address = new_address()
    tarantool.console(f"for _ = 1, {SIGN_UPS} do kv.v1.begin_sign_up('{address}') end")
    async with (
        coming_from(address, service) as busy,
        coming_from(new_address(), service) as other,
    ):
        name = unique("user")
        seconds = retry_after(await busy.register(name, "password"))
        assert (await other.login(name, "password")).status == 401
        assert (await other.register(name, "password")).status == 200
        await asyncio.sleep(seconds)
        assert (await busy.register(unique("user"), "password")).status == 200


async def test_logins_are_counted_when_the_memory_for_data_is_full(
    serve: Serve, tarantools: Tarantools
) -> None:
    with tarantools.running(KV_MEMTX_MEMORY=TINY_MEMORY) as tarantool:
        async with serve(tarantool) as client:
            name = unique("user")
            assert (await client.register(name, "right")).status == 200
            assert (await client.login(name, "right")).status == 200
            tarantool.console(FILL)
            assert_problem(await client.write({"k": "x" * 5000}), 503, "storage_full")
            async with coming_from(new_address(), client) as anonymous:
                await fail(anonymous, name)
                retry_after(await anonymous.login(name, "right"))
            assert (await client.login(name, "right")).status == 200


async def test_a_hash_of_another_cost_is_replaced_at_the_next_login(
    serve: Serve, tarantools: Tarantools
) -> None:
    def cost() -> str:
        stored = evaluated(tarantool, "box.space.users:get('ann').password_hash")
        return str(stored).split("$")[2]

    with tarantools.running() as tarantool:
        async with serve(tarantool) as before:
            assert (await before.register("ann", "right")).status == 200
            assert (await before.login("ann", "right")).status == 200
            for rounds in "6", "5":
                old = cost()
                async with serve(tarantool, KV_BCRYPT_ROUNDS=rounds) as after:
                    assert (await after.login("ann", "wrong")).status == 401
                    assert cost() == old
                    assert (await after.login("ann", "right")).status == 200
                    assert cost() == f"0{rounds}"
                    assert (await after.login("ann", "wrong")).status == 401
                    assert (await after.login("ann", "right")).status == 200
            assert (await before.read(["k"])).status == 200
