"""What is large holds up nobody who wants something small."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.client import Client, Reply, unique
from tests.conftest import Serve
from tests.problems import assert_problem
from tests.tarantool import Tarantool, Tarantools, evaluated

KIB = 1024
MIB = 1024 * KIB

#: Writes that are sent at once.
MANY = 4

#: Seconds for a reply that waits for nothing, on a busy machine.
AT_ONCE = 1.0

#: A write of long values takes half a second, and tells how many did so at once.
WRITES_SLOWLY = """
rawset(_G, 'at_once', {now = 0, most = 0})
local put = kv.v1.put
kv.v1.put = function(caller, keys, values, ...)
    if #values[1] > 1000 then
        at_once.now = at_once.now + 1
        at_once.most = math.max(at_once.most, at_once.now)
        require('fiber').sleep(0.5)
        at_once.now = at_once.now - 1
    end
    return put(caller, keys, values, ...)
end
"""

pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


@pytest.fixture
def slow(tarantools: Tarantools) -> Iterator[Tarantool]:
    with tarantools.running() as instance:
        assert "error" not in instance.console(WRITES_SLOWLY)
        yield instance


async def write(client: Client, size: int) -> Reply:
    """So many bytes, in values of a size that is allowed, under keys of its own."""
    return await client.write({unique("large"): "x" * (size // 8) for _ in range(8)})


@pytest.mark.parametrize(("size", "at_once"), [(3 * MIB // 2, 1), (128 * KIB, MANY)])
async def test_large_writes_take_turns_and_others_share_one(
    slow: Tarantool, serve: Serve, size: int, at_once: int
) -> None:
    async with serve(slow) as client:
        await client.enter()
        async with asyncio.TaskGroup() as group:
            writes = [group.create_task(write(client, size)) for _ in range(MANY)]
            await asyncio.sleep(0.2)
            async with asyncio.timeout(AT_ONCE):
                assert (await client.write({unique("k"): 1})).status == 200
            assert not any(write.done() for write in writes)
        assert [write.result().status for write in writes] == MANY * [200]
        assert evaluated(slow, "at_once.most") == at_once


async def test_one_whose_turn_does_not_come_in_time_is_refused(
    slow: Tarantool, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.turns.PATIENCE", 0.2)
    async with serve(slow) as client:
        await client.enter()
        first = asyncio.create_task(write(client, 3 * MIB // 2))
        await asyncio.sleep(0.1)
        refused = await write(client, 3 * MIB // 2)
        assert_problem(refused, 503, "overloaded")
        assert refused.json["applied"] == "no"
        assert (await first).status == 200
        assert (await write(client, 3 * MIB // 2)).status == 200
