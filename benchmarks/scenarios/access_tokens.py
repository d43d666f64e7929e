"""Compares access tokens with JWTs: CPU time per request, and rate.

Two services of this tree run at the same time, each with its own Tarantool. Requests to
one carry a JWT of a login, requests to the other an access token. Their measurements
alternate in random order in each round. A ratio is taken within each round, access
token / JWT: for CPU time, less than 1 is better; for the rate, more than 1.
"""

import argparse
import contextlib
import tempfile
from pathlib import Path

from benchmarks.measure.cases import OPERATIONS, Call, Setting
from benchmarks.measure.rounds import run_rounds
from benchmarks.report.conditions import machine
from benchmarks.report.results import Results
from benchmarks.scenarios.compare_trees import table_of_ratios
from benchmarks.subjects.dataset import Dataset
from benchmarks.subjects.service import Service
from benchmarks.subjects.start import start_one

#: The subjects, and whether they use an access token.
SUBJECTS = {"JWT": False, "access token": True}


def add_arguments(parser: argparse.ArgumentParser) -> None:
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
    """:raises FailedLoad: if a request failed"""
    setting = Setting(options.keys, options.mode, 1)
    calls = [Call(kind, batch) for kind in OPERATIONS for batch in options.batches]
    results = Results(list(SUBJECTS))
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        dataset = Dataset(Path(folder), options.keys, options.value)
        candidates = []
        for name, uses_access_token in SUBJECTS.items():
            service = Service(
                Path(folder, name.replace(" ", "-")),
                setting,
                dataset,
                uses_access_token=uses_access_token,
            )
            candidates.append(
                start_one(stack, service, calls, name=name, required=True)
            )
        for result in run_rounds(candidates, options.rounds, options.seconds):
            results.add(result)
    print(f"{machine()}, {options}", end="\n\n")
    print(*table_of_ratios(results), sep="\n")
    return 0
