"""`make bench` in its smallest form: that it runs, and that its figures are sane."""

import subprocess
import sys
from collections import defaultdict

from benchmarks.peers import PEERS, missing
from benchmarks.results import SUBJECTS
from benchmarks.table import COLUMNS, OTHERS
from tests.machine import ROOT

SMALLEST = ["--keys=300", "--batches=10", "--rounds=1", "--seconds=0.3"]

#: Seconds; it takes a fifth of them on an idle machine.
TIMEOUT = 60

FIGURES = [title for title, _, _ in COLUMNS]
CPU = {title for title in FIGURES if title.endswith("µs")}
SHARES = {f"of {other}" for other in OTHERS}


def bench(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *SMALLEST, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def table_of(output: str) -> list[dict[str, str]]:
    lines = output[output.index("| call ") :].partition("\n\n")[0].splitlines()
    titles, _, *rows = [line.strip("|").split("|") for line in lines]
    names = [title.strip() for title in titles]
    return [dict(zip(names, map(str.strip, row), strict=True)) for row in rows]


def figure(cell: str) -> float:
    return float(cell.partition(" ")[0].replace(",", ""))


def test_benchmark_measures_all_that_is_installed_in_each_case() -> None:
    installed = set(SUBJECTS) - {peer.name for peer in PEERS if missing(peer)}
    output = bench()
    seen = defaultdict(set)
    for row in table_of(output):
        seen[row["call"], row["log"]].add(row[""])
        for title in set(FIGURES) - CPU:
            assert figure(row[title]) > 0, row
        # the kernel counts in hundredths of a second
        assert sum(figure(row[title]) for title in CPU if row[title] != "-") > 0
        assert figure(row["keys/s"]) / figure(row["calls/s"]) > 9
        assert figure(row["p50 ms"]) <= figure(row["p99 ms"])
        there = installed - {"service"} if row[""] == "service" else set()
        there -= {"etcd"} if row["log"] == "write" else set()
        assert {title for title in SHARES if row[title]} == {f"of {o}" for o in there}
    assert seen == {
        ("read", "fsync"): installed,
        ("write", "fsync"): installed,
        ("mix", "fsync"): installed,
        ("write", "write"): installed - {"etcd"},
    }
    assert "has no figure" not in output
