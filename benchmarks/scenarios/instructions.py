"""Counts the instructions of the service per call, and compares them with a release.

A fixed sequence of calls is sent to a service and to a bare aiohttp handler, both under
callgrind, of Valgrind: neither the load of the machine nor its speed counts. Tarantool
is a process of its own and is not counted. The last release of
benchmarks/instructions.json is the one to compare with.
"""

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from random import Random

from benchmarks.measure.bursts import CONNECTIONS, connected
from benchmarks.measure.callgrind import CALLGRIND, PROCESS_TIMEOUT, counting
from benchmarks.measure.cases import OPERATIONS, Call, Operation, Setting
from benchmarks.report.instructions import (
    STORED,
    Count,
    Counts,
    Release,
    excesses,
    load,
    report,
    save,
)
from benchmarks.subjects.bare import Bare
from benchmarks.subjects.dataset import Dataset
from benchmarks.subjects.service import Service
from benchmarks.subjects.subject import Subject
from tests.support.machine import ROOT
from tests.support.service import environ_before
from tests.support.tarantool import LocalTarantool

SERVICE = [*CALLGRIND, sys.executable, "-m", "benchmarks.subjects.counted_service"]

CALLS: list[tuple[Operation, int]] = [
    (operation, batch) for operation in OPERATIONS for batch in (1, 100)
]

#: `write`: the service executes the same instructions, and waits for no disk.
SETTING = Setting(keys=10_000, mode="write", workers=1)

VALUE_BYTES = 100

#: Bursts of each kind that precede those that are counted: they fill the caches.
WARM_UP = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bursts",
        type=int,
        default=20,
        help=f"bursts of each kind of call, of {CONNECTIONS} calls at once",
    )
    parser.add_argument(
        "--stored", type=Path, default=STORED, help="the file of the releases"
    )
    parser.add_argument(
        "--save",
        type=Path,
        nargs="?",
        const=STORED,
        help="store the counts in this file, as those of the current version",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="fail if a call takes more than stored and tolerated",
    )


def run(options: argparse.Namespace) -> int:
    last = load(options.stored)[-1]
    counts = count(options.bursts)
    if options.save:
        save(options.save, Release.current(counts))
    print(*report(counts, last), sep="\n")
    found = list(excesses(counts, last)) if options.check else []
    print(*found, sep="\n", file=sys.stderr)
    return 1 if found else 0


def count(
    bursts: int,
    calls: Collection[tuple[Operation, int]] = tuple(CALLS),
    environ: Mapping[str, str] | None = None,
) -> Counts:
    """The instructions of each of the calls, an operation and a number of keys.

    :param bursts: that are counted of each
    :param environ: further settings of the service
    """
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        service = _service(stack, Path(name), environ or {})
        bare = _bare(stack, Path(name), service, calls)
        counted = [
            dict(_counted(subject, bursts, calls)) for subject in (service, bare)
        ]
    ours, floor = counted
    return {call: Count(ours[call], floor[call]) for call in ours}


def _service(
    stack: contextlib.ExitStack, folder: Path, environ: Mapping[str, str]
) -> Service:
    """A running service with a store of its own, which is filled."""
    tarantool = LocalTarantool(
        folder, migrations=ROOT / "migrations", environ={"KV_WAL_MODE": SETTING.mode}
    )
    stack.callback(tarantool.kill)
    tarantool.start()
    service = Service(
        folder / Service.name,
        SETTING,
        Dataset(folder, SETTING.keys, VALUE_BYTES),
        environ=environ_before(folder, tarantool) | dict(environ),
        command=SERVICE,
        timeout=PROCESS_TIMEOUT,
    )
    stack.callback(service.stop)
    service.start()
    service.fill()
    return service


def _bare(
    stack: contextlib.ExitStack,
    folder: Path,
    service: Service,
    calls: Collection[tuple[Operation, int]],
) -> Bare:
    """A running bare handler, whose replies have the sizes of the service's."""
    bare = Bare(
        folder / Bare.name,
        SETTING,
        service.dataset,
        {call: len(service.reply(*call)) for call in calls},
        service,
        runner=CALLGRIND,
        timeout=PROCESS_TIMEOUT,
    )
    stack.callback(bare.stop)
    bare.start()
    return bare


def _counted(
    subject: Subject, bursts: int, calls: Collection[tuple[Operation, int]]
) -> Iterator[tuple[Call, int]]:
    (pid,) = subject.pids().service
    with connected(subject.port, pid) as connections:
        for operation, batch in calls:
            call = Call(operation, batch)
            random = Random(str(call))
            requests = [
                subject.request(operation, *subject.dataset.random_rows(random, batch))
                for _ in range((WARM_UP + bursts) * CONNECTIONS)
            ]
            begin = WARM_UP * CONNECTIONS
            connections.send(requests[:begin])
            with counting(pid) as total:
                connections.send(requests[begin:])
                yield call, round(total() / (bursts * CONNECTIONS))
