"""Races, each with a variant that loses it as its control."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.client import Client, unique
from tests.conftest import Serve
from tests.tarantool import Tarantools

KEYS = 10_000
ROUNDS = 10
READERS = 4

CLIENTS = 50

#: Looks whether the name is free, and lets others run before it takes it.
CHECK_THEN_INSERT = """
kv.v1.create_user = function(name, password_hash)
    if box.space.users:get(name) ~= nil then
        box.error({ type = 'kv.UserExists', reason = 'User already exists' })
    end
    require('fiber').sleep(0.5)
    box.space.users:replace({ name, password_hash, 1, 0 })
end
"""


async def values_seen(
    client: Client, keys: list[str], write: Callable[[int], Awaitable[None]]
) -> list[set[int]]:
    """The different values in each read of all keys, while they are written anew."""
    await write(0)

    async def write_on() -> None:
        for number in range(1, ROUNDS + 1):
            await write(number)

    async def read_on() -> None:
        while not writing.done():
            reply = await client.read(keys)
            assert reply.status == 200
            assert len(reply.json["data"]) == KEYS
            seen.append(set(reply.json["data"].values()))

    seen: list[set[int]] = []
    writing = asyncio.create_task(write_on())
    await asyncio.gather(writing, *(read_on() for _ in range(READERS)))
    # the reads were spread over the writes
    assert len(set[int]().union(*seen)) > 2
    return seen


@pytest.fixture
def keys() -> list[str]:
    prefix = unique("k")
    return [f"{prefix}-{number}" for number in range(KEYS)]


async def test_a_read_of_many_keys_sees_one_revision(
    client: Client, keys: list[str]
) -> None:
    async def write(number: int) -> None:
        assert (await client.write(dict.fromkeys(keys, number))).status == 200

    seen = await values_seen(client, keys, write)
    assert [values for values in seen if len(values) > 1] == []


async def test_a_write_in_two_calls_is_seen_torn(
    client: Client, keys: list[str]
) -> None:
    """The control."""

    async def write(number: int) -> None:
        for half in (keys[: KEYS // 2], keys[KEYS // 2 :]):
            assert (await client.write(dict.fromkeys(half, number))).status == 200

    seen = await values_seen(client, keys, write)
    assert [values for values in seen if len(values) > 1] != []


async def registered_at_once(client: Client, name: str) -> list[int]:
    """Clients, by number, that were told that the account is theirs."""
    replies = await asyncio.gather(
        *(client.register(name, f"password {number}") for number in range(CLIENTS))
    )
    assert {reply.status for reply in replies} <= {200, 409}
    return [number for number, reply in enumerate(replies) if reply.status == 200]


async def test_a_name_wanted_by_many_goes_to_one(visitor: Client) -> None:
    name = unique("wanted")
    (winner,) = await registered_at_once(visitor, name)
    loser = (winner + 1) % CLIENTS
    assert (await visitor.login(name, f"password {loser}")).status == 401
    assert (await visitor.login(name, f"password {winner}")).status == 200


async def test_a_check_before_the_insert_lets_several_through(
    tarantools: Tarantools, serve: Serve
) -> None:
    """The control."""
    with tarantools.running() as tarantool:
        tarantool.console(CHECK_THEN_INSERT)
        async with serve(tarantool) as client:
            assert len(await registered_at_once(client, "wanted")) > 1
