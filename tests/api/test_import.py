"""Imports: modes, restarts, the format of lines, and errors with their lines."""

import asyncio
import gzip
import hashlib
import importlib
import json
import random
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from service.web.body_decoding import CODINGS
from tests.support.client import Client, account_of, unique
from tests.support.console import set_grants
from tests.support.imports import Entry, Outcome, imported, ndjson, values_of
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools

MODES = ("overwrite", "create", "skip")

#: Entries of a batch in the tests that cut imports into several.
BATCH = 3

#: Entries that make a batch where the service has its usual limits.
FULL_BATCH = 1000

#: Seconds since 1970 that have passed.
PAST = 1

KIB = 1024


def entries(prefix: str, count: int, value: Any = 0) -> list[Entry]:
    return [{"key": f"{prefix}{i:04}", "value": value} for i in range(count)]


async def newest(client: Client) -> int:
    """The revision of the store."""
    return (await client.list_keys("", limit=1)).revision


def export_of(lines: list[Entry], **end: Any) -> bytes:
    """The file of an export with these lines.

    :param end: other members of its last line
    """
    header = {"kv_export": 1, "revision": 1, "prefix": "", "made_at": 1.5}
    content = ndjson([header, *lines])
    stated = {
        "end": True,
        "revision": 1,
        "keys": len(lines),
        "changes": 0,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return content + ndjson([stated | end])


# Modes and `since`


async def test_a_key_that_exists_is_written_left_alone_or_an_error(
    client: Client,
) -> None:
    prefix = unique("import")
    before = (await client.write({f"{prefix}b": "old"})).revision
    lines = [{"key": f"{prefix}{name}", "value": "new"} for name in "abc"]
    refused = await imported(client, lines, "?mode=create")
    assert refused.status == 412
    problem = refused.last
    assert problem["code"] == "condition_failed"
    assert problem["conflicts"] == {f"{prefix}b": before}
    assert problem["line"] == 2
    assert "Line 2" in problem["detail"]
    assert f"{prefix}b" in problem["detail"]
    assert (problem["written_through"], problem["written"]) == (0, 0)
    assert await values_of(client, prefix) == {"b": "old"}

    assert (await imported(client, lines, "?mode=skip")).counts == (2, 1)
    assert await values_of(client, prefix) == {"a": "new", "b": "old", "c": "new"}

    assert (await imported(client, lines, "?mode=overwrite")).counts == (3, 0)
    assert await values_of(client, prefix) == dict.fromkeys("abc", "new")


async def test_the_mode_is_overwrite_unless_given(client: Client) -> None:
    key = unique("import")
    await client.write({key: 1})
    assert (await imported(client, [{"key": key, "value": 2}])).counts == (1, 0)
    assert await values_of(client, key) == {"": 2}


@pytest.mark.parametrize("query", ["?mode=replace", "?since=-1", "?since=x", "?x=1"])
async def test_a_malformed_query_is_refused(client: Client, query: str) -> None:
    outcome = await imported(client, [], query)
    assert (outcome.status, outcome.last["code"]) == (400, "invalid_request")


async def test_since_is_the_newest_revision_unless_given(client: Client) -> None:
    key = unique("import")
    since = (await client.write({key: 1})).revision
    last = (await imported(client, [{"key": key, "value": 2}])).last
    assert last == {"end": True, "line": 1, "written": 1, "skipped": 0, "since": since}
    again = await imported(client, [{"key": key, "value": 2}], f"?since={since - 1}")
    assert again.last["since"] == since - 1


async def test_since_is_not_ahead_of_the_store(client: Client) -> None:
    ahead = await newest(client) + 1000
    outcome = await imported(client, entries("x", 1), f"?since={ahead}")
    assert (outcome.status, outcome.last["code"]) == (409, "revision_ahead")


@pytest.mark.parametrize("mode", MODES)
async def test_what_is_newer_than_since_is_replaced(client: Client, mode: str) -> None:
    key = unique("import")
    revision = (await client.write({key: 1})).revision
    query = f"?mode={mode}&since={revision - 1}"
    assert (await imported(client, [{"key": key, "value": 2}], query)).counts == (1, 0)
    assert await values_of(client, key) == {"": 2}


@pytest.mark.parametrize("mode", MODES)
async def test_a_deletion_removes_only_what_is_newer_than_since(
    client: Client, mode: str
) -> None:
    prefix = unique("import")
    since = (await client.write({f"{prefix}old": 1})).revision
    await client.write({f"{prefix}new": 1})
    lines = [
        {"key": f"{prefix}{name}", "deleted": True, "revision": 9}
        for name in ("old", "new", "none")
    ]
    outcome = await imported(client, lines, f"?mode={mode}&since={since}")
    assert outcome.counts == (1, 2)
    assert await values_of(client, prefix) == {"old": 1}


async def test_a_batch_is_one_change_of_what_it_writes_and_deletes(
    client: Client,
) -> None:
    prefix = unique("import")
    since = await newest(client)
    await client.write({f"{prefix}a": 1})
    before = await newest(client)
    lines = [
        {"key": f"{prefix}b", "value": 2},
        {"key": f"{prefix}a", "deleted": True},
        {"key": f"{prefix}c", "value": 3},
    ]
    assert (await imported(client, lines, f"?since={since}")).counts == (3, 0)
    assert await newest(client) == before + 1
    assert await values_of(client, prefix) == {"b": 2, "c": 3}


async def test_expiry_times_are_kept_and_expired_entries_skipped(
    client: Client,
) -> None:
    prefix, later = unique("import"), time.time() + 1000
    lines = [
        {"key": f"{prefix}a", "value": 1, "expires_at": later},
        {"key": f"{prefix}b", "value": 1, "expires_at": None},
        {"key": f"{prefix}c", "value": 1, "expires_at": PAST},
        {"key": f"{prefix}d", "value": 1},
        # the state of the file is the one of its last line
        {"key": f"{prefix}d", "value": 2, "expires_at": PAST},
    ]
    assert (await imported(client, lines)).counts == (3, 2)
    keys = [f"{prefix}{name}" for name in "abcd"]
    found = (await client.read(keys, revisions=True)).json
    assert list(found["data"]) == keys[:2]
    assert list(found["ttl"]) == keys[:1]
    assert 900 < found["ttl"][keys[0]] <= 1000


async def test_an_expired_key_does_not_exist(client: Client) -> None:
    key = unique("import")
    await client.write({key: 1}, ttl=0.05)
    await asyncio.sleep(0.1)
    lines = [{"key": key, "value": 2}]
    assert (await imported(client, lines, "?mode=create")).counts == (1, 0)


async def test_a_correction_of_the_file_continues_the_import(client: Client) -> None:
    prefix = unique("import")
    await client.write({f"{prefix}1500": "taken"})
    lines = entries(prefix, 2000)
    refused = await imported(client, lines, "?mode=create")
    assert refused.status == 200
    assert refused.last["code"] == "condition_failed"
    assert (refused.last["line"], refused.last["written_through"]) == (1501, 1000)
    del lines[1500]
    query = f"?mode=create&since={refused.last['since']}"
    assert (await imported(client, lines, query)).counts == (1999, 0)
    # without `since` the file meets the keys of the first attempt
    again = await imported(client, lines, "?mode=create")
    assert (again.status, again.last["line"]) == (412, 1)


# Restarts


def random_lines(rng: random.Random, prefix: str, names: str) -> list[Entry]:
    lines: list[Entry] = []
    for number in range(4 * BATCH):
        key = prefix + rng.choice(names)
        match rng.randrange(5):
            case 0:
                lines.append({"key": key, "deleted": True, "revision": number + 1})
            case 1:
                lines.append({"key": key, "value": number, "expires_at": PAST})
            case _:
                lines.append({"key": key, "text": f'"é \n{number}"'.replace("\n", "")})
    return lines


def expected(old: dict[str, Any], lines: list[Entry], mode: str) -> dict[str, Any]:
    """What is stored after an import, line by line; `old` are keys before `since`."""
    found, own = dict(old), set[str]()
    for line in lines:
        key = line["key"]
        exists = key in found and key not in own
        if "deleted" in line or line.get("expires_at") == PAST:
            if key in own:
                del found[key]
                own.remove(key)
        elif not exists or mode == "overwrite":
            found[key] = json.loads(line["text"])
            own.add(key)
    return found


@pytest.fixture(scope="module")
def small_batches(tarantools: Tarantools) -> Any:
    with tarantools.running() as tarantool:
        yield tarantool


class Rerun:
    """An import that is cut after some bytes, and restarted."""

    def __init__(self, client: Client, mode: str, seed: int) -> None:
        self._client = client
        self._mode = mode
        self._seed = seed

    async def run(self, cut: float, *, with_since: bool = True) -> Outcome:
        """The outcome of the restart, whose result is checked.

        :param cut: part of the bytes that the first attempt sends
        """
        client, mode = self._client, self._mode
        prefix, rng = unique("import"), random.Random(self._seed)
        lines = random_lines(rng, prefix, "abcdefg")
        old = {} if mode == "create" else {f"{prefix}{name}": "old" for name in "aceg"}
        for key, value in old.items():
            await client.write({key: value})
        body = ndjson(lines)
        first = await imported(client, body[: int(cut * len(body))], f"?mode={mode}")
        since = f"&since={first.last['since']}" if with_since else ""
        second = await imported(client, body, f"?mode={mode}{since}")
        if with_since:
            assert second.counts[0] + second.counts[1] == len(lines)
            found = await values_of(client, prefix)
            wanted = expected(old, lines, mode)
            assert found == {k.removeprefix(prefix): v for k, v in wanted.items()}
        return second


@pytest.mark.parametrize("mode", MODES)
async def test_a_restart_at_any_byte_has_the_result_of_one_run(
    serve: Serve, small_batches: Tarantool, mode: str
) -> None:
    async with serve(small_batches, KV_MAX_KEYS=str(BATCH)) as client:
        await client.enter()
        for number in range(60):
            await Rerun(client, mode, seed=number).run(cut=number / 59)


async def test_a_restart_without_since_meets_the_first_attempt(
    serve: Serve, small_batches: Tarantool
) -> None:
    """The control of the test above."""
    async with serve(small_batches, KV_MAX_KEYS=str(BATCH)) as client:
        await client.enter()
        rerun = Rerun(client, "create", seed=1)
        assert (await rerun.run(cut=0.9, with_since=False)).status == 412


async def test_concurrent_writes_are_whole(client: Client) -> None:
    """Writers of other keys, and of keys of the file, while an import runs."""
    prefix = unique("import")
    lines = entries(prefix, 4000, "imported")
    since = await newest(client)

    async def write() -> None:
        for number in range(100):
            pair = [f"{prefix}{number * 40:04}", f"{prefix}{number * 40 + 1:04}"]
            assert (await client.write(dict.fromkeys(pair, number))).status == 200

    query = f"?mode=overwrite&since={since}"
    outcome, *_ = await asyncio.gather(imported(client, lines, query), write(), write())
    assert outcome.counts == (4000, 0)
    found = await values_of(client, prefix)
    assert len(found) == 4000
    for number in range(100):
        first, second = (found[f"{number * 40 + i:04}"] for i in (0, 1))
        assert first == second
        assert first in ("imported", number)


# The format


async def test_values_are_stored_byte_for_byte(client: Client) -> None:
    prefix = unique("import")
    values = ['{"b" : 1.0,\t"a":[]}', "1e400", '"\\u00e9é"', "null", "123" * 20]
    bare = [
        f'{{"key":"{prefix}{i}","value":{text}}}\n' for i, text in enumerate(values)
    ]
    with_breaks = '{\r\n "a": [1,\n2]}'
    text = {"key": f"{prefix}text", "text": with_breaks}
    assert (await imported(client, "".join(bare).encode() + ndjson([text]))).counts == (
        6,
        0,
    )
    for i, value in enumerate(values):
        found = await client.request("GET", f"/api/keys/{prefix}{i}")
        assert found.text == value
    found = await client.request("GET", f"/api/keys/{prefix}text")
    assert found.text == with_breaks


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.replace(b"\n", b"\r\n"),
        lambda body: b"\xef\xbb\xbf" + body.replace(b"\n", b"\r\n"),
        lambda body: body.removesuffix(b"\n"),
        lambda body: body + b"\n\r\n",
    ],
    ids=["mark", "crlf", "mark-crlf", "no-last-line-end", "empty-lines"],
)
@pytest.mark.parametrize("is_export", [False, True], ids=["bare", "export"])
async def test_line_ends_and_marks_of_other_systems_are_accepted(
    client: Client, change: Any, is_export: bool
) -> None:
    prefix = unique("import")
    lines = entries(prefix, 3, "é")
    body = export_of(lines) if is_export else ndjson(lines)
    assert (await imported(client, change(body))).counts == (3, 0)
    assert await values_of(client, prefix) == {f"000{i}": "é" for i in range(3)}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-32-le"])
async def test_another_encoding_is_named(client: Client, encoding: str) -> None:
    sent = ndjson(entries("x", 3)).decode().encode(encoding)
    outcome = await imported(client, sent)
    assert (outcome.status, outcome.last["code"]) == (400, "invalid_json")
    name = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
    assert name in outcome.last["detail"]


async def test_a_body_without_lines_is_an_error(client: Client) -> None:
    outcome = await imported(client, b"")
    assert (outcome.status, outcome.last["code"]) == (400, "no_data")


async def test_a_body_is_as_long_as_it_is(serve: Serve, tarantool: Tarantool) -> None:
    async with serve(
        tarantool, KV_MAX_BODY="100000", KV_MAX_VALUE="10000", KV_MAX_HELD="300000"
    ) as client:
        await client.enter()
        prefix = unique("import")
        lines = entries(prefix, 100, "v" * 9000)
        assert (await imported(client, lines)).counts == (100, 0)


# Errors


GOOD = {"key": "x", "value": 1}

MISTAKES: dict[str, tuple[bytes, int, str]] = {
    "not-json": (b"{", 400, "invalid_json"),
    "not-an-object": (b"[1]", 400, "invalid_request"),
    "a-number": (b"1", 400, "invalid_request"),
    "not-utf-8": (b'{"key":"x","value":"\xff"}', 400, "invalid_json"),
    "not-utf-8-unused": (b'{"key":"x","value":"\xff","value":1}', 400, "invalid_json"),
    "half-a-pair": (b'{"key":"\\ud800","value":1}', 400, "invalid_json"),
    "unknown-member": (b'{"key":"x","value":1,"ttl":1}', 400, "invalid_request"),
    "no-key": (b'{"value":1}', 400, "invalid_request"),
    "no-value": (b'{"key":"x"}', 400, "invalid_request"),
    "two-values": (b'{"key":"x","value":1,"text":"1"}', 400, "invalid_request"),
    "deleted-value": (b'{"key":"x","value":1,"deleted":true}', 400, "invalid_request"),
    "not-deleted": (b'{"key":"x","deleted":false}', 400, "invalid_request"),
    "text-not-json": (b'{"key":"x","text":"{"}', 400, "invalid_json"),
    "text-empty": (b'{"key":"x","text":""}', 400, "invalid_json"),
    "expires-text": (b'{"key":"x","value":1,"expires_at":"1"}', 400, "invalid_request"),
    "expires-negative": (
        b'{"key":"x","value":1,"expires_at":-1}',
        400,
        "invalid_request",
    ),
    "expires-never": (
        b'{"key":"x","value":1,"expires_at":1e300}',
        400,
        "invalid_request",
    ),
    "empty-key": (b'{"key":"","value":1}', 400, "invalid_key"),
    "long-key": (b'{"key":"' + b"k" * 1025 + b'","value":1}', 400, "invalid_key"),
    "large-value": (
        b'{"key":"x","value":"' + b"v" * 100_000 + b'"}',
        413,
        "value_too_large",
    ),
    "large-text": (
        b'{"key":"x","text":"[' + b" " * 100_000 + b']"}',
        413,
        "value_too_large",
    ),
    "long-line": (b'{"key":"x","value":' + b" " * 310_000, 413, "body_too_large"),
    "header": (
        b'{"kv_export":1,"revision":1,"prefix":"","made_at":1}',
        400,
        "invalid_request",
    ),
    "end-unknown-member": (
        b'{"end":true,"keys":1,"changes":0,"sha256":"","x":1}',
        400,
        "invalid_request",
    ),
    "not-the-end": (
        b'{"end":false,"keys":1,"changes":0,"sha256":""}',
        400,
        "invalid_request",
    ),
    "after-the-end": (
        b'{"end":true,"keys":1,"changes":0,"sha256":""}\n{"key":"x","value":1}',
        400,
        "invalid_request",
    ),
}


@pytest.fixture(scope="module")
async def limited(serve: Serve, tarantool: Tarantool) -> Any:
    async with serve(tarantool, KV_MAX_VALUE="100000", KV_MAX_KEYS="3") as client:
        yield await client.enter()


@pytest.mark.parametrize("name", MISTAKES)
async def test_a_mistake_is_named_with_its_line(limited: Client, name: str) -> None:
    mistake, status, code = MISTAKES[name]
    line = 3 if name == "after-the-end" else 2
    prefix = unique("import")
    early = await imported(limited, ndjson(entries(prefix, 1)) + mistake)
    assert early.status == status, early
    problem = early.last
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["line"] == line
    assert problem["detail"].startswith(f"Line {line}")
    assert (problem["written_through"], problem["written"]) == (0, 0)
    assert await values_of(limited, prefix) == {}

    late = await imported(limited, ndjson(entries(prefix, 5)) + mistake)
    assert late.status == 200, late
    *reports, problem = late.lines
    assert reports[0] == {
        "line": 3,
        "written": 3,
        "skipped": 0,
        "since": problem["since"],
    }
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["line"] == line + 4
    assert problem["detail"].startswith(f"Line {line + 4}")
    assert (problem["written_through"], problem["written"]) == (3, 3)
    assert len(await values_of(limited, prefix)) == 3


async def test_a_header_of_another_version_is_refused(client: Client) -> None:
    outcome = await imported(client, [{"kv_export": 2}])
    assert (outcome.status, outcome.last["line"]) == (400, 1)
    assert "/kv_export is 2, expected 1" in outcome.last["detail"]
    # it may have other members
    outcome = await imported(client, [{"kv_export": 2, "encoding": "x"}])
    assert "/kv_export is 2, expected 1" in outcome.last["detail"]


@pytest.mark.parametrize(
    ("end", "detail"),
    [
        ({"keys": 4}, "the export had 4 lines with keys, this file has 3"),
        ({"sha256": "0" * 64}, "/sha256"),
    ],
)
async def test_a_damaged_export_is_reported_in_the_end(
    client: Client, end: dict[str, Any], detail: str
) -> None:
    prefix = unique("import")
    outcome = await imported(client, export_of(entries(prefix, 3), **end))
    assert outcome.status == 200
    assert outcome.last["code"] == "invalid_request"
    assert outcome.last["line"] == 5
    assert detail in outcome.last["detail"]
    # nothing is undone
    assert (outcome.last["written_through"], outcome.last["written"]) == (5, 3)
    assert len(await values_of(client, prefix)) == 3


async def test_an_export_without_its_last_line_is_incomplete(client: Client) -> None:
    prefix = unique("import")
    whole = export_of(entries(prefix, 3))
    outcome = await imported(client, whole[: whole.index(b'{"end"')])
    assert outcome.status == 200
    assert "incomplete" in outcome.last["detail"]
    assert outcome.last["written"] == 3
    # without a batch, it has a status of its own
    outcome = await imported(client, whole[: whole.index(b"\n")])
    assert (outcome.status, outcome.last["code"]) == (400, "invalid_request")


async def test_an_export_that_failed_is_incomplete(client: Client) -> None:
    prefix = unique("import")
    header = export_of(entries(prefix, 3)).split(b"\n")[0] + b"\n"
    problem = {"status": 503, "title": "Service Unavailable", "code": "stopping"}
    sent = header + ndjson([*entries(prefix, 3), problem])
    outcome = await imported(client, sent)
    assert (outcome.status, outcome.last["code"]) == (200, "invalid_request")
    assert outcome.last["line"] == 5
    expected = "Line 5: The export has failed with 'stopping': it is incomplete"
    assert outcome.last["detail"] == expected
    assert outcome.last["written"] == len(await values_of(client, prefix)) == 3
    # nothing may follow; and only an export ends with a problem
    later = await imported(client, sent + ndjson([{"key": prefix, "value": 1}]))
    assert "came before it" in later.last["detail"]
    bare = await imported(client, ndjson([*entries(prefix, 3), problem]))
    assert "unknown field `status`" in bare.last["detail"]


async def test_a_changed_export_differs_from_its_hash(client: Client) -> None:
    """The control of the exports that are accepted above."""
    whole = export_of(entries(unique("import"), 3, "éé"))
    assert (await imported(client, whole)).counts == (3, 0)
    outcome = await imported(client, whole.replace(b'"value"', b'"value" ', 1))
    assert "/sha256" in outcome.last["detail"]


# Content codings


def blocks(body: bytes) -> bytes:
    """Gzip in many members, as programs make it that compress in blocks."""
    size = KIB
    return b"".join(
        gzip.compress(body[i : i + size]) for i in range(0, len(body), size)
    )


def zstandard(body: bytes) -> bytes:
    if "zstd" not in CODINGS:
        pytest.skip("no library for zstd")
    compressed: bytes = importlib.import_module("backports.zstd").compress(body)
    return compressed


CODED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "blocks": ("gzip", blocks),
    "deflate": ("deflate", zlib.compress),
    "zstd": ("zstd", zstandard),
}


@pytest.mark.parametrize("name", CODED)
async def test_a_compressed_body_is_decoded_as_it_arrives(
    client: Client, name: str
) -> None:
    coding, compress = CODED[name]
    prefix, rng = unique("import"), random.Random(1)
    lines = entries(prefix, 2500)
    for line in lines:
        line["value"] = rng.randbytes(200).hex()
    headers = {"Content-Encoding": coding}
    compressed = compress(ndjson(lines))
    assert (await imported(client, compressed, headers=headers)).counts == (2500, 0)

    cut = await imported(client, compressed[: -len(compressed) // 4], headers=headers)
    assert cut.status == 200
    assert cut.last["code"] == "invalid_request"
    assert "ends early" in cut.last["detail"]
    assert 0 < cut.last["written_through"] == cut.last["written"] < 2500
    short = await imported(client, compress(ndjson(lines[:1]))[:-1], headers=headers)
    assert (short.status, short.last["code"]) == (400, "invalid_request")
    damaged = await imported(client, b"x" + compressed, headers=headers)
    assert (damaged.status, damaged.last["code"]) == (400, "invalid_request")


async def test_an_unknown_coding_is_refused(client: Client) -> None:
    outcome = await imported(client, b"x", headers={"Content-Encoding": "lzma"})
    assert (outcome.status, outcome.last["code"]) == (415, "unsupported_encoding")


# Grants


async def test_a_mode_requires_the_right_to_read_where_it_reveals_keys(
    serve: Serve, tarantools: Tarantools
) -> None:
    with tarantools.running() as tarantool:
        async with serve(tarantool) as client:
            await client.enter()
            grants = ("w/", "w"), ("rw/", "rw")
            set_grants(tarantool, account_of(client), *grants)
            for mode in MODES:
                lines = [
                    {"key": "rw/1", "value": 1, "expires_at": PAST},
                    {"key": "w/1", "value": 1},
                ]
                outcome = await imported(client, lines, f"?mode={mode}")
                if mode == "overwrite":
                    assert outcome.counts == (1, 1)
                    continue
                assert (outcome.status, outcome.last["code"]) == (403, "forbidden")
                assert outcome.last["line"] == 2
                detail = "Line 2: no right to read the key 'w/1'"
                assert outcome.last["detail"] == detail
            lines = [*entries("rw/", FULL_BATCH), {"key": "x", "value": 1}]
            outcome = await imported(client, lines)
            assert outcome.status == 200
            assert outcome.last["code"] == "forbidden"
            assert outcome.last["line"] == outcome.last["written_through"] + 1 == 1001
            assert "no right to write the key 'x'" in outcome.last["detail"]


async def test_an_import_requires_a_token(service: Client) -> None:
    outcome = await imported(service, entries("x", 1))
    assert (outcome.status, outcome.last["code"]) == (403, "token_missing")
