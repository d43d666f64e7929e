"""A child process: spawned, terminated, killed; kept alive, if its owner asks for it.

The embedded Tarantool and the arbiter of the workers are such children. Tarantool is
kept alive: this module replaces it after a backoff. The arbiter is not: when it ends,
the service ends.
"""

import asyncio
import logging
import signal
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

#: Seconds before a dead child is replaced: at first, and at most.
MIN_BACKOFF, MAX_BACKOFF = 0.1, 5.0

#: Seconds of life after which the backoff starts at its minimum again.
STABLE_AFTER = 30.0


class Child:
    """One child process at a time; with `keep_alive` a dead one is replaced."""

    def __init__(
        self, name: str, spawn: Callable[[], Awaitable[Process]], stop_timeout: float
    ) -> None:
        """
        :param name: subject of the log lines
        :param spawn: starts the program; called again for each replacement
        :param stop_timeout: seconds from the stop signal to SIGKILL
        """
        self._name = name
        self._spawn = spawn
        self._stop_timeout = stop_timeout
        self._process: Process | None = None
        self._watcher: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def spawn(self) -> Process:
        """:raises OSError: the program cannot be started"""
        self._process = await self._spawn()
        return self._process

    def keep_alive(self, describe_end: Callable[[int], str]) -> None:
        """Replaces the child whenever it ends, until `stop`.

        :param describe_end: turns its exit status into text for the log; called in a
            thread, because it may read a file
        """
        self._watcher = asyncio.create_task(self._replace(describe_end))

    async def wait(self) -> int:
        """Returns the exit status of the current process when it ends."""
        if self._process is None:
            raise RuntimeError(f"{self._name}: not spawned")
        return await self._process.wait()

    def send_signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.is_running:
            self._process.send_signal(number)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Sends the signal, then SIGKILL when the child has not ended in time."""
        if self._watcher is not None:
            self._watcher.cancel()
            # it may be spawning a replacement
            await asyncio.gather(self._watcher, return_exceptions=True)
        if not self.is_running:
            return
        self.send_signal(number)
        try:
            await asyncio.wait_for(self.wait(), self._stop_timeout)
        except TimeoutError:
            name, timeout = self._name, self._stop_timeout
            log.error("%s did not end within %g s: killed", name, timeout)
            self.send_signal(signal.SIGKILL)
            await self.wait()

    async def _replace(self, describe_end: Callable[[int], str]) -> None:
        clock = asyncio.get_running_loop().time
        backoff = MIN_BACKOFF
        while True:
            started = clock()
            reason = await asyncio.to_thread(describe_end, await self.wait())
            if clock() - started > STABLE_AFTER:
                backoff = MIN_BACKOFF
            log.error("%s ended (%s): restart in %g s", self._name, reason, backoff)
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, MAX_BACKOFF)
            try:
                await self.spawn()
            except OSError as error:
                log.error("%s cannot be started: %s", self._name, error)
