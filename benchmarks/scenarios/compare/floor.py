"""The CPU time of Tarantool's thread, next to the raw operations of the same call.

The procedures of the service and those of floor.lua are called without a service, with
calls in flight. They alternate in random order in each round.
"""

import asyncio
import gc
import itertools
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import asynctnt
import uvloop

from benchmarks.measure.cases import Operation, Setting
from benchmarks.measure.open_loop import percentile
from benchmarks.measure.processes import cpu_of_main_thread
from benchmarks.measure.wrk import CONNECTIONS
from benchmarks.report.results import Spread
from benchmarks.subjects.dataset import Dataset
from benchmarks.subjects.procedures import (
    PROCEDURES,
    arguments,
    caller_of,
    connection_to,
)
from benchmarks.subjects.service import Service

SCRIPT = Path(__file__).with_suffix(".lua")

#: Calls in flight, as many as connections of wrk.
IN_FLIGHT = CONNECTIONS

#: The procedures of each operation by their titles: the service's, the floor, others.
VARIANTS: dict[Operation, dict[str, str]] = {
    "read": {
        PROCEDURES["read"]: PROCEDURES["read"],
        "look-ups": "floor.look_up",
    },
    "write": {
        PROCEDURES["write"]: PROCEDURES["write"],
        "raw replaces": "floor.replace",
        "raw replaces, hash only": "floor.replace_hash_only",
        "raw replaces, log by revision": "floor.replace_and_log",
        "raw replaces, log by key too": "floor.replace_and_index_log",
    },
}

#: Keys of the distinct calls together, and such calls at least.
KEYS, MIN_CALLS = 100_000, 100

#: The share of a measurement's time that a procedure runs before the first one.
WARM_UP = 0.25


class Sample(NamedTuple):
    """The calls of a procedure in a round.

    :ivar rate: calls per second
    :ivar thread: CPU microseconds of Tarantool's transaction thread per call
    :ivar p50, p99, longest: milliseconds
    """

    rate: float
    thread: float
    p50: float
    p99: float
    longest: float

    @property
    def tail(self) -> float:
        """p99 in multiples of p50."""
        return self.p99 / self.p50


class Floor(NamedTuple):
    """:ivar samples: by the title of the procedure, one of each round"""

    operation: Operation
    batch: int
    samples: dict[str, list[Sample]]

    def multiple(self, title: str) -> Spread:
        """The CPU time of a procedure, in multiples of the floor's, of each round."""
        _, floor, *_ = VARIANTS[self.operation]
        pairs = zip(self.samples[title], self.samples[floor], strict=True)
        return Spread.of(one.thread / other.thread for one, other in pairs)

    def tail(self, title: str) -> Spread:
        return Spread.of(each.tail for each in self.samples[title])


class Load(NamedTuple):
    """:ivar calls: the arguments of each"""

    operation: Operation
    batch: int
    calls: list[list[Any]]


class Calls(NamedTuple):
    """The calls of a procedure.

    :ivar calls: the arguments of each
    """

    connection: asynctnt.Connection
    procedure: str
    calls: list[list[Any]]

    async def run(self, seconds: float) -> list[float]:
        """Returns the latency of each call, in seconds."""
        end, calls = time.monotonic() + seconds, itertools.cycle(self.calls)
        latencies = []

        async def call_until_end() -> None:
            while (begin := time.monotonic()) < end:
                await self.connection.call(self.procedure, next(calls))
                latencies.append(time.monotonic() - begin)

        await asyncio.gather(*(call_until_end() for _ in range(IN_FLIGHT)))
        return latencies


def measure_floors(
    folder: Path,
    setting: Setting,
    value_bytes: int,
    batches: list[int],
    rounds: int,
    seconds: float,
) -> list[Floor]:
    """:param seconds: of a measurement"""
    folder.mkdir()
    dataset = Dataset(folder, setting.keys, value_bytes)
    service = Service(folder / "service", setting, dataset)
    try:
        service.start()
        service.fill()
        reply = service.console(f"dofile([[{SCRIPT}]])")
        if "error" in reply:
            raise RuntimeError(reply)
        loads = list(_loads(service, batches))
        gc.freeze()  # else a collection in the middle of a call counts as its latency
        return uvloop.run(_measure(service, loads, rounds, seconds))
    finally:
        gc.unfreeze()
        service.stop()


def _loads(service: Service, batches: list[int]) -> Iterator[Load]:
    caller, generator = caller_of(service), random.Random(0)
    for operation, batch in itertools.product(VARIANTS, batches):
        calls = [
            arguments(operation, caller, *service.dataset.random_json(generator, batch))
            for _ in range(max(MIN_CALLS, KEYS // batch))
        ]
        yield Load(operation, batch, calls)


async def _measure(
    service: Service, loads: list[Load], rounds: int, seconds: float
) -> list[Floor]:
    floors = [
        Floor(
            load.operation,
            load.batch,
            {title: [] for title in VARIANTS[load.operation]},
        )
        for load in loads
    ]
    pairs = list(zip(loads, floors, strict=True))
    async with connection_to(service.process.data) as connection:
        for number in range(rounds):
            for load, floor in random.sample(pairs, len(pairs)):
                variants = list(VARIANTS[load.operation].items())
                for title, procedure in random.sample(variants, len(variants)):
                    calls = Calls(connection, procedure, load.calls)
                    if number == 0:
                        await calls.run(WARM_UP * seconds)
                    sample = await _sample(service, calls, seconds)
                    floor.samples[title].append(sample)
    return floors


async def _sample(service: Service, calls: Calls, seconds: float) -> Sample:
    (store,) = service.pids().store
    # no procedure pays for the garbage of the one before
    service.console("collectgarbage()")
    begin, before = time.monotonic(), cpu_of_main_thread(store)
    latencies = await calls.run(seconds)
    elapsed, cpu = time.monotonic() - begin, cpu_of_main_thread(store) - before
    return Sample(
        len(latencies) / elapsed,
        1e6 * cpu / len(latencies),
        1e3 * statistics.median(latencies),
        1e3 * percentile(latencies, 99),
        1e3 * max(latencies),
    )
