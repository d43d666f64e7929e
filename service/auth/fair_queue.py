"""A thread pool with a bounded queue that is fair to client addresses.

The queue serves addresses round robin: however many requests one address sends, the
only request of another address waits for at most one of them. When the queue is full, a
new request evicts the newest one of the address with the most entries, perhaps itself.
Clients that seem to have left are served last and evicted first. They are not refused:
a client that has closed only the sending half of its connection still reads the reply.
"""

import asyncio
import contextlib
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Client(NamedTuple):
    """The client that a queue entry belongs to.

    :ivar has_left: whether it seems to have closed its connection
    """

    address: str
    has_left: Callable[[], bool]


class QueueFull(Exception):
    """The queue is full, or the entry was evicted."""


class QueueEntry:
    """A request in the queue.

    :ivar has_left: the client's state when the queue was last examined
    :ivar round: of the round robin; an address has one entry in a round
    """

    def __init__(self, queue: "FairQueue", client: Client, round_: int, number: int):
        self._queue = queue
        self.client = client
        self.has_left = False
        self.round = round_
        self.number = number
        self.is_evicted = False
        self.result: asyncio.Future[Any] = queue.loop.create_future()

    async def run(self, work: Callable[[], T]) -> T:
        """Waits in the queue, then runs the work in a thread; once for an entry.

        :raises QueueFull: the entry was evicted
        """
        if self.is_evicted:
            raise QueueFull()
        self._queue.submit(self, work)
        result: T = await self.result
        return result


#: The lowest entry is served first, the highest is evicted first.
PRIORITY = attrgetter("has_left", "round", "number")


class FairQueue:
    """A pool of threads that runs work in the order of `PRIORITY`.

    :param limit: entries that wait and work that runs, in total
    """

    def __init__(self, threads: int, limit: int, name: str) -> None:
        self.loop = asyncio.get_running_loop()
        self._threads = threads
        self._limit = limit
        self._executor = ThreadPoolExecutor(
            threads, thread_name_prefix=name, initializer=_lower_priority
        )
        self._waiting: set[QueueEntry] = set()
        self._work: dict[QueueEntry, Callable[[], Any]] = {}  # of entries that can run
        self._running = 0
        self._numbers = itertools.count()
        self._last_round = 0

    def close(self) -> None:
        """Evicts all entries; waits for the work that runs."""
        for entry in list(self._waiting):
            self._evict(entry)
        self._executor.shutdown(cancel_futures=True)

    @contextlib.contextmanager
    def enter(self, client: Client) -> Iterator[QueueEntry]:
        """An entry of the queue for as long as the context lasts.

        :raises QueueFull: the queue is full, and no entry has a lower priority
        """
        rounds = (e.round for e in self._waiting if e.client.address == client.address)
        round_ = max(rounds, default=self._last_round) + 1
        entry = QueueEntry(self, client, round_, next(self._numbers))
        self._waiting.add(entry)
        try:
            if len(self._waiting) + self._running > self._limit:
                self._evict(max(self._waiting, key=PRIORITY))
            if entry.is_evicted:
                raise QueueFull()
            yield entry
        finally:
            self._waiting.discard(entry)
            self._work.pop(entry, None)

    def submit(self, entry: QueueEntry, work: Callable[[], Any]) -> None:
        """Makes an entry ready to run; called by `QueueEntry.run`."""
        self._work[entry] = work
        self._serve()

    def _serve(self) -> None:
        while self._work and self._running < self._threads:
            for entry in self._waiting:
                entry.has_left = entry.client.has_left()
            entry = min(self._work, key=PRIORITY)
            self._waiting.discard(entry)
            self._last_round = max(self._last_round, entry.round)
            self._start(entry, self._work.pop(entry))

    def _evict(self, entry: QueueEntry) -> None:
        entry.is_evicted = True
        self._waiting.discard(entry)
        if self._work.pop(entry, None) and not entry.result.done():
            entry.result.set_exception(QueueFull())

    def _start(self, entry: QueueEntry, work: Callable[[], Any]) -> None:
        self._running += 1
        future = self._executor.submit(work)
        future.add_done_callback(
            lambda ended: self.loop.call_soon_threadsafe(self._end, entry, ended)
        )

    def _end(self, entry: QueueEntry, ended: Future[Any]) -> None:
        self._running -= 1
        if entry.result.done():
            pass  # the request was cancelled, which does not stop its thread
        elif ended.cancelled():
            entry.result.cancel()
        elif (error := ended.exception()) is not None:
            entry.result.set_exception(error)
        else:
            entry.result.set_result(ended.result())
        self._serve()


def _lower_priority() -> None:
    """Lets the event loop and Tarantool preempt this thread.

    With SCHED_IDLE, the kernel counts a core that runs only such threads as idle when
    it chooses one for a thread that wakes up (sched(7)). With a nice value it does not,
    and the thread could queue behind others on another core.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
