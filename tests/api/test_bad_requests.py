"""Malformed or excessive requests are refused, and nothing is written."""

import asyncio
import gzip
import json
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.api.bodies import MAX_ANONYMOUS_BODY
from service.web.framing import MAX_FIELD, MAX_HEAD, MAX_HEADERS, MAX_LINE
from tests.support.assertions import assert_problem
from tests.support.client import Client, unique
from tests.support.raw_http import (
    REPLY_TIMEOUT,
    byte_by_byte,
    exchange,
    http,
    leave_after,
    replies_in,
    talk,
    talk_and_end,
)
from tests.support.samples import NOT_VALUES, named
from tests.support.service import Serve
from tests.support.tarantool import Tarantool

CALLS = ["/api/register", "/api/login", "/api/write", "/api/read"]
NOT_JSON = {
    "empty": b"",
    "space": b" \n",
    "word": b"nope",
    "NaN": b"NaN",
    "form": b"username=u&password=p",
    "truncated": b'{"data"',
    "truncated-string": b'{"da',
    "no-colon": b'{"data" {}}',
    "lone-comma": b"{,}",
    "single-quotes": b"{'data': {}}",
    "bare-name": b"{data: {}}",
    "number-as-name": b"{1: {}}",
    "comment": b"/**/{}",
    "BOM-alone": BOM_UTF8,
    "BOM-twice": BOM_UTF8 * 2 + b"{}",
    "BOM-many-times": BOM_UTF8 * 2_500,
    "BOM-behind": b"{}" + BOM_UTF8,
    "BOM-and-word": BOM_UTF8 + b"nope",
    "NUL": b"\0",
    "NUL-behind": b"{}\0",
    "two-documents": b"{}{}",
    "word-behind": b"{} x",
    "UTF-8-in-a-name": b'{"\xff": 1}',
    "surrogate-in-a-name": rb'{"\ud800": 1}',
    "surrogate-bytes-in-a-name": b'{"\xed\xa0\x80": 1}',
    "msgpack": b"\x81\xa4data\x80",
}
NOT_KEYS = {
    "UTF-8": b'"\xff"',
    "surrogate-bytes": b'"\xed\xa0\x80"',
    "surrogate": rb'"\ud800"',
    "low-surrogate": rb'"\udc00"',
    "control-character": b'"\x01"',
    "cut": b'"k',
}

NOT_OBJECTS = [b"[]", b'[{"data":{"k":1}}]', b"1", b"1.5", b'"x"', b"true", b"null"]

#: A call, a body of the wrong shape, and where its detail must say that it is.
WRONG_SHAPES: list[tuple[str, Any, str]] = [
    *((path, body, "The body:") for path in CALLS for body in NOT_OBJECTS),
    ("/api/write", {"data": []}, "/data:"),
    ("/api/write", {"data": "k"}, "/data:"),
    ("/api/write", {"data": 1}, "/data:"),
    ("/api/write", {"data": True}, "/data:"),
    ("/api/read", {"keys": {}}, "/keys:"),
    ("/api/read", {"keys": "k"}, "/keys:"),
    ("/api/read", {"keys": 1.5}, "/keys:"),
    ("/api/read", {"keys": [1]}, "/keys/0:"),
    ("/api/read", {"keys": ["k", None]}, "/keys/1:"),
    ("/api/read", {"keys": ["k", "l", ["m"]]}, "/keys/2:"),
    ("/api/register", {"username": 1, "password": "p"}, "/username:"),
    ("/api/register", {"username": "u", "password": ["p"]}, "/password:"),
    ("/api/login", {"username": {}, "password": "p"}, "/username:"),
    ("/api/login", {"username": "u", "password": False}, "/password:"),
]
NO_CREDENTIALS: list[dict[str, str | None]] = [
    {},
    {"username": "u"},
    {"password": "p"},
    {"username": None, "password": "p"},
    {"username": "u", "password": None},
    {"username": "", "password": "p"},
    {"username": "u", "password": ""},
]
NOT_HTTP = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "words": b"hello, is anybody there?\r\n\r\n",
    "zeros": bytes(64),
    "no-version": b"GET\r\n\r\n",
    "version-is-words": b"GET / HTTP/x.y\r\nHost: kv\r\n\r\n",
    "version-without-point": b"GET / HTTP/2\r\nHost: kv\r\n\r\n",
    "version-with-three-digits": b"GET / HTTP/1.10\r\nHost: kv\r\n\r\n",
    "small-version": b"GET / http/1.1\r\nHost: kv\r\n\r\n",
    "unknown-method": b"BREW / HTTP/1.1\r\nHost: kv\r\n\r\n",
    "no-host": b"GET / HTTP/1.1\r\n\r\n",
    "two-hosts": http("GET", "/", b"Host: other"),
    "bytes-in-path": b"GET /\xff HTTP/1.1\r\nHost: kv\r\n\r\n",
    "space-in-header-name": http("GET", "/", b"a b: c"),
    "no-colon-in-header": http("GET", "/", b"abc"),
    "NUL-in-header": http("GET", "/", b"a: \0"),
    "folded-header": http("GET", "/", b"a: b\r\n c"),
    "length-is-a-word": http("POST", "/api/read", b"Content-Length: long"),
    "length-is-negative": http("POST", "/api/read", b"Content-Length: -1"),
    "length-with-a-sign": http("POST", "/api/read", b"Content-Length: +1"),
    "length-overflows": http("POST", "/api/read", b"Content-Length: " + b"9" * 30),
    "length-of-thousands-of-digits": http(
        "POST", "/api/read", b"Content-Length: " + b"9" * 5000, body=b"{}"
    ),
    "length-with-thousands-of-zeros": http(
        "POST", "/api/read", b"Content-Length:" + b"0" * 5000 + b"2", body=b"{}"
    ),
    "no-length-with-thousands-of-zeros": http(
        "POST", "/api/read", b"Content-Length: " + b"0" * 5000
    ),
    "two-lengths": http("POST", "/api/read", b"Content-Length: 1", body=b"{}"),
    "length-and-chunks": http(
        "POST", "/api/read", b"Transfer-Encoding: chunked", body=b"{}"
    ),
}
TOO_LONG_URIS = {
    "path": http("GET", "/" + "a" * MAX_LINE),
    "query": http("GET", "/livez?" + "a" * MAX_LINE),
    "in-parts": b"GET /" + b"a" * MAX_LINE,
}
TOO_LARGE_HEADERS = {
    "value": http("GET", "/livez", b"a: " + b"b" * (MAX_FIELD + 1)),
    "name": http("GET", "/livez", b"a" * MAX_FIELD + b"b: c"),
    "many": http("GET", "/livez", *(b"a%d: b" % i for i in range(MAX_HEADERS))),
    "together": http("GET", "/livez", *[b"a: " + b"b" * (MAX_HEAD // 9)] * 10)[:-4],
}
OTHER_VERSIONS = {
    **{
        version: b"GET /livez HTTP/%s\r\nHost: kv\r\n\r\n" % version.encode()
        for version in ("0.9", "0.0", "1.2", "1.9", "2.0", "2.1", "3.0", "9.9")
    },
    "none": b"GET /livez\r\n\r\n",
    "HTTP-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "body": http("POST", "/api/login", body=b"{}").replace(b"1.1", b"2.0", 1),
}
BROKEN_CHUNKS = {
    "size": b"zz\r\n{}\r\n0\r\n\r\n",
    "negative-size": b"-1\r\n{}\r\n0\r\n\r\n",
    "huge-size": b"f" * 30 + b"\r\n{}\r\n0\r\n\r\n",
    "longer-than-said": b"2\r\n{}{}\r\n0\r\n\r\n",
    "no-line-break": b"2\r\n{}0\r\n\r\n",
}
CHUNKED = http("POST", "/api/login", b"Transfer-Encoding: chunked")

WRONG_METHODS = [
    *(
        (method, path, "OPTIONS, POST")
        for path in CALLS
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "PURGE")
    ),
    *(("POST", path, "GET, HEAD, OPTIONS") for path in ("/livez", "/readyz")),
]
UNKNOWN_PATHS = [
    "/api",
    "/api/",
    "/api/nothing",
    "/api/read/",
    "/API/READ",
    "//api/read",
    "/api/read%00",
    "/%ff%0d%0a",
    "/livez/../nothing",
]


@pytest.fixture(scope="module")
async def caller(service: Client) -> Client:
    """One account for all tests that write nothing."""
    return await Client(service.session, service.url).enter()


@pytest.fixture(scope="module")
async def small(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    """A client of a service with small limits."""
    limits = {
        "KV_MAX_BODY": "300",
        "KV_MAX_KEYS": "2",
        "KV_MAX_KEY": "64",
        "KV_MAX_VALUE": "8",
    }
    async with serve(tarantool, **limits) as client:
        yield await client.enter()


async def is_stored(client: Client, key: str) -> bool:
    return bool((await client.read([key])).json["data"])


# What is not JSON


@pytest.mark.parametrize("path", CALLS)
@named(NOT_JSON)
async def test_a_body_that_is_not_json(caller: Client, path: str, body: bytes) -> None:
    assert_problem(await caller.post(path, body), 400, "invalid_json")


@named(NOT_VALUES)
async def test_a_value_that_is_not_json(caller: Client, body: bytes) -> None:
    key = unique("good")
    sent = b'{"data":{"%s":1,"k":%s}}' % (key.encode(), body)
    assert_problem(await caller.post("/api/write", sent), 400, "invalid_json")
    assert not await is_stored(caller, key)


@named(NOT_KEYS)
@pytest.mark.parametrize(
    ("path", "around"),
    [
        ("/api/write", b'{"data":{%s:1}}'),
        ("/api/read", b'{"keys":["k",%s]}'),
        ("/api/register", b'{"username":%s,"password":"p"}'),
        ("/api/login", b'{"username":"u","password":%s}'),
    ],
    ids=CALLS,
)
async def test_a_string_that_is_not_json(
    caller: Client, path: str, around: bytes, body: bytes
) -> None:
    assert_problem(await caller.post(path, around % body), 400, "invalid_json")


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
@pytest.mark.parametrize("text", ["{}", '{"data": {"k": "v"}}', " [1]", '"é"', "1"])
@pytest.mark.parametrize("path", [*CALLS, "/api/keys/k"])
async def test_a_body_in_another_encoding_is_refused_with_its_name(
    caller: Client, path: str, text: str, encoding: str
) -> None:
    method = "PUT" if path == "/api/keys/k" else "POST"
    for mark in ("", "\ufeff") if encoding[6:] else ("",):
        body = (mark + text).encode(encoding)
        detail = assert_problem(
            await caller.request(method, path, body), 400, "invalid_json"
        )
        assert encoding[:6].upper() in detail
        assert "UTF-8" in detail


async def test_a_byte_order_mark_is_skipped(caller: Client) -> None:
    key = unique("marked")
    body = BOM_UTF8 + json.dumps({"data": {key: "ï»¿"}}, ensure_ascii=False).encode()
    assert (await caller.post("/api/write", body)).status == 200
    reply = await caller.post("/api/read", BOM_UTF8 + b'{"keys":["%s"]}' % key.encode())
    assert reply.json == {"data": {key: "ï»¿"}}


@pytest.mark.parametrize("text", ["1.0", '"\ufeff"', ' {"a": [1]} ', "null"])
async def test_a_value_is_stored_without_its_byte_order_mark(
    caller: Client, text: str
) -> None:
    path = f"/api/keys/{unique('marked')}"
    put = await caller.request("PUT", path, BOM_UTF8 + text.encode())
    assert put.status == 204
    assert (await caller.request("GET", path)).text == text.strip(" ")


async def test_a_value_that_is_not_utf_8_is_named(caller: Client) -> None:
    reply = await caller.post("/api/write", b'{"data":{"good":1,"bad":"\xff"}}')
    assert "'bad'" in assert_problem(reply, 400, "invalid_json")


async def test_a_value_that_is_not_utf_8_is_refused_where_a_later_one_counts(
    caller: Client,
) -> None:
    key = unique("twice").encode()
    body = b'{"data":{"%s":"\xff","%s":1}}' % (key, key)
    assert_problem(await caller.post("/api/write", body), 400, "invalid_json")
    assert not await is_stored(caller, key.decode())


# What has the wrong shape


@pytest.mark.parametrize(("path", "body", "place"), WRONG_SHAPES, ids=str)
async def test_a_wrong_type_is_pointed_at(
    caller: Client, path: str, body: Any, place: str
) -> None:
    reply = await caller.post(path, body)
    assert assert_problem(reply, 400, "invalid_request").startswith(place)


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("field", ["tll", "Data", "", " keys", "é", "a`b"])
async def test_an_unknown_field_is_named(caller: Client, path: str, field: str) -> None:
    detail = assert_problem(await caller.post(path, {field: 1}), 400, "invalid_request")
    assert field in detail


@pytest.mark.parametrize("path", CALLS)
async def test_a_long_unknown_field_is_not_repeated_in_full(
    caller: Client, path: str
) -> None:
    reply = await caller.post(path, {"a" * 5_000: 1})
    assert len(assert_problem(reply, 400, "invalid_request")) < 1000


async def test_an_unknown_field_next_to_valid_ones_writes_nothing(
    caller: Client,
) -> None:
    key = unique("unknown")
    reply = await caller.post("/api/write", {"data": {key: 1}, "tll": 1})
    assert "tll" in assert_problem(reply, 400, "invalid_request")
    assert not await is_stored(caller, key)


@pytest.mark.parametrize("body", ["{}", '{"data":null}', '{"data":{}}'])
async def test_no_data(caller: Client, body: str) -> None:
    reply = await caller.post("/api/write", body)
    assert "/data" in assert_problem(reply, 400, "no_data")


@pytest.mark.parametrize("body", ["{}", '{"keys":null}', '{"keys":[]}'])
async def test_no_keys(caller: Client, body: str) -> None:
    reply = await caller.post("/api/read", body)
    assert "/keys" in assert_problem(reply, 400, "no_keys")


@pytest.mark.parametrize("path", ["/api/register", "/api/login"])
@pytest.mark.parametrize("body", NO_CREDENTIALS, ids=str)
async def test_credentials_are_required(
    visitor: Client, path: str, body: dict[str, str | None]
) -> None:
    assert_problem(await visitor.post(path, body), 400, "credentials_required")


# Names that are not allowed


@pytest.mark.parametrize("key", ["x" * 1025, "é" * 513], ids=["ASCII", "multi-byte"])
async def test_a_key_too_long_is_refused(caller: Client, key: str) -> None:
    size, good = str(len(key.encode())), unique("good")
    for reply in (await caller.write({good: 1, key: 1}), await caller.read([key])):
        detail = assert_problem(reply, 400, "invalid_key")
        assert size in detail
        assert "1024" in detail
    assert not await is_stored(caller, good)


async def test_an_empty_key_is_refused(caller: Client) -> None:
    good = unique("good")
    assert_problem(await caller.write({good: 1, "": 1}), 400, "invalid_key")
    assert_problem(await caller.read([good, ""]), 400, "invalid_key")
    assert not await is_stored(caller, good)


@pytest.mark.parametrize("path", ["/api/register", "/api/login"])
@pytest.mark.parametrize(
    "name",
    ["x" * 65, "é" * 65, "a\0", "a\n", "\x1b[2J", "\x7f", "\u200b", "\u202e", "\ue000"],
    ids=ascii,
)
async def test_a_name_that_is_not_allowed(
    visitor: Client, path: str, name: str
) -> None:
    credentials = {"username": name, "password": "password"}
    reply = await visitor.post(path, credentials)
    assert "/username" in assert_problem(reply, 400, "invalid_request")


@pytest.mark.parametrize("character", ["x", "é", "e\u0301", "\u03b1\u0313\u0300\u0345"])
async def test_a_name_of_64_characters_is_allowed(
    visitor: Client, character: str
) -> None:
    tail = unique("")
    name = character * (64 - len(tail)) + tail
    assert (await visitor.register(name, "password")).status == 200
    assert (await visitor.login(name, "password")).status == 200


@pytest.mark.parametrize("path", ["/api/register", "/api/login"])
async def test_a_long_name_is_refused_without_normalising_it(
    visitor: Client, path: str
) -> None:
    # sorting combining marks takes the square of their number
    name = "a" + "\u0315\u0300" * 600
    async with asyncio.timeout(REPLY_TIMEOUT):
        reply = await visitor.post(path, {"username": name, "password": "password"})
    assert "64" in assert_problem(reply, 400, "invalid_request")


@pytest.mark.parametrize("path", ["/api/register", "/api/login"])
@pytest.mark.parametrize("password", ["x" * 1025, "é" * 513], ids=["ASCII", "é"])
async def test_a_password_too_long_is_refused(
    visitor: Client, path: str, password: str
) -> None:
    credentials = {"username": unique("user"), "password": password}
    detail = assert_problem(
        await visitor.post(path, credentials), 400, "invalid_request"
    )
    assert "/password" in detail
    assert str(len(password.encode())) in detail
    assert "1024" in detail


async def test_a_password_of_1024_bytes_is_allowed(visitor: Client) -> None:
    name = unique("user")
    assert (await visitor.register(name, "é" * 512)).status == 200
    assert (await visitor.login(name, "é" * 512)).status == 200


# Limits


async def test_a_body_of_the_limit_is_taken(small: Client) -> None:
    body = json.dumps({"keys": [unique("key")]}).ljust(300)
    assert (await small.post("/api/read", body)).status == 200


@pytest.mark.parametrize("path", CALLS)
async def test_an_announced_body_beyond_the_limit(small: Client, path: str) -> None:
    detail = assert_problem(await small.post(path, " " * 301), 413, "body_too_large")
    assert "301" in detail
    assert "300" in detail


async def test_a_body_is_refused_before_it_is_sent(small: Client) -> None:
    request = http("POST", "/api/login", b"Content-Length: 1000000000")
    detail = assert_problem(await talk(small, request), 413, "body_too_large")
    assert "1000000000" in detail


@pytest.mark.parametrize("path", CALLS)
async def test_a_streamed_body_beyond_the_limit(small: Client, path: str) -> None:
    chunks = b"Transfer-Encoding: chunked"
    head = http("POST", path, chunks, token=small.token)
    body = b"c8\r\n" + b" " * 200 + b"\r\n"
    reply = await talk(small, head, body, body, b"0\r\n\r\n")
    assert "300" in assert_problem(reply, 413, "body_too_large")


async def test_a_large_write_writes_nothing(small: Client) -> None:
    key = unique("key")
    body = json.dumps({"data": {key: 1}})
    assert_problem(
        await small.post("/api/write", body.ljust(301)), 413, "body_too_large"
    )
    assert not await is_stored(small, key)


async def test_too_many_keys(small: Client) -> None:
    keys = [unique("k") for _ in range(3)]
    for reply in (await small.write(dict.fromkeys(keys, 1)), await small.read(keys)):
        detail = assert_problem(reply, 413, "too_many_keys")
        assert "3 keys" in detail
        assert "limit is 2" in detail
    for key in keys:
        assert not await is_stored(small, key)


async def test_a_value_too_large(small: Client) -> None:
    good, large = unique("good"), unique("large")
    reply = await small.write({good: "123456", large: "1234567"})
    detail = assert_problem(reply, 413, "value_too_large")
    assert large in detail
    assert "9 bytes" in detail
    assert "limit is 8" in detail
    assert not await is_stored(small, good)


async def test_a_key_beyond_a_limit_of_ones_own(small: Client) -> None:
    detail = assert_problem(await small.read(["x" * 65]), 400, "invalid_key")
    assert "65" in detail
    assert "64" in detail


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_value_of_1_MiB_and_a_byte(caller: Client) -> None:
    reply = await caller.write({unique("large"): "x" * (1024 * 1024 - 1)})
    detail = assert_problem(reply, 413, "value_too_large")
    assert "1048577" in detail
    assert "1048576" in detail


async def test_10_001_keys(caller: Client) -> None:
    detail = assert_problem(await caller.read(["k"] * 10_001), 413, "too_many_keys")
    assert "10001" in detail
    assert "10000" in detail


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_body_beyond_16_MiB(caller: Client) -> None:
    reply = await caller.post("/api/write", b" " * (16 * 1024 * 1024 + 1))
    assert "16777217" in assert_problem(reply, 413, "body_too_large")


@pytest.mark.parametrize("path", ["/api/register", "/api/login"])
async def test_a_body_of_an_anonymous_client_has_a_lower_limit(
    visitor: Client, path: str
) -> None:
    limit = MAX_ANONYMOUS_BODY
    fits = json.dumps({"username": ""}).ljust(limit)
    assert_problem(await visitor.post(path, fits), 400, "credentials_required")
    request = http("POST", path, b"Content-Length: %d" % (limit + 1))
    detail = assert_problem(await talk(visitor, request), 413, "body_too_large")
    assert str(limit) in detail
    head = http("POST", path, b"Transfer-Encoding: chunked")
    chunk = b"%x\r\n%s\r\n" % (limit, b" " * limit)
    reply = await talk(visitor, head, chunk, b"1\r\n \r\n")
    assert str(limit) in assert_problem(reply, 413, "body_too_large")


@pytest.mark.parametrize("path", ["/api/register", "/api/login"])
async def test_the_longest_credentials_fit_escaped(visitor: Client, path: str) -> None:
    name, password = "\U0001d49c" * 64, "p" * 1024
    body = json.dumps({"username": name, "password": ""})
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in password)
    body = body.replace('"password": ""', f'"password": "{escaped}"')
    assert (await visitor.post(path, body)).status in (200, 401)


async def test_a_reply_beyond_the_limit_of_a_body(
    serve: Serve, tarantool: Tarantool
) -> None:
    keys = [unique("half") for _ in range(2)]
    async with serve(tarantool, KV_MAX_BODY="1000") as client:
        await client.enter()
        for key in keys:
            assert (await client.write({key: "x" * 600})).status == 200
            assert (await client.read([key])).status == 200
        detail = assert_problem(await client.read(keys), 413, "body_too_large")
    assert "1000" in detail


# Encodings


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)],
    ids=["gzip", "deflate", "identity"],
)
async def test_a_compressed_body(caller: Client, encoding: str, compress: Any) -> None:
    key = unique("compressed")
    body = compress(json.dumps({"data": {key: 1}}).encode())
    headers = {"Content-Encoding": encoding}
    assert (await caller.post("/api/write", body, headers=headers)).status == 200
    assert await is_stored(caller, key)


GOOD_GZIP = gzip.compress(b'{"keys":["k"]}')


@named(
    {
        "not-gzip": b'{"keys":["k"]}',
        "empty": b"",
        "head-only": GOOD_GZIP[:10],
        "truncated": GOOD_GZIP[:-12],
        "wrong-checksum": GOOD_GZIP[:-8] + bytes(8),
        "tail": GOOD_GZIP + b"tail",
    }
)
async def test_a_body_that_is_not_what_its_encoding_says(
    caller: Client, body: bytes
) -> None:
    request = http(
        "POST", "/api/read", b"Content-Encoding: gzip", body=body, token=caller.token
    )
    code = "invalid_request" if body else "invalid_json"
    assert_problem(await talk(caller, request), 400, code)


async def test_a_gzip_bomb(small: Client) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    framed = b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked"
    request = http("POST", "/api/login", framed)
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(bomb), bomb)
    assert "300" in assert_problem(
        await talk(small, request, chunk), 413, "body_too_large"
    )


# What is not HTTP


@pytest.mark.parametrize("sent", NOT_HTTP.values(), ids=NOT_HTTP.keys())
async def test_what_is_not_http(visitor: Client, sent: bytes) -> None:
    assert_problem(await talk(visitor, sent), 400, "invalid_request")


@pytest.mark.parametrize("sent", OTHER_VERSIONS.values(), ids=OTHER_VERSIONS.keys())
@pytest.mark.parametrize("parts", ["whole", "bytes"])
async def test_another_version_of_http(
    visitor: Client, sent: bytes, parts: str
) -> None:
    pieces = [sent] if parts == "whole" else byte_by_byte(sent)
    answer = await exchange(
        visitor, *pieces, b"GET /livez HTTP/1.1\r\nHost: kv\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 505 ")
    assert b"\r\nConnection: close\r\n" in answer
    (reply,) = replies_in(answer)
    detail = assert_problem(reply, 505, "http_version")
    assert "HTTP/1.0 or HTTP/1.1" in detail


async def test_http_1_0_is_answered(visitor: Client) -> None:
    (reply,) = replies_in(await exchange(visitor, b"GET /livez HTTP/1.0\r\n\r\n"))
    assert reply.status == 200


@pytest.mark.parametrize("sent", TOO_LONG_URIS.values(), ids=TOO_LONG_URIS.keys())
async def test_a_path_and_query_too_long(visitor: Client, sent: bytes) -> None:
    detail = assert_problem(await talk(visitor, sent), 414, "uri_too_long")
    assert str(MAX_LINE) in detail


@pytest.mark.parametrize(
    "sent", TOO_LARGE_HEADERS.values(), ids=TOO_LARGE_HEADERS.keys()
)
async def test_headers_too_large(visitor: Client, sent: bytes) -> None:
    detail = assert_problem(await talk(visitor, sent), 431, "headers_too_large")
    assert re.search(rf"\b({MAX_FIELD}|{MAX_HEAD}|{MAX_HEADERS})\b", detail)


async def test_headers_of_the_limits_are_taken(visitor: Client) -> None:
    key = "k" * 1024
    wide = b"a: " + b"b" * (MAX_FIELD - 1)
    many = [b"a%d: b" % i for i in range(MAX_HEADERS - 1)]
    for headers in ([wide], many):
        reply = await talk(visitor, http("GET", "/livez", *headers))
        assert reply.status == 200
    path = "/api/keys/" + "%6b" * len(key)
    assert_problem(await talk(visitor, http("GET", path)), 403, "token_missing")


async def test_a_long_body_is_no_head(caller: Client) -> None:
    """That its parts, and the next head behind it, are not taken for one."""
    body = json.dumps({"keys": ["k"]}).encode().ljust(4 * MAX_HEAD)
    request = http("POST", "/api/read", body=body, token=caller.token)
    pieces = [request[i : i + MAX_HEAD] for i in range(0, len(request), MAX_HEAD)]
    pieces[-1] += http("GET", "/livez")[:20]
    assert (await talk(caller, *pieces)).status == 200


@named(BROKEN_CHUNKS)
async def test_broken_chunks_next_to_the_headers(visitor: Client, body: bytes) -> None:
    assert_problem(await talk(visitor, CHUNKED + body), 400, "invalid_request")


@named(BROKEN_CHUNKS)
async def test_broken_chunks_behind_the_headers(visitor: Client, body: bytes) -> None:
    reply = await talk(visitor, CHUNKED, b"1\r\n{\r\n", body)
    assert_problem(reply, 400, "invalid_request")


async def test_a_half_closed_connection_gets_its_replies(
    visitor: Client,
) -> None:
    request = http("POST", "/api/login", body=b"{}")
    assert_problem(await talk_and_end(visitor, request), 400, "credentials_required")
    half = await talk_and_end(visitor, request[:-1])
    assert_problem(half, 400, "invalid_request")


@pytest.mark.parametrize("expectation", [b"cookies", b"\xff", b"100-continue, x"])
@pytest.mark.parametrize("path", ["/api/login", "/nothing"])
async def test_an_unsupported_expectation_is_refused(
    visitor: Client, path: str, expectation: bytes
) -> None:
    request = http("POST", path, b"Expect: " + expectation, body=b"{}")
    reply = await talk(visitor, request)
    assert reply.status in (400, 417)
    assert_problem(reply, reply.status, "invalid_request")


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: \xff; charset=\x80",
        b"Content-Type: application/json; charset=utf-16",
        b"Accept: \xff",
        b"Cookie: \xff=\xff",
        b"Connection: \xff",
        b"Upgrade: websocket\r\nConnection: upgrade",
        b"X-Forwarded-For: \xff",
    ],
    ids=ascii,
)
async def test_odd_headers_change_nothing(visitor: Client, header: bytes) -> None:
    reply = await talk(visitor, http("POST", "/api/login", header, body=b"{}"))
    assert_problem(reply, 400, "credentials_required")


@pytest.mark.parametrize("path", CALLS)
async def test_a_client_that_leaves_in_the_middle_of_its_body(
    caller: Client, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    head = http("POST", path, b"Content-Length: 100", token=caller.token)
    await leave_after(caller, head + b'{"data"')
    assert (await caller.read(["k"])).status == 200
    assert not caplog.records  # no operator has to act on it


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("second", [b"Bearer x", b"Basic eDp5", b""])
async def test_two_authorization_headers_are_refused(
    caller: Client, second: bytes, order: int
) -> None:
    lines = [b"Authorization: Bearer " + (caller.token or "").encode()]
    lines.append(b"authorization: " + second)
    request = http("POST", "/api/read", *lines[::order], body=b'{"keys":["k"]}')
    detail = assert_problem(await talk(caller, request), 400, "invalid_request")
    assert "Authorization" in detail


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
async def test_the_scheme_is_taken_in_any_case(caller: Client, scheme: str) -> None:
    header = f"Authorization: {scheme} {caller.token}".encode()
    request = http("POST", "/api/read", header, body=b'{"keys":["k"]}')
    assert (await talk(caller, request)).status == 200


# Methods and paths


@pytest.mark.parametrize(("method", "path", "allowed"), WRONG_METHODS)
async def test_a_wrong_method(
    visitor: Client, method: str, path: str, allowed: str
) -> None:
    reply = await visitor.request(method, path)
    assert (reply.status, reply.headers["Allow"]) == (405, allowed)
    if method == "HEAD":
        assert reply.text == ""
    else:
        assert allowed in assert_problem(reply, 405, "method_not_allowed")


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_an_unknown_path_is_not_found_without_a_token(
    visitor: Client, method: str, path: str
) -> None:
    assert_problem(await talk(visitor, http(method, path)), 404, "not_found")


async def test_an_unknown_path_is_not_found_with_a_token(caller: Client) -> None:
    assert_problem(await caller.post("/api/nothing", {}), 404, "not_found")


# Anything at all

FRAGMENTS = st.sampled_from(
    [
        *(b'{"data":', b'{"keys":', b'{"username":', b'"password":', b'"k"', b'"\xff"'),
        *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\ud800", b"1", b"-"),
        *(b"1e400", b"null", b"true", b" ", b"\0", b"\xff", b"\xed\xa0\x80"),
    ]
)
BODIES = st.binary(max_size=200) | st.lists(FRAGMENTS, max_size=12).map(b"".join)


@settings(deadline=None, database=None, max_examples=500)
@given(path=st.sampled_from(CALLS), body=BODIES)
async def test_no_random_body_fails_the_service(
    caller: Client, path: str, body: bytes
) -> None:
    reply = await caller.post(path, body)
    if reply.status != 200:
        assert_problem(reply, reply.status, reply.json["code"])
    assert reply.status < 500


@pytest.mark.parametrize("call", ["write", "read", "delete", "list", "increment"])
async def test_a_query_where_there_is_none_is_refused(
    client: Client, call: str
) -> None:
    reply = await client.post(f"/api/{call}?ttl=5", {"data": {"k": 1}})
    assert "ttl" in assert_problem(reply, 400, "invalid_request")
