"""The workers: several processes that share the port.

gunicorn manages them: its arbiter (service/process/gunicorn_arbiter.py) is a child of
this process, and the workers are children of the arbiter. This process does what is
done once for any number of workers: it handles the operator's signals, runs the
embedded Tarantool and reports the start.
The arbiter reads the settings from its stdin, because the environment does not have all
of them; each worker reports the result of its start on the arbiter's stdout. An audit
log on stdout gets a descriptor of its own.
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
from pathlib import Path

from service.errors import StartError
from service.process.child import Child
from service.repeated_messages import RepeatedMessages
from service.settings import Settings
from service.telemetry.audit import TO_STDOUT
from service.telemetry.log_output import STDOUT
from service.web.runner import GRACE

log = logging.getLogger(__name__)

ARBITER = "service.process.gunicorn_arbiter"

#: Seconds for a worker to end: requests in flight, then hashes and connections; and for
#: the arbiter after it.
WORKER_STOP_TIMEOUT = GRACE + 10
STOP_TIMEOUT = WORKER_STOP_TIMEOUT + 10

#: Prefixes of variables by which the environment would configure gunicorn.
GUNICORN_VARIABLES = ("GUNICORN_", "LISTEN_", "NOTIFY_SOCKET", "WEB_CONCURRENCY")


class WorkersEnded(Exception):
    """The workers have ended without a stop signal."""


class Workers:
    """The arbiter as a child process, and the reports of its workers.

    :param settings: of each worker
    :param listeners: one for each worker; `start` closes them in this process
    :param channel: of their metrics; None: they are not collected
    """

    def __init__(
        self,
        settings: Settings,
        listeners: Sequence[socket.socket],
        channel: socket.socket | None = None,
    ) -> None:
        self._settings = settings
        self._listeners = listeners
        self._channel = channel
        self._serve = False
        self._reader: asyncio.Task[None] | None = None
        self._arbiter = Child("the arbiter of the workers", self._spawn, STOP_TIMEOUT)

    async def start(self) -> None:
        """Starts the workers; returns when all of them serve.

        :raises StartError: a worker cannot start
        """
        process = await self._arbiter.spawn()
        for _ in range(self._settings.workers):
            report = await _read_report(process)
            if report is None:
                raise StartError("the workers have ended")
            if report:
                raise StartError(report)
        self._serve = True
        self._reader = asyncio.create_task(self._log_failures(process))

    def reload(self) -> None:
        """Replaces all workers; the new ones load the present certificate.

        The old ones answer the requests that they have received before they end.
        """
        self._arbiter.send_signal(signal.SIGHUP)

    def reopen_log(self) -> None:
        """Opens the log file again in all workers, in ending ones too."""
        self._arbiter.send_signal(signal.SIGUSR1)

    async def ended(self) -> None:
        """Waits until the arbiter has ended, and the workers with it.

        :raises WorkersEnded: when they have ended
        """
        status = await self._arbiter.wait()
        raise WorkersEnded(f"the workers have ended ({status})")

    async def stop(self) -> None:
        """Stops the workers; requests in flight get their time after a good start."""
        if self._reader is not None:
            self._reader.cancel()
        await self._arbiter.stop(signal.SIGTERM if self._serve else signal.SIGKILL)

    async def _spawn(self) -> Process:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(GUNICORN_VARIABLES)
        }
        with contextlib.ExitStack() as stack:
            # left open here, they would accept connections that no worker answers
            numbers = [stack.enter_context(each).fileno() for each in self._listeners]
            channels = [] if self._channel is None else [self._channel.fileno()]
            outputs = []
            if self._settings.audit_log == TO_STDOUT:
                outputs.append(os.dup(STDOUT))
                stack.callback(os.close, outputs[0])
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *_import_options(), "-m", ARBITER),
                *(str(os.getpid()), _number_in(channels), _number_in(outputs)),
                *map(str, numbers),
                stdin=PIPE,
                stdout=PIPE,
                pass_fds=[*numbers, *channels, *outputs],
                env=inherited,
            )
        if process.stdin is None:
            raise RuntimeError("the arbiter's stdin is not a pipe")
        process.stdin.write(pickle.dumps(self._settings))
        process.stdin.close()
        return process

    async def _log_failures(self, process: Process) -> None:
        failures = RepeatedMessages(log)
        while (report := await _read_report(process)) is not None:
            if report:
                failures.log(logging.ERROR, "a worker cannot start: %s", report)


def _number_in(descriptors: Sequence[int]) -> str:
    """The only descriptor as an argument; empty: there is none."""
    return ",".join(map(str, descriptors))


def _import_options() -> list[str]:
    """Options of Python with which the arbiter imports the same package as this one.

    `-m` looks in the current directory first. That is right for a checkout; next to an
    installed service there may be another package of the name `service`.
    """
    is_checkout = sys.path[0] == str(Path(__file__).parents[2])
    return [] if is_checkout else ["-P"]


async def _read_report(process: Process) -> str | None:
    """The reason why a worker cannot start; empty: it serves; None: all have ended."""
    if process.stdout is None:
        raise RuntimeError("the arbiter's stdout is not a pipe")
    line = await process.stdout.readline()
    return line.decode().rstrip("\n") if line else None
