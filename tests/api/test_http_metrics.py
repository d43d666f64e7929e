"""What the service counts of its requests, as their clients cause it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from service.api.changes import StreamTiming
from service.app import DEFAULT_TUNING, Tuning
from tests.support.assertions import assert_problem
from tests.support.certificates import Authority, Pair
from tests.support.client import Client, unique
from tests.support.machine import wait_until
from tests.support.metrics import Counts, counting
from tests.support.raw_http import http, left_waiting, talk
from tests.support.sse import following
from tests.support.tarantool import Tarantool
from tests.support.transfers import exported

REQUESTS = "kv_http_requests"
DURATIONS = "kv_http_request_duration_seconds"
ERRORS = "kv_http_errors"
CLOSED = "kv_connections_closed"
ENDINGS = "kv_watcher_endings"

#: Seconds: `KV_CLIENT_TIMEOUT`, and until a check finds a slow client.
SHORT = "1"
CUT_OFF = 10.0


@pytest.fixture
async def counted(tarantool: Tarantool) -> AsyncIterator[tuple[Client, Counts]]:
    """A client that is logged in, and the metrics of its service."""
    async with counting(tarantool) as (client, counts):
        yield await client.enter(), counts


async def until(condition: Callable[[], bool], seconds: float = CUT_OFF) -> None:
    """Waits for what a server does after its client has the reply."""
    await asyncio.to_thread(wait_until, condition, seconds)


# Requests


async def test_a_request_counts_with_its_route_and_status(
    counted: tuple[Client, Counts],
) -> None:
    client, counts = counted
    key = unique("key")
    await client.request("PUT", f"/api/keys/{key}", "1")
    await client.request("GET", f"/api/keys/{key}")
    await client.request("HEAD", f"/api/keys/{key}")
    await client.request("GET", f"/api/keys/{key}-missing")
    await client.read([key])
    await client.post("/api/read", "nope")
    one_key = "/api/keys/{key}"
    for labels in (
        {"method": "PUT", "route": one_key, "status": "204"},
        {"method": "GET", "route": one_key, "status": "200"},
        {"method": "HEAD", "route": one_key, "status": "200"},
        {"method": "GET", "route": one_key, "status": "404"},
        {"method": "POST", "route": "/api/read", "status": "200"},
        {"method": "POST", "route": "/api/read", "status": "400"},
    ):
        await until(lambda labels=labels: counts.of(REQUESTS, **labels) == 1)  # type: ignore[misc]
    assert counts.of(DURATIONS, method="GET", route=one_key) == 2
    assert counts.of(DURATIONS, method="POST", route="/api/read") == 2


async def test_an_export_counts_its_keys_and_its_result_but_no_duration(
    counted: tuple[Client, Counts],
) -> None:
    client, counts = counted
    prefix = unique("exported")
    await client.write({f"{prefix}-{number}": number for number in range(3)})
    assert (await exported(client, prefix)).check().last["keys"] == 3
    route = "/api/export"
    await until(lambda: counts.of("kv_exports", result="complete") == 1)
    await until(lambda: counts.of(REQUESTS, route=route, status="200") == 1)
    assert counts.of("kv_keys_touched", operation="read") == 3
    assert counts.of(DURATIONS, route=route) == 0
    assert counts.of("kv_http_requests_in_flight") == 0
    reply = await client.request("GET", f"{route}?prefix={'x' * 2000}")
    assert_problem(reply, 400, "invalid_key")
    assert counts.of("kv_exports") == 1


async def test_the_keys_of_an_export_of_several_pages_are_counted_once(
    tarantool: Tarantool,
) -> None:
    async with counting(tarantool, Tuning(export_page=1024)) as (client, counts):
        await client.enter()
        prefix = unique("exported")
        await client.write({f"{prefix}-{number}": number for number in range(200)})
        assert (await exported(client, prefix)).check().last["keys"] == 200
        await until(lambda: counts.of(REQUESTS, route="/api/export") == 1)
        assert counts.of("kv_keys_touched", operation="read") == 200


async def test_no_client_can_add_a_label(counted: tuple[Client, Counts]) -> None:
    client, counts = counted
    before = counts.of(REQUESTS)
    sent = [
        http("GET", "/nothing/is/here"),
        http("PATCH", "/api/read"),
        http("BREW", "/api/read"),
        http("BREW", "/nothing"),
        b"hello\r\n\r\n",
        b"GET / HTTP/3.0\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: evil.example.com\r\n\r\n",
        b"GET /api/me HTTP/1.1\r\nHost: evil.example.com\r\n\r\n",
    ]
    for each in sent:
        assert (await talk(client, each)).status >= 200
    await until(lambda: counts.of(REQUESTS) == before + len(sent))
    assert counts.of(REQUESTS, route="/livez", method="GET") == 1
    assert counts.of(REQUESTS, route="other") == len(sent) - 1
    assert counts.of(REQUESTS, route="other", method="GET") == 2
    assert counts.of(REQUESTS, route="other", method="PATCH") == 1
    assert counts.of(REQUESTS, route="other", method="other") == 4
    assert counts.labels(REQUESTS, "method") == {"GET", "POST", "PATCH", "other"}


async def test_errors_count_by_code(counted: tuple[Client, Counts]) -> None:
    client, counts = counted
    await client.write({unique("key"): 1}, **{"if": {unique("none"): 7}})
    await client.post("/api/read", "nope")
    await talk(client, http("GET", "/api/me"))
    await talk(client, b"hello\r\n\r\n")
    await talk(client, http("GET", "/livez", b"Expect: cookies"))
    expected = {
        "condition_failed": 1,
        "invalid_json": 1,
        "token_missing": 1,
        "invalid_request": 2,
    }
    await until(lambda: counts.of(ERRORS) == sum(expected.values()))
    for code, number in expected.items():
        assert counts.of(ERRORS, code=code) == number


async def test_bytes_count_by_route(counted: tuple[Client, Counts]) -> None:
    client, counts = counted
    value = "x" * 100_000
    await client.request("PUT", "/api/keys/large", f'"{value}"')
    await client.request("GET", "/api/keys/large")
    route = "/api/keys/{key}"
    await until(lambda: counts.of(REQUESTS, route=route) == 2)
    assert counts.of("kv_http_request_bytes", route=route) == len(value) + 2
    sent = counts.of("kv_http_response_bytes", route=route)
    assert len(value) < sent < len(value) + 2_000  # two heads


async def test_a_compressed_reply_counts_as_it_was_sent(
    counted: tuple[Client, Counts],
) -> None:
    client, counts = counted
    await client.write({"k": "x" * 100_000})
    headers = {"Accept-Encoding": "gzip"}
    reply = await client.post("/api/read", {"keys": ["k"]}, headers=headers)
    assert reply.headers["Content-Encoding"] == "gzip"
    await until(lambda: counts.of(REQUESTS, route="/api/read") == 1)
    assert counts.of("kv_http_response_bytes", route="/api/read") < 5_000


async def test_keys_count_by_operation(counted: tuple[Client, Counts]) -> None:
    client, counts = counted
    prefix = unique("touched")
    keys = [f"{prefix}/{number}" for number in range(5)]
    await client.write(dict.fromkeys(keys, 1))
    await client.request("PUT", f"/api/keys/{keys[0]}", "2")
    await client.read(keys)
    await client.read(keys[:2], revisions=True)
    await client.request("GET", f"/api/keys/{keys[0]}")
    await client.list_keys(prefix, limit=3)
    await client.increment({keys[0]: 1, keys[1]: 1})
    await client.delete([keys[0], keys[1], f"{prefix}/missing"])
    await client.request("DELETE", f"/api/keys/{keys[2]}")
    await client.write({keys[0]: 1}, **{"if": {keys[3]: 1}})  # is refused
    touched = "kv_keys_touched"
    assert counts.of(touched, operation="write") == 6
    assert counts.of(touched, operation="read") == 5 + 2 + 1 + 3
    assert counts.of(touched, operation="increment") == 2
    assert counts.of(touched, operation="delete") == 3


# Load


async def test_the_load_and_its_limits_are_gauges(tarantool: Tarantool) -> None:
    limits = {
        "KV_MAX_CONNECTIONS": "40",
        "KV_MAX_WATCHERS": "20",
        "KV_MAX_IN_FLIGHT": "30",
    }
    async with counting(tarantool, DEFAULT_TUNING, **limits) as (client, counts):
        await client.enter()
        assert counts.of("kv_connections_limit") == 40
        assert counts.of("kv_watchers_limit") == 20
        assert counts.of("kv_http_requests_in_flight_limit") == 30
        assert counts.of("kv_buffered_limit_bytes") > 0
        assert counts.of("kv_buffered_bytes") == 0
        assert counts.of("kv_http_requests_in_flight") == 0
        assert counts.of("kv_connections") == 1
        poll = http("GET", "/api/changes?wait=30", token=client.token)
        async with following(client) as stream, left_waiting(client, poll):
            await stream.start()
            await until(lambda: counts.of("kv_watchers", kind="poll") == 1)
            assert counts.of("kv_watchers", kind="stream") == 1
            assert counts.of("kv_connections") == 2  # the stream has the first one
        await until(lambda: counts.of("kv_watchers") == 0)


# Watchers


async def test_a_watch_has_events_and_an_ending_and_no_duration(
    counted: tuple[Client, Counts],
) -> None:
    client, counts = counted
    first = await client.write({unique("k"): 1})
    async with following(client, since=first.revision) as stream:
        await client.write({unique("k"): 1})
        await client.write({unique("k"): 1})
        await stream.take(2)
        assert counts.of("kv_watch_events_sent") == 2
    await until(lambda: counts.of(ENDINGS, reason="left") == 1)
    poll = await client.request("GET", f"/api/changes?since={first.revision}&wait=1")
    assert len(poll.json["changes"]) == 2
    assert counts.of("kv_watch_events_sent") == 4
    assert counts.of(ENDINGS, reason="answered") == 1
    await client.request("GET", "/api/changes?since=999999999999")
    assert counts.of(ENDINGS, reason="revision_ahead") == 1
    await until(lambda: counts.of(REQUESTS, route="/api/changes") == 3)
    assert counts.of(DURATIONS, route="/api/changes") == 0


async def test_a_revoked_stream_ends_with_its_code(
    counted: tuple[Client, Counts],
) -> None:
    client, counts = counted
    async with following(client) as stream:
        await stream.start()
        await client.post("/api/logout")
        await stream.rest()
    await until(lambda: counts.of(ENDINGS) == 1)
    assert counts.of(ENDINGS, reason="token_revoked") == 1


async def test_a_stream_that_is_not_read_ends_as_too_slow(tarantool: Tarantool) -> None:
    tuning = Tuning(stream=StreamTiming(send_timeout=0.5))
    async with counting(tarantool, tuning) as (client, counts):
        await client.enter()
        accept = b"Accept: text/event-stream"
        since = (await client.write({"k": 0})).revision
        watch = http("GET", f"/api/changes?since={since}", accept, token=client.token)
        async with left_waiting(client, watch):
            for _ in range(20):
                await client.write({"k": "x" * 500_000})
            await until(lambda: counts.of(ENDINGS) == 1)
        assert counts.of(ENDINGS, reason="too_slow") == 1
        assert counts.of(CLOSED, reason="slow_reply") == 1


# Connections that the server closes


SLOW_HEAD = b"GET /livez HTTP/1.1\r\nHost: kv\r\na: "
SLOW_BODY = http("POST", "/api/login", b"Content-Length: 8000")


@pytest.mark.parametrize("sent", [SLOW_HEAD, SLOW_BODY], ids=["head", "body"])
async def test_a_slow_request_is_counted(tarantool: Tarantool, sent: bytes) -> None:
    async with counting(tarantool, KV_CLIENT_TIMEOUT=SHORT) as (client, counts):
        async with left_waiting(client, sent) as reader:
            async with asyncio.timeout(CUT_OFF):
                assert b" 408 " in await reader.read()
        assert counts.of(CLOSED) == counts.of(CLOSED, reason="slow_request") == 1
        assert counts.of(ERRORS, code="request_timeout") == 1


async def test_an_evicted_connection_is_counted(tarantool: Tarantool) -> None:
    async with counting(tarantool, KV_MAX_CONNECTIONS="1") as (client, counts):
        async with left_waiting(client, http("GET", "/livez")) as reader:
            await reader.readuntil(b"}")
            assert (await talk(client, http("GET", "/livez"))).status == 200
            assert await reader.read() == b""
        assert counts.of(CLOSED) == counts.of(CLOSED, reason="evicted") == 1


async def test_a_reply_that_is_not_read_is_counted(tarantool: Tarantool) -> None:
    async with counting(tarantool, KV_CLIENT_TIMEOUT=SHORT) as (client, counts):
        await client.enter()
        await client.request("PUT", "/api/keys/slow", f'"{"x" * 900_000}"')
        read = http("GET", "/api/keys/slow", token=client.token)
        async with left_waiting(client, read * 20):
            await until(lambda: counts.of(CLOSED) == 1)
        assert counts.of(CLOSED, reason="slow_reply") == 1


async def test_a_handshake_that_does_not_end_is_counted(
    tarantool: Tarantool, tmp_path: Path
) -> None:
    pair = Pair(Authority(tmp_path / "ca"), tmp_path)
    environ = pair.environ() | {"KV_CLIENT_TIMEOUT": SHORT}
    async with counting(tarantool, DEFAULT_TUNING, **environ) as (client, counts):
        async with left_waiting(client, b"") as reader:
            async with asyncio.timeout(CUT_OFF):
                assert await reader.read() == b""
        assert counts.of(CLOSED) == counts.of(CLOSED, reason="handshake") == 1
        async with left_waiting(client, b"GET / HTTP/1.1\r\n\r\n") as reader:
            await reader.read()
        await until(lambda: counts.of(CLOSED, reason="handshake") == 2)
