"""A watcher: a client of the change feed, and the changes that wait for it."""

import asyncio
from collections.abc import Callable
from sys import getsizeof
from typing import TYPE_CHECKING

from service.errors import Problem, Unavailable
from service.model import Caller, Change, Changes

if TYPE_CHECKING:
    from service.storage.feed import Feed

#: Seconds between attempts while the storage is unavailable.
RETRY_INTERVAL = 0.5

#: Seconds before a watcher at the end of the log reads again, if it and the tail are
#: not at the same revision. That is so only after a failover to an instance that lags.
CATCH_UP_INTERVAL = 0.05

#: Bytes of a buffered change besides its texts: the objects and the queue entries.
OVERHEAD = 1024

#: Bytes of a list for each text.
POINTER = 8


class BufferedChange:
    """A change that not all of its watchers have taken."""

    def __init__(self, change: Change, watchers: "set[Watcher]") -> None:
        self.change = change
        self.watchers = watchers
        texts = change.texts
        self.size = OVERHEAD + sum(map(getsizeof, texts)) + POINTER * len(texts)


class Watcher:
    """A client that watches the keys with a prefix."""

    def __init__(
        self,
        feed: "Feed",
        caller: Caller,
        since: int | None,
        prefix: str,
    ) -> None:
        #: The prefixes that the account may read, while the watcher is attached.
        self.prefixes: tuple[str, ...] = ()
        #: Of the account, while the watcher is attached: an access token has no name.
        self.username = ""
        self.caller = caller
        self._prefix = prefix
        #: Called when the feed ends for this watcher, while its handler may be busy.
        self.on_end: Callable[[Problem], object] = lambda _: None
        self._feed = feed
        self._since = since
        self._has_begun = False
        self._attached = False
        self._queue: list[BufferedChange] = []
        self._returned: list[BufferedChange] = []
        self._wake = asyncio.Event()
        self._end: Problem | None = None

    @property
    def position(self) -> int:
        """The revision to resume from, after the changes that `next` has returned."""
        since = self._since or 0
        idle = self._attached and not self._queue
        return max(since, self._feed.position) if idle else since

    async def next(self, max_wait: float) -> list[Change]:
        """Waits for the next changes; returns none after `max_wait` seconds.

        The changes of the call before count as taken. After its first page a watcher
        waits out an outage of the storage, as the tail does.

        :raises Problem: the feed has ended for this watcher
        """
        self._release(self._returned)
        clock = asyncio.get_running_loop().time
        deadline = clock() + max_wait
        while self._end is None and not self._queue:
            if self._attached:
                if not await self._is_woken_by(deadline):
                    return []
                continue
            page = await self._read_page()
            if page is not None and page.changes:
                self._returned = [self._feed.buffer(c, {self}) for c in page.changes]
                return page.changes
            at_end = page is None or page.through >= page.newest
            if at_end and clock() >= deadline:
                return []
            if page is None:
                await asyncio.sleep(RETRY_INTERVAL)
            elif self._feed.can_attach_after(page):
                self._attach(page)
            elif at_end:
                await asyncio.sleep(CATCH_UP_INTERVAL)
        if self._end is not None:
            raise self._end
        return self._dequeue()

    async def _is_woken_by(self, deadline: float) -> bool:
        """Waits in the tail; returns whether something has happened in time."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True

    async def _read_page(self) -> Changes | None:
        """Reads the next page; None: the storage is unavailable for now.

        :raises Problem: the first page cannot be read, or its arguments are refused
        """
        try:
            page = await self._feed.page(self.caller, self._since, self._prefix)
        except Unavailable:
            if not self._has_begun:
                raise
            return None
        self._has_begun = True
        self._since = page.through
        return page

    def _attach(self, page: Changes) -> None:
        self.prefixes = tuple(page.prefixes)
        self.username = page.username
        self._feed.attach(self, page.epoch)
        self._attached = True

    def push(self, buffered: BufferedChange) -> None:
        """Queues a change for `next`."""
        self._queue.append(buffered)
        self._wake.set()

    @property
    def has_ended(self) -> bool:
        """Whether the feed has ended for this watcher, so that `next` would raise."""
        return self._end is not None

    def end(self, why: Problem) -> None:
        """Ends the feed for this watcher; `next` raises the first reason."""
        self._end = self._end or why
        self._wake.set()
        self.close()
        self.on_end(self._end)

    def detach(self) -> None:
        """Leaves the tail after a change of the account, to read a page again."""
        queue = self._queue
        self._since = queue[0].change.revision - 1 if queue else self.position
        self._release(queue)
        self._leave_tail()
        self._wake.set()

    def close(self) -> None:
        """Leaves the tail and releases all buffered changes."""
        self._leave_tail()
        self._release(self._returned)
        self._release(self._queue)

    def _leave_tail(self) -> None:
        if self._attached:
            self._feed.detach(self)
            self._attached = False

    def _dequeue(self) -> list[Change]:
        self._wake.clear()
        self._returned, self._queue = self._queue, []
        if self._returned:
            self._since = self._returned[-1].change.revision
        return [
            _restricted(buffered.change, self.prefixes) for buffered in self._returned
        ]

    def _release(self, changes: list[BufferedChange]) -> None:
        for buffered in changes:
            self._feed.release(buffered, self)
        changes.clear()


def _restricted(change: Change, prefixes: tuple[str, ...]) -> Change:
    """The part of a change whose keys begin with one of the prefixes."""
    if "" in prefixes:
        return change
    keys, values = change.keys, change.values
    chosen = [i for i, key in enumerate(keys) if key.startswith(prefixes)]
    return Change(
        change.revision,
        [keys[i] for i in chosen],
        [values[i] for i in chosen] if values is not None else None,
    )
