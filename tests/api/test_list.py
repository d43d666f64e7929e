"""List: pages of keys in the order of their bytes."""

import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, unique
from tests.support.service import Serve
from tests.support.tarantool import Tarantool

MANY = 10_000

#: In the order of their bytes. The last two change places in UTF-16, where an astral
#: character begins with D800 to DBFF.
TAILS = [
    "",
    "\0",
    "\0\0",
    "\0a",
    "\x01",
    "\n",
    " ",
    '"',
    "A",
    "B",
    "a",
    "a\0",
    "aa",
    "a\u0301",
    "b",
    "\x7f",
    "\x80",
    "é",
    "é\U0010ffff",
    "ж",
    "\ue000",
    "\uffff",
    "\U00010000",
    "\U0010ffff",
]

#: Sizes of pages that end before, at and after the last of five keys.
PAGES = {1: [1] * 5, 2: [2, 2, 1], 4: [4, 1], 5: [5], 6: [5], 10_000: [5]}


@pytest.fixture
async def five(client: Client) -> list[str]:
    prefix = unique("five")
    keys = [f"{prefix}-{number}" for number in range(5)]
    await client.write({key: number for number, key in enumerate(keys)})
    return keys


def prefix_of(keys: list[str]) -> str:
    return keys[0].rpartition("-")[0]


def test_the_tails_are_in_the_order_of_bytes_and_of_nothing_else() -> None:
    assert sorted(TAILS, key=lambda tail: tail.encode()) == TAILS
    assert sorted(TAILS, key=lambda tail: tail.encode("utf-16-be")) != TAILS
    assert sorted(TAILS, key=str.casefold) != TAILS


async def test_keys_come_in_the_order_of_their_bytes(client: Client) -> None:
    prefix = unique("order")
    keys = [prefix + tail for tail in TAILS]
    await client.write(dict.fromkeys(reversed(keys), 0))
    reply = await client.list_keys(prefix)
    assert (reply.status, reply.json) == (200, {"keys": keys, "next": None})


async def test_a_prefix_and_a_cursor_may_be_any_text(client: Client) -> None:
    """Every pair of them, against a list that is sorted here."""
    prefix = unique("model")
    keys = [prefix + tail for tail in TAILS]
    await client.write(dict.fromkeys(keys, 0))
    beyond = ["!", "\U0010ffff" * 2, prefix[:-1], prefix + "~"]
    cursors = [*keys, *(key + "\0" for key in keys), *beyond]
    for wanted, after in itertools.product(keys, cursors):
        reply = await client.list_keys(wanted, after=after)
        assert reply.json["keys"] == [
            key
            for key in keys
            if key.startswith(wanted) and key.encode() > after.encode()
        ], (wanted, after)
        assert reply.json["next"] is None


async def test_without_a_prefix_all_keys_are_listed(
    client: Client, five: list[str]
) -> None:
    reply = await client.post("/api/list", {"after": five[0], "limit": 4})
    assert reply.json["keys"] == five[1:]
    assert (await client.post("/api/list", {"limit": 1})).json["next"] is not None


async def test_values_come_with_their_keys_byte_for_byte(client: Client) -> None:
    prefix = unique("value")
    members = ",".join(
        f'"{prefix}-{number}":{text}'
        for number, text in enumerate(["1.0", "null", "1E+400", '{"b":[ 1 ],"a":2}'])
    )
    await client.post("/api/write", f'{{"data":{{{members}}}}}')
    reply = await client.list_keys(prefix, values=True)
    assert reply.text == f'{{"data":{{{members}}},"next":null}}'


#: JSON texts by the numbers of their bytes, as they are stored.
SIZES = {
    1: "0",
    2: '""',
    4: '"é"',
    8: r'"\u00e9"',
    9: "[ 1, \t2 ]",
    31: '"' + "x" * 29 + '"',
    32: '"' + "x" * 30 + '"',
    255: '"' + "x" * 253 + '"',
    256: '"' + "x" * 254 + '"',
    65_535: '"' + "x" * 65_533 + '"',
    65_536: '"' + "x" * 65_534 + '"',
    1_000_000: '"' + "é" * 499_999 + '"',
}


@pytest.mark.parametrize("stale", [False, True])
async def test_details_are_the_size_the_revision_and_the_ttl(
    client: Client, stale: bool
) -> None:
    prefix = unique("details")
    data = {f"{prefix}-{size:07}": text for size, text in SIZES.items()}
    revisions: dict[str, int] = {}
    for key, text in data.items():
        body = f'{{"data":{{"{key}":{text}}}}}'
        revisions[key] = (await client.post("/api/write", body)).revision
    short = f"{prefix}-short"
    written = await client.write({short: 1.5}, ttl=1000)
    page = (await client.list_keys(prefix, details=True, stale=stale)).json
    assert list(page) == ["keys", "details", "next"]
    assert (page["keys"], page["next"]) == ([*data, short], None)
    assert 990 < page["details"][short].pop("ttl") <= 1000
    assert page["details"] == {
        **{
            key: {"size": size, "revision": revisions[key]}
            for size, key in zip(SIZES, data, strict=True)
        },
        short: {"size": 3, "revision": written.revision},
    }


async def test_details_come_with_values(client: Client, five: list[str]) -> None:
    plain = await client.list_keys(prefix_of(five), values=True)
    page = (await client.list_keys(prefix_of(five), values=True, details=True)).json
    assert list(page) == ["data", "details", "next"]
    assert page["data"] == plain.json["data"]
    assert {key: shown["size"] for key, shown in page["details"].items()} == (
        dict.fromkeys(five, 1)
    )
    reply = await client.list_keys(prefix_of(five), values=True, details=False)
    assert reply.text == plain.text


async def test_details_of_nothing_are_empty(client: Client) -> None:
    page = (await client.list_keys(unique("nothing"), details=True)).json
    assert page == {"keys": [], "details": {}, "next": None}


@pytest.mark.parametrize(
    "prefix", [unique("nothing"), "\U0010ffff" * 10], ids=["unused", "last"]
)
@pytest.mark.parametrize(("values", "found"), [(False, []), (True, {})])
async def test_a_page_without_keys_is_empty(
    client: Client, prefix: str, values: bool, found: Any
) -> None:
    reply = await client.list_keys(prefix, values=values)
    assert list(reply.json.values()) == [found, None]


@pytest.mark.parametrize("limit", PAGES)
@pytest.mark.parametrize("values", [False, True])
async def test_a_page_has_a_cursor_unless_it_is_the_last(
    client: Client, five: list[str], limit: int, values: bool
) -> None:
    # keys on both sides, for a page to run into
    await client.write({f"{prefix_of(five)}!": 0, f"{prefix_of(five)}~": 0})
    name = "data" if values else "keys"
    found = [
        list(page[name])
        async for page in client.pages(
            f"{prefix_of(five)}-", limit=limit, values=values
        )
    ]
    assert [len(keys) for keys in found] == PAGES[limit]
    assert list(itertools.chain(*found)) == five


async def test_a_cursor_is_the_last_key_of_its_page(
    client: Client, five: list[str]
) -> None:
    page = (await client.list_keys(prefix_of(five), limit=2)).json
    assert page == {"keys": five[:2], "next": five[1]}


@pytest.mark.parametrize("after", [None, "", "!"])
async def test_a_cursor_before_the_prefix_begins_at_it(
    client: Client, five: list[str], after: str | None
) -> None:
    reply = await client.list_keys(prefix_of(five), after=after)
    assert reply.json["keys"] == five


async def test_a_cursor_may_be_a_key_that_has_been_deleted(
    client: Client, five: list[str]
) -> None:
    page = (await client.list_keys(prefix_of(five), limit=2)).json
    await client.delete([page["next"], five[2]])
    reply = await client.list_keys(prefix_of(five), after=page["next"])
    assert reply.json == {"keys": five[3:], "next": None}


async def test_a_page_takes_1_000_keys_where_no_limit_is_given_and_10_000_at_most(
    client: Client,
) -> None:
    prefix = unique("many")
    keys = [f"{prefix}-{number:05}" for number in range(MANY)]
    await client.write(dict.fromkeys(keys, 0))
    await client.write({f"{prefix}-{MANY}": 0})
    for limit in ({}, {"limit": None}):
        page = (await client.list_keys(prefix, **limit)).json
        assert page == {"keys": keys[:1000], "next": keys[999]}
    page = (await client.list_keys(prefix, limit=MANY)).json
    assert page == {"keys": keys, "next": keys[-1]}


async def test_a_listing_returns_the_revision_it_shows(client: Client) -> None:
    prefix = unique("moment")
    for number in range(3):
        written = await client.write({f"{prefix}-{number}": 0})
        assert (await client.list_keys(prefix)).revision == written.revision
        elsewhere = await client.write({unique("elsewhere"): 0})
        assert (await client.list_keys(prefix)).revision == elsewhere.revision
    deleted = await client.delete([f"{prefix}-0"])
    assert (await client.list_keys(prefix)).revision == deleted.revision


BAD_LISTS: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "limit-0": ({"limit": 0}, "invalid_request", ["/limit"]),
    "limit-negative": ({"limit": -1}, "invalid_request", ["/limit"]),
    "limit-10,001": ({"limit": 10_001}, "invalid_request", ["/limit", "10000"]),
    "limit-huge": ({"limit": 10**30}, "invalid_request", ["/limit"]),
    "limit-float": ({"limit": 1.5}, "invalid_request", ["/limit"]),
    "limit-negative-float": ({"limit": -1.0}, "invalid_request", ["/limit"]),
    "limit-string": ({"limit": "1"}, "invalid_request", ["/limit"]),
    "limit-true": ({"limit": True}, "invalid_request", ["/limit"]),
    "prefix-null": ({"prefix": None}, "invalid_request", ["/prefix"]),
    "prefix-number": ({"prefix": 1}, "invalid_request", ["/prefix"]),
    "prefix-long": ({"prefix": "é" * 513}, "invalid_key", ["/prefix", "1026"]),
    "after-number": ({"after": 1}, "invalid_request", ["/after"]),
    "after-long": ({"after": "x" * 1025}, "invalid_key", ["/after", "1025"]),
    "values-number": ({"values": 1}, "invalid_request", ["/values"]),
    "details-null": ({"details": None}, "invalid_request", ["/details"]),
    "delimiter-empty": ({"delimiter": ""}, "invalid_request", ["/delimiter"]),
    "delimiter-number": ({"delimiter": 1}, "invalid_request", ["/delimiter"]),
    "delimiter-long": ({"delimiter": "é" * 513}, "invalid_key", ["/delimiter", "1026"]),
    "unknown": ({"keys": ["k"]}, "invalid_request", ["keys"]),
}


@pytest.mark.parametrize(("body", "code", "words"), BAD_LISTS.values(), ids=BAD_LISTS)
async def test_what_is_not_a_listing_is_refused(
    client: Client, body: dict[str, Any], code: str, words: list[str]
) -> None:
    detail = assert_problem(await client.post("/api/list", body), 400, code)
    assert [word for word in words if word not in detail] == []


async def test_a_listing_requires_a_token(visitor: Client) -> None:
    assert_problem(await visitor.list_keys(""), 403, "token_missing")


# Bounds in bytes

BODY = 1000


@pytest.fixture(scope="module")
async def narrow(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    """A client of a service with small limits."""
    async with serve(tarantool, KV_MAX_BODY=str(BODY), KV_MAX_KEYS="20") as client:
        yield await client.enter()


@pytest.mark.parametrize("values", [False, True])
async def test_a_page_is_bounded_in_bytes(
    client: Client, narrow: Client, values: bool
) -> None:
    prefix = unique("bounded" + "-" * 50)
    data = {f"{prefix}-{number:02}": "x" * 100 for number in range(50)}
    await client.write(data)
    pages = [page async for page in narrow.pages(prefix, values=values)]
    found = [page["data" if values else "keys"] for page in pages]
    assert list(itertools.chain(*found)) == list(data)
    sizes = [len(json.dumps(part)) for part in found]
    assert len(sizes) > 3
    # it is the rows that are bounded: quotes and commas come on top
    assert max(sizes) < 1.2 * BODY
    # one row more would not have gone in
    assert min(sizes[:-1]) > 0.7 * BODY


@pytest.mark.parametrize("values", [False, True])
async def test_a_page_with_details_is_bounded_in_bytes(
    client: Client, narrow: Client, values: bool
) -> None:
    prefix = unique("bounded")
    data = {f"{prefix}-{number:02}": "x" * 20 for number in range(20)}
    await client.write(data, ttl=3600)
    pages = [page async for page in narrow.pages(prefix, values=values, details=True)]
    found = [list(page["details"]) for page in pages]
    assert list(itertools.chain(*found)) == list(data)
    sizes = [len(json.dumps(page, separators=(",", ":"))) for page in pages]
    assert len(sizes) > 3
    assert max(sizes) < 1.2 * BODY
    assert min(sizes[:-1]) > 0.6 * BODY


async def test_a_page_of_a_level_is_bounded_in_bytes(
    client: Client, narrow: Client
) -> None:
    area = unique("area") + "/"
    prefixes = [f"{area}{number:02}{'-' * 50}/" for number in range(20)]
    await client.write({prefix + "key": 0 for prefix in prefixes})
    pages = [page async for page in narrow.pages(area, delimiter="/")]
    found = [[entry["prefix"] for entry in page["prefixes"]] for page in pages]
    assert list(itertools.chain(*found)) == prefixes
    sizes = [len(json.dumps(page, separators=(",", ":"))) for page in pages]
    assert max(sizes) < 1.2 * BODY
    assert min(sizes[:-1]) > 0.6 * BODY


async def test_a_row_larger_than_a_page_has_one_of_its_own(
    client: Client, narrow: Client
) -> None:
    prefix = unique("large")
    data = {f"{prefix}-{number}": "x" * 2 * BODY for number in range(3)}
    await client.write(data)
    pages = [page async for page in narrow.pages(prefix, values=True)]
    assert [page["data"] for page in pages] == [{key: data[key]} for key in data]
    keys = [page async for page in narrow.pages(prefix)]
    assert keys == [{"keys": list(data), "next": None}]


async def test_a_page_takes_no_more_keys_than_a_call(
    client: Client, narrow: Client
) -> None:
    detail = assert_problem(
        await narrow.list_keys("", limit=21), 400, "invalid_request"
    )
    assert "20" in detail
    prefix = unique("k")
    await client.write({f"{prefix}{number}": 0 for number in range(21)})
    assert len((await narrow.list_keys(prefix)).json["keys"]) == 20
