"""The parts of the benchmark: what each measures, and tells of it."""

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import table
from benchmarks.ceiling import ceilings
from benchmarks.chart import svg
from benchmarks.corpus import Call, Kind
from benchmarks.footprint import Footprint, footprint
from benchmarks.peers import PEERS, missing
from benchmarks.results import Results
from benchmarks.rounds import Gap, Plan, Turn, turns
from benchmarks.subjects import Ours, Setting
from benchmarks.targets import MANY_KEYS, Verdict, footprint_verdicts, verdicts

#: Keys a call, where not all sizes are wanted.
FEW_AND_MANY = {1, 100}


class Report:
    """In Markdown; what it has is printed at once."""

    def __init__(self) -> None:
        self.text = ""
        self.verdicts: list[Verdict] = []
        self.chart: str | None = None

    def add(self, title: str, *lines: str) -> None:
        section = "\n".join([f"### {title}", "", *lines, "", ""])
        print(section, end="", flush=True)
        self.text += section

    def add_results(self, title: str, results: Results, *remarks: str) -> None:
        remarks += tuple(
            f"- {subject} has no figure for {case.kind} {case.batch:,}: {reason}"
            for (case, subject), reason in results.gaps.items()
        )
        below = ["", *remarks] if remarks else []
        self.add(title, *table.of_results(results), *below)
        self.verdicts += verdicts(results)


Part = Callable[[Path, Namespace, Report], None]


def calls(folder: Path, given: Namespace, report: Report) -> None:
    """Everyone, in every case."""
    absent = {peer.name: missing(peer) for peer in PEERS if missing(peer)}
    settings = [
        Setting(keys, mode, workers)
        for keys in given.keys
        for mode in given.modes
        for workers in given.workers
    ]
    results = _measured(
        folder,
        given,
        settings,
        [Call(kind, batch) for kind in given.kinds for batch in given.batches],
        [name for name in given.subjects if name not in absent],
    )
    remarks = [
        f"- {name} is not installed, and left out: apt-get install {' '.join(packages)}"
        for name, packages in absent.items()
        if name in given.subjects
    ]
    report.add_results("Calls", results, *remarks)
    report.chart = svg(results, settings[0])


def sizes(folder: Path, given: Namespace, report: Report) -> None:
    """The service alone, with stores of all sizes side by side."""
    settings = [Setting(keys, given.modes[0], 1) for keys in given.sizes]
    results = _measured(folder, given, settings, _few(given), [Ours.name])
    report.add_results("Sizes of the store", results)


def workers(folder: Path, given: Namespace, report: Report) -> None:
    """The service alone, with one worker and with two side by side.

    They share the cores with Tarantool and the load; `make bench-workers` sees to it
    that these have what they need.
    """
    settings = [Setting(given.keys[0], given.modes[0], number) for number in (1, 2)]
    results = _measured(folder, given, settings, _few(given), [Ours.name])
    report.add_results("Workers", results)


def memory(folder: Path, given: Namespace, report: Report) -> None:
    """And the time of a restart."""
    found = footprint(folder, max(given.sizes), given.value)
    cells = [f"{found.keys:,}", *(f"{figure:.2f}" for figure in found[1:])]
    titles = [field.replace("_", " ") for field in Footprint._fields]
    report.add("Memory and restart", *table.of_cells(titles, [cells]))
    if found.keys == MANY_KEYS:
        report.verdicts += footprint_verdicts(found)


def ceiling(folder: Path, given: Namespace, report: Report) -> None:
    """Of one Tarantool, without a service."""
    setting = Setting(given.keys[0], given.modes[0], 1)
    batches = sorted({call.batch for call in _few(given)})
    found = ceilings(folder, setting, given.value, batches, given.seconds)
    titles = ["call", "keys a call", "calls/s", "thread busy", "calls/s at most"]
    cells = [
        [
            *(each.operation, f"{each.batch:,}", f"{each.rate:,.0f}"),
            *(f"{each.busy:.0%}", f"{each.at_most:,.0f}"),
        ]
        for each in found
    ]
    report.add("Tarantool alone", *table.of_cells(titles, cells))


PARTS: dict[str, Part] = {
    part.__name__: part for part in (calls, sizes, memory, ceiling, workers)
}


def _few(given: Namespace) -> list[Call]:
    kinds: tuple[Kind, ...] = ("read", "write")
    batches = FEW_AND_MANY.intersection(given.batches) or given.batches
    return [Call(kind, batch) for kind in kinds for batch in sorted(batches)]


def _measured(
    folder: Path,
    given: Namespace,
    settings: Sequence[Setting],
    wanted: Sequence[Call],
    subjects: Sequence[str],
) -> Results:
    results = Results()
    plan = Plan(
        settings,
        wanted,
        subjects,
        given.rounds,
        given.seconds,
        given.value,
        frozenset(given.load_cpus),
        frozenset(given.cpus),
    )
    for found in turns(folder, plan):
        _tell(found)
        results.add(found)
    return results


def _tell(found: Turn | Gap) -> None:
    what = "no figure" if isinstance(found, Gap) else f"{found.rate:,.0f} calls/s"
    print(*found.case, found.subject, what, file=sys.stderr)
