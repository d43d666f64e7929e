"""The monitor of an event loop: a histogram of its delays, a log line for each block.

A timer of the loop measures how late it is called. A thread checks the timer too: while
the loop is blocked, it finds the code that blocks it, which the loop itself cannot do.
On a busy machine a delay can be the loop's wait for a CPU, which is no block.
"""

import asyncio
import contextlib
import gc
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from types import CodeType, FrameType

import msgspec

from service.repeated_messages import RepeatedMessages
from service.telemetry.families import Histogram

log = logging.getLogger(__name__)

#: Seconds between two calls of the timer.
INTERVAL = 0.02

#: Intervals between two checks of the thread, which takes the GIL for each.
CHECK_INTERVALS = 2

#: Seconds of delay from which a check looks for the code that runs: with the interval,
#: one comes before `BLOCKED`.
SUSPICIOUS = 0.005

#: Seconds of delay that are logged, without the wait for a CPU.
BLOCKED = 0.05

#: Bytes of the file: three numbers.
MAX_STATISTICS = 80

#: Seconds of delay that are logged before they end: they may not end.
HANGING = 2.0


class Finding(msgspec.Struct):
    """The code that ran while the timer was late.

    :ivar due: when the timer was due; each call has another time
    :ivar activity: the request, if it is one, and the function
    :ivar stack: empty unless the log's level is DEBUG
    """

    due: float
    activity: str
    stack: str
    is_logged: bool = False


class RunQueue:
    """The time that the current thread has waited for a CPU, where Linux reports it."""

    def __init__(self) -> None:
        try:
            self._file = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
        except OSError:
            self._file = -1

    def waited(self) -> float:
        """Seconds since the start of that thread; called in any thread."""
        if self._file < 0:
            return 0.0
        # nanoseconds on a CPU, and in the run queue; the number of time slices
        return int(os.pread(self._file, MAX_STATISTICS, 0).split()[1]) / 1e9

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)


#: The collector belongs to the process, which may have several monitors.
_COLLECTOR = threading.Lock()


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """A context in which frames of another thread can be read.

    Python 3.11 may collect garbage while it creates the object of a frame. A finalizer
    may then release the GIL: the other thread leaves the frame, the object refers to
    freed memory, and the process crashes. Later versions collect between instructions.
    """
    with _COLLECTOR:
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if was_enabled:
                gc.enable()


class EventLoopMonitor:
    """The monitor of the event loop that calls `running`.

    :param lag: gets the delays
    :param describe: names the request that a stack belongs to, empty if there is none,
        from its innermost frame
    :param interval: seconds between two calls of the timer
    """

    def __init__(
        self,
        lag: Histogram,
        describe: Callable[[FrameType], str],
        interval: float = INTERVAL,
    ) -> None:
        self._lag = lag.child()
        self._describe = describe
        self._interval = interval
        self._repeated = RepeatedMessages(log)
        self._due = 0.0
        self._waited = 0.0
        self._finding: Finding | None = None
        #: What calls the loop, or the timer if the loop is in Python: no callback runs
        #: while it is the innermost function. uvloop is in C.
        self._idle: CodeType | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """A context in which the running loop is monitored."""
        loop, run_queue = asyncio.get_running_loop(), RunQueue()
        self._schedule(loop, run_queue)
        stopping = threading.Event()
        checks = threading.Thread(
            target=self._check_repeatedly,
            args=(threading.get_ident(), run_queue, stopping),
            name="event loop monitor",
            daemon=True,
        )
        checks.start()
        try:
            yield
        finally:
            stopping.set()
            self._timer.cancel()
            checks.join()
            run_queue.close()

    def _schedule(self, loop: asyncio.AbstractEventLoop, run_queue: RunQueue) -> None:
        self._waited = run_queue.waited()
        self._due = time.monotonic() + self._interval
        self._timer = loop.call_later(self._interval, self._tick, loop, run_queue)

    def _tick(self, loop: asyncio.AbstractEventLoop, run_queue: RunQueue) -> None:
        delay = max(0.0, time.monotonic() - self._due)
        self._lag.observe(delay)
        if delay > BLOCKED:
            delay -= run_queue.waited() - self._waited
        if delay > BLOCKED:
            finding = self._finding
            # without one, no code of this thread is the reason, but the machine
            if finding and finding.due == self._due and not finding.is_logged:
                self._log(finding, delay, "was")
        self._idle = sys._getframe(1).f_code
        self._schedule(loop, run_queue)

    def _check_repeatedly(
        self, thread: int, run_queue: RunQueue, stopping: threading.Event
    ) -> None:
        while not stopping.wait(CHECK_INTERVALS * self._interval):
            due, waited = self._due, self._waited
            delay = time.monotonic() - due
            if delay < SUSPICIOUS:
                continue
            finding = self._finding
            if finding is None or finding.due != due:
                self._finding = self._find(thread, due)
            elif delay > HANGING and not finding.is_logged:
                delay -= run_queue.waited() - waited
                if delay > HANGING:
                    finding.is_logged = True
                    self._log(finding, delay, "is")

    def _find(self, thread: int, due: float) -> Finding | None:
        with _without_collection():
            frame = sys._current_frames().get(thread)
            if frame is None or frame.f_code is self._idle:
                return None
            function = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
            activity = ", in ".join(filter(None, (self._describe(frame), function)))
            stack = ""
            if log.isEnabledFor(logging.DEBUG):
                stack = "".join(traceback.format_stack(frame))
            return Finding(due, activity, stack)

    def _log(self, finding: Finding, delay: float, verb: str) -> None:
        is_logged = self._repeated.log(
            logging.WARNING,
            "the event loop %s blocked for %.3f s: %s",
            *(verb, delay, finding.activity),
            topic=finding.activity,
        )
        if is_logged and finding.stack:
            log.debug("the stack of the event loop:\n%s", finding.stack)
