"""Whether calls on one key can have happened one at a time, each within its interval.

The search of Wing and Gong ("Testing and verifying concurrent objects", 1993), with
configurations remembered as in Lowe's "Testing for linearizability" (2017), key by key,
which Horn and Kroening prove sound ("Faster linearizability checking via
P-compositionality", 2015). What keeps it near a straight line through a long history:

- a call that changes nothing is placed as soon as it fits: that never hurts;
- calls that returned revisions keep their order;
- a call of unknown outcome is placed only where the next one depends on it (any other
  could be left out), and a configuration is dropped where one was seen that had used
  fewer of them.
"""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import count, pairwise
from typing import Literal, NamedTuple

#: Configurations of one key, after which its history counts as undecided.
MAX_CONFIGURATIONS = 100_000

Kind = Literal["read", "write", "delete", "increment", "expire"]


class Any(NamedTuple):
    """Expected of a key: nothing, or only that it exists."""

    is_there: bool


ANYTHING = Any(False)
THERE = Any(True)


class State(NamedTuple):
    """A key at a moment.

    :ivar value: JSON text; None: no such key
    :ivar revision: None where it was not returned
    :ivar lease: which write made it expire
    """

    value: str | None = None
    revision: int | None = None
    lease: int | None = None


class Call(NamedTuple):
    """A request as one key knows it.

    :ivar owner: place of the request in the caller's list
    :ivar optional: of unknown outcome: it may have happened after its start, or never
    :ivar value: of a write its own, of an increment the delta
    :ivar wanted: what the call found (of an increment: made); None: no such key
    :ivar wanted_revision: what the call found, or its condition
    :ivar revision: the one that it returned
    :ivar lease: of a write that expires and of its expiry: its identity
    """

    owner: int
    kind: Kind
    start: float
    end: float
    optional: bool = False
    value: str | None = None
    wanted: str | Any | None = ANYTHING
    wanted_revision: int | Any | None = ANYTHING
    revision: int | None = None
    lease: int | None = None

    @property
    def is_blind(self) -> bool:
        """It happens to any key, and what it leaves there does not depend on it."""
        return (
            self.kind in ("write", "delete")
            and self.wanted is ANYTHING
            and self.wanted_revision is ANYTHING
        )


class Undecided(Exception):
    """:ivar window: the calls that the search did not get past"""

    def __init__(self, window: list[Call]) -> None:
        super().__init__(f"{MAX_CONFIGURATIONS} configurations")
        self.window = window


def step(call: Call, state: State) -> State | None:
    """What the call leaves; None: it cannot have found this."""
    if not _found(call, state):
        return None
    if call.kind == "read":
        return state
    if call.kind == "write":
        return State(call.value, call.revision, call.lease)
    if call.kind == "delete":
        return State()
    if call.kind == "expire":
        if state.lease == call.lease:
            return State()
        return None if call.optional else state
    return _incremented(call, state)


def _found(call: Call, state: State) -> bool:
    wanted = call.wanted
    if wanted is not ANYTHING and call.kind != "increment":
        if wanted is THERE:
            if state.value is None:
                return False
        elif wanted != state.value:
            return False
    revision = call.wanted_revision
    if isinstance(revision, Any):
        return True
    if revision is None or state.value is None:
        return revision is None and state.value is None
    return state.revision is None or state.revision == revision


def _incremented(call: Call, state: State) -> State | None:
    assert call.value is not None
    try:
        value = str(int(state.value or 0) + int(call.value))
    except ValueError:
        return None
    if call.wanted is not ANYTHING and call.wanted != value:
        return None
    return State(value, call.revision, state.lease)


class Configuration(NamedTuple):
    """A way to have got so far.

    :ivar low: all mandatory calls before it are placed, it is not
    :ivar placed: bits: which of those from `low` on are placed
    :ivar used: bits: the optional calls that are placed
    :ivar owed: the last one was optional: the next one must depend on it
    """

    low: int
    placed: int
    state: State
    used: int
    owed: bool


class Search:
    def __init__(self, calls: Sequence[Call]) -> None:
        by_start = sorted(calls, key=lambda call: call.start)
        self._calls = [call for call in by_start if not call.optional]
        self._optional = list(_worth_a_try(by_start))
        self._before = _order(self._calls)
        self._furthest = 0

    def window(self) -> list[Call]:
        """The calls that were on their way where the search got no further."""
        last = self._calls[self._furthest]
        return [
            call
            for call in self._calls
            if call.start <= last.end and call.end >= last.start
        ]

    def run(self, initial: State) -> bool:
        """:raises Undecided:"""
        first = Configuration(0, 0, initial, 0, False)
        heap = [(0, 0, 0, first)]
        seen: dict[tuple[int, int, State, bool], list[int]] = {}
        numbers = count(1)
        tried = 0
        while heap:
            *_, configuration = heappop(heap)
            low, placed, state, used, owed = configuration
            if low == len(self._calls):
                return True
            alike = seen.setdefault((low, placed, state, owed), [])
            if any(fewer & used == fewer for fewer in alike):
                continue
            alike.append(used)
            tried += 1
            if tried > MAX_CONFIGURATIONS:
                raise Undecided(self.window())
            self._furthest = max(self._furthest, low)
            for choice in self._next(configuration):
                heappush(heap, (*_cost(choice), next(numbers), choice))
        return False

    def _next(self, configuration: Configuration) -> list[Configuration]:
        """The best one comes first."""
        low, placed, state, used, owed = configuration
        pending, horizon = self._pending(low, placed)
        choices = []
        for place in pending:
            call = self._calls[place]
            if call.start > horizon or not self._is_next(place, low, placed):
                continue
            if owed and call.is_blind:
                continue
            after = step(call, state)
            if after is None:
                continue
            rest = _shifted(low, placed | 1 << (place - low))
            if after is state:
                still = owed and call.kind == "expire"
                return [Configuration(*rest, state, used, still)]
            choices.append((call.end, Configuration(*rest, after, used, False)))
        choices.sort(key=lambda choice: choice[0])
        unknown = self._unknown(configuration, horizon)
        return [*(choice for _, choice in choices), *unknown]

    def _pending(self, low: int, placed: int) -> tuple[list[int], float]:
        """Places of the calls that may come next, and when one must have come."""
        calls = self._calls
        horizon = calls[low].end
        pending = [low]
        bits = placed >> 1
        for place in range(low + 1, len(calls)):
            call = calls[place]
            if call.start > horizon:
                break
            if not bits & 1:
                pending.append(place)
                horizon = min(horizon, call.end)
            bits >>= 1
        return pending, horizon

    def _is_next(self, place: int, low: int, placed: int) -> bool:
        before = self._before[place]
        return before < low or bool(placed >> (before - low) & 1)

    def _unknown(
        self, configuration: Configuration, horizon: float
    ) -> Iterator[Configuration]:
        low, placed, state, used, owed = configuration
        tried: set[tuple[object, ...]] = set()
        for place, call in enumerate(self._optional):
            if call.start > horizon:
                break
            if used >> place & 1 or (owed and call.is_blind):
                continue
            alike = (call.kind, call.value, call.wanted_revision, call.lease)
            if alike in tried:
                continue
            tried.add(alike)  # the one that may come earlier may come here as well
            after = step(call, state)
            if after is not None and after != state:
                yield Configuration(low, placed, after, used | 1 << place, True)


def _cost(configuration: Configuration) -> tuple[int, int]:
    """The more calls it has placed the better, and the fewer of unknown outcome."""
    placed = configuration.low + configuration.placed.bit_count()
    return -placed, configuration.used.bit_count()


def _shifted(low: int, placed: int) -> tuple[int, int]:
    while placed & 1:
        low += 1
        placed >>= 1
    return low, placed


def _order(calls: Sequence[Call]) -> list[int]:
    """For each call the place of the one that it must come after, or -1."""
    before = [-1] * len(calls)
    revisions = [
        (call.revision, place)
        for place, call in enumerate(calls)
        if call.revision is not None
    ]
    revisions.sort()
    for (_, earlier), (_, later) in pairwise(revisions):
        before[later] = earlier
    written = {
        call.lease: place for place, call in enumerate(calls) if call.kind == "write"
    }
    for place, call in enumerate(calls):
        if call.kind == "expire":
            before[place] = written.get(call.lease, -1)
    return before


def _worth_a_try(calls: Sequence[Call]) -> Iterator[Call]:
    """Optional calls without the writes that no call can have seen.

    The value was not shown; nor did another reply show that some value was there; nor
    did the key go because the write expired.
    """
    met: set[str | None] = set()
    some = False
    for call in calls:
        conditional = not isinstance(call.wanted_revision, Any)
        some = some or call.wanted is THERE or conditional or call.kind == "increment"
        if isinstance(call.wanted, str):
            met.add(call.wanted)
    for call in calls:
        hidden = call.kind == "write" and call.value not in met and call.lease is None
        if call.optional and (some or not hidden):
            yield call
