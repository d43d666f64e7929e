"""The measurements of a run, and their spread over the rounds."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.measure.cases import Case
from benchmarks.measure.rounds import Gap, Measurement

Figure = Callable[[Measurement], float | None]


def rate(measurement: Measurement) -> float:
    return measurement.rate


def service_cpu(measurement: Measurement) -> float:
    return measurement.service


class Spread(NamedTuple):
    """The median, minimum and maximum over the rounds."""

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
    """:ivar names: of the subjects, in the order of tables and charts
    :ivar gaps: reasons why a subject has no figures for a case
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.gaps: dict[tuple[Case, str], str] = {}
        self._rounds: dict[tuple[Case, str], dict[int, Measurement]] = defaultdict(dict)

    def add(self, result: Measurement | Gap) -> None:
        if isinstance(result, Gap):
            self.gaps[result.case, result.subject] = result.reason
        else:
            self._rounds[result.case, result.subject][result.round] = result

    def cases(self) -> list[Case]:
        return sorted({case for case, _ in self._rounds})

    def subjects(self, case: Case) -> list[str]:
        return [name for name in self.names if (case, name) in self._rounds]

    def spread(self, case: Case, subject: str, figure: Figure) -> Spread | None:
        figures = map(figure, self._rounds.get((case, subject), {}).values())
        known = [each for each in figures if each is not None]
        return Spread.of(known) if known else None

    def ratio(
        self,
        one: tuple[Case, str],
        other: tuple[Case, str],
        figure: Callable[[Measurement], float] = rate,
    ) -> Spread | None:
        """The ratio of two subjects' figures within each round."""
        ones, others = self._rounds.get(one, {}), self._rounds.get(other, {})
        both = ones.keys() & others.keys()
        if not both:
            return None
        return Spread.of(
            figure(ones[number]) / figure(others[number]) for number in both
        )
