"""The exposition: what Prometheus reads, in both formats, as its own tool checks it."""

import os

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed_text

from service.telemetry.exposition import (
    build_info,
    merged,
    process_families,
    render,
    with_label,
)
from service.telemetry.families import Counter, Family, Histogram, gauge
from service.telemetry.metrics import Metrics
from tests.support.prometheus import check_metrics

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def counted() -> list[Family]:
    logins = Counter("kv_logins", "Logins.", "result")
    logins.add("ok", amount=2)
    waits = Histogram("kv_wait_seconds", "Wait.", (0.5, 1.0))
    waits.observe(0.5)
    waits.observe(7.0)
    return [logins.collect(), waits.collect(), gauge("kv_keys", "Keys.", 1e9)]


def test_counters_histograms_and_gauges_in_the_text_format() -> None:
    text, content_type = render(counted(), "")
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert text.decode().splitlines() == [
        "# HELP kv_logins_total Logins.",
        "# TYPE kv_logins_total counter",
        'kv_logins_total{result="ok"} 2.0',
        "# HELP kv_wait_seconds Wait.",
        "# TYPE kv_wait_seconds histogram",
        'kv_wait_seconds_bucket{le="0.5"} 1.0',
        'kv_wait_seconds_bucket{le="1.0"} 1.0',
        'kv_wait_seconds_bucket{le="+Inf"} 2.0',
        "kv_wait_seconds_count 2.0",
        "kv_wait_seconds_sum 7.5",
        "# HELP kv_keys Keys.",
        "# TYPE kv_keys gauge",
        "kv_keys 1e+09",
    ]


def test_openmetrics_on_request() -> None:
    text, content_type = render(counted(), OPENMETRICS)
    assert content_type.startswith(OPENMETRICS)
    assert text.endswith(b"# EOF\n")
    assert b"# TYPE kv_logins counter\n" in text
    assert b'kv_logins_total{result="ok"} 2.0\n' in text


@pytest.mark.parametrize("version", ["1.0.0-rc", "x", "9" * 5000])
@pytest.mark.parametrize("kind", ["text/plain", "application/openmetrics-text"])
def test_malformed_version_in_accept_gets_the_default_format(
    kind: str, version: str
) -> None:
    _, content_type = render(counted(), f"{kind}; version={version}")
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"


def test_families_of_several_workers_are_one_with_a_label() -> None:
    families = merged(
        with_label(family, "worker", slot)
        for slot in ("0", "1")
        for family in counted()
    )
    text, _ = render(families, "")
    assert text.count(b"# TYPE ") == 3
    (logins, *_) = parsed_text(text.decode())
    assert [(s.labels, s.value) for s in logins.samples] == [
        ({"result": "ok", "worker": "0"}, 2.0),
        ({"result": "ok", "worker": "1"}, 2.0),
    ]


def test_a_process_by_its_pid() -> None:
    found = {family.name: family for family in process_families(os.getpid())}
    assert found["process_cpu_seconds"].kind == "counter"
    ((_, resident),) = found["process_resident_memory_bytes"].samples
    assert isinstance(resident, float)
    assert resident > 2**20


def test_a_process_that_has_ended_has_no_numbers() -> None:
    assert process_families(2**22 + 1) == []


def test_promtool_finds_nothing_to_improve() -> None:
    families = [*Metrics().collect(), build_info("2.6.0")]
    text, _ = render([*families, *process_families(os.getpid())], "")
    assert check_metrics(text.decode()) == ""
