"""A rolling upgrade under load, step by step as docs/cluster.md describes it."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from itertools import count, pairwise
from pathlib import Path

import aiohttp
import pytest

from tests.support.client import Client, Reply
from tests.support.cluster import Cluster, Node
from tests.support.console import admin
from tests.support.machine import ROOT, wait_until, wait_until_ready
from tests.support.reporting import FIGURES
from tests.support.service import (
    ServiceProcess,
    environ_before,
    started,
)
from tests.support.tarantool import PASSWORD, START_TIMEOUT, evaluated
from tests.support.upgrades import (
    ADDED,
    FILE_IS_MISSING,
    is_upgraded,
    new_service,
    new_version,
    use,
    wait_for_duties,
)

pytestmark = pytest.mark.needs_election

WRITERS = 4

#: Seconds between two calls of a client: the load is the same on all machines.
PAUSE = 0.005

#: Seconds without a confirmed write that a step down may take here, on a busy machine.
WITHOUT_WRITES = 5.0

#: What a leader does at its promotion, and the same on the console.
DEPLOYMENT = "exports.deploy(duties.user, duties.password)"
DEPLOY = f"require('kv.exports').deploy('kv_service', '{PASSWORD}')"

#: Seconds after which a service is not ready that will not be.
NOT_READY = 5.0


class Load:
    """Clients that write and read all the time.

    Each writer has a key of its own with increasing numbers, and one key for each
    number.

    :ivar errors: the replies of calls that were refused, and reads that were not strict
    :ivar refused_stale: stale reads that were refused while the leader changed
    :ivar confirmed: the numbers that each writer has written
    :ivar times: of the confirmed writes
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.errors: list[str] = []
        self.confirmed: list[list[int]] = [[] for _ in range(WRITERS)]
        self.times = [time.monotonic()]
        self.reads = self.refused_stale = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(action(writer))
                for action in (self._write, self._read, self._read_stale)
                for writer in range(WRITERS)
            ]
            yield
            for task in tasks:
                task.cancel()

    async def _write(self, writer: int) -> None:
        for number in count():
            reply = await self._client.write(
                {f"last/{writer}": number, f"all/{writer}/{number}": number}
            )
            if self._is_good("write", reply):
                self.confirmed[writer].append(number)
                self.times.append(time.monotonic())
            await asyncio.sleep(PAUSE)

    async def _read(self, writer: int) -> None:
        key = f"last/{writer}"
        while True:
            least = self.confirmed[writer][-1:]
            reply = await self._client.read([key])
            if self._is_good("read", reply):
                found = reply.json["data"].get(key)
                if least and (found is None or found < least[0]):
                    self.errors.append(f"{key}: {found} after {least[0]}")
            await asyncio.sleep(PAUSE)

    async def _read_stale(self, writer: int) -> None:
        while True:
            reply = await self._client.read([f"last/{writer}"], stale=True)
            if reply.status == 503 and reply.json["code"] == "stale":
                self.refused_stale += 1  # no node but the old leader answers them
            else:
                self._is_good("stale read", reply)
            await asyncio.sleep(PAUSE)

    def _is_good(self, what: str, reply: Reply) -> bool:
        self.reads += what != "write"
        if reply.status != 200:
            self.errors.append(f"{what}: {reply.status} {reply.text}")
        return reply.status == 200

    @property
    def longest_pause(self) -> float:
        """Seconds without a confirmed write."""
        return max(after - before for before, after in pairwise(self.times))

    async def lost(self) -> set[tuple[int, int]]:
        """The confirmed writes that are not in the store."""
        found: set[tuple[int, int]] = set()
        async for page in self._client.pages("all/"):
            for key in page["keys"]:
                _, writer, number = key.split("/")
                found.add((int(writer), int(number)))
        expected = {
            (writer, number)
            for writer, numbers in enumerate(self.confirmed)
            for number in numbers
        }
        return expected - found


@asynccontextmanager
async def entered(service: ServiceProcess) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield await Client(session, service.url).enter()


def service_of(folder: Path, cluster: Cluster, checkout: Path) -> ServiceProcess:
    """A service of this version before the cluster."""
    folder.mkdir()
    environ = environ_before(folder, cluster.nodes[0])
    environ |= {"KV_TARANTOOL_URI": cluster.uris}
    return ServiceProcess(folder, environ, checkout)


def restart(cluster: Cluster, node: Node, lua: Path) -> None:
    """Stops a node, starts it with this code, and waits until it has caught up."""
    use(node, lua, signal.SIGTERM)
    cluster.wait_until_whole()


def upgrade(cluster: Cluster, lua: Path) -> Node:
    """Upgrades all nodes but one; an upgraded one leads then.

    :return: the old node, after it has received the migration
    """
    old = wait_for_duties(cluster)
    for node in cluster.nodes:
        if node != old:
            restart(cluster, node, lua)
    if cluster.wait_for_leader() == old:
        admin(old, "step_down")
    wait_for_duties(cluster, other_than=old)
    wait_until(partial(is_upgraded, old), START_TIMEOUT)
    return old


async def test_a_rolling_upgrade_refuses_no_write_and_loses_none(
    cluster: Cluster, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    old_lua = cluster.lua
    lua = new_version(tmp_path / "new", compatible=True)
    old_service = service_of(tmp_path / "1", cluster, ROOT)
    service = service_of(tmp_path / "2", cluster, new_service(tmp_path / "new"))
    with ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, started(old_service))
        async with entered(old_service) as client:
            load = Load(client)
            async with load.running():
                old = await asyncio.to_thread(upgrade, cluster, lua)
                # the old version starts on the new schema
                await asyncio.to_thread(restart, cluster, old, old_lua)
                await asyncio.to_thread(restart, cluster, old, lua)

                await asyncio.to_thread(stack.enter_context, started(service))
                client.url = service.url
                await wait_until_ready(client, START_TIMEOUT)
                assert await asyncio.to_thread(old_service.stop) == 0
                await asyncio.sleep(1)
            lost = await load.lost()
            figures = (
                f"rolling upgrade: {sum(map(len, load.confirmed))} writes confirmed, "
                f"{len(lost)} lost, {load.longest_pause:.2f} s without writes; "
                f"{load.reads} reads; {len(load.errors)} errors, "
                f"{load.refused_stale} stale reads refused"
            )
            record_property(FIGURES, figures)
            assert load.errors == [], figures
            assert lost == set(), figures
            assert load.longest_pause < WITHOUT_WRITES, figures
    for node in cluster.nodes:
        assert is_upgraded(node)


async def test_without_a_compatible_migration_an_upgrade_loses_a_node(
    cluster: Cluster, tmp_path: Path
) -> None:
    """The control of the one before: the old node does not start again."""
    lua = new_version(tmp_path / "new", compatible=False)
    service = service_of(tmp_path / "1", cluster, ROOT)
    with started(service):
        async with entered(service) as client:
            load = Load(client)
            async with load.running():
                old = await asyncio.to_thread(upgrade, cluster, lua)
                with pytest.raises(RuntimeError, match=FILE_IS_MISSING):
                    await asyncio.to_thread(restart, cluster, old, cluster.lua)
            assert await load.lost() == set()


async def test_without_a_deployment_a_promotion_is_no_upgrade(
    cluster: Cluster, tmp_path: Path
) -> None:
    """The control of the duties of a leader: the new service may not call it."""
    lua = new_version(tmp_path / "new", compatible=True)
    leadership = lua / "kv" / "leadership.lua"
    text = leadership.read_text()
    assert text.count(DEPLOYMENT) == 1
    leadership.write_text(text.replace(DEPLOYMENT, ""))
    service = service_of(tmp_path / "1", cluster, new_service(tmp_path / "new"))
    for node in cluster.nodes:
        await asyncio.to_thread(restart, cluster, node, lua)
    leader = wait_for_duties(cluster)
    assert evaluated(leader, ADDED) is True
    with started(service):
        async with aiohttp.ClientSession() as session:
            client = Client(session, service.url)
            with pytest.raises(TimeoutError):
                await wait_until_ready(client, NOT_READY)
            # the control: it lacks nothing else
            await asyncio.to_thread(leader.console, DEPLOY)
            await wait_until_ready(client, START_TIMEOUT)
