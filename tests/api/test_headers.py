"""Every reply, whoever makes it, has the headers that keep a browser from harm."""

import pytest

from service.errors import CONTENT_TYPE
from service.handlers.docs import POLICY
from tests.client import Client, Reply, unique
from tests.events import following
from tests.problems import http, talk

NOTHING_TO_RENDER = "default-src 'none'; frame-ancestors 'none'"

REQUESTS = {
    "read": ("POST", "/api/read", '{"keys":["k"]}'),
    "list": ("POST", "/api/list", "{}"),
    "poll": ("GET", "/api/changes", ""),
    "livez": ("GET", "/livez", ""),
    "readyz": ("GET", "/readyz", ""),
    "openapi": ("GET", "/openapi.json", ""),
    "head": ("HEAD", "/livez", ""),
    "no-key": ("GET", "/api/keys/nothing-is-here", ""),
    "no-json": ("POST", "/api/read", "nope"),
    "no-path": ("GET", "/nothing", ""),
    "no-method": ("PATCH", "/api/read", ""),
    "options": ("OPTIONS", "/api/read", ""),
}
PROTOCOL_ERRORS = {
    "no-http": b"hello\r\n\r\n",
    "long-uri": http("GET", "/" + "a" * 10_000),
    "large-headers": http("GET", "/", b"a: " + b"b" * 20_000),
    "expectation": http("GET", "/livez", b"Expect: cookies"),
    "broken-body": http("POST", "/api/login", b"Transfer-Encoding: chunked") + b"zz",
}


def assert_safe(
    reply: Reply, *, cache: str = "no-store", policy: str = NOTHING_TO_RENDER
) -> None:
    expected = {
        "Cache-Control": cache,
        "Content-Security-Policy": policy,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Server": "kv-service",
        "X-Content-Type-Options": "nosniff",
    }
    told = {name: reply.headers.getall(name, []) for name in expected}
    assert told == {name: [value] for name, value in expected.items()}
    assert "Strict-Transport-Security" not in reply.headers  # this one has no TLS


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
async def test_a_reply_is_safe(client: Client, request_: tuple[str, str, str]) -> None:
    assert_safe(await client.request(*request_))


async def test_a_refusal_of_a_stranger_is_safe(visitor: Client) -> None:
    assert_safe(await visitor.read(["k"]))


@pytest.mark.parametrize("sent", PROTOCOL_ERRORS.values(), ids=PROTOCOL_ERRORS.keys())
async def test_a_refusal_before_the_application_is_safe(
    visitor: Client, sent: bytes
) -> None:
    reply = await talk(visitor, sent)
    assert reply.headers["Content-Type"] == CONTENT_TYPE
    assert_safe(reply)


async def test_one_key_may_be_kept_and_asked_for_again(client: Client) -> None:
    path = f"/api/keys/{unique('key')}"
    written = await client.request("PUT", path, "1")
    assert_safe(written)
    read = await client.request("GET", path)
    assert_safe(read, cache="no-cache")
    headers = {"If-None-Match": read.headers["ETag"]}
    unchanged = await client.request("GET", path, headers=headers)
    assert unchanged.status == 304
    assert_safe(unchanged, cache="no-cache")
    assert_safe(await client.request("DELETE", path))


@pytest.mark.parametrize("path", ["/docs", "/docs/swagger-ui.js", "/docs/nothing"])
async def test_the_pages_have_a_policy_of_their_own(visitor: Client, path: str) -> None:
    reply = await visitor.request("GET", path)
    if reply.status == 404:
        assert_safe(reply)
    else:
        assert_safe(reply, cache="no-cache", policy=POLICY)


async def test_a_stream_is_safe(client: Client) -> None:
    async with following(client) as stream:
        headers = stream.response.headers
        assert_safe(Reply(200, headers, ""), cache="no-store, no-transform")
