"""Races, each with a non-atomic variant as its control."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.support.client import Client, unique
from tests.support.service import Serve
from tests.support.tarantool import Tarantools

KEYS = 10_000
READERS = 4

#: Changes; of the control fewer, each of which takes two calls and the time of a read.
ROUNDS, CONTROL_ROUNDS = 10, 4

CLIENTS = 50

#: Checks whether the name is free, and waits until another call has checked the same.
CHECK_THEN_INSERT = """
local fiber = require('fiber')
local checked, another = 0, fiber.cond()
kv.v1.create_user = function(name, password_hash)
    if box.space.users:get(name) ~= nil then
        box.error({ type = 'kv.UserExists', reason = 'User already exists' })
    end
    checked = checked + 1
    another:broadcast()
    while checked < 2 do another:wait() end
    box.space.users:replace({ name, password_hash, 1, 0 })
end
"""


Change = Callable[[Client, list[str], int], Awaitable[None]]
Fetch = Callable[[Client, list[str]], Awaitable[dict[str, int]]]


async def written(client: Client, keys: list[str], number: int) -> None:
    assert (await client.write(dict.fromkeys(keys, number))).status == 200


async def deleted_or_written(client: Client, keys: list[str], number: int) -> None:
    if number % 2:
        assert (await client.delete(keys)).json["deleted"] == len(keys)
    else:
        await written(client, keys, number)


async def read(client: Client, keys: list[str]) -> dict[str, int]:
    reply = await client.read(keys)
    assert reply.status == 200
    data: dict[str, int] = reply.json["data"]
    return data


async def listed(client: Client, keys: list[str]) -> dict[str, int]:
    prefix, _, _ = keys[0].rpartition("-")
    reply = await client.list_keys(prefix, limit=KEYS, values=True)
    assert reply.status == 200
    data: dict[str, int] = reply.json["data"]
    return data


changes = pytest.mark.parametrize("change", [written, deleted_or_written])
fetches = pytest.mark.parametrize("fetch", [read, listed])


async def values_seen(
    fetch: Callable[[], Awaitable[dict[str, int]]],
    change: Callable[[int], Awaitable[None]],
    rounds: int = ROUNDS,
) -> list[set[int | None]]:
    """The different values in each read of all keys, while they are changed; None is
    the value of a key that is not there."""
    await change(0)

    async def change_on() -> None:
        for number in range(1, rounds + 1):
            await change(number)

    async def fetch_on() -> None:
        while not changing.done():
            data = await fetch()
            missing = {None} if len(data) < KEYS else set()
            seen.append(missing.union(data.values()))

    seen: list[set[int | None]] = []
    changing = asyncio.create_task(change_on())
    await asyncio.gather(changing, *(fetch_on() for _ in range(READERS)))
    # the reads were spread over the changes
    assert len(set[int | None]().union(*seen)) > 2
    return seen


@pytest.fixture
def keys() -> list[str]:
    prefix = unique("k")
    return [f"{prefix}-{number}" for number in range(KEYS)]


@fetches
@changes
async def test_many_keys_are_seen_at_one_revision(
    client: Client, keys: list[str], fetch: Fetch, change: Change
) -> None:
    seen = await values_seen(
        lambda: fetch(client, keys), lambda number: change(client, keys, number)
    )
    assert [values for values in seen if len(values) > 1] == []


@fetches
@changes
async def test_a_change_in_two_calls_is_seen_torn(
    client: Client, keys: list[str], fetch: Fetch, change: Change
) -> None:
    """The control."""

    async def change_in_halves(number: int) -> None:
        await change(client, keys[: KEYS // 2], number)
        await fetch(client, keys)  # the readers have as much time
        await change(client, keys[KEYS // 2 :], number)

    seen = await values_seen(
        lambda: fetch(client, keys), change_in_halves, CONTROL_ROUNDS
    )
    assert [values for values in seen if len(values) > 1] != []


async def registered_at_once(client: Client, name: str) -> list[int]:
    """Clients, by number, whose registration succeeded."""
    replies = await asyncio.gather(
        *(client.register(name, f"password {number}") for number in range(CLIENTS))
    )
    assert {reply.status for reply in replies} <= {200, 409}
    return [number for number, reply in enumerate(replies) if reply.status == 200]


async def test_a_name_registered_concurrently_goes_to_one_client(
    visitor: Client,
) -> None:
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
