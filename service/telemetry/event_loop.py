"""The monitor of an event loop: a histogram of its delays, a log line for each block.

A timer of the loop measures how late it is called. A thread checks the timer too: while
the loop is blocked, it finds the code that blocks it, which the loop itself cannot do.
"""

import asyncio
import contextlib
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from types import FrameType

import msgspec

from service.logs import RecentReasons
from service.telemetry.families import Histogram

log = logging.getLogger(__name__)

#: Seconds between two calls of the timer, and between two checks of the thread.
INTERVAL = 0.02

#: Seconds of delay from which the thread looks for the code that runs: a check comes
#: before `BLOCKED`.
SUSPICIOUS = 0.015

#: Seconds of delay that are logged.
BLOCKED = 0.05

#: Seconds of delay that are logged before they end: they may not end.
HANGING = 2.0


class Finding(msgspec.Struct):
    """What ran while the timer was late.

    :ivar due: when the timer was due; each call has another time
    :ivar delay: how late it was then, in seconds
    :ivar activity: the request, if it is one, and the function
    :ivar stack: empty unless the log's level is DEBUG
    """

    due: float
    delay: float
    activity: str
    stack: str
    is_logged: bool = False


class EventLoopMonitor:
    """The monitor of the event loop that calls `running`.

    :param lag: gets the delays
    :param describe: names the request that a stack belongs to, empty if there is none,
        from its innermost frame
    """

    def __init__(self, lag: Histogram, describe: Callable[[FrameType], str]) -> None:
        self._lag = lag.child()
        self._describe = describe
        self._recent = RecentReasons()
        self._due = 0.0
        self._cpu_time = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._finding: Finding | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Monitors the running loop."""
        self._schedule(asyncio.get_running_loop())
        stopping = threading.Event()
        threading.Thread(
            target=self._watch,
            args=(threading.get_ident(), stopping),
            name="event loop monitor",
            daemon=True,
        ).start()
        try:
            yield
        finally:
            stopping.set()
            if self._timer is not None:
                self._timer.cancel()

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._cpu_time = time.thread_time()
        self._due = time.monotonic() + INTERVAL
        self._timer = loop.call_later(INTERVAL, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        delay = max(0.0, time.monotonic() - self._due)
        self._lag.observe(delay)
        if delay > BLOCKED:
            self._report(delay, time.thread_time() - self._cpu_time)
        self._schedule(loop)

    def _report(self, delay: float, cpu_time: float) -> None:
        finding = self._finding
        if finding is not None and finding.due != self._due:
            finding = None
        if finding is not None and finding.is_logged:
            return
        was_checked = finding is not None and finding.delay < BLOCKED
        if cpu_time < delay / 2 and not was_checked:
            # neither thread ran: no code of this process is the reason
            if self._recent.is_due(""):
                log.info("the process did not run for %.3f s", delay)
        else:
            self._log(finding or Finding(self._due, delay, "unknown code", ""), delay)

    def _watch(self, thread: int, stopping: threading.Event) -> None:
        while not stopping.wait(INTERVAL):
            due = self._due
            delay = time.monotonic() - due
            if delay < SUSPICIOUS:
                continue
            finding = self._finding
            if finding is None or finding.due != due:
                self._finding = self._look(thread, due, delay)
            elif delay > HANGING and not finding.is_logged:
                finding.is_logged = True
                self._log(finding, delay, "is")

    def _look(self, thread: int, due: float, delay: float) -> Finding | None:
        frame = sys._current_frames().get(thread)
        if frame is None:
            return None
        function = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
        activity = ", in ".join(filter(None, (self._describe(frame), function)))
        stack = ""
        if log.isEnabledFor(logging.DEBUG):
            stack = "".join(traceback.format_stack(frame))
        return Finding(due, delay, activity, stack)

    def _log(self, finding: Finding, delay: float, verb: str = "was") -> None:
        if not self._recent.is_due(finding.activity):
            return
        log.warning(
            "the event loop %s blocked for %.3f s: %s", verb, delay, finding.activity
        )
        if finding.stack:
            log.debug("the stack of the event loop:\n%s", finding.stack)
