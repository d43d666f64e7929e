"""Keys with a TTL.

On instances of their own: a collection increments the revision, which would come
between those of other tests.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, unique
from tests.support.collector import expired_rows, stop_collector
from tests.support.machine import wait_until
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools

HOUR = 3600.0
MAX_TTL = 100 * 365 * 24 * HOUR

#: Seconds for a row to be collected, on a busy machine.
COLLECT_TIMEOUT = 20.0


class Expiring:
    """A client of an instance that collects what has expired, or leaves it."""

    def __init__(
        self, client: Client, tarantool: Tarantool, *, is_collecting: bool
    ) -> None:
        self.client = client
        self.is_collecting = is_collecting
        self._tarantool = tarantool
        if not is_collecting:
            stop_collector(tarantool)

    async def let_expire(self, data: dict[str, Any]) -> int:
        """Writes these, returns when their time is over; their revision."""
        reply = await self.client.write(data, ttl=0.001)
        assert reply.status == 200
        await asyncio.sleep(0.05)
        if self.is_collecting:
            await asyncio.to_thread(
                wait_until, lambda: not expired_rows(self._tarantool), COLLECT_TIMEOUT
            )
        else:
            assert data.keys() <= expired_rows(self._tarantool)
        return reply.revision


@pytest.fixture(scope="module", params=[True, False], ids=["collected", "left"])
async def expiring(
    request: pytest.FixtureRequest, tarantools: Tarantools, serve: Serve
) -> AsyncIterator[Expiring]:
    with tarantools.running() as tarantool:
        async with serve(tarantool) as client:
            await client.enter()
            yield Expiring(client, tarantool, is_collecting=request.param)


async def test_a_key_lives_to_its_moment_and_no_longer(expiring: Expiring) -> None:
    client, key, ttl = expiring.client, unique("moment"), 1.5
    sending = time.time()
    assert (await client.write({key: 1}, ttl=ttl)).status == 200
    sent = time.time()
    lived = False
    while True:
        asking = time.time()
        found = (await client.read([key])).json["data"]
        # what lies between these two is up to the moment of the server's clock
        if time.time() < sending + ttl:
            assert found == {key: 1}
            lived = True
        elif asking > sent + ttl:
            assert found == {}
            break
    assert lived


async def test_an_expired_key_is_not_read(expiring: Expiring) -> None:
    client, key, other = expiring.client, unique("expired"), unique("other")
    await client.write({other: 2})
    await expiring.let_expire({key: 1})
    assert (await client.read([key, other])).json["data"] == {other: 2}
    reply = await client.read([key], revisions=True)
    assert reply.json == {"data": {}, "revisions": {}, "ttl": {}}
    assert (await client.request("GET", f"/api/keys/{key}")).status == 404


@pytest.mark.parametrize("values", [False, True])
async def test_an_expired_key_is_not_listed(expiring: Expiring, values: bool) -> None:
    client, prefix = expiring.client, unique("expired")
    keys = [f"{prefix}-{number}" for number in range(6)]
    await client.write(dict.fromkeys(keys[1::2], 0))
    await expiring.let_expire(dict.fromkeys(keys[::2], 0))
    pages = [page async for page in client.pages(prefix, limit=2, values=values)]
    found = [list(page["data" if values else "keys"]) for page in pages]
    assert found == [[keys[1], keys[3]], [keys[5]]]


async def test_an_expired_key_has_no_revision(expiring: Expiring) -> None:
    client, key = expiring.client, unique("expired")
    revision = await expiring.let_expire({key: 1})
    refused = await client.write({key: 2}, **{"if": {key: revision}})
    assert_problem(refused, 412, "condition_failed")
    assert refused.json["conflicts"] == {key: None}
    assert (await client.write({key: 2}, **{"if": {key: None}})).status == 200
    assert (await client.read([key])).json["data"] == {key: 2}


async def test_an_expired_key_counts_from_0(expiring: Expiring) -> None:
    client, counter, text = expiring.client, unique("counter"), unique("text")
    await expiring.let_expire({counter: 7, text: "no counter"})
    reply = await client.increment({counter: 1, text: 2})
    assert reply.json["data"] == {counter: 1, text: 2}
    # and not for the time of the one that expired
    assert (await client.read([counter], revisions=True)).json["ttl"] == {}


async def test_an_expired_key_is_not_counted_as_deleted(expiring: Expiring) -> None:
    client, key, other = expiring.client, unique("expired"), unique("other")
    await expiring.let_expire({key: 1})
    await client.write({other: 1})
    assert (await client.delete([key, other])).json["deleted"] == 1
    assert (await client.delete([key])).json["deleted"] == 0


async def test_an_expired_key_can_be_written_again(expiring: Expiring) -> None:
    client, kept, expired = expiring.client, unique("kept"), unique("expired")
    await expiring.let_expire({kept: 1, expired: 1})
    await client.write({kept: 2})
    await expiring.let_expire({expired: 2})
    assert (await client.read([kept, expired])).json["data"] == {kept: 2}


async def test_a_page_of_10_000_expired_keys_has_a_cursor(expiring: Expiring) -> None:
    """A page steps over a bounded number of them; the next page resumes from there."""
    client, prefix = expiring.client, unique("many")
    live = {f"{prefix}-00": 1, f"{prefix}-99": 1}
    await client.write(live)
    for half in (1, 2):
        await expiring.let_expire({f"{prefix}-{half}{n:04}": 0 for n in range(6000)})
    pages = [page async for page in client.pages(prefix, limit=10_000)]
    assert [key for page in pages for key in page["keys"]] == list(live)
    assert len(pages) == (1 if expiring.is_collecting else 2)


# What a later write makes of it


@pytest.fixture(scope="module")
async def caller(tarantools: Tarantools, serve: Serve) -> AsyncIterator[Client]:
    with tarantools.running() as tarantool:
        async with serve(tarantool) as client:
            yield await client.enter()


async def ttl_of(client: Client, key: str) -> float | None:
    reply = await client.read([key], revisions=True)
    left: float | None = reply.json["ttl"].get(key)
    return left


async def test_the_time_left_is_returned_for_keys_with_a_ttl(caller: Client) -> None:
    short, long, kept = unique("short"), unique("long"), unique("kept")
    await caller.write({kept: 1})
    began = time.monotonic()
    await caller.write({short: 1}, ttl=100.5)
    await caller.write({long: 1}, ttl=MAX_TTL)
    reply = await caller.read([short, long, kept, unique("missing")], revisions=True)
    # to a millisecond, and what a wall clock is moved by
    passed = time.monotonic() - began + 1
    assert list(reply.json) == ["data", "revisions", "ttl"]
    assert reply.json["ttl"].keys() == {short, long}
    assert 100.5 - passed < reply.json["ttl"][short] <= 100.5
    assert MAX_TTL - passed < reply.json["ttl"][long] <= MAX_TTL


async def test_all_keys_of_a_call_expire(caller: Client) -> None:
    keys = [unique("together") for _ in range(100)]
    await caller.write(dict.fromkeys(keys, 0), ttl=HOUR)
    left = (await caller.read(keys, revisions=True)).json["ttl"]
    assert list(left) == keys
    assert len(set(left.values())) == 1


async def test_a_write_without_a_ttl_clears_the_ttl(caller: Client) -> None:
    key = unique("cleared")
    await caller.write({key: 1}, ttl=0.2)
    await caller.write({key: 2})
    assert await ttl_of(caller, key) is None
    await asyncio.sleep(0.5)
    assert (await caller.read([key])).json["data"] == {key: 2}


async def test_a_write_with_another_ttl_replaces_the_ttl(caller: Client) -> None:
    longer, shorter = unique("longer"), unique("shorter")
    await caller.write({longer: 1}, ttl=0.2)
    await caller.write({longer: 2}, ttl=HOUR)
    await caller.write({shorter: 1}, ttl=HOUR)
    await caller.write({shorter: 2}, ttl=0.2)
    await asyncio.sleep(0.5)
    assert (await caller.read([longer, shorter])).json["data"] == {longer: 2}
    left = await ttl_of(caller, longer)
    assert left is not None
    assert 1 < left < HOUR


async def test_an_increment_keeps_the_ttl(caller: Client) -> None:
    key, without = unique("counter"), unique("without")
    await caller.write({key: 1}, ttl=HOUR)
    before = await ttl_of(caller, key)
    await caller.increment({key: 1, without: 1})
    after = await ttl_of(caller, key)
    assert before is not None
    assert after is not None
    assert HOUR / 2 < after <= before
    assert await ttl_of(caller, without) is None


async def test_a_delete_ends_the_ttl(caller: Client) -> None:
    key = unique("deleted")
    await caller.write({key: 1}, ttl=0.2)
    await caller.delete([key])
    await caller.write({key: 2})
    await asyncio.sleep(0.5)
    assert (await caller.read([key])).json["data"] == {key: 2}


async def test_a_refused_write_keeps_the_ttl(caller: Client) -> None:
    key = unique("refused")
    await caller.write({key: 1}, ttl=HOUR)
    refused = await caller.write({key: 2}, **{"if": {key: None}})
    assert refused.status == 412
    assert await ttl_of(caller, key) is not None


@pytest.mark.parametrize("ttl", ["1e-9", "0.001", "1", "1.5", "1e2", f"{MAX_TTL:.0f}"])
async def test_a_ttl_may_be_any_positive_number(caller: Client, ttl: str) -> None:
    body = f'{{"data":{{"{unique("key")}":1}},"ttl":{ttl}}}'
    assert (await caller.post("/api/write", body)).status == 200


async def test_a_ttl_of_null_is_none(caller: Client) -> None:
    key = unique("null")
    assert (await caller.write({key: 1}, ttl=None)).status == 200
    assert await ttl_of(caller, key) is None


@pytest.mark.parametrize(
    ("ttl", "code"),
    [
        ("0", "invalid_request"),
        ("-0.0", "invalid_request"),
        ("-1", "invalid_request"),
        ("1e-400", "invalid_request"),
        ("1e400", "invalid_request"),
        (f"{MAX_TTL + 1:.0f}", "invalid_request"),
        (str(2**64), "invalid_request"),
        ('"1"', "invalid_request"),
        ("true", "invalid_request"),
        ("[1]", "invalid_request"),
        ("NaN", "invalid_json"),
        ("Infinity", "invalid_json"),
    ],
)
async def test_what_is_no_ttl_is_refused(caller: Client, ttl: str, code: str) -> None:
    key = unique("key")
    reply = await caller.post("/api/write", f'{{"data":{{"{key}":1}},"ttl":{ttl}}}')
    assert "ttl" in assert_problem(reply, 400, code) or code == "invalid_json"
    assert (await caller.read([key])).json["data"] == {}


@pytest.mark.parametrize("path", ["read", "list", "delete", "increment"])
async def test_other_calls_take_no_ttl(caller: Client, path: str) -> None:
    reply = await caller.post(f"/api/{path}", {"ttl": 1})
    assert "ttl" in assert_problem(reply, 400, "invalid_request")
