"""The history of a key, its values at earlier revisions, and what is forgotten."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.assertions import assert_problem
from tests.support.backups import made, restored
from tests.support.client import Client, Reply, account_of, unique
from tests.support.console import (
    admin,
    lua,
    make_administrator,
    mistake,
    set_grants,
)
from tests.support.machine import wait_until
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools, evaluated
from tests.support.verbatim import path_of, send

KIB = 1024

#: Seconds between the clocks of the test and of the store, and for a call.
TOLERANCE = 60

#: Seconds for an instance to start.
STARTED = 30.0

BAD_QUERIES = [
    *("", "before=1", "key=a&key=b", "key=a&x=1", "key=%ff", "key=%", "Key=a"),
    *("key=a&before=0", "key=a&before=-1", "key=a&before=x", "key=a&before=1.5"),
    *("key=a&before=9223372036854775808", "key=a&before=", "key=a&before=null"),
    *("key=a&limit=0", "key=a&limit=-1", "key=a&limit=x", "key=a&limit=10001"),
]
BAD_REVISIONS = ["", "-1", "x", "1.5", "9223372036854775808", "null", "1&revision=1"]

#: Adds large batches of other keys to the log, as many as a page cannot search.
BURY = """
(function()
    local keys, revision = {}, box.space.kv_meta:get('revision').value
    for i = 1, 10000 do keys[i] = ('other/%05d'):format(i) end
    for i = 1, 55 do
        box.space.kv_changes:insert({
            revision + i, keys, box.NULL, 1.5, 'ann', 1, box.NULL, {''},
        })
    end
    box.space.kv_meta:update('revision', {{'+', 'value', 55}})
    return true
end)()
"""

#: Reads a value before some large batches. When the search yields, the log loses its
#: batches up to {last}. Returns what is found, and the oldest revision of the log.
READ_WHILE_TRIMMED = """
(function()
    local fiber, log = require('fiber'), box.space.kv_changes
    local function add(revision, keys, values, indexed)
        log:insert({{revision, keys, values, 1.5, 'ann', 1, box.NULL, indexed}})
    end
    local keys, values = {{}}, {{}}
    for i = 1, 10000 do keys[i], values[i] = ('other/%05d'):format(i), '1' end
    local first = box.space.kv_meta:get('revision').value + 1
    keys[1] = 'gone'
    add(first, keys, values, {{''}})
    keys[1] = 'other/00001'
    for i = 1, 5 do add(first + i, keys, values, {{''}}) end
    add(first + 6, {{'gone'}}, box.NULL, {{'gone'}})
    add(first + 7, {{'last'}}, box.NULL, {{'last'}})
    box.space.kv_meta:update('revision', {{{{'+', 'value', 8}}}})
    fiber.new(box.atomic, function()
        for revision = log.index.revision:min().revision, first + {last} do
            log:delete(revision)
        end
    end)
    local user = box.space.users:get('{username}')
    local caller = {{'{username}', user.credentials_version}}
    local read = require('kv.data.history').value_at
    local value, _, kept = read(caller, 'gone', first + 5)
    local oldest = require('kv.data.change_log').oldest()
    return {{value or box.NULL, kept and kept - first or box.NULL, oldest - first}}
end)()
"""

#: Makes entries of the log those of a version without times, accounts and the index.
AGE = """
(function()
    for _, change in box.space.kv_changes:pairs({first}, {{ iterator = 'GE' }}) do
        box.space.kv_changes:replace({{change[1], change[2], change[3]}})
    end
    return true
end)()
"""


@pytest.fixture(scope="module")
def tarantool(tarantools: Tarantools) -> Iterator[Tarantool]:
    """Not the shared instance: many large batches of others would end a page early."""
    with tarantools.running() as instance:
        yield instance


@pytest.fixture(scope="module")
async def service(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    async with serve(tarantool) as client:
        yield client


async def history(client: Client, key: str, **given: object) -> Reply:
    return await client.request(
        "GET", f"/api/history?{urlencode({'key': key} | given)}"
    )


async def changes(client: Client, key: str, **given: object) -> list[Any]:
    """Of one page, the only one."""
    reply = await history(client, key, **given)
    assert reply.status == 200, reply.text
    assert reply.json["next"] is None
    return list(reply.json["changes"])


async def at(client: Client, key: str, revision: int, **headers: str) -> Reply:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.request(
        "GET", f"{path_of(key)}?revision={revision}", headers=sent
    )


async def written(client: Client, data: dict[str, Any], **fields: object) -> int:
    """Returns the revision."""
    reply = await client.write(data, **fields)
    assert reply.status == 200, reply.text
    return reply.revision


async def deleted(client: Client, *keys: str) -> int:
    """Returns the revision."""
    reply = await client.delete(list(keys))
    assert reply.json["deleted"] == len(keys)
    return reply.revision


async def other(client: Client) -> Client:
    """Another account."""
    return await Client(client.session, client.url).enter()


@pytest.fixture
async def own(tarantools: Tarantools) -> AsyncIterator[Tarantool]:
    with tarantools.running() as instance:
        yield instance


# The changes


async def test_the_changes_of_a_key_come_newest_first(client: Client) -> None:
    key, name, began = unique("history"), account_of(client), time.time()
    first = await written(client, {key: "a", unique("other"): 1})
    await written(client, {unique("other"): 1})
    second = (await client.increment({f"{key}-count": 1})).revision
    put = await client.request("PUT", path_of(key), '{"b": 1.0}')
    gone = await deleted(client, key)
    last = await written(client, {f"{key}x": 1, key: None, f"{key[:-1]}": 2})
    reply = await history(client, key)
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert '"value":{"b": 1.0}' in reply.text
    found = reply.json["changes"]
    for change in found:
        assert abs(change.pop("at") - began) < TOLERANCE
        assert change.pop("by") == name
    assert found == [
        {"revision": last, "value": None},
        {"revision": gone, "deleted": True},
        {"revision": put.revision, "value": {"b": 1.0}},
        {"revision": first, "value": "a"},
    ]
    assert reply.json["oldest"] < first
    (count,) = await changes(client, f"{key}-count")
    assert (count["revision"], count["value"]) == (second, 1)


async def test_a_key_that_never_was_has_no_changes(client: Client) -> None:
    assert await changes(client, unique("never")) == []


async def test_pages_follow_each_other_without_gap_or_repetition(
    client: Client,
) -> None:
    key = unique("pages")
    revisions = [await written(client, {key: number}) for number in range(7)]
    found, before = [], None
    sizes = []
    while True:
        more: dict[str, int] = {} if before is None else {"before": before}
        page = (await history(client, key, limit=3, **more)).json
        sizes.append(len(page["changes"]))
        found += page["changes"]
        before = page["next"]
        if before is None:
            break
        assert before == found[-1]["revision"]
    assert sizes == [3, 3, 1]
    assert [change["revision"] for change in found] == revisions[::-1]
    assert [change["value"] for change in found] == [*range(7)][::-1]
    assert await changes(client, key, before=revisions[0]) == []
    all_of_them = await changes(client, key, before=2**63 - 1)
    assert [change["revision"] for change in all_of_them] == revisions[::-1]


async def test_a_page_is_bounded_in_bytes(client: Client) -> None:
    key, value = unique("large"), "x" * 400 * KIB
    revisions = [await written(client, {key: value + str(n)}) for n in range(4)]
    page = (await history(client, key)).json
    assert [change["revision"] for change in page["changes"]] == revisions[:1:-1]
    assert page["next"] == revisions[2]
    rest = await changes(client, key, before=page["next"])
    assert [change["revision"] for change in rest] == revisions[1::-1]


async def test_large_batches_are_searched(client: Client) -> None:
    """The most keys that a write may have."""
    prefix = unique("batch")
    keys = [f"{prefix}/{number:05}" for number in range(10_000)]
    revisions = [
        await written(client, dict.fromkeys(keys, value)) for value in range(4)
    ]
    found, before = [], None
    while True:
        more: dict[str, int] = {} if before is None else {"before": before}
        page = (await history(client, keys[-1], **more)).json
        found += page["changes"]
        before = page["next"]
        if before is None:
            break
    assert [(c["revision"], c["value"]) for c in found] == [
        *zip(revisions, range(4), strict=True)
    ][::-1]
    assert (await at(client, keys[0], revisions[1])).json == 1
    assert (await client.delete(keys)).json["deleted"] == len(keys)
    last = (await history(client, keys[5_000], limit=1)).json["changes"]
    assert [change.get("deleted") for change in last] == [True]


async def test_a_page_ends_early_after_very_many_keys(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own) as client:
        await client.enter()
        revision = await written(client, {"k": 1})
        assert evaluated(own, BURY)
        page = (await history(client, "k")).json
        assert page["changes"] == []
        (change,) = await changes(client, "k", before=page["next"])
        assert change["revision"] == revision
        assert (await at(client, "k", revision + 55)).json == 1
        assert_problem(await at(client, "never", revision + 1), 404, "not_found")
        admin(own, "forget_history", lua("k"))
        assert (await at(client, "k", revision + 55)).json == 1


@pytest.mark.parametrize(
    ("last", "found"),
    [
        (-1, ["1", None, -1]),  # the control: nothing of it is lost
        (6, [None, 6, 6]),
    ],
)
async def test_a_value_that_the_log_loses_in_the_meantime_is_not_kept(
    own: Tarantool, serve: Serve, last: int, found: list[Any]
) -> None:
    async with serve(own) as client:
        await client.enter()
        await written(client, {"k": 1})
        code = READ_WHILE_TRIMMED.format(last=last, username=account_of(client))
        assert evaluated(own, code) == found


async def test_neighbours_in_the_same_batches_are_kept_apart(client: Client) -> None:
    """The index has an entry for each key, which all lead to the same batch."""
    prefix = unique("near")
    a, b, c = (f"{prefix}-{letter}" for letter in "abc")
    both = await written(client, {a: 1, b: 2, c: 3})
    only_a = await written(client, {a: 4})
    again = await written(client, {c: 5, b: 6, a: 7})
    for key, expected in (
        (a, [(again, 7), (only_a, 4), (both, 1)]),
        (b, [(again, 6), (both, 2)]),
        (c, [(again, 5), (both, 3)]),
    ):
        found = await changes(client, key)
        assert [(change["revision"], change["value"]) for change in found] == expected
    assert await changes(client, b, before=both) == []
    assert len(await changes(client, b, before=again)) == 1


@pytest.mark.parametrize("key", ["%", "a b+c", "é/", "\0", "&before=1", "x" * 1024])
async def test_a_key_may_have_any_character(client: Client, key: str) -> None:
    revision = await written(client, {key: 1})
    newest = (await history(client, key, limit=1)).json["changes"]
    assert [change["revision"] for change in newest] == [revision]


async def test_an_expiry_is_a_change_by_nobody(client: Client) -> None:
    key = unique("expiring")
    now = await written(client, {key: 1}, ttl=0.05)
    since = f"/api/changes?since={now}&prefix={key}&wait=60"
    assert len((await client.request("GET", since)).json["changes"]) == 1
    expiry, write = await changes(client, key)
    assert (write["revision"], write["value"]) == (now, 1)
    assert expiry["at"] >= write["at"] + 0.05
    assert expiry == {
        "revision": expiry["revision"],
        "at": expiry["at"],
        "by": None,
        "expired": True,
    }
    assert (await at(client, key, now)).text == "1"
    assert_problem(await at(client, key, expiry["revision"]), 404, "not_found")


def restarted_with_old_entries(own: Tarantool, first: int) -> None:
    """As after a time with the version before, from a revision on."""
    assert evaluated(own, AGE.format(first=first))
    own.kill(signal.SIGTERM)
    own.start()
    wait_until(lambda: evaluated(own, "box.info.status") == "running", STARTED)


async def test_changes_of_the_version_before_are_not_known(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own) as client:
        await client.enter()
        known = await written(client, {"gone": 1, "kept": 1})
    async with serve(own) as client:
        await client.enter()
        first = await written(client, {"gone": 2, "kept": 2})
        last = await deleted(client, "gone")
    restarted_with_old_entries(own, first)
    async with serve(own) as client:
        await client.enter()
        for key in "gone", "kept", "never":
            reply = await history(client, key)
            assert reply.json["oldest"] == last
            found = [change["revision"] for change in reply.json["changes"]]
            assert found == ([] if key == "never" else [known])
            for revision in known, first:
                reply = await at(client, key, revision)
                assert_problem(reply, 410, "revision_compacted")
        assert_problem(await at(client, "gone", last), 404, "not_found")
        assert (await at(client, "kept", last)).json == 2

        again = await written(client, {"gone": 3})
        assert [c["revision"] for c in await changes(client, "gone")] == [again, known]
        assert_problem(await at(client, "gone", last), 410, "revision_compacted")
        assert (await at(client, "gone", again)).json == 3


async def test_changes_of_the_version_before_are_forgotten_too(
    own: Tarantool, serve: Serve
) -> None:
    many = dict.fromkeys((f"k/{n}" for n in range(60)), "secret")
    async with serve(own) as client:
        await client.enter()
        first = await written(client, {"k/1": "secret", "x": "plain"})
        await written(client, many)
        await written(client, {"k/1": "last"})
    restarted_with_old_entries(own, first)
    async with serve(own) as client:
        await client.enter()
        forget = partial(admin, own, "forget_history")
        assert forget(lua("k/1")) == "2 changes of key 'k/1' are forgotten"
        feed = await client.request("GET", f"/api/changes?since={first - 1}")
        data = [change["data"] for change in feed.json["changes"]]
        assert data == [
            {"x": "plain"},
            {key: value for key, value in many.items() if key != "k/1"},
            {"k/1": "last"},
        ]
        await written(client, {"k/1": "new"})
        assert forget(lua("k/1")) == "1 change of key 'k/1' is forgotten"
        assert forget(lua("k/2")) == "0 changes of key 'k/2' are forgotten"


@pytest.mark.parametrize("query", BAD_QUERIES)
async def test_a_malformed_query_is_refused(client: Client, query: str) -> None:
    reply = await send(client, "GET", f"/api/history?{query}")
    assert_problem(reply, 400, "invalid_request")


@pytest.mark.parametrize("key", ["", "x" * 1025])
async def test_a_key_must_be_one(client: Client, key: str) -> None:
    assert_problem(await history(client, key), 400, "invalid_key")


async def test_without_a_token_there_is_no_history(visitor: Client) -> None:
    assert_problem(await history(visitor, "k"), 403, "token_missing")


async def test_a_head_request_has_no_body(client: Client) -> None:
    key = unique("head")
    await written(client, {key: 1})
    reply = await client.request("HEAD", f"/api/history?key={key}")
    assert (reply.status, reply.text) == (200, "")
    newest = (await history(client, key)).json["changes"][0]["revision"]
    reply = await client.request("HEAD", f"{path_of(key)}?revision={newest}")
    assert (reply.status, reply.headers["ETag"]) == (200, f'"{newest}"')


# Who made a change


async def test_an_account_sees_its_own_changes_as_its_own(client: Client) -> None:
    key, another = unique("authors"), await other(client)
    await written(client, {key: 1})
    await written(another, {key: 2})
    mine, theirs = account_of(client), account_of(another)
    assert [c["by"] for c in await changes(client, key)] == [None, mine]
    assert [c["by"] for c in await changes(another, key)] == [theirs, None]


async def test_an_administrator_sees_every_author(
    client: Client, tarantool: Tarantool
) -> None:
    key, administrator = unique("authors"), await other(client)
    await written(client, {key: 1})
    assert [c["by"] for c in await changes(administrator, key)] == [None]
    make_administrator(tarantool, account_of(administrator))
    assert [c["by"] for c in await changes(administrator, key)] == [account_of(client)]


async def test_a_program_sees_what_its_account_sees_without_administration(
    client: Client, tarantool: Tarantool
) -> None:
    """An access token of an administrator is not one."""
    key, another = unique("authors"), await other(client)
    await written(another, {key: 1})
    make_administrator(tarantool, account_of(client))
    body = {"password": "password", "name": "a program"}
    program = Client(client.session, client.url)
    program.token = (await client.post("/api/tokens", body)).json["token"]
    await written(program, {key: 2})
    mine = account_of(client)
    assert [c["by"] for c in await changes(program, key)] == [mine, None]
    both = [mine, account_of(another)]
    assert [c["by"] for c in await changes(client, key)] == both


async def test_a_setting_shows_every_author(
    client: Client, tarantool: Tarantool, serve: Serve
) -> None:
    key = unique("authors")
    await written(client, {key: 1})
    async with serve(tarantool, KV_HISTORY_AUTHORS="all") as open_service:
        another = await open_service.enter()
        assert [c["by"] for c in await changes(another, key)] == [account_of(client)]


async def test_a_new_account_of_an_old_name_is_not_the_old_one(
    visitor: Client,
) -> None:
    key, name = unique("authors"), unique("name")
    assert (await visitor.register(name, "password")).status == 200
    assert (await visitor.login(name, "password")).status == 200
    await written(visitor, {key: 1})
    body = {"password": "password"}
    assert (await visitor.request("DELETE", "/api/me", body)).status == 200
    visitor.token = None
    assert (await visitor.register(name, "password")).status == 200
    assert (await visitor.login(name, "password")).status == 200
    await written(visitor, {key: 2})
    assert [c["by"] for c in await changes(visitor, key)] == [name, None]


async def test_a_revoked_right_ends_the_history(
    client: Client, tarantool: Tarantool
) -> None:
    key = unique("revoked")
    revision = await written(client, {key: 1})
    set_grants(tarantool, account_of(client), (key, "w"))
    assert_problem(await history(client, key), 403, "forbidden")
    assert_problem(await at(client, key, revision), 403, "forbidden")
    set_grants(tarantool, account_of(client), (key, "r"))
    assert len(await changes(client, key)) == 1


# A value at a revision


async def test_a_value_is_read_at_any_revision_since_it_was_written(
    client: Client,
) -> None:
    key = unique("versions")
    first = await written(client, {key: "a"})
    between = await written(client, {unique("other"): 1})
    second = await written(client, {key: "b"})
    gone = await deleted(client, key)
    again = await written(client, {key: None})
    expected = [(first, "a", first), (between, "a", first), (second, "b", second)]
    for revision, value, tag in [*expected, (again, None, again)]:
        reply = await at(client, key, revision)
        assert (reply.status, reply.json) == (200, value)
        assert reply.headers["ETag"] == f'"{tag}"'
        assert reply.headers["Cache-Control"] == "no-cache"
    assert_problem(await at(client, key, gone), 404, "not_found")


async def test_the_value_of_an_unchanged_key_needs_no_entry_of_the_log(
    client: Client, tarantools: Tarantools, serve: Serve
) -> None:
    with tarantools.running(KV_CHANGES_BYTES=str(16 * KIB)) as small:
        async with serve(small) as client:
            await client.enter()
            kept = await written(client, {"kept": "a"})
            changed = await written(client, {"changed": 1})
            for number in range(200):
                await written(client, {"filler": number})
            now = await written(client, {"changed": 2})
            oldest = (await history(client, "kept")).json["oldest"]
            assert oldest > changed
            assert await changes(client, "kept") == []

            for revision in oldest, oldest + 1, now:
                reply = await at(client, "kept", revision)
                assert (reply.json, reply.headers["ETag"]) == ("a", f'"{kept}"')
            reply = await at(client, "kept", oldest - 1)
            assert_problem(reply, 410, "revision_compacted")
            assert reply.json["oldest"] == oldest

            # the value at that revision has been overwritten, and its entry is gone
            for revision in kept, changed, oldest, now - 1:
                reply = await at(client, "changed", revision)
                detail = assert_problem(reply, 410, "revision_compacted")
                assert str(now) in detail
                assert reply.json["oldest"] == now
            assert (await at(client, "changed", now)).json == 2

            reply = await at(client, "never", oldest - 1)
            assert_problem(reply, 410, "revision_compacted")
            assert reply.json["oldest"] == oldest
            assert_problem(await at(client, "never", oldest), 404, "not_found")


async def test_a_revision_to_come_is_refused(client: Client) -> None:
    key = unique("ahead")
    revision = await written(client, {key: 1})
    reply = await at(client, key, revision + 1_000_000)
    assert_problem(reply, 409, "revision_ahead")
    assert_problem(await at(client, key, 2**63 - 1), 409, "revision_ahead")


async def test_conditions_apply_to_the_revision_of_the_value(client: Client) -> None:
    key = unique("tags")
    first = await written(client, {key: "a"})
    second = await written(client, {key: "b"})
    unchanged = await at(client, key, first, If_None_Match=f'"{first}"')
    assert (unchanged.status, unchanged.text) == (304, "")
    assert unchanged.headers["ETag"] == f'"{first}"'
    assert (await at(client, key, first, If_None_Match=f'"{second}"')).status == 200
    assert (await at(client, key, first, If_Match=f'"{first}"')).status == 200
    failed = await at(client, key, first, If_Match=f'"{second}"')
    assert_problem(failed, 412, "condition_failed")


async def test_a_value_at_a_revision_is_not_read_from_any_node(
    client: Client,
) -> None:
    key = unique("stale")
    revision = await written(client, {key: 1})
    path = f"{path_of(key)}?revision={revision}&stale"
    assert_problem(await client.request("GET", path), 400, "invalid_request")
    path += "=false"
    assert (await client.request("GET", path)).status == 200


@pytest.mark.parametrize("given", BAD_REVISIONS)
async def test_a_malformed_revision_is_refused(client: Client, given: str) -> None:
    reply = await client.request("GET", f"{path_of('k')}?revision={given}")
    assert_problem(reply, 400, "invalid_request")


async def test_a_large_value_is_read_at_its_revision(client: Client) -> None:
    key, value = unique("large"), "x" * 900 * KIB
    revision = await written(client, {key: value})
    await written(client, {key: "small"})
    assert (await at(client, key, revision)).json == value


# The log


async def test_without_a_change_log_there_is_no_history(
    tarantools: Tarantools, serve: Serve
) -> None:
    with tarantools.running(KV_CHANGES_BYTES="0") as without:
        async with serve(without) as client:
            await client.enter()
            revision = await written(client, {"k": 1})
            for reply in await history(client, "k"), await at(client, "k", revision):
                assert "KV_CHANGES_BYTES" in assert_problem(reply, 404, "not_found")
            assert (await client.request("GET", path_of("k"))).text == "1"


async def test_the_history_outlives_a_kill(own: Tarantool, serve: Serve) -> None:
    async with serve(own) as client:
        await client.enter()
        first = await written(client, {"k": 1, "l": 1}, ttl=3600)
        await written(client, {"k": 2})
        before = [c | {"by": None} for c in await changes(client, "k")]
        own.kill()
        own.start()
    async with serve(own) as client:
        await client.enter()
        assert [c | {"by": None} for c in await changes(client, "k")] == before
        assert (await at(client, "k", first)).text == "1"


async def test_a_restored_backup_has_no_history_of_before(
    tarantools: Tarantools, serve: Serve, tmp_path: Path
) -> None:
    with tarantools.local() as original, tarantools.local() as copy:
        original.start()
        async with serve(original) as client:
            await client.enter()
            first = await written(client, {"k": 1})
            second = await written(client, {"k": 2})
            backup = made(original.data, tmp_path / "backup")
        copy.data.mkdir()
        restored(backup, copy.data)
        copy.start()
        async with serve(copy) as client:
            await client.enter()
            reply = await history(client, "k")
            assert reply.json["changes"] == []
            oldest = reply.json["oldest"]
            assert oldest > second
            for revision in first, second, oldest - 1:
                gone = await at(client, "k", revision)
                assert_problem(gone, 410, "revision_compacted")
                assert gone.json["oldest"] == oldest
            assert (await at(client, "k", oldest)).headers["ETag"] == f'"{second}"'
            third = await written(client, {"k": 3})
            assert [c["revision"] for c in await changes(client, "k")] == [third]
            assert (await at(client, "k", oldest)).status == 410


# Forgetting


async def test_what_is_forgotten_is_gone_and_the_value_stays(
    client: Client, tarantool: Tarantool
) -> None:
    key, near = unique("secret"), unique("near")
    first = await written(client, {near: 1, key: "secret", f"{near}x": 2}, ttl=3600)
    alone = await written(client, {key: "secret"})
    gone = await deleted(client, key, near)
    again = await written(client, {near: 3, key: "public"})
    sentence = admin(tarantool, "forget_history", lua(key))
    assert sentence == f"3 changes of key '{key}' are forgotten"
    (left,) = await changes(client, key)
    assert (left["revision"], left["value"]) == (again, "public")
    assert (await client.read([key])).json["data"] == {key: "public"}
    for revision in first, alone, gone:
        reply = await at(client, key, revision)
        assert_problem(reply, 410, "revision_compacted")
        assert reply.json["oldest"] == again
    assert (await at(client, key, again)).json == "public"

    found = await changes(client, near)
    assert [(c["revision"], c.get("value")) for c in found] == [
        (again, 3),
        (gone, None),
        (first, 1),
    ]
    assert (await at(client, f"{near}x", alone)).json == 2
    feed = await client.request("GET", f"/api/changes?since={first - 1}")
    assert [change["revision"] for change in feed.json["changes"]][:3] == [
        first,
        gone,
        again,
    ]
    assert "secret" not in json.dumps(
        [change["data"] for change in feed.json["changes"]]
    ).replace(key, "")
    nothing = admin(tarantool, "forget_history", lua(key))
    assert nothing == f"0 changes of key '{key}' are forgotten"


async def test_a_forgotten_deletion_stays_a_deletion(
    client: Client, tarantool: Tarantool
) -> None:
    key = unique("secret")
    first = await written(client, {key: "secret"})
    gone = await deleted(client, key)
    assert admin(tarantool, "forget_history", lua(key)).startswith("1 change of key")
    assert [c["revision"] for c in await changes(client, key)] == [gone]
    reply = await at(client, key, first)
    assert_problem(reply, 410, "revision_compacted")
    assert reply.json["oldest"] == gone
    assert_problem(await at(client, key, gone), 404, "not_found")


async def test_a_large_write_stays_one_when_a_key_is_forgotten(
    own: Tarantool, serve: Serve
) -> None:
    keys = [f"k/{number:02}" for number in range(51)]
    async with serve(own) as client:
        await client.enter()
        first = await written(client, dict.fromkeys(keys, 1))
        second = await written(client, dict.fromkeys(keys[:50], 2))
        for key in keys[:3]:
            admin(own, "forget_history", lua(key))
        for key in keys[3:50]:
            found = [c["revision"] for c in await changes(client, key)]
            assert found == [second, first]
        for key in keys[:3]:
            assert [c["revision"] for c in await changes(client, key)] == [second]
        assert (await at(client, keys[50], second)).json == 1


async def test_many_changes_are_forgotten_while_others_come(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own) as client:
        await client.enter()
        keys = [f"k/{number}" for number in range(300)]
        for value in range(30):
            await written(client, dict.fromkeys(keys, value))

        first = await written(client, {"k/7": "later"})

        async def write_on() -> list[int]:
            return [await written(client, {"k/7": f"later {n}"}) for n in range(20)]

        writes = asyncio.create_task(write_on())
        await asyncio.to_thread(admin, own, "forget_history", lua("k/7"))
        revisions = await writes
        found = await changes(client, "k/7")
        assert found[0]["revision"] == revisions[-1]
        assert {c["revision"] for c in found} <= {first, *revisions}
        assert len(await changes(client, "k/8")) == 30
        own.kill()
        own.start()
        wait_until(lambda: evaluated(own, "box.info.status") == "running", STARTED)
        length = "box.space.kv_changes:len()"
        newest = "box.space.kv_changes.index.revision:max()[1]"
        assert evaluated(own, length) == evaluated(own, newest)  # without a gap


async def test_a_mistake_is_one_line(tarantool: Tarantool) -> None:
    assert mistake(tarantool, "forget_history") == "key: expected a string"
    assert mistake(tarantool, "forget_history", "1") == "key: expected a string"
