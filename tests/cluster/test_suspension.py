"""A machine with a service and the leader is suspended, and continues when another node
has been elected: over HTTP, as a client sees it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.cluster.test_lease import WITHOUT_LEASE
from tests.support.client import Client
from tests.support.cluster import Cluster
from tests.support.service import ServiceProcess, environ_before, started

pytestmark = pytest.mark.needs_election

#: Clients that read while the machine is suspended.
READERS = 100

#: Seconds for their requests to arrive at the service.
ARRIVAL = 0.3

#: Seconds in which the service that continues has sent what waits for it, and has not
#: yet found its leader silent.
HEAD_START = 0.05

#: A suspended leader that has no lease may notice at once that it has lost.
ROUNDS = 4
CONTROL_ROUNDS = 12


class Services:
    """Two services before one cluster; the first is on the machine of the leader."""

    def __init__(
        self, cluster: Cluster, suspended: ServiceProcess, clients: list[Client]
    ) -> None:
        self._cluster = cluster
        self._suspended = suspended
        self._there, self._elsewhere = clients
        self._number = 0

    async def outdated_replies(self) -> int:
        """Replies to reads that began after another value had been acknowledged."""
        await asyncio.to_thread(self._cluster.wait_until_whole)
        leader = await asyncio.to_thread(self._cluster.wait_for_leader)
        assert (await self._there.read(["k"])).status == 200
        self._suspended.send(signal.SIGSTOP)
        leader.kill(signal.SIGSTOP)
        await asyncio.to_thread(self._cluster.wait_for_leader, other_than=leader)
        self._number += 1
        written = await self._elsewhere.write({"k": self._number})
        assert written.status == 200, written.text
        reads = [asyncio.create_task(self._there.read(["k"])) for _ in range(READERS)]
        await asyncio.sleep(ARRIVAL)
        self._suspended.send(signal.SIGCONT)
        await asyncio.sleep(HEAD_START)
        leader.kill(signal.SIGCONT)
        replies = await asyncio.gather(*reads)
        found = [reply.json["data"]["k"] for reply in replies if reply.status == 200]
        assert found, replies[0].text
        return sum(value != self._number for value in found)


@asynccontextmanager
async def services(cluster: Cluster, folder: Path) -> AsyncIterator[Services]:
    processes = []
    for name in ("suspended", "elsewhere"):
        (folder / name).mkdir()
        environ = environ_before(folder / name, cluster.nodes[0])
        environ["KV_TARANTOOL_URI"] = cluster.uris
        processes.append(ServiceProcess(folder / name, environ))
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        with started(processes[0]), started(processes[1]):
            clients = [Client(session, process.url) for process in processes]
            await clients[0].enter()
            clients[1].token = clients[0].token
            assert (await clients[0].write({"k": 0})).status == 200
            yield Services(cluster, processes[0], clients)


async def test_after_a_suspension_no_reply_is_outdated(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with services(cluster, tmp_path) as both:
        for _ in range(ROUNDS):
            assert await both.outdated_replies() == 0


async def test_without_a_lease_a_reply_after_a_suspension_is_outdated(
    cluster: Cluster, tmp_path: Path
) -> None:
    """The control of the one before."""
    for node in cluster.nodes:
        node.console(WITHOUT_LEASE)
    async with services(cluster, tmp_path) as both:
        for _ in range(CONTROL_ROUNDS):
            if await both.outdated_replies() > 0:
                return
    pytest.fail("the suspension has done no harm: this proves nothing")
