"""The shortest history that still breaks a rule, by delta debugging.

Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002. What
stays must make sense by itself: a request goes together with all that depend on it (a
read of a value without its writer would show something that was never written).
"""

import time
from collections.abc import Callable, Iterator, Sequence

from tests.torture.history import SETTING, Change, History
from tests.torture.judge.claims import Claims
from tests.torture.judge.projection import projected
from tests.torture.judge.replay import Replay, Timeline, Version
from tests.torture.judge.requests import Request, fold
from tests.torture.judge.strict_serializability import Wish, wishes_of
from tests.torture.judge.violations import Violation, violation

Judge = Callable[[History], Iterator[Violation]]

#: Seconds for one violation: a history that is not quite the shortest is of use too.
TIMEOUT = 20.0


def shortest(found: Violation, history: History, judge: Judge) -> Violation:
    """The same violation, shown by as few operations as were found to do."""
    puzzle = _Puzzle(projected(history, set(found.keys)), judge, found.rule)
    kept = list(range(len(puzzle.requests)))
    if puzzle.broken(kept) is None:
        return found
    kept = _minimized(kept, puzzle, time.monotonic() + TIMEOUT)
    broken = puzzle.broken(kept)
    assert broken is not None
    requests = [puzzle.requests[number] for number in kept]
    return violation(found.rule, broken.sentence, requests, broken.keys)


def _minimized(kept: list[int], puzzle: "_Puzzle", deadline: float) -> list[int]:
    pieces = 2
    while len(kept) > 1 and time.monotonic() < deadline:
        size = -(-len(kept) // pieces)
        for begin in range(0, len(kept), size):
            rest = puzzle.closed([*kept[:begin], *kept[begin + size :]])
            if puzzle.broken(rest) is not None:
                kept, pieces = rest, max(pieces - 1, 2)
                break
        else:
            if size == 1:
                break
            pieces = min(2 * pieces, len(kept))
    return kept


class _Puzzle:
    """:ivar requests: by their numbers"""

    def __init__(self, history: History, judge: Judge, rule: str) -> None:
        self.requests = fold(history.operations)
        self._judge = judge
        self._rule = rule
        self._claims = Claims(history, self.requests)
        self._finals = [None, history.final]
        numbers = {id(request): i for i, request in enumerate(self.requests)}
        self._makers = [
            [numbers[id(maker)] for maker in step.makers] for step in self._claims.steps
        ]
        replay = Replay(self._claims.steps, self._claims.leader_changes)
        self._needs = _Needs(self.requests, replay).found

    def closed(self, kept: Sequence[int]) -> list[int]:
        """Those of which nothing is missing that they rest on."""
        rest = set(kept)
        while True:
            bare = {number for number in rest if not self._needs[number] <= rest}
            if not bare:
                return sorted(rest)
            rest -= bare

    def broken(self, kept: Sequence[int]) -> Violation | None:
        rest = set(kept)
        operations = [a for number in kept for a in self.requests[number].attempts]
        changes = [
            change
            for change, makers in zip(self._changes(), self._makers, strict=True)
            if not makers or not rest.isdisjoint(makers)
        ]
        for final in self._finals:
            for found in self._judge(History(operations, changes, final)):
                if found.rule == self._rule:
                    self._finals = [final]
                    return found
        return None

    def _changes(self) -> list[Change]:
        return [step.change for step in self._claims.steps]


class _Needs:
    """:ivar found: at the place of a request those that it rests on"""

    def __init__(self, requests: Sequence[Request], replay: Replay) -> None:
        self._replay = replay
        self._numbers = {id(request): i for i, request in enumerate(requests)}
        self._requests = requests
        self.found: list[set[int]] = [set() for _ in requests]
        for place, step in enumerate(replay.steps, 1):
            for maker in step.makers:
                operation = maker.operation
                is_setting = operation.call in SETTING
                for key in operation.removed if is_setting else operation.keys:
                    self._rest_on(maker, replay.timelines[key].at(place - 1))
        for request in requests:
            for wish in wishes_of(request):
                self._follow(request, wish)

    def _follow(self, request: Request, wish: Wish) -> None:
        """The versions that it can have met, or where there is none, the last one."""
        timeline = self._replay.timelines[wish.key]
        shown = [v for v in timeline.versions if wish.is_shown(v)]
        met = [v for v in shown if self._meets(request, timeline, v)]
        for version in met or (shown[-1:] if wish.value is not None else []):
            self._rest_on(request, version)
        if not shown:
            for other in self._requests:
                if other.operation.asked.get(wish.key) == wish.value:
                    self._add(request, other)

    def _meets(self, request: Request, timeline: Timeline, version: Version) -> bool:
        later = timeline.after(version)
        return self._replay.earliest[version.place] <= request.end and (
            later is None or self._replay.latest[later.place] >= request.start
        )

    def _rest_on(self, request: Request, version: Version) -> None:
        if not version.place:
            return
        step = self._replay.steps[version.place - 1]
        for maker in step.makers:
            self._add(request, maker)
        if version.value is None and not step.candidates and step.owner is None:
            before = self._replay.timelines  # it has expired: whose was it?
            for key in step.change.deleted:
                self._rest_on(request, before[key].at(version.place - 1))

    def _add(self, request: Request, other: Request) -> None:
        if request is not other:
            self.found[self._numbers[id(request)]].add(self._numbers[id(other)])
