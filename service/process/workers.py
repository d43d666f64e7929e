"""Several processes that share the port.

gunicorn manages them: its arbiter (service/process/gunicorn_arbiter.py) is a child of
this process, and the workers are its own. Here is what exists once whatever their
number: the signals that an operator sends, the embedded Tarantool, and what is
reported of the start.
The child reads the settings on its stdin, because the environment does not have all of
them; on its stdout each worker reports how its start went.
"""

import asyncio
import contextlib
import logging
import os
import pickle  # nosec B403
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

from service.errors import StartError
from service.settings import Settings
from service.web.runner import GRACE

log = logging.getLogger(__name__)

ARBITER = "service.process.gunicorn_arbiter"

#: Seconds for a worker to end: requests under way, then hashes and connections; and for
#: the arbiter after it.
WORKER_STOP_TIMEOUT = GRACE + 10
STOP_TIMEOUT = WORKER_STOP_TIMEOUT + 10

#: How variables begin by which gunicorn would take orders from elsewhere.
NOT_FOR_GUNICORN = ("GUNICORN_", "LISTEN_", "NOTIFY_SOCKET", "WEB_CONCURRENCY")


class WorkersEnded(Exception):
    """There is nobody left to serve."""


class Workers:
    """:param settings: those of each worker"""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: Process | None = None
        self._serve = False
        self._watcher: asyncio.Task[None] | None = None

    async def start(self, listeners: Sequence[socket.socket]) -> None:
        """Returns when all of them serve, on a listener each, which is theirs then.

        :raises StartError:
        """
        self._process = await self._spawn(listeners)
        for _ in range(self._settings.workers):
            report = await _report(self._process)
            if report is None:
                raise StartError("the workers have ended")
            if report:
                raise StartError(report)
        self._serve = True
        self._watcher = asyncio.create_task(self._watch(self._process))

    def reload(self) -> None:
        """New workers, with the certificate of today, in the place of the present ones.

        Those answer what has been sent to them before they end.
        """
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGHUP)

    async def ended(self) -> None:
        """:raises WorkersEnded: when their arbiter has, and they with it"""
        if self._process is not None:
            status = await self._process.wait()
            raise WorkersEnded(f"the workers have ended ({status})")

    async def stop(self) -> None:
        """Requests under way get their time, where any worker serves."""
        if self._watcher is not None:
            self._watcher.cancel()
        if self._process is None or self._process.returncode is not None:
            return
        if self._serve:
            self._process.terminate()
        else:
            self._process.kill()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT)
        except TimeoutError:
            log.error("the workers did not stop in %g s: killed", STOP_TIMEOUT)
            self._process.kill()
            await self._process.wait()

    async def _spawn(self, listeners: Sequence[socket.socket]) -> Process:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(NOT_FOR_GUNICORN)
        }
        with contextlib.ExitStack() as stack:
            # open ones here would let clients come whom nobody will answer
            numbers = [stack.enter_context(each).fileno() for each in listeners]
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", ARBITER, str(os.getpid()), *map(str, numbers)),
                stdin=PIPE,
                stdout=PIPE,
                pass_fds=numbers,
                env=inherited,
            )
        if process.stdin is None:
            raise RuntimeError("its stdin is no pipe")
        process.stdin.write(pickle.dumps(self._settings))
        process.stdin.close()
        return process

    async def _watch(self, process: Process) -> None:
        while (report := await _report(process)) is not None:
            if report:
                log.error("a worker cannot start: %s", report)


async def _report(process: Process) -> str | None:
    """How the start of a worker went: empty, or why not; None: there is no worker."""
    if process.stdout is None:
        raise RuntimeError("its stdout is no pipe")
    line = await process.stdout.readline()
    return line.decode().rstrip("\n") if line else None
