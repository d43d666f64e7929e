"""The alerts, the dashboard, and the metrics that their queries may use."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.support.lua_modules import evaluate
from tests.support.machine import ROOT

FOLDER = ROOT / "docs" / "monitoring"
ALERTS = FOLDER / "alerts.yml"
ALERT_TESTS = FOLDER / "alerts_test.yml"
DASHBOARD = FOLDER / "grafana.json"

#: What Grafana puts in for the variables of the dashboard.
VARIABLES = {"$__rate_interval": "1m", "$instance": ".*"}

#: Names of metrics that this project defines; Prometheus itself has `up` and `ALERTS`.
METRIC = re.compile(r"\b(?:kv|tnt|process)_[a-z0-9_]+")

STRING = re.compile(r'"[^"]*"')
TYPE = re.compile(r"^# TYPE (\w+) (\w+)$", re.MULTILINE)

#: Names that only a cluster has, or a newer Tarantool than that of the tests: those
#: that the modules return if Tarantool has every statistic that they look for.
OF_EVERY_TARANTOOL = """
local any = setmetatable({}, {__index = function() return 1 end})
local function none() return {} end
local function with(fields, rest)
    return setmetatable(fields, {__index = rest})
end
local statistic = {total = 1, current = 1}
local peer = {lag = 1, status = 'follow', vclock = {1, 1}}
box = {
    info = {
        id = 1, ro = false, lsn = 1, uptime = 1, vclock = {1, 1}, memory = none,
        replication = {{id = 1}, {id = 2, lsn = 1, upstream = peer, downstream = peer}},
        election = with({state = 'leader'}, any),
        synchro = {queue = with({busy = false}, any)},
    },
    slab = {info = none}, runtime = {info = none}, schema = {SYSTEM_ID_MAX = 511},
    stat = setmetatable(
        {net = function() return with({}, function() return statistic end) end},
        {__call = none}
    ),
    space = {_space = {pairs = function() return ipairs({}) end}},
}
local found, names = {}, {}
replication.add(found)
tarantool.add(found)
for name in pairs(found) do table.insert(names, name) end
return names
"""


def alerts() -> dict[str, Any]:
    """The alerts by their names."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def dashboard() -> Any:
    return json.loads(DASHBOARD.read_text())


def panels() -> Iterator[Any]:
    """The panels that have queries."""
    return (panel for panel in dashboard()["panels"] if "targets" in panel)


def queries() -> dict[str, str]:
    """The queries of the dashboard, by the title of the panel and the letter."""
    found = {}
    for panel in panels():
        for target in panel["targets"]:
            query = target["expr"]
            for variable, value in VARIABLES.items():
                query = query.replace(variable, value)
            found[f"{panel['title']}, {target['refId']}"] = query
    return found


def metrics_in(expression: str) -> set[str]:
    """The names of metrics in an expression of PromQL."""
    return {*METRIC.findall(STRING.sub("", expression))}


def families_of(scrape: str) -> dict[str, str]:
    """The types of all metrics of a scrape, those without a sample too."""
    return dict(TYPE.findall(scrape))


def series_of(families: dict[str, str]) -> set[str]:
    """The names that queries may use: a histogram has three."""
    return {
        f"{name}{suffix}"
        for name, kind in families.items()
        for suffix in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))
    }


def names_of_every_tarantool() -> set[str]:
    """The names of metrics that depend on Tarantool's version and on replication."""
    return {*evaluate(OF_EVERY_TARANTOOL)}
