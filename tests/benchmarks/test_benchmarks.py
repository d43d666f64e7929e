"""The benchmarks at their smallest size: they run, and their figures are plausible."""

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

from benchmarks.measure.processes import Program
from benchmarks.measure.wrk import FailedLoad, load, write_requests
from benchmarks.report.document import BEGIN, CHART, END, PAGE, marks
from benchmarks.report.table import COLUMNS, OTHERS
from benchmarks.scenarios.cluster import COMMAND
from benchmarks.scenarios.cluster import PAGE as CLUSTER_PAGE
from benchmarks.subjects.bare import SERVER
from benchmarks.subjects.start import PEERS, SUBJECTS, missing_packages
from benchmarks.subjects.subject import post
from tests.support.machine import ROOT, free_port

SMALLEST = ["--keys=300", "--batches=10", "--rounds=1", "--seconds=0.2"]

#: Seconds; an idle machine takes ten at most.
TIMEOUT = 300

FIGURES = {title for title, _, _ in COLUMNS}

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
    assert figure(row["p50 ms"]) <= figure(row["p99 ms"])
    keys, calls = figure(row["keys a call"]), figure(row["calls/s"])
    assert figure(row["keys/s"]) == pytest.approx(calls * keys, abs=keys)


def test_compare_measures_all_installed_subjects(tmp_path: Path) -> None:
    installed = set(SUBJECTS) - {peer.name for peer in PEERS if missing_packages(peer)}
    (tmp_path / PAGE).write_text(f"Before.\n{BEGIN}\nold\n{END}\nAfter.\n")
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
    page = (tmp_path / PAGE).read_text()
    assert page == f"Before.\n{BEGIN}\n\n{output.rstrip()}\n\n{END}\nAfter.\n"
    assert ElementTree.parse(tmp_path / CHART).getroot().tag.endswith("svg")


def test_compare_leaves_out_missing_subjects(tmp_path: Path) -> None:
    for program in ("tarantool", "wrk"):
        found = shutil.which(program)
        assert found is not None
        (tmp_path / program).symlink_to(found)
    output = compare("--parts=calls", "--kinds=read", path=str(tmp_path))
    assert {row[""] for row in table_of(output, "Calls")} == {"service", "bare"}
    left_out = "is not installed, and left out: apt-get install"
    assert f"- webdis {left_out} redis-server webdis\n" in output
    assert f"- etcd {left_out} etcd-server\n" in output


def test_compare_measures_sizes_memory_restarts_and_tarantool_alone() -> None:
    output = compare("--parts", "sizes", "memory", "ceiling", "--sizes", "300", "900")
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
    page = tmp_path / CLUSTER_PAGE
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
