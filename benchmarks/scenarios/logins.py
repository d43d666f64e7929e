"""Measures the latency of reads during a flood of logins.

By default a password has the cost that the service gives it. Reads are sent at a steady
rate and timed from the moment they were due. A flood of logins, each with a wrong
password, comes from many addresses with a user name each, so that only the queue for
bcrypt limits it, or from one address. Quiet and flooded periods alternate, in a random
order in each round. Reads and logins are sent by processes of their own on the same
cores; the flood, which in production comes from other machines, runs with a low
priority.
"""

import argparse
import asyncio
import itertools
import os
import random
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from benchmarks.measure.open_loop import (
    NICENESS,
    SPAWN,
    Connection,
    at_rate,
    percentile,
    register_reader,
    timed_reads,
)
from benchmarks.report.conditions import machine
from tests.support.client import unique
from tests.support.service import service_process

#: Logins per second.
LOGIN_RATE = 500

#: Connections of a flood: so many that logins in the queue do not delay the others.
CONNECTIONS = 400

#: Seconds between the start of a flood and the first timed read.
LEAD = 0.5

QUIET, MANY, ONE = "quiet", "logins, many addresses", "logins, one address"
#: Requests of the same rate that need no bcrypt: a control.
TRAFFIC = "mere traffic"

#: The one address; the many follow it.
FIRST_ADDRESS = int(ip_address("127.1.0.1"))


@dataclass
class Flood:
    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=8, help="rounds of all periods")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds per period")
    parser.add_argument(
        "--pause", type=float, default=1.0, help="seconds after a period"
    )
    parser.add_argument(
        "--warm-up", type=float, default=1.0, help="seconds, before the first period"
    )
    parser.add_argument(
        "--cost", type=int, default=12, help="cost of a password: KV_BCRYPT_ROUNDS"
    )


def run(options: argparse.Namespace) -> int:
    reads: dict[str, list[list[float]]] = {
        kind: [] for kind in (QUIET, TRAFFIC, MANY, ONE)
    }
    floods: dict[str, list[Flood]] = defaultdict(list)
    unused = itertools.count(FIRST_ADDRESS + 1, CONNECTIONS)
    with (
        tempfile.TemporaryDirectory() as folder,
        service_process(Path(folder), KV_BCRYPT_ROUNDS=str(options.cost)) as service,
        ProcessPoolExecutor(1, SPAWN) as reading,
        ProcessPoolExecutor(1, SPAWN, os.nice, (NICENESS,)) as flooding,
    ):
        token, key = asyncio.run(register_reader(service.port))
        # both processes start, and the service warms up
        for _ in range(2):
            warm_ups = [
                process.submit(timed_reads, service.port, token, key, options.warm_up)
                for process in (reading, flooding)
            ]
            for warm_up in warm_ups:
                warm_up.result()
        for _ in range(options.rounds):
            for period in random.sample(list(reads), len(reads)):
                flood = None
                if period != QUIET:
                    first = FIRST_ADDRESS if period == ONE else next(unused)
                    flood = flooding.submit(
                        send_flood, service.port, period, first, options.seconds + 1
                    )
                    time.sleep(LEAD)
                timed = reading.submit(
                    timed_reads, service.port, token, key, options.seconds
                )
                reads[period].append(timed.result())
                if flood is not None:
                    floods[period].append(flood.result())
                time.sleep(options.pause)
    print(f"{machine()}, {options}")
    _report(reads, floods)
    return 0


def send_flood(port: int, kind: str, first: int, seconds: float) -> Flood:
    """:param first: the first address, as a number"""
    numbers = itertools.count(first, step=0 if kind == ONE else 1)
    path = "/nothing" if kind == TRAFFIC else "/api/login"
    return asyncio.run(_send_flood(port, path, map(_address, numbers), seconds))


async def _send_flood(
    port: int, path: str, addresses: Iterator[str], seconds: float
) -> Flood:
    flood = Flood()
    idle = [Connection(port, next(addresses)) for _ in range(CONNECTIONS)]
    connections = list(idle)

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
    for connection in connections:
        connection.close()
    return flood


def _address(number: int) -> str:
    return str(ip_address(number))


def _report(
    reads: dict[str, list[list[float]]], floods: dict[str, list[Flood]]
) -> None:
    """Medians over the rounds of each kind of period: the machine's speed varies."""
    p99s = {name: [percentile(p, 99) for p in ran] for name, ran in reads.items()}
    quiet = statistics.median(p99s[QUIET])
    for name, ran in reads.items():
        p50 = statistics.median(percentile(period, 50) for period in ran)
        p99 = statistics.median(p99s[name])
        print(
            f"{name}: {sum(map(len, ran))} reads, {1000 * p50:.2f} ms at 50 %, "
            f"{1000 * p99:.2f} ms at 99 %, {p99 / quiet:.1f} times quiet; 99 % of "
            "each round:",
            *(f"{1000 * seconds:.1f}" for seconds in p99s[name]),
        )
    for name, ran_floods in floods.items():
        statuses = sum((flood.statuses for flood in ran_floods), Counter[int]())
        sent = sum(flood.sent for flood in ran_floods)
        print(f"{name}: {sent} requests, {dict(statuses)}")
