"""Rounds of measurements: in each round every candidate runs, in random order."""

import itertools
import random
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from benchmarks.measure.cases import Call, Case, Setting
from benchmarks.measure.processes import Pids, usage
from benchmarks.measure.wrk import CONNECTIONS, FailedLoad, load

#: Seconds in which a candidate should become idle, and between two checks of it.
IDLE_TIMEOUT, IDLE_INTERVAL = 5.0, 0.1

#: The share of a core that an idle candidate may use.
IDLE_SHARE = 0.1


class Running(Protocol):
    """A running server with its processes."""

    @property
    def port(self) -> int: ...

    def pids(self) -> Pids: ...


class Candidate(NamedTuple):
    """A running subject, with a request file for each call.

    :ivar required: an error of its load ends the benchmark
    """

    name: str
    setting: Setting
    subject: Running
    requests: Mapping[Call, Path]
    required: bool = False


class Measurement(NamedTuple):
    """The figures of one candidate, call and round.

    :ivar rate: calls per second
    :ivar p50, p99, longest: milliseconds
    :ivar service, store, load: CPU microseconds per call; store is None if the process
        of the service stores, too
    :ivar threads: of the service and the store
    """

    case: Case
    subject: str
    round: int
    rate: float
    p50: float
    p99: float
    longest: float
    service: float
    store: float | None
    load: float
    threads: int


class Gap(NamedTuple):
    """A measurement without valid figures, and the reason."""

    case: Case
    subject: str
    reason: str


def run_rounds(
    candidates: Sequence[Candidate],
    rounds: int,
    seconds: float,
    load_cpus: Collection[int] = (),
    connections: Sequence[int] = (CONNECTIONS,),
) -> Iterator[Measurement | Gap]:
    """Measures all candidates; within a round, call after call.

    The candidates' measurements of one call follow each other, as they are compared.

    :param seconds: of a measurement
    :param load_cpus: of the load generator; empty: any
    :param connections: of the load generator; each call is measured with each number
    :raises FailedLoad: of a required candidate
    """
    # a dict, not a set, whose order would differ between runs
    calls = list(dict.fromkeys(call for each in candidates for call in each.requests))
    loads = list(itertools.product(calls, connections))
    for number in range(rounds):
        for call, count in random.sample(loads, len(loads)):
            compared = [each for each in candidates if call in each.requests]
            for candidate in random.sample(compared, len(compared)):
                yield _measure(candidate, call, number, seconds, load_cpus, count)


def _measure(
    candidate: Candidate,
    call: Call,
    number: int,
    seconds: float,
    load_cpus: Collection[int],
    connections: int,
) -> Measurement | Gap:
    case = Case(*candidate.setting, connections, *call)
    subject = candidate.subject
    pids = subject.pids()
    before = [usage(each) for each in pids]
    try:
        result = load(
            subject.port, candidate.requests[call], seconds, load_cpus, connections
        )
    except FailedLoad as error:
        _wait_until_idle(subject)
        if candidate.required:
            raise
        return Gap(case, candidate.name, str(error))
    after = [usage(each) for each in pids]
    service, store = (
        1e6 * (end.cpu - begin.cpu) / result.calls
        for begin, end in zip(before, after, strict=True)
    )
    _wait_until_idle(subject)
    return Measurement(
        case,
        candidate.name,
        number,
        result.rate,
        result.p50,
        result.p99,
        result.longest,
        service,
        store if pids.store else None,
        1e6 * result.cpu / result.calls,
        sum(each.threads for each in after),
    )


def _wait_until_idle(subject: Running) -> None:
    """Requests still in flight must not slow down the next measurement."""
    pids = [pid for group in subject.pids() for pid in group]
    deadline = time.monotonic() + IDLE_TIMEOUT
    while time.monotonic() < deadline:
        before = usage(pids).cpu
        time.sleep(IDLE_INTERVAL)
        if usage(pids).cpu - before <= IDLE_SHARE * IDLE_INTERVAL:
            return
