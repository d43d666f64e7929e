"""Measures the largest batches: their memory, and how long they stall other requests.

Memory: for each kind of batch a new service, and the growth of its memory and
Tarantool's to their peaks. Stalls: reads of one key at a steady rate, timed from the
moment they were due, alone and next to batches, which come a few per second or back to
back. Batches and reads are sent by processes of their own on the same cores; the sender
of the batches, which in production is on another machine, runs with a low priority.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure.open_loop import (
    NICENESS,
    SPAWN,
    Connection,
    at_rate,
    percentile,
    register_reader,
    timed_reads,
)
from benchmarks.measure.processes import PeakMemory
from benchmarks.report.conditions import machine
from benchmarks.report.table import markdown_table
from service.settings import Settings
from tests.support.machine import ROOT
from tests.support.service import ServiceProcess, environ_before
from tests.support.tarantool import LocalTarantool

LIMITS = Settings()
MIB = 1024 * 1024

#: Batches sent at the same time, for the peak of many.
MANY = 32

#: Batches per second, if they are not back to back.
BATCH_RATE = 2.0

#: Seconds between the start of the batches and the first timed read.
LEAD = 0.3

QUIET, BACK_TO_BACK = "quiet", "back to back"

#: The number of clients that send batches back to back; 0: `BATCH_RATE` instead.
PACES = {f"{BATCH_RATE:g} a second": 0, BACK_TO_BACK: 1, "8 at once": 8}

MEMORY_TITLES = [
    *("batch", "call", "at once", "service MiB", "Tarantool MiB", "answers"),
]
STALL_TITLES = [
    *("batches", "call", "pace", "p50 ms", "p99 ms", "longest ms", "worst ms"),
    *("batches/s", "ms a batch", "answers"),
]

Period = tuple[str, str, str]


class Kind(NamedTuple):
    """A kind of batch.

    :ivar keys: number of keys
    :ivar size: bytes of a value
    :ivar ending: of each value
    """

    name: str
    keys: int
    size: int
    ending: str = ""

    def bodies(self) -> dict[str, bytes]:
        """By path, the body of a write and of a read of all keys."""
        source = random.Random(self.name)
        names = [f"{self.name} {number:05}" for number in range(self.keys)]
        data = {
            name: source.randbytes(self.size // 2).hex() + self.ending for name in names
        }
        bodies = {"/api/write": {"data": data}, "/api/read": {"keys": names}}
        encoded = {
            path: json.dumps(body, ensure_ascii=False).encode()
            for path, body in bodies.items()
        }
        assert max(map(len, encoded.values())) <= LIMITS.max_body
        return encoded


#: Quotes are part of a value, and keys are part of a body of the largest size.
ONE = Kind("1 value of 1 MiB", 1, LIMITS.max_value - 2)
LARGE = Kind("16 values of 1 MiB", 16, LIMITS.max_value - 64)
FULL = Kind("10,000 keys, 16 MiB", LIMITS.max_keys, 1640)
#: With such a character Python stores four bytes for each character of the text.
WIDE = Kind("16 values of 1 MiB with an emoji", 16, LIMITS.max_value - 64, "😀")
SMALL = Kind("10,000 keys of 20 bytes", LIMITS.max_keys, 20)

KINDS = {"one": ONE, "large": LARGE, "wide": WIDE, "full": FULL, "small": SMALL}


class Stall(NamedTuple):
    """The latencies of reads and batches in one period, in seconds."""

    reads: list[float]
    batches: list[float]
    statuses: Counter[int]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--what", choices=("memory", "stalls"), help="the part to run; by default both"
    )
    parser.add_argument(
        "--wal", choices=("fsync", "write"), help="KV_WAL_MODE; by default both"
    )
    parser.add_argument(
        "--kinds",
        nargs="+",
        choices=KINDS,
        default=list(KINDS),
        help="batches whose memory is measured",
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds of all periods")
    parser.add_argument("--seconds", type=float, default=3.0, help="seconds per period")


def run(options: argparse.Namespace) -> int:
    print(f"{machine()}, {options}")
    for wal_mode in [options.wal] if options.wal else ["fsync", "write"]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with _running_tarantool(folder, wal_mode) as tarantool:
                if options.what != "stalls":
                    rows = _memory_rows(folder, tarantool, options.kinds)
                    for line in markdown_table(MEMORY_TITLES, rows):
                        print(line, flush=True)
                if options.what != "memory":
                    with _running_service(folder, tarantool) as service:
                        found = _stalls(service.port, options.rounds, options.seconds)
                    print(f"KV_WAL_MODE={wal_mode}")
                    rows = _stall_rows(found)
                    print(*markdown_table(STALL_TITLES, rows), sep="\n", flush=True)
    return 0


@contextlib.contextmanager
def _running_tarantool(folder: Path, wal_mode: str) -> Iterator[LocalTarantool]:
    tarantool = LocalTarantool(
        folder, migrations=ROOT / "migrations", environ={"KV_WAL_MODE": wal_mode}
    )
    try:
        tarantool.start()
        yield tarantool
    finally:
        tarantool.kill()


@contextlib.contextmanager
def _running_service(
    folder: Path, tarantool: LocalTarantool
) -> Iterator[ServiceProcess]:
    service = ServiceProcess(folder, environ_before(folder, tarantool))
    try:
        service.start()
        yield service
    finally:
        service.stop()


# Memory


def _memory_rows(
    folder: Path, tarantool: LocalTarantool, kinds: list[str]
) -> Iterator[list[str]]:
    with _running_service(folder, tarantool) as service:
        token, _ = asyncio.run(register_reader(service.port))
    for kind in map(KINDS.__getitem__, kinds):
        for path, body in kind.bodies().items():
            for count in (1, MANY):
                with _running_service(folder, tarantool) as service:
                    peaks = [PeakMemory(pid) for pid in (service.pid, tarantool.pid)]
                    statuses = asyncio.run(
                        _send_at_once(service.port, token, path, body, count)
                    )
                    growth = [f"{peak.growth() / MIB:.0f}" for peak in peaks]
                yield [kind.name, path, str(count), *growth, str(dict(statuses))]


async def _send_at_once(
    port: int, token: str, path: str, body: bytes, count: int
) -> Counter[int]:
    connections = [Connection(port) for _ in range(count)]
    replies = await asyncio.gather(
        *(connection.post(path, body, token) for connection in connections)
    )
    for connection in connections:
        connection.close()
    return Counter(status for status, _ in replies)


# Stalls


def send_batches(
    port: int, token: str, kind: Kind, path: str, pace: str, seconds: float
) -> tuple[list[float], Counter[int]]:
    """Returns the latencies in seconds, and the number of each status."""
    body = kind.bodies()[path]
    return asyncio.run(_send_batches(port, token, path, body, PACES[pace], seconds))


async def _send_batches(
    port: int, token: str, path: str, body: bytes, clients: int, seconds: float
) -> tuple[list[float], Counter[int]]:
    idle = [Connection(port) for _ in range(max(1, clients))]
    latencies: list[float] = []
    statuses = Counter[int]()
    end = time.perf_counter() + seconds

    async def send(_due: float) -> None:
        if idle:
            connection = idle.pop()
            begin = time.perf_counter()
            status, _ = await connection.post(path, body, token)
            latencies.append(time.perf_counter() - begin)
            statuses[status] += 1
            idle.append(connection)

    async def send_until_end() -> None:
        while time.perf_counter() < end:
            await send(0)

    if clients:
        await asyncio.gather(*(send_until_end() for _ in range(clients)))
    else:
        await at_rate(BATCH_RATE, seconds, send)
    return latencies, statuses


def _stalls(port: int, rounds: int, seconds: float) -> dict[Period, list[Stall]]:
    periods = {
        (kind.name, path, pace): kind
        for kind in (LARGE, FULL, SMALL)
        for path in kind.bodies()
        for pace in PACES
    }
    found: dict[Period, list[Stall]] = defaultdict(list)
    token, key = asyncio.run(register_reader(port))
    with (
        ProcessPoolExecutor(1, SPAWN) as reading,
        ProcessPoolExecutor(1, SPAWN, os.nice, (NICENESS,)) as sending,
    ):
        reading.submit(timed_reads, port, token, key, 1).result()
        for kind in (LARGE, FULL, SMALL):  # the keys that batches read later
            arguments = (port, token, kind, "/api/write", BACK_TO_BACK, 0.1)
            sending.submit(send_batches, *arguments).result()
        for _ in range(rounds):
            order = [(QUIET, "", ""), *periods]
            for period in random.sample(order, len(order)):
                latencies: list[float] = []
                statuses = Counter[int]()
                if period[0] != QUIET:
                    batches = sending.submit(
                        send_batches,
                        port,
                        token,
                        periods[period],
                        *period[1:],
                        seconds + 2 * LEAD,
                    )
                    time.sleep(LEAD)
                reads = reading.submit(timed_reads, port, token, key, seconds).result()
                if period[0] != QUIET:
                    latencies, statuses = batches.result()
                found[period].append(Stall(reads, latencies, statuses))
    return found


def _stall_rows(found: dict[Period, list[Stall]]) -> Iterator[list[str]]:
    """Medians of the rounds; of the longest reads also the maximum."""
    for period in sorted(found, key=lambda period: (period[0] != QUIET, period)):
        stalls = found[period]
        longest = [max(stall.reads) for stall in stalls]
        cells = [
            f"{1000 * seconds:.1f}"
            for seconds in (
                statistics.median(percentile(stall.reads, 50) for stall in stalls),
                statistics.median(percentile(stall.reads, 99) for stall in stalls),
                statistics.median(longest),
                max(longest),
            )
        ]
        batches = [each for stall in stalls for each in stall.batches]
        statuses = sum((stall.statuses for stall in stalls), Counter[int]())
        if batches:
            cells += [
                f"{len(batches) / len(stalls):.0f}",
                f"{1000 * statistics.median(batches):.0f}",
                str(dict(statuses)),
            ]
        else:
            cells += ["", "", ""]
        yield [*period, *cells]
