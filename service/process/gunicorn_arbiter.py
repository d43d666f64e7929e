"""gunicorn's arbiter, which manages the workers; service/process/workers.py starts it.

It forks the workers, replaces each that dies or hangs, and all of them at a SIGHUP.
"""

import asyncio
import itertools
import logging
import os
import pickle  # nosec B403
import socket
import sys
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from aiohttp import GunicornUVLoopWebWorker
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from service.api.context import METRICS
from service.errors import StartError
from service.process import parent_death
from service.process.metrics_channel import (
    DIED,
    HUNG,
    RELOAD,
    START,
    answering,
    send_starting,
)
from service.process.serving import running
from service.process.sockets import BACKLOG
from service.process.workers import WORKER_STOP_TIMEOUT
from service.settings import Settings
from service.telemetry.log import Log
from service.telemetry.log_output import STDOUT
from service.web.tls import tls_of

log = logging.getLogger(__name__)

#: Seconds without a heartbeat after which a worker counts as hung: the largest batch
#: blocks its event loop for less than one, or for a few on a busy machine.
HEARTBEAT_TIMEOUT = 30

#: Seconds between attempts to replace a worker that cannot start.
RETRY_INTERVAL = 1.0

#: A heartbeat updates the time of a file, which must not wait for a slow disk.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108


class WorkerTask(NamedTuple):
    """What each worker gets from the arbiter.

    :ivar reports: a descriptor, to which it writes the result of its start
    :ivar channel: of its metrics; None: they are not collected
    """

    settings: Settings
    reports: int
    channel: socket.socket | None
    log: Log


def logger_class(to: Log) -> type[Logger]:
    """The class of gunicorn's logger, which gets nothing but gunicorn's settings."""

    class GunicornLogger(Logger):  # type: ignore[misc]  # no types
        """It writes to the log of the service; warnings and errors only."""

        def setup(self, cfg: Any) -> None:
            self.cfg = cfg
            self.error_log.propagate = True
            self.error_log.setLevel(logging.WARNING)

        def reopen_files(self) -> None:
            """Called at SIGUSR1 in the arbiter and in each worker, and at SIGHUP."""
            to.reopen()

    return GunicornLogger


class Worker(GunicornUVLoopWebWorker):
    """A process that serves the application on one listener.

    :ivar listener_index: which one; its replacement inherits the pending connections
    :ivar slot: a number that no other worker has at the same time
    """

    listener_index: int
    slot: int
    sockets: list[Any]

    def init_process(self) -> None:
        parent_death.die_with(self.ppid)
        for index, listener in enumerate(self.sockets):
            if index != self.listener_index:
                listener.close()
        self.sockets = [self.sockets[self.listener_index]]
        super().init_process()

    async def _run(self) -> None:
        settings, reports, channel, logs = self.wsgi
        logs.reopen()  # a SIGUSR1 before this process handled it
        (listener,) = self.sockets
        try:
            tls = tls_of(settings)
            async with (
                running(settings, listener.sock, logs, tls) as runner,
                answering(channel, self.slot, runner.app[METRICS]),
            ):
                self.booted = True
                _report_start(reports, "")
                while self.alive:
                    self.notify()
                    await self._wait_next_notify()
                await runner.drain()
        except Exception as error:
            if self.booted:
                raise
            if not isinstance(error, StartError):
                log.exception("a worker cannot start")
            _report_start(reports, str(error) or type(error).__name__)
            # gunicorn's own code for a failed boot would end the arbiter
            self.exit_code = 1
            await asyncio.sleep(RETRY_INTERVAL)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.handle_quit(sig, frame)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        if not self.booted:
            os._exit(0)
        super().handle_quit(sig, frame)


class Spawning:
    """What each new worker gets, and the reason why it is started.

    :param channel: of the workers' metrics
    """

    def __init__(self, workers: int, channel: socket.socket | None) -> None:
        self._workers = workers
        self._channel = channel
        self._reloads = 0  # workers that a reload is going to start
        self._replacements: deque[str] = deque()

    def pre_fork(self, arbiter: Arbiter, worker: Worker) -> None:
        """Picks a slot, and the listener with fewest workers: a reload has two sets."""
        present = arbiter.WORKERS.values()
        slots = {each.slot for each in present}
        worker.slot = next(slot for slot in itertools.count() if slot not in slots)
        taken = Counter(each.listener_index for each in present)
        indexes = range(len(arbiter.LISTENERS))
        worker.listener_index = min(indexes, key=taken.__getitem__)
        send_starting(self._channel, self._reason(worker))

    def child_exit(self, arbiter: Arbiter, worker: Worker) -> None:
        """Remembers the end of a worker that has to be replaced."""
        if len(arbiter.WORKERS) < self._workers:
            # the arbiter aborts a worker without heartbeats
            self._replacements.append(HUNG if worker.aborted else DIED)

    def on_reload(self, _: Arbiter) -> None:
        self._reloads = self._workers
        self._replacements.clear()

    def _reason(self, worker: Worker) -> str:
        if self._reloads:
            self._reloads -= 1
            return RELOAD
        if self._replacements:
            return self._replacements.popleft()
        return START if worker.age <= self._workers else DIED


class Service(BaseApplication):  # type: ignore[misc]  # no types
    """gunicorn's application, with its settings given here and nowhere else.

    :param listeners: descriptors, one for each worker
    """

    def __init__(self, task: WorkerTask, listeners: Sequence[str]) -> None:
        self._task = task
        self._listeners = listeners
        self._spawning = Spawning(task.settings.workers, task.channel)
        super().__init__()

    def load_config(self) -> None:
        for name, value in {
            "backlog": BACKLOG,
            "child_exit": self._spawning.child_exit,
            "bind": [f"fd://{listener}" for listener in self._listeners],
            "control_socket_disable": True,
            "graceful_timeout": int(WORKER_STOP_TIMEOUT),
            "logger_class": logger_class(self._task.log),
            "on_reload": self._spawning.on_reload,
            "pre_fork": self._spawning.pre_fork,
            "timeout": HEARTBEAT_TIMEOUT,
            "worker_class": Worker,
            "worker_tmp_dir": str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None,
            "workers": self._task.settings.workers,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> WorkerTask:
        return self._task


def _report_start(reports: int, text: str) -> None:
    os.write(reports, f"{' '.join(text.split())}\n".encode(errors="backslashreplace"))


def main(parent: str, channel: str, output: str, *listeners: str) -> None:
    """
    :param channel: a descriptor, of the workers' metrics; empty: there is none
    :param output: a descriptor, of stdout for the audit log; empty: there is none
    """
    parent_death.die_with(int(parent))
    # Ctrl-C signals the process group of the terminal: the parent stops this one
    os.setpgid(0, 0)
    reports = os.dup(1)
    os.dup2(2, 1)
    settings = pickle.load(sys.stdin.buffer)  # noqa: S301  # nosec B301
    metrics = socket.socket(fileno=int(channel)) if channel else None
    logs = Log(settings, int(output or STDOUT)).install()
    task = WorkerTask(settings, reports, metrics, logs)
    Arbiter(Service(task, listeners)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
