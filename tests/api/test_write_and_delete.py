"""A write that deletes other keys with the same revision: a rename is one call."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, account_of, unique
from tests.support.console import set_grants
from tests.support.machine import wait_until
from tests.support.metrics import Counts, counting
from tests.support.service import Serve
from tests.support.sse import following, query
from tests.support.tarantool import Tarantool, Tarantools
from tests.support.verbatim import path_of

HOUR = 3600.0

#: Seconds in which a request is counted after its reply, on a busy machine.
COUNT_TIMEOUT = 10.0

MANY = 10_000
RENAMES = 60
READERS = 4


@pytest.fixture
def old() -> str:
    return unique("old")


@pytest.fixture
def new() -> str:
    return unique("new")


async def changes(client: Client, since: int, **given: object) -> list[Any]:
    reply = await client.request("GET", query(since=since, **given))
    assert reply.status == 200, reply.text
    found: list[Any] = reply.json["changes"]
    return found


async def removed(client: Client, *keys: str, **members: object) -> Reply:
    """A write of nothing that deletes these keys."""
    return await client.post("/api/write", {"delete": list(keys)} | members)


# What it does


async def test_a_rename_is_one_call_with_one_revision_and_one_change(
    client: Client, old: str, new: str
) -> None:
    before = await client.write({old: 1})
    reply = await client.write({new: 1}, delete=[old])
    assert (reply.status, reply.json) == (200, {"status": "success"})
    assert reply.revision == before.revision + 1
    found = (await client.read([old, new], revisions=True)).json
    assert found["data"] == {new: 1}
    assert found["revisions"] == {new: reply.revision}
    assert await changes(client, before.revision) == [
        {"revision": reply.revision, "data": {new: 1}, "deleted": [old]}
    ]


async def test_a_stream_has_one_event_with_both(
    client: Client, old: str, new: str
) -> None:
    before = await client.write({old: 1})
    async with following(client, since=before.revision) as stream:
        await stream.start()
        reply = await client.write({new: [1, 2]}, delete=[old])
        (event,) = await stream.take(1)
    assert event.id == str(reply.revision)
    expected = {"revision": reply.revision, "data": {new: [1, 2]}, "deleted": [old]}
    assert event.json == expected


async def test_a_watcher_of_a_prefix_gets_its_part_of_the_change(
    client: Client,
) -> None:
    ours, theirs = unique("ours"), unique("theirs")
    before = await client.write({f"{ours}/1": 1, f"{theirs}/1": 1})
    async with (
        following(client, since=before.revision, prefix=ours) as written,
        following(client, since=before.revision, prefix=theirs) as deleted,
    ):
        await written.start()
        await deleted.start()
        reply = await client.write({f"{ours}/2": 1}, delete=[f"{theirs}/1"])
        of_ours, of_theirs = (await written.take(1))[0], (await deleted.take(1))[0]
    only_written = {"revision": reply.revision, "data": {f"{ours}/2": 1}, "deleted": []}
    only_deleted = {
        "revision": reply.revision,
        "data": {},
        "deleted": [f"{theirs}/1"],
    }
    assert (of_ours.json, of_theirs.json) == (only_written, only_deleted)
    # the same as pages of the change log
    assert await changes(client, before.revision, prefix=ours) == [only_written]
    assert await changes(client, before.revision, prefix=theirs) == [only_deleted]


async def test_a_key_to_delete_may_be_missing_or_named_twice(
    client: Client, old: str, new: str
) -> None:
    before = await client.write({old: 1})
    reply = await client.write({new: 1}, delete=[unique("missing"), old, old])
    assert reply.revision == before.revision + 1
    (change,) = await changes(client, before.revision)
    assert change["deleted"] == [old]


async def test_a_write_can_delete_only(client: Client, old: str) -> None:
    before = await client.write({old: 1})
    for body in {"delete": [old]}, {"data": {}, "delete": [old]}:
        await client.write({old: 1})
        reply = await client.post("/api/write", body)
        assert (reply.status, reply.json) == (200, {"status": "success"})
        assert (await client.read([old])).json["data"] == {}
    assert reply.revision == before.revision + 4


async def test_a_write_that_finds_nothing_to_delete_spends_no_revision(
    client: Client, old: str
) -> None:
    before = await client.write({old: 1})
    reply = await removed(client, unique("missing"))
    assert (reply.status, reply.revision) == (200, before.revision)
    assert await changes(client, before.revision) == []


@pytest.mark.parametrize("nothing", [[], None], ids=["empty", "null"])
async def test_an_empty_list_deletes_nothing(
    client: Client, new: str, nothing: list[str] | None
) -> None:
    assert (await client.write({new: 1}, delete=nothing)).status == 200
    assert (await client.read([new])).json["data"] == {new: 1}


async def test_a_deleted_key_loses_its_expiry(
    client: Client, old: str, new: str
) -> None:
    await client.write({old: 1}, ttl=HOUR)
    assert (await client.write({new: 1}, delete=[old])).status == 200
    await client.write({old: 2})
    found = (await client.read([old, new], revisions=True)).json
    assert (found["data"], found["ttl"]) == ({old: 2, new: 1}, {})


async def test_ttl_is_of_the_written_keys(client: Client, old: str, new: str) -> None:
    await client.write({old: 1})
    await client.write({new: 1}, delete=[old], ttl=HOUR)
    found = (await client.read([new], revisions=True)).json
    assert HOUR - 60 < found["ttl"][new] <= HOUR


async def test_10_000_keys_are_renamed_at_one_revision(client: Client) -> None:
    before, after = unique("before"), unique("after")
    half = MANY // 2
    data = {f"{before}/{number}": number for number in range(half)}
    written = await client.write(data)
    renamed = {f"{after}/{number}": number for number in range(half)}
    reply = await client.write(renamed, delete=list(data))
    assert (reply.status, reply.revision) == (200, written.revision + 1)
    assert (await client.read(list(data))).json["data"] == {}
    assert (await client.read(list(renamed))).json["data"] == renamed


# Conditions, repetitions


async def test_a_failed_condition_neither_writes_nor_deletes(
    client: Client, old: str, new: str
) -> None:
    before = await client.write({old: 1})
    refused = await client.write({new: 1}, delete=[old], **{"if": {old: None}})
    assert_problem(refused, 412, "condition_failed")
    assert refused.json["conflicts"] == {old: before.revision}
    assert (await client.read([old, new])).json["data"] == {old: 1}
    conditions = {"if": {old: before.revision, new: None}}
    reply = await client.write({new: 1}, delete=[old], **conditions)
    assert reply.revision == before.revision + 1
    again = await client.write({new: 1}, delete=[old], **conditions)
    assert_problem(again, 412, "condition_failed")


async def test_a_repeated_request_is_applied_once(
    client: Client, old: str, new: str
) -> None:
    headers = {"Idempotency-Key": unique("retry")}
    await client.write({old: 1})
    body = {"data": {new: 1}, "delete": [old]}
    first = await client.post("/api/write", body, headers=headers)
    await client.write({old: 2, new: 2})
    again = await client.post("/api/write", body, headers=headers)
    assert (again.status, again.revision) == (200, first.revision)
    assert (await client.read([old, new])).json["data"] == {old: 2, new: 2}
    for other in body | {"delete": []}, body | {"ttls": {new: HOUR}}:
        refused = await client.post("/api/write", other, headers=headers)
        assert_problem(refused, 409, "idempotency_conflict")


# Refusals


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"data": {"a": 1, "b": 1}, "delete": ["c", "b"]}, "/delete: 'b'"),
        ({"data": {"a": 1}, "delete": "a"}, "/delete"),
        ({"data": {"a": 1}, "delete": {"a": 1}}, "/delete"),
        ({"data": {"a": 1}, "delete": [1]}, "/delete/0"),
        ({"data": {"a": 1}, "delete": [None]}, "/delete/0"),
    ],
)
async def test_a_malformed_list_is_refused(
    client: Client, members: dict[str, Any], place: str
) -> None:
    refused = await client.post("/api/write", members)
    assert assert_problem(refused, 400, "invalid_request").startswith(place)


@pytest.mark.parametrize("key", ["", "x" * 1025], ids=["empty", "long"])
async def test_a_key_to_delete_has_the_limits_of_every_key(
    client: Client, new: str, key: str
) -> None:
    refused = await client.write({new: 1}, delete=[key])
    assert_problem(refused, 400, "invalid_key")
    assert (await client.read([new])).json["data"] == {}


async def test_keys_to_write_and_to_delete_count_together(
    tarantool: Tarantool, serve: Serve
) -> None:
    async with serve(tarantool, KV_MAX_KEYS="10") as client:
        await client.enter()
        written = {unique("new"): 1 for _ in range(6)}
        gone = [unique("old") for _ in range(5)]
        refused = await client.write(written, delete=gone)
        assert "11" in assert_problem(refused, 413, "too_many_keys")
        assert (await client.read(list(written))).json["data"] == {}
        assert (await client.write(written, delete=gone[1:])).status == 200


async def test_a_key_that_the_account_may_not_write_is_not_deleted(
    client: Client, visitor: Client, tarantool: Tarantool
) -> None:
    owner = await Client(visitor.session, visitor.url).enter()
    mine, theirs = unique("mine"), unique("theirs")
    await owner.write({theirs: 1})
    set_grants(tarantool, account_of(client), (mine, "rw"), (theirs, "r"))
    refused = await client.write({mine: 1}, delete=[theirs])
    assert theirs in assert_problem(refused, 403, "forbidden")
    assert (await owner.read([mine, theirs])).json["data"] == {theirs: 1}


# At one moment


async def keys_seen(
    client: Client, first: str, second: str, rename: Callable[[str, str], Any]
) -> set[int]:
    """How many of two keys the reads saw while one was renamed to the other."""
    await client.write({first: 1})
    renaming = asyncio.create_task(_rename_on(first, second, rename))
    seen: set[int] = set()

    async def read_on() -> None:
        while not renaming.done():
            found = (await client.read([first, second])).json["data"]
            seen.add(len(found))

    await asyncio.gather(renaming, *(read_on() for _ in range(READERS)))
    return seen


async def _rename_on(
    first: str, second: str, rename: Callable[[str, str], Any]
) -> None:
    for _ in range(RENAMES):
        await rename(first, second)
        first, second = second, first


async def test_a_reader_never_sees_both_keys_or_none(
    client: Client, old: str, new: str
) -> None:
    async def rename(source: str, target: str) -> None:
        assert (await client.write({target: 1}, delete=[source])).status == 200

    assert await keys_seen(client, old, new, rename) == {1}


async def test_a_rename_in_two_calls_is_seen_torn(
    client: Client, old: str, new: str
) -> None:
    """The control."""

    async def rename(source: str, target: str) -> None:
        await client.write({target: 1})
        await client.delete([source])

    assert 2 in await keys_seen(client, old, new, rename)


# What is counted


@pytest.fixture
async def counted(tarantool: Tarantool) -> AsyncIterator[tuple[Client, Counts]]:
    async with counting(tarantool) as (client, counts):
        yield await client.enter(), counts


async def test_written_and_deleted_keys_are_counted_apart(
    counted: tuple[Client, Counts], old: str
) -> None:
    client, counts = counted
    await client.write({old: 1})
    gone = [old, unique("missing")]
    await client.write({unique("a"): 1, unique("b"): 1}, delete=gone)
    await asyncio.to_thread(
        wait_until,
        lambda: counts.of("kv_keys_touched", operation="write") == 3,
        COUNT_TIMEOUT,
    )
    assert counts.of("kv_keys_touched", operation="delete") == 1


# Times to live of single keys


async def left(client: Client, *keys: str) -> dict[str, float]:
    found: dict[str, float] = (await client.read(keys, revisions=True)).json["ttl"]
    return found


async def test_ttls_replace_the_ttl_of_their_keys(client: Client) -> None:
    a, b, c = unique("a"), unique("b"), unique("c")
    data = {a: 1, b: 1, c: 1}
    await client.write(data, ttl=HOUR, ttls={a: 60, b: None})
    found = await left(client, *data)
    assert found.keys() == {a, c}
    assert 0 < found[a] <= 60
    assert HOUR - 60 < found[c] <= HOUR
    await client.write(data, ttls={b: 60})
    assert (await left(client, *data)).keys() == {b}


async def test_ttls_that_are_all_null_are_as_none(client: Client, new: str) -> None:
    await client.write({new: 1}, ttl=HOUR)
    await client.write({new: 1}, ttl=HOUR, ttls={new: None})
    assert await left(client, new) == {}


async def test_keys_with_ttls_expire_each_at_its_moment(
    tarantools: Tarantools, serve: Serve
) -> None:
    with tarantools.running() as own:
        async with serve(own) as client:
            await client.enter()
            data = {"short": 1, "long": 1, "kept": 1}
            reply = await client.write(data, ttls={"short": 0.1, "long": HOUR})
            await asyncio.sleep(0.15)
            assert (await client.read(list(data))).json["data"].keys() == {
                "long",
                "kept",
            }
            gone = await changes(client, reply.revision, wait=20)
            assert [change["deleted"] for change in gone] == [["short"]]


@pytest.mark.parametrize(
    ("ttls", "place"),
    [
        ({"k": 0}, "/ttls/*"),
        ({"k": -1}, "/ttls/*"),
        ({"k": "1"}, "/ttls/*"),
        ({"k": 4e9}, "/ttls/*"),
        ({"k": 1, "other": 1}, "/ttls: 'other'"),
        ([1], "/ttls"),
        (5, "/ttls"),
    ],
)
async def test_malformed_ttls_are_refused(
    client: Client, ttls: Any, place: str
) -> None:
    refused = await client.write({"k": 1}, ttls=ttls)
    assert assert_problem(refused, 400, "invalid_request").startswith(place)


async def test_ttls_need_data(client: Client) -> None:
    refused = await removed(client, "k", ttls={"k": 1})
    assert assert_problem(refused, 400, "invalid_request").startswith("/ttls: 'k'")
    assert_problem(await client.post("/api/write", {"ttls": {"k": 1}}), 400, "no_data")


async def test_one_key_keeps_its_revision_as_its_tag(
    client: Client, old: str, new: str
) -> None:
    await client.write({old: 1})
    reply = await client.write({new: 1}, delete=[old])
    found = await client.request("GET", path_of(new))
    assert found.headers["ETag"] == f'"{reply.revision}"'
    assert (await client.request("GET", path_of(old))).status == 404
