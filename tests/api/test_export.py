"""Export: what its lines are, and how they travel."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.compression_utils import HAS_ZSTD, ZSTDDecompressor
from multidict import CIMultiDictProxy

from service.app import Tuning
from tests.support.assertions import assert_problem
from tests.support.client import Client, account_of, unique
from tests.support.console import set_grants
from tests.support.raw_http import exchange, http
from tests.support.samples import VALUES
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools
from tests.support.transfers import Entry, Exported, export_path, exported
from tests.support.verbatim import path_of

KIB = 1024

#: Bytes of a page: a few keys.
SMALL_PAGE = 1024

#: Keys in the order of their bytes, which is not that of UTF-16.
TAILS = [
    "",
    "\0",
    "\n",
    "\r\n",
    " ",
    '"',
    "A",
    "a",
    "a\0",
    "aa",
    "é",
    "\uffff",
    "\U00010000",
]


@pytest.fixture
async def paged(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    """A client of a service whose exports have small pages."""
    async with serve(tarantool, tuning=Tuning(export_page=SMALL_PAGE)) as client:
        yield await client.enter()


async def written(client: Client, count: int) -> dict[str, Entry]:
    """That many keys with the prefix of the first one, in byte order."""
    prefix = unique("exported")
    data = {f"{prefix}-{number:05}": f"value {number}" for number in range(count)}
    revision = (await client.write(data)).revision
    return {key: Entry(f'"{value}"', revision) for key, value in data.items()}


def prefix_of(keys: dict[str, Entry]) -> str:
    return next(iter(keys)).rpartition("-")[0]


# Lines


async def test_an_empty_store_is_a_header_and_an_end(
    serve: Serve, tarantools: Tarantools
) -> None:
    with tarantools.running() as own:
        async with serve(own) as client:
            export = (await exported(await client.enter())).check()
    assert export.state() == {}
    assert export.header["kv_export"] == 1
    assert (export.header["revision"], export.header["prefix"]) == (0, "")
    assert (export.last["revision"], export.last["keys"], export.last["changes"]) == (
        0,
        0,
        0,
    )


async def test_keys_come_in_the_order_of_their_bytes(paged: Client) -> None:
    prefix = unique("order")
    keys = [prefix + tail for tail in TAILS]
    revision = (await paged.write(dict.fromkeys(reversed(keys), 0))).revision
    export = (await exported(paged, prefix)).check()
    assert list(export.state()) == keys
    assert export.last["keys"] == len(keys)
    assert export.last["changes"] == 0
    assert export.last["revision"] >= export.header["revision"] >= revision


@pytest.mark.parametrize("count", [1, 2, 500])
async def test_pages_together_have_every_key_once(paged: Client, count: int) -> None:
    keys = await written(paged, count)
    export = (await exported(paged, prefix_of(keys))).check()
    assert export.state() == keys
    assert export.last["keys"] == count


async def test_values_are_exported_byte_for_byte(paged: Client) -> None:
    prefix = unique("verbatim")
    texts = {f"{prefix}-{number:03}": text for number, text in enumerate(VALUES)}
    members = ",".join(f"{json.dumps(key)}:{text}" for key, text in texts.items())
    assert (await paged.post("/api/write", f'{{"data":{{{members}}}}}')).status == 200
    export = (await exported(paged, prefix)).check()
    assert {key: entry.value for key, entry in export.state().items()} == texts


async def test_a_value_with_line_breaks_is_a_text(client: Client) -> None:
    prefix = unique("breaks")
    values = {"0": "[1,\n2]", "1": "[1,\r2]", "2": "[1,\r\n2]", "3": r'"\r\n"'}
    for tail, value in values.items():
        reply = await client.request("PUT", path_of(prefix + tail), value)
        assert reply.status == 204
    reply = await client.request("GET", export_path(prefix))
    lines = [json.loads(line) for line in reply.text.removesuffix("\n").split("\n")]
    assert "\r" not in reply.text
    assert [line.get("text") for line in lines[1:-1]] == [
        *list(values.values())[:3],
        None,
    ]
    assert lines[4]["value"] == "\r\n"
    state = Exported(reply.text.encode()).check().state()
    assert [entry.value for entry in state.values()] == list(values.values())


async def test_a_key_that_expires_has_the_time(client: Client) -> None:
    prefix = unique("expiring")
    await client.write({f"{prefix}-0": 0}, ttl=1000.5)
    await client.write({f"{prefix}-1": 1})
    export = (await exported(client, prefix)).check()
    expiring, lasting = export.state().values()
    assert expiring.expires_at is not None
    assert 900 < expiring.expires_at - export.header["made_at"] <= 1000.5
    assert lasting.expires_at is None


async def test_a_value_larger_than_a_page_is_exported(paged: Client) -> None:
    prefix = unique("large")
    data = {f"{prefix}-{number}": "x" * (900 * KIB) for number in range(3)}
    for key, value in data.items():
        assert (await paged.write({key: value})).status == 200
    export = (await exported(paged, prefix)).check()
    state = {key: json.loads(entry.value) for key, entry in export.state().items()}
    assert state == data


# Rights


async def test_only_readable_keys_are_exported(
    paged: Client, tarantool: Tarantool
) -> None:
    owner, base = await Client(paged.session, paged.url).enter(), unique("granted")
    tails = ["a", "b/1", "b/2", "c", "d/1", "d/2", "e"]
    await owner.write({f"{base}/{tail}": tail for tail in tails})
    grants = ((f"{base}/d/", "r"), (f"{base}/b/", "rw"), (f"{base}/e", "w"))
    set_grants(tarantool, account_of(paged), *grants)
    expected = {
        "": ["b/1", "b/2", "d/1", "d/2"],
        "b": ["b/1", "b/2"],
        "d/2": ["d/2"],
    }
    for tail, keys in expected.items():
        export = (await exported(paged, f"{base}/{tail}")).check()
        assert list(export.state()) == [f"{base}/{key}" for key in keys]
    for tail in ("a", "c", "e"):
        reply = await paged.request("GET", export_path(f"{base}/{tail}"))
        assert_problem(reply, 403, "forbidden")


async def test_a_token_is_required(visitor: Client) -> None:
    reply = await visitor.request("GET", export_path())
    assert_problem(reply, 403, "token_missing")


# Requests


@pytest.mark.parametrize("query", ["since=1", "prefix=a&prefix=b", "prefix=%ff", "x"])
async def test_a_bad_query_is_refused(client: Client, query: str) -> None:
    (reply,) = await _replies(client, "GET", f"/api/export?{query}")
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b'"invalid_request"' in reply


async def test_a_prefix_longer_than_a_key_is_refused(client: Client) -> None:
    reply = await client.request("GET", export_path("x" * 1025))
    assert_problem(reply, 400, "invalid_key")


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE"])
async def test_only_get_exports(client: Client, method: str) -> None:
    reply = await client.request(method, export_path())
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, OPTIONS")


async def test_without_a_change_log_there_is_no_export(
    serve: Serve, tarantools: Tarantools
) -> None:
    with tarantools.running(KV_CHANGES_BYTES="0") as own:
        async with serve(own) as client:
            await client.enter()
            reply = await client.request("GET", export_path())
    assert "KV_CHANGES_BYTES" in assert_problem(reply, 404, "not_found")


# Replies


async def test_the_headers_are_those_of_a_file(client: Client) -> None:
    reply = await client.request("GET", export_path(unique("none")))
    revision = json.loads(reply.text.split("\n")[0])["revision"]
    assert reply.headers["Content-Type"] == "application/x-ndjson"
    name = f'attachment; filename="kv-export-{revision}.ndjson"'
    assert reply.headers["Content-Disposition"] == name
    assert reply.headers["Cache-Control"] == "no-store"
    assert "Content-Length" not in reply.headers


CODINGS = ["gzip", *(["zstd"] if HAS_ZSTD else [])]


@pytest.mark.parametrize("coding", CODINGS)
async def test_an_export_is_compressed_for_those_who_accept_it(
    paged: Client, coding: str
) -> None:
    keys = await written(paged, 2000)
    sent, headers = await _fetched(paged, prefix_of(keys), coding)
    assert (headers["Content-Encoding"], headers["Vary"]) == (coding, "Accept-Encoding")
    if coding == "gzip":
        lines = zlib.decompress(sent, 16 + zlib.MAX_WBITS)
    else:
        lines = ZSTDDecompressor().decompress_sync(sent)
    assert len(sent) < len(lines) / 3
    assert Exported(lines).check().state() == keys


@pytest.mark.parametrize(("setting", "accepted"), [("off", "gzip"), ("on", "br")])
async def test_an_export_is_sent_as_it_is_otherwise(
    serve: Serve, tarantool: Tarantool, setting: str, accepted: str
) -> None:
    async with serve(tarantool, KV_COMPRESSION=setting) as client:
        keys = await written(await client.enter(), 10)
        sent, headers = await _fetched(client, prefix_of(keys), accepted)
    assert "Content-Encoding" not in headers
    assert Exported(sent).check().state() == keys


async def test_a_client_of_http_1_0_gets_the_lines_and_the_end_of_the_connection(
    client: Client,
) -> None:
    keys = await written(client, 10)
    asked = http(
        "GET",
        export_path(prefix_of(keys)),
        b"Accept-Encoding: gzip",
        token=client.token,
    ).replace(b"HTTP/1.1", b"HTTP/1.0")
    head, _, lines = (await exchange(client, asked, last=False)).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert b"Content-Encoding" not in head
    assert Exported(lines).check().state() == keys


async def test_several_exports_at_once_have_the_same_lines(paged: Client) -> None:
    keys = await written(paged, 300)
    exports = await asyncio.gather(
        *(exported(paged, prefix_of(keys)) for _ in range(8))
    )
    for export in exports:
        assert export.check().state() == keys


async def _fetched(
    client: Client, prefix: str, accepted: str
) -> tuple[bytes, CIMultiDictProxy[str]]:
    """The body as it was sent, and the headers."""
    headers = {"Authorization": f"Bearer {client.token}", "Accept-Encoding": accepted}
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(client.url + export_path(prefix), headers=headers) as response,
    ):
        return await response.read(), response.headers


async def _replies(client: Client, method: str, target: str) -> list[bytes]:
    return [await exchange(client, http(method, target, token=client.token))]
