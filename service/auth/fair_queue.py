"""Work for a few threads, with a bounded queue in front that is fair to addresses.

Each address has its turn after the others: however many requests one of them sends, the
only request of another waits for one of them at the most. When no place is left, the
newest request of whoever has most in the queue loses its own. Clients that seem to have
left are served last and lose their places first: perhaps nobody wants their replies any
more, but who has closed only the sending half of a connection still reads.
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
    """Who waits for the work."""

    address: str
    has_left: Callable[[], bool]


class QueueFull(Exception):
    """No place is left, or the place went to somebody else."""


class Place:
    """A client's place in the queue.

    :ivar has_left: the client, when somebody looked last
    :ivar turn: places with the same turn are of different addresses
    """

    def __init__(self, queue: "FairQueue", client: Client, turn: int, number: int):
        self._queue = queue
        self.client = client
        self.has_left = False
        self.turn = turn
        self.number = number
        self.is_lost = False
        self.outcome: asyncio.Future[Any] = queue.loop.create_future()

    async def run(self, work: Callable[[], T]) -> T:
        """Runs the work in a thread when its turn has come; once for a place.

        :raises QueueFull: the place went to somebody else
        """
        if self.is_lost:
            raise QueueFull()
        self._queue.submit(self, work)
        outcome: T = await self.outcome
        return outcome


#: Who is served first has the least, who loses its place first the most.
ORDER = attrgetter("has_left", "turn", "number")


class FairQueue:
    """:param limit: of places: of those that wait, and those whose work is under way"""

    def __init__(self, threads: int, limit: int, name: str) -> None:
        self.loop = asyncio.get_running_loop()
        self._threads = threads
        self._limit = limit
        self._executor = ThreadPoolExecutor(
            threads, thread_name_prefix=name, initializer=_give_way
        )
        self._waiting: set[Place] = set()
        self._work: dict[Place, Callable[[], Any]] = {}  # of those that are ready
        self._under_way = 0
        self._numbers = itertools.count()
        self._last_turn = 0

    def close(self) -> None:
        for place in list(self._waiting):
            self._take_away(place)
        self._executor.shutdown(cancel_futures=True)

    @contextlib.contextmanager
    def place(self, client: Client) -> Iterator[Place]:
        """:raises QueueFull: there is none, and nobody has a weaker claim to one"""
        turns = (p.turn for p in self._waiting if p.client.address == client.address)
        turn = max(turns, default=self._last_turn) + 1
        place = Place(self, client, turn, next(self._numbers))
        self._waiting.add(place)
        try:
            if len(self._waiting) + self._under_way > self._limit:
                self._take_away(max(self._waiting, key=ORDER))
            if place.is_lost:
                raise QueueFull()
            yield place
        finally:
            self._waiting.discard(place)
            self._work.pop(place, None)

    def submit(self, place: Place, work: Callable[[], Any]) -> None:
        self._work[place] = work
        self._serve()

    def _serve(self) -> None:
        while self._work and self._under_way < self._threads:
            for place in self._waiting:
                place.has_left = place.client.has_left()
            place = min(self._work, key=ORDER)
            self._waiting.discard(place)
            self._last_turn = max(self._last_turn, place.turn)
            self._start(place, self._work.pop(place))

    def _take_away(self, place: Place) -> None:
        place.is_lost = True
        self._waiting.discard(place)
        if self._work.pop(place, None) and not place.outcome.done():
            place.outcome.set_exception(QueueFull())

    def _start(self, place: Place, work: Callable[[], Any]) -> None:
        self._under_way += 1
        running = self._executor.submit(work)
        running.add_done_callback(
            lambda ended: self.loop.call_soon_threadsafe(self._end, place, ended)
        )

    def _end(self, place: Place, ended: Future[Any]) -> None:
        self._under_way -= 1
        if place.outcome.done():
            pass  # the request was cancelled, only the thread could not be
        elif ended.cancelled():
            place.outcome.cancel()
        elif (error := ended.exception()) is not None:
            place.outcome.set_exception(error)
        else:
            place.outcome.set_result(ended.result())
        self._serve()


def _give_way() -> None:
    """The event loop and Tarantool have a core whenever they want one.

    A core that runs only such threads (sched(7)) counts as idle when another one wakes;
    with nice ones it does not, and who wakes may queue behind others elsewhere.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
