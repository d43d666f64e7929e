"""Which request made each change: one that got its revision, or may have got it.

A request of unknown outcome has made one change or none. What has expired is deleted by
nobody.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tests.torture.history import SETTING, Change, History
from tests.torture.judge.replay import Step, known_by
from tests.torture.judge.requests import Request
from tests.torture.judge.violations import Violation, violation

#: JSON texts by key; a key that is not there has none.
Values = dict[str, str]


class Claims:
    """:ivar matched: the step of a request of unknown outcome, by its identity"""

    def __init__(self, history: History, requests: Sequence[Request]) -> None:
        self.steps = [Step(change) for change in history.changes]
        self.leader_changes = history.leader_changes
        self.violations: list[Violation] = []
        self._requests = [request for request in requests if request.is_write]
        self._by_data: dict[frozenset[tuple[str, str]], list[Request]] = defaultdict(
            list
        )
        self._others: list[Request] = []
        self.matched: dict[int, Step] = {}
        self._index()
        self._claim()
        self._replay()
        self.violations += self._match()

    def _index(self) -> None:
        for request in self._requests:
            if request.outcome != "unknown":
                continue
            if request.operation.call in SETTING:
                self._by_data[frozenset(request.operation.asked.items())].append(
                    request
                )
            else:
                self._others.append(request)

    def _claim(self) -> None:
        by_revision = {step.change.revision: step for step in self.steps}
        for request in self._requests:
            if not request.is_change:
                continue
            revision = request.operation.revision
            step = by_revision.get(revision) if revision is not None else None
            if step is None:
                self._blame(
                    "lost write", f"the feed has no revision {revision}", request
                )
            elif step.owner is not None:
                sentence = f"both returned revision {revision}"
                self._blame("order", sentence, step.owner, request)
            else:
                step.owner = request
                self.violations += _disagreement(step.change, request)

    def _replay(self) -> None:
        values: Values = {}
        revisions: dict[str, int] = {}
        mortal: set[str] = set()
        for step, latest in zip(self.steps, known_by(self.steps), strict=True):
            if step.owner is None:
                change = step.change
                step.candidates = [
                    request
                    for request in self._candidates(change, values, mortal)
                    if request.start <= latest and _can_hold(request, revisions, mortal)
                ]
                step.is_expiry = not change.data and mortal.issuperset(change.deleted)
                if not step.candidates and not step.is_expiry:
                    self.violations += self._orphan(change, values, mortal)
            _apply(step, values, mortal)
            revisions.update(dict.fromkeys(step.change.data, step.change.revision))
            for key in step.change.deleted:
                revisions.pop(key, None)

    def _candidates(
        self, change: Change, values: Values, mortal: set[str]
    ) -> Iterator[Request]:
        alike = self._by_data.get(frozenset(change.data.items()), ())
        for request in (*alike, *self._others):
            if makes(request, change, values, mortal):
                yield request

    def _orphan(
        self, change: Change, values: Values, mortal: set[str]
    ) -> Iterator[Violation]:
        revision, keys = change.revision, [*change.data, *change.deleted]
        for request in self._requests:
            if makes(request, change, values, mortal):
                if request.outcome == "failed":
                    sentence = f"revision {revision} is a write that was refused"
                    yield violation("refused write", sentence, [request], keys)
                elif request.outcome == "unknown":
                    sentence = f"revision {revision} was known before it was asked for"
                    yield violation("real time", sentence, [request], keys)
                else:
                    sentence = f"applied again as revision {revision}"
                    yield violation("applied twice", sentence, [request], keys)
                return
        for request in self._requests:
            if _is_part(change, request):
                sentence = f"revision {revision} is a part of a batch"
                yield violation("torn batch", sentence, [request])
                return
        sentence = f"nobody asked for revision {revision} of {keys}"
        yield violation("phantom write", sentence, [], keys)

    def _match(self) -> Iterator[Violation]:
        """A candidate for each step: bipartite matching by augmenting paths."""
        for step in self.steps:
            if not step.candidates or step.is_expiry or self._find(step, set()):
                continue
            sentence = f"applied more than once, also as {step.change.revision}"
            yield violation("applied twice", sentence, step.candidates)

    def _find(self, step: Step, tried: set[int]) -> bool:
        """The earliest one that is free; if there is none, others are moved."""
        for request in step.candidates:
            if id(request) not in self.matched:
                self.matched[id(request)] = step
                return True
        for request in step.candidates:
            if id(request) in tried:
                continue
            tried.add(id(request))
            if self._find(self.matched[id(request)], tried):
                self.matched[id(request)] = step
                return True
        return False

    def _blame(self, rule: str, sentence: str, *requests: Request) -> None:
        self.violations.append(violation(rule, sentence, requests))


def _can_hold(request: Request, revisions: dict[str, int], mortal: set[str]) -> bool:
    """Whether its conditions can."""
    return all(
        revisions.get(key) == wanted or (wanted is None and key in mortal)
        for key, wanted in request.operation.conditions.items()
    )


def makes(request: Request, change: Change, values: Values, mortal: set[str]) -> bool:
    """Whether the change is what the request does to these values.

    :param mortal: keys that may have expired
    """
    operation = request.operation
    if operation.call != "increment":
        stayed = operation.removed - set(change.deleted)
        return (
            bool(change.data or change.deleted)
            and change.data == operation.asked
            and set(change.deleted) <= operation.removed
            and stayed.isdisjoint(values.keys() - mortal)
        )
    return (
        not change.deleted
        and change.data.keys() == set(operation.keys)
        and all(
            _adds(values.get(key), delta, change.data[key], key in mortal)
            for key, delta in operation.asked.items()
        )
    )


def _adds(before: str | None, delta: str, after: str, mortal: bool) -> bool:
    try:
        if int(before or 0) + int(delta) == int(after):
            return True
        return mortal and int(delta) == int(after)
    except ValueError:
        return False


def _is_part(change: Change, request: Request) -> bool:
    """Whether the change is some of what a write does, and not all of it."""
    operation = request.operation
    return (
        operation.call in SETTING
        and change.data.items() <= operation.asked.items()
        and set(change.deleted) <= operation.removed
    )


def _apply(step: Step, values: Values, mortal: set[str]) -> None:
    change = step.change
    for key in change.deleted:
        values.pop(key, None)
        mortal.discard(key)
    values.update(change.data)
    for maker in step.makers:
        if maker.operation.call != "increment":
            mortal.difference_update(change.data)
    for maker in step.makers:
        mortal.update(maker.operation.lives)


def _disagreement(change: Change, request: Request) -> Iterator[Violation]:
    operation = request.operation
    expected = operation.shown if operation.call == "increment" else operation.asked
    if change.data and change.data.items() < expected.items():
        sentence = f"revision {change.revision} is a part of the batch"
        yield violation("torn batch", sentence, [request])
        return
    agrees = (
        change.data == expected
        and set(change.deleted) <= operation.removed
        and operation.deleted in (None, len(change.deleted))
    )
    if not agrees:
        sentence = (
            f"the feed has revision {change.revision} as {change.data}, "
            f"deleted {change.deleted}"
        )
        yield violation("feed", sentence, [request])
