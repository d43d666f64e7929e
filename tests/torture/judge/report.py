"""A violation for people: the rule, a sentence, the requests and their replies."""

from collections.abc import Sequence

from tests.torture.history import Entry, Operation
from tests.torture.judge.violations import Violation

COLUMNS = ("client", "ms", "call", "keys", "outcome", "revision")


def rendered(violation: Violation) -> str:
    """Operations in the order of their starts, milliseconds from the first one."""
    operations = sorted(violation.operations, key=lambda operation: operation.start)
    origin = operations[0].start if operations else 0
    rows = [COLUMNS, *(_row(operation, origin) for operation in operations)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    title = f"{violation.rule}: {violation.sentence}"
    return "\n".join([title, *(f"    {line.rstrip()}" for line in lines)])


def _row(operation: Operation, origin: float) -> Sequence[str]:
    start, end = (
        1000 * (moment - origin) for moment in (operation.start, operation.end)
    )
    return (
        str(operation.client),
        f"{start:.1f}-{end:.1f}",
        " ".join([operation.call, *_terms(operation)]),
        ", ".join(_keys(operation)),
        operation.outcome
        if operation.code is None
        else f"{operation.outcome} {operation.code}",
        "" if operation.revision is None else str(operation.revision),
    )


def _terms(operation: Operation) -> list[str]:
    terms = {
        "prefix": operation.prefix,
        "after": operation.after,
        "next": operation.next,
        "if": operation.conditions or None,
        "ttls": operation.ttls,
        "at": operation.at,
        "before": operation.before,
        "entries": operation.entries and _entries(operation.entries),
        "oldest": operation.oldest,
        "next_before": operation.next_before,
        "retry": operation.retry,
        "deleted": operation.deleted,
    }
    return [f"{name}={value!r}" for name, value in terms.items() if value is not None]


def _entries(entries: Sequence[Entry]) -> str:
    return " ".join(f"{one.value or one.cause}@{one.revision}" for one in entries)


def _keys(operation: Operation) -> list[str]:
    """A key with what was sent (=) and what was shown (->), at which revision (@)."""
    cells = list(operation.keys)
    for mark, column in (
        ("=", operation.values),
        (" -> ", operation.found),
        ("@", operation.revisions),
    ):
        if column is not None:
            pairs = zip(cells, column, strict=True)
            cells = [
                f"{cell}{mark}{'none' if value is None else value}"
                for cell, value in pairs
            ]
    return cells
