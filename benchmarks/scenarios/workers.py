"""Measures how much more two workers serve than one.

On a machine with two cores, two unlimited workers leave no CPU time to Tarantool and to
the client. So each worker has a quota: a share of a core; with `--share=1` there is no
limit. A worker that has used its quota of a period is stopped until the next period.
One worker and two alternate, each variant with a store of its own.
"""

import argparse
import contextlib
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.measure.cases import OPERATIONS, Call, Setting
from benchmarks.measure.cpu_quota import cpu_quota
from benchmarks.measure.processes import cpu_seconds
from benchmarks.measure.wrk import CONNECTIONS, load
from benchmarks.report.table import markdown_table
from benchmarks.subjects.dataset import Dataset
from benchmarks.subjects.service import Service
from benchmarks.subjects.start import start_one
from tests.support.workers import workers_of

WORKERS = (1, 2)

#: The share of a core of each worker: two workers, Tarantool and wrk fit on two cores.
SHARE = 0.2

#: Bytes of the value of the one key.
VALUE_BYTES = 7

CALLS = [Call(operation, 1) for operation in OPERATIONS]

TITLES = ["call", "workers", "calls/s", "times one", "cores", "µs a call"]


class Result(NamedTuple):
    """:ivar rate: calls per second
    :ivar cores: CPU seconds of the workers per second
    """

    rate: float
    cores: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--connections",
        type=int,
        default=len(WORKERS) * CONNECTIONS,
        help="connections of wrk",
    )
    parser.add_argument(
        "--share", type=float, default=SHARE, help="share of a core per worker"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of all variants")
    parser.add_argument(
        "--seconds", type=float, default=3, help="seconds per measurement"
    )


def run(options: argparse.Namespace) -> int:
    results: dict[tuple[str, int], list[Result]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        variants = []
        for workers in WORKERS:
            folder = Path(name, str(workers))
            folder.mkdir()
            service = Service(
                folder / "service",
                Setting(1, "fsync", workers),
                Dataset(folder, 1, VALUE_BYTES),
            )
            variants.append((service, start_one(stack, service, CALLS).requests))
        for _ in range(options.rounds):
            for call in CALLS:
                for service, requests in variants:
                    result = _measure(service, requests[call], options)
                    results[call.kind, service.setting.workers].append(result)
    print(f"Each worker has {options.share:.0%} of a core.", end="\n\n")
    print(*markdown_table(TITLES, _rows(results)), sep="\n")
    return 0


def _measure(service: Service, requests: Path, options: argparse.Namespace) -> Result:
    workers = workers_of(service.process)
    before = sum(map(cpu_seconds, workers))
    with cpu_quota(workers, options.share):
        result = load(
            service.port, requests, options.seconds, connections=options.connections
        )
    cpu = sum(map(cpu_seconds, workers)) - before
    return Result(result.rate, cpu / result.seconds)


def _rows(results: dict[tuple[str, int], list[Result]]) -> Iterator[list[str]]:
    """The median of the rounds; of the rate also the minimum and maximum."""
    for (call, workers), rounds in results.items():
        rates = [result.rate for result in rounds]
        one = median(result.rate for result in results[call, WORKERS[0]])
        cores = median(result.cores for result in rounds)
        cost = median(result.cores / result.rate * 1e6 for result in rounds)
        yield [
            call,
            str(workers),
            f"{median(rates):,.0f} ({min(rates):,.0f}-{max(rates):,.0f})",
            f"{median(rates) / one:.2f}",
            f"{cores:.2f}",
            f"{cost:.0f}",
        ]
