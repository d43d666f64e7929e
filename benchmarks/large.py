"""What the largest batches cost: memory, and how long they hold up others.

`make bench-large` runs a Tarantool and services of its own on the loopback. First the
memory: for each kind of batch a service that has done nothing yet, and what it and
Tarantool take more at their peak than before. Then the stall: reads of one key go out
at a steady rate, timed from the moment they were due, alone and beside batches, which
come a few a second or one right after the other. Batches and reads are sent by
processes of their own, which share the machine's cores with what they measure; that of
the batches, which in earnest come from elsewhere, goes last where all want them.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
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

from benchmarks.logins import (
    NICENESS,
    Connection,
    at_rate,
    percentile,
    prepared,
    read,
)
from service.settings import Settings
from tests.support.machine import ROOT
from tests.support.service import ServiceProcess, environ_before
from tests.support.tarantool import LocalTarantool

LIMITS = Settings()
KIB, MIB = 1024, 1024 * 1024

#: Batches that are sent at the same time, for the peak of many.
MANY = 32

#: Batches a second where they do not come one right after the other.
BATCH_RATE = 2.0

QUIET, ALONE = "quiet", "back to back"
#: How batches come: their clients, each with one batch after the other; 0: at the rate.
PACES = {f"{BATCH_RATE:g} a second": 0, ALONE: 1, "8 at once": 8}


class Kind(NamedTuple):
    """A kind of batch: so many keys, with values of so many bytes.

    :ivar ending: of each value
    """

    name: str
    keys: int
    size: int
    ending: str = ""

    def bodies(self) -> dict[str, bytes]:
        """Of a write of all the keys, and of a read, by their paths."""
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


#: The quotes count, and the keys need room in a body of the largest size.
ONE = Kind("1 value of 1 MiB", 1, LIMITS.max_value - 2)
LARGE = Kind("16 values of 1 MiB", 16, LIMITS.max_value - 64)
FULL = Kind("10,000 keys, 16 MiB", LIMITS.max_keys, 1640)
#: Python keeps four bytes for each character of a text that has one like this.
WIDE = Kind("16 values of 1 MiB with an emoji", 16, LIMITS.max_value - 64, "😀")
SMALL = Kind("10,000 keys of 20 bytes", LIMITS.max_keys, 20)


class Stall(NamedTuple):
    """Reads of one period, in seconds each, and the batches beside them."""

    reads: list[float]
    batches: list[float]
    statuses: Counter[int]


@contextlib.contextmanager
def storage(folder: Path, wal_mode: str) -> Iterator[LocalTarantool]:
    tarantool = LocalTarantool(
        folder, migrations=ROOT / "migrations", environ={"KV_WAL_MODE": wal_mode}
    )
    try:
        tarantool.start()
        yield tarantool
    finally:
        tarantool.kill()


@contextlib.contextmanager
def service(folder: Path, tarantool: LocalTarantool) -> Iterator[ServiceProcess]:
    process = ServiceProcess(folder, environ_before(folder, tarantool))
    try:
        process.start()
        yield process
    finally:
        process.stop()


# Memory


class Peak:
    """What a process takes at its peak more than at this moment, in bytes."""

    def __init__(self, pid: int) -> None:
        self._folder = Path("/proc", str(pid))
        (self._folder / "clear_refs").write_text("5")  # proc(5): the peak begins anew
        self._before = self._bytes("VmRSS:")

    def more(self) -> int:
        return self._bytes("VmHWM:") - self._before

    def _bytes(self, field: str) -> int:
        status = (self._folder / "status").read_text()
        return int(status.partition(field)[2].split()[0]) * KIB


async def send_at_once(
    port: int, token: str, path: str, body: bytes, count: int
) -> Counter[int]:
    connections = [Connection(port, "127.0.0.1") for _ in range(count)]
    replies = await asyncio.gather(
        *(connection.post(path, body, token) for connection in connections)
    )
    for connection in connections:
        connection.close()
    return Counter(status for status, _ in replies)


def memory(folder: Path, tarantool: LocalTarantool) -> Iterator[str]:
    yield "| batch | call | at once | service MiB | Tarantool MiB | answers |"
    yield "|---|---|---|---|---|---|"
    with service(folder, tarantool) as process:
        token, _ = asyncio.run(prepared(process.port))
    for kind in (ONE, LARGE, WIDE, FULL, SMALL):
        for path, body in kind.bodies().items():
            for count in (1, MANY):
                with service(folder, tarantool) as process:
                    peaks = [Peak(pid) for pid in (process.pid, tarantool.pid)]
                    statuses = asyncio.run(
                        send_at_once(process.port, token, path, body, count)
                    )
                    more = " | ".join(f"{peak.more() / MIB:.0f}" for peak in peaks)
                yield f"| {kind.name} | {path} | {count} | {more} | {dict(statuses)} |"


# Stalls


async def _send(
    port: int, token: str, path: str, body: bytes, pace: str, seconds: float
) -> tuple[list[float], Counter[int]]:
    idle = [Connection(port, "127.0.0.1") for _ in range(max(1, PACES[pace]))]
    taken: list[float] = []
    statuses = Counter[int]()
    end = time.perf_counter() + seconds

    async def send(_due: float) -> None:
        if idle:
            connection = idle.pop()
            begin = time.perf_counter()
            status, _ = await connection.post(path, body, token)
            taken.append(time.perf_counter() - begin)
            statuses[status] += 1
            idle.append(connection)

    async def go_on() -> None:
        while time.perf_counter() < end:
            await send(0)

    if PACES[pace]:
        await asyncio.gather(*(go_on() for _ in range(PACES[pace])))
    else:
        await at_rate(BATCH_RATE, seconds, send)
    return taken, statuses


def send(
    port: int, token: str, kind: Kind, path: str, pace: str, seconds: float
) -> tuple[list[float], Counter[int]]:
    body = kind.bodies()[path]
    return asyncio.run(_send(port, token, path, body, pace, seconds))


def stalls(
    port: int, rounds: int, seconds: float
) -> dict[tuple[str, str, str], list[Stall]]:
    periods = {
        (kind.name, path, pace): kind
        for kind in (LARGE, FULL, SMALL)
        for path in kind.bodies()
        for pace in PACES
    }
    found: dict[tuple[str, str, str], list[Stall]] = defaultdict(list)
    token, key = asyncio.run(prepared(port))
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, spawn) as reading,
        ProcessPoolExecutor(1, spawn, os.nice, (NICENESS,)) as sending,
    ):
        reading.submit(read, port, token, key, 1).result()
        for kind in (LARGE, FULL, SMALL):  # what is read later
            sending.submit(send, port, token, kind, "/api/write", ALONE, 0.1).result()
        for _ in range(rounds):
            order = [(QUIET, "", ""), *periods]
            for period in random.sample(order, len(order)):
                batches: list[float] = []
                statuses = Counter[int]()
                if period[0] != QUIET:
                    beside = sending.submit(
                        send, port, token, periods[period], *period[1:], seconds + 0.6
                    )
                    time.sleep(0.3)  # it has begun when the first read is timed
                reads = reading.submit(read, port, token, key, seconds).result()
                if period[0] != QUIET:
                    batches, statuses = beside.result()
                found[period].append(Stall(reads, batches, statuses))
    return found


def rows(found: dict[tuple[str, str, str], list[Stall]]) -> Iterator[str]:
    """The medians of the rounds; of the longest reads the worst of all, too."""
    yield (
        "| batches | call | pace | p50 ms | p99 ms | longest ms | worst ms "
        "| batches/s | ms a batch | answers |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for period in sorted(found, key=lambda period: (period[0] != QUIET, period)):
        ran = found[period]
        cells = [
            f"{1000 * statistics.median(each):.1f}"
            for each in (
                [percentile(stall.reads, 50) for stall in ran],
                [percentile(stall.reads, 99) for stall in ran],
                [max(stall.reads) for stall in ran],
            )
        ]
        cells.append(f"{1000 * max(max(stall.reads) for stall in ran):.1f}")
        batches = [each for stall in ran for each in stall.batches]
        statuses = sum((stall.statuses for stall in ran), Counter[int]())
        if batches:
            cells += [
                f"{len(batches) / len(ran):.0f}",
                f"{1000 * statistics.median(batches):.0f}",
                str(dict(statuses)),
            ]
        else:
            cells += ["", "", ""]
        yield f"| {' | '.join((*period, *cells))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=("memory", "stalls"))
    parser.add_argument("--wal", choices=("fsync", "write"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of a period")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {given}")
    for wal_mode in [given.wal] if given.wal else ["fsync", "write"]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with storage(folder, wal_mode) as tarantool:
                if given.what != "stalls":
                    print(*memory(folder, tarantool), sep="\n", flush=True)
                if given.what != "memory":
                    with service(folder, tarantool) as process:
                        found = stalls(process.port, given.rounds, given.seconds)
                    print(f"KV_WAL_MODE={wal_mode}", *rows(found), sep="\n", flush=True)


if __name__ == "__main__":
    main()
