"""Measures what it costs a read to wait until a pending write is on disk.

Readers run next to writers, through one worker. The store as it is alternates with a
copy whose readers do not wait. Hot keys are the written ones; nobody writes cold keys.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import NamedTuple

import aiohttp

from benchmarks.report.table import markdown_table
from tests.support.client import Client
from tests.support.machine import ROOT
from tests.support.service import ServiceProcess, environ_before
from tests.support.tarantool import LocalTarantool

WRITERS, READERS = 8, 16
KEYS = 8

#: The edit of durability.lua after which a read of a key with a pending write returns
#: at once.
DOES_NOT_WAIT = ("if commit == nil then", "if true then")

TITLES = ["keys", "readers", "p50 ms", "p99 ms", "reads/s", "writes/s"]


class Load(NamedTuple):
    """:ivar reads: latency of each, in seconds"""

    reads: list[float]
    writes: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=8, help="rounds of all variants")
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="seconds per measurement"
    )


def run(options: argparse.Namespace) -> int:
    loads = asyncio.run(_measure(options.rounds, options.seconds))
    print(*markdown_table(TITLES, _rows(loads, options.seconds)), sep="\n")
    return 0


async def _measure(rounds: int, seconds: float) -> dict[tuple[str, str], list[Load]]:
    loads: dict[tuple[str, str], list[Load]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        folders = [Path(folder, name) for name in ("waits", "does-not")]
        for each in folders:
            each.mkdir()
        async with (
            _running(folders[0], waits=True) as waiting,
            _running(folders[1], waits=False) as not_waiting,
        ):
            variants = {"wait": waiting, "do not wait": not_waiting}
            for client in variants.values():
                data = {key: 0 for kind in ("hot", "cold") for key in _keys(kind)}
                await client.write(data)
            for _ in range(rounds):
                for kind, name in itertools.product(("hot", "cold"), variants):
                    result = await _run_load(variants[name], kind, seconds)
                    loads[kind, name].append(result)
    return loads


@contextlib.asynccontextmanager
async def _running(folder: Path, *, waits: bool) -> AsyncIterator[Client]:
    tarantool = LocalTarantool(folder, migrations=ROOT / "migrations", environ={})
    if not waits:
        (path,) = tarantool.init.parent.rglob("durability.lua")
        before, after = DOES_NOT_WAIT
        text = path.read_text()
        assert text.count(before) == 1
        path.write_text(text.replace(before, after))
    service = ServiceProcess(folder, environ_before(folder, tarantool))
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        try:
            await asyncio.to_thread(tarantool.start)
            await asyncio.to_thread(service.start)
            yield await Client(session, service.url).enter()
        finally:
            await asyncio.to_thread(service.stop)
            tarantool.kill()


async def _run_load(client: Client, kind: str, seconds: float) -> Load:
    end = time.monotonic() + seconds
    body, hot = json.dumps({"keys": _keys(kind)}), _keys("hot")
    reads: list[float] = []
    written = itertools.count()

    async def read() -> None:
        while (begin := time.monotonic()) < end:
            await client.post("/api/read", body)
            reads.append(time.monotonic() - begin)

    async def write(random: Random) -> None:
        while time.monotonic() < end:
            data = {random.choice(hot): next(written)}
            assert (await client.write(data)).status == 200

    writers = [write(Random(number)) for number in range(WRITERS)]
    await asyncio.gather(*writers, *(read() for _ in range(READERS)))
    return Load(reads, next(written))


def _keys(kind: str) -> list[str]:
    return [f"{kind}-{number}" for number in range(KEYS)]


def _rows(
    loads: dict[tuple[str, str], list[Load]], seconds: float
) -> Iterator[list[str]]:
    """The median of the rounds, and their minimum and maximum."""
    for (kind, variant), results in loads.items():
        cuts = [quantiles(result.reads, n=100) for result in results]
        columns = [
            [1000 * cut[49] for cut in cuts],
            [1000 * cut[98] for cut in cuts],
            [len(result.reads) / seconds for result in results],
            [result.writes / seconds for result in results],
        ]
        cells = [f"{median(c):.1f} ({min(c):.1f}-{max(c):.1f})" for c in columns]
        yield [kind, variant, *cells]
