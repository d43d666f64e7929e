"""The listener for metrics, with one worker and with several."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from service.process.metrics_channel import REASONS, answering
from service.process.metrics_listener import (
    MAX_CONNECTIONS,
    listening_for_scrapes,
    serving_metrics,
)
from service.process.worker_metrics import TIMEOUT as ANSWER_TIMEOUT
from service.settings import Settings
from service.storage.metrics import MAX_AGE as STORAGE_MAX_AGE
from service.storage.metrics import StorageMetrics
from service.telemetry.metrics import Metrics
from tests.support.certificates import Pair
from tests.support.machine import POLL_INTERVAL
from tests.support.scrapes import TIMEOUT, Endpoint, Scrape
from tests.support.service import (
    PROCESS_TIMEOUT,
    environ_for,
    refusal,
    service_environ,
    service_process,
)
from tests.support.tarantool import Tarantool, Tarantools
from tests.support.workers import workers_of

#: Seconds: the longest scrape, with a worker or a Tarantool that does not answer.
MAX_SCRAPE = 2.0

#: Seconds more that a busy machine takes.
SLACK = 1.0

TOKEN = "a token for Prometheus"


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


async def scrape_until(
    endpoint: Endpoint, condition: Callable[[Scrape], bool]
) -> Scrape:
    """The first scrape that has this; a failure shows the last one."""
    deadline = time.monotonic() + PROCESS_TIMEOUT
    while True:
        scrape = await endpoint.scrape()
        if condition(scrape):
            return scrape
        assert time.monotonic() < deadline, scrape.text
        await asyncio.sleep(POLL_INTERVAL)


def up(scrape: Scrape) -> dict[str, float]:
    return scrape.by_label("kv_worker_up", "worker")


def starts(scrape: Scrape) -> dict[str, float]:
    """The starts of workers that have happened, by reason."""
    counted = scrape.by_label("kv_worker_starts_total", "reason")
    assert counted.keys() == {*REASONS}
    return {reason: count for reason, count in counted.items() if count}


# One worker


async def test_a_scrape_has_the_metrics_of_the_worker_and_of_its_process(
    tmp_path: Path, tarantool: Tarantool, endpoint: Endpoint
) -> None:
    environ = environ_for(tarantool, **endpoint.environ)
    with service_process(tmp_path, **environ) as service:
        scrape = await endpoint.scrape()
        assert up(scrape) == {"0": 1}
        assert starts(scrape) == {"start": 1}
        assert scrape.value("kv_workers") == 1
        assert scrape.value("kv_watch_events_sent_total", worker="0") == 0
        memory = scrape.value("process_resident_memory_bytes", worker="0")
        assert memory is not None
        assert memory > 2**20
        assert service.stop() == 0
    assert " ERROR " not in service.stderr()
    assert " WARNING " not in service.stderr()


async def test_a_scrape_is_answered_while_the_event_loop_hangs(
    tarantool: Tarantool, endpoint: Endpoint
) -> None:
    settings = Settings.from_env(environ_for(tarantool, **endpoint.environ))

    def scrape(found: list[str]) -> None:
        with urllib.request.urlopen(endpoint.url, timeout=TIMEOUT) as response:
            found.append(response.read().decode())

    with listening_for_scrapes(settings) as listener:
        async with (
            serving_metrics(settings, listener) as channel,
            answering(channel, 0, Metrics()),
        ):
            assert up(await endpoint.scrape()) == {"0": 1}
            found: list[str] = []
            scraping = threading.Thread(target=scrape, args=(found,))
            scraping.start()
            scraping.join(TIMEOUT)  # which blocks this event loop
            assert up(Scrape(*found)) == {"0": 0}
            assert up(await endpoint.scrape()) == {"0": 1}


async def test_idle_connections_do_not_keep_a_scrape_out(
    tarantool: Tarantool, endpoint: Endpoint
) -> None:
    settings = Settings.from_env(environ_for(tarantool, **endpoint.environ))
    with (
        listening_for_scrapes(settings) as listener,
        contextlib.ExitStack() as connections,
    ):
        async with serving_metrics(settings, listener):
            for _ in range(2 * MAX_CONNECTIONS):
                _, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
                connections.callback(writer.close)
            assert (await endpoint.scrape()).value("kv_workers") == 1


async def test_after_a_failure_of_the_listener_scrapes_are_refused(
    tarantool: Tarantool,
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pending: list[asyncio.Task[bool]] = []

    async def fail(_: StorageMetrics) -> None:
        pending.append(asyncio.create_task(asyncio.Event().wait()))
        await asyncio.sleep(0)  # it waits
        raise RuntimeError("a fault")

    monkeypatch.setattr(StorageMetrics, "open", fail)
    settings = Settings.from_env(environ_for(tarantool, **endpoint.environ))
    with listening_for_scrapes(settings) as listener:
        async with serving_metrics(settings, listener):
            assert listener is not None
            deadline = time.monotonic() + TIMEOUT
            while listener.fileno() != -1:
                assert time.monotonic() < deadline
                await asyncio.sleep(POLL_INTERVAL)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", endpoint.port)
    assert "the listener for metrics has failed" in caplog.text
    assert pending[0].cancelled()


async def test_formats_and_compression(
    tmp_path: Path, tarantool: Tarantool, endpoint: Endpoint
) -> None:
    environ = environ_for(tarantool, **endpoint.environ)
    with service_process(tmp_path, **environ):
        response, text = await endpoint.get(Accept="application/openmetrics-text")
        assert response.content_type == "application/openmetrics-text"
        assert text.endswith("# EOF\n")
        response, text = await endpoint.get(**{"Accept-Encoding": "gzip"})
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert response.headers["Server"] == "kv-service"
        assert "# TYPE kv_workers gauge\n" in text


@pytest.mark.parametrize(
    ("host", "allowed", "status"),
    [
        ("attacker.example.com", {}, 421),
        ("kv.example.com", {"KV_ALLOWED_HOSTS": "kv.example.com"}, 200),
        ("service:5001", {"KV_ALLOWED_HOSTS": "kv.example.com"}, 200),
        ("attacker.example.com", {"KV_ALLOWED_HOSTS": "*"}, 200),
    ],
)
async def test_the_host_is_checked(
    tmp_path: Path,
    tarantool: Tarantool,
    endpoint: Endpoint,
    host: str,
    allowed: dict[str, str],
    status: int,
) -> None:
    environ = environ_for(tarantool, **endpoint.environ, **allowed)
    with service_process(tmp_path, **environ):
        response, _ = await endpoint.get(Host=host)
        assert response.status == status


async def test_a_token_is_required_if_one_is_configured(
    tmp_path: Path, tarantool: Tarantool, endpoint: Endpoint
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    secret = {"KV_METRICS_TOKEN_FILE": str(file)}
    environ = environ_for(tarantool, **endpoint.environ, **secret)
    with service_process(tmp_path, **environ):
        for given in ("", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}"):
            response, _ = await endpoint.get(Authorization=given)
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
        for scheme in ("Bearer", "bearer"):
            response, _ = await endpoint.get(Authorization=f"{scheme} {TOKEN}")
            assert response.status == 200


async def test_the_end_of_the_certificate(
    tmp_path: Path, tarantool: Tarantool, endpoint: Endpoint, pair: Pair
) -> None:
    environ = environ_for(tarantool, **endpoint.environ, **pair.environ())
    with service_process(tmp_path, **environ):
        expiry = (await endpoint.scrape()).value(
            "kv_tls_certificate_expiry_timestamp_seconds", worker="0"
        )
        assert expiry is not None
        assert expiry > time.time()


def test_a_port_that_is_taken(tmp_path: Path, endpoint: Endpoint) -> None:
    with socket.create_server(("127.0.0.1", endpoint.port)):
        reason = refusal(service_environ(tmp_path, **endpoint.environ))
    assert reason.startswith(f"cannot listen on 127.0.0.1:{endpoint.port}: ")


async def test_without_tarantool_the_rest_is_served(
    tmp_path: Path, tarantools: Tarantools, endpoint: Endpoint
) -> None:
    with tarantools.running() as own:
        environ = environ_for(own, **endpoint.environ)
        with service_process(tmp_path, **environ) as service:
            before = await endpoint.scrape()
            alias = f"127.0.0.1:{own.port}"
            assert before.value("kv_storage_up", alias=alias) == 1
            assert before.value("kv_keys", alias=alias) is not None
            await asyncio.to_thread(own.kill)
            await asyncio.sleep(STORAGE_MAX_AGE)
            began = time.monotonic()
            scrape = await endpoint.scrape()
            assert time.monotonic() - began < MAX_SCRAPE + SLACK
            assert scrape.value("kv_storage_up", alias=alias) == 0
            assert scrape.value("kv_keys", alias=alias) is None
            assert up(scrape) == {"0": 1}
            assert service.stop() == 0


# Several workers


def of_two(tarantool: Tarantool, endpoint: Endpoint) -> dict[str, str]:
    return environ_for(tarantool, KV_WORKERS="2", **endpoint.environ)


async def test_a_killed_worker_is_replaced_in_its_slot(
    tmp_path: Path, tarantool: Tarantool, endpoint: Endpoint
) -> None:
    with service_process(tmp_path, **of_two(tarantool, endpoint)) as service:
        before = await endpoint.scrape()
        assert up(before) == {"0": 1, "1": 1}
        assert starts(before) == {"start": 2}
        os.kill(workers_of(service)[0], signal.SIGKILL)
        down = await scrape_until(endpoint, lambda scrape: 0 in up(scrape).values())
        (slot,) = (slot for slot, value in up(down).items() if not value)
        assert down.value("kv_watch_events_sent_total", worker=slot) is None
        after = await scrape_until(
            endpoint, lambda scrape: up(scrape) == {"0": 1, "1": 1}
        )
        assert starts(after) == {"start": 2, "died": 1}
        assert service.stop() == 0


async def test_during_a_reload_the_old_workers_keep_their_slots(
    tmp_path: Path, tarantool: Tarantool, endpoint: Endpoint
) -> None:
    with service_process(tmp_path, **of_two(tarantool, endpoint)) as service:
        assert up(await endpoint.scrape()) == {"0": 1, "1": 1}
        service.send(signal.SIGHUP)
        reloaded = await scrape_until(endpoint, lambda scrape: "0" not in up(scrape))
        reloaded = await scrape_until(
            endpoint, lambda scrape: up(scrape) == {"2": 1, "3": 1}
        )
        assert starts(reloaded) == {"start": 2, "reload": 2}
        service.send(signal.SIGHUP)
        await scrape_until(endpoint, lambda scrape: up(scrape) == {"0": 1, "1": 1})
        assert service.stop() == 0


async def test_a_hanging_worker_is_left_out_and_the_scrape_does_not_wait(
    tmp_path: Path, tarantool: Tarantool, endpoint: Endpoint
) -> None:
    with service_process(tmp_path, **of_two(tarantool, endpoint)) as service:
        await endpoint.scrape()
        stopped = workers_of(service)[0]
        os.kill(stopped, signal.SIGSTOP)
        for _ in range(3):
            began = time.monotonic()
            scrape = await endpoint.scrape()
            assert ANSWER_TIMEOUT <= time.monotonic() - began < MAX_SCRAPE + SLACK
            assert sorted(up(scrape).values()) == [0, 1]
        (slot,) = (slot for slot, value in up(scrape).items() if not value)
        assert scrape.value("kv_watch_events_sent_total", worker=slot) is None
        assert scrape.value("process_start_time_seconds", worker=slot) is not None
        os.kill(stopped, signal.SIGCONT)
        await scrape_until(endpoint, lambda scrape: up(scrape) == {"0": 1, "1": 1})
        assert service.stop() == 0
