"""`make bench`: the service beside a bare aiohttp handler, webdis over Redis, and etcd.

Prints tables in Markdown, and what they say of the targets.
"""

import argparse
import re
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from benchmarks import table
from benchmarks.conditions import conditions
from benchmarks.corpus import Kind
from benchmarks.parts import PARTS, Report
from benchmarks.results import SUBJECTS
from benchmarks.subjects import Mode
from benchmarks.targets import KEYS, MANY_KEYS

CHART, PAGE = "2026-11.svg", "2026-11.md"

#: What the page has from here, it has from this program.
BEGIN, END = "<!-- make bench -->", "<!-- end of make bench -->"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )

    def several(
        name: str, default: Sequence[Any], meaning: str, choices: Any = None
    ) -> None:
        kind = str if choices else int
        parser.add_argument(
            name, nargs="+", default=default, type=kind, help=meaning, choices=choices
        )

    several("--parts", list(PARTS), "of the benchmark", PARTS)
    several("--keys", [KEYS], "of a store")
    several("--sizes", [10_000, KEYS, MANY_KEYS], "keys of the stores of that part")
    several("--modes", get_args(Mode), "KV_WAL_MODE", get_args(Mode))
    several("--workers", [1], "KV_WORKERS")
    several("--kinds", get_args(Kind), "of calls", get_args(Kind))
    several("--batches", [1, 10, 100, 1000], "keys a call")
    several("--subjects", SUBJECTS, "what is compared", SUBJECTS)
    several("--load-cpus", [], "for wrk alone")
    several("--cpus", [], "for what is measured")
    parser.add_argument("--value", type=int, default=100, help="bytes of a value")
    parser.add_argument("--rounds", type=int, default=5, help="of all cases")
    parser.add_argument("--seconds", type=float, default=2, help="of a measurement")
    parser.add_argument(
        "--save", type=Path, metavar="FOLDER", help=f"of {PAGE}, to write into"
    )
    return parser.parse_args()


def save(folder: Path, content: str, chart: str | None) -> None:
    page = folder / PAGE
    inside = f"{BEGIN}\n\n{content}\n\n{END}"
    pattern = f"{re.escape(BEGIN)}.*{re.escape(END)}"
    page.write_text(
        re.sub(pattern, lambda _: inside, page.read_text(), flags=re.DOTALL)
    )
    if chart is not None:
        (folder / CHART).write_text(chart)


def main() -> int:
    """1, when a part failed: the others have their figures."""
    given = arguments()
    # what was started is stopped on the way out
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    report = Report()
    failures = 0
    for name in given.parts:
        with tempfile.TemporaryDirectory() as folder:
            try:
                PARTS[name](Path(folder, name), given, report)
            except (RuntimeError, TimeoutError) as error:
                failures = 1
                report.add(name.capitalize(), f"It failed: {error}")
    cells = [verdict.cells() for verdict in report.verdicts]
    report.add("Targets", *table.of_cells(["target", "found", ""], cells))
    report.add("Conditions", *(f"- {condition}" for condition in conditions()))
    if given.save is not None:
        save(given.save, report.text.rstrip(), report.chart)
    return failures


if __name__ == "__main__":
    sys.exit(main())
