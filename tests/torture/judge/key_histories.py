"""The history of each key, and whether it is linearizable."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from tests.torture.history import SETTING, History, Operation
from tests.torture.judge.claims import Claims
from tests.torture.judge.linearizability import (
    ANYTHING,
    THERE,
    Any,
    Call,
    Search,
    State,
    Undecided,
)
from tests.torture.judge.requests import Request, fold
from tests.torture.judge.tolerance import TOLERANCE, latest_expiry
from tests.torture.judge.violations import Violation, violation

#: The owner of the read that `final` stands for.
FINAL = -1


def judge_keys(history: History) -> Iterator[Violation]:
    """No other key is used; nor is the feed, but for a guess at what is not known.

    With the guess an order is found soon where there is one. Where there is none, the
    guess may have been wrong, and the search is made again without it.
    """
    requests = fold(history.operations)
    guessed = _by_key(_guesses(history, requests), history)
    doubtful = {key for key, calls in guessed.items() if not _is_explained(calls)}
    if doubtful:
        by_key = _by_key(requests, history, doubtful)
        for key in sorted(doubtful):
            yield from _judge(key, by_key[key], requests)


def _guesses(history: History, requests: Sequence[Request]) -> Iterator[Request | None]:
    """Requests as the feed has them: it knows what was applied, but for deletions."""
    matched = Claims(history, requests).matched
    for request in requests:
        step = matched.get(id(request))
        if step is not None:
            operation = msgspec.structs.replace(
                request.operation, outcome="ok", revision=step.change.revision
            )
            yield request._replace(operation=operation, outcome="ok")
        elif request.outcome == "unknown" and request.operation.call != "delete":
            yield None
        else:
            yield request


def _by_key(
    requests: Iterable[Request | None],
    history: History,
    keys: set[str] | None = None,
) -> dict[str, list[Call]]:
    by_key: dict[str, list[Call]] = defaultdict(list)
    for owner, request in enumerate(requests):
        if request is None or (keys is not None and keys.isdisjoint(_keys(request))):
            continue
        for key, call in _calls(owner, request, history):
            by_key[key].append(call)
    if history.final is None:
        return by_key
    end = math.nextafter(max((o.end for o in history.operations), default=0), math.inf)
    for key in {*by_key, *history.final}:
        value = history.final.get(key)
        by_key[key].append(Call(FINAL, "read", end, math.inf, wanted=value))
    return by_key


def _is_explained(calls: list[Call]) -> bool:
    try:
        return Search(calls).run(State())
    except Undecided:
        return False


def _judge(key: str, calls: list[Call], requests: list[Request]) -> Iterator[Violation]:
    search = Search(calls)
    try:
        if search.run(State()):
            return
        rule = "linearizability"
        sentence = f"no order of the calls on {key!r} explains their replies"
        window = search.window()
    except Undecided as undecided:
        rule = "undecided"
        sentence = f"{key!r}: no order of its calls was found within {undecided}"
        window = undecided.window
    shown = sorted({call.owner for call in window if call.owner != FINAL})
    yield violation(rule, sentence, [requests[owner] for owner in shown], [key])


def _keys(request: Request) -> list[str]:
    return [*request.operation.keys, *request.operation.conditions]


def _calls(
    owner: int, request: Request, history: History
) -> Iterator[tuple[str, Call]]:
    operation = request.operation
    if request.outcome == "failed" or (
        not request.is_write and operation.outcome != "ok"
    ):
        return
    base = Call(owner, "read", request.start, request.end)
    if request.is_write:
        yield from _changes(base, request, history)
    elif operation.call == "list":
        for place, key in enumerate(operation.keys):
            value = THERE if operation.found is None else operation.found[place]
            yield key, base._replace(wanted=value)
    elif operation.call == "read":
        yield from _reads(base, operation)


def _reads(base: Call, operation: Operation) -> Iterator[tuple[str, Call]]:
    assert operation.found is not None
    for place, key in enumerate(operation.keys):
        revision = (
            ANYTHING if operation.revisions is None else operation.revisions[place]
        )
        yield (
            key,
            base._replace(wanted=operation.found[place], wanted_revision=revision),
        )


def _changes(
    base: Call, request: Request, history: History
) -> Iterator[tuple[str, Call]]:
    operation = request.operation
    base = base._replace(
        optional=request.outcome == "unknown", revision=operation.revision
    )
    for key, condition in operation.conditions.items():
        if key not in operation.keys and not base.optional:
            yield key, base._replace(wanted_revision=condition, revision=None)
    for key, call in _writes(base, operation):
        if key in operation.conditions:
            call = call._replace(wanted_revision=operation.conditions[key])
        yield key, call
        if call.lease is not None:
            yield key, _expiry(call, operation.lives[key], history)


def _writes(base: Call, operation: Operation) -> Iterator[tuple[str, Call]]:
    if operation.call in SETTING:
        for key, value in operation.asked.items():
            lease = base.owner if key in operation.lives else None
            yield key, base._replace(kind="write", value=value, lease=lease)
        for key in operation.removed:
            yield key, base._replace(kind="delete")
    elif operation.call == "increment":
        sums: dict[str, str | Any | None] = {}
        if operation.found is not None:
            sums.update(operation.shown)
        for key, delta in operation.asked.items():
            wanted = sums.get(key, ANYTHING)
            yield key, base._replace(kind="increment", value=delta, wanted=wanted)
    else:
        for key in dict.fromkeys(operation.keys):
            yield key, _deletion(base, operation)


def _deletion(base: Call, operation: Operation) -> Call:
    wanted: Any | None = ANYTHING
    if operation.deleted == 0:
        # it returns a revision that others have made
        return base._replace(wanted=None, revision=None)
    if operation.deleted == len(set(operation.keys)):
        wanted = THERE
    return base._replace(kind="delete", wanted=wanted)


def _expiry(write: Call, ttl: float, history: History) -> Call:
    """Due at one moment; of a write that may never have been, it may never be."""
    return write._replace(
        kind="expire",
        start=write.start + ttl - TOLERANCE,
        end=latest_expiry(write.end + ttl, write.start, history.leader_changes),
        wanted=ANYTHING,
        wanted_revision=ANYTHING,
        revision=None,
    )
