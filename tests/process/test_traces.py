"""Traces: what an OTLP receiver gets from a service, and what it does not."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic

import aiohttp
import pytest

from service.process import serving
from service.settings import Settings
from service.telemetry.log import Log
from service.telemetry.tracing import FLUSH_TIMEOUT, Tracing
from tests.support.client import Client, unique
from tests.support.machine import free_port, wait_until
from tests.support.otlp import Receiver, Span, otlp_receiver
from tests.support.service import (
    ServiceProcess,
    environ_for,
    refusal,
    service_environ,
    service_process,
)
from tests.support.tarantool import Tarantool

#: Seconds for a span to arrive, on a busy machine.
TIMEOUT = 20.0

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with otlp_receiver() as receiver:
        yield receiver


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def service(
    tmp_path: Path, tarantool: Tarantool, receiver: Receiver
) -> Iterator[ServiceProcess]:
    environ = environ_for(tarantool) | receiver.environ()
    with service_process(tmp_path, **environ) as service:
        yield service


async def logged_in(session: aiohttp.ClientSession, service: ServiceProcess) -> Client:
    client = Client(session, service.url)
    await client.enter()
    return client


def sent(sampled: bool) -> dict[str, str]:
    return {"traceparent": f"00-{TRACE}-{SPAN}-0{int(sampled)}"}


def one(receiver: Receiver, name: str) -> Span:
    """The span of this name that belongs to the caller's trace."""

    def found() -> list[Span]:
        return [span for span in receiver.named(name) if span.trace_id == TRACE]

    wait_until(lambda: bool(found()), TIMEOUT)
    (span,) = found()
    return span


async def test_a_request_and_its_call_belong_to_the_trace_of_the_caller(
    session: aiohttp.ClientSession, service: ServiceProcess, receiver: Receiver
) -> None:
    client = await logged_in(session, service)
    reply = await client.post("/api/write", {"data": {"k": 1}}, headers=sent(True))
    request = await asyncio.to_thread(one, receiver, "POST /api/write")
    assert request.kind == "SERVER"
    assert request.parent_id == SPAN
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/write",
        "http.response.status_code": 200,
        "kv.request_id": reply.headers["X-Request-Id"],
    }
    call = await asyncio.to_thread(one, receiver, "call kv.v1.put_each")
    assert call.kind == "CLIENT"
    assert call.parent_id == request.span_id
    assert call.attributes["db.system.name"] == "tarantool"
    assert call.attributes["db.stored_procedure.name"] == "kv.v1.put_each"
    assert call.attributes["server.address"] == "127.0.0.1"
    assert receiver.resource["service.name"] == "kv-service"


async def test_a_coalesced_call_has_a_link_to_each_request_that_it_serves(
    session: aiohttp.ClientSession, service: ServiceProcess, receiver: Receiver
) -> None:
    client = await logged_in(session, service)

    def shared() -> bool:
        return any(len(s.links) > 1 for s in receiver.named("call kv.v1.read_each"))

    for _ in range(20):
        await asyncio.gather(
            *(client.post("/api/read", {"keys": ["k"]}) for _ in range(16))
        )
        await asyncio.sleep(0.1)
        if shared():
            break
    await asyncio.to_thread(wait_until, shared, TIMEOUT)
    requests = {(s.trace_id, s.span_id) for s in receiver.named("POST /api/read")}
    linked = [link for s in receiver.named("call kv.v1.read_each") for link in s.links]
    assert len(linked) == len(set(linked))
    assert requests <= set(linked) or set(linked) <= requests


async def test_a_request_that_its_caller_does_not_sample_gets_no_span(
    session: aiohttp.ClientSession, service: ServiceProcess, receiver: Receiver
) -> None:
    client = await logged_in(session, service)
    await client.post("/api/read", {"keys": ["k"]}, headers=sent(False))
    await client.post("/api/read", {"keys": ["k"]}, headers=sent(True))
    span = await asyncio.to_thread(one, receiver, "POST /api/read")
    assert span.parent_id == SPAN
    service.stop()
    assert [s.trace_id for s in receiver.named("POST /api/read")] == [TRACE]


async def test_a_failed_request_names_its_code(
    session: aiohttp.ClientSession, service: ServiceProcess, receiver: Receiver
) -> None:
    client = await logged_in(session, service)
    await client.post("/api/read", "nonsense", headers=sent(True))
    span = await asyncio.to_thread(one, receiver, "POST /api/read")
    assert span.attributes["error.type"] == "invalid_json"
    assert not span.has_failed  # the client's mistake (OpenTelemetry's conventions)


async def test_spans_contain_no_data_of_clients(
    session: aiohttp.ClientSession, service: ServiceProcess, receiver: Receiver
) -> None:
    client = await logged_in(session, service)
    key, value = unique("key"), unique("value")
    await client.post("/api/write", {"data": {key: value}})
    await client.request("GET", f"/api/keys/{key}?details={value}")
    await client.request("GET", f"/{key}", headers=sent(True))
    await asyncio.to_thread(one, receiver, "GET")
    service.stop()
    assert receiver.named("GET /api/keys/{key}")
    everything = b"".join(receiver.bodies)
    assert b"kv.request_id" in everything  # a control of the search
    for secret in key, value, client.token or "":
        assert secret.encode() not in everything


async def test_the_log_line_of_a_request_names_its_trace(
    session: aiohttp.ClientSession,
    tmp_path: Path,
    tarantool: Tarantool,
    receiver: Receiver,
) -> None:
    environ = environ_for(tarantool, KV_ACCESS_LOG="all", KV_LOG_FORMAT="json")
    with service_process(tmp_path, **environ, **receiver.environ()) as service:
        client = await logged_in(session, service)
        await client.request("GET", "/api/me", headers=sent(True))
        span = await asyncio.to_thread(one, receiver, "GET /api/me")
        lines = [json.loads(line) for line in service.stderr().splitlines()]
    (line,) = [each for each in lines if each.get("http.route") == "/api/me"]
    assert (line["trace_id"], line["span_id"]) == (TRACE, span.span_id)


async def test_a_stream_gets_no_span(
    session: aiohttp.ClientSession, service: ServiceProcess, receiver: Receiver
) -> None:
    client = await logged_in(session, service)
    await client.request("GET", "/api/changes?since=0&wait=0", headers=sent(True))
    await client.request("GET", "/api/me", headers=sent(True))
    await asyncio.to_thread(one, receiver, "GET /api/me")
    service.stop()
    assert not receiver.named("GET /api/changes")


async def test_every_worker_sends_its_spans(
    session: aiohttp.ClientSession,
    tmp_path: Path,
    tarantool: Tarantool,
    receiver: Receiver,
) -> None:
    environ = environ_for(tarantool) | receiver.environ() | {"KV_WORKERS": "2"}
    with service_process(tmp_path, **environ) as service:
        client = Client(session, service.url)
        await client.request("GET", "/livez")
        assert service.stop() == 0
    assert receiver.named("GET /livez")


async def test_a_receiver_that_is_down_stops_no_request(
    session: aiohttp.ClientSession, tmp_path: Path, tarantool: Tarantool
) -> None:
    environ = (
        environ_for(tarantool) | Receiver(f"http://127.0.0.1:{free_port()}").environ()
    )
    with service_process(tmp_path, **environ) as service:
        client = await logged_in(session, service)
        assert (await client.post("/api/read", {"keys": ["k"]})).status == 200
        assert service.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        (
            {"OTEL_TRACES_EXPORTER": "zipkin"},
            "OTEL_TRACES_EXPORTER is zipkin, expected one of: otlp, console, none",
        ),
        (
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL is grpc, expected http/protobuf",
        ),
        (
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "sometimes"},
            "OTEL_TRACES_SAMPLER is sometimes, expected one of: always_on, always_off, "
            "traceidratio, parentbased_always_on, parentbased_always_off, "
            "parentbased_traceidratio",
        ),
        (
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_TRACES_SAMPLER": "traceidratio",
                "OTEL_TRACES_SAMPLER_ARG": "2",
            },
            "OTEL_TRACES_SAMPLER_ARG is 2, expected a number from 0 to 1",
        ),
    ],
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_variable_that_is_not_valid_stops_the_start(
    tmp_path: Path,
    tarantool: Tarantool,
    variables: dict[str, str],
    reason: str,
    workers: str,
) -> None:
    environ = environ_for(tarantool) | variables | {"KV_WORKERS": workers}
    assert refusal(service_environ(tmp_path, **environ)) == reason


def test_traces_without_their_packages_stop_the_start(
    tmp_path: Path, tarantool: Tarantool
) -> None:
    hidden = tmp_path / "hidden" / "opentelemetry"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('not installed')\n")
    environ = environ_for(tarantool) | {
        "OTEL_TRACES_EXPORTER": "otlp",
        "PYTHONPATH": str(hidden.parent),
    }
    assert refusal(service_environ(tmp_path, **environ)) == (
        "traces need the packages of kv-service[otel]: not installed"
    )


async def test_a_receiver_that_does_not_answer_delays_the_end_by_seconds(
    tmp_path: Path, tarantool: Tarantool, session: aiohttp.ClientSession
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as receiver:
        port = receiver.getsockname()[1]
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
        environ = environ_for(tarantool, **endpoint)
        with service_process(tmp_path, **environ) as service:
            await logged_in(session, service)
            began = monotonic()
            assert await asyncio.to_thread(service.stop) == 0
            # the exporter waits for ten
            assert monotonic() - began < FLUSH_TIMEOUT + 4


async def test_the_traces_are_closed_after_an_application_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Tracing] = []

    async def close(tracing: Tracing) -> None:
        closed.append(tracing)
        await close_before(tracing)

    def fail(*_: object) -> None:
        raise RuntimeError("a fault")

    close_before = Tracing.close
    monkeypatch.setattr(Tracing, "close", close)
    monkeypatch.setattr(serving, "create_app", fail)
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    settings = Settings.from_env(service_environ(tmp_path))
    with socket.socket() as listener, pytest.raises(RuntimeError, match="a fault"):
        async with serving.running(settings, listener, Log(settings)):
            pass
    assert len(closed) == 1
