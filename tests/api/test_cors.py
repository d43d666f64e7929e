"""Pages of allowed origins can use the service in a browser, and those of no others."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, unique
from tests.support.machine import free_port
from tests.support.proxy import Proxy
from tests.support.raw_http import http, talk
from tests.support.service import Serve
from tests.support.sse import following
from tests.support.tarantool import Tarantool

APP = "https://app.example.com"
LOCAL = "http://localhost:3000"
OTHER = "https://evil.example"
ORIGIN = {"Origin": APP}
KEYS = {"keys": ["k"]}
EXPOSED = {
    "ETag",
    "KV-Revision",
    "KV-Age",
    "KV-TTL",
    "Retry-After",
    "Allow",
    "X-Request-Id",
}
NEEDED = {
    *("authorization", "content-type", "content-encoding", "if-match"),
    *("if-none-match", "idempotency-key", "last-event-id", "x-request-id"),
    "traceparent",
}
PREFLIGHT_HEADERS = (
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",
    "Access-Control-Max-Age",
)
METHODS = {
    "/api/login": {"POST"},
    "/api/write": {"POST"},
    "/api/tickets": {"POST"},
    "/api/keys/a": {"GET", "HEAD", "PUT", "DELETE"},
    "/api/keys/a/b%2Fc%0A": {"GET", "HEAD", "PUT", "DELETE"},
    "/api/changes": {"GET"},
    "/api/changes?since=1": {"GET"},
    "/api/me": {"GET", "HEAD", "DELETE"},
    "/livez": {"GET", "HEAD"},
    "/docs/swagger-ui.js": {"GET", "HEAD"},
}


@pytest.fixture(scope="module")
async def listed(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    origins = f"{APP} , {LOCAL},chrome-extension://abcdefghijklmnop"
    async with serve(tarantool, KV_CORS_ORIGINS=origins, KV_MAX_BODY="1000") as client:
        yield await client.enter()


@pytest.fixture(scope="module")
async def opened(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    async with serve(tarantool, KV_CORS_ORIGINS="*") as client:
        yield await client.enter()


def words(value: str) -> set[str]:
    return {word.strip() for word in value.split(",")}


def assert_readable(reply: Reply, origin: str) -> None:
    allowed = reply.headers.getall("Access-Control-Allow-Origin", [])
    assert allowed == [origin], (reply.status, reply.headers)
    assert words(reply.headers["Access-Control-Expose-Headers"]) == EXPOSED
    assert_varies(reply)


def assert_unreadable(reply: Reply) -> None:
    assert not [name for name in reply.headers if name.startswith("Access-Control-")]


def assert_varies(reply: Reply) -> None:
    assert [words(value) for value in reply.headers.getall("Vary")] == [{"Origin"}]


async def preflight(
    client: Client, path: str, origin: str, method: str = "POST", **more: str
) -> Reply:
    """Sends a preflight as a browser does: without the token."""
    asking = {"Origin": origin, "Access-Control-Request-Method": method}
    anonymous = Client(client.session, client.url)
    return await anonymous.request("OPTIONS", path, headers=asking | more)


# Preflights


@pytest.mark.parametrize(("path", "methods"), METHODS.items())
async def test_a_preflight_returns_the_methods_of_the_route(
    listed: Client, path: str, methods: set[str]
) -> None:
    for origin in (APP, LOCAL, "chrome-extension://abcdefghijklmnop"):
        reply = await preflight(listed, path, origin, min(methods))
        assert (reply.status, reply.text) == (204, "")
        assert reply.headers["Access-Control-Allow-Origin"] == origin
        allowed = words(reply.headers["Access-Control-Allow-Methods"])
        assert allowed == methods | {"OPTIONS"}
        headers = words(reply.headers["Access-Control-Allow-Headers"])
        assert {name.lower() for name in headers} == NEEDED
        assert reply.headers["Access-Control-Max-Age"] == "7200"
        assert "Access-Control-Allow-Credentials" not in reply.headers
        assert_varies(reply)


@pytest.mark.parametrize("token", ["", "Bearer nonsense", "Basic dTpw"])
async def test_a_preflight_is_answered_before_authentication(
    listed: Client, token: str
) -> None:
    reply = await preflight(listed, "/api/write", APP, Authorization=token)
    assert reply.status == 204
    assert "Access-Control-Allow-Methods" in reply.headers


async def test_a_preflight_is_answered_when_the_service_is_busy(
    serve: Serve, tarantool: Tarantool
) -> None:
    proxy = Proxy(free_port(), tarantool.port)
    behind = {"KV_TARANTOOL_URI": f"127.0.0.1:{proxy.port}", "KV_MAX_IN_FLIGHT": "1"}
    async with (
        proxy.running(),
        serve(tarantool, KV_CORS_ORIGINS=APP, **behind) as client,
    ):
        await client.enter()
        with proxy.swallowing():
            reads = [asyncio.create_task(client.read(["k"])) for _ in range(2)]
            (refused,), (waiting,) = await asyncio.wait(
                reads, return_when=asyncio.FIRST_COMPLETED
            )
            assert_problem(refused.result(), 503, "overloaded")  # it is busy
            reply = await preflight(client, "/api/read", APP)
            assert reply.status == 204
            assert "Access-Control-Allow-Methods" in reply.headers
        assert_problem(await waiting, 503, "storage_unavailable")


async def test_a_preflight_for_an_unknown_path_is_not_found(listed: Client) -> None:
    reply = await preflight(listed, "/api/nothing", APP)
    assert_problem(reply, 404, "not_found")
    assert_readable(reply, APP)
    assert not [name for name in PREFLIGHT_HEADERS if name in reply.headers]


@pytest.mark.parametrize(
    "origin",
    [
        *(OTHER, "null", "", "https://app.example.com.evil.example", "https://example"),
        *(
            "http://app.example.com",
            f"{APP}:8443",
            f"{APP}/",
            "HTTPS://APP.EXAMPLE.COM",
        ),
        *("https://xapp.example.com", "https://a.app.example.com", f"{APP}, {OTHER}"),
        *("http://localhost", "http://localhost:30000", "*", f"{APP}\xa0"),
    ],
    ids=ascii,
)
async def test_another_origin_is_allowed_nothing(listed: Client, origin: str) -> None:
    refused = await preflight(listed, "/api/write", origin)
    assert refused.status == 204
    for reply in (
        refused,
        await listed.post("/api/read", KEYS, headers={"Origin": origin}),
        await listed.post("/api/read", "x", headers={"Origin": origin}),
    ):
        assert_unreadable(reply)
        assert_varies(reply)


async def test_a_request_for_a_private_network_gets_no_special_answer(
    listed: Client,
) -> None:
    asking = {"Access-Control-Request-Private-Network": "true"}
    reply = await preflight(listed, "/api/write", APP, **asking)
    assert reply.status == 204
    assert "Access-Control-Allow-Private-Network" not in reply.headers


# OPTIONS without a browser


@pytest.mark.parametrize(("path", "methods"), METHODS.items())
async def test_options_returns_the_methods(
    service: Client, listed: Client, path: str, methods: set[str]
) -> None:
    for client in (service, listed):
        reply = await client.request("OPTIONS", path)
        assert (reply.status, reply.text) == (204, "")
        assert words(reply.headers["Allow"]) == methods | {"OPTIONS"}
        assert_unreadable(reply)


async def test_options_for_an_unknown_path_is_not_found(service: Client) -> None:
    for path in ("/api/nothing", "/api/keys", "/nothing", "/API/READ"):
        reply = await service.request("OPTIONS", path)
        assert_problem(reply, 404, "not_found")


@pytest.mark.parametrize("body", [b"", b"{}", b"x" * 2000])
async def test_options_ignores_a_body(service: Client, body: bytes) -> None:
    reply = await talk(service, http("OPTIONS", "/api/write", body=body))
    assert reply.status == 204


async def test_options_for_the_whole_server(service: Client, listed: Client) -> None:
    for client in (service, listed):
        reply = await talk(client, http("OPTIONS", "*"))
        assert reply.status == 204
        methods = words(reply.headers["Allow"])
        known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
        assert methods == known
    expecting = http("OPTIONS", "*", b"Expect: 100-continue", b"Connection: close")
    assert "HTTP/1.1 204" in await all_of(service, expecting)
    assert_problem(await talk(service, http("DELETE", "*")), 400, "invalid_request")


# Replies

REQUESTS = {
    "read": ("POST", "/api/read", b'{"keys":["k"]}', 200),
    "write": ("POST", "/api/write", b'{"data":{"cors":1}}', 200),
    "list": ("POST", "/api/list", b'{"prefix":"cors"}', 200),
    "poll": ("GET", "/api/changes", b"", 200),
    "livez": ("GET", "/livez", b"", 200),
    "head": ("HEAD", "/livez", b"", 200),
    "docs": ("GET", "/docs", b"", 200),
    "not-json": ("POST", "/api/read", b"nope", 400),
    "login": ("POST", "/api/login", b'{"username":"nobody","password":"x"}', 401),
    "missing": ("GET", "/api/keys/nothing-is-here", b"", 404),
    "unknown-path": ("GET", "/nothing", b"", 404),
    "wrong-method": ("PATCH", "/api/read", b"", 405),
    "too-large": ("POST", "/api/write", b"x" * 1001, 413),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
async def test_every_reply_is_readable_for_an_allowed_origin_only(
    listed: Client, request_: tuple[str, str, bytes, int]
) -> None:
    method, path, body, status = request_
    for origin in (APP, LOCAL):
        headers = {"Origin": origin}
        reply = await listed.request(method, path, body, headers=headers)
        assert reply.status == status
        assert_readable(reply, origin)
    for headers in ({}, {"Origin": OTHER}):
        reply = await listed.request(method, path, body, headers=headers)
        assert reply.status == status
        assert_unreadable(reply)
        assert_varies(reply)


async def test_a_reply_is_the_same_with_an_origin(listed: Client) -> None:
    """But for the headers of this: also for the replies with a way of their own."""
    key = unique("key")
    data, keys = {"data": {key: [1.0]}}, {"keys": [key]}
    for _ in range(2):
        written = await listed.post("/api/write", data, headers=ORIGIN)
        assert written.text == '{"status":"success"}'
        assert_readable(written, APP)
        plain = await listed.post("/api/write", data)
        assert plain.revision > written.revision
        texts = [
            (await listed.post("/api/read", keys, headers=headers)).text
            for headers in ({}, ORIGIN)
        ]
        assert texts == [f'{{"data":{{"{key}":[1.0]}}}}'] * 2


async def test_refusals_of_a_token_are_readable(listed: Client) -> None:
    anonymous = Client(listed.session, listed.url)
    reply = await anonymous.post("/api/read", KEYS, headers=ORIGIN)
    assert_problem(reply, 403, "token_missing")
    assert_readable(reply, APP)


async def test_a_misdirected_request_is_readable(listed: Client) -> None:
    headers = {"Origin": APP, "Host": "evil.example"}
    reply = await listed.post("/api/read", KEYS, headers=headers)
    assert_problem(reply, 421, "misdirected_request")
    assert_readable(reply, APP)
    refused = await preflight(listed, "/api/read", APP, Host="evil.example")
    assert refused.status == 421
    assert not [name for name in PREFLIGHT_HEADERS if name in refused.headers]


async def test_an_unchanged_key_is_readable(listed: Client) -> None:
    path, headers = f"/api/keys/{unique('key')}", {"Origin": APP}
    written = await listed.request("PUT", path, "1", headers=headers)
    assert written.status == 204
    assert_readable(written, APP)
    known = {"If-None-Match": written.headers["ETag"]}
    unchanged = await listed.request("GET", path, headers=headers | known)
    assert unchanged.status == 304
    assert_readable(unchanged, APP)


async def test_a_busy_service_is_readable(serve: Serve, tarantool: Tarantool) -> None:
    async with serve(tarantool, KV_CORS_ORIGINS=APP, KV_MAX_WATCHERS="1") as client:
        await client.enter()
        async with following(client):
            reply = await client.request("GET", "/api/changes", headers=ORIGIN)
        assert_problem(reply, 503, "overloaded")
        assert_readable(reply, APP)


async def test_a_stream_is_readable(listed: Client) -> None:
    async with following(listed, origin=APP) as stream:
        reply = Reply(200, stream.response.headers, "")
        assert_readable(reply, APP)
    async with following(listed, origin=OTHER) as stream:
        assert_unreadable(Reply(200, stream.response.headers, ""))


async def test_pipelined_requests_are_kept_apart(listed: Client) -> None:
    body = b'{"keys":["k"]}'
    sent = [
        http("POST", "/api/read", *more, body=body, token=listed.token)
        for more in ([b"Origin: " + APP.encode()], [], [b"Origin: " + OTHER.encode()])
    ]
    for order in (sent, sent[::-1]):
        last = order[-1].replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
        answers = (await all_of(listed, b"".join([*order[:-1], last]))).split(
            "HTTP/1.1"
        )
        shown = ["Access-Control-Allow-Origin" in answer for answer in answers[1:]]
        assert shown == [sent.index(request) == 0 for request in order]


async def all_of(client: Client, sent: bytes) -> str:
    port = int(client.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(10):
        answered = await reader.read()
    writer.close()
    return answered.decode()


# Any origin, and none


@pytest.mark.parametrize("origin", [APP, OTHER, "null", "file://"])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
async def test_a_star_allows_every_origin(
    opened: Client, request_: tuple[str, str, bytes, int], origin: str
) -> None:
    method, path, body, _ = request_
    headers = {"Origin": origin}
    reply = await opened.request(method, path, body, headers=headers)
    assert_readable(reply, "*")
    assert "Access-Control-Allow-Credentials" not in reply.headers
    asked = await preflight(opened, "/api/write", origin)
    assert asked.status == 204
    assert asked.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_star_allows_what_is_refused_before_its_headers_are_known(
    opened: Client,
) -> None:
    large = http("GET", "/livez", b"Origin: " + APP.encode(), b"a: " + b"b" * 20_000)
    for sent, status in (large, 431), (http("GET", "/" + "a" * 10_000), 414):
        reply = await talk(opened, sent)
        assert reply.status == status
        assert_readable(reply, "*")


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
async def test_by_default_no_origin_is_allowed(
    client: Client, request_: tuple[str, str, bytes, int]
) -> None:
    method, path, body, _ = request_
    for origin in (APP, "null", client.url):
        headers = {"Origin": origin}
        reply = await client.request(method, path, body, headers=headers)
        assert_unreadable(reply)
        assert "Vary" not in reply.headers
        refused = await preflight(client, "/api/write", origin)
        assert refused.status == 204
        assert_unreadable(refused)


# The setting
