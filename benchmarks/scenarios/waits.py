"""Shows where the time of a write goes, from the client's socket to the disk and back.

Writes of one key, with `fsync`, from a growing number of connections. The mean time of
a write is split into consecutive parts by the metrics of the service and of Tarantool,
the CPU time of their threads and the writes in Tarantool's log. What these do not tell
apart is the rest of its part: the parts add up to the latency that the client sees.

The means of calls and commits are those of calls and commits, not of their writes: one
that takes longer because it has more writes counts once.
"""

import argparse
import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from benchmarks.measure.cases import Call, Setting
from benchmarks.measure.processes import cpu_of_thread, cpu_seconds, thread_of
from benchmarks.measure.wal import count_writes
from benchmarks.measure.wrk import load
from benchmarks.report.conditions import conditions
from benchmarks.report.table import markdown_table
from benchmarks.subjects.dataset import Dataset
from benchmarks.subjects.service import Service
from benchmarks.subjects.start import start_one
from service.storage.metrics import MAX_AGE
from tests.support.scrapes import Endpoint, Scrape

CONNECTIONS = [32, 64, 256]
VALUE_BYTES = 100
WRITE = Call("write", 1)
ROUTE = "/api/write"


class Totals(NamedTuple):
    """What a service and its Tarantool have counted; times are seconds.

    :ivar requests: that were answered, of writes
    :ivar calls: of procedures; coalesced requests share one
    :ivar commits: that have become durable
    :ivar flushes: writes of the log, each with an fsync
    :ivar wal_cpu: of the thread that writes the log
    """

    requests: float
    request_seconds: float
    calls: float
    call_seconds: float
    commits: float
    commit_seconds: float
    flushes: float
    service_cpu: float
    transaction_cpu: float
    wal_cpu: float

    @classmethod
    def of(cls, service: Service, endpoint: Endpoint) -> "Totals":
        (tarantool,) = service.pids().store
        with urlopen(endpoint.url) as response:
            scrape = Scrape(response.read().decode())
        return cls(
            *_histogram(scrape, "kv_http_request_duration_seconds", "route", ROUTE),
            *_histogram(scrape, "kv_storage_call_duration_seconds", "procedure"),
            *_histogram(scrape, "kv_wal_wait_seconds", "alias"),
            count_writes(service.process.data),
            sum(map(cpu_seconds, service.pids().service)),
            cpu_of_thread(tarantool, tarantool),
            cpu_of_thread(tarantool, thread_of(tarantool, "wal")),
        )


class Result(NamedTuple):
    """What one or several measurements have counted.

    :ivar seconds: of the measurements
    :ivar writes: that the client has counted
    :ivar latency: the sum of the latencies that the client has seen, in seconds
    """

    seconds: float
    writes: float
    latency: float
    totals: Totals


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--connections", type=int, nargs="+", default=CONNECTIONS, help="of wrk"
    )
    parser.add_argument("--keys", type=int, default=10_000, help="keys in the store")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of all variants")
    parser.add_argument(
        "--seconds", type=float, default=3, help="seconds per measurement"
    )


def run(options: argparse.Namespace) -> int:
    endpoint = Endpoint()
    rounds: dict[int, list[Result]] = {number: [] for number in options.connections}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        service = Service(
            Path(folder, Service.name),
            Setting(options.keys, "fsync", 1),
            Dataset(Path(folder), options.keys, VALUE_BYTES),
            environ=endpoint.environ,
        )
        requests = start_one(stack, service, [WRITE]).requests[WRITE]
        version = service.version()
        for _ in range(options.rounds):
            for number, found in rounds.items():
                found.append(
                    _measure(service, endpoint, requests, options.seconds, number)
                )
    results = {number: _sum(found) for number, found in rounds.items()}
    print(*conditions(version, ["wrk"]), sep="\n", end="\n\n")
    titles = [f"{number} connections" for number in results]
    print(*markdown_table(["mean ms", *titles], _rows(results, PARTS, 3)), sep="\n")
    print()
    print(*markdown_table(["", *titles], _rows(results, FIGURES, 1)), sep="\n")
    return 0


def _measure(
    service: Service, endpoint: Endpoint, requests: Path, seconds: float, number: int
) -> Result:
    """:param number: of connections"""
    before = Totals.of(service, endpoint)
    result = load(service.port, requests, seconds, connections=number)
    time.sleep(MAX_AGE)  # a younger scrape of Tarantool would be returned again
    after = Totals.of(service, endpoint)
    totals = Totals(*(new - old for old, new in zip(before, after, strict=True)))
    latency = result.mean * result.calls / 1000
    return Result(result.seconds, result.calls, latency, totals)


def _histogram(
    scrape: Scrape, name: str, label: str, value: str = ""
) -> tuple[float, float]:
    """The observations and their sum, of the samples with this label.

    :param value: of the label; empty: any
    """
    count, total = (
        sum(
            number
            for found, number in scrape.by_label(f"{name}_{kind}", label).items()
            if value in ("", found)
        )
        for kind in ("count", "sum")
    )
    return count, total


def _sum(results: list[Result]) -> Result:
    seconds, writes, latency, totals = zip(*results, strict=True)
    return Result(
        sum(seconds),
        sum(writes),
        sum(latency),
        Totals(*map(sum, zip(*totals, strict=True))),
    )


def _latency(result: Result) -> float:
    return result.latency / result.writes


def _request(result: Result) -> float:
    return result.totals.request_seconds / result.totals.requests


def _call(result: Result) -> float:
    return result.totals.call_seconds / result.totals.calls


def _commit(result: Result) -> float:
    return result.totals.commit_seconds / result.totals.commits


def _service_cpu(result: Result) -> float:
    return result.totals.service_cpu / result.totals.requests


def _transaction_cpu(result: Result) -> float:
    return result.totals.transaction_cpu / result.totals.calls


def _wal_cpu(result: Result) -> float:
    return result.totals.wal_cpu / result.totals.commits


Figure = Callable[[Result], float]

#: The parts of a write in milliseconds, in the order of their time; the first line is
#: their sum.
PARTS: dict[str, Figure] = {
    "latency, as wrk sees it": _latency,
    "until the service has read the head, and from its reply to wrk: sockets, and the "
    "wait for the event loop": lambda each: _latency(each) - _request(each),
    "service: its CPU time per write": _service_cpu,
    "service, the rest: the wait in the coalescer, and for other requests": (
        lambda each: _request(each) - _call(each) - _service_cpu(each)
    ),
    "Tarantool: CPU time of the transaction thread per call": _transaction_cpu,
    "call, the rest: sockets, other threads and calls, and the wait for the event "
    "loop": lambda each: _call(each) - _commit(each) - _transaction_cpu(each),
    "commit: CPU time of the WAL thread": _wal_cpu,
    "commit, the rest: the queue of the WAL thread, and the disk": (
        lambda each: _commit(each) - _wal_cpu(each)
    ),
}

FIGURES: dict[str, Figure] = {
    "writes/s": lambda each: each.writes / each.seconds,
    "calls/s": lambda each: each.totals.calls / each.seconds,
    "fsyncs/s": lambda each: each.totals.flushes / each.seconds,
    "writes per call": lambda each: each.totals.requests / each.totals.calls,
    "commits per fsync": lambda each: each.totals.commits / each.totals.flushes,
    "CPU of the service, % of a core": (
        lambda each: 100 * each.totals.service_cpu / each.seconds
    ),
    "CPU of the transaction thread, %": (
        lambda each: 100 * each.totals.transaction_cpu / each.seconds
    ),
    "CPU of the WAL thread, %": lambda each: 100 * each.totals.wal_cpu / each.seconds,
}


def _rows(
    results: Mapping[int, Result], figures: Mapping[str, Figure], digits: int
) -> Iterator[list[str]]:
    factor = 1000 if figures is PARTS else 1
    for title, figure in figures.items():
        cells = [f"{factor * figure(each):,.{digits}f}" for each in results.values()]
        yield [title, *cells]
