"""Metric families: numbers, and what a scrape finds of them."""

from service.telemetry.families import Counter, Distribution, Histogram, gauges
from service.telemetry.metrics import Metrics


def test_a_counter_counts_each_combination_of_labels() -> None:
    counter = Counter("kv_logins", "Logins.", "result")
    counter.add("ok")
    counter.add("ok")
    counter.add("wrong", amount=3)
    assert counter.collect().samples == [(("ok",), 2), (("wrong",), 3)]


def test_a_counter_without_labels_begins_at_zero() -> None:
    assert Counter("kv_events", "Events.").collect().samples == [((), 0)]


def test_a_value_belongs_to_the_bucket_whose_bound_it_does_not_exceed() -> None:
    histogram = Histogram("kv_seconds", "Seconds.", (1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 9.0):
        histogram.observe(value)
    ((labels, found),) = histogram.collect().samples
    assert labels == ()
    assert found == Distribution([2, 2, 1], 14.0)


def test_a_child_keeps_its_labels() -> None:
    histogram = Histogram("kv_seconds", "Seconds.", (1.0,), "procedure")
    histogram.child("a").observe(0.5)
    assert histogram.child("a") is histogram.child("a")
    assert histogram.collect().samples == [(("a",), Distribution([1, 0], 0.5))]


def test_sources_are_read_at_each_collection() -> None:
    metrics, level = Metrics(), {"stream": 1.0}
    metrics.add_source(lambda: [gauges("kv_watchers", "Watchers.", "kind", level)])
    assert metrics.collect()[-1].samples == [(("stream",), 1.0)]
    level["poll"] = 2.0
    assert metrics.collect()[-1].samples == [(("stream",), 1.0), (("poll",), 2.0)]
