"""The collection of expired keys: by the leader only, in small batches, completely."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.client import Client
from tests.support.collector import start_collector, stop_collector
from tests.support.machine import wait_until, wait_until_ready
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools, evaluated

HOUR = 3600.0

#: Seconds for something to happen that is due, on a busy machine.
TIMEOUT = 30.0

#: Seconds in which the collector would have run a few times.
SEVERAL_SWEEPS = 2.5

BATCH = 500

STORED = "box.space.kv:get('{key}') ~= nil"

#: The numbers of keys of the deletions in the change log.
DELETED = """
(function()
    local counts = {}
    for _, batch in box.space.kv_changes:pairs() do
        if batch.values == nil then table.insert(counts, #batch.keys) end
    end
    return counts
end)()
"""

#: The numbers of entries in the order of expiry, of those among them that belong to no
#: row, and of the rows that expire.
EXPIRY_ENTRIES = """
(function()
    local astray, expiring = 0, 0
    for _, entry in box.space.kv_expiry:pairs() do
        local row = box.space.kv:get(entry.key)
        if row == nil or row.expires_at ~= entry.expires_at then
            astray = astray + 1
        end
    end
    for _, row in box.space.kv:pairs() do
        if row.expires_at ~= nil then expiring = expiring + 1 end
    end
    return { box.space.kv_expiry:len(), astray, expiring }
end)()
"""


@pytest.fixture
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    with tarantools.running() as instance:
        yield instance


def stored(tarantool: Tarantool, key: str) -> bool:
    return bool(evaluated(tarantool, STORED.format(key=key)))


async def until(condition: Callable[[], bool]) -> None:
    """Leaves the service, which is in this process, its turn."""
    await asyncio.to_thread(wait_until, condition, TIMEOUT)


async def values(client: Client, *keys: str) -> dict[str, object]:
    data: dict[str, object] = (await client.read(keys)).json["data"]
    return data


async def test_what_has_expired_is_collected_as_a_change_like_any_other(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own) as client:
        await client.enter()
        began = time.time()
        written = await client.write({"short": 1}, ttl=0.2)
        await client.write({"long": 1}, ttl=HOUR)
        await client.write({"kept": 1})
        await until(lambda: not stored(own, "short"))
        reply = await client.list_keys("")
        assert reply.json["keys"] == ["kept", "long"]
        assert reply.revision == written.revision + 3
    (change,) = evaluated(own, "box.space.kv_changes:select({}, {iterator = 'LT'})")[:1]
    revision, keys, values, at, by, account, *_ = change
    assert [revision, keys, values] == [reply.revision, ["short"], None]
    assert began + 0.2 < at < time.time()
    assert (by, account) == (None, None)
    assert evaluated(own, EXPIRY_ENTRIES) == [1, 0, 1]


async def test_only_the_leader_collects(own: Tarantool, serve: Serve) -> None:
    async with serve(own) as client:
        await client.enter()
        await client.write({"key": 1}, ttl=0.5)
        own.console("box.cfg({ read_only = true })")
        revision = (await client.list_keys("")).revision
        await asyncio.sleep(SEVERAL_SWEEPS)
        # readers do not see it, though it is there
        assert await values(client, "key") == {}
        assert (await client.list_keys("")).json == {"keys": [], "next": None}
        assert (await client.request("GET", "/api/keys/key")).status == 404
        assert stored(own, "key")
        assert (await client.list_keys("")).revision == revision
        assert "not collected" not in own.log()

        own.console("box.cfg({ read_only = false })")
        await until(lambda: not stored(own, "key"))
        assert (await client.list_keys("")).revision == revision + 1


async def test_many_are_collected_in_small_batches(
    own: Tarantool, serve: Serve
) -> None:
    keys = [f"key-{number}" for number in range(2_345)]
    async with serve(own) as client:
        await client.enter()
        await client.write(dict.fromkeys(keys, 0), ttl=0.01)
        await client.write({"kept": 0})
        await until(lambda: bool(evaluated(own, "box.space.kv:len()") == 1))
    counts = evaluated(own, DELETED)
    assert sum(counts) == len(keys)
    assert max(counts) == BATCH
    assert evaluated(own, "box.space.kv_expiry:len()") == 0


async def test_the_time_is_kept_through_a_crash(own: Tarantool, serve: Serve) -> None:
    async with serve(own) as client:
        await client.enter()
        began = time.time()
        await client.write({"short": 1}, ttl=1)
        await client.write({"long": 1}, ttl=HOUR)
        await client.write({"kept": 1})
        await asyncio.to_thread(own.kill)
        await asyncio.to_thread(own.start)
        await wait_until_ready(client, TIMEOUT)
        reply = await client.read(["long", "kept"], revisions=True)
        assert reply.json["data"] == {"long": 1, "kept": 1}
        assert reply.json["ttl"].keys() == {"long"}
        passed = time.time() - began + 1  # what a wall clock may be moved by
        assert HOUR - passed < reply.json["ttl"]["long"] < HOUR
        await until(lambda: not stored(own, "short"))
        assert time.time() > began + 1
        assert await values(client, "short", "long", "kept") == {"long": 1, "kept": 1}


async def test_keys_that_expired_during_downtime_are_gone_after_the_start(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own) as client:
        await client.enter()
        stop_collector(own)
        await client.write({"short": 1}, ttl=0.05)
        await asyncio.to_thread(own.kill)
        await asyncio.sleep(0.1)
        await asyncio.to_thread(own.start)
        await wait_until_ready(client, TIMEOUT)
        assert await values(client, "short") == {}
        await until(lambda: not stored(own, "short"))


async def test_each_key_that_expires_has_one_entry_in_the_order(
    own: Tarantool, serve: Serve
) -> None:
    """Whatever has been written over it, added to it, or deleted, in any order."""
    chance = random.Random(7)
    keys = [f"key-{number}" for number in range(30)]
    seen = set()
    async with serve(own) as client:
        await client.enter()
        for call in range(300):
            some = chance.sample(keys, chance.randint(1, 10))
            match chance.randrange(5):
                case 0:
                    await client.write(dict.fromkeys(some, 0))
                case 1:
                    await client.delete(some)
                case 2:
                    await client.increment(dict.fromkeys(some, 1))
                case 3:
                    await client.write(dict.fromkeys(some, 0), ttl=chance.random() / 20)
                case _:
                    await client.write(dict.fromkeys(some, 0), ttl=HOUR)
            if call % 10 == 0:
                entries, astray, expiring = evaluated(own, EXPIRY_ENTRIES)
                assert (astray, entries) == (0, expiring)
                seen.add(entries)
        await client.delete(keys)
    assert evaluated(own, EXPIRY_ENTRIES) == [0, 0, 0]
    assert len(seen) > 5


def test_a_wrong_entry_is_noticed(own: Tarantool) -> None:
    """The control of the one above."""
    own.console("box.space.kv:insert({ 'a', '1', 1, 4000000000 })")
    assert evaluated(own, EXPIRY_ENTRIES) == [0, 0, 1]
    own.console("box.space.kv_expiry:insert({ 4000000001, 'a' })")
    assert evaluated(own, EXPIRY_ENTRIES) == [1, 1, 1]
    own.console("box.space.kv_expiry:insert({ 4000000000, 'a' })")
    assert evaluated(own, EXPIRY_ENTRIES) == [2, 1, 1]


#: Writes batches that expire at once until one is refused; returns the reason.
FILL = """
(function()
    local count, ok, failure = 0, true, nil
    while ok do
        local keys, values = {}, {}
        for i = 1, 100 do
            keys[i] = 'k' .. count .. '-' .. i
            values[i] = '"' .. ('x'):rep(1000) .. '"'
        end
        ok, failure = pcall(kv.v1.put, {'ann', 1}, keys, values, {ttl = 0.01})
        count = count + 1
    end
    return failure.type
end)()
"""


def test_what_expires_is_collected_where_the_memory_is_full(
    tarantools: Tarantools,
) -> None:
    """To delete takes memory too, for the change log."""
    with tarantools.running(KV_MEMTX_MEMORY=str(64 * 1024 * 1024)) as own:
        own.console("kv.v1.create_user('ann', 'a hash')")
        stop_collector(own)
        assert evaluated(own, FILL) == "kv.MemoryFull"
        assert evaluated(own, "box.space.kv_expiry:len()") > 0
        start_collector(own)
        wait_until(lambda: not evaluated(own, "box.space.kv_expiry:len()"), TIMEOUT)
