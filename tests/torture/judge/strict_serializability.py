"""Whether the whole store was strictly serializable, by its own order of changes.

Its rules, by what they judge:

- the feed: "feed order", "feed gap", "feed end", "real time", "final";
- what a change did: "condition", "delete", "counter", "early expiry";
- a refused request: "refusal";
- a read of the past: "history", "export";
- another read: "stale read", "early read", "phantom read", "refused write",
  "torn read", "early expiry", "late expiry", "revived key";
- attempts of one request: "retry".
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

from tests.torture.history import PAST, SETTING, History
from tests.torture.judge.claims import Claims
from tests.torture.judge.exports import judge_export
from tests.torture.judge.grants import allows
from tests.torture.judge.history_reads import HistoryReads, Moment
from tests.torture.judge.linearizability import THERE, Any
from tests.torture.judge.replay import Replay, Version
from tests.torture.judge.requests import Request, fold
from tests.torture.judge.violations import Violation, violation


def judge_feed(history: History) -> Iterator[Violation]:
    """Revisions increase by one, and no reply has another one."""
    for before, after in pairwise(history.changes):
        keys = [*after.data, *after.deleted]
        if after.revision <= before.revision:
            sentence = f"revision {after.revision} comes after {before.revision}"
            yield violation("feed order", sentence, [], keys)
        elif after.revision > before.revision + 1:
            sentence = f"between {before.revision} and {after.revision} there is a gap"
            yield violation("feed gap", sentence, [], keys)
    if not history.changes:
        return
    first, last = history.changes[0].revision - 1, history.changes[-1].revision
    for operation in history.operations:
        if operation.revision is not None and not first <= operation.revision <= last:
            sentence = (
                f"it ends with {last}, and revision {operation.revision} was returned"
            )
            yield violation("feed end", sentence, fold([operation]))


def judge_retries(history: History) -> Iterator[Violation]:
    """Attempts of one request are answered alike."""
    for request in fold(history.operations):
        answers = {
            (a.revision, a.deleted, None if a.found is None else tuple(a.found))
            for a in request.attempts
            if a.outcome == "ok"
        }
        if len(answers) > 1:
            sentence = f"attempts of one request returned {len(answers)} outcomes"
            yield violation("retry", sentence, [request])


def judge_store(history: History) -> Iterator[Violation]:
    requests = fold(history.operations)
    claims = Claims(history, requests)
    yield from claims.violations
    replay = Replay(claims.steps, claims.leader_changes)
    yield from _inversions(replay)
    yield from _effects(replay)
    yield from Readers(replay, requests, history.since).judge()
    yield from _final(replay, history)


def _inversions(replay: Replay) -> Iterator[Violation]:
    """A write that was over before another began has the smaller revision."""
    latest: Request | None = None
    for step in replay.steps:
        request = step.owner
        if request is None:
            continue
        if latest is not None and request.end < latest.start:
            sentence = (
                f"revision {request.operation.revision} was acknowledged before "
                f"{latest.operation.revision} was asked for"
            )
            yield violation("real time", sentence, [request, latest])
        if latest is None or request.start > latest.start:
            latest = request


def _effects(replay: Replay) -> Iterator[Violation]:
    """What a change did follows from what was there just before it."""
    for place, step in enumerate(replay.steps, 1):
        if step.owner is not None:
            yield from _effect(replay, place, step.owner)
        elif not step.candidates:
            yield from _collected(replay, place)


def _effect(replay: Replay, place: int, request: Request) -> Iterator[Violation]:
    operation = request.operation
    change = replay.steps[place - 1].change
    start, end = replay.earliest[place], replay.latest[place]

    def before(key: str) -> Version:
        return replay.timelines[key].at(place - 1)

    def blame(rule: str, sentence: str, key: str) -> Violation:
        return violation(
            rule, sentence, [replay.maker(before(key).place), request], [key]
        )

    for key, wanted in operation.conditions.items():
        if not _can_hold(before(key), wanted, start, end):
            sentence = f"{key!r} was at {before(key).revision}, not at {wanted}"
            yield blame("condition", sentence, key)
    for key in sorted(operation.removed):
        if key in change.deleted and not before(key).can_be_there(start):
            yield blame("delete", f"{key!r} was deleted and was not there", key)
        if key not in change.deleted and not before(key).can_be_missing(end):
            yield blame("delete", f"{key!r} was there and was not deleted", key)
    if operation.call == "increment":
        for key, delta in operation.asked.items():
            found = before(key)
            sums: list[str | None] = [delta] if found.can_be_missing(end) else []
            if found.can_be_there(start):
                sums.append(_sum(found.value, delta))
            if change.data.get(key) not in sums:
                sentence = (
                    f"{key!r}: {delta} more than {found.value} is not {operation.found}"
                )
                yield blame("counter", sentence, key)


def _can_hold(version: Version, wanted: int | None, start: float, end: float) -> bool:
    if wanted is None:
        return version.can_be_missing(end)
    return version.revision == wanted and version.can_be_there(start)


def _can_fail(version: Version, wanted: int | None, start: float, end: float) -> bool:
    if wanted is None:
        return version.can_be_there(start)
    return version.revision != wanted or version.can_be_missing(end)


def _sum(value: str | None, delta: str) -> str | None:
    try:
        return str(int(value or 0) + int(delta))
    except ValueError:
        return None


def _collected(replay: Replay, place: int) -> Iterator[Violation]:
    change = replay.steps[place - 1].change
    for key in change.deleted:
        version = replay.timelines[key].at(place - 1)
        lease = version.lease
        if lease is not None and replay.latest[place] < lease.earliest:
            sentence = f"{key!r} expired as {change.revision} before its time"
            makers = [replay.maker(version.place), _next_owner(replay, place)]
            yield violation("early expiry", sentence, makers, [key])


def _next_owner(replay: Replay, place: int) -> Request | None:
    """The first request whose reply shows that the place had been reached."""
    owners = [step.owner for step in replay.steps[place:] if step.owner is not None]
    return min(owners, key=lambda owner: owner.end, default=None)


def _final(replay: Replay, history: History) -> Iterator[Violation]:
    if history.final is None:
        return
    end = max((operation.end for operation in history.operations), default=0)
    for key in {*replay.timelines, *history.final}:
        version = replay.timelines[key].at(replay.last)
        value = history.final.get(key)
        if value is None:
            fits = version.value is None or version.lease is not None
        else:
            fits = version.value == value and version.can_be_there(end)
        if not fits:
            sentence = f"{key!r} is {value} in the end, and {version.value} in the feed"
            yield violation("final", sentence, [replay.maker(version.place)], [key])


class Wish(NamedTuple):
    """What a read returned for a key.

    :ivar value: None: no such key
    :ivar revision: None where it was not returned
    """

    key: str
    value: str | Any | None
    revision: int | None = None

    def is_granted(self, version: Version, request: Request) -> bool:
        if self.value is None:
            return version.can_be_missing(request.end)
        return self.is_shown(version) and version.can_be_there(request.start)

    def is_shown(self, version: Version) -> bool:
        """Whatever the time."""
        if self.value is None:
            return version.value is None or version.lease is not None
        alike = self.value == version.value
        if self.value is THERE:
            alike = version.value is not None
        return alike and self.revision in (None, version.revision)


def wishes_of(request: Request) -> list[Wish]:
    """What it showed, or reported as missing; of a request with conditions, those."""
    operation = request.operation
    if operation.call in PAST:
        return []
    if request.is_change or request.outcome != "ok":
        return [
            Wish(key, None if wanted is None else THERE, wanted)
            for key, wanted in operation.conditions.items()
        ]
    if operation.call == "delete":
        return [Wish(key, None) for key in operation.keys]
    values: Sequence[str | Any | None]
    values = (
        operation.found
        if operation.found is not None
        else [THERE] * len(operation.keys)
    )
    revisions = operation.revisions or [None] * len(operation.keys)
    return [*map(Wish, operation.keys, values, revisions)]


class Readers:
    """Each gets the first place that fits: that leaves later ones the most places."""

    def __init__(self, replay: Replay, requests: Sequence[Request], since: int) -> None:
        self._replay = replay
        self._history_reads = HistoryReads(replay, since)
        self._requests = requests
        self._floor = 0
        self._floor_of: Request | None = None

    def judge(self) -> Iterator[Violation]:
        places: dict[int, int] = {}
        for at_end, number in self._moments():
            request = self._requests[number]
            if not at_end:
                place, found = self._begin(request)
                places[number] = place
                yield from found
            elif places[number] > self._floor:
                self._floor, self._floor_of = places[number], request

    def _moments(self) -> list[tuple[bool, int]]:
        """Starts before ends, where they coincide: such calls are concurrent."""
        moments = []
        for number, request in enumerate(self._requests):
            moments.append((request.start, False, number))
            moments.append((request.end, True, number))
        moments.sort()
        return [(at_end, number) for _, at_end, number in moments]

    def _begin(self, request: Request) -> tuple[int, list[Violation]]:
        operation = request.operation
        if operation.call in PAST:
            return self._past(request)
        if request.outcome == "unknown":
            return 0, []
        if request.outcome == "failed":
            if operation.code == "condition_failed":
                return self._refused(request)
            return 0, []
        if request.is_change:
            if operation.revision is None:  # a lost write
                return 0, []
            return self._replay.place(operation.revision), []
        return self._read(request)

    def _past(self, request: Request) -> tuple[int, list[Violation]]:
        newest = self._replay.newest(request.end)
        moment = Moment(self._floor, self._floor_of, newest)
        if request.operation.call == "history":
            return self._history_reads.page(request, moment)
        if request.operation.call == "value at":
            return self._history_reads.value(request, moment)
        return judge_export(self._replay, request, moment)

    def _refused(self, request: Request) -> tuple[int, list[Violation]]:
        """Some condition was false at some moment of the call."""
        place: int | None = None
        ceiling = self._replay.newest(request.end)
        for key, wanted in request.operation.conditions.items():
            for version in self._replay.timelines[key].since(self._floor, ceiling):
                if _can_fail(version, wanted, request.start, request.end):
                    first = max(version.place, self._floor)
                    place = first if place is None else min(place, first)
                    break
        if place is not None:
            return place, []
        sentence = "refused, and its conditions held all the time"
        keys = list(request.operation.conditions)
        return 0, [violation("refusal", sentence, [self._floor_of, request], keys)]

    def _read(self, request: Request) -> tuple[int, list[Violation]]:
        wishes = self._wishes(request)
        floor, ceiling = self._floor, self._replay.newest(request.end)
        pinned = request.operation.revision
        if pinned is not None:
            exact = self._replay.place(pinned)
            if not floor <= exact <= ceiling:
                sentence = f"revision {pinned} was not the newest of any moment of it"
                return 0, [violation("stale read", sentence, [self._floor_of, request])]
            floor = ceiling = exact
        place = self._first(wishes, request, floor, ceiling)
        if place is None:
            return 0, [self._explained(wishes, request, floor, ceiling)]
        self._note_gone(wishes, request, place)
        return place, []

    def _wishes(self, request: Request) -> list[Wish]:
        wishes = wishes_of(request)
        if request.operation.call == "list":
            shown = set(request.operation.keys)
            for key in self._replay.timelines:
                if key not in shown and _is_listed(request, key):
                    wishes.append(Wish(key, None))
        return wishes

    def _first(
        self, wishes: Sequence[Wish], request: Request, floor: int, ceiling: int
    ) -> int | None:
        place = floor
        while place <= ceiling:
            later = self._later(wishes, request, place, ceiling)
            if later is None:
                return None
            if later > place:
                place = later
            elif self._is_one_moment(wishes, place):
                return place
            else:
                place += 1
        return None

    def _later(
        self, wishes: Sequence[Wish], request: Request, place: int, ceiling: int
    ) -> int | None:
        """A place before which some wish is not granted; the place itself: all are."""
        for wish in wishes:
            for version in self._replay.timelines[wish.key].since(place, ceiling):
                if wish.is_granted(version, request):
                    place = max(place, version.place)
                    break
            else:
                return None
        return place

    def _is_one_moment(self, wishes: Sequence[Wish], place: int) -> bool:
        """Keys that expire together are seen together or not at all."""
        there: set[int] = set()
        gone: set[int] = set()
        for wish in wishes:
            lease = self._replay.timelines[wish.key].at(place).lease
            if lease is not None:
                (gone if wish.value is None else there).add(id(lease))
        return there.isdisjoint(gone)

    def _note_gone(self, wishes: Sequence[Wish], request: Request, place: int) -> None:
        for wish in wishes:
            lease = self._replay.timelines[wish.key].at(place).lease
            if lease is not None and wish.value is None:
                first = lease.gone.setdefault(wish.key, request)
                if request.end < first.end:
                    lease.gone[wish.key] = request

    def _explained(
        self, wishes: Sequence[Wish], request: Request, floor: int, ceiling: int
    ) -> Violation:
        for wish in wishes:
            if self._first([wish], request, floor, ceiling) is None:
                return self._unfulfilled(wish, request, floor, ceiling)
        torn = next(
            (
                pair
                for pair in combinations(wishes, 2)
                if self._first(pair, request, floor, ceiling) is None
            ),
            wishes,
        )
        keys = [wish.key for wish in torn]
        sentence = f"no single revision has {keys} as it was shown them"
        makers = [self._shown_by(wish) for wish in torn]
        return violation("torn read", sentence, [*makers, request], keys)

    def _unfulfilled(
        self, wish: Wish, request: Request, floor: int, ceiling: int
    ) -> Violation:
        timeline = self._replay.timelines[wish.key]
        maker = self._shown_by(wish)
        shown = f"{wish.key!r} as {wish.value}"
        if wish.value is None:
            shown = f"no {wish.key!r}"

        def blame(rule: str, why: str, *others: Request | None) -> Violation:
            who = [maker, *others, request]
            return violation(rule, f"it shows {shown} {why}", who, [wish.key])

        for version in timeline.since(floor, ceiling):
            if wish.is_shown(version) and version.lease is not None:
                writer = self._replay.maker(version.place)
                gone = version.lease.gone.get(wish.key)
                if wish.value is None:
                    return blame("early expiry", "before its time was over", writer)
                if gone is not None and request.start > gone.end:
                    return blame("revived key", "after it was seen gone", writer, gone)
                return blame("late expiry", "after its time was over", writer)
        places = [v.place for v in timeline.versions if wish.is_shown(v)]
        if not places and maker is not None and maker.outcome == "failed":
            return blame("refused write", "which was refused")
        if not places:
            return blame("phantom read", "which never was, says the feed")
        if places[0] > ceiling:
            return blame("early read", "before anybody asked for that")
        now = self._replay.maker(timeline.at(floor).place)
        return blame("stale read", "after a newer state was known", now, self._floor_of)

    def _shown_by(self, wish: Wish) -> Request | None:
        """The requests that wrote, or may have written, what was shown."""
        if not isinstance(wish.value, str):
            return None
        for version in self._replay.timelines[wish.key].versions:
            if wish.is_shown(version):
                return self._replay.maker(version.place)
        for request in self._requests:
            if request.operation.call not in SETTING:
                continue
            if request.operation.asked.get(wish.key) == wish.value:
                return request
        return None


def _is_listed(request: Request, key: str) -> bool:
    """Whether a list that does not show the key says that it is not there."""
    operation = request.operation
    place = key.encode()
    return (
        key.startswith(operation.prefix or "")
        and (operation.grants is None or allows(operation.grants, "r", key))
        and (operation.after is None or place > operation.after.encode())
        and (operation.next is None or place <= operation.next.encode())
    )
