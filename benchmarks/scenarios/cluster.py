"""Compares three nodes with one instance, and measures failovers.

Both are of the same Tarantool 3, from the PATH or TARANTOOL, and each has a service in
front of it. Prints Markdown tables: writes and strict reads of both; stale reads while
one, two and three nodes run; the seconds without writes after the leader is killed or
stopped.
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.measure.cases import OPERATIONS, Call, Setting
from benchmarks.measure.failover import seconds_without_writes
from benchmarks.measure.open_loop import percentile
from benchmarks.measure.processes import is_stopped
from benchmarks.measure.rounds import Candidate, Gap, Measurement, run_rounds
from benchmarks.report.document import Document
from benchmarks.report.results import Results
from benchmarks.report.table import Comparison, markdown_table
from benchmarks.report.targets import KEYS
from benchmarks.subjects.dataset import Dataset
from benchmarks.subjects.start import start_one
from benchmarks.subjects.stores import OneInstance, SeparateService, ThreeNodes
from tests.support.cluster import Node, lacks_election
from tests.support.machine import wait_until

PAGE, COMMAND = "2026-11-cluster", "make bench-cluster"

ONE_INSTANCE, THREE_NODES = "one instance", "three nodes"

#: The subjects of stale reads, by the number of nodes that run.
RUNNING = {1: "one node", 2: "two nodes", 3: THREE_NODES}

STALE_READ = Call("read", 1)

#: Seconds until stale reads are answered after nodes were started or killed.
SETTLE_TIMEOUT = 30.0

#: Seconds in which a signal stops a process, on a busy machine.
STOP_TIMEOUT = 5.0

#: Seconds of calm before a failure, at least and at most: it comes at any moment of the
#: interval between two heartbeats.
CALM = (1.0, 1.5)

PROGRAMS = ("wrk",)

FAILOVER_TITLES = ["the leader", "times", "min s", "p50 s", "p99 s", "max s"]


class Subjects(NamedTuple):
    """What runs during the whole benchmark.

    :ivar stale: the candidates of stale reads, by the number of nodes that run
    """

    one: Candidate
    three: Candidate
    stale: dict[int, Candidate]
    service: SeparateService
    nodes: ThreeNodes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5, help="rounds of all cases")
    parser.add_argument(
        "--seconds", type=float, default=2, help="seconds per measurement"
    )
    parser.add_argument("--keys", type=int, default=KEYS, help="keys in a store")
    parser.add_argument("--value", type=int, default=100, help="bytes of a value")
    parser.add_argument(
        "--batches", type=int, nargs="+", default=[1, 100], help="keys per call"
    )
    parser.add_argument(
        "--failures", type=int, default=20, help="failures of each kind"
    )
    parser.add_argument(
        "--save", type=Path, metavar="FOLDER", help=f"folder of {PAGE}.md, to update it"
    )


def run(options: argparse.Namespace) -> int:
    """Returns 1 if a part failed; the other one has its figures."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        _use_program(Path(folder))
        reason = lacks_election()
        if reason:
            print(reason, file=sys.stderr)
            return 1
        subjects = _started(stack, Path(folder), options)
        document = Document(subjects.nodes.version(), COMMAND)
        failures = 0
        for title, part in PARTS.items():
            try:
                part(subjects, options, document)
            except (RuntimeError, TimeoutError) as error:
                failures = 1
                document.add(title, f"Failed: {error}")
    document.add_conditions(PROGRAMS)
    if options.save is not None:
        document.save(options.save, PAGE)
    return failures


def _use_program(folder: Path) -> None:
    """Puts the program that TARANTOOL names on the PATH."""
    program = os.environ.get("TARANTOOL")
    if program:
        programs = folder / "programs"
        programs.mkdir()
        (programs / "tarantool").symlink_to(Path(program).resolve())
        os.environ["PATH"] = f"{programs}:{os.environ['PATH']}"


def _started(
    stack: contextlib.ExitStack, folder: Path, options: argparse.Namespace
) -> Subjects:
    setting = Setting(options.keys, "fsync", 1)
    dataset = Dataset(folder, options.keys, options.value)
    calls = [Call(kind, batch) for kind in OPERATIONS for batch in options.batches]
    (folder / "instance").mkdir()
    instance = OneInstance(folder / "instance", dataset, setting)
    nodes = ThreeNodes(folder / "nodes", dataset)
    alone = SeparateService(ONE_INSTANCE, folder / "one", setting, dataset, instance)
    service = SeparateService(THREE_NODES, folder / "three", setting, dataset, nodes)
    one, three = (start_one(stack, each, calls) for each in (alone, service))
    # after the start: the requests carry a token
    stale = dataset.request_file(STALE_READ, "stale", service.stale_request)
    return Subjects(
        one,
        three,
        {
            count: Candidate(name, setting, service, {STALE_READ: stale})
            for count, name in RUNNING.items()
        },
        service,
        nodes,
    )


def calls(subjects: Subjects, options: argparse.Namespace, document: Document) -> None:
    """In each round both stores, then stale reads with each number of nodes."""
    strict = Results([ONE_INSTANCE, THREE_NODES])
    stale = Results(list(RUNNING.values()))
    for number in range(options.rounds):
        for result in _measured([subjects.one, subjects.three], number, options):
            strict.add(result)
        for count in random.sample(list(RUNNING), len(RUNNING)):
            _run_only(count, subjects)
            for result in _measured([subjects.stale[count]], number, options):
                stale.add(result)
        _run_only(len(RUNNING), subjects)
    document.add_results(
        "Writes and strict reads",
        strict,
        f"Medians of {options.rounds} rounds of {options.seconds:g} s. store µs: of "
        "all nodes together.",
        comparison=Comparison(THREE_NODES, [ONE_INSTANCE]),
    )
    document.add_results(
        "Stale reads",
        stale,
        "In the same rounds, while only these nodes run. Writes and strict reads need "
        "a majority, stale reads do not. One service sends them to the nearest node.",
        comparison=Comparison(THREE_NODES, [RUNNING[1], RUNNING[2]]),
    )


def failovers(
    subjects: Subjects, options: argparse.Namespace, document: Document
) -> None:
    """The leader fails, again and again, in both ways in random order."""
    failures: dict[str, Callable[[Node], None]] = {
        "kill -9": Node.kill,
        "SIGSTOP": _stop,
    }
    found: dict[str, list[float]] = {name: [] for name in failures}
    write = subjects.service.request("write", *subjects.service.dataset.first_rows(1))
    for _ in range(options.failures):
        for name in random.sample(list(failures), len(failures)):
            leader = subjects.nodes.cluster.wait_until_whole()
            subjects.service.reply("write", 1)
            time.sleep(random.uniform(*CALM))
            seconds = seconds_without_writes(
                partial(failures[name], leader), subjects.service.port, write
            )
            print(name, f"{seconds:.2f} s", file=sys.stderr)
            found[name].append(seconds)
            subjects.nodes.restore(leader)
    document.add(
        "Failovers",
        *markdown_table(FAILOVER_TITLES, map(_cells, found, found.values())),
        "",
        "Seconds from the signal to the first acknowledged write over HTTP that began "
        "after it.",
    )


PARTS: dict[str, Callable[[Subjects, argparse.Namespace, Document], None]] = {
    "Calls": calls,
    "Failovers": failovers,
}


def _measured(
    candidates: list[Candidate], number: int, options: argparse.Namespace
) -> Iterator[Measurement | Gap]:
    """One round, which has this number."""
    for result in run_rounds(candidates, 1, options.seconds):
        if isinstance(result, Gap):
            print(*result.case, result.subject, result.reason, file=sys.stderr)
            yield result
        else:
            rate = f"{result.rate:,.0f} calls/s"
            print(*result.case, result.subject, rate, file=sys.stderr)
            yield result._replace(round=number)


def _run_only(count: int, subjects: Subjects) -> None:
    subjects.nodes.run_only(count)
    wait_until(subjects.service.answers_stale_reads, SETTLE_TIMEOUT)


def _stop(leader: Node) -> None:
    leader.kill(signal.SIGSTOP)
    wait_until(partial(is_stopped, leader.pid), STOP_TIMEOUT)


def _cells(name: str, seconds: list[float]) -> list[str]:
    # one value has no percentiles
    p99 = percentile(seconds, 99) if len(seconds) > 1 else seconds[0]
    figures = min(seconds), median(seconds), p99, max(seconds)
    return [name, str(len(seconds)), *(f"{figure:.2f}" for figure in figures)]
