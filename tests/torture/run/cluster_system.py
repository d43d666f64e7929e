"""The system under torture as a cluster: three nodes and their links, two workers."""

import asyncio
import contextlib
import itertools
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.support.cluster import ELECTION_TIMEOUT, Cluster, Links, Node
from tests.support.machine import wait_until
from tests.support.service import ServiceProcess
from tests.support.tarantool import evaluated
from tests.torture.run.system import WORKERS, Clock, worker


class Worker(NamedTuple):
    """:ivar name: in the paths"""

    name: str
    process: ServiceProcess


class ClusterSystem:
    """:ivar clocks: of the nodes, by name; the workers have the real time
    :ivar paths: the links of the workers to the nodes
    :ivar urls: of the workers
    """

    has_followers = True

    def __init__(
        self,
        folder: Path,
        seed: Callable[[Path], None] | None = None,
        *,
        changes: Mapping[str, str] | None = None,
    ) -> None:
        """
        :param seed: puts a fault into the nodes' copy of lua/
        :param changes: of the configuration, as `Cluster` has them
        """
        self.cluster = Cluster(folder, proxied=True, changes=changes)
        if seed is not None:
            seed(self.cluster.lua)
        self.clocks = {node.name: Clock(node.folder) for node in self.cluster.nodes}
        for node in self.cluster.nodes:
            node.environ |= self.clocks[node.name].environ
        names = [f"worker-{number}" for number in range(WORKERS)]
        self.paths = Links(itertools.product(names, self.cluster.nodes))
        self.workers = [
            Worker(name, worker(folder / name, self._uris(name))) for name in names
        ]
        self.urls = [one.process.url for one in self.workers]
        self._pids: list[tuple[Node, int]] = []  # of all processes so far

    @property
    def tarantool(self) -> Node:
        return self.cluster.wait_for_leader()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        with contextlib.ExitStack() as stack:
            stack.callback(self._forget)
            stack.enter_context(self.paths.running())
            stack.callback(self.kill_workers)
            await asyncio.to_thread(stack.enter_context, self.cluster.running())
            self._note(*self.cluster.nodes)
            await self.start_workers(*self.workers)
            yield

    async def leader(self) -> Node:
        return await asyncio.to_thread(self.cluster.wait_for_leader)

    async def next_leader(self, before: Node) -> Node:
        """Waits until another node leads."""
        return await asyncio.to_thread(self.cluster.wait_for_leader, other_than=before)

    async def start_nodes(self, *nodes: Node) -> None:
        await asyncio.to_thread(self.cluster.start, *nodes)
        self._note(*nodes)

    async def start_workers(self, *workers: Worker) -> None:
        await asyncio.gather(*(asyncio.to_thread(one.process.start) for one in workers))

    async def whole(self) -> None:
        """Waits until all nodes replicate from each other, and have the same data.

        :raises TimeoutError: they do not; after a split brain they never will
        """
        await asyncio.to_thread(self.cluster.wait_until_whole)
        await asyncio.to_thread(wait_until, self._are_equal, ELECTION_TIMEOUT)

    def kill_workers(self) -> None:
        for one in self.workers:
            one.process.send(signal.SIGKILL)
        for one in self.workers:
            one.process.exit_code()

    def _uris(self, worker: str) -> str:
        ports = [self.paths.port(worker, node) for node in self.cluster.nodes]
        return ",".join(f"127.0.0.1:{port}" for port in ports)

    def _are_equal(self) -> bool:
        """Whether all have what the first one has just confirmed, or more."""
        first, *others = self.cluster.nodes
        confirmed = evaluated(first, "box.space.kv_meta:get('revision').value")
        return all(
            evaluated(node, "box.space.kv_meta:get('revision').value") >= confirmed
            for node in others
        )

    def _note(self, *nodes: Node) -> None:
        self._pids += [(node, node.pid) for node in nodes]

    def _forget(self) -> None:
        for node, pid in self._pids:
            self.clocks[node.name].forget(pid)
