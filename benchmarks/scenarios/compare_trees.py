"""Compares two source trees of the service: CPU time per request, and rate.

Both services run at the same time, each with its own Tarantool and the Lua code of its
tree. Their measurements alternate in random order in each round. A ratio is taken
within each round, new / base: for CPU time, less than 1 is better; for the rate, more
than 1.
"""

import argparse
import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure.cases import OPERATIONS, Call, Setting
from benchmarks.measure.rounds import Measurement, run_rounds
from benchmarks.report.conditions import machine
from benchmarks.report.results import Results, rate
from benchmarks.report.table import markdown_table
from benchmarks.subjects.dataset import Dataset
from benchmarks.subjects.service import Service
from benchmarks.subjects.start import start_one
from tests.support.machine import ROOT

BASE, NEW = "base", "new"

#: Title, figure, digits after the point.
FIGURES: list[tuple[str, Callable[[Measurement], float], int]] = [
    ("service µs", lambda each: each.service, 2),
    ("store µs", lambda each: each.store or 0.0, 2),
    ("calls/s", rate, 0),
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--base", type=Path, required=True, help="a source tree")
    parser.add_argument("--new", type=Path, default=ROOT, help="a source tree")
    add_measurement_arguments(parser)


def add_measurement_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `compare` reads, besides the subjects."""
    parser.add_argument("--rounds", type=int, default=10, help="rounds of all cases")
    parser.add_argument(
        "--seconds", type=float, default=2, help="seconds per measurement"
    )
    parser.add_argument("--keys", type=int, default=10_000, help="keys in a store")
    parser.add_argument("--value", type=int, default=100, help="bytes of a value")
    parser.add_argument(
        "--batches", type=int, nargs="+", default=[1, 100], help="keys per call"
    )
    parser.add_argument(
        "--mode", choices=("fsync", "write"), default="fsync", help="KV_WAL_MODE"
    )


def run(options: argparse.Namespace) -> int:
    """:raises FailedLoad: if a request failed: the trees differ"""
    trees = {BASE: options.base, NEW: options.new}
    return compare(
        options, {name: {"checkout": tree.resolve()} for name, tree in trees.items()}
    )


def compare(
    options: argparse.Namespace, subjects: Mapping[str, Mapping[str, Any]]
) -> int:
    """Measures two services, and prints a table of their ratios.

    :param subjects: by name, what each `Service` is created with
    :raises FailedLoad: if a request failed
    """
    setting = Setting(options.keys, options.mode, 1)
    calls = [Call(kind, batch) for kind in OPERATIONS for batch in options.batches]
    results = Results(list(subjects))
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        dataset = Dataset(Path(folder), options.keys, options.value)
        candidates = []
        for name, how in subjects.items():
            own_folder = Path(folder, name.replace(" ", "-"))
            service = Service(own_folder, setting, dataset, **how)
            candidates.append(
                start_one(stack, service, calls, name=name, required=True)
            )
        for result in run_rounds(candidates, options.rounds, options.seconds):
            results.add(result)
    print(f"{machine()}, {options}", end="\n\n")
    print(*_table_of_ratios(results), sep="\n")
    return 0


def _table_of_ratios(results: Results) -> Iterator[str]:
    """A table of two subjects, and of the ratios of the second to the first."""
    base, new = results.names
    titles = ["call", "keys a call", "figure", base, new, f"{new} / {base}"]
    return markdown_table(titles, _rows(results, base, new))


def _rows(results: Results, base: str, new: str) -> Iterator[list[str]]:
    """Medians of the rounds; of the ratios also the minimum and maximum."""
    for case in results.cases():
        for title, figure, digits in FIGURES:
            cells = []
            for name in results.names:
                spread = results.spread(case, name, figure)
                assert spread is not None
                cells.append(f"{spread.median:,.{digits}f}")
            ratio = results.ratio((case, new), (case, base), figure)
            assert ratio is not None
            yield [case.kind, f"{case.batch:,}", title, *cells, ratio.text(3)]
