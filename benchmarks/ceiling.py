"""How many calls one Tarantool can take: its procedures, called without a service.

They all run in one thread of Tarantool, that of its transactions. Clients, each a
process, keep more calls under way than it can answer at once; what they do not bring it
to do, because they use the same cores, is told by the time that the thread was idle.
"""

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import asynctnt

from benchmarks.corpus import Corpus, Operation
from benchmarks.footprint import told
from benchmarks.processes import cpu_of_main_thread
from benchmarks.subjects import CREDENTIALS, MIB, Ours, Setting
from service.process import secret_files

CLIENTS = 2

#: Calls that a client has under way, and different ones that it makes.
UNDER_WAY, REQUESTS = 128, 1000

#: Seconds beside those of the measurement, for what begins and ends it.
PATIENCE = 30.0

SPAWN = multiprocessing.get_context("spawn")

USER = "kv_service"


class Ceiling(NamedTuple):
    """:ivar rate: calls a second
    :ivar busy: share of the time in which the thread ran
    """

    operation: Operation
    batch: int
    rate: float
    busy: float

    @property
    def at_most(self) -> float:
        """Calls a second of a thread that always runs."""
        return self.rate / self.busy


class Calls(NamedTuple):
    """What a client is to do, as it goes to its process."""

    data: Path
    caller: list[Any]
    corpus: Corpus
    operation: Operation
    batch: int
    seconds: float

    def run(self) -> int:
        return asyncio.run(asyncio.wait_for(self._run(), self.seconds + PATIENCE))

    async def _run(self) -> int:
        connection = asynctnt.Connection(
            host="unix/",
            port=str(self.data / "tarantool.sock"),
            username=USER,
            password=secret_files.read_or_create(
                self.data / secret_files.TARANTOOL_PASSWORD
            ),
            fetch_schema=False,
            auto_refetch_schema=False,
            ping_timeout=0,
            request_timeout=5,
        )
        await connection.connect()
        random = Random()
        asks = [self.corpus.drawn(random, self.batch) for _ in range(REQUESTS)]
        end = time.monotonic() + self.seconds
        counts = await asyncio.gather(
            *(self._call_until(end, connection, cycle(asks)) for _ in range(UNDER_WAY))
        )
        await connection.disconnect()
        return sum(counts)

    async def _call_until(
        self,
        end: float,
        connection: asynctnt.Connection,
        asks: Iterator[tuple[list[str], list[str]]],
    ) -> int:
        count = 0
        reads = self.operation == "read"
        while time.monotonic() < end:
            keys, values = next(asks)
            if reads:
                await connection.call("kv.v1.get", [self.caller, keys, 16 * MIB])
            else:
                await connection.call("kv.v1.put", [self.caller, keys, values])
            count += 1
        return count


def ceilings(
    folder: Path, setting: Setting, value_bytes: int, batches: list[int], seconds: float
) -> list[Ceiling]:
    folder.mkdir()
    corpus = Corpus(folder, setting.keys, value_bytes)
    ours = Ours(folder / "service", setting, corpus)
    operations: tuple[Operation, ...] = ("read", "write")
    try:
        ours.start()
        ours.load()
        with ProcessPoolExecutor(CLIENTS, SPAWN) as clients:
            return [
                _ceiling(ours, clients, operation, batch, seconds)
                for operation in operations
                for batch in batches
            ]
    finally:
        ours.stop()


def _ceiling(
    ours: Ours,
    clients: ProcessPoolExecutor,
    operation: Operation,
    batch: int,
    seconds: float,
) -> Ceiling:
    (store,) = ours.pids().store
    name = CREDENTIALS["username"]
    version = told(ours, f"box.space.users:get('{name}').credentials_version")
    calls = Calls(
        ours.process.data, [name, version], ours.corpus, operation, batch, seconds
    )
    # the processes start, and Tarantool compiles
    list(clients.map(Calls.run, [calls._replace(seconds=seconds / 4)] * CLIENTS))
    begin, before = time.monotonic(), cpu_of_main_thread(store)
    counts = list(clients.map(Calls.run, [calls] * CLIENTS))
    took, cpu = time.monotonic() - begin, cpu_of_main_thread(store) - before
    return Ceiling(operation, batch, sum(counts) / took, cpu / took)
