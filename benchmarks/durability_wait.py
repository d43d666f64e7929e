"""What it costs that a read waits for a write that is not on disk yet.

`make bench-durability` runs readers beside writers, through one worker,
with the store as it is and with a copy whose readers do not wait, in turns. Hot keys
are those that are written; nobody writes the cold ones.
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

from tests.client import Client
from tests.machine import ROOT
from tests.process.service import ServiceProcess, environ_before
from tests.tarantool import LocalTarantool

WRITERS, READERS = 8, 16
KEYS = 8

#: Readers that meet a write under way go on at once.
DOES_NOT_WAIT = ("if commit == nil then", "if true then")


class Load(NamedTuple):
    """:ivar reads: seconds of each"""

    reads: list[float]
    writes: int


def body_of(kind: str) -> str:
    return json.dumps({"keys": [f"{kind}-{number}" for number in range(KEYS)]})


@contextlib.asynccontextmanager
async def running(folder: Path, *, waits: bool) -> AsyncIterator[Client]:
    tarantool = LocalTarantool(folder, migrations=ROOT / "migrations", environ={})
    if not waits:
        path = tarantool.init.parent / "kv" / "base" / "durability.lua"
        text, instead = DOES_NOT_WAIT
        assert path.read_text().count(text) == 1
        path.write_text(path.read_text().replace(text, instead))
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


async def load(client: Client, kind: str, seconds: float) -> Load:
    end = time.monotonic() + seconds
    reads: list[float] = []
    written = itertools.count()

    async def read() -> None:
        while (begin := time.monotonic()) < end:
            await client.post("/api/read", body_of(kind))
            reads.append(time.monotonic() - begin)

    async def write(random: Random) -> None:
        while time.monotonic() < end:
            key = f"hot-{random.randrange(KEYS)}"
            assert (await client.write({key: next(written)})).status == 200

    writers = [write(Random(number)) for number in range(WRITERS)]
    await asyncio.gather(*writers, *(read() for _ in range(READERS)))
    return Load(reads, next(written))


def rows(loads: dict[tuple[str, str], list[Load]], seconds: float) -> Iterator[str]:
    """The median of the turns, and the least and the most of them."""
    yield "| keys | readers | p50 ms | p99 ms | reads/s | writes/s |"
    yield "|---|---|---|---|---|---|"
    for (kind, variant), turns in loads.items():
        cuts = [quantiles(turn.reads, n=100) for turn in turns]
        columns = [
            [1000 * cut[49] for cut in cuts],
            [1000 * cut[98] for cut in cuts],
            [len(turn.reads) / seconds for turn in turns],
            [turn.writes / seconds for turn in turns],
        ]
        cells = [f"{median(c):.1f} ({min(c):.1f}-{max(c):.1f})" for c in columns]
        yield f"| {kind} | {variant} | {' | '.join(cells)} |"


async def main(turns: int, seconds: float) -> None:
    loads: dict[tuple[str, str], list[Load]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        folders = [Path(folder, name) for name in ("waits", "does-not")]
        for each in folders:
            each.mkdir()
        async with (
            running(folders[0], waits=True) as waiting,
            running(folders[1], waits=False) as hurrying,
        ):
            variants = {"wait": waiting, "do not wait": hurrying}
            for client in variants.values():
                everything = {
                    f"{kind}-{number}": 0
                    for kind in ("hot", "cold")
                    for number in range(KEYS)
                }
                await client.write(everything)
            for _ in range(turns):
                for kind, name in itertools.product(("hot", "cold"), variants):
                    loads[kind, name].append(await load(variants[name], kind, seconds))
    print(*rows(loads, seconds), sep="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=8, help="of each variant")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a turn")
    given = parser.parse_args()
    asyncio.run(main(given.turns, given.seconds))
