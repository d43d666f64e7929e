"""What a real Prometheus knows about a service, across the end of a worker."""

import asyncio
import os
import signal
import time
from pathlib import Path

from tests.support.client import unique
from tests.support.machine import POLL_INTERVAL
from tests.support.prometheus import Prometheus, check_metrics, prometheus
from tests.support.scrapes import Endpoint
from tests.support.service import PROCESS_TIMEOUT, environ_for, service_process
from tests.support.tarantool import Tarantool
from tests.support.workers import client_of, workers_of

TOKEN = "a token for Prometheus"


async def values_of(
    scraper: Prometheus, expression: str, expected: dict[str, float], label: str
) -> None:
    """Waits until the vector has these values, by their label."""
    deadline = time.monotonic() + PROCESS_TIMEOUT
    while True:
        found = await scraper.query(expression)
        if {labels.get(label, ""): value for labels, value in found} == expected:
            return
        assert time.monotonic() < deadline, (found, await scraper.targets())
        await asyncio.sleep(POLL_INTERVAL)


async def test_prometheus_sees_a_killed_worker_as_a_reset_of_its_counters(
    tmp_path: Path, tarantool: Tarantool
) -> None:
    endpoint = Endpoint()
    environ = environ_for(
        tarantool, KV_WORKERS="2", KV_METRICS_TOKEN=TOKEN, **endpoint.environ
    )
    with (
        service_process(tmp_path, **environ) as service,
        prometheus(tmp_path / "prometheus", endpoint.port, TOKEN) as scraper,
    ):
        written = 'kv_keys_touched_total{operation="write"}'
        victim, _ = workers_of(service)
        async with client_of(service, victim) as client:
            await client.enter()
            for _ in range(7):
                assert (await client.write({unique("k"): 1})).status == 200
        await values_of(scraper, "kv_worker_up", {"0": 1, "1": 1}, "worker")
        await values_of(scraper, f"sum({written})", {"": 7}, "")
        os.kill(victim, signal.SIGKILL)
        starts = {"start": 2.0, "died": 1.0}
        await values_of(scraper, "kv_worker_starts_total > 0", starts, "reason")
        await values_of(scraper, "kv_worker_up", {"0": 1, "1": 1}, "worker")
        # its replacement begins again, in the same slot
        async with client_of(service, workers_of(service)[1]) as client:
            await client.enter()
            assert (await client.write({unique("k"): 1})).status == 200
        await values_of(scraper, f"sum({written})", {"": 1}, "")
        slots = "count(count by (worker) (last_over_time(kv_worker_up[5m])))"
        await values_of(scraper, slots, {"": 2}, "")


async def test_promtool_finds_nothing_to_improve(
    tmp_path: Path, tarantool: Tarantool
) -> None:
    endpoint = Endpoint()
    with service_process(tmp_path, **environ_for(tarantool, **endpoint.environ)):
        assert check_metrics((await endpoint.scrape()).text) == ""
