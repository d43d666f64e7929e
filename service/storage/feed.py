"""The change feed: one reader of the change log for all watchers of this process.

A watcher catches up first: it reads pages of the change log from the revision of its
client, restricted to what its account may read. At the end of the log it is attached to
the tail: one call that waits in Tarantool for the next changes of all keys and hands
each change to the watchers whose prefixes match. The tail runs while watchers are
attached to it.

When the tail reports that an account has changed, that account's watchers are detached
and read a page again, for which Tarantool checks what they may read now.

A change is buffered until its last watcher has taken it. When the buffer is full, the
watchers that have not taken the oldest change are dropped: their clients reconnect and
resume.
"""

import asyncio
import contextlib
import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from sys import getsizeof

from service.errors import Internal, Problem, Stopping, TooSlow, Unavailable
from service.model import AllChanges, Caller, Change, Changes
from service.sizes import KIB
from service.storage.client import Storage

log = logging.getLogger(__name__)

#: Bytes of changes that one call of the tail examines: a few milliseconds of
#: Tarantool's only thread.
TAIL_PAGE = 512 * KIB

#: The same for a watcher that catches up, which may be one of thousands.
PAGE = 64 * KIB

#: Watchers that read a page at the same time: between them Tarantool serves others.
MAX_CONCURRENT_PAGES = 8

#: Seconds that the tail waits in Tarantool: less than `CALL_TIMEOUT`.
TAIL_WAIT = 2.0

#: Seconds between attempts while the storage is unavailable.
RETRY_INTERVAL = 0.5

#: Seconds before a watcher at the end of the log reads again, if it and the tail are
#: not at the same revision. That is so only after a failover to an instance that lags.
CATCH_UP_INTERVAL = 0.05

#: Bytes of a buffered change besides its texts: the objects and the queue entries.
OVERHEAD = 1024

#: Bytes of a list for each text.
POINTER = 8

#: Changes handed to watchers before the event loop runs other tasks.
MAX_BURST = 1000


class BufferedChange:
    """A change that not all of its watchers have taken."""

    def __init__(self, change: Change, watchers: "set[Watcher]") -> None:
        self.change = change
        self.watchers = watchers
        texts = change.keys + (change.values or [])
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
        self.caller = caller
        self._prefix = prefix
        #: Called when the feed ends for this watcher, while its handler may be busy.
        self.on_end: Callable[[], object] = lambda: None
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
                try:
                    async with asyncio.timeout_at(deadline):
                        await self._wake.wait()
                except TimeoutError:
                    return []
                self._wake.clear()
                continue
            try:
                page = await self._feed.page(self.caller, self._since, self._prefix)
            except Unavailable:
                if not self._has_begun:
                    raise
                if clock() >= deadline:
                    return []
                await asyncio.sleep(RETRY_INTERVAL)
                continue
            self._has_begun = True
            self._since = page.through
            if page.changes:
                self._returned = [self._feed.buffer(c, {self}) for c in page.changes]
                return page.changes
            at_end = page.through >= page.newest
            if at_end and clock() >= deadline:
                return []
            if self._feed.can_attach_after(page):
                self.prefixes = tuple(page.prefixes)
                self._feed.attach(self, page.epoch)
                self._attached = True
            elif at_end:
                await asyncio.sleep(CATCH_UP_INTERVAL)
        if self._end is not None:
            raise self._end
        return self._dequeue()

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
        self.on_end()

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


class Feed:
    """The watchers of this process, the tail and the buffer that they share.

    :param max_buffered: bytes of changes that may wait for slow watchers
    """

    def __init__(self, storage: Storage, max_buffered: int) -> None:
        self.position = 0  # the revision up to which the tail has handed out changes
        self._epoch = 0  # of the accounts: the last one that the tail has seen
        self._storage = storage
        self._max_buffered = max_buffered
        self._buffered_bytes = 0
        self._buffered: dict[BufferedChange, None] = {}  # the oldest first
        self._watchers: set[Watcher] = set()
        self._attached: dict[str, set[Watcher]] = {}  # by prefix
        self._lengths: Counter[int] = Counter()  # prefixes by length
        self._tail: asyncio.Task[None] | None = None
        self._stopping = False
        self._page_slots = asyncio.Semaphore(MAX_CONCURRENT_PAGES)

    @contextlib.contextmanager
    def watch(
        self, caller: Caller, since: int | None, prefix: str
    ) -> Iterator[Watcher]:
        """Registers a watcher for as long as the context lasts.

        :param since: a revision, None: the newest one
        """
        watcher = Watcher(self, caller, since, prefix)
        self._watchers.add(watcher)
        if self._stopping:
            watcher.end(Stopping())
        try:
            yield watcher
        finally:
            watcher.close()
            self._watchers.discard(watcher)

    def end(self) -> None:
        """Ends every watcher: the service stops."""
        self._stopping = True
        for watcher in self._watchers:
            watcher.end(Stopping())

    async def close(self) -> None:
        """Stops the tail."""
        if self._tail is not None:
            self._tail.cancel()
            await asyncio.gather(self._tail, return_exceptions=True)

    # for the watchers

    async def page(self, caller: Caller, since: int | None, prefix: str) -> Changes:
        """Reads a page of the change log for a watcher that catches up."""
        async with self._page_slots:
            return await self._storage.changes(caller, since, prefix, PAGE)

    def can_attach_after(self, page: Changes) -> bool:
        """Whether a watcher can be attached after this page."""
        if self._tail is None:
            return page.through >= page.newest
        return page.through >= self.position and page.epoch == self._epoch

    def attach(self, watcher: Watcher, epoch: int) -> None:
        """Adds a watcher to the tail, which the first one starts."""
        for prefix in watcher.prefixes:
            self._attached.setdefault(prefix, set()).add(watcher)
            self._lengths[len(prefix)] += 1
        if self._tail is None:
            self.position = watcher.position
            self._epoch = epoch
            self._tail = asyncio.create_task(self._follow())

    def detach(self, watcher: Watcher) -> None:
        """Removes a watcher from the tail."""
        for prefix in watcher.prefixes:
            watchers = self._attached[prefix]
            watchers.discard(watcher)
            if not watchers:
                del self._attached[prefix]
            self._lengths[len(prefix)] -= 1
        self._lengths += Counter()  # drops the zeros

    def buffer(self, change: Change, watchers: set[Watcher]) -> BufferedChange:
        """Buffers a change for these watchers; drops slow ones when it is full."""
        buffered = BufferedChange(change, watchers)
        self._buffered[buffered] = None
        self._buffered_bytes += buffered.size
        while self._buffered_bytes > self._max_buffered:
            oldest = next(iter(self._buffered))
            for watcher in list(oldest.watchers):
                self.release(oldest, watcher)
                watcher.end(TooSlow())
        return buffered

    def release(self, buffered: BufferedChange, watcher: Watcher) -> None:
        """Notes that a watcher has taken a change; forgets it after the last one."""
        buffered.watchers.discard(watcher)
        if not buffered.watchers and buffered in self._buffered:
            del self._buffered[buffered]
            self._buffered_bytes -= buffered.size

    # the tail

    async def _follow(self) -> None:
        try:
            while self._attached:
                try:
                    page = await self._storage.follow(
                        self.position, self._epoch, TAIL_PAGE, TAIL_WAIT
                    )
                except Unavailable:
                    await asyncio.sleep(RETRY_INTERVAL)
                    continue
                self._detach_changed_accounts(page)
                pushed = 0
                for change in page.changes:
                    pushed += self._push(change)
                    self.position = change.revision
                    if pushed >= MAX_BURST:
                        pushed = 0
                        await asyncio.sleep(0)
                self.position = page.through
        except Problem as why:
            log.warning("the change feed has ended: %s", why)
            self._end_attached(why)
        except Exception:
            log.exception("the change feed failed")
            self._end_attached(Internal())
        finally:
            self._tail = None

    def _end_attached(self, why: Problem) -> None:
        for watcher in self._all_attached():
            watcher.end(why)

    def _all_attached(self) -> set[Watcher]:
        return {watcher for group in self._attached.values() for watcher in group}

    def _detach_changed_accounts(self, page: AllChanges) -> None:
        if page.epoch == self._epoch:
            return
        self._epoch = page.epoch
        changed = None if page.changed is None else set(page.changed)
        for watcher in self._all_attached():
            if changed is None or watcher.caller.username in changed:
                watcher.detach()

    def _push(self, change: Change) -> int:
        """Hands a change to the watchers that it concerns; returns their number."""
        watchers = {
            watcher
            for prefix in self._matching(change.keys)
            for watcher in self._attached[prefix]
            if watcher.position < change.revision
        }
        if watchers:
            buffered = self.buffer(change, watchers)
            for watcher in list(watchers):
                watcher.push(buffered)
        return len(watchers)

    def _matching(self, keys: list[str]) -> Collection[str]:
        """The watched prefixes that at least one of the keys begins with."""
        if len(keys) * len(self._lengths) < len(self._attached):
            heads = {key[:length] for key in keys for length in self._lengths}
            return heads & self._attached.keys()
        ordered = sorted(keys)
        return [prefix for prefix in self._attached if _has_prefix(ordered, prefix)]


def _has_prefix(ordered: list[str], prefix: str) -> bool:
    i = bisect_left(ordered, prefix)
    return i < len(ordered) and ordered[i].startswith(prefix)


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
