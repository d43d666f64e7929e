"""The performance targets as data, and the verdicts on them.

All targets are for one worker and 32 connections, or 32 calls in flight without a
service. The store has 100,000 keys, but for the targets on a million keys.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.measure.cases import Case, Kind, Operation
from benchmarks.measure.wrk import CONNECTIONS
from benchmarks.report.results import Results, Spread, service_cpu

KEYS, MANY_KEYS = 100_000, 1_000_000

#: The maximum of p99, in multiples of p50.
MAX_P99 = 4.0

#: The maximum share of calls per second that a larger store costs.
MAX_COST = 0.15

#: The maximum of memory, in bytes per byte of keys and values.
MAX_MEMORY = 1.6

#: The maximum of a restart, in seconds.
MAX_RESTART = 10.0


class Verdict(NamedTuple):
    """:ivar miss: the distance to a target that is missed, else None"""

    target: str
    found: Spread
    miss: float | None

    def cells(self) -> list[str]:
        verdict = "met" if self.miss is None else f"missed by {self.miss:.2f}"
        return [self.target, self.found.text(2), verdict]


class MinShare(NamedTuple):
    """The minimum of the service's calls per second, as a share of another's."""

    kind: Kind
    batch: int
    other: str
    share: float


MIN_SHARES = [
    MinShare("read", 100, "webdis", 0.90),
    MinShare("write", 100, "webdis", 0.40),
    MinShare("read", 1, "etcd", 5.0),
    MinShare("write", 1, "etcd", 1.5),
    MinShare("read", 100, "etcd", 12.0),
    MinShare("write", 100, "etcd", 4.0),
]

#: The maximum of the service's CPU time per call with one key, in multiples of bare's.
MAX_CPU: dict[Kind, float] = {"read": 1.15, "write": 1.22}

#: The maximum of the service's CPU time per call with 100 keys, in microseconds.
MAX_BATCH_CPU: dict[Kind, float] = {"read": 65, "write": 90}


class MaxThread(NamedTuple):
    """The maximum of the CPU time of Tarantool's thread per call.

    :ivar multiple: of the CPU time of the floor, which decodes the same arguments
    """

    operation: Operation
    batches: Sequence[int]
    floor: str
    multiple: float


MAX_THREADS = [
    MaxThread("read", [10, 100, 1000], "look-ups", 1.5),
    MaxThread("write", [100, 1000], "raw replaces", 1.1),
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
    """The verdicts on all targets that were measured."""
    for case in results.cases():
        if case.workers != 1 or case.connections != CONNECTIONS:
            continue
        if case.keys == KEYS:
            yield from _shares(results, case)
            yield from _cpu(results, case)
            yield from _latency(results, case)
        elif case.keys == MANY_KEYS:
            yield from _cost(results, case)


def footprint_verdicts(
    keys: int, memory: float, restarts: Sequence[float]
) -> Iterator[Verdict]:
    """
    :param memory: bytes per byte of keys and values
    :param restarts: seconds
    """
    yield at_most(
        f"memory: at most {MAX_MEMORY:g} times the bytes of {keys:,} keys and "
        "their values",
        Spread.of([memory]),
        MAX_MEMORY,
    )
    yield at_most(
        f"a restart with {keys:,} keys: at most {MAX_RESTART:g} s",
        Spread.of(restarts),
        MAX_RESTART,
    )


def floor_verdicts(
    operation: Operation, batch: int, thread: Spread, tail: Spread
) -> Iterator[Verdict]:
    """
    :param thread: CPU time of Tarantool's thread, in multiples of the floor's
    :param tail: p99, in multiples of p50
    """
    name = f"{operation} of {batch:,}, Tarantool alone"
    for each in MAX_THREADS:
        if each.operation == operation and batch in each.batches:
            target = f"{name}: CPU time at most {each.multiple:g} times {each.floor}"
            yield at_most(target, thread, each.multiple)
    yield _latency_verdict(name, tail)


def _latency_verdict(name: str, found: Spread) -> Verdict:
    """:param found: p99, in multiples of p50"""
    return at_most(f"{name}: p99 at most {MAX_P99:g} times p50", found, MAX_P99)


def _shares(results: Results, case: Case) -> Iterator[Verdict]:
    for kind, batch, other, share in MIN_SHARES:
        if (kind, batch) == (case.kind, case.batch):
            found = results.ratio((case, "service"), (case, other))
            if found is not None:
                target = f"{_name(case)}: at least {share:g} of {other}"
                yield at_least(target, found, share)


def _cpu(results: Results, case: Case) -> Iterator[Verdict]:
    multiple = results.ratio((case, "service"), (case, "bare"), service_cpu)
    if case.batch == 1 and case.kind in MAX_CPU and multiple is not None:
        bound = MAX_CPU[case.kind]
        target = f"{_name(case)}: CPU time at most {bound:g} times that of bare"
        yield at_most(target, multiple, bound)
    microseconds = results.spread(case, "service", service_cpu)
    if case.batch == 100 and case.kind in MAX_BATCH_CPU and microseconds is not None:
        bound = MAX_BATCH_CPU[case.kind]
        target = f"{_name(case)}: CPU time of the service at most {bound:g} µs"
        yield at_most(target, microseconds, bound)


def _latency(results: Results, case: Case) -> Iterator[Verdict]:
    found = results.spread(case, "service", lambda each: each.p99 / each.p50)
    if found is not None:
        yield _latency_verdict(_name(case), found)


def _cost(results: Results, case: Case) -> Iterator[Verdict]:
    fewer = case._replace(keys=KEYS)
    found = results.ratio((case, "service"), (fewer, "service"))
    if found is not None:
        cost = Spread(1 - found.median, 1 - found.most, 1 - found.least)
        target = f"{_name(case)}: {MANY_KEYS:,} keys cost at most {MAX_COST:g}"
        yield at_most(target, cost, MAX_COST)


def _name(case: Case) -> str:
    return f"{case.kind} of {case.batch:,}, {case.mode}"
