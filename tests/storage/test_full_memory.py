"""A full memory refuses additions; reads and deletions continue, and free memory."""

from collections.abc import Iterator

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import unique
from tests.support.machine import ROOT
from tests.support.procedures import REVISION, number, oldest, prepare, revisions_after
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools, evaluated

MIB = 1024 * 1024
MEMORY = 64 * MIB

#: Puts keys with a prefix, in batches, until one is refused twice, with nothing left to
#: collect; returns how many.
FILL = """
(function()
    local count, refused = 0, 0
    while refused < 2 do
        local keys, values = {{}}, {{}}
        for i = 1, {batch} do
            keys[i] = '{prefix}' .. count + i
            values[i] = '"' .. ('x'):rep({size}) .. '"'
        end
        local ok, failure = pcall(kv.v1.put, {{'ann', 1}}, keys, values)
        if not ok then
            assert(failure.type == 'kv.MemoryFull', failure)
            collectgarbage()
            refused = refused + 1
        else
            count, refused = count + {batch}, 0
        end
    end
    return count
end)()
"""

#: Deletes a share of all keys in batches; returns how many calls were refused.
DELETE = """
(function()
    local keys, refused = {{}}, 0
    for _, row in box.space.kv:pairs() do table.insert(keys, row.key) end
    for i = 1, #keys * {share}, {batch} do
        local some = {{ unpack(keys, i, math.min(i + {batch} - 1, #keys)) }}
        if not pcall(kv.v1.delete, {{'ann', 1}}, some) then refused = refused + 1 end
    end
    return refused
end)()
"""

COUNT = "box.space.kv:len()"

#: Each a little larger than the one before.
SIZES = [int(1000 * 1.06**step) for step in range(120)]

#: Puts with an idempotency key until one is refused; returns its type.
KEEP_OUTCOMES = """
(function()
    for i = 1, 1e6 do
        local options = {retry = {'key ' .. i, 'a fingerprint of some length'}}
        local ok, failure = pcall(kv.v1.delete, {'ann', 1}, {'none'}, options)
        if not ok then return failure.type end
    end
end)()
"""

#: Deletes every key while a snapshot is taken; returns whether that was taken, whether
#: it was in progress all the time, and how many calls were refused.
DELETE_DURING_SNAPSHOT = """
(function()
    local fiber = require('fiber')
    local done
    fiber.create(function() done = pcall(box.snapshot) end)
    fiber.yield()
    local refused, calls = 0, 0
    for _, row in box.space.kv:pairs() do
        if not pcall(kv.v1.delete, {'ann', 1}, {row.key}) then refused = refused + 1 end
        calls = calls + 1
        if done ~= nil or calls == 500 then break end
    end
    local during = calls
    while done == nil do fiber.sleep(0.01) end
    return {done, during > 0, refused}
end)()
"""


@pytest.fixture
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    """An instance with the account ann and two keys."""
    with tarantools.running(
        KV_MEMTX_MEMORY=str(MEMORY), KV_WAL_MODE="write"
    ) as instance:
        prepare(instance)
        yield instance


def fill(own: Tarantool, *, size: int, prefix: str = "k", batch: int = 1) -> int:
    text = FILL.format(size=size, prefix=prefix, batch=batch)
    return int(evaluated(own, text))


def delete(own: Tarantool, *, share: float, batch: int) -> int:
    return int(evaluated(own, DELETE.format(share=share, batch=batch)))


async def test_additions_are_refused_and_other_calls_continue(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own) as client:
        assert (await client.register("bob", "password")).status == 200
        await client.login("bob", "password")
        count = fill(own, size=1000)
        many = [f"k{number}" for number in range(2, 2002)]
        assert count > len(many)

        for refused in [
            await client.write({"new": "x" * 1000}),
            await client.write({"k1": "y" * 1000, "new": 1}),
            await client.write({f"new{n}": "x" * 1000 for n in range(1000)}),
        ]:
            detail = assert_problem(refused, 503, "storage_full")
            assert "memory" in detail
            assert refused.json["applied"] == "no"
            assert int(refused.headers["Retry-After"]) >= 1
        assert (await client.login("bob", "password")).status == 200
        assert (await client.read(["k1", "new"])).json == {"data": {"k1": "x" * 1000}}
        assert (await client.list_keys("new")).json["keys"] == []

        assert (await client.delete(["k1"])).json["deleted"] == 1
        assert (await client.delete(many)).json["deleted"] == len(many)
        assert (await client.write({"new": "x" * 1000})).status == 200
        assert (await client.register("cy", "password")).status == 200
        assert (await client.read(["new"])).json == {"data": {"new": "x" * 1000}}


async def test_calls_that_revoke_tokens_continue(own: Tarantool, serve: Serve) -> None:
    async with serve(own) as client:
        names = [unique("user") for _ in range(20)]
        for name in names:
            assert (await client.register(name, "password")).status == 200
        fill(own, size=1000)
        fill(own, size=1, prefix="s")
        while (await client.register(unique("user"), "password")).status == 200:
            pass
        for name in names:
            await client.login(name, "password")
            change = {"password": "password", "new_password": "another password"}
            reply = await client.post("/api/password", change)
            assert reply.status == 200
            client.token = reply.json["token"]
            assert (await client.post("/api/logout")).status == 200
            assert (await client.read(["k"])).json["code"] == "token_revoked"
            await client.login(name, "another password")
            leaving = {"password": "another password"}
            assert (await client.request("DELETE", "/api/me", leaving)).status == 200


async def test_an_account_is_refused_too(own: Tarantool, serve: Serve) -> None:
    async with serve(own) as client:
        fill(own, size=1000)
        fill(own, size=1, prefix="s")
        for _ in range(500):
            reply = await client.register(unique("user"), "password")
            if reply.status != 200:
                break
        assert "memory" in assert_problem(reply, 503, "storage_full")
        assert reply.json["applied"] == "no"


@pytest.mark.parametrize(
    ("log", "size", "batch"),
    [
        ("0", 100, 1),
        ("0", 1000, 5_000),
        (str(MEMORY), 1000, 1),
        (str(MEMORY), 1000, 100),
        (str(MEMORY), 100, 5_000),
    ],
)
def test_no_deletion_is_refused(
    tarantools: Tarantools, log: str, size: int, batch: int
) -> None:
    environ = {"KV_MEMTX_MEMORY": str(MEMORY), "KV_WAL_MODE": "write"}
    environ["KV_CHANGES_BYTES"] = log
    with tarantools.running(ROOT / "migrations", **environ) as own:
        prepare(own)
        count = fill(own, size=size, batch=10)
        assert delete(own, share=0.1, batch=batch) == 0
        assert fill(own, size=size, prefix="again", batch=10) > 0
        assert delete(own, share=0.1, batch=batch) == 0
        assert delete(own, share=1, batch=1000) == 0  # the memory is not full any more
        assert evaluated(own, COUNT) == 0
        if log != "0":  # it may have lost its beginning, but has no gap
            begin, newest = oldest(own), number(own, REVISION)
            assert begin < newest
            assert revisions_after(own, begin) == list(range(begin + 1, newest + 1))
        assert fill(own, size=size, batch=10) > count / 2


async def test_a_batch_that_does_not_fit_is_refused_whole(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own) as client:
        await client.enter()
        fitted = 0
        while True:
            batch = {f"{fitted}-{number}": "x" * 60_000 for number in range(16)}
            reply = await client.write(batch)
            if reply.status != 200:
                break
            fitted += 1
        assert_problem(reply, 503, "storage_full")
        assert (await client.read(list(batch))).json == {"data": {}}
        assert (await client.write({"small": 1})).status == 200
        assert (await client.delete(["small"])).json["deleted"] == 1
        assert (await client.list_keys("")).json["keys"][-1:] == ["n"]


async def test_values_of_many_sizes_do_not_use_up_the_memory(
    tarantools: Tarantools, serve: Serve
) -> None:
    """With Tarantool's own factor between sizes they do, in 1.6 MB of them."""
    with tarantools.running(KV_WAL_MODE="write") as own:
        async with serve(own) as client:
            await client.enter()
            for size in SIZES:
                if size < MIB:
                    reply = await client.write({f"k{size}": "x" * size})
                    assert reply.status == 200, (size, reply.text)


def test_a_store_that_was_full_starts_again(tarantools: Tarantools) -> None:
    """Repeating its log takes more memory, at some moment, than it took to write it."""
    with tarantools.running(KV_WAL_MODE="write") as own:
        prepare(own)
        fill(own, size=1000, batch=10)
        assert delete(own, share=0.1, batch=10) == 0
        fill(own, size=1000, prefix="again", batch=10)
        assert delete(own, share=0.1, batch=10) == 0
        count = evaluated(own, COUNT)
        own.kill()
        own.start()
        assert evaluated(own, COUNT) == count
        assert delete(own, share=0.1, batch=10) == 0


def test_a_snapshot_of_a_full_store(own: Tarantool) -> None:
    fill(own, size=1000)
    assert evaluated(own, DELETE_DURING_SNAPSHOT) == [True, True, 0]
    assert fill(own, size=1000, prefix="new") > 0
    own.kill()
    own.start()
    assert delete(own, share=1, batch=100) == 0


def test_outcomes_kept_for_retries_take_their_share_and_no_more(
    own: Tarantool, tarantools: Tarantools
) -> None:
    with tarantools.running(
        KV_MEMTX_MEMORY=str(MEMORY), KV_WAL_MODE="write"
    ) as without:
        prepare(without)
        fitted = fill(without, size=1000, batch=10)
    assert evaluated(own, KEEP_OUTCOMES) == "kv.RetriesFull"
    # a quarter, and what whole slabs waste
    assert fill(own, size=1000, batch=10) > fitted * 0.6
    assert delete(own, share=0.1, batch=1) == 0
    assert delete(own, share=1, batch=1000) == 0
