"""The exposition: metric families of all processes as text, rendered at a scrape."""

import platform
from collections.abc import Iterable, Sequence
from itertools import accumulate

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from service import __version__
from service.telemetry.families import Distribution, Family

#: The label for the number of a worker's slot. A pid would begin new series at each
#: restart.
WORKER = "worker"


def build_info(tarantool: str) -> Family:
    """
    :param tarantool: the version of Tarantool, empty if it is unknown
    """
    values = (__version__, platform.python_version(), tarantool)
    return Family(
        "kv_build_info",
        "gauge",
        "Versions of the service, of Python and of Tarantool.",
        ("version", "python", "tarantool"),
        [(values, 1)],
    )


def process_families(pid: int) -> list[Family]:
    """Memory, CPU time and descriptors of a process; none without `/proc`."""
    collector = ProcessCollector(pid=lambda: pid, registry=None)
    return [
        Family(
            metric.name,
            "counter" if metric.type == "counter" else "gauge",
            metric.documentation,
            (),
            [((), sample.value) for sample in metric.samples],
        )
        for metric in collector.collect()
    ]


def with_label(family: Family, name: str, value: str) -> Family:
    """The family with one more label, the same for all its samples."""
    return msgspec.structs.replace(
        family,
        labels=(*family.labels, name),
        samples=[((*labels, value), number) for labels, number in family.samples],
    )


def merged(families: Iterable[Family]) -> list[Family]:
    """One family of each name, with the samples of all of them."""
    by_name: dict[str, Family] = {}
    for family in families:
        known = by_name.get(family.name)
        if known is None:
            by_name[family.name] = msgspec.structs.replace(
                family, samples=list(family.samples)
            )
        else:
            known.samples.extend(family.samples)
    return list(by_name.values())


def render(families: Sequence[Family], accept: str) -> tuple[bytes, str]:
    """The text and its media type, in the best format that the client accepts.

    :param accept: the header, for Prometheus text or OpenMetrics
    """
    try:
        encode, content_type = choose_encoder(accept)
    except TypeError:  # prometheus_client compares a version that is no number
        encode, content_type = choose_encoder("")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(families))
    return encode(registry), content_type


class _Collected(Collector):
    """Families that have been collected, for prometheus_client."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def describe(self) -> Iterable[Metric]:
        """Prevents a collection when it is registered."""
        return []

    def collect(self) -> Iterable[Metric]:
        return map(_metric, self._families)


def _metric(family: Family) -> Metric:
    if family.kind == "histogram":
        return _histogram(family)
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.documentation, labels=family.labels)
    for labels, value in family.samples:
        if isinstance(value, Distribution):
            raise TypeError(f"{family.name} is no histogram")
        metric.add_metric(labels, value)
    return metric


def _histogram(family: Family) -> Metric:
    metric = HistogramMetricFamily(
        family.name, family.documentation, labels=family.labels
    )
    bounds = [*(str(float(bound)) for bound in family.bounds), "+Inf"]
    for labels, value in family.samples:
        if not isinstance(value, Distribution):
            raise TypeError(f"{family.name} is a histogram")
        buckets = list(zip(bounds, accumulate(value.counts), strict=True))
        metric.add_metric(labels, buckets, value.sum)
    return metric
