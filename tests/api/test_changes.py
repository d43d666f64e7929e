"""The change feed: a long poll, and a stream of events."""

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from service.api.changes import StreamTiming
from service.app import Tuning
from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, unique
from tests.support.machine import narrow_socket
from tests.support.samples import large_body
from tests.support.service import Serve
from tests.support.sse import EVENT_TIMEOUT, Stream, following, query
from tests.support.tarantool import Tarantool, Tarantools
from tests.support.verbatim import path_of, send

#: Seconds that a poll may wait: more than anything here takes.
LONG = 60

EVENT_STREAM = "text/event-stream"

KIB = 1024

BAD_QUERIES = [
    *("since=-1", "since=x", "since=1.5", "since=", "since=1e3x", "since=%201"),
    *("since=9223372036854775808", "since=null", "since=1,2", "since=0x1"),
    *("wait=-1", "wait=61", "wait=60.001", "wait=x", "wait=", "wait=nan", "wait=inf"),
    *("since=1&since=1", "wait=0&wait=0", "prefix=a&prefix=a"),
    *("x=1", "Since=1", "last-event-id=1", "=1"),
    # broken encodings, and one of something else than UTF-8
    *("prefix=%ff", "prefix=%zz", "prefix=%", "prefix=%e9%", "%ff=1"),
]
BAD_IDS = [
    *("x", "-1", "+1", "1.5", "1,2", "0x1", "1 2", "\u0663", "\uff11", '"1"'),
    *("9223372036854775808", "9" * 25, "0" * 20 + "9" * 30, "9" * 5000),
]

#: White space between tokens, with each line end that JSON and event streams know.
SPACED = "[1,\n2,\r3,\r\n4,\n\r5,\r\r6,\n\n7]"


async def poll(client: Client, **given: object) -> Reply:
    return await client.request("GET", query(**given))


async def written(client: Client, data: dict[str, Any], **fields: object) -> int:
    """Returns the revision."""
    reply = await client.write(data, **fields)
    assert reply.status == 200, reply.text
    return reply.revision


async def newest(client: Client) -> int:
    return int((await poll(client)).json["revision"])


def batch(revision: int, data: dict[str, Any]) -> dict[str, Any]:
    return {"revision": revision, "data": data, "deleted": []}


def deletion(revision: int, *keys: str) -> dict[str, Any]:
    return {"revision": revision, "data": {}, "deleted": list(keys)}


async def all_changes(client: Client, since: int, **given: object) -> list[Any]:
    """Page after page, to the end."""
    changes: list[Any] = []
    while True:
        reply = await poll(client, since=since, **given)
        assert reply.status == 200
        page = reply.json
        assert page["revision"] >= since
        if not page["changes"]:
            return changes
        changes += page["changes"]
        since = page["revision"]
        assert since >= changes[-1]["revision"]


# What a poll returns


async def test_a_batch_is_reported_byte_for_byte(client: Client) -> None:
    prefix = unique("batch")
    since = await newest(client)
    data = f'"{prefix}é":1.0,"{prefix}2":[ 1 ,\t"\\u00e9"]'
    now = (await client.post("/api/write", f'{{"data":{{{data}}}}}')).revision
    reply = await poll(client, since=since, prefix=prefix)
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.text == (
        f'{{"changes":[{{"revision":{now},"data":{{{data}}},"deleted":[]}}],'
        f'"revision":{now}}}'
    )


async def test_every_kind_of_write_is_reported_in_order(client: Client) -> None:
    prefix = unique("kinds")
    a, b, c = (f"{prefix}-{letter}" for letter in "abc")
    since = await newest(client)
    changes = [
        batch(await written(client, {b: 1, a: None}), {b: 1, a: None}),
        batch((await send(client, "PUT", path_of(c), '"x"')).revision, {c: "x"}),
        batch((await client.increment({b: 2})).revision, {b: 3}),
        deletion((await client.delete([a, f"{prefix}-missing", b])).revision, a, b),
        deletion((await send(client, "DELETE", path_of(c))).revision, c),
    ]
    assert await all_changes(client, since, prefix=prefix) == changes
    for number, change in enumerate(changes):
        later = await all_changes(client, change["revision"], prefix=prefix)
        assert later == changes[number + 1 :]


async def test_calls_without_an_effect_are_not_reported(client: Client) -> None:
    key = unique("nothing")
    since = await written(client, {key: 1})
    assert (await client.delete([f"{key}-missing"])).status == 200
    assert (await client.write({key: 2}, **{"if": {key: None}})).status == 412
    reply = await poll(client, since=since)
    assert reply.json == {"changes": [], "revision": since}


async def test_the_history_begins_at_0(serve: Serve, tarantools: Tarantools) -> None:
    """On a new instance: the log of the shared one may be full already."""
    prefix = unique("history")
    with tarantools.running() as own:
        async with serve(own) as client:
            await client.enter()
            first = await written(client, {f"{prefix}-1": 1})
            second = await written(client, {f"{prefix}-2": 2})
            assert await all_changes(client, 0, prefix=prefix) == [
                batch(first, {f"{prefix}-1": 1}),
                batch(second, {f"{prefix}-2": 2}),
            ]


async def test_without_a_revision_the_feed_begins_now(client: Client) -> None:
    now = await written(client, {unique("now"): 1})
    assert (await poll(client)).json == {"changes": [], "revision": now}


async def test_expiry_is_reported_as_a_deletion(client: Client) -> None:
    key = unique("expiring")
    since = await newest(client)
    now = await written(client, {key: 1}, ttl=0.05)
    first = await poll(client, since=since, prefix=key)
    assert first.json["changes"] == [batch(now, {key: 1})]
    second = await poll(client, since=now, prefix=key, wait=LONG)
    (change,) = second.json["changes"]
    assert change == deletion(change["revision"], key)
    assert change["revision"] > now


async def test_only_keys_with_the_prefix_are_reported(client: Client) -> None:
    prefix, other = unique("mine"), unique("other")
    since = await newest(client)
    keys = [prefix, f"{prefix}/1", f"{prefix}\uffff", other, prefix[:-1], f"x{prefix}"]
    now = await written(client, dict.fromkeys(keys, 1))
    await written(client, {other: 2})
    gone = (await client.delete(keys)).revision
    last = await written(client, {other: 3})
    mine = keys[:3]
    reply = await poll(client, since=since, prefix=prefix)
    assert reply.json == {
        "changes": [batch(now, dict.fromkeys(mine, 1)), deletion(gone, *mine)],
        "revision": last,
    }


@pytest.mark.parametrize("prefix", ["%", "a b+c", "é/", "\0", "&since=0", "x" * 1024])
async def test_a_prefix_may_hold_any_character(client: Client, prefix: str) -> None:
    since = await newest(client)
    now = await written(client, {prefix: since, f"y{prefix}"[:1024]: since})
    reply = await poll(client, since=since, prefix=prefix)
    assert reply.json["changes"] == [batch(now, {prefix: since})]


async def test_a_revision_moves_on_past_what_does_not_match(client: Client) -> None:
    prefix = unique("quiet")
    since = await newest(client)
    now = await written(client, {unique("other"): 1})
    assert now > since
    reply = await poll(client, since=since, prefix=prefix)
    assert reply.json == {"changes": [], "revision": now}


async def test_a_match_after_many_other_changes_is_not_missed(client: Client) -> None:
    """Nor when the feed itself has long been at the end."""
    prefix, other = unique("behind"), unique("other")
    async with following(client) as leader:
        await leader.start()
        since = await newest(client)
        now = 0
        for number in range(10):
            last = await written(client, {f"{other}-{number}": "x" * (200 * KIB)})
            if number == 5:
                now = await written(client, {prefix: 1})
        while (await leader.next()).id != str(last):
            pass
        for wait in (0, 1):
            reply = await poll(client, since=since, prefix=prefix, wait=wait)
            assert reply.json["changes"] == [batch(now, {prefix: 1})]
        rest = await poll(client, since=now, prefix=prefix)
        assert rest.json == {"changes": [], "revision": last}
        async with following(client, since=since, prefix=prefix) as stream:
            assert (await stream.next()).id == str(now)


async def test_many_changes_are_returned_in_pages_of_whole_batches(
    client: Client,
) -> None:
    prefix, value = unique("pages"), "x" * (200 * KIB)
    since = await newest(client)
    changes = []
    for number in range(6):
        data = dict.fromkeys([f"{prefix}-{number}-a", f"{prefix}-{number}-b"], value)
        changes.append(batch(await written(client, data), data))
    first = (await poll(client, since=since, prefix=prefix)).json
    assert 0 < len(first["changes"]) < len(changes)
    assert first["revision"] == first["changes"][-1]["revision"]
    assert await all_changes(client, since, prefix=prefix) == changes


@large_body
async def test_a_batch_larger_than_a_page_is_returned_whole(client: Client) -> None:
    prefix, value = unique("large"), "x" * (900 * KIB)
    since = await newest(client)
    data = {f"{prefix}-{number}": value for number in range(3)}
    now = await written(client, data)
    reply = await poll(client, since=since, prefix=prefix)
    assert reply.json["changes"] == [batch(now, data)]


# Waiting


async def test_a_poll_wakes_with_the_change(client: Client) -> None:
    key = unique("awaited")
    since = await newest(client)
    begin = time.monotonic()
    waiting = asyncio.create_task(poll(client, since=since, prefix=key, wait=LONG))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    now = await written(client, {unique("other"): 1, key: 1})
    reply = await waiting
    assert reply.json == {"changes": [batch(now, {key: 1})], "revision": now}
    assert time.monotonic() - begin < LONG / 2


async def test_a_poll_without_a_revision_waits_for_what_comes(client: Client) -> None:
    key = unique("next")
    await written(client, {key: 0})
    waiting = asyncio.create_task(poll(client, prefix=key, wait=LONG))
    changed = 0
    while not waiting.done():  # when it waits, it gets the next one, and no other
        changed = await written(client, {key: changed})
        await asyncio.sleep(0.05)
    (change,) = (await waiting).json["changes"]
    assert change == batch(change["revision"], change["data"])
    assert list(change["data"]) == [key]


async def test_a_poll_that_waits_is_not_woken_by_other_keys(client: Client) -> None:
    prefix = unique("quiet")
    since, begin = await newest(client), time.monotonic()
    waiting = asyncio.create_task(poll(client, since=since, prefix=prefix, wait=2))
    await asyncio.sleep(0.5)
    now = await written(client, {unique("other"): 1})
    reply = await waiting
    assert time.monotonic() - begin >= 2
    # it can resume from there: it has missed nothing
    assert reply.json == {"changes": [], "revision": now}


@pytest.mark.parametrize("wait", ["0", "0.3", "0.001"])
async def test_a_poll_that_times_out_returns_no_changes(
    client: Client, wait: str
) -> None:
    now, begin = await newest(client), time.monotonic()
    reply = await poll(client, since=now, wait=wait)
    assert reply.json == {"changes": [], "revision": now}
    assert time.monotonic() - begin >= float(wait)


async def test_consecutive_polls_miss_and_repeat_nothing(client: Client) -> None:
    prefix = unique("chain")
    since = await newest(client)
    writing = asyncio.create_task(write_some(client, prefix, 300))
    received: list[int] = []
    while not writing.done() or received[-1:] != (await writing)[-1:]:
        reply = await poll(client, since=since, prefix=prefix, wait=1)
        received += [change["revision"] for change in reply.json["changes"]]
        since = reply.json["revision"]
    assert received == await writing


async def write_some(client: Client, prefix: str, count: int) -> list[int]:
    """Writes with four concurrent writers; returns the revisions in order."""
    revisions: list[int] = []

    async def write(writer: int) -> None:
        for number in range(count // 4):
            size = (writer * 7919 + number * 104729) % 500
            data = {f"{prefix}-{writer}-{number % 5}": "x" * size}
            revisions.append(await written(client, data))

    await asyncio.gather(*map(write, range(4)))
    return sorted(revisions)


# What is refused


async def asked(client: Client, path: str, **headers: str) -> Reply:
    """A stream, if that is the answer, is not waited for."""
    lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
    async with asyncio.timeout(EVENT_TIMEOUT):
        return await send(client, "GET", path, None, *lines)


both_ways = pytest.mark.parametrize("accept", ["application/json", EVENT_STREAM])


@both_ways
@pytest.mark.parametrize("given", BAD_QUERIES)
async def test_a_bad_query_is_refused(client: Client, given: str, accept: str) -> None:
    reply = await asked(client, f"/api/changes?{given}", accept=accept)
    assert_problem(reply, 400, "invalid_request")


@both_ways
async def test_a_prefix_longer_than_a_key_is_refused(
    client: Client, accept: str
) -> None:
    reply = await asked(client, query(prefix="é" * 513), accept=accept)
    detail = assert_problem(reply, 400, "invalid_key")
    assert "/prefix" in detail
    assert "1026 bytes" in detail


@both_ways
@pytest.mark.parametrize("given", BAD_IDS, ids=lambda given: ascii(given[:30]))
async def test_a_bad_last_event_id_is_refused(
    client: Client, given: str, accept: str
) -> None:
    reply = await asked(client, query(since=0), accept=accept, last_event_id=given)
    assert_problem(reply, 400, "invalid_request")


@both_ways
async def test_a_revision_ahead_of_the_store_is_refused(
    client: Client, accept: str
) -> None:
    now = await newest(client)
    assert (await poll(client, since=now)).status == 200
    for ahead in (now + 1, 2**63 - 1):
        for reply in (
            await asked(client, query(since=ahead, wait=LONG), accept=accept),
            await asked(client, query(), accept=accept, last_event_id=str(ahead)),
        ):
            assert str(now) in assert_problem(reply, 409, "revision_ahead")


@both_ways
async def test_a_token_is_required(visitor: Client, accept: str) -> None:
    reply = await asked(visitor, query(), accept=accept)
    assert_problem(reply, 403, "token_missing")


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE"])
async def test_changes_allow_only_get(client: Client, method: str) -> None:
    reply = await client.request(method, "/api/changes")
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, OPTIONS")


# A log that is bounded


@pytest.fixture(scope="module")
async def bounded(tarantools: Tarantools, serve: Serve) -> AsyncIterator[Client]:
    """A client of a store that keeps few changes, and has had more."""
    with tarantools.running(KV_CHANGES_BYTES=str(64 * KIB)) as own:
        async with serve(own) as client:
            await client.enter()
            for _ in range(200):
                await written(client, {"k": "x" * KIB})
            yield client


async def test_a_revision_no_longer_kept_is_gone(bounded: Client) -> None:
    reply = await poll(bounded, since=0)
    detail = assert_problem(reply, 410, "revision_compacted")
    oldest = reply.json["oldest"]
    assert str(oldest) in detail
    assert_problem(await poll(bounded, since=oldest - 1), 410, "revision_compacted")
    received = [change["revision"] for change in await all_changes(bounded, oldest)]
    assert received == list(range(oldest + 1, await newest(bounded) + 1))


async def test_a_stream_from_a_revision_no_longer_kept_is_gone(bounded: Client) -> None:
    reply = await asked(bounded, query(), accept=EVENT_STREAM, last_event_id="1")
    assert_problem(reply, 410, "revision_compacted")
    oldest = reply.json["oldest"]
    async with following(bounded, last_event_id=str(oldest)) as stream:
        assert (await stream.next()).id == str(oldest + 1)


async def test_without_a_log_there_are_no_changes(
    tarantools: Tarantools, serve: Serve
) -> None:
    with tarantools.running(KV_CHANGES_BYTES="0") as own:
        async with serve(own) as client:
            await client.enter()
            assert (await client.write({"k": 1})).status == 200
            for accept in ("application/json", EVENT_STREAM):
                reply = await asked(client, query(), accept=accept)
                detail = assert_problem(reply, 404, "not_found")
                assert "KV_CHANGES_BYTES" in detail


# A listing and the feed are the whole store


class Replica:
    """A copy of the keys with a prefix, made from a listing and the feed."""

    def __init__(self, client: Client, prefix: str) -> None:
        self.data: dict[str, Any] = {}
        self.revision = 0
        self._client = client
        self._prefix = prefix

    async def list(self) -> None:
        """Lists the keys in small pages, while others write."""
        page: dict[str, Any] = {"next": None}
        while not self.revision or page["next"] is not None:
            asked = {"prefix": self._prefix, "limit": 3, "values": True}
            reply = await self._client.post(
                "/api/list", asked | {"after": page["next"]}
            )
            self.revision = self.revision or reply.revision
            page = reply.json
            self.data |= page["data"]

    async def follow(self) -> None:
        reply = await poll(
            self._client, since=self.revision, prefix=self._prefix, wait=0.1
        )
        for change in reply.json["changes"]:
            self.data |= change["data"]
            for key in change["deleted"]:
                self.data.pop(key, None)
        self.revision = reply.json["revision"]


async def write_at_random(client: Client, prefix: str, count: int, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(count):
        keys = [f"{prefix}-{chance.randrange(30)}" for _ in range(3)]
        counters = dict.fromkeys([f"{key}-count" for key in keys], 1)
        path, body = chance.choice(
            [
                ("write", {"data": dict.fromkeys(keys, f"{seed}-{number}")}),
                ("delete", {"keys": keys}),
                ("increment", {"data": counters}),
                ("delete", {"keys": list(counters)}),
            ]
        )
        assert (await client.post(f"/api/{path}", body)).status == 200


@pytest.mark.parametrize("follows", [True, False], ids=["feed", "control"])
async def test_a_listing_and_what_changed_since_is_the_whole_store(
    client: Client, follows: bool
) -> None:
    prefix = unique("replica")
    replica, final = Replica(client, prefix), Replica(client, prefix)
    await write_at_random(client, prefix, 50, seed=0)
    async with asyncio.TaskGroup() as group:
        writers = [
            group.create_task(write_at_random(client, prefix, 150, seed))
            for seed in range(1, 9)
        ]
        await replica.list()
        assert not any(writer.done() for writer in writers)
        while follows and not all(writer.done() for writer in writers):
            await replica.follow()
    await final.list()
    while follows and replica.revision < final.revision:
        await replica.follow()
    assert len(final.data) > 10
    assert (replica.data == final.data) is follows


# Events


async def test_a_stream_is_neither_cached_nor_buffered(client: Client) -> None:
    async with following(client) as stream:
        headers = stream.response.headers
        assert headers["Content-Type"] == EVENT_STREAM
        assert "no-store" in headers["Cache-Control"]
        assert headers["X-Accel-Buffering"] == "no"


@pytest.mark.parametrize(
    ("accept", "streams"),
    [
        (EVENT_STREAM, True),
        ("Text/Event-Stream", True),
        ("text/event-stream;q=0.9", True),
        ("text/event-stream ; charset=utf-8", True),
        ("application/json, text/event-stream", True),
        ("text/html, text/event-stream;q=0.5", True),
        ("text/event-stream;q=0", False),
        ("text/event-stream; q=0.000", False),
        ("*/*", False),
        ("text/*", False),
        ("application/json", False),
        ("text/event-streams", False),
    ],
)
async def test_a_stream_is_sent_only_if_accepted(
    client: Client, accept: str, streams: bool
) -> None:
    headers = {"Accept": accept, "Authorization": f"Bearer {client.token}"}
    url = client.url + "/api/changes"
    async with client.session.get(url, headers=headers) as response:
        assert (response.content_type == EVENT_STREAM) is streams


async def test_an_event_is_a_batch_under_its_revision(client: Client) -> None:
    prefix = unique("events")
    since = await newest(client)
    a, b = f"{prefix}-a", f"{prefix}-é"
    changes = [
        batch(await written(client, {a: 1, b: "x\ny"}), {a: 1, b: "x\ny"}),
        deletion((await client.delete([b, a])).revision, b, a),
    ]
    async with following(client, since=since, prefix=prefix) as stream:
        for _ in range(3):
            changes.append(
                batch(await written(client, {b: len(changes)}), {b: len(changes)})
            )
        for change in changes:
            event = await stream.next()
            assert (event.kind, event.id) == ("message", str(change["revision"]))
            assert event.json == change


async def test_an_event_has_the_data_of_a_poll(client: Client) -> None:
    prefix = unique("alike")
    since = await newest(client)
    await client.post("/api/write", f'{{"data":{{"{prefix}é":[1.0,"\u2028\x85"]}}}}')
    text = (await poll(client, since=since, prefix=prefix)).text
    async with following(client, since=since, prefix=prefix) as stream:
        event = await stream.next()
    assert f'{{"changes":[{event.data}],"revision":{event.id}}}' == text


async def test_the_bytes_of_an_event(client: Client) -> None:
    key = unique("bytes")
    since = await newest(client)
    now = await written(client, {key: 1})
    async with following(client, since=since, prefix=key) as stream:
        sent = await stream.response.content.readuntil(b"\n\n")
    lines = [
        f"id: {now}",
        f'data: {{"revision":{now},"data":{{"{key}":1}},"deleted":[]}}',
    ]
    assert sent.decode().split("\n") == [*lines, "", ""]


async def test_line_ends_in_a_value_do_not_end_an_event(client: Client) -> None:
    prefix = unique("lines")
    since = await newest(client)
    body = f'{{"data":{{"{prefix}-1":{SPACED},"{prefix}-2":{{\r\r\n\n}}}}}}'
    now = (await client.post("/api/write", body)).revision
    data = {f"{prefix}-1": [1, 2, 3, 4, 5, 6, 7], f"{prefix}-2": {}}
    after = await written(client, {f"{prefix}-3": 1})
    async with following(client, since=since, prefix=prefix) as stream:
        first, second = await stream.take(2)
    assert first.json == batch(now, data)
    assert second.json == batch(after, {f"{prefix}-3": 1})


async def test_an_event_may_be_long(client: Client) -> None:
    prefix = unique("long")
    since = await newest(client)
    # in the second one, line ends lie at every place of the pieces that it is sent in
    values = ['"é' + "x" * (900 * KIB) + '"', "[" + "\r\n" * (300 * KIB) + "\r]"]
    revisions = []
    for text in values:
        body = f'{{"data":{{"{prefix}":{text}}}}}'
        revisions.append((await client.post("/api/write", body)).revision)
    async with following(client, since=since, prefix=prefix) as stream:
        events = await stream.take(2)
    assert [event.json for event in events] == [
        batch(number, {prefix: json.loads(text)})
        for number, text in zip(revisions, values, strict=True)
    ]


async def test_a_stream_begins_with_the_revision_to_resume_from(client: Client) -> None:
    now = await newest(client)
    async with following(client) as stream:
        await stream.comments(1)
    assert stream.parser.last_event_id == str(now)


async def test_a_last_event_id_wins_over_since(client: Client) -> None:
    prefix = unique("wins")
    first, second = [await written(client, {prefix: number}) for number in range(2)]
    seen = str(first)
    for since in (0, second, None):
        async with following(
            client, since=since, prefix=prefix, last_event_id=seen
        ) as stream:
            assert (await stream.next()).id == str(second)
    reply = await client.request(
        "GET", query(since=0, prefix=prefix), headers={"Last-Event-ID": seen}
    )
    assert [change["revision"] for change in reply.json["changes"]] == [second]


@both_ways
@pytest.mark.parametrize("empty", ["", " ", " \t "], ids=ascii)
async def test_an_empty_last_event_id_is_none(
    client: Client, empty: str, accept: str
) -> None:
    prefix = unique("empty")
    since = await written(client, {prefix: 1})
    last = await written(client, {prefix: 2})
    path = query(since=since, prefix=prefix)
    if accept == EVENT_STREAM:
        headers = {"Authorization": f"Bearer {client.token}", "Accept": accept}
        async with client.session.get(
            client.url + path, headers={**headers, "Last-Event-ID": empty}
        ) as response:
            assert (await Stream(response).next()).id == str(last)
    else:
        reply = await asked(client, path, accept=accept, last_event_id=empty)
        assert [change["revision"] for change in reply.json["changes"]] == [last]


def with_last_event_id(since: int, seen: str) -> dict[str, Any]:
    return {"since": since, "last_event_id": seen}


def with_since(since: int, _: str) -> dict[str, Any]:
    return {"since": since}


def with_nothing(_: int, __: str) -> dict[str, Any]:
    return {}


@pytest.mark.parametrize(
    ("way_back", "fault"),
    [
        (with_last_event_id, None),
        (with_since, "repeated"),
        (with_nothing, "lost"),
    ],
    ids=["Last-Event-ID", "control-since", "control-nothing"],
)
async def test_a_stream_cut_anywhere_resumes_where_it_was(
    client: Client, way_back: Callable[[int, str], dict[str, Any]], fault: str | None
) -> None:
    prefix, chance = unique("cut"), random.Random(fault)
    since, seen, received, cuts = await newest(client), "", list[str](), 0
    async with following(client, prefix=prefix) as uncut:
        await uncut.start()
        writing = asyncio.create_task(write_some(client, prefix, 400))
        while not writing.done():
            async with following(
                client, prefix=prefix, **way_back(since, seen)
            ) as stream:
                for _ in range(chance.randrange(1, 4)):
                    events = await stream.some(chance.randrange(1, 2000))
                    received += [event.id for event in events]
                seen = stream.parser.last_event_id
            cuts += 1
            await written(client, {unique("meanwhile"): 1})
        async with following(client, prefix=prefix, **way_back(since, seen)) as stream:
            await stream.start()
            last = await written(client, {f"{prefix}-last": 1})
            while received[-1:] != [str(last)]:
                received.append((await stream.next()).id)
        expected = [str(revision) for revision in [*await writing, last]]
        assert [event.id for event in await uncut.take(len(expected))] == expected
    assert cuts > 5
    if fault is None:
        assert received == expected
    elif fault == "repeated":
        assert len(received) > len(expected)
    else:
        assert set(received) < set(expected)


async def test_a_watcher_that_joins_while_the_feed_lags_receives_every_change_once(
    client: Client,
) -> None:
    last, value = unique("last"), "x" * (300 * KIB)

    async def write() -> None:
        for _ in range(6):
            keys = [unique("large") for _ in range(8)]
            await asyncio.gather(*(written(client, {key: value}) for key in keys))

    async def watch(stream: Stream) -> list[int]:
        """The differences between the revisions it receives, from where it begins."""
        received = [int(stream.parser.last_event_id)]
        event = None
        while event is None or last not in event.data:
            event = await stream.next()
            received.append(int(event.id))
        return [after - before for before, after in itertools.pairwise(received)]

    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        writing = group.create_task(write())
        watching = list[asyncio.Task[list[int]]]()
        while not writing.done() and len(watching) < 40:
            stream = await stack.enter_async_context(following(client))
            await stream.start()
            watching.append(group.create_task(watch(stream)))
            await asyncio.sleep(0.02)
        await writing
        await written(client, {last: 1})
    assert {step for task in watching for step in task.result()} == {1}


# Heartbeats, and the end


@pytest.fixture
async def impatient(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    """A client of a service with short timeouts for streams."""
    timing = StreamTiming(heartbeat=0.1, send_timeout=0.5)
    async with serve(tarantool, tuning=Tuning(stream=timing)) as client:
        yield await client.enter()


async def test_a_silent_stream_has_a_heartbeat(impatient: Client) -> None:
    async with following(impatient, prefix=unique("silent")) as stream:
        assert await stream.comments(5) == ["heartbeat"] * 5


async def test_a_heartbeat_advances_the_revision_of_a_filtered_watcher(
    impatient: Client,
) -> None:
    prefix = unique("filtered")
    async with following(impatient, prefix=prefix) as stream:
        before = await written(impatient, {prefix: 1})
        assert (await stream.next()).id == str(before)
        now = await written(impatient, {unique("other"): 1})
        async with asyncio.timeout(EVENT_TIMEOUT):
            while stream.parser.last_event_id != str(now):
                await stream.comments(len(stream.parser.comments) + 1)
        last = await written(impatient, {prefix: 2})
        assert (await stream.next()).id == str(last)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
async def test_a_stream_ends_with_its_token(
    client: Client, serve: Serve, tarantool: Tarantool, busy: bool
) -> None:
    prefix = unique("ending")

    async def write() -> None:
        while True:
            await written(client, {prefix: 1})

    async with serve(tarantool, KV_TOKEN_TTL="3") as brief:
        await brief.enter()
        writing = asyncio.create_task(write() if busy else asyncio.sleep(LONG))
        async with following(brief, prefix=prefix) as stream:
            async with asyncio.timeout(EVENT_TIMEOUT):
                *events, end = await stream.rest()
            assert (end.kind, end.json["code"]) == ("end", "token_expired")
            assert end.json["status"] == 403
            assert bool(events) is busy
        writing.cancel()
        reply = await poll(brief)
        assert_problem(reply, 403, "token_expired")


async def test_a_client_that_stops_reading_is_cut_off(impatient: Client) -> None:
    prefix = unique("deaf")
    since = await newest(impatient)
    for number in range(16):
        await written(impatient, {f"{prefix}-{number}": "x" * (900 * KIB)})
    connector = aiohttp.TCPConnector(socket_factory=narrow_socket)
    async with aiohttp.ClientSession(connector=connector) as session:
        deaf = Client(session, impatient.url)
        deaf.token = impatient.token
        async with following(deaf, since=since, prefix=prefix) as stream:
            await asyncio.sleep(3)  # aiohttp's client stops to read when it has enough
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                async with asyncio.timeout(EVENT_TIMEOUT):
                    events = await stream.rest()
                    assert len(events) < 16
