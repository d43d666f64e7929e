"""The alerts: Prometheus accepts them, and each has a test that fires it."""

import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.conftest import Existing
from tests.support.monitoring import ALERT_TESTS, ALERTS, alerts, metrics_in
from tests.support.prometheus import executable

#: Seconds for the tests of all alerts, on a busy machine.
TIMEOUT = 120.0

SEVERITIES = ("warning", "critical")


def promtool(*arguments: str | Path) -> None:
    run = subprocess.run(
        [executable("promtool"), *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def untested(tests: list[Any]) -> dict[str, set[bool]]:
    """What alerts lack: a test that fires (True), one that does not (False)."""
    tested = defaultdict(set)
    for test in tests:
        for rule_test in test["alert_rule_test"]:
            tested[rule_test["alertname"]].add(bool(rule_test["exp_alerts"]))
    lacking = {name: {True, False} - tested[name] for name in alerts()}
    return {name: lacks for name, lacks in lacking.items() if lacks}


def test_prometheus_accepts_the_alerts() -> None:
    promtool("check", "rules", ALERTS)


def test_the_alerts_fire_and_do_not_fire_as_their_tests_say() -> None:
    promtool("test", "rules", ALERT_TESTS)


def test_each_alert_has_a_test_that_fires_it_and_one_that_does_not() -> None:
    tests = yaml.safe_load(ALERT_TESTS.read_text())["tests"]
    assert untested(tests) == {}
    # the control
    lacking = [test for test in tests if not test["name"].startswith("KVDown fires")]
    assert untested(lacking) == {"KVDown": {True}}


def test_a_failing_test_of_an_alert_is_found(tmp_path: Path) -> None:
    """The control: a bound is another one."""
    text = ALERTS.read_text()
    changed = text.replace("> 0.9\n", "> 0.8\n")
    assert changed != text
    (tmp_path / ALERTS.name).write_text(changed)
    (tmp_path / ALERT_TESTS.name).write_text(ALERT_TESTS.read_text())
    with pytest.raises(AssertionError, match="KVMemoryCritical does not fire"):
        promtool("test", "rules", tmp_path / ALERT_TESTS.name)


def test_each_alert_has_a_severity_a_summary_and_a_place_in_the_page() -> None:
    for name, rule in alerts().items():
        assert name.startswith("KV")
        assert rule["labels"].keys() == {"severity"}
        assert rule["labels"]["severity"] in SEVERITIES
        assert rule["annotations"].keys() == {"summary", "runbook"}
        anchor = f"docs/monitoring.md#{name.lower()}"
        assert rule["annotations"]["runbook"] == anchor


def test_the_alerts_use_metrics_that_exist(existing: Existing) -> None:
    for name, rule in alerts().items():
        assert metrics_in(rule["expr"]) <= existing.series, name
