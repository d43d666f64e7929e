"""`make bench`: the service beside a bare aiohttp handler, webdis over Redis, and etcd.

Prints one table, in Markdown, and what it says of the targets.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from benchmarks import table, targets
from benchmarks.conditions import conditions
from benchmarks.corpus import Call, Kind
from benchmarks.peers import PEERS, missing
from benchmarks.results import SUBJECTS, Results
from benchmarks.rounds import Gap, Plan, Turn, turns
from benchmarks.subjects import Mode, Setting


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, argument_default=argparse.SUPPRESS
    )
    parser.set_defaults(
        keys=[100_000],
        modes=["fsync", "write"],
        workers=[1],
        kinds=list(get_args(Kind)),
        batches=[1, 10, 100, 1000],
        subjects=list(SUBJECTS),
        rounds=5,
        seconds=2.0,
        value=100,
        load_cpus=[],
        cpus=[],
    )
    option = parser.add_argument
    option("--keys", type=int, nargs="+", help="of a store")
    option("--modes", nargs="+", choices=get_args(Mode), help="KV_WAL_MODE")
    option("--workers", type=int, nargs="+", help="KV_WORKERS")
    option("--kinds", nargs="+", choices=get_args(Kind))
    option("--batches", type=int, nargs="+", help="keys a call")
    option("--subjects", nargs="+", choices=SUBJECTS)
    option("--rounds", type=int)
    option("--seconds", type=float, help="of a turn")
    option("--value", type=int, help="bytes")
    option("--load-cpus", type=int, nargs="+", help="for wrk alone")
    option("--cpus", type=int, nargs="+", help="for what is measured")
    return parser.parse_args()


def plan(given: argparse.Namespace) -> Plan:
    for peer in PEERS:
        packages = missing(peer)
        if peer.name in given.subjects and packages:
            given.subjects.remove(peer.name)
            print(
                f"{peer.name} is not installed, and left out: "
                f"apt-get install {' '.join(packages)}\n"
            )
    return Plan(
        [
            Setting(keys, mode, workers)
            for keys in given.keys
            for mode in given.modes
            for workers in given.workers
        ],
        [Call(kind, batch) for kind in given.kinds for batch in given.batches],
        given.subjects,
        given.rounds,
        given.seconds,
        given.value,
        frozenset(given.load_cpus),
        frozenset(given.cpus),
    )


def progress(found: Turn | Gap) -> None:
    what = "no figure" if isinstance(found, Gap) else f"{found.rate:,.0f} calls/s"
    print(*found.case, found.subject, what, file=sys.stderr)


def report(results: Results) -> Iterator[str]:
    yield from table.rows(results)
    for (case, subject), reason in results.gaps.items():
        yield f"\n{subject} has no figure for {' '.join(map(str, case))}: {reason}"
    yield ""
    yield table.line(["target", "found", ""])
    yield table.line(["---"] * 3)
    yield from (verdict.text() for verdict in targets.verdicts(results))
    yield ""
    yield from (f"- {condition}" for condition in conditions())


def main() -> None:
    given = arguments()
    results = Results()
    with tempfile.TemporaryDirectory() as folder:
        for found in turns(Path(folder), plan(given)):
            progress(found)
            results.add(found)
    print(*report(results), sep="\n")


if __name__ == "__main__":
    main()
