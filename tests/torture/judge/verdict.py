"""The violations of a round: in its history, in its feed, in its events."""

from collections.abc import Iterator, Sequence

from tests.torture.evidence import Evidence
from tests.torture.history import Change, History, Operation
from tests.torture.judge.checker import check
from tests.torture.judge.grants import TOKEN_REFUSED, judge_grants, narrowed
from tests.torture.judge.history_reads import AHEAD, COMPACTED
from tests.torture.judge.violations import Violation

#: Statuses of replies that a round is meant to have; None: there was no reply.
EXPECTED = {200, 412, 503, None}

#: Codes of refusals that other rules judge.
JUDGED = {AHEAD, COMPACTED, *TOKEN_REFUSED}


def judge(evidence: Evidence) -> list[Violation]:
    return [
        *check(evidence.history),
        *judge_grants(evidence.history),
        *_feeds(evidence),
        *_end(evidence.history),
        *_replies(evidence),
        *(Violation("trouble", sentence, [], []) for sentence in evidence.troubles),
    ]


def _feeds(evidence: Evidence) -> Iterator[Violation]:
    """All followers receive the same changes, which are those of the log."""
    changes = evidence.history.changes
    kept = [change for change in changes if change.revision > evidence.history.since]
    feeds = [
        (feed.name, narrowed(changes, feed.grants), feed.changes)
        for feed in evidence.followed
    ]
    for name, expected, received in [
        *feeds,
        ("the feed in the end", kept, evidence.kept),
    ]:
        if received != expected:
            sentence = (
                f"{name} differs from the feed: {_difference(expected, received)}"
            )
            yield Violation("feeds", sentence, [], [])


def _end(history: History) -> Iterator[Violation]:
    """The whole feed, applied, is what the store has long after the last write:
    what has expired by then has left both."""
    if history.final is None:
        return
    replayed: dict[str, str] = {}
    for change in history.changes:
        replayed.update(change.data)
        for key in change.deleted:
            replayed.pop(key, None)
    both = replayed.items() ^ history.final.items()
    keys = sorted({key for key, _ in both})
    if keys:
        sentence = f"the feed, replayed, is not what is there in the end: {keys}"
        yield Violation("replay", sentence, [], keys)


def _difference(expected: Sequence[Change], received: Sequence[Change]) -> str:
    for one, other in zip(expected, received, strict=False):
        if one != other:
            return f"{other} instead of {one}"
    return f"{len(received)} changes instead of {len(expected)}"


def _is_judged(operation: Operation) -> bool:
    if operation.call == "value at" and operation.outcome == "ok":
        return True  # of a key that was not there
    if operation.code == "forbidden":
        return operation.grants is not None
    return operation.code in JUDGED


def _replies(evidence: Evidence) -> Iterator[Violation]:
    strange = [
        o
        for o in evidence.history.operations
        if o.status not in EXPECTED and not _is_judged(o)
    ]
    kinds = sorted({(o.call, o.status, o.code) for o in strange}, key=str)
    for call, status, code in kinds:
        alike = [
            o for o in strange if (o.call, o.status, o.code) == (call, status, code)
        ]
        sentence = f"{len(alike)} times {call} was answered {status} {code}"
        yield Violation("replies", sentence, alike[:1], alike[0].keys)
