"""The benchmarks at their smallest size: they run, and their figures are plausible."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.measure.cases import Case, Kind
from benchmarks.measure.processes import Program
from benchmarks.measure.rounds import Measurement
from benchmarks.measure.wrk import CONNECTIONS, FailedLoad, load, write_requests
from benchmarks.report.document import BEGIN, END, marks, name_for
from benchmarks.report.results import Results, Spread
from benchmarks.report.table import COLUMNS, OTHERS
from benchmarks.report.targets import KEYS, floor_verdicts, verdicts
from benchmarks.scenarios.cluster import COMMAND
from benchmarks.scenarios.cluster import PAGE as CLUSTER_PAGE
from benchmarks.scenarios.compare.floor import VARIANTS
from benchmarks.subjects.bare import SERVER
from benchmarks.subjects.start import PEERS, SUBJECTS, missing_packages
from benchmarks.subjects.subject import post
from tests.support.machine import ROOT, free_port
from tests.support.tarantool import local_version

SMALLEST = ["--keys=300", "--batches=10", "--rounds=1", "--seconds=0.2"]

#: Seconds; an idle machine takes ten at most.
TIMEOUT = 300

FIGURES = {title for title, _, _ in COLUMNS}

VERSION = ".".join(map(str, local_version()))

Row = dict[str, str]


def compare(*arguments: str, path: str = os.environ["PATH"]) -> str:
    return run("compare", *SMALLEST, *arguments, path=path)


def run(*arguments: str, path: str = os.environ["PATH"]) -> str:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        output, log = process.communicate(timeout=TIMEOUT)
    finally:
        # SIGTERM, so that it stops the programs that it has started
        process.terminate()
        process.wait()
    # the output has the reason why a part failed
    assert process.returncode == 0, f"{log}\n{output}"
    return output


def table_of(output: str, title: str) -> list[Row]:
    section = output.partition(f"### {title}\n\n")[2].partition("\n\n")[0]
    names, _, *rows = [cells_of(line) for line in section.splitlines()]
    return [dict(zip(names, row, strict=True)) for row in rows]


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def figure(cell: str) -> float:
    return float(cell.partition(" ")[0].replace(",", "").rstrip("%"))


def assert_plausible(row: Row) -> None:
    assert row["store µs"] == "-" or figure(row["store µs"]) > 0, row
    for title in FIGURES - {"store µs"}:
        assert figure(row[title]) > 0, row
    assert figure(row["p50 ms"]) <= figure(row["p99 ms"]) <= figure(row["max ms"])
    keys, calls = figure(row["keys a call"]), figure(row["calls/s"])
    assert figure(row["keys/s"]) == pytest.approx(calls * keys, abs=keys)


def assert_plausible_floors(rows: list[Row]) -> None:
    expected = [
        (operation, title) for operation in VARIANTS for title in VARIANTS[operation]
    ]
    assert [(row["call"], row["procedure"]) for row in rows] == expected
    costs = {row["procedure"]: figure(row["thread µs"]) for row in rows}
    for row in rows:
        assert figure(row["calls/s"]) > 0
        # the thread is one
        assert figure(row["calls/s"]) * figure(row["thread µs"]) < 1.1e6
        assert figure(row["p50 ms"]) <= figure(row["p99 ms"]) <= figure(row["max ms"])
        floor = "look-ups" if row["call"] == "read" else "raw replaces"
        multiple = costs[row["procedure"]] / costs[floor]
        assert figure(row["of floor"]) == pytest.approx(multiple, abs=0.02)
    assert costs["kv.v1.put"] > costs["raw replaces, hash only"]


def test_compare_measures_all_installed_subjects(tmp_path: Path) -> None:
    installed = set(SUBJECTS) - {peer.name for peer in PEERS if missing_packages(peer)}
    page = tmp_path / f"{name_for(VERSION)}.md"
    page.write_text(f"Before.\n{BEGIN}\nold\n{END}\nAfter.\n")
    output = compare("--parts=calls", "--kinds", "mix", "write", f"--save={tmp_path}")
    rows: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    for row in table_of(output, "Calls"):
        assert_plausible(row)
        rows[row["call"], row["log"]][row[""]] = row
    assert {case: set(subjects) for case, subjects in rows.items()} == {
        ("mix", "fsync"): installed,
        ("write", "fsync"): installed,
        ("write", "write"): installed - {"etcd"},
    }
    for compared in rows.values():
        ours = compared["service"]
        for other in compared.keys() & set(OTHERS):
            rates = figure(ours["calls/s"]), figure(compared[other]["calls/s"])
            # all three are rounded
            off = 0.01 + rates[0] / rates[1] / min(rates)
            share = figure(ours[f"of {other}"])
            assert share == pytest.approx(rates[0] / rates[1], abs=off)
        cpu = figure(ours["service µs"]) / figure(compared["bare"]["service µs"])
        assert figure(ours["CPU of bare"]) == pytest.approx(cpu, abs=0.02)
    assert f", tarantool {VERSION}-" in output
    content = f"Before.\n{BEGIN}\n\n{output.rstrip()}\n\n{END}\nAfter.\n"
    assert page.read_text() == content
    chart = page.with_suffix(".svg")
    assert ElementTree.parse(chart).getroot().tag.endswith("svg")


def test_pages_and_charts_are_of_a_major_version() -> None:
    names = [name_for(version) for version in ("2.6.0-0-g47aa4e01e", "2.11.5", "3.8.0")]
    assert names == ["2026-11", "2026-11", "2026-11-tarantool-3"]


def test_compare_leaves_out_missing_subjects(tmp_path: Path) -> None:
    for program in ("tarantool", "wrk"):
        found = shutil.which(program)
        assert found is not None
        (tmp_path / program).symlink_to(found)
    numbers = ["--connections", "4", "8"]
    output = compare("--parts=calls", "--kinds=read", *numbers, path=str(tmp_path))
    rows = [(row["connections"], row[""]) for row in table_of(output, "Calls")]
    assert rows == list(itertools.product(("4", "8"), ("service", "bare")))
    left_out = "is not installed, and left out: apt-get install"
    assert f"- webdis {left_out} redis-server webdis\n" in output
    assert f"- etcd {left_out} etcd-server\n" in output


def test_compare_measures_the_store_and_tarantool_alone() -> None:
    parts = ["sizes", "memory", "ceiling", "floor"]
    output = compare("--parts", *parts, "--sizes", "300", "900")
    sizes = table_of(output, "Sizes of the store")
    for row in sizes:
        assert_plausible(row)
    assert {(row["call"], row["keys"]) for row in sizes} == {
        (call, keys) for call in ("read", "write") for keys in ("300", "900")
    }
    (memory,) = table_of(output, "Memory and restart")
    assert memory["keys"] == "900"
    assert figure(memory["arena"]) > 1
    assert min(figure(memory[way]) for way in ("from log", "from snapshot")) > 0
    alone = table_of(output, "Tarantool alone")
    assert [row["call"] for row in alone] == ["read", "write"]
    for row in alone:
        assert 0 < figure(row["thread busy"]) <= 101
        assert 0 < figure(row["calls/s"]) <= figure(row["calls/s at most"]) * 1.01
    assert_plausible_floors(table_of(output, "Tarantool's floor"))


@pytest.mark.parametrize(
    ("subcommand", "arguments", "expected"),
    [
        ("durability", ["--rounds=1", "--seconds=0.2"], r"\| cold \| do not wait \|"),
        (
            "large",
            ["--what=memory", "--wal=write", "--kinds=one"],
            r"/api/read \| 32 \|",
        ),
        (
            "logins",
            [
                *("--rounds=1", "--seconds=0.2", "--cost=4"),
                *("--pause=0.1", "--warm-up=0.1"),
            ],
            r"logins, many addresses: \d+ reads",
        ),
        (
            "lists",
            ["--keys=3000", "--calls=5"],
            r"one \| a level of 1,000 prefixes \| 1000 \|",
        ),
        ("workers", ["--rounds=1", "--seconds=0.3"], r"\| write \| 2 \|"),
        ("transfer", ["--keys=3000", "--rounds=1"], r"\| 3,000 \| import \|"),
        (
            "compare-trees",
            [f"--base={ROOT}", "--keys=300", "--rounds=1", "--seconds=0.2"],
            r"\| write \| 100 \| service µs \|",
        ),
        (
            "access-tokens",
            ["--keys=300", "--rounds=1", "--seconds=0.2"],
            r"\| write \| 100 \| service µs \|",
        ),
    ],
)
def test_other_subcommands_run(
    subcommand: str, arguments: list[str], expected: str
) -> None:
    assert re.search(expected, run(subcommand, *arguments))


def test_waits_split_the_latency_of_a_write() -> None:
    output = run(
        *("waits", "--keys=300", "--rounds=1", "--seconds=0.3"),
        *("--connections", "2", "20"),
    )
    tables = [
        [cells_of(line) for line in table.splitlines()[2:]]
        for table in output.split("\n\n")[1:]
    ]
    (whole, *parts), figures = tables
    for column in (1, 2):
        total = sum(figure(part[column]) for part in parts)
        assert total == pytest.approx(figure(whole[column]), abs=0.001 * len(parts))
    by_title = {title: tuple(map(figure, cells)) for title, *cells in figures}
    assert all(min(cells) > 0 for cells in by_title.values())
    few, many = by_title["writes per call"]
    assert 1 <= few < many


@pytest.mark.needs_election
def test_cluster_compares_three_nodes_with_one_instance(tmp_path: Path) -> None:
    begin, end = marks(COMMAND)
    page = tmp_path / f"{CLUSTER_PAGE}.md"
    page.write_text(f"{begin}\nold\n{end}\n")
    # on a busy machine a short measurement may end before the first reply
    longer = ["--rounds=2", "--seconds=0.5"]
    output = run("cluster", *SMALLEST, *longer, "--failures=1", f"--save={tmp_path}")
    strict = table_of(output, "Writes and strict reads")
    stale = table_of(output, "Stale reads")
    for row in strict + stale:
        assert_plausible(row)
    assert [(row["call"], row[""]) for row in strict] == [
        (call, subject)
        for call in ("read", "write")
        for subject in ("one instance", "three nodes")
    ]
    names = ["one node", "two nodes", "three nodes"]
    assert [row[""] for row in stale] == names, output
    failovers = table_of(output, "Failovers")
    assert [row["the leader"] for row in failovers] == ["kill -9", "SIGSTOP"]
    for row in failovers:
        # no election is faster than the nodes notice the failure
        assert 0.1 < figure(row["min s"]) <= figure(row["max s"])
    assert page.read_text() == f"{begin}\n\n{output.rstrip()}\n\n{end}\n"


def measured(kind: Kind, batch: int, subject: str, **more: float) -> Measurement:
    figures = {"rate": 1.0, "p50": 1.0, "p99": 3.0, "service": 100.0} | more
    return Measurement(
        Case(KEYS, "fsync", 1, CONNECTIONS, kind, batch),
        subject,
        round=0,
        longest=5.0,
        store=1.0,
        load=1.0,
        threads=1,
        **figures,
    )


def test_verdicts_are_on_the_figures_of_one_round() -> None:
    results = Results(["service", "bare", "etcd"])
    for measurement in (
        measured("read", 1, "service", p99=4.5, service=120),
        measured("read", 1, "bare", rate=3),
        measured("write", 100, "service", rate=9, service=80),
        measured("write", 100, "etcd", rate=2),
    ):
        results.add(measurement)
        other = measurement.case._replace(connections=2 * CONNECTIONS)
        results.add(measurement._replace(case=other))
    assert [verdict.cells() for verdict in verdicts(results)] == [
        [
            "read of 1, fsync: CPU time at most 1.15 times that of bare",
            "1.20 (1.20-1.20)",
            "missed by 0.05",
        ],
        [
            "read of 1, fsync: p99 at most 4 times p50",
            "4.50 (4.50-4.50)",
            "missed by 0.50",
        ],
        ["write of 100, fsync: at least 4 of etcd", "4.50 (4.50-4.50)", "met"],
        [
            "write of 100, fsync: CPU time of the service at most 90 µs",
            "80.00 (80.00-80.00)",
            "met",
        ],
        ["write of 100, fsync: p99 at most 4 times p50", "3.00 (3.00-3.00)", "met"],
    ]


def test_verdicts_on_tarantool_alone() -> None:
    thread, tail = Spread(1.52, 1.4, 1.6), Spread(2, 1, 3)
    (cpu, latency) = floor_verdicts("read", 10, thread, tail)
    assert cpu.cells() == [
        "read of 10, Tarantool alone: CPU time at most 1.5 times look-ups",
        "1.52 (1.40-1.60)",
        "missed by 0.02",
    ]
    assert latency.miss is None
    (only,) = floor_verdicts("read", 1, thread, tail)
    assert only == latency._replace(target=latency.target.replace("10,", "1,"))


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Program]:
    port = free_port()
    command = [sys.executable, "-m", SERVER, str(port), "10"]
    program = Program(tmp_path, command, port)
    try:
        program.start()
        yield program
    finally:
        program.stop()


def test_load_with_one_error_has_no_figures(bare: Program, tmp_path: Path) -> None:
    good, bad = post("/10", "{}"), post("/11", "{}")
    requests = tmp_path / "requests"

    write_requests(requests, [good])
    assert load(bare.port, requests, 0.2).calls > 0
    write_requests(requests, [*[good] * 100, bad])
    with pytest.raises(FailedLoad):
        load(bare.port, requests, 0.2)


def test_load_is_longer_if_there_are_no_replies(bare: Program, tmp_path: Path) -> None:
    requests = tmp_path / "requests"
    write_requests(requests, [post("/10", "{}")])
    os.kill(bare.pid, signal.SIGSTOP)
    resume = threading.Timer(0.5, os.kill, [bare.pid, signal.SIGCONT])
    resume.start()
    result = load(bare.port, requests, 0.2)
    resume.join()
    assert result.calls > 0
    assert result.seconds > 0.3
