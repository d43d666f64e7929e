"""Markdown tables; the table of the results has a row per case and subject."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from benchmarks.measure.cases import Case
from benchmarks.report.results import Figure, Results, rate, service_cpu

#: Title, figure, digits after the point.
COLUMNS: list[tuple[str, Figure, int]] = [
    ("calls/s", rate, 0),
    ("keys/s", lambda each: each.rate * each.case.batch, 0),
    ("p50 ms", lambda each: each.p50, 2),
    ("p99 ms", lambda each: each.p99, 2),
    ("max ms", lambda each: each.longest, 2),
    ("service µs", service_cpu, 1),
    ("store µs", lambda each: each.store, 1),
    ("load µs", lambda each: each.load, 1),
    ("threads", lambda each: each.threads, 0),
]

#: The subjects that the service is compared with.
OTHERS = ("bare", "webdis", "etcd")


class Comparison(NamedTuple):
    """The subject whose ratios to others are in the table.

    :ivar others: of which it has a ratio of calls/s
    :ivar cpu_of: of which it has a ratio of CPU time per call, without that of a store
    """

    subject: str
    others: Sequence[str]
    cpu_of: Sequence[str] = ()


WITH_OTHERS = Comparison("service", OTHERS, cpu_of=["bare"])

TITLES = [
    *("call", "keys a call", "log", "keys", "workers", "connections", ""),
    *(title for title, _, _ in COLUMNS),
]

NONE = "-"


def markdown_table(
    titles: Sequence[str], rows: Iterable[Sequence[str]]
) -> Iterator[str]:
    for cells in titles, ["---"] * len(titles), *rows:
        yield f"| {' | '.join(cells)} |"


def results_table(
    results: Results, comparison: Comparison = WITH_OTHERS
) -> Iterator[str]:
    """Medians of the rounds; ratios also have their minimum and maximum."""
    return markdown_table(
        [
            *TITLES,
            *(f"of {other}" for other in comparison.others),
            *(f"CPU of {other}" for other in comparison.cpu_of),
        ],
        (
            [
                *(case.kind, f"{case.batch:,}", case.mode),
                *(f"{case.keys:,}", str(case.workers), str(case.connections)),
                subject,
                *_figures(results, case, subject),
                *_ratios(results, case, subject, comparison),
            ]
            for case in results.cases()
            for subject in results.subjects(case)
        ),
    )


def _figures(results: Results, case: Case, subject: str) -> Iterator[str]:
    for _, figure, digits in COLUMNS:
        spread = results.spread(case, subject, figure)
        yield NONE if spread is None else f"{spread.median:,.{digits}f}"


def _ratios(
    results: Results, case: Case, subject: str, comparison: Comparison
) -> Iterator[str]:
    compared = [(other, rate) for other in comparison.others]
    compared += [(other, service_cpu) for other in comparison.cpu_of]
    for other, figure in compared:
        if subject == comparison.subject:
            spread = results.ratio((case, subject), (case, other), figure)
            yield "" if spread is None else spread.text(2)
        else:
            yield ""
