"""The feed replayed: each key after each change, its request, and its time.

Places stand for revisions: 0 is before the first change of the feed, 1 after it...
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from tests.torture.history import Change
from tests.torture.judge.requests import Request
from tests.torture.judge.tolerance import TOLERANCE, latest_expiry


@dataclass
class Lease:
    """When keys expire: a moment somewhere in between.

    :ivar gone: by key, the request that first saw it missing
    """

    earliest: float
    latest: float
    gone: dict[str, Request] = field(default_factory=dict)

    def is_over(self, key: str, start: float) -> bool:
        """Whether a call that begins then cannot find the key."""
        witness = self.gone.get(key)
        return start > self.latest or (witness is not None and start > witness.end)


class Version(NamedTuple):
    """A key from a place on, to the place of the next version.

    :ivar value: JSON text; None: no such key
    """

    key: str
    place: int
    revision: int | None
    value: str | None
    lease: Lease | None = None

    def can_be_there(self, start: float) -> bool:
        """Whether a call that begins then can find the key."""
        if self.value is None:
            return False
        return self.lease is None or not self.lease.is_over(self.key, start)

    def can_be_missing(self, end: float) -> bool:
        """Whether a call that is over then can find no key."""
        if self.value is None:
            return True
        return self.lease is not None and end >= self.lease.earliest


NEVER = Version("", 0, None, None)


class Timeline:
    """The versions of one key."""

    def __init__(self) -> None:
        self.places = [0]
        self.versions = [NEVER]

    def add(self, version: Version) -> None:
        self.places.append(version.place)
        self.versions.append(version)

    def at(self, place: int) -> Version:
        return self.versions[bisect_right(self.places, place) - 1]

    def after(self, version: Version) -> Version | None:
        place = bisect_right(self.places, version.place)
        return self.versions[place] if place < len(self.versions) else None

    def since(self, place: int, last: int) -> Sequence[Version]:
        """The version of a place and the later ones, to that of another place."""
        begin = bisect_right(self.places, place) - 1
        return self.versions[begin : bisect_right(self.places, last)]


@dataclass
class Step:
    """A change, and the requests that can have made it.

    :ivar owner: the request that got its revision
    :ivar candidates: requests of unknown outcome that would have made it
    :ivar is_expiry: whether it can be an expiry, without a request
    """

    change: Change
    owner: Request | None = None
    candidates: list[Request] = field(default_factory=list)
    is_expiry: bool = False

    @property
    def makers(self) -> list[Request]:
        return [self.owner] if self.owner is not None else self.candidates


def known_by(steps: Sequence[Step]) -> list[float]:
    """The latest time of each step: some client had got a later revision by then."""
    ends = [step.owner.end if step.owner else math.inf for step in steps]
    return list(accumulate(reversed(ends), min))[::-1]


class Replay:
    """The steps in time: `earliest[p]` to `latest[p]` is when place p was reached."""

    def __init__(
        self, steps: Sequence[Step], leader_changes: Sequence[tuple[float, float]] = ()
    ) -> None:
        self.steps = steps
        self._leader_changes = leader_changes
        self.revisions = [step.change.revision for step in steps]
        self.earliest = [-math.inf]
        self.latest = [-math.inf, *known_by(steps)]
        self.timelines: dict[str, Timeline] = defaultdict(Timeline)
        for place, step in enumerate(steps, 1):
            self.earliest.append(max(self.earliest[-1], self._start(place, step)))
            self._apply(place, step)

    @property
    def last(self) -> int:
        return len(self.steps)

    def place(self, revision: int) -> int:
        return bisect_right(self.revisions, revision)

    def newest(self, end: float) -> int:
        """The last place that can have been reached before a moment."""
        return bisect_right(self.earliest, end) - 1

    def maker(self, place: int) -> Request | None:
        makers = self.steps[place - 1].makers if place else []
        return makers[0] if makers else None

    def _start(self, place: int, step: Step) -> float:
        starts = [maker.start for maker in step.makers]
        if step.is_expiry:
            versions = (self.timelines[key].at(place) for key in step.change.deleted)
            due = [version.lease.earliest for version in versions if version.lease]
            starts.append(min(max(due, default=-math.inf), self.latest[place]))
        return min(starts, default=-math.inf)

    def _apply(self, place: int, step: Step) -> None:
        change = step.change
        for key in change.deleted:
            self.timelines[key].add(Version(key, place, change.revision, None))
        leases: dict[frozenset[float | None], Lease | None] = {}
        kept = any(maker.operation.call == "increment" for maker in step.makers)
        for key, value in change.data.items():
            if kept:
                lease = self._inherited(place, key, value, step)
            else:
                lives = frozenset(m.operation.lives.get(key) for m in step.makers)
                if lives not in leases:
                    leases[lives] = self._lease(place, lives)
                lease = leases[lives]
            version = Version(key, place, change.revision, value, lease)
            self.timelines[key].add(version)

    def _lease(self, place: int, lives: Collection[float | None]) -> Lease | None:
        """:param lives: of a key: its seconds by each that may have written it"""
        finite = [ttl for ttl in lives if ttl is not None]
        if not finite:
            return None
        earliest = self.earliest[place] + min(finite) - TOLERANCE
        due = self.latest[place] + max(finite)
        latest = latest_expiry(due, self.earliest[place], self._leader_changes)
        return Lease(earliest, latest if None not in lives else math.inf)

    def _inherited(self, place: int, key: str, value: str, step: Step) -> Lease | None:
        """An increment keeps a counter's lease; a new counter has none."""
        before = self.timelines[key].at(place)
        lease = before.lease
        if lease is None:
            return None
        deltas = {maker.operation.asked.get(key) for maker in step.makers}
        is_new = value in deltas and before.can_be_missing(self.latest[place])
        if not is_new:
            return lease
        if before.value == "0" and before.can_be_there(self.earliest[place]):
            return Lease(lease.earliest, math.inf)
        return None
