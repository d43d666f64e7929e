"""gunicorn as the manager of the workers; service/workers.py starts it.

It forks them, replaces those that die or hang, and at a SIGHUP all of them.
"""

import asyncio
import logging
import os
import pickle  # nosec B403
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from aiohttp import GunicornUVLoopWebWorker
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from service.errors import StartError
from service.logs import log_to_stderr
from service.process import parent_death
from service.process.run import BACKLOG, running, tls_of
from service.process.workers import WORKER_STOP_TIMEOUT
from service.settings import Settings

log = logging.getLogger(__name__)

#: Seconds in which a worker's event loop has to come round: the largest batch holds it
#: up for less than one, on a machine that is busy with other things for some.
HANG = 30

#: Seconds between attempts to replace a worker that cannot start.
PAUSE = 1.0

#: A heartbeat changes the time of a file: not on a disk that may be slow.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108


class Task(NamedTuple):
    """What a worker serves.

    :ivar reports: a descriptor, where it tells how its start went
    """

    settings: Settings
    reports: int


class Log(Logger):  # type: ignore[misc]  # no types
    """gunicorn's, as one of those of the service."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)


class Worker(GunicornUVLoopWebWorker):
    """:ivar place: of its listener; whoever replaces it takes over what waits there"""

    place: int
    sockets: list[Any]

    def init_process(self) -> None:
        parent_death.hold(self.ppid)
        for place, listener in enumerate(self.sockets):
            if place != self.place:
                listener.close()
        self.sockets = [self.sockets[self.place]]
        super().init_process()

    async def _run(self) -> None:
        settings, reports = self.wsgi
        (listener,) = self.sockets
        try:
            tls = tls_of(settings)
            async with running(settings, listener.sock, tls) as runner:
                self.booted = True
                _tell_start(reports, "")
                while self.alive:
                    self.notify()
                    await self._wait_next_notify()
                await runner.drain()
        except Exception as error:
            if self.booted:
                raise
            if not isinstance(error, StartError):
                log.exception("a worker cannot start")
            _tell_start(reports, str(error) or type(error).__name__)
            # not gunicorn's code for it, at which the arbiter ends: the others serve
            self.exit_code = 1
            await asyncio.sleep(PAUSE)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.handle_quit(sig, frame)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        if not self.booted:
            os._exit(0)
        super().handle_quit(sig, frame)


def find_place(arbiter: Arbiter, worker: Worker) -> None:
    """Where fewest of the present workers are: at a reload there are two sets."""
    taken = Counter(present.place for present in arbiter.WORKERS.values())
    worker.place = min(range(len(arbiter.LISTENERS)), key=taken.__getitem__)


class Service(BaseApplication):  # type: ignore[misc]  # no types
    """The settings of gunicorn: these, and none from elsewhere."""

    def __init__(self, task: Task, listeners: Sequence[str]) -> None:
        """:param listeners: their descriptors"""
        self._task = task
        self._listeners = listeners
        super().__init__()

    def load_config(self) -> None:
        for name, value in {
            "backlog": BACKLOG,
            "bind": [f"fd://{listener}" for listener in self._listeners],
            "control_socket_disable": True,
            "graceful_timeout": int(WORKER_STOP_TIMEOUT),
            "logger_class": Log,
            "pre_fork": find_place,
            "timeout": HANG,
            "worker_class": Worker,
            "worker_tmp_dir": str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None,
            "workers": self._task.settings.workers,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Task:
        return self._task


def _tell_start(reports: int, text: str) -> None:
    os.write(reports, f"{' '.join(text.split())}\n".encode(errors="backslashreplace"))


def main(parent: str, *listeners: str) -> None:
    parent_death.hold(int(parent))
    # out of the group of processes that Ctrl-C is for: the parent stops this one
    os.setpgid(0, 0)
    reports = os.dup(1)
    os.dup2(2, 1)
    log_to_stderr()
    settings = pickle.load(sys.stdin.buffer)  # noqa: S301  # nosec B301
    Arbiter(Service(Task(settings, reports), listeners)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
