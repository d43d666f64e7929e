"""Large requests do not block small ones."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from service.app import Tuning
from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, unique
from tests.support.machine import free_port, wait_until_ready
from tests.support.proxy import Proxy
from tests.support.service import Serve, ServiceProcess, environ_for, service_process
from tests.support.tarantool import Tarantool, Tarantools, evaluated

KIB = 1024
MIB = 1024 * KIB

#: Writes that are sent at once.
MANY = 4

#: Seconds for a reply that waits for nothing, on a busy machine.
AT_ONCE = 1.0

#: Seconds in which the service finds a Tarantool that is back.
RECOVERY_TIMEOUT = 5.0

#: A write of long values takes half a second, and counts how many run at once.
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
    """Writes this many bytes, in values of an allowed size, under new keys."""
    return await client.write({unique("large"): "x" * (size // 8) for _ in range(8)})


@pytest.mark.parametrize(("size", "at_once"), [(3 * MIB // 2, 1), (128 * KIB, MANY)])
async def test_large_writes_run_one_by_one_and_smaller_ones_share_a_slot(
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


async def test_a_large_write_that_gets_no_slot_in_time_is_refused(
    slow: Tarantool, serve: Serve
) -> None:
    async with serve(slow, tuning=Tuning(max_delay=0.2)) as client:
        await client.enter()
        first = asyncio.create_task(write(client, 3 * MIB // 2))
        await asyncio.sleep(0.1)
        refused = await write(client, 3 * MIB // 2)
        assert_problem(refused, 503, "overloaded")
        assert refused.json["applied"] == "no"
        assert (await first).status == 200
        assert (await write(client, 3 * MIB // 2)).status == 200


class Narrow(Proxy):
    """Takes 1 MiB of a connection, and no more until `wide` is set."""

    def __init__(self, target: int) -> None:
        super().__init__(free_port(), target)
        self.wide = asyncio.Event()
        self.full = asyncio.Event()

    async def _pump(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        *,
        back: bool = False,
    ) -> None:
        taken = 0
        while chunk := await source.read(KIB):
            taken += len(chunk)
            if taken > MIB and not self.wide.is_set():
                self.full.set()
                await self.wide.wait()
            target.write(chunk)
            await target.drain()
        raise ConnectionAbortedError


@contextlib.asynccontextmanager
async def through_narrow(
    tarantool: Tarantool, serve: Serve
) -> AsyncIterator[tuple[Client, Narrow]]:
    proxy = Narrow(tarantool.port)
    async with (
        proxy.running(),
        serve(tarantool, KV_TARANTOOL_URI=f"127.0.0.1:{proxy.port}") as client,
    ):
        yield await client.enter(), proxy


async def test_small_requests_do_not_queue_behind_large_ones(
    tarantool: Tarantool, serve: Serve
) -> None:
    key = unique("k")
    async with through_narrow(tarantool, serve) as (client, proxy):
        large = asyncio.create_task(write(client, 4 * MIB))
        async with asyncio.timeout(RECOVERY_TIMEOUT):
            await proxy.full.wait()
        async with asyncio.timeout(AT_ONCE):
            assert (await client.write({key: 1})).status == 200
            assert (await client.read([key])).json == {"data": {key: 1}}
        assert not large.done()
        proxy.wide.set()
        assert (await large).status == 200


async def test_both_connections_to_the_storage_are_reopened(
    tarantool: Tarantool, serve: Serve
) -> None:
    async with through_narrow(tarantool, serve) as (client, proxy):
        large = asyncio.create_task(write(client, 4 * MIB))
        async with asyncio.timeout(RECOVERY_TIMEOUT):
            await proxy.full.wait()
        proxy.cut()
        proxy.wide.set()
        lost = await large
        assert_problem(lost, 503, "storage_unavailable")
        assert lost.json["applied"] == "unknown"
        await wait_until_ready(client, RECOVERY_TIMEOUT)
        assert (await write(client, 4 * MIB)).status == 200
        assert (await client.write({unique("k"): 1})).status == 200


def memory(process: ServiceProcess) -> int:
    """Bytes that it has at this moment."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * KIB


async def test_a_large_reply_is_freed_when_it_is_sent(
    tarantool: Tarantool, tmp_path: Path
) -> None:
    data = {unique("large"): "x" * (MIB - 2) for _ in range(15)}
    with service_process(tmp_path, **environ_for(tarantool)) as process:
        async with aiohttp.ClientSession() as session:
            client = await Client(session, process.url).enter()
            assert (await client.write(data)).status == 200
            before = memory(process)
            reads = [client.read(list(data)) for _ in range(8)]
            for reply in await asyncio.gather(*reads):
                assert reply.json == {"data": data}
            assert memory(process) - before < 3 * len(data) * MIB
