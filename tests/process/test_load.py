"""Many clients at once, for KV_TEST_LOAD_SECONDS; pytest -rP shows the figures."""

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.client import Client, Reply
from tests.support.machine import wait_until_ready
from tests.support.service import environ_for, service_process
from tests.support.tarantool import Tarantool, Tarantools

SECONDS = float(os.environ.get("KV_TEST_LOAD_SECONDS") or 4)
CLIENTS = 200

#: Clients that write the same shared keys.
GROUP = 10

#: Keys of a batch that only one client writes, and that its whole group writes.
OWN, SHARED = 3, 3

#: Seconds in which the service finds a Tarantool that is back.
RECOVERY_TIMEOUT = 10.0

#: Seconds before a client tries again what was refused.
PAUSE = 0.05


@dataclass
class Tally:
    replies: Counter[tuple[str, int]] = field(default_factory=Counter)
    unknown: int = 0  # writes that may or may not have been applied
    faults: list[str] = field(default_factory=list)

    @property
    def written(self) -> int:
        return self.replies["write", 200]

    @property
    def statuses(self) -> set[int]:
        return {status for _, status in self.replies}


class Worker:
    """Writes its own keys and those of its group as one batch, and reads them back."""

    def __init__(self, client: Client, number: int, tally: Tally) -> None:
        self._client = client
        self._number = number
        self._tally = tally
        self._own = [f"own-{number}-{i}" for i in range(OWN)]
        self._shared = [f"group-{number // GROUP}-{i}" for i in range(SHARED)]
        self._version = 0
        #: The versions that its own keys may have: what was acknowledged last, and
        #: what came later with an unknown outcome; None stands for no key.
        self._possible: set[int | None] = {None}

    async def work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.write()
            await self.read()

    async def write(self) -> None:
        self._version += 1
        own = dict.fromkeys(self._own, self._version)
        shared = dict.fromkeys(self._shared, f"{self._number}:{self._version}")
        reply = await self._client.write(own | shared)
        await self._count("write", reply)
        if reply.status == 200:
            self._possible = {self._version}
        elif reply.json.get("applied") != "no":
            self._tally.unknown += 1
            self._possible.add(self._version)

    async def read(self) -> None:
        reply = await self._client.read(self._own + self._shared)
        await self._count("read", reply)
        if reply.status == 200:
            self._check(reply.json["data"])

    async def _count(self, call: str, reply: Reply) -> None:
        self._tally.replies[call, reply.status] += 1
        if reply.status != 200:
            await asyncio.sleep(PAUSE)

    def _check(self, data: dict[str, Any]) -> None:
        versions = {data.get(key) for key in self._own}
        if len(versions) > 1:
            self._tally.faults.append(f"torn: {self._own}: {versions}")
        elif not versions <= self._possible:
            fault = f"lost: {self._own}: {versions}, not of {self._possible}"
            self._tally.faults.append(fault)
        else:
            # what has been read once cannot be taken back
            (seen,) = versions
            self._possible = {v for v in self._possible if (v or 0) >= (seen or 0)}
        if len({data.get(key) for key in self._shared}) > 1:
            self._tally.faults.append(f"torn: {self._shared}: {data}")


class Load:
    def __init__(self, client: Client) -> None:
        self.client = client
        self.tally = Tally()
        self._workers = [Worker(client, n, self.tally) for n in range(CLIENTS)]

    @contextlib.asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for worker in self._workers:
                group.create_task(worker.work(stop))
            yield
            stop.set()

    async def read_all(self) -> None:
        for worker in self._workers:
            await worker.read()


@contextlib.asynccontextmanager
async def load_on(tarantool: Tarantool, folder: Path) -> AsyncIterator[Load]:
    """A load on a new service process."""
    connector = aiohttp.TCPConnector(limit=0)
    with service_process(folder, **environ_for(tarantool)) as process:
        async with aiohttp.ClientSession(connector=connector) as session:
            load = Load(await Client(session, process.url).enter())
            yield load
            print(f"{CLIENTS} clients, {SECONDS:g} s: {load.tally}")


def revision(tarantool: Tarantool) -> int:
    return int(tarantool.console("box.space.kv_meta:get('revision').value").split()[2])


async def test_no_write_is_refused_lost_or_torn(
    tarantools: Tarantools, tmp_path: Path
) -> None:
    with tarantools.running() as tarantool:
        async with load_on(tarantool, tmp_path) as load:
            async with load.going_on():
                await asyncio.sleep(SECONDS)
            assert load.tally.statuses == {200}
            await load.read_all()
            assert load.tally.faults == []
            assert revision(tarantool) == load.tally.written


async def test_a_fault_is_noticed(tarantools: Tarantools, tmp_path: Path) -> None:
    """The control of the tests here."""
    with tarantools.running() as tarantool:
        async with load_on(tarantool, tmp_path) as load:
            async with load.going_on():
                await asyncio.sleep(0.5)
            tarantool.console("box.space.kv:update('own-0-1', {{'=', 2, '0'}})")
            for key in range(OWN):
                tarantool.console(f"box.space.kv:delete('own-1-{key}')")
            tarantool.console("box.space.kv:delete('group-19-0')")
            await load.read_all()
            torn, lost, *shared = [fault.split(":")[0] for fault in load.tally.faults]
            assert (torn, lost, shared) == ("torn", "lost", ["torn"] * GROUP)


async def test_what_was_acknowledged_survives_a_kill_under_load(
    tarantools: Tarantools, tmp_path: Path
) -> None:
    with tarantools.running() as tarantool:
        async with load_on(tarantool, tmp_path) as load:
            async with load.going_on():
                for _ in range(2):
                    await asyncio.sleep(SECONDS / 3)
                    await asyncio.to_thread(tarantool.kill)
                    await asyncio.to_thread(tarantool.start)
                    await wait_until_ready(load.client, RECOVERY_TIMEOUT)
                await asyncio.sleep(SECONDS / 3)
            assert load.tally.statuses == {200, 503}
            await load.read_all()
            assert load.tally.faults == []
            surplus = revision(tarantool) - load.tally.written
            assert 0 <= surplus <= load.tally.unknown
