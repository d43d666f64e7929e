"""Every reply, whichever layer makes it, has the security headers for browsers."""

import json
from urllib.parse import quote

import pytest

from service.web.problems import CONTENT_TYPE
from service.web.static_files import POLICY
from tests.support.client import Client, Reply, unique
from tests.support.raw_http import http, talk
from tests.support.sse import following

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
    received = {name: reply.headers.getall(name, []) for name in expected}
    assert received == {name: [value] for name, value in expected.items()}
    assert "Strict-Transport-Security" not in reply.headers  # this one has no TLS


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
async def test_a_reply_is_safe(client: Client, request_: tuple[str, str, str]) -> None:
    assert_safe(await client.request(*request_))


async def test_a_refusal_of_an_anonymous_client_has_safe_headers(
    visitor: Client,
) -> None:
    assert_safe(await visitor.read(["k"]))


@pytest.mark.parametrize("sent", PROTOCOL_ERRORS.values(), ids=PROTOCOL_ERRORS.keys())
async def test_a_refusal_before_the_application_is_safe(
    visitor: Client, sent: bytes
) -> None:
    reply = await talk(visitor, sent)
    assert reply.headers["Content-Type"] == CONTENT_TYPE
    assert_safe(reply)


async def test_one_key_may_be_cached_and_revalidated(client: Client) -> None:
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


# What a reply is, for clients that guess wrong where it is not said


JSON = "application/json; charset=utf-8"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_json_names_its_encoding(
    client: Client, method: str, version: bytes
) -> None:
    key = f"{unique('key')}-é"
    await client.post("/api/write", f'{{"data":{{"{key}":"é"}}}}')
    path, body = {
        "GET": (f"/api/keys/{quote(key)}", b""),
        "POST": ("/api/read", json.dumps({"keys": [key]}).encode()),
    }[method]
    sent = http(method, path, body=body, token=client.token)
    reply = await talk(client, sent.replace(b"HTTP/1.1", b"HTTP/" + version))
    assert reply.headers.getall("Content-Type") == [JSON]
    assert "é" in reply.text


async def test_json_of_many_pieces_names_its_encoding(client: Client) -> None:
    prefix = unique("large")
    await client.write({f"{prefix}-{number}": "é" * 40_000 for number in range(4)})
    reply = await client.list_keys(prefix, values=True)
    assert reply.headers.getall("Content-Type") == [JSON]
    read = await client.read([f"{prefix}-{number}" for number in range(4)])
    assert read.headers.getall("Content-Type") == [JSON]


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/openapi.json", "/api/changes", "/api/me"]
)
async def test_json_of_any_kind_names_its_encoding(client: Client, path: str) -> None:
    reply = await client.request("GET", path)
    assert reply.headers.getall("Content-Type") == [JSON]


async def test_an_empty_reply_has_no_type(client: Client) -> None:
    path = f"/api/keys/{unique('key')}"
    written = await client.request("PUT", path, "1")
    tag = {"If-None-Match": written.headers["ETag"]}
    unchanged = await client.request("GET", path, headers=tag)
    deleted = await client.request("DELETE", path)
    assert [reply.status for reply in (written, unchanged, deleted)] == [204, 304, 204]
    for reply in written, unchanged, deleted:
        assert "Content-Type" not in reply.headers


@pytest.mark.parametrize("key", ["é", "ключ", "😀", "\u2028"], ids=ascii)
async def test_a_problem_is_ascii_so_that_no_encoding_is_guessed(
    client: Client, key: str
) -> None:
    for reply in (
        await client.request("GET", f"/api/keys/{quote(key)}-missing"),
        await client.write({key: 1}, **{"if": {key: 999_999_999}}),
        await client.post("/api/read", {key: 1}),
    ):
        assert reply.status in (400, 404, 412)
        assert reply.text.isascii()
        assert key in str(reply.json) or ascii(key)[1:-1] in str(reply.json)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/swagger-ui.css", "text/css; charset=utf-8"),
        ("/docs/initializer.js", "text/javascript; charset=utf-8"),
        ("/favicon.ico", "image/x-icon"),
    ],
)
async def test_a_file_names_its_type(visitor: Client, path: str, kind: str) -> None:
    async with visitor.session.head(visitor.url + path) as response:
        assert response.headers.getall("Content-Type") == [kind]


async def test_the_icon_is_one_and_may_be_kept(visitor: Client) -> None:
    async with visitor.session.get(f"{visitor.url}/favicon.ico") as response:
        assert response.status == 200
        assert (await response.read()).startswith(b"\0\0\1\0")
        assert response.headers["Cache-Control"] == "public, max-age=86400"
        headers = {"If-None-Match": response.headers["ETag"]}
    unchanged = await visitor.request("GET", "/favicon.ico", headers=headers)
    assert unchanged.status == 304
