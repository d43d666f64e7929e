"""A real Prometheus with the alerts watches a service that gets into trouble."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest

from tests.support.addresses import coming_from, new_address
from tests.support.client import Client
from tests.support.machine import wait_until_ready
from tests.support.monitoring import ALERTS, legends, metrics_in, queries
from tests.support.prometheus import Prometheus, prometheus
from tests.support.scrapes import Endpoint
from tests.support.service import PROCESS_TIMEOUT, environ_for, service_process
from tests.support.tarantool import Tarantool, Tarantools

MIB = 1024 * 1024

#: Bytes: the smallest memory that Tarantool accepts, full after 24 MB of values.
MEMORY = 64 * MIB

#: Seconds until an alert fires, on a busy machine: the slowest needs ten.
TIMEOUT = 60.0

#: Rates need two samples, and the alert a second evaluation.
CONFIGURATION = """
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: ["{rules}"]
scrape_configs:
  - job_name: kv
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""

#: A pending alert fires after so long. Its windows are shortened too: they last longer
#: than the test.
FOR, WINDOW = "1s", "10s"

#: Queries for single values of a label, or of a metric, which a new service lacks.
RARE = {"Age of the last backup, A", "Firing alerts, A", "Refused as overloaded, A"}

#: Seconds between two checks of a condition.
CHECK_INTERVAL = 0.2

#: More than the alert allows in a second.
PARALLEL_LOGINS = 20

#: Keys of the first writes. After a refusal the writes have fewer keys, until not even
#: one key is accepted.
MOST_KEYS = 16
VALUE = "x" * 50_000


def hurried(rules: str) -> str:
    """The alerts, which fire earlier."""
    rules = re.sub(r"for: \w+", f"for: {FOR}", rules)
    return re.sub(r"\[[25]m\]", f"[{WINDOW}]", rules)


@dataclass(frozen=True)
class Watched:
    """A service with its own Tarantool, and the Prometheus that watches both."""

    tarantool: Tarantool
    prometheus: Prometheus
    url: str

    async def fires(self, alert: str) -> bool:
        return any(
            each["labels"]["alertname"] == alert and each["state"] == "firing"
            for each in await self.prometheus.alerts()
        )

    async def shown(self, metric: str) -> list[float]:
        """The values that the panels of the dashboard with this metric have now."""
        of_metric = [each for each in queries().values() if metric in metrics_in(each)]
        assert of_metric
        found = []
        for query in of_metric:
            values = [value for _, value in await self.prometheus.query(query)]
            assert values, query
            found += values
        return found


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory, tarantools: Tarantools
) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    endpoint = Endpoint()
    rules = folder / "alerts.yml"
    rules.write_text(hurried(ALERTS.read_text()))
    configuration = CONFIGURATION.replace("{rules}", str(rules))
    with tarantools.running(KV_MEMTX_MEMORY=str(MEMORY)) as tarantool:
        environ = environ_for(tarantool, **endpoint.environ)
        with (
            service_process(folder, **environ) as service,
            prometheus(
                folder / "prometheus", endpoint.port, configuration=configuration
            ) as scraper,
        ):
            yield Watched(tarantool, scraper, service.url)


@pytest.fixture
async def client(watched: Watched) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, watched.url)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """:raises TimeoutError: the condition did not become true"""
    async with asyncio.timeout(TIMEOUT):
        while True:
            if await condition():
                return
            await asyncio.sleep(CHECK_INTERVAL)


@asynccontextmanager
async def in_background(*calls: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Calls that last until the end of the block, which ends if one of them fails."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(call) for call in calls]
        yield
        for task in tasks:
            task.cancel()


async def test_a_login_flood(watched: Watched, client: Client) -> None:
    async def guess(attacker: Client) -> None:
        while True:
            reply = await attacker.login("nobody", "a guess")
            assert reply.status in (401, 429, 503)

    async with (
        coming_from(new_address(), client) as attacker,
        in_background(*(guess(attacker) for _ in range(PARALLEL_LOGINS))),
    ):
        await until(lambda: watched.fires("KVLoginFlood"))
        await until(lambda: shows_more(watched, "kv_logins_total", 10))


async def shows_more(watched: Watched, metric: str, bound: float) -> bool:
    return max(await watched.shown(metric)) > bound


async def test_a_full_memory(watched: Watched, client: Client) -> None:
    async def write() -> None:
        keys = MOST_KEYS
        for number in itertools.count():
            batch = {f"{number}/{i}": VALUE for i in range(keys)}
            reply = await client.write(batch)
            if reply.status != 200:
                assert reply.json["code"] == "storage_full"
                keys = max(1, keys // 2)

    await client.enter()
    async with in_background(write()):
        await until(lambda: watched.fires("KVWritesRefused"))
        await until(lambda: watched.fires("KVMemoryHigh"))
        assert await watched.shown("kv_writes_accepted") == [0]
        used = await watched.shown("kv_memory_used_bytes")
        assert any(0.8 < each <= 1 for each in used), used


async def test_a_killed_tarantool(watched: Watched, client: Client) -> None:
    watched.tarantool.kill()
    try:
        await until(lambda: watched.fires("KVStorageUnavailable"))
        assert await watched.shown("kv_storage_up") == [0]
        assert await watched.fires("KVDown") is False
    finally:
        watched.tarantool.start()
    await wait_until_ready(client, PROCESS_TIMEOUT)
    await until(lambda: is_over(watched, "KVStorageUnavailable"))


async def is_over(watched: Watched, alert: str) -> bool:
    return not await watched.fires(alert)


async def test_the_dashboard_shows_whatever_prometheus_knows(watched: Watched) -> None:
    """A query that matches no series of its metrics would have an empty panel."""

    async def is_empty(query: str) -> bool:
        return not await watched.prometheus.query(query)

    async def unexpected() -> list[str]:
        return [
            name
            for name, query in queries().items()
            if name not in RARE
            and await is_empty(query)
            and not any([await is_empty(metric) for metric in metrics_in(query)])
        ]

    await until(lambda: is_none(unexpected()))
    for name, query in queries().items():
        for labels, _ in await watched.prometheus.query(query):
            assert legends()[name] <= labels.keys(), name


async def is_none(names: Awaitable[list[str]]) -> bool:
    return not await names
