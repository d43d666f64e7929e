"""A compressed body is decoded whole, or refused and nothing of it is stored."""

import asyncio
import gzip
import importlib
import json
import random
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from service.web.body_decoding import CODINGS, MAX_MEMBERS
from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, unique
from tests.support.machine import POLL_INTERVAL
from tests.support.raw_http import (
    REPLY_TIMEOUT,
    exchange,
    http,
    left_waiting,
    replies_in,
)
from tests.support.service import Serve
from tests.support.tarantool import Tarantool

Compress = Callable[[bytes], bytes]

KIB = 1024
MIB = 1024 * KIB

#: Connections of a test at a time.
AT_ONCE = 50


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


def stored_deflate(body: bytes) -> bytes:
    return zlib.compress(body, 0)


def with_name(body: bytes) -> bytes:
    """A gzip header with every optional field (RFC 1952, section 2.3.1)."""
    begin = (
        b"\x1f\x8b\x08\x1c" + bytes(5) + b"\xff" + b"\x02\x00ab" + b"name\0comment\0"
    )
    return begin + gzip.compress(body)[10:]


def optional(module: str, name: str, **options: int) -> Any:
    """Compresses with a library that may be missing, as the service does."""

    def compress(body: bytes) -> bytes:
        compressed: bytes = getattr(importlib.import_module(module), name)(
            body, **options
        )
        return compressed

    return compress


COMPRESSORS: list[tuple[str, Compress]] = [
    ("gzip", gzip.compress),
    ("gzip", with_name),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("deflate", stored_deflate),
    ("br", optional("brotli", "compress", quality=5)),
    ("zstd", optional("backports.zstd", "compress")),
]
each_coding = pytest.mark.parametrize(
    ("coding", "compress"),
    [
        pytest.param(
            *pair,
            marks=pytest.mark.skipif(
                pair[0] not in CODINGS, reason=f"no library for {pair[0]}"
            ),
        )
        for pair in COMPRESSORS
    ],
    ids=[f"{coding}-{number}" for number, (coding, _) in enumerate(COMPRESSORS)],
)
framed = pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunks"])

UNSUPPORTED = {
    "unknown": [b"x"],
    "compress": [b"compress"],
    "utf-8": [b"utf-8"],
    "not-text": [b"\xff"],
    "quality": [b"gzip;q=1"],
    "star": [b"*"],
    "twice": [b"gzip, gzip"],
    "two": [b"deflate, gzip"],
    "two-headers": [b"gzip", b"gzip"],
    "two-headers-identity": [b"identity", b"gzip"],
    "one-unknown": [b"gzip, x"],
    "long": [b"x" * 5_000],
    **{name: [name.encode()] for name in ("br", "zstd") if name not in CODINGS},
}
NO_CODING = [b"identity", b"Identity", b"IDENTITY", b"", b" ", b",", b"identity,"]


def request(
    client: Client,
    method: str,
    path: str,
    body: bytes,
    *codings: bytes,
    is_chunked: bool = False,
) -> bytes:
    headers = [b"Content-Encoding: " + coding for coding in codings]
    if not is_chunked:
        return http(method, path, *headers, body=body, token=client.token)
    head = http(
        method, path, *headers, b"Transfer-Encoding: chunked", token=client.token
    )
    parts = [body[i : i + 7] for i in range(0, len(body), 7)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return head + chunks + b"0\r\n\r\n"


async def reply_to(client: Client, sent: bytes) -> Reply:
    (reply,) = replies_in(await exchange(client, sent))
    return reply


async def put(
    client: Client, body: bytes, coding: str, *, is_chunked: bool = False
) -> tuple[Reply, str | None]:
    """The reply, and what is stored then."""
    key = unique("put")
    sent = request(
        client,
        "PUT",
        f"/api/keys/{key}",
        body,
        coding.encode(),
        is_chunked=is_chunked,
    )
    reply = await reply_to(client, sent)
    found = await client.request("GET", f"/api/keys/{key}")
    return reply, found.text if found.status == 200 else None


async def assert_refused(
    client: Client, bodies: list[bytes], coding: str, *, is_chunked: bool
) -> None:
    slots = asyncio.Semaphore(AT_ONCE)

    async def check(body: bytes) -> None:
        async with slots:
            reply, stored = await put(client, body, coding, is_chunked=is_chunked)
        code = "invalid_request" if body else "invalid_json"
        assert_problem(reply, 400, code)
        assert stored is None

    await asyncio.gather(*map(check, bodies))


# What is whole


@framed
@each_coding
@pytest.mark.parametrize("size", [10, 5_000, 300_000])
async def test_a_compressed_value(
    client: Client, coding: str, compress: Compress, size: int, is_chunked: bool
) -> None:
    value = json.dumps(random.Random(size).randbytes(size // 2).hex())
    reply, stored = await put(
        client, compress(value.encode()), coding, is_chunked=is_chunked
    )
    assert (reply.status, stored) == (204, value)


@pytest.mark.parametrize(
    "name", ["gzip", "GZip", "x-gzip", "X-GZIP", " gzip ", "gzip,"]
)
async def test_a_coding_has_several_names(client: Client, name: str) -> None:
    reply, stored = await put(client, gzip.compress(b"12"), name)
    assert (reply.status, stored) == (204, "12")


@pytest.mark.parametrize("name", NO_CODING)
async def test_no_coding_has_several_names(client: Client, name: bytes) -> None:
    reply, stored = await put(client, b"12", name.decode())
    assert (reply.status, stored) == (204, "12")


@pytest.mark.parametrize("count", [2, 3, MAX_MEMBERS])
async def test_several_members_are_one_body(client: Client, count: int) -> None:
    members = [gzip.compress(str(number % 9 + 1).encode()) for number in range(count)]
    reply, stored = await put(client, b"".join(members), "gzip")
    assert reply.status == 204
    assert stored == "".join(str(number % 9 + 1) for number in range(count))


async def test_empty_members_are_skipped(client: Client) -> None:
    empty = gzip.compress(b"")
    body = empty + gzip.compress(b"1") + empty * 3 + gzip.compress(b"2") + empty
    reply, stored = await put(client, body, "gzip")
    assert (reply.status, stored) == (204, "12")


@each_coding
async def test_every_call_takes_a_compressed_body(
    client: Client, coding: str, compress: Compress
) -> None:
    key = unique("key")
    headers = {"Content-Encoding": coding}
    body = compress(json.dumps({"data": {key: 1.0}}).encode())
    assert (await client.post("/api/write", body, headers=headers)).status == 200
    body = compress(json.dumps({"keys": [key]}).encode())
    reply = await client.post("/api/read", body, headers=headers)
    assert reply.json == {"data": {key: 1.0}}
    body = compress(b'{"username": "nobody", "password": "p"}')
    reply = await client.post("/api/login", body, headers=headers)
    assert_problem(reply, 401, "invalid_credentials")


async def test_a_retry_may_be_compressed_otherwise(client: Client) -> None:
    key, body = unique("retried"), json.dumps({"data": {unique("k"): 1}}).encode()
    first = await client.post("/api/write", body, headers={"Idempotency-Key": key})
    for level in (1, 9):
        again = await client.post(
            "/api/write",
            gzip.compress(body, level),
            headers={"Idempotency-Key": key, "Content-Encoding": "gzip"},
        )
        assert (again.status, again.revision) == (200, first.revision)


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate"])
async def test_no_body_needs_no_coding(client: Client, coding: str) -> None:
    reply = await client.post("/api/logout", headers={"Content-Encoding": coding})
    assert reply.status == 200


# What is not


@framed
@each_coding
async def test_a_body_cut_at_any_byte_stores_nothing(
    client: Client, coding: str, compress: Compress, is_chunked: bool
) -> None:
    whole = compress(b"1234567890" * 3)
    bodies = [whole[:end] for end in range(len(whole))]
    await assert_refused(client, bodies, coding, is_chunked=is_chunked)


@framed
async def test_several_members_cut_at_any_byte_store_nothing(
    client: Client, is_chunked: bool
) -> None:
    first, second = gzip.compress(b"12345"), gzip.compress(b"67890")
    whole = first + second
    bodies = [whole[:end] for end in range(1, len(whole)) if end != len(first)]
    await assert_refused(client, bodies, "gzip", is_chunked=is_chunked)


@each_coding
async def test_a_large_body_cut_short_stores_nothing(
    client: Client, coding: str, compress: Compress
) -> None:
    noise = random.Random(1).randbytes(100_000).hex()
    whole = compress(json.dumps(noise).encode())
    ends = [1, 10, 16 * KIB, 32 * KIB, len(whole) // 2, len(whole) - 5, len(whole) - 1]
    await assert_refused(
        client, [whole[:end] for end in ends], coding, is_chunked=False
    )


@framed
@pytest.mark.parametrize("place", range(1, 9))
async def test_a_wrong_checksum_or_length(
    client: Client, place: int, is_chunked: bool
) -> None:
    for flipped in (0x01, 0x80):
        body = bytearray(gzip.compress(b"1234567890"))
        body[-place] ^= flipped
        await assert_refused(client, [bytes(body)], "gzip", is_chunked=is_chunked)
    deflated = bytearray(zlib.compress(b"1234567890"))
    deflated[-min(place, 4)] ^= 0x10
    await assert_refused(client, [bytes(deflated)], "deflate", is_chunked=is_chunked)


@framed
@each_coding
@pytest.mark.parametrize(
    "behind", [b"\0", b"tail", b"\x1f", b"\x1f\x8b\x08", bytes(20_000)], ids=len
)
async def test_bytes_behind_the_end(
    client: Client, coding: str, compress: Compress, behind: bytes, is_chunked: bool
) -> None:
    bodies = [compress(b"1234567890") + behind]
    await assert_refused(client, bodies, coding, is_chunked=is_chunked)


@pytest.mark.parametrize("compress", [zlib.compress, raw_deflate])
async def test_deflate_has_one_member(client: Client, compress: Compress) -> None:
    body = compress(b"12") + compress(b"34")
    await assert_refused(client, [body], "deflate", is_chunked=False)


async def test_too_many_members(client: Client) -> None:
    body = gzip.compress(b"1") * (MAX_MEMBERS + 1)
    reply, stored = await put(client, body, "gzip")
    assert str(MAX_MEMBERS) in assert_problem(reply, 400, "invalid_request")
    assert stored is None


@each_coding
async def test_a_body_that_is_not_compressed(
    client: Client, coding: str, compress: Compress
) -> None:
    await assert_refused(
        client, [b"1", b'"text"', b"[1, 2, 3]", bytes(50)], coding, is_chunked=False
    )


async def test_a_compressed_body_whose_framing_is_cut(client: Client) -> None:
    for is_chunked in (False, True):
        sent = request(
            client,
            "PUT",
            f"/api/keys/{unique('cut')}",
            gzip.compress(b"1234567890"),
            b"gzip",
            is_chunked=is_chunked,
        )
        reply = await reply_to(client, sent[:-6])
        assert_problem(reply, 400, "invalid_request")


# Codings that are not supported


@framed
@pytest.mark.parametrize("codings", UNSUPPORTED.values(), ids=UNSUPPORTED.keys())
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/keys/{key}"),
        ("POST", "/api/write"),
        ("POST", "/api/read"),
        ("POST", "/api/login"),
        ("POST", "/api/register"),
        ("POST", "/api/refresh"),
        ("DELETE", "/api/me"),
    ],
)
async def test_an_unsupported_coding_is_named(
    client: Client, method: str, path: str, codings: list[bytes], is_chunked: bool
) -> None:
    key = unique("unsupported")
    path = path.format(key=key)
    body = b'{"data":{"%s":1}}' % key.encode()
    sent = request(client, method, path, body, *codings, is_chunked=is_chunked)
    first, second = replies_in(await exchange(client, sent + http("GET", "/livez")))
    detail = assert_problem(first, 415, "unsupported_encoding")
    assert "gzip" in detail
    assert len(detail) < 300
    accepted = first.headers["Accept-Encoding"].split(", ")
    assert accepted[:2] == ["gzip", "deflate"]
    assert second.status == 200  # the connection stays usable
    assert (await client.read([key])).json == {"data": {}}


async def test_a_coding_of_no_body_is_ignored(client: Client) -> None:
    sent = http("GET", "/livez", b"Content-Encoding: x")
    assert (await reply_to(client, sent)).status == 200


# Limits


@each_coding
async def test_what_is_too_long_when_decoded(
    client: Client, coding: str, compress: Compress
) -> None:
    bomb = compress(bytes(64 * MIB) if coding in ("br", "zstd") else bytes(17 * MIB))
    if compress is not stored_deflate:
        assert len(bomb) < MIB
    reply, stored = await put(client, bomb, coding)
    assert str(16 * MIB) in assert_problem(reply, 413, "body_too_large")
    assert stored is None


async def test_what_is_decoded_counts_as_buffered(
    serve: Serve, tarantool: Tarantool
) -> None:
    limits = {"KV_MAX_BODY": str(MIB), "KV_MAX_HELD": str(MIB)}
    compressed = gzip.compress(json.dumps("x" * (MIB * 3 // 4)).encode())
    async with serve(tarantool, **limits) as client:
        await client.enter()
        reply, _ = await put(client, compressed, "gzip")
        assert reply.status == 204
        upload = http(
            "POST", "/api/write", b"Content-Length: %d" % MIB, token=client.token
        )
        async with left_waiting(client, upload + b" " * (MIB // 2)):
            await until_put(client, compressed, 503)
        await until_put(client, compressed, 204)


async def until_put(client: Client, body: bytes, status: int) -> None:
    async with asyncio.timeout(REPLY_TIMEOUT):
        while True:
            reply, _ = await put(client, body, "gzip")
            if reply.status == status:
                return
            await asyncio.sleep(POLL_INTERVAL)
