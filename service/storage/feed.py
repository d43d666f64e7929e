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
from collections.abc import Collection, Iterator
from contextvars import Context

from service.errors import Internal, Problem, Stopping, TooSlow, Unavailable
from service.model import AllChanges, Caller, Change, Changes
from service.sizes import KIB
from service.storage.client import Storage
from service.storage.watcher import RETRY_INTERVAL, BufferedChange, Watcher

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

#: Changes handed to watchers before the event loop runs other tasks.
MAX_BURST = 1000


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
            # of no request: it outlives the one of the first watcher
            self._tail = asyncio.create_task(self._follow(), context=Context())

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
            if changed is None or watcher.username in changed:
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
