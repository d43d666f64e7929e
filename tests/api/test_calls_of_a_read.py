"""How many calls to Tarantool a read takes, whatever the size of its values."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, unique
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools, evaluated

KIB = 1024
MIB = 1024 * KIB

#: Bytes: a value of this size is within the default limits.
LARGEST = MIB

MAX_BODY = 16 * MIB

#: Of any read, whatever other clients write in the meantime.
MOST = 3

CALLS = "box.stat().CALL.total"

#: The value of a key becomes longer after each call that reads.
GROWS = """
local original = {{
    get = kv.v1.get, read = kv.v1.read, read_each = kv.v1.read_each,
    get_stale = kv.v1.get_stale,
    read_stale = kv.v1.read_stale, read_stale_each = kv.v1.read_stale_each,
}}
local size = {size}
for name, read in pairs(original) do
    kv.v1[name] = function(...)
        local found = {{ read(...) }}
        size = size + {step}
        local value = '"' .. ('x'):rep(size) .. '"'
        box.space.kv:update('{key}', {{ {{ '=', 2, value }} }})
        return unpack(found)
    end
end
rawset(_G, 'as_before', function()
    for name, read in pairs(original) do kv.v1[name] = read end
end)
"""

pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")

Read = Callable[[Client, list[str]], Awaitable[Reply]]


async def plain(client: Client, keys: list[str]) -> Reply:
    return await client.read(keys)


async def detailed(client: Client, keys: list[str]) -> Reply:
    return await client.read(keys, revisions=True)


async def stale(client: Client, keys: list[str]) -> Reply:
    return await client.read(keys, stale=True)


async def one_key(client: Client, keys: list[str]) -> Reply:
    return await client.request("GET", f"/api/keys/{keys[0]}")


@pytest.fixture(scope="module")
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    with tarantools.running(KV_MEMTX_MEMORY=str(512 * MIB)) as instance:
        yield instance


@pytest.fixture(scope="module")
async def reader(own: Tarantool, serve: Serve) -> AsyncIterator[Client]:
    async with serve(own) as service:
        yield await service.enter()


async def written(client: Client, keys: int, size: int) -> list[str]:
    """The keys of new values with the given sizes in bytes, as JSON texts."""
    data = {unique("key"): "x" * (size - 2) for _ in range(keys)}
    for key, value in data.items():
        assert (await client.write({key: value})).status == 200
    return list(data)


async def calls_of(
    own: Tarantool, client: Client, read: Read, keys: list[str]
) -> tuple[int, Reply]:
    before = evaluated(own, CALLS)
    reply = await read(client, keys)
    return evaluated(own, CALLS) - before, reply


def values_of(reply: Reply) -> list[int]:
    """The sizes of the values, as JSON texts."""
    assert reply.status == 200, reply.text
    return [len(value) + 2 for value in reply.json["data"].values()]


@pytest.mark.parametrize("read", [plain, detailed, stale])
@pytest.mark.parametrize(
    ("keys", "size", "calls"),
    [
        (1, 10, 1),
        (1, 8000, 1),
        (16, 400, 1),
        (1, 100_000, 2),
        (1, LARGEST, 2),
        (15, LARGEST, 2),
        (16, 70_000, 2),
        (40, 100_000, 2),
        (300, 200, 1),
        (300, 3000, 2),
    ],
)
async def test_the_size_of_a_reply_is_found_in_one_call(
    own: Tarantool, reader: Client, read: Read, keys: int, size: int, calls: int
) -> None:
    written_keys = await written(reader, keys, size)
    taken, reply = await calls_of(own, reader, read, written_keys)
    assert values_of(reply) == keys * [size]
    assert taken == calls


@pytest.mark.parametrize(
    ("size", "calls"), [(10, 1), (60_000, 1), (70_000, 2), (LARGEST, 2)]
)
async def test_one_key_of_any_size_takes_two_calls_at_most(
    own: Tarantool, reader: Client, size: int, calls: int
) -> None:
    keys = await written(reader, 1, size)
    taken, reply = await calls_of(own, reader, one_key, keys)
    assert len(reply.json) + 2 == size
    assert taken == calls


async def test_a_value_too_long_for_a_call_with_others_takes_one_more(
    own: Tarantool, reader: Client
) -> None:
    keys = await written(reader, 1, 20_000)
    taken, reply = await calls_of(own, reader, plain, keys)
    assert values_of(reply) == [20_000]
    assert taken == 2


@pytest.mark.parametrize("read", [plain, detailed, stale])
@pytest.mark.parametrize(
    ("keys", "size"), [(16, LARGEST), (17, LARGEST), (300, 70_000)]
)
async def test_what_no_reply_takes_is_refused_with_both_sizes(
    own: Tarantool, reader: Client, read: Read, keys: int, size: int
) -> None:
    written_keys = await written(reader, keys, size)
    taken, reply = await calls_of(own, reader, read, written_keys)
    detail = assert_problem(reply, 413, "body_too_large")
    found, limit = (
        int(word.rstrip(":")) for word in detail.split() if word[0].isdigit()
    )
    whole = sum(map(len, written_keys)) + keys * size
    assert limit == MAX_BODY
    assert whole <= found < whole + keys * 64
    assert taken <= MOST


async def test_a_reply_of_the_very_size_of_the_limit_is_taken(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own, KV_MAX_BODY=str(4 * MIB)) as service:
        client = await service.enter()
        keys = await written(client, 4, LARGEST - len(unique("key")))
        taken, reply = await calls_of(own, client, plain, keys)
        assert len(values_of(reply)) == 4
        assert taken == 2
        (more,) = await written(client, 1, 1)
        assert_problem(await client.read([*keys, more]), 413, "body_too_large")


async def test_a_limit_below_what_travels_with_others_holds(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own, KV_MAX_BODY="1000") as service:
        client = await service.enter()
        keys = await written(client, 2, 600)
        assert (await client.read(keys[:1])).status == 200
        taken, reply = await calls_of(own, client, plain, keys)
        assert_problem(reply, 413, "body_too_large")
        assert taken == 2


async def read_while_it_grows(
    own: Tarantool, client: Client, read: Read, size: int, step: int
) -> int:
    """The calls that it took."""
    keys = await written(client, 1, size)
    script = GROWS.format(size=size, step=step, key=keys[0])
    assert "error" not in own.console(script)
    try:
        taken, reply = await calls_of(own, client, read, keys)
    finally:
        assert "error" not in own.console("as_before()")
    assert reply.status == 200, reply.text
    return taken


@pytest.mark.parametrize("read", [plain, detailed, one_key])
@pytest.mark.parametrize("step", [1, 50_000])
async def test_a_value_that_grows_after_each_call_is_read_in_three(
    own: Tarantool, reader: Client, read: Read, step: int
) -> None:
    # two calls would mean that it did not grow between them
    assert await read_while_it_grows(own, reader, read, 100_000, step) == MOST


@pytest.mark.parametrize(("size", "step"), [(10, 70_000), (9000, 60_000), (7990, 9)])
async def test_a_small_value_that_grows_is_read_in_three_calls_at_most(
    own: Tarantool, reader: Client, size: int, step: int
) -> None:
    for read in plain, detailed, one_key:
        assert await read_while_it_grows(own, reader, read, size, step) <= MOST


async def test_a_read_that_may_not_be_answered_is_refused_whatever_its_size(
    own: Tarantool, reader: Client
) -> None:
    keys = await written(reader, 1, 100_000)
    revoked = await Client(reader.session, reader.url).enter()
    assert (await revoked.post("/api/logout")).status == 200
    for read in plain, detailed, one_key:
        taken, reply = await calls_of(own, revoked, read, keys)
        assert_problem(reply, 403, "token_revoked")
        assert taken <= MOST
