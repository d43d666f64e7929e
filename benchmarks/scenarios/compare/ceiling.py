"""The maximum rate of one Tarantool: its procedures, called without a service.

All procedures run in Tarantool's transaction thread. Client processes keep more calls
in flight than it can serve at once. As they share its cores, the thread is not always
busy; its idle time shows how much more it could serve.
"""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import asynctnt

from benchmarks.measure.cases import OPERATIONS, Operation, Setting
from benchmarks.measure.open_loop import SPAWN
from benchmarks.measure.processes import cpu_of_main_thread
from benchmarks.subjects.dataset import Dataset, Rows
from benchmarks.subjects.procedures import (
    PROCEDURES,
    arguments,
    caller_of,
    connection_to,
)
from benchmarks.subjects.service import Service

CLIENTS = 2

#: Calls that a client has in flight, and distinct calls that it makes.
IN_FLIGHT, REQUESTS = 128, 1000

#: Seconds that a client may take beyond the measurement, to connect and to end.
EXTRA_SECONDS = 30.0


class Ceiling(NamedTuple):
    """:ivar rate: calls per second
    :ivar busy: share of the time in which the thread ran
    """

    operation: Operation
    batch: int
    rate: float
    busy: float

    @property
    def max_rate(self) -> float:
        """Calls per second of a thread that is always busy."""
        return self.rate / self.busy


class Calls(NamedTuple):
    """The calls of a client, as they are sent to its process."""

    data: Path
    caller: list[Any]
    dataset: Dataset
    operation: Operation
    batch: int
    seconds: float

    def run(self) -> int:
        """Returns the number of calls."""
        return asyncio.run(asyncio.wait_for(self._run(), self.seconds + EXTRA_SECONDS))

    async def _run(self) -> int:
        connection = connection_to(self.data)
        await connection.connect()
        random = Random()
        rows = [self.dataset.random_json(random, self.batch) for _ in range(REQUESTS)]
        end = time.monotonic() + self.seconds
        counts = await asyncio.gather(
            *(self._call_until(end, connection, cycle(rows)) for _ in range(IN_FLIGHT))
        )
        await connection.disconnect()
        return sum(counts)

    async def _call_until(
        self, end: float, connection: asynctnt.Connection, rows: Iterator[Rows]
    ) -> int:
        count = 0
        procedure = PROCEDURES[self.operation]
        while time.monotonic() < end:
            keys, values = next(rows)
            await connection.call(
                procedure, arguments(self.operation, self.caller, keys, values)
            )
            count += 1
        return count


def measure_ceilings(
    folder: Path, setting: Setting, value_bytes: int, batches: list[int], seconds: float
) -> list[Ceiling]:
    folder.mkdir()
    dataset = Dataset(folder, setting.keys, value_bytes)
    service = Service(folder / "service", setting, dataset)
    try:
        service.start()
        service.fill()
        with ProcessPoolExecutor(CLIENTS, SPAWN) as clients:
            return [
                _measure_ceiling(service, clients, operation, batch, seconds)
                for operation in OPERATIONS
                for batch in batches
            ]
    finally:
        service.stop()


def _measure_ceiling(
    service: Service,
    clients: ProcessPoolExecutor,
    operation: Operation,
    batch: int,
    seconds: float,
) -> Ceiling:
    (store,) = service.pids().store
    calls = Calls(
        service.process.data,
        caller_of(service),
        service.dataset,
        operation,
        batch,
        seconds,
    )
    # the processes start, and Tarantool compiles its Lua
    list(clients.map(Calls.run, [calls._replace(seconds=seconds / 4)] * CLIENTS))
    begin, before = time.monotonic(), cpu_of_main_thread(store)
    counts = list(clients.map(Calls.run, [calls] * CLIENTS))
    elapsed, cpu = time.monotonic() - begin, cpu_of_main_thread(store) - before
    return Ceiling(operation, batch, sum(counts) / elapsed, cpu / elapsed)
