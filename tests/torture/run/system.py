"""The system under torture: workers, a proxy, a Tarantool, and a clock of their own."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Protocol

from tests.support.machine import ROOT, free_port
from tests.support.proxy import Proxy
from tests.support.service import ServiceProcess, service_environ
from tests.support.tarantool import (
    PASSWORD,
    LocalTarantool,
    Tarantool,
    evaluated,
)

WORKERS = 2

MIB = 1024 * 1024

#: Bytes: just enough for a round, so that it is soon full.
MEMORY, MAX_BODY = 64 * MIB, MIB

JWT_SECRET = "a signing secret for torture, long enough"

#: Seconds that a token lives: steps of the clock are not to end one.
TOKEN_TTL = 30 * 24 * 3600

#: Debian's package libfaketime puts it there.
FAKETIME = "*/faketime/libfaketimeMT.so.1"
SHARED_MEMORY = Path("/dev/shm")


class Clock:
    """The wall clock of all processes of the system; their monotonic one is real."""

    def __init__(self, folder: Path) -> None:
        found = sorted(Path("/usr/lib").glob(FAKETIME))
        if not found:
            raise RuntimeError("libfaketime is missing: apt-get install libfaketime")
        self._file = folder / "clock"
        self.environ = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.step_to(0)

    def step_to(self, seconds: int) -> None:
        """This many ahead of the real time, or behind it."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+}")
        new.replace(self._file)  # it is read whenever the clock is read

    def forget(self, pid: int) -> None:
        """Removes what the library has left of a process that was killed."""
        for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
            (SHARED_MEMORY / name).unlink(missing_ok=True)


class Tortured(Protocol):
    """What a round needs of a system, whatever it consists of.

    :ivar has_followers: one of them may become the leader
    """

    has_followers: bool

    @property
    def urls(self) -> list[str]:
        """Of the workers."""

    @property
    def tarantool(self) -> Tarantool:
        """The instance that takes writes now."""

    def running(self) -> contextlib.AbstractAsyncContextManager[None]: ...


def worker(
    folder: Path, uris: str, environ: Mapping[str, str] | None = None
) -> ServiceProcess:
    """A service in a new folder, in front of Tarantools at these addresses."""
    folder.mkdir()
    given = service_environ(
        folder,
        KV_TARANTOOL_URI=uris,
        KV_TARANTOOL_PASSWORD=PASSWORD,
        KV_JWT_SECRET=JWT_SECRET,
        KV_TOKEN_TTL=str(TOKEN_TTL),
        KV_MAX_BODY=str(MAX_BODY),
    )
    return ServiceProcess(folder, given | dict(environ or {}))


class System:
    """:ivar urls: of the workers"""

    has_followers = False

    def __init__(
        self, folder: Path, seed: Callable[[Path], None] | None = None
    ) -> None:
        """:param seed: puts a fault into the instance's copy of lua/"""
        self.clock = Clock(folder)
        more = self.clock.environ | {"KV_MAX_BODY": str(MAX_BODY)}
        self.tarantool = LocalTarantool(
            folder,
            migrations=ROOT / "migrations",
            environ=more | {"KV_MEMTX_MEMORY": str(MEMORY)},
        )
        if seed is not None:
            seed(self.tarantool.init.parent)
        self.proxy = Proxy(free_port(), self.tarantool.port)
        uri = f"127.0.0.1:{self.proxy.port}"
        self.workers = [
            worker(folder / f"worker-{number}", uri, more) for number in range(WORKERS)
        ]
        self.urls = [worker.url for worker in self.workers]
        self._pids: list[int] = []  # of all processes so far

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.proxy.running():
            try:
                await self.start_tarantool()
                await self.start_workers(*self.workers)
                yield
            finally:
                self.kill_all()
                for pid in self._pids:
                    self.clock.forget(pid)

    async def start_tarantool(self) -> None:
        await asyncio.to_thread(self.tarantool.start)
        self._pids.append(self.tarantool.pid)

    async def start_workers(self, *workers: ServiceProcess) -> None:
        await asyncio.gather(*(asyncio.to_thread(worker.start) for worker in workers))
        self._pids += [worker.pid for worker in workers]

    def kill_all(self) -> None:
        for worker in self.workers:
            worker.send(signal.SIGKILL)
        self.tarantool.kill()
        for worker in self.workers:
            worker.exit_code()

    async def ask(self, expression: str) -> object:
        """Tarantool itself, on its console."""
        return await asyncio.to_thread(evaluated, self.tarantool, expression)
