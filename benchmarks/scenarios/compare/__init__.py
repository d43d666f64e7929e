"""Compares the service with a bare aiohttp handler, webdis over Redis, and etcd.

Prints Markdown tables, and verdicts on the targets.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from benchmarks.measure.cases import Kind, Mode
from benchmarks.measure.wrk import CONNECTIONS
from benchmarks.report.document import Document, name_for
from benchmarks.report.targets import KEYS, MANY_KEYS
from benchmarks.scenarios.compare.parts import PARTS
from benchmarks.subjects.service import tarantool_version
from benchmarks.subjects.start import SUBJECTS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    def several(
        name: str, default: Sequence[Any], meaning: str, choices: Any = None
    ) -> None:
        kind = str if choices else int
        parser.add_argument(
            name, nargs="+", default=default, type=kind, help=meaning, choices=choices
        )

    several("--parts", list(PARTS), "parts of the benchmark", PARTS)
    several("--keys", [KEYS], "keys in a store")
    several("--sizes", [10_000, KEYS, MANY_KEYS], "keys in each store of that part")
    several("--modes", get_args(Mode), "KV_WAL_MODE", get_args(Mode))
    several("--workers", [1], "KV_WORKERS")
    several("--kinds", get_args(Kind), "kinds of calls", get_args(Kind))
    several("--batches", [1, 10, 100, 1000], "keys per call")
    several("--subjects", SUBJECTS, "subjects to compare", SUBJECTS)
    several("--connections", [CONNECTIONS], "connections of wrk")
    several("--load-cpus", [], "CPUs for wrk alone")
    several("--cpus", [], "CPUs for the subjects")
    parser.add_argument("--value", type=int, default=100, help="bytes of a value")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of all cases")
    parser.add_argument(
        "--seconds", type=float, default=2, help="seconds per measurement"
    )
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FOLDER",
        help="folder of the pages, to update that of the version of Tarantool",
    )


def run(options: argparse.Namespace) -> int:
    """Returns 1 if a part failed; the other parts have their figures."""
    tarantool = tarantool_version()
    document = Document(tarantool)
    failures = 0
    for name in options.parts:
        with tempfile.TemporaryDirectory() as folder:
            try:
                PARTS[name](Path(folder, name), options, document)
            except (RuntimeError, TimeoutError) as error:
                failures = 1
                document.add(name.capitalize(), f"Failed: {error}")
    document.add_summary()
    if options.save is not None:
        document.save(options.save, name_for(tarantool))
    return failures
