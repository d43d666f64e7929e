"""Increments: 64-bit counters, exact to their limits, any number in one call."""

import asyncio
from typing import Any

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, unique

MAX = 2**63 - 1
MIN = -(2**63)
CLIENTS = 50
ROUNDS = 4

#: Texts of values that count as other integers than they are spelled, or as themselves.
COUNTS = {
    "0": 0,
    "-0": 0,
    "7": 7,
    "-7": -7,
    str(2**53 + 1): 2**53 + 1,
    str(-(2**53) - 1): -(2**53) - 1,
    str(MAX): MAX,
    str(MIN): MIN,
}

NO_COUNTS = [
    '"1"',
    "1.0",
    "1e3",
    "1E3",
    "-0.0",
    "0e0",
    "null",
    "true",
    "[1]",
    "{}",
    '{"a":1}',
    '""',
    str(MAX + 1),
    str(MIN - 1),
    str(2**64),
    str(-(2**64)),
    "9" * 19,
    "9" * 20,
    "-" + "9" * 20,
    "1" + "0" * 40,
]

#: Additions that stay inside the 64 bits, and beyond 2^53 on every side.
SUMS = [
    (0, 1),
    (1, -1),
    (-1, 1),
    (5, 0),
    (99_999_999_999_999, 1),
    (100_000_000_000_000, -1),
    (0, 10**14),
    (-5, 10**14),
    (5, -(10**14)),
    (2**53, 1),
    (-(2**53), -1),
    (1, 2**53),
    (-1, 2**53 + 1),
    (-1, 2**62),
    (2**62, 2**62 - 1),
    (-(2**62), -(2**62)),
    (0, MAX),
    (0, MIN),
    (MAX, 0),
    (MIN, 0),
    (MAX, -1),
    (MIN, 1),
    (MAX - 1, 1),
    (MIN + 1, -1),
    (MAX, MIN),
    (MIN, MAX),
    (-1, MIN + 1),
    (-1, MAX),
]

OVERFLOWS = [
    (MAX, 1),
    (1, MAX),
    (MAX, MAX),
    (MIN, -1),
    (-1, MIN),
    (MIN, MIN),
    (2**62, 2**62),
    (-(2**62) - 1, -(2**62)),
]


async def write_text(client: Client, key: str, text: str) -> None:
    reply = await client.post("/api/write", f'{{"data":{{"{key}":{text}}}}}')
    assert reply.status == 200


async def text_of(client: Client, key: str) -> str:
    """The text of the key's value, as a read returns it."""
    reply = await client.read([key])
    return reply.text.removeprefix(f'{{"data":{{"{key}":').removesuffix("}}")


async def test_a_missing_key_counts_from_0(client: Client) -> None:
    key = unique("new")
    reply = await client.increment({key: 3})
    assert (reply.status, reply.text) == (200, f'{{"data":{{"{key}":3}}}}')
    assert (await client.increment({key: -5})).json == {"data": {key: -2}}
    assert await text_of(client, key) == "-2"


async def test_many_counters_are_incremented_at_one_revision(client: Client) -> None:
    there, missing = unique("there"), unique("missing")
    before = await client.write({there: 10})
    reply = await client.increment({there: 1, missing: -1})
    assert reply.json == {"data": {there: 11, missing: -1}}
    assert reply.revision == before.revision + 1
    revisions = (await client.read([there, missing], revisions=True)).json["revisions"]
    assert revisions == {there: reply.revision, missing: reply.revision}


async def test_10_000_counters_in_one_call(client: Client) -> None:
    prefix = unique("many")
    deltas = {f"{prefix}-{number}": number for number in range(10_000)}
    for times in (1, 2):
        reply = await client.increment(deltas)
        assert reply.json["data"] == {key: times * deltas[key] for key in deltas}


@pytest.mark.parametrize(("text", "count"), COUNTS.items())
async def test_an_integer_that_was_written_is_a_counter(
    client: Client, text: str, count: int
) -> None:
    key = unique("written")
    await write_text(client, key, text)
    reply = await client.increment({key: 0})
    assert reply.text == f'{{"data":{{"{key}":{count}}}}}'
    assert await text_of(client, key) == str(count)


@pytest.mark.parametrize(
    ("text", "delta"),
    [
        ("1.0", 1),
        ("-2.0", -2),
        ("1e3", 1000),
        ("-0.0", 0),
        (f"{2**53 - 1}.0", 2**53 - 1),
    ],
)
async def test_a_delta_may_be_spelled_as_an_integral_float(
    client: Client, text: str, delta: int
) -> None:
    key = unique("float")
    reply = await client.post("/api/increment", f'{{"data":{{"{key}":{text}}}}}')
    assert reply.text == f'{{"data":{{"{key}":{delta}}}}}'
    assert await text_of(client, key) == str(delta)


@pytest.mark.parametrize(("count", "delta"), SUMS)
async def test_a_sum_is_exact(client: Client, count: int, delta: int) -> None:
    key = unique("sum")
    await write_text(client, key, str(count))
    reply = await client.increment({key: delta})
    assert reply.text == f'{{"data":{{"{key}":{count + delta}}}}}'
    assert await text_of(client, key) == str(count + delta)


@pytest.mark.parametrize(("count", "delta"), OVERFLOWS)
async def test_a_sum_beyond_64_bits_is_refused_and_nothing_is_added(
    client: Client, count: int, delta: int
) -> None:
    before, key, after = unique("before"), unique("full"), unique("after")
    await write_text(client, key, str(count))
    written = await client.write({before: 1, after: 1})
    reply = await client.increment({before: 1, key: delta, after: 1})
    detail = assert_problem(reply, 409, "counter_overflow")
    assert key in detail
    assert str(count) in detail
    assert await text_of(client, key) == str(count)
    assert (await client.read([before, after])).json["data"] == {before: 1, after: 1}
    assert (await client.increment({before: 1})).revision == written.revision + 1


@pytest.mark.parametrize("text", NO_COUNTS, ids=lambda text: text[:24])
async def test_what_is_no_integer_of_64_bits_is_refused_and_nothing_is_added(
    client: Client, text: str
) -> None:
    before, key, after = unique("before"), unique("text"), unique("after")
    await write_text(client, key, text)
    written = await client.write({before: 1})
    reply = await client.increment({before: 1, key: 0, after: 1})
    assert key in assert_problem(reply, 409, "not_a_counter")
    assert await text_of(client, key) == text
    assert (await client.read([before, after])).json["data"] == {before: 1}
    assert (await client.increment({before: 1})).revision == written.revision + 1


@pytest.mark.parametrize("character", ["x", "é", "\uffff", "😀", "%"], ids=ascii)
async def test_a_long_key_is_shortened_in_the_detail(
    client: Client, character: str
) -> None:
    size = len(character.encode())
    key = unique("long")
    key += character * ((1024 - len(key)) // size)
    await client.write({key: "text"})
    detail = assert_problem(await client.increment({key: 1}), 409, "not_a_counter")
    assert f"'{key[:48]}…'" in detail
    assert len(detail) < 120
    await client.write({key: MAX})
    detail = assert_problem(await client.increment({key: 1}), 409, "counter_overflow")
    assert f"'{key[:48]}…'" in detail


@pytest.mark.parametrize("tail", ["", "'", "%s", "\n", "\0", "\x7f", "é", "\uffff"])
async def test_any_key_can_be_named_in_the_detail(client: Client, tail: str) -> None:
    key = unique("odd")
    await client.write({key + tail: "text"})
    reply = await client.increment({key + tail: 1})
    detail = assert_problem(reply, 409, "not_a_counter")
    assert key in detail
    assert detail.endswith("is not a 64-bit integer")


#: The text of a delta, or of all of `data`; the code; a word of the detail.
BAD: list[tuple[str, int, str, str]] = [
    ('{"data":{"KEY":1.5}}', 400, "invalid_request", "/data"),
    ('{"data":{"KEY":1e-3}}', 400, "invalid_request", "/data"),
    ('{"data":{"KEY":9007199254740994.0}}', 400, "invalid_request", "/data"),
    ('{"data":{"KEY":1e300}}', 400, "invalid_request", "/data"),
    ('{"data":{"KEY":1e400}}', 400, "invalid_request", "/data"),
    ('{"data":{"KEY":"1"}}', 400, "invalid_request", "/data"),
    ('{"data":{"KEY":true}}', 400, "invalid_request", "/data"),
    ('{"data":{"KEY":null}}', 400, "invalid_request", "/data"),
    ('{"data":{"KEY":[1]}}', 400, "invalid_request", "/data"),
    (f'{{"data":{{"KEY":{MAX + 1}}}}}', 400, "invalid_request", "/data"),
    (f'{{"data":{{"KEY":{MIN - 1}}}}}', 400, "invalid_request", "/data"),
    (f'{{"data":{{"KEY":{10**30}}}}}', 400, "invalid_request", "/data"),
    ('{"data":{"KEY":1,"":1}}', 400, "invalid_key", "empty"),
    ('{"data":["KEY"]}', 400, "invalid_request", "/data"),
    ('{"data":{"KEY":1},"ttl":1}', 400, "invalid_request", "ttl"),
    ('{"data":{"KEY":1},"if":{}}', 400, "invalid_request", "if"),
    ('{"data":{}}', 400, "no_data", "/data"),
    ('{"data":null}', 400, "no_data", "/data"),
    ("{}", 400, "no_data", "/data"),
]


@pytest.mark.parametrize(("body", "status", "code", "word"), BAD)
async def test_what_is_no_increment_adds_nothing(
    client: Client, body: str, status: int, code: str, word: str
) -> None:
    key = unique("key")
    await client.write({key: 1})
    reply = await client.post("/api/increment", body.replace("KEY", key))
    assert word in assert_problem(reply, status, code)
    assert await text_of(client, key) == "1"


async def test_the_keys_of_increments_have_the_limits_of_all_keys(
    client: Client,
) -> None:
    many = dict.fromkeys(map(str, range(10_001)), 1)
    assert_problem(await client.increment(many), 413, "too_many_keys")
    assert_problem(await client.increment({"x" * 1025: 1}), 400, "invalid_key")


async def test_an_increment_requires_a_token(visitor: Client) -> None:
    assert_problem(await visitor.increment({"k": 1}), 403, "token_missing")


async def test_the_increments_of_many_clients_add_up(client: Client) -> None:
    """In test_conditions.py clients that read and write lose some."""
    shared, own = unique("shared"), unique("own")

    async def add_on(number: int) -> None:
        for _ in range(ROUNDS):
            deltas: dict[str, Any] = {shared: number, f"{own}-{number}": 1}
            seen.append((await client.increment(deltas)).json["data"][shared])

    seen: list[int] = []
    await asyncio.gather(*(add_on(number) for number in range(1, CLIENTS + 1)))
    total = ROUNDS * sum(range(1, CLIENTS + 1))
    assert (await client.read([shared])).json["data"] == {shared: total}
    # no two clients got the same sum
    assert len(set(seen)) == len(seen) == CLIENTS * ROUNDS
    found = (await client.list_keys(own, values=True)).json["data"]
    assert list(found.values()) == [ROUNDS] * CLIENTS
