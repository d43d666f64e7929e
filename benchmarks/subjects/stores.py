"""The service in front of Tarantools of their own: one instance, or three nodes.

It reaches both over TCP, so that they differ only in the replication.
"""

import signal
import socket
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

from benchmarks.measure.cases import Operation, Setting
from benchmarks.measure.processes import Pids
from benchmarks.subjects.dataset import Dataset
from benchmarks.subjects.service import (
    PRINT_VERSION,
    Service,
    memory_for,
    version_in,
)
from benchmarks.subjects.subject import exchange
from tests.support.cluster import ELECTION_TIMEOUT, Cluster, Node
from tests.support.machine import ROOT, wait_until
from tests.support.service import JWT_SECRET
from tests.support.tarantool import PASSWORD, LocalTarantool

#: KV_STALE_LIMIT, in seconds: longer than the nodes are without a leader here.
STALE_LIMIT = 86400


class Store(Protocol):
    """Tarantools that run on this machine.

    :ivar uris: for `KV_TARANTOOL_URI`
    """

    uris: str

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def pids(self) -> list[int]: ...


class OneInstance:
    """One Tarantool without replication."""

    def __init__(self, folder: Path, dataset: Dataset, setting: Setting) -> None:
        self._tarantool = LocalTarantool(
            folder,
            migrations=ROOT / "migrations",
            environ={
                "KV_WAL_MODE": setting.mode,
                "KV_MEMTX_MEMORY": str(memory_for(dataset)),
            },
        )
        self.uris = f"127.0.0.1:{self._tarantool.port}"

    def start(self) -> None:
        self._tarantool.start()

    def stop(self) -> None:
        self._tarantool.kill()

    def pids(self) -> list[int]:
        return [self._tarantool.pid]


class ThreeNodes:
    """Three Tarantools that elect their leader, with fsync."""

    def __init__(self, folder: Path, dataset: Dataset) -> None:
        folder.mkdir()
        self.cluster = Cluster(
            folder, environ={"TT_MEMTX_MEMORY": str(memory_for(dataset))}
        )
        self.uris = self.cluster.uris

    def start(self) -> None:
        self.cluster.start()
        self.cluster.wait_until_whole()

    def stop(self) -> None:
        self.cluster.kill()

    def version(self) -> str:
        """Of Tarantool."""
        return version_in(self.cluster.nodes[0].console(PRINT_VERSION))

    def pids(self) -> list[int]:
        return [node.pid for node in self.cluster.nodes if node.is_running]

    def run_only(self, count: int) -> None:
        """Starts or kills nodes, until this number of them runs.

        A majority has a leader then, and a minority has none.
        """
        nodes = self.cluster.nodes
        missing = [node for node in nodes[:count] if not node.is_running]
        if missing:
            self.cluster.start(*missing)
        for node in nodes[count:]:
            if node.is_running:
                node.kill()
        if count == len(nodes):
            self.cluster.wait_until_whole()
        elif count > len(nodes) // 2:
            self.cluster.wait_for_leader()
        else:
            wait_until(lambda: self.cluster.leader() is None, ELECTION_TIMEOUT)

    def restore(self, node: Node) -> None:
        """Starts or continues a node; returns when all replicate from each other."""
        if node.is_stopped:
            node.kill(signal.SIGCONT)
        else:
            node.start()
        self.cluster.wait_until_whole()


class SeparateService(Service):
    """The service without a Tarantool of its own."""

    def __init__(
        self, name: str, folder: Path, setting: Setting, dataset: Dataset, store: Store
    ) -> None:
        super().__init__(
            folder,
            setting,
            dataset,
            environ={
                "KV_TARANTOOL_URI": store.uris,
                "KV_TARANTOOL_PASSWORD": PASSWORD,
                "KV_JWT_SECRET": JWT_SECRET,
                "KV_STALE_LIMIT": str(STALE_LIMIT),
            },
        )
        self.name = name
        self._store = store

    def start(self) -> None:
        self._store.start()
        super().start()

    def stop(self) -> None:
        try:
            super().stop()
        finally:
            self._store.stop()

    def pids(self) -> Pids:
        return Pids(super().pids().service, self._store.pids())

    def stale_request(
        self, operation: Operation, keys: list[str], values: list[str]
    ) -> bytes:
        """The request of a read that any node may answer."""
        return self._post("/api/read", {"keys": keys, "stale": True})

    def answers_stale_reads(self) -> bool:
        """Whether it does now, with the right value.

        :raises RuntimeError: if the value is wrong
        """
        keys, values = self.dataset.first_rows(1)
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            request = self.stale_request("read", keys, values)
            status, reply = exchange(connection, request)
        if status != HTTPStatus.OK:
            return False
        if self.values_of("read", reply) != values:
            raise RuntimeError(f"{self.name}: a stale read: {reply.decode()}")
        return True
