"""Tables in Markdown; that of the results has a row for each subject of each case."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from benchmarks.results import Results
from benchmarks.rounds import Case, Turn

#: Title, figure of a turn, digits after the point.
COLUMNS: list[tuple[str, Callable[[Turn], float | None], int]] = [
    ("calls/s", lambda turn: turn.rate, 0),
    ("keys/s", lambda turn: turn.rate * turn.case.batch, 0),
    ("p50 ms", lambda turn: turn.p50, 2),
    ("p99 ms", lambda turn: turn.p99, 2),
    ("service µs", lambda turn: turn.service, 1),
    ("store µs", lambda turn: turn.store, 1),
    ("load µs", lambda turn: turn.load, 1),
    ("threads", lambda turn: turn.threads, 0),
]

#: What the service is compared with.
OTHERS = ("bare", "webdis", "etcd")

TITLES = [
    *("call", "keys a call", "log", "keys", "workers", ""),
    *(title for title, _, _ in COLUMNS),
    *(f"of {other}" for other in OTHERS),
]

NONE = "-"


def of_results(results: Results) -> Iterator[str]:
    """Medians of the rounds; of the ratios also the least and the most."""
    return of_cells(
        TITLES,
        (
            [
                *(case.kind, f"{case.batch:,}", case.mode),
                *(f"{case.keys:,}", str(case.workers), subject),
                *_figures(results, case, subject),
                *_ratios(results, case, subject),
            ]
            for case in results.cases()
            for subject in results.subjects(case)
        ),
    )


def of_cells(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for cells in titles, ["---"] * len(titles), *rows:
        yield f"| {' | '.join(cells)} |"


def _figures(results: Results, case: Case, subject: str) -> Iterator[str]:
    for _, figure, digits in COLUMNS:
        spread = results.spread(case, subject, figure)
        yield NONE if spread is None else f"{spread.median:,.{digits}f}"


def _ratios(results: Results, case: Case, subject: str) -> Iterator[str]:
    for other in OTHERS:
        if subject == "service":
            spread = results.ratio((case, subject), (case, other))
            yield "" if spread is None else spread.text(2)
        else:
            yield ""
