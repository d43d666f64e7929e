"""Measures the pages of lists: their latency, and their CPU time in Tarantool.

One store has two areas with the same number of keys each: all of them below one prefix,
or below 1,000 prefixes. The calls are made one after the other, first as long as no key
has expired, then next to an expired one, which makes a level count its keys one by one.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import aiohttp

from benchmarks.measure.open_loop import percentile
from benchmarks.measure.processes import cpu_seconds
from benchmarks.report.conditions import machine
from benchmarks.report.table import markdown_table
from tests.support.client import Client
from tests.support.collector import stop_collector
from tests.support.machine import ROOT
from tests.support.service import ServiceProcess, environ_before
from tests.support.tarantool import LocalTarantool

GIB = 1024**3

#: Keys per write while the store is filled.
BATCH = 5000

PREFIXES = 1000

#: The areas: all keys below one prefix, and below many.
ONE, MANY = "one/", "many/"

#: What is called, without the cursor.
CALLS: dict[str, dict[str, Any]] = {
    "1,000 keys": {"prefix": ONE},
    "1,000 keys with values": {"prefix": ONE, "values": True},
    "1,000 keys with details": {"prefix": ONE, "details": True},
    "a level with one large prefix": {"prefix": "", "delimiter": "/"},
    "a level of 1,000 prefixes": {"prefix": MANY, "delimiter": "/"},
    "a level of keys": {"prefix": f"{MANY}0000/", "delimiter": "/"},
}

TITLES = [
    *("expired keys", "page", "entries", "p50 ms", "p99 ms", "store ms"),
    *("pages", "all pages ms"),
]


class Store(NamedTuple):
    client: Client
    tarantool: LocalTarantool


class Pages(NamedTuple):
    """:ivar latencies: of the first page, in seconds
    :ivar cpu: of Tarantool, seconds per page
    :ivar entries: keys and prefixes of the first page
    :ivar number: pages of the whole list
    :ivar seconds: that all of them take
    """

    latencies: list[float]
    cpu: float
    entries: int
    number: int
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keys", type=int, default=1_000_000, help="in each area")
    parser.add_argument("--calls", type=int, default=200, help="calls of each page")


def run(options: argparse.Namespace) -> int:
    print(f"{machine()}, {options}\n")
    rows = asyncio.run(_measure(options.keys, options.calls))
    print(*markdown_table(TITLES, rows), sep="\n")
    return 0


async def _measure(keys: int, calls: int) -> list[list[str]]:
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        async with _running(Path(folder)) as store:
            await _fill(store.client, keys)
            for expired in ("none", "one"):
                if expired == "one":
                    stop_collector(store.tarantool)
                    await store.client.write({"expired": 0}, ttl=0.001)
                for name, body in CALLS.items():
                    rows.append(
                        [expired, name, *_row(await _pages(store, body, calls))]
                    )
    return rows


@asynccontextmanager
async def _running(folder: Path) -> AsyncIterator[Store]:
    environ = {"KV_MEMTX_MEMORY": str(2 * GIB), "KV_CHANGES_BYTES": "0"}
    tarantool = LocalTarantool(folder, migrations=ROOT / "migrations", environ=environ)
    service = ServiceProcess(folder, environ_before(folder, tarantool))
    async with aiohttp.ClientSession() as session:
        try:
            await asyncio.to_thread(tarantool.start)
            await asyncio.to_thread(service.start)
            yield Store(await Client(session, service.url).enter(), tarantool)
        finally:
            await asyncio.to_thread(service.stop)
            tarantool.kill()


def _names(keys: int) -> Iterator[str]:
    for number in range(keys):
        yield f"{ONE}{number:08}"
        yield f"{MANY}{number % PREFIXES:04}/{number // PREFIXES:06}"


async def _fill(client: Client, keys: int) -> None:
    data: dict[str, str] = {}
    for name in _names(keys):
        data[name] = "a value of some thirty characters"
        if len(data) == BATCH:
            await _write(client, data)
            data.clear()
    if data:
        await _write(client, data)


async def _write(client: Client, data: dict[str, str]) -> None:
    reply = await client.write(data)
    assert reply.status == 200, reply.text


async def _pages(store: Store, body: dict[str, Any], calls: int) -> Pages:
    pid, latencies = store.tarantool.pid, []
    before = cpu_seconds(pid)
    for _ in range(calls):
        begin = time.monotonic()
        reply = await store.client.list_keys(**body)
        latencies.append(time.monotonic() - begin)
        assert reply.status == 200, reply.text
    cpu = (cpu_seconds(pid) - before) / calls
    page = reply.json
    entries = len(page.get("keys", page.get("data"))) + len(page.get("prefixes", []))
    begin, count = time.monotonic(), 0
    async for _ in store.client.pages(**body):
        count += 1
    return Pages(latencies, cpu, entries, count, time.monotonic() - begin)


def _row(pages: Pages) -> list[str]:
    seconds = [median(pages.latencies), percentile(pages.latencies, 99), pages.cpu]
    return [
        str(pages.entries),
        *(f"{1000 * figure:.1f}" for figure in seconds),
        str(pages.number),
        f"{1000 * pages.seconds:.0f}",
    ]
