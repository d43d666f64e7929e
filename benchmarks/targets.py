"""What the service is to reach, and whether it does: the targets as data.

They hold for one worker and 32 connections; but for that of a million keys, for a store
of 100,000 keys.
"""

from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.corpus import Kind
from benchmarks.footprint import Footprint
from benchmarks.results import Results, Spread
from benchmarks.rounds import Case

KEYS, MANY_KEYS = 100_000, 1_000_000

#: Of the p99, in p50s.
MOST_P99 = 4.0

#: Of the calls a second that a larger store costs.
MOST_COST = 0.15

#: Bytes of memory for each of keys and values, and seconds of a restart.
MOST_MEMORY, MOST_RESTART = 1.6, 10.0


class Verdict(NamedTuple):
    """:ivar miss: by how much it is not reached; None: it is"""

    target: str
    found: Spread
    miss: float | None

    def cells(self) -> list[str]:
        verdict = "met" if self.miss is None else f"missed by {self.miss:.2f}"
        return [self.target, self.found.text(2), verdict]


class Least(NamedTuple):
    """A share of another's calls a second."""

    kind: Kind
    batch: int
    other: str
    share: float


LEAST = [
    Least("write", 1, "bare", 0.75),
    Least("read", 1, "bare", 0.80),
    Least("read", 100, "webdis", 0.50),
    Least("write", 100, "webdis", 0.40),
    Least("read", 1, "etcd", 2.0),
    Least("write", 1, "etcd", 2.0),
    Least("read", 100, "etcd", 8.0),
    Least("write", 100, "etcd", 8.0),
]


def at_least(target: str, found: Spread, bound: float) -> Verdict:
    return Verdict(
        target, found, bound - found.median if found.median < bound else None
    )


def at_most(target: str, found: Spread, bound: float) -> Verdict:
    return Verdict(
        target, found, found.median - bound if found.median > bound else None
    )


def verdicts(results: Results) -> Iterator[Verdict]:
    """Of those that were measured."""
    for case in results.cases():
        if case.workers == 1 and case.keys == KEYS:
            yield from _shares(results, case)
            yield from _latency(results, case)
        if case.workers == 1 and case.keys == MANY_KEYS:
            yield from _cost(results, case)


def footprint_verdicts(found: Footprint) -> Iterator[Verdict]:
    yield at_most(
        f"memory: at most {MOST_MEMORY:g} times the bytes of {found.keys:,} keys and "
        "their values",
        Spread.of([found.arena]),
        MOST_MEMORY,
    )
    yield at_most(
        f"a restart with {found.keys:,} keys: at most {MOST_RESTART:g} s",
        Spread.of([found.from_log, found.from_snapshot]),
        MOST_RESTART,
    )


def _shares(results: Results, case: Case) -> Iterator[Verdict]:
    for kind, batch, other, share in LEAST:
        if (kind, batch) == (case.kind, case.batch):
            found = results.ratio((case, "service"), (case, other))
            if found is not None:
                target = f"{_name(case)}: at least {share:g} of {other}"
                yield at_least(target, found, share)


def _latency(results: Results, case: Case) -> Iterator[Verdict]:
    found = results.spread(case, "service", lambda turn: turn.p99 / turn.p50)
    if found is not None:
        target = f"{_name(case)}: p99 at most {MOST_P99:g} times p50"
        yield at_most(target, found, MOST_P99)


def _cost(results: Results, case: Case) -> Iterator[Verdict]:
    fewer = case._replace(keys=KEYS)
    found = results.ratio((case, "service"), (fewer, "service"))
    if found is not None:
        cost = Spread(1 - found.median, 1 - found.most, 1 - found.least)
        target = f"{_name(case)}: {MANY_KEYS:,} keys cost at most {MOST_COST:g}"
        yield at_most(target, cost, MOST_COST)


def _name(case: Case) -> str:
    return f"{case.kind} of {case.batch:,}, {case.mode}"
