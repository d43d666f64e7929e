"""Metric families: plain numbers, in the data model of Prometheus.

The counters of prometheus_client cost a request more than the rest of its bookkeeping.
These are numbers in dictionaries; prometheus_client renders them at a scrape.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

#: The values of the labels of a sample, in the order of the family's label names.
Labels = tuple[str, ...]


class Distribution(msgspec.Struct, frozen=True):
    """The value of a histogram.

    :ivar counts: observations per bucket, not cumulative; the last is that of `+Inf`
    :ivar sum: of the observations
    """

    counts: list[int]
    sum: float


class Family(msgspec.Struct, frozen=True):
    """A metric with all its samples, at the moment of a scrape.

    :ivar labels: their names
    :ivar bounds: the upper bounds of a histogram's buckets, without `+Inf`
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    documentation: str
    labels: tuple[str, ...]
    samples: list[tuple[Labels, float | Distribution]]
    bounds: list[float] = []


class Counter:
    """A number that only grows, for each combination of labels.

    :param name: without the suffix `_total`
    """

    def __init__(self, name: str, documentation: str, *labels: str) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._values: dict[Labels, float] = {} if labels else {(): 0}

    def add(self, *labels: str, amount: float = 1) -> None:
        self._values[labels] = self._values.get(labels, 0) + amount

    def collect(self) -> Family:
        return Family(
            self._name,
            "counter",
            self._documentation,
            self._labels,
            [*self._values.items()],
        )


class Observations:
    """The observations of one combination of labels.

    :ivar counts: per bucket, as in `Distribution`
    """

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def observe_all(self, values: Iterable[float]) -> None:
        counts, bounds = self.counts, self._bounds
        for value in values:
            counts[bisect_left(bounds, value)] += 1
            self.sum += value

    def distribution(self) -> Distribution:
        return Distribution(list(self.counts), self.sum)


class Histogram:
    """Observations in buckets, for each combination of labels."""

    def __init__(
        self, name: str, documentation: str, bounds: Sequence[float], *labels: str
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = bounds
        self._labels = labels
        self._children: dict[Labels, Observations] = {}
        if not labels:
            self.child()

    def child(self, *labels: str) -> Observations:
        """The observations of these labels, to be kept by a frequent caller."""
        found = self._children.get(labels)
        if found is None:
            found = self._children[labels] = Observations(self._bounds)
        return found

    def observe(self, value: float, *labels: str) -> None:
        self.child(*labels).observe(value)

    def collect(self) -> Family:
        return Family(
            self._name,
            "histogram",
            self._documentation,
            self._labels,
            [
                (labels, child.distribution())
                for labels, child in self._children.items()
            ],
            list(self._bounds),
        )


def gauge(name: str, documentation: str, value: float) -> Family:
    """A number that goes up and down, without labels."""
    return Family(name, "gauge", documentation, (), [((), value)])


def gauges(
    name: str, documentation: str, label: str, values: Mapping[str, float]
) -> Family:
    """Numbers that go up and down, for each value of a label."""
    samples: Iterable[tuple[Labels, float]] = (
        ((value_of_label,), number) for value_of_label, number in values.items()
    )
    return Family(name, "gauge", documentation, (label,), [*samples])
