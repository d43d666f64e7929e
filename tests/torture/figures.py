"""The results of rounds, as tables for people."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import ceil
from statistics import median

from tests.torture.evidence import Evidence, Injected
from tests.torture.history import CHANGING, Outcome
from tests.torture.judge.violations import Violation

FAULT_HEADS = ("fault", "times", "felt by", "min s", "median s", "max s")
PAUSE_HEADS = ("no write acknowledged", "times", "p50 s", "p99 s", "max s")

#: Of the pauses: p50, p99, max.
RANKS = (0.5, 0.99, 1.0)

OUTCOMES: tuple[Outcome, ...] = ("ok", "failed", "unknown")


def felt(evidence: Evidence, fault: Injected) -> int:
    """How many requests were refused or lost while it lasted, and in its aftermath."""
    begin, end = evidence.begin + fault.begin, evidence.begin + fault.recovered
    return sum(
        o.status in (503, None) and o.end >= begin and o.start <= end
        for o in evidence.history.operations
    )


def pause(evidence: Evidence, fault: Injected) -> float:
    """The longest time without an acknowledged write, while it lasted and after it."""
    begin, end = evidence.begin + fault.begin, evidence.begin + fault.recovered
    acknowledged = sorted(
        o.end
        for o in evidence.history.operations
        if o.call in CHANGING and o.outcome == "ok"
    )
    return max(
        (
            after - before
            for before, after in pairwise(acknowledged)
            if after >= begin and before <= end
        ),
        default=0.0,
    )


def percentile(values: Sequence[float], rank: float) -> float:
    """:param rank: of 1; the nearest one is returned"""
    return sorted(values)[ceil(rank * len(values)) - 1]


class Figures:
    """The figures of all added rounds, which need not be kept."""

    def __init__(self) -> None:
        self._totals: Counter[str] = Counter()
        self._outcomes: dict[str, Counter[Outcome]] = defaultdict(Counter)
        self._recoveries: dict[str, list[float]] = defaultdict(list)
        self._pauses: dict[str, list[float]] = defaultdict(list)
        self._felt: Counter[str] = Counter()
        self._rules: Counter[str] = Counter()

    def add(
        self, evidence: Evidence, violations: Sequence[Violation], seconds: float
    ) -> None:
        """:param seconds: that the round took"""
        operations = evidence.history.operations
        attempts = Counter(o.retry for o in operations if o.retry is not None)
        self._totals += Counter(
            {
                "rounds": 1,
                "seconds": round(seconds),
                "operations": len(operations),
                "requests made again": sum(many > 1 for many in attempts.values()),
                "changes in the feed": len(evidence.history.changes),
                "faults": len(evidence.faults),
            }
        )
        for operation in operations:
            self._outcomes[operation.call][operation.outcome] += 1
        for fault in evidence.faults:
            self._recoveries[fault.name].append(fault.recovered - fault.end)
            self._pauses[fault.name].append(pause(evidence, fault))
            self._felt[fault.name] += felt(evidence, fault)
        self._rules.update(found.rule for found in violations)

    def markdown(self) -> str:
        totals = [*self._totals.items(), ("violations", self._rules.total())]
        calls = [
            (call, *(counts[outcome] for outcome in OUTCOMES))
            for call, counts in sorted(self._outcomes.items())
        ]
        recoveries = [
            (
                name,
                len(seconds),
                self._felt[name],
                *(f"{of(seconds):.2f}" for of in (min, median, max)),
            )
            for name, seconds in sorted(self._recoveries.items())
        ]
        pauses = [
            (name, len(seconds), *(f"{percentile(seconds, r):.2f}" for r in RANKS))
            for name, seconds in sorted(self._pauses.items())
        ]
        tables = [
            _table(["", ""], totals),
            _table(["call", *OUTCOMES], calls),
            _table(FAULT_HEADS, recoveries),
            _table(PAUSE_HEADS, pauses),
        ]
        if self._rules:
            tables.append(_table(["violation", "times"], self._rules.items()))
        return "\n\n".join(tables)


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
