"""What was measured, and what it comes to."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from statistics import median
from typing import NamedTuple

from benchmarks.rounds import Case, Gap, Turn

#: In the order in which they are shown.
SUBJECTS = ("service", "bare", "webdis", "etcd")


class Spread(NamedTuple):
    """Of the rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Iterable[float]) -> "Spread":
        known = list(figures)
        return cls(median(known), min(known), max(known))

    def text(self, digits: int) -> str:
        least, most = f"{self.least:,.{digits}f}", f"{self.most:,.{digits}f}"
        return f"{self.median:,.{digits}f} ({least}-{most})"


class Results:
    def __init__(self) -> None:
        self._turns: dict[tuple[Case, str], dict[int, Turn]] = defaultdict(dict)
        self.gaps: dict[tuple[Case, str], str] = {}

    def add(self, found: Turn | Gap) -> None:
        if isinstance(found, Gap):
            self.gaps[found.case, found.subject] = found.reason
        else:
            self._turns[found.case, found.subject][found.round] = found

    def cases(self) -> list[Case]:
        return sorted({case for case, _ in self._turns})

    def subjects(self, case: Case) -> list[str]:
        return [name for name in SUBJECTS if (case, name) in self._turns]

    def spread(
        self, case: Case, subject: str, figure: Callable[[Turn], float | None]
    ) -> Spread | None:
        figures = [
            figure(turn) for turn in self._turns.get((case, subject), {}).values()
        ]
        known = [each for each in figures if each is not None]
        return Spread.of(known) if known else None

    def ratio(self, one: tuple[Case, str], other: tuple[Case, str]) -> Spread | None:
        """Of the rates, within each round."""
        ours, theirs = self._turns.get(one, {}), self._turns.get(other, {})
        both = ours.keys() & theirs.keys()
        if not both:
            return None
        return Spread.of(ours[number].rate / theirs[number].rate for number in both)
