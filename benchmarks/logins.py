"""How long a read takes while logins flood in: `make bench-logins`.

A service of its own, with its own Tarantool, at the default cost of a password, on the
loopback. Reads go out at a steady rate and are timed from the moment they were due, so
that a stall counts for all that it held up. Against them come logins with a wrong
password each: from many addresses, each with names of its own, so that no limit but the
queue for bcrypt stands in their way; and from one address. Quiet and flooded periods
take turns, in an order drawn anew each round. Reads and logins are sent by processes of
their own, which share the machine's cores with what they measure; that of the flood,
which in earnest comes from other machines, goes last where all want them.
"""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from tests.support.client import unique
from tests.support.service import service_process

#: Reads of one key a second, and the connections that take turns with them.
READ_RATE, READERS = 300, 8

#: Of the process that floods; the threads that hash passwords give way to it, too.
NICENESS = 10

LOGIN_RATE = 500

#: Connections of a flood: those that wait for bcrypt must not slow down the others.
MAX_FLOODING = 400

QUIET, MANY, ONE = "quiet", "logins, many addresses", "logins, one address"
TRAFFIC = "mere traffic"

SPAWN = multiprocessing.get_context("spawn")

#: The one address, and after it the many.
ALONE = int(ip_address("127.1.0.1"))


class Connection:
    """An HTTP connection as cheap as can be: the machine is needed for the service."""

    def __init__(self, port: int, address: str) -> None:
        self.address = address
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(
        self, path: str, body: dict[str, Any] | bytes, token: str | None = None
    ) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                "127.0.0.1", self._port, local_addr=(self.address, 0)
            )
        reader, writer = self._streams
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        admission = f"Authorization: Bearer {token}\r\n" if token else ""
        head = f"POST {path} HTTP/1.1\r\nHost: kv\r\n{admission}"
        writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        (length,) = (
            int(line[15:])
            for line in lines
            if line.lower().startswith(b"content-length:")
        )
        return int(lines[0].split()[1]), await reader.readexactly(length)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


@dataclass
class Flood:
    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)


async def at_rate(
    rate: float, seconds: float, send: Callable[[float], Coroutine[Any, Any, None]]
) -> None:
    """Calls `send` with the moment that it was due, whatever the others take."""
    tasks = set()
    begin = time.perf_counter()
    for due in (begin + number / rate for number in range(int(rate * seconds))):
        await asyncio.sleep(due - time.perf_counter())
        tasks.add(task := asyncio.create_task(send(due)))
        task.add_done_callback(tasks.discard)
    _, unanswered = await asyncio.wait(tasks, timeout=1) if tasks else ((), ())
    for task in unanswered:
        task.cancel()
    await asyncio.gather(*unanswered, return_exceptions=True)


async def _read(port: int, token: str, key: str, seconds: float) -> list[float]:
    idle = asyncio.Queue[Connection]()
    for _ in range(READERS):
        idle.put_nowait(Connection(port, "127.0.0.1"))
    taken = []

    async def send(due: float) -> None:
        connection = await idle.get()
        status, _ = await connection.post("/api/read", {"keys": [key]}, token)
        taken.append(time.perf_counter() - due)
        expect(status)
        idle.put_nowait(connection)

    await at_rate(READ_RATE, seconds, send)
    return taken


async def _flood(
    port: int, path: str, addresses: Iterator[str], seconds: float
) -> Flood:
    flood = Flood()
    idle = [Connection(port, next(addresses)) for _ in range(MAX_FLOODING)]
    opened = list(idle)

    async def send(_due: float) -> None:
        if not idle:
            return
        connection = idle.pop(0)
        flood.sent += 1
        credentials = {"username": unique("nobody"), "password": "wrong"}
        status, _ = await connection.post(path, credentials)
        flood.statuses[status] += 1
        idle.append(connection)

    await at_rate(LOGIN_RATE, seconds, send)
    for connection in opened:
        connection.close()
    return flood


def read(port: int, token: str, key: str, seconds: float) -> list[float]:
    return asyncio.run(_read(port, token, key, seconds))


def flood(port: int, kind: str, first: int, seconds: float) -> Flood:
    numbers = itertools.count(first, step=0 if kind == ONE else 1)
    path = "/nothing" if kind == TRAFFIC else "/api/login"
    return asyncio.run(_flood(port, path, map(_address, numbers), seconds))


def _address(number: int) -> str:
    return str(ip_address(number))


def expect(status: int) -> None:
    if status != HTTPStatus.OK:
        raise RuntimeError(f"the service answers {status}")


async def prepared(port: int) -> tuple[str, str]:
    """A token, and a key to read."""
    connection = Connection(port, "127.0.0.1")
    credentials = {"username": "reader", "password": "right"}
    await connection.post("/api/register", credentials)
    _, reply = await connection.post("/api/login", credentials)
    token, key = json.loads(reply)["token"], "key"
    status, _ = await connection.post("/api/write", {"data": {key: "value"}}, token)
    expect(status)
    connection.close()
    return token, key


def percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def report(reads: dict[str, list[list[float]]], floods: dict[str, list[Flood]]) -> None:
    """Of each kind of period, the medians over the rounds: the machine has moods."""
    p99s = {name: [percentile(p, 99) for p in ran] for name, ran in reads.items()}
    quiet = statistics.median(p99s[QUIET])
    for name, ran in reads.items():
        p50 = statistics.median(percentile(period, 50) for period in ran)
        p99 = statistics.median(p99s[name])
        print(
            f"{name}: {sum(map(len, ran))} reads, {1000 * p50:.2f} ms at 50 %, ", end=""
        )
        print(
            f"{1000 * p99:.2f} ms at 99 %, {p99 / quiet:.1f} times quiet; 99 % of ",
            end="",
        )
        print("each round:", *(f"{1000 * seconds:.1f}" for seconds in p99s[name]))
    for name, attacks in floods.items():
        statuses = sum((flood.statuses for flood in attacks), Counter[int]())
        print(f"{name}: {sum(a.sent for a in attacks)} requests, {dict(statuses)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5.0, help="of a period")
    given = parser.parse_args()
    reads: dict[str, list[list[float]]] = {
        kind: [] for kind in (QUIET, TRAFFIC, MANY, ONE)
    }
    floods: dict[str, list[Flood]] = defaultdict(list)
    fresh = itertools.count(ALONE + 1, MAX_FLOODING)
    with (
        tempfile.TemporaryDirectory() as folder,
        service_process(Path(folder), KV_BCRYPT_ROUNDS="12") as service,
        ProcessPoolExecutor(1, SPAWN) as reading,
        ProcessPoolExecutor(1, SPAWN, os.nice, (NICENESS,)) as flooding,
    ):
        token, key = asyncio.run(prepared(service.port))
        # both processes start, and the service warms up
        for _ in range(2):
            warming = [
                process.submit(read, service.port, token, key, 1)
                for process in (reading, flooding)
            ]
            for warmed in warming:
                warmed.result()
        for _ in range(given.rounds):
            for period in random.sample(list(reads), len(reads)):
                attack = None
                if period != QUIET:
                    first = ALONE if period == ONE else next(fresh)
                    attack = flooding.submit(
                        flood, service.port, period, first, given.seconds + 1
                    )
                    time.sleep(0.5)  # the flood has begun when the first read is timed
                timed = reading.submit(read, service.port, token, key, given.seconds)
                reads[period].append(timed.result())
                if attack is not None:
                    floods[period].append(attack.result())
                time.sleep(1)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {given}")
    report(reads, floods)


if __name__ == "__main__":
    main()
