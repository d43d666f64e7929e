"""The dashboard, and the files that provide Grafana and Prometheus with it."""

import json
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

from tests.monitoring.conftest import Existing
from tests.support.monitoring import (
    DASHBOARD,
    FOLDER,
    dashboard,
    metrics_in,
    panels,
    queries,
)
from tests.support.prometheus import executable
from tests.support.service import PROCESS_TIMEOUT

SECTIONS = [
    *("Overview", "Calls by route", "Load against limits", "Storage", "Capacity"),
    *("Accounts", "Processes", "Replication"),
]


def check_queries(folder: Path, expressions: dict[str, str]) -> str:
    """The complaints of promtool about queries, as recording rules."""
    rules = [
        {"record": "query", "expr": expression, "labels": {"of": name}}
        for name, expression in expressions.items()
    ]
    file = folder / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    run = subprocess.run(
        [executable("promtool"), "check", "rules", file],
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT,
    )
    return run.stderr if run.returncode else ""


def test_the_dashboard_has_its_sections() -> None:
    rows = [each["title"] for each in dashboard()["panels"] if each["type"] == "row"]
    assert rows == SECTIONS


def test_the_queries_use_metrics_that_exist(existing: Existing) -> None:
    for name, query in queries().items():
        assert metrics_in(query) or "ALERTS" in query or "up{" in query, name
        assert metrics_in(query) <= existing.series, name


def test_the_dashboard_shows_every_metric_of_the_service(existing: Existing) -> None:
    shown = {name for query in queries().values() for name in metrics_in(query)}
    families = {name for name in existing.families if name.startswith("kv_")}
    series = [f"{name}{suffix}" for name in families for suffix in ("", "_bucket")]
    missing = {name.removesuffix("_bucket") for name in {*series} & shown} ^ families
    assert missing == set()


def test_prometheus_parses_every_query(tmp_path: Path) -> None:
    assert check_queries(tmp_path, queries()) == ""
    # the control
    assert check_queries(tmp_path, {"broken": "sum(kv_keys"}) != ""


def test_every_query_uses_the_variables() -> None:
    for panel in panels():
        for target in panel["targets"]:
            assert panel["datasource"]["uid"] == "${datasource}"
            assert target["datasource"] == panel["datasource"]
            if "ALERTS" not in target["expr"]:
                assert 'instance=~"$instance"' in target["expr"], panel["title"]
    names = [variable["name"] for variable in dashboard()["templating"]["list"]]
    assert names == ["datasource", "instance"]


def test_no_panel_covers_another_one() -> None:
    def overlaps(one: Any, other: Any) -> bool:
        return bool(
            one["x"] < other["x"] + other["w"]
            and other["x"] < one["x"] + one["w"]
            and one["y"] < other["y"] + other["h"]
            and other["y"] < one["y"] + one["h"]
        )

    all_panels = dashboard()["panels"]
    for one, other in combinations(all_panels, 2):
        assert not overlaps(one["gridPos"], other["gridPos"]), one["title"]
    assert all(each["gridPos"]["x"] + each["gridPos"]["w"] <= 24 for each in all_panels)
    for unique in ("id", "title"):
        assert len({each[unique] for each in all_panels}) == len(all_panels)


def test_grafana_is_provided_with_the_dashboard_and_its_source() -> None:
    def provisioned(kind: str, name: str) -> Any:
        file = FOLDER / "grafana" / "provisioning" / kind / name
        return yaml.safe_load(file.read_text())

    (source,) = provisioned("datasources", "prometheus.yml")["datasources"]
    assert source["type"] == "prometheus"
    assert source["url"] == "http://prometheus:9090"
    (provider,) = provisioned("dashboards", "kv.yml")["providers"]
    for name in ("docker-compose.yml", "docker-compose.cluster.yml"):
        compose = yaml.safe_load((FOLDER.parents[1] / name).read_text())
        volumes = compose["services"]["grafana"]["volumes"]
        mounted = f"{provider['options']['path']}/kv.json:ro"
        assert f"./docs/monitoring/{DASHBOARD.name}:{mounted}" in volumes
