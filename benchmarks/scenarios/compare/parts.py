"""The parts of the comparison: each runs measurements and adds a section."""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.measure.cases import OPERATIONS, Call, Setting
from benchmarks.measure.rounds import Gap, Measurement, run_rounds
from benchmarks.report.chart import svg
from benchmarks.report.document import Document
from benchmarks.report.results import Results
from benchmarks.report.table import markdown_table
from benchmarks.report.targets import (
    KEYS,
    MANY_KEYS,
    Verdict,
    floor_verdicts,
    footprint_verdicts,
)
from benchmarks.scenarios.compare.ceiling import measure_ceilings
from benchmarks.scenarios.compare.floor import IN_FLIGHT, Floor, measure_floors
from benchmarks.scenarios.compare.footprint import Footprint, measure_footprint
from benchmarks.subjects.procedures import PROCEDURES
from benchmarks.subjects.service import Service
from benchmarks.subjects.start import (
    PEERS,
    SUBJECTS,
    Plan,
    missing_packages,
    running,
)

#: The batch sizes of the parts that do not run all of them.
FEW_BATCHES = {1, 100}

Part = Callable[[Path, Namespace, Document], None]


def calls(folder: Path, options: Namespace, document: Document) -> None:
    """All subjects in all cases."""
    missing = {peer.name: missing_packages(peer) for peer in PEERS}
    settings = [
        Setting(keys, mode, workers)
        for keys in options.keys
        for mode in options.modes
        for workers in options.workers
    ]
    results = _measure(
        folder,
        options,
        settings,
        [Call(kind, batch) for kind in options.kinds for batch in options.batches],
        [name for name in options.subjects if not missing.get(name)],
        options.connections,
    )
    remarks = [
        f"- {name} is not installed, and left out: apt-get install {' '.join(packages)}"
        for name, packages in missing.items()
        if packages and name in options.subjects
    ]
    document.add_results("Calls", results, *remarks)
    document.chart = svg(
        results, settings[0], options.connections[0], document.tarantool
    )


def sizes(folder: Path, options: Namespace, document: Document) -> None:
    """The service alone, with stores of all sizes in the same rounds."""
    settings = [Setting(keys, options.modes[0], 1) for keys in options.sizes]
    results = _measure_service(folder, options, settings)
    document.add_results("Sizes of the store", results)


def workers(folder: Path, options: Namespace, document: Document) -> None:
    """The service alone, with one worker and with two.

    They share the cores with Tarantool and the load; the subcommand `workers` reserves
    CPU time for these.
    """
    settings = [Setting(options.keys[0], options.modes[0], number) for number in (1, 2)]
    results = _measure_service(folder, options, settings)
    document.add_results("Workers", results)


def memory(folder: Path, options: Namespace, document: Document) -> None:
    """Memory per byte of data, and the time of a restart."""
    found = measure_footprint(folder, max(options.sizes), options.value)
    cells = [f"{found.keys:,}", *(f"{figure:.2f}" for figure in found[1:])]
    titles = [field.replace("_", " ") for field in Footprint._fields]
    document.add("Memory and restart", *markdown_table(titles, [cells]))
    if found.keys == MANY_KEYS:
        restarts = [found.from_log, found.from_snapshot]
        document.verdicts += footprint_verdicts(found.keys, found.arena, restarts)


def ceiling(folder: Path, options: Namespace, document: Document) -> None:
    """One Tarantool without a service."""
    setting = Setting(options.keys[0], options.modes[0], 1)
    batches = _few_batches(options)
    found = measure_ceilings(folder, setting, options.value, batches, options.seconds)
    titles = ["call", "keys a call", "calls/s", "thread busy", "calls/s at most"]
    cells = [
        [
            *(each.operation, f"{each.batch:,}", f"{each.rate:,.0f}"),
            *(f"{each.busy:.0%}", f"{each.max_rate:,.0f}"),
        ]
        for each in found
    ]
    document.add("Tarantool alone", *markdown_table(titles, cells))


def floor(folder: Path, options: Namespace, document: Document) -> None:
    """The procedures of one Tarantool next to the raw operations."""
    keys = options.keys[0]
    floors = measure_floors(
        folder,
        Setting(keys, options.modes[0], 1),
        options.value,
        [batch for batch in options.batches if batch <= keys],
        options.rounds,
        options.seconds,
    )
    titles = [
        *("call", "keys a call", "procedure", "calls/s", "thread µs", "of floor"),
        *("p50 ms", "p99 ms", "max ms", "p99 of p50"),
    ]
    document.add(
        "Tarantool's floor",
        *markdown_table(titles, _floor_rows(floors)),
        "",
        f"{IN_FLIGHT} calls in flight, without a service. Raw replaces are one "
        "transaction over rows with the hash and the tree of `kv`; or with the hash "
        "only; or with a batch of the change log, by revision or by key, too.",
    )
    if keys == KEYS:
        document.verdicts += _floor_verdicts(floors)


def _floor_rows(floors: Iterable[Floor]) -> Iterator[list[str]]:
    """Medians of the rounds; the longest call of all; ratios also have their range."""
    for each in floors:
        for title, rounds in each.samples.items():
            rate, thread, p50, p99, _ = map(median, zip(*rounds, strict=True))
            longest = max(sample.longest for sample in rounds)
            yield [
                *(each.operation, f"{each.batch:,}", title),
                *(f"{rate:,.0f}", f"{thread:,.1f}", each.multiple(title).text(2)),
                *(f"{p50:.2f}", f"{p99:.2f}", f"{longest:.2f}"),
                each.tail(title).text(2),
            ]


def _floor_verdicts(floors: Iterable[Floor]) -> Iterator[Verdict]:
    """Those on the procedures that the service calls."""
    for each in floors:
        title = PROCEDURES[each.operation]
        yield from floor_verdicts(
            each.operation, each.batch, each.multiple(title), each.tail(title)
        )


PARTS: dict[str, Part] = {
    part.__name__: part for part in (calls, sizes, memory, ceiling, floor, workers)
}


def _measure_service(
    folder: Path, options: Namespace, settings: Sequence[Setting]
) -> Results:
    """Few calls of the service alone."""
    batches = _few_batches(options)
    calls = [Call(kind, batch) for kind in OPERATIONS for batch in batches]
    connections = options.connections[:1]
    return _measure(folder, options, settings, calls, [Service.name], connections)


def _few_batches(options: Namespace) -> list[int]:
    return sorted(FEW_BATCHES.intersection(options.batches) or options.batches)


def _measure(
    folder: Path,
    options: Namespace,
    settings: Sequence[Setting],
    calls: Sequence[Call],
    subjects: Sequence[str],
    connections: Sequence[int],
) -> Results:
    results = Results([name for name in SUBJECTS if name in {*subjects, Service.name}])
    plan = Plan(settings, calls, subjects, options.value, options.cpus)
    with running(folder, plan) as candidates:
        for result in run_rounds(
            candidates,
            options.rounds,
            options.seconds,
            options.load_cpus,
            connections,
        ):
            _print_progress(result)
            results.add(result)
    return results


def _print_progress(result: Measurement | Gap) -> None:
    what = "no figure" if isinstance(result, Gap) else f"{result.rate:,.0f} calls/s"
    print(*result.case, result.subject, what, file=sys.stderr)
