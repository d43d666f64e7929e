"""Large replies are compressed for clients that accept it, and only for those."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import aiohttp
import pytest
from aiohttp.compression_utils import HAS_ZSTD, ZSTDDecompressor
from multidict import CIMultiDict, CIMultiDictProxy

from service.app import Tuning
from service.sizes import SMALL
from service.web.reply_compression import (
    AVAILABLE,
    GZIP,
    MIN_SIZE,
    ZSTD,
    CompressionLimits,
)
from tests.support.assertions import assert_problem
from tests.support.client import Client, unique
from tests.support.compressed import body_of, head_of, long_read
from tests.support.machine import POLL_INTERVAL
from tests.support.raw_http import REPLY_TIMEOUT, http, left_waiting, talk
from tests.support.samples import ACCEPTS_ANY, ACCEPTS_GZIP, ACCEPTS_NOTHING
from tests.support.service import Serve
from tests.support.sse import following, query
from tests.support.tarantool import Tarantool

KIB = 1024
MIB = 1024 * KIB

#: Of two that a client accepts equally.
PREFERRED = ZSTD if HAS_ZSTD else GZIP

#: Sizes of a reply: a single piece, several, and one that waits for its client.
SIZES = [MIN_SIZE, SMALL, 3 * SMALL + 1, 2 * MIB]

pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


class Fetched(NamedTuple):
    """A reply as it was sent."""

    status: int
    headers: CIMultiDictProxy[str]
    raw: bytes

    @property
    def coding(self) -> str | None:
        return self.headers.get("Content-Encoding")

    @property
    def body(self) -> bytes:
        match self.coding:
            case None:
                return self.raw
            case "gzip":
                return gzip.decompress(self.raw)
            case "zstd":
                return ZSTDDecompressor().decompress_sync(self.raw)
        raise AssertionError(self.coding)


@pytest.fixture
async def raw() -> AsyncIterator[aiohttp.ClientSession]:
    """Leaves replies as they are, and accepts nothing by itself."""
    async with aiohttp.ClientSession(
        auto_decompress=False, skip_auto_headers=["Accept-Encoding"]
    ) as session:
        yield session


async def fetch(
    raw: aiohttp.ClientSession,
    client: Client,
    method: str,
    path: str,
    body: Any = None,
    *,
    accept: tuple[str, ...] = (),
    **headers: str,
) -> Fetched:
    sent = CIMultiDict(headers)
    if client.token:
        sent["Authorization"] = f"Bearer {client.token}"
    for field in accept:
        sent.add("Accept-Encoding", field)
    data = None if body is None else json.dumps(body)
    async with raw.request(
        method, client.url + path, data=data, headers=sent
    ) as response:
        return Fetched(response.status, response.headers, await response.read())


def value_of(size: int) -> str:
    """A value of this many characters that compresses badly."""
    numbers = "".join(map(str, range(size // 4)))
    return numbers[:size].ljust(size, "x")


async def written(client: Client, size: int) -> list[str]:
    """Keys, a read of which is answered with that many bytes."""
    most = MIB - KIB
    keys = [unique("large") for _ in range(1 + size // most)]
    empty = len(json.dumps({"data": dict.fromkeys(keys, "")}, separators=(",", ":")))
    share, rest = divmod(size - empty, len(keys))
    data = {key: value_of(share) for key in keys}
    data[keys[0]] += "x" * rest
    assert (await client.write(data)).status == 200
    return keys


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        *((accept, GZIP) for accept in ACCEPTS_GZIP),
        *((accept, PREFERRED) for accept in ACCEPTS_ANY),
        *((accept, None) for accept in ACCEPTS_NOTHING),
    ],
)
async def test_the_client_chooses_the_coding(
    client: Client,
    raw: aiohttp.ClientSession,
    accept: tuple[str, ...],
    coding: str | None,
) -> None:
    keys = await written(client, MIN_SIZE)
    reply = await fetch(raw, client, "POST", "/api/read", {"keys": keys}, accept=accept)
    assert (reply.status, reply.coding) == (200, coding)
    assert reply.headers.getall("Vary") == ["Accept-Encoding"]
    assert reply.headers["Content-Type"].startswith("application/json")
    assert len(reply.body) == MIN_SIZE
    assert len(reply.raw) < MIN_SIZE or coding is None


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("coding", AVAILABLE)
@pytest.mark.parametrize("fields", [{}, {"revisions": True}], ids=["read", "detailed"])
async def test_a_compressed_reply_has_the_same_content(
    client: Client,
    raw: aiohttp.ClientSession,
    size: int,
    coding: str,
    fields: dict[str, bool],
) -> None:
    asked = {"keys": await written(client, size)} | fields
    plain = await fetch(raw, client, "POST", "/api/read", asked)
    assert plain.coding is None
    assert int(plain.headers["Content-Length"]) == len(plain.raw) >= size
    reply = await fetch(raw, client, "POST", "/api/read", asked, accept=(coding,))
    assert reply.coding == coding
    assert reply.headers.get("Content-Length") in (None, str(len(reply.raw)))
    assert len(reply.raw) < len(plain.raw) / 2
    assert reply.body == plain.body


async def test_characters_of_any_length_stay_whole(
    client: Client, raw: aiohttp.ClientSession
) -> None:
    data = {unique("é"): "aé\u20ac\U0001f600" * (20 * KIB) for _ in range(3)}
    assert (await client.write(data)).status == 200
    asked = {"keys": list(data)}
    reply = await fetch(raw, client, "POST", "/api/read", asked, accept=("gzip",))
    assert reply.coding == GZIP
    assert json.loads(reply.body) == {"data": data}


async def test_a_small_reply_is_not_compressed(
    client: Client, raw: aiohttp.ClientSession
) -> None:
    asked = {"keys": await written(client, MIN_SIZE - 1)}
    reply = await fetch(raw, client, "POST", "/api/read", asked, accept=("gzip",))
    assert len(reply.raw) == MIN_SIZE - 1
    assert reply.coding is None
    assert "Vary" not in reply.headers


async def large_list(client: Client, *, values: bool) -> tuple[str, str, Any]:
    prefix = unique("listed")
    assert (await client.write({f"{prefix}/{n}": n for n in range(500)})).status == 200
    return "POST", "/api/list", {"prefix": prefix, "values": values}


async def listed(client: Client) -> tuple[str, str, Any]:
    return await large_list(client, values=False)


async def listed_with_values(client: Client) -> tuple[str, str, Any]:
    return await large_list(client, values=True)


async def polled(client: Client) -> tuple[str, str, Any]:
    prefix = unique("polled")
    reply = await client.write({prefix: "x" * MIN_SIZE})
    return "GET", query(since=reply.revision - 1, prefix=prefix), None


async def incremented(client: Client) -> tuple[str, str, Any]:
    return "POST", "/api/increment", {"data": {unique("n"): 0 for _ in range(500)}}


async def conflicts(client: Client) -> tuple[str, str, Any]:
    absent = {unique("absent"): 1 for _ in range(500)}
    return "POST", "/api/write", {"data": {"k": 1}, "if": absent}


async def unknown_path(client: Client) -> tuple[str, str, Any]:
    return "GET", f"/{'%01' * 1500}", None


async def openapi(client: Client) -> tuple[str, str, Any]:
    return "GET", "/openapi.json", None


async def script(client: Client) -> tuple[str, str, Any]:
    return "GET", "/docs/swagger-ui.js", None


Asked = Callable[[Client], Any]


@pytest.mark.parametrize(
    "asked",
    [
        listed,
        listed_with_values,
        polled,
        incremented,
        conflicts,
        unknown_path,
        openapi,
        script,
    ],
)
async def test_every_large_reply_without_secrets_is_compressed(
    client: Client, raw: aiohttp.ClientSession, asked: Asked
) -> None:
    request = await asked(client)
    same_id: dict[str, Any] = {
        "X-Request-Id": unique("request")
    }  # a problem contains it
    plain = await fetch(raw, client, *request, **same_id)
    assert plain.coding is None
    assert len(plain.raw) >= MIN_SIZE
    reply = await fetch(raw, client, *request, accept=("gzip",), **same_id)
    assert (reply.status, reply.coding) == (plain.status, GZIP)
    for headers in (plain.headers, reply.headers):
        assert headers.getall("Vary") == ["Accept-Encoding"]
    assert reply.headers["Content-Type"] == plain.headers["Content-Type"]
    assert reply.headers.get("ETag") == plain.headers.get("ETag")
    assert reply.body == plain.body


async def test_a_conflict_is_a_problem_compressed_too(client: Client) -> None:
    method, path, body = await conflicts(client)
    reply = await client.request(method, path, body)  # which aiohttp decompresses
    assert reply.headers["Content-Encoding"]
    assert_problem(reply, 412, "condition_failed")
    assert len(reply.json["conflicts"]) == 500


@pytest.mark.parametrize("accept", ["gzip", "*", "gzip, zstd, br, identity;q=0"])
async def test_one_key_is_never_compressed(
    client: Client, raw: aiohttp.ClientSession, accept: str
) -> None:
    path = f"/api/keys/{unique('large')}"
    value = json.dumps("x" * (MIB - 2))
    assert (await client.request("PUT", path, value)).status == 204
    reply = await fetch(raw, client, "GET", path, accept=(accept,))
    assert reply.raw == value.encode()
    assert "Content-Encoding" not in reply.headers
    assert "Vary" not in reply.headers
    assert reply.headers["ETag"].startswith('"')


async def test_a_stream_is_never_compressed(client: Client) -> None:
    async with following(client) as stream:
        await stream.start()
        await client.write({unique("k"): "x" * MIN_SIZE})
        assert len((await stream.next()).data) > MIN_SIZE
        assert "Content-Encoding" not in stream.response.headers
        assert "Vary" not in stream.response.headers


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/login", True),
        ("/api/refresh", None),
        ("/api/password", {"password": "password", "new_password": "another"}),
    ],
)
async def test_a_token_is_never_compressed(
    serve: Serve,
    tarantool: Tarantool,
    raw: aiohttp.ClientSession,
    path: str,
    body: Any,
) -> None:
    """Not even if it were a large reply."""
    name = unique("user")
    credentials = {"username": name, "password": "password"}
    tuning = Tuning(compression=CompressionLimits(min_size=1))
    async with serve(tarantool, tuning=tuning) as client:
        await client.register(name, "password")
        await client.login(name, "password")
        reply = await fetch(
            raw,
            client,
            "POST",
            path,
            credentials if body is True else body,
            accept=("gzip",),
        )
        assert json.loads(reply.raw)["token"]
        assert "Vary" not in reply.headers
        # the control: another small reply is compressed then
        refused = await fetch(raw, client, "GET", "/nothing", accept=("gzip",))
        assert refused.coding == GZIP


async def test_http_1_0_gets_no_chunks(client: Client) -> None:
    keys = await written(client, 3 * SMALL)
    body = json.dumps({"keys": keys}).encode()
    sent = http(
        "POST", "/api/read", b"Accept-Encoding: gzip", body=body, token=client.token
    )
    reply = await talk(client, sent.replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert reply.headers.getall("Vary") == ["Accept-Encoding"]
    assert "Content-Encoding" not in reply.headers
    assert len(reply.text) == 3 * SMALL


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/swagger-ui.js", "/docs"])
@pytest.mark.parametrize("accept", [(), ("gzip",)], ids=["plain", "gzip"])
async def test_head_has_the_headers_of_get(
    visitor: Client, raw: aiohttp.ClientSession, path: str, accept: tuple[str, ...]
) -> None:
    got = await fetch(raw, visitor, "GET", path, accept=accept)
    head = await fetch(raw, visitor, "HEAD", path, accept=accept)
    assert (head.status, head.raw) == (200, b"")
    ignored = {"date", "x-request-id", "transfer-encoding"}

    def compared(headers: CIMultiDictProxy[str]) -> dict[str, list[str]]:
        names = {name for name in headers if name.lower() not in ignored}
        return {name: headers.getall(name) for name in names}

    assert compared(head.headers) == compared(got.headers)
    assert (head.coding == GZIP) is bool(accept and path != "/docs")


@pytest.mark.parametrize("path", ["/docs/swagger-ui.js", "/docs/swagger-ui.css"])
@pytest.mark.parametrize("accept", [(), ("gzip",)], ids=["plain", "gzip"])
async def test_a_cached_file_is_valid_with_and_without_compression(
    visitor: Client, raw: aiohttp.ClientSession, path: str, accept: tuple[str, ...]
) -> None:
    got = await fetch(raw, visitor, "GET", path, accept=("gzip",))
    tag = got.headers["ETag"]
    assert tag.startswith("W/")
    headers = {"If-None-Match": tag}
    kept = await fetch(raw, visitor, "GET", path, accept=accept, **headers)
    assert (kept.status, kept.raw) == (304, b"")
    assert kept.headers["ETag"] == tag
    assert kept.headers.getall("Vary") == ["Accept-Encoding"]
    assert kept.coding is None


async def test_compression_can_be_switched_off(
    serve: Serve, tarantool: Tarantool, raw: aiohttp.ClientSession
) -> None:
    async with serve(tarantool, KV_COMPRESSION="off") as client:
        await client.enter()
        asked = {"keys": await written(client, 3 * SMALL)}
        read = await fetch(raw, client, "POST", "/api/read", asked, accept=("gzip",))
        assert len(read.raw) == 3 * SMALL
        path = "/docs/swagger-ui.css"
        file = await fetch(raw, client, "GET", path, accept=("gzip",))
        tag = {"If-None-Match": file.headers["ETag"]}
        kept = await fetch(raw, client, "GET", path, accept=("gzip",), **tag)
        assert kept.status == 304
        for reply in (read, file, kept):
            assert reply.coding is None
            assert "Vary" not in reply.headers


async def test_pipelined_requests_are_answered_in_order(client: Client) -> None:
    keys = await written(client, 3 * SMALL)
    body = json.dumps({"keys": keys}).encode()
    accept = b"Accept-Encoding: gzip"
    one = http("POST", "/api/read", accept, body=body, token=client.token)
    last = http("GET", "/livez", b"Connection: close")
    async with (
        left_waiting(client, one + one + last) as reader,
        asyncio.timeout(REPLY_TIMEOUT),
    ):
        for _ in range(2):
            await head_of(reader)
            assert len(gzip.decompress(await body_of(reader))) == 3 * SMALL
        assert (await reader.read()).endswith(b'{"status":"alive"}')


@pytest.mark.parametrize(
    "limits",
    [CompressionLimits(max_streams=0), CompressionLimits(max_pending=0)],
    ids=["streams", "pending"],
)
async def test_without_capacity_long_replies_are_sent_as_they_are(
    serve: Serve,
    tarantool: Tarantool,
    raw: aiohttp.ClientSession,
    limits: CompressionLimits,
) -> None:
    """Short ones need next to none."""
    async with serve(tarantool, tuning=Tuning(compression=limits)) as client:
        await client.enter()
        for size, coding in ((SMALL, GZIP), (SMALL + 1, None)):
            asked = {"keys": await written(client, size)}
            reply = await fetch(
                raw, client, "POST", "/api/read", asked, accept=("gzip",)
            )
            assert (len(reply.body), reply.coding) == (size, coding)
            assert reply.headers.getall("Vary") == ["Accept-Encoding"]


async def test_a_client_that_leaves_frees_its_compressed_stream(
    serve: Serve,
    tarantool: Tarantool,
    raw: aiohttp.ClientSession,
) -> None:
    tuning = Tuning(compression=CompressionLimits(max_streams=1))
    async with serve(tarantool, tuning=tuning) as client:
        await client.enter()
        slow = await long_read(client)
        asked = {"keys": await written(client, 3 * SMALL)}

        async def coding() -> str | None:
            reply = await fetch(
                raw, client, "POST", "/api/read", asked, accept=("gzip",)
            )
            assert reply.status == 200
            assert reply.headers.getall("Vary") == ["Accept-Encoding"]
            return reply.coding

        assert await coding() == GZIP
        async with left_waiting(client, slow) as reader:
            await head_of(reader)
            assert await coding() is None
        async with asyncio.timeout(REPLY_TIMEOUT):
            while True:
                if await coding() == GZIP:
                    break
                await asyncio.sleep(POLL_INTERVAL)
