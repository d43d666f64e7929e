"""The change feed: one tail of the storage for all the watchers of this process.

A watcher first reads pages of the log, narrowed to what it may read, from where its
client stands; at the end of the log it is attached to the tail. The tail is one call
that waits in the storage for what comes next; it runs while there are watchers, and
hands each change to those whose prefixes it touches. When it is told that an account
has changed, that account's watchers are detached and ask for a page again: the storage
says there what they may still see. A change is kept until the last of them
has taken it. When too many bytes are kept, the watchers that have not taken the oldest
change are dropped: their clients come back and go on from where they were.
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
from service.storage.client import Storage

log = logging.getLogger(__name__)

#: Bytes of changes that the tail looks at in one call: a few milliseconds of the
#: storage's thread; and a watcher that is behind, which may be one of thousands.
TAIL_PAGE, PAGE = 512 * 1024, 64 * 1024

#: Watchers that may ask the storage at a time: others' calls get their turn between.
PAGES_AT_A_TIME = 8

#: Seconds that the tail waits in the storage: less than a call may take.
TAIL_WAIT = 2.0

#: Seconds before a storage that did not answer is asked again.
RETRY_INTERVAL = 0.5

#: Seconds before a watcher asks again what it and the tail have not both heard of yet:
#: they hear of it in one turn, but for an instance that is behind another one.
CATCH_UP_INTERVAL = 0.05

#: What a kept change costs beside its texts, in bytes: objects, and places in queues;
#: and what a list pays for each text.
OVERHEAD, POINTER = 1024, 8

#: Changes given to watchers before others get their turn on the event loop.
TURN = 1000


class KeptChange:
    """A change that not all its watchers have taken."""

    def __init__(self, change: Change, watchers: "set[Watcher]") -> None:
        self.change = change
        self.watchers = watchers
        texts = change.keys + (change.values or [])
        self.size = OVERHEAD + sum(map(getsizeof, texts)) + POINTER * len(texts)


class Watcher:
    """One client that follows a prefix."""

    def __init__(
        self,
        feed: "Feed",
        caller: Caller,
        since: int | None,
        prefix: str,
    ) -> None:
        #: What the keys that it may read begin with, as far as it is attached.
        self.prefixes: tuple[str, ...] = ()
        self.caller = caller
        self._prefix = prefix
        #: Called at the end, whatever the client's handler is doing then.
        self.on_end: Callable[[], object] = lambda: None
        self._feed = feed
        self._since = since
        self._has_begun = False
        self._attached = False
        self._queue: list[KeptChange] = []
        self._in_hand: list[KeptChange] = []
        self._wake = asyncio.Event()
        self._end: Problem | None = None

    @property
    def position(self) -> int:
        """The revision to go on from after all that `next` has given."""
        since = self._since or 0
        idle = self._attached and not self._queue
        return max(since, self._feed.position) if idle else since

    async def next(self, patience: float) -> list[Change]:
        """The changes that come next, none when so many seconds are over.

        Those given before count as taken. Once it has begun it waits for a storage that
        is not there, as the tail does.

        :raises Problem: the feed has ended for this watcher
        """
        self._let_go(self._in_hand)
        clock = asyncio.get_running_loop().time
        deadline = clock() + patience
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
                self._in_hand = [self._feed.keep(c, {self}) for c in page.changes]
                return page.changes
            at_the_end = page.through >= page.newest
            if at_the_end and clock() >= deadline:
                return []
            if self._feed.is_reached(page):
                self.prefixes = tuple(page.prefixes)
                self._feed.attach(self, page.epoch)
                self._attached = True
            elif at_the_end:
                await asyncio.sleep(CATCH_UP_INTERVAL)
        if self._end is not None:
            raise self._end
        return self._taken()

    def give(self, kept: KeptChange) -> None:
        self._queue.append(kept)
        self._wake.set()

    @property
    def has_ended(self) -> bool:
        """Whether `next` would tell why."""
        return self._end is not None

    def end(self, why: Problem) -> None:
        self._end = self._end or why
        self._wake.set()
        self.close()
        self.on_end()

    def detach(self) -> None:
        """Its account has changed: what it may see must be asked for again."""
        queue = self._queue
        self._since = queue[0].change.revision - 1 if queue else self.position
        self._let_go(queue)
        self._leave_tail()
        self._wake.set()

    def close(self) -> None:
        self._leave_tail()
        self._let_go(self._in_hand)
        self._let_go(self._queue)

    def _leave_tail(self) -> None:
        if self._attached:
            self._feed.detach(self)
            self._attached = False

    def _taken(self) -> list[Change]:
        self._wake.clear()
        self._in_hand, self._queue = self._queue, []
        if self._in_hand:
            self._since = self._in_hand[-1].change.revision
        return [_narrowed(kept.change, self.prefixes) for kept in self._in_hand]

    def _let_go(self, changes: list[KeptChange]) -> None:
        for kept in changes:
            self._feed.release(kept, self)
        changes.clear()


class Feed:
    """:param max_kept: bytes of changes that may wait for slow watchers"""

    def __init__(self, storage: Storage, max_kept: int) -> None:
        self.position = 0  # up to which the watchers of the tail have been given all
        self._epoch = 0  # of the accounts, up to which the tail has heard of changes
        self._storage = storage
        self._max_kept = max_kept
        self._kept_bytes = 0
        self._kept: dict[KeptChange, None] = {}  # the oldest first
        self._watchers: set[Watcher] = set()
        self._attached: dict[str, set[Watcher]] = {}  # by prefix
        self._lengths: Counter[int] = Counter()  # of the prefixes
        self._tail: asyncio.Task[None] | None = None
        self._stopping = False
        self._gate = asyncio.Semaphore(PAGES_AT_A_TIME)

    @contextlib.contextmanager
    def watch(
        self, caller: Caller, since: int | None, prefix: str
    ) -> Iterator[Watcher]:
        """:param since: a revision, None: the newest one"""
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
        """Tells every watcher that the service stops."""
        self._stopping = True
        for watcher in self._watchers:
            watcher.end(Stopping())

    async def close(self) -> None:
        if self._tail is not None:
            self._tail.cancel()
            await asyncio.gather(self._tail, return_exceptions=True)

    # for the watchers

    async def page(self, caller: Caller, since: int | None, prefix: str) -> Changes:
        async with self._gate:
            return await self._storage.changes(caller, since, prefix, PAGE)

    def is_reached(self, page: Changes) -> bool:
        """Whether a watcher that has everything up to this page can be attached."""
        if self._tail is None:
            return page.through >= page.newest
        return page.through >= self.position and page.epoch == self._epoch

    def attach(self, watcher: Watcher, epoch: int) -> None:
        for prefix in watcher.prefixes:
            self._attached.setdefault(prefix, set()).add(watcher)
            self._lengths[len(prefix)] += 1
        if self._tail is None:
            self.position = watcher.position
            self._epoch = epoch
            self._tail = asyncio.create_task(self._follow())

    def detach(self, watcher: Watcher) -> None:
        for prefix in watcher.prefixes:
            alike = self._attached[prefix]
            alike.discard(watcher)
            if not alike:
                del self._attached[prefix]
            self._lengths[len(prefix)] -= 1
        self._lengths += Counter()  # without those that are zero

    def keep(self, change: Change, watchers: set[Watcher]) -> KeptChange:
        """Until all these watchers have taken it. Those who are too slow must go."""
        kept = KeptChange(change, watchers)
        self._kept[kept] = None
        self._kept_bytes += kept.size
        while self._kept_bytes > self._max_kept:
            oldest = next(iter(self._kept))
            for watcher in list(oldest.watchers):
                self.release(oldest, watcher)
                watcher.end(TooSlow())
        return kept

    def release(self, kept: KeptChange, watcher: Watcher) -> None:
        kept.watchers.discard(watcher)
        if not kept.watchers and kept in self._kept:
            del self._kept[kept]
            self._kept_bytes -= kept.size

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
                self._hear_of_accounts(page)
                given = 0
                for change in page.changes:
                    given += self._give(change)
                    self.position = change.revision
                    if given >= TURN:
                        given = 0
                        await asyncio.sleep(0)
                self.position = page.through
        except Problem as why:
            log.warning("the feed cannot go on: %s", why)
            self._end_attached(why)
        except Exception:
            log.exception("the feed failed")
            self._end_attached(Internal())
        finally:
            self._tail = None

    def _end_attached(self, why: Problem) -> None:
        for watcher in self._all_attached():
            watcher.end(why)

    def _all_attached(self) -> set[Watcher]:
        return {watcher for alike in self._attached.values() for watcher in alike}

    def _hear_of_accounts(self, page: AllChanges) -> None:
        if page.epoch == self._epoch:
            return
        self._epoch = page.epoch
        changed = None if page.changed is None else set(page.changed)
        for watcher in self._all_attached():
            if changed is None or watcher.caller.username in changed:
                watcher.detach()

    def _give(self, change: Change) -> int:
        """To how many watchers it was given."""
        watchers = {
            watcher
            for prefix in self._touched(change.keys)
            for watcher in self._attached[prefix]
            if watcher.position < change.revision
        }
        if watchers:
            kept = self.keep(change, watchers)
            for watcher in list(watchers):
                watcher.give(kept)
        return len(watchers)

    def _touched(self, keys: list[str]) -> Collection[str]:
        """The prefixes, of those that are watched, of any of the keys."""
        if len(keys) * len(self._lengths) < len(self._attached):
            heads = {key[:length] for key in keys for length in self._lengths}
            return heads & self._attached.keys()
        ordered = sorted(keys)
        return [prefix for prefix in self._attached if _has_prefix(ordered, prefix)]


def _has_prefix(ordered: list[str], prefix: str) -> bool:
    place = bisect_left(ordered, prefix)
    return place < len(ordered) and ordered[place].startswith(prefix)


def _narrowed(change: Change, prefixes: tuple[str, ...]) -> Change:
    if "" in prefixes:
        return change
    keys, values = change.keys, change.values
    places = [i for i, key in enumerate(keys) if key.startswith(prefixes)]
    return Change(
        change.revision,
        [keys[i] for i in places],
        [values[i] for i in places] if values is not None else None,
    )
