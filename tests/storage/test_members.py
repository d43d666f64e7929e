"""Values as the text of an object's members: keys and rows of every shape."""

import json
from collections.abc import Iterator
from typing import Any

import asynctnt
import pytest

from tests.support.client import unique
from tests.support.tarantool import Tarantool, Tarantools

LARGE = 2**24

#: Bytes at which the header of a text in MessagePack changes.
SIZES = [1, 31, 32, 255, 256, 1023, 65535, 65536]

#: Every character that JSON must escape, and some that it need not.
CHARACTERS = [*map(chr, range(0x20)), '"', "\\", "/", "\x7f", "\u2028", "é", "😀"]

#: Revisions at which the length of an integer in MessagePack changes.
REVISIONS = [127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53 - 1]


@pytest.fixture(scope="module")
def tarantool(tarantools: Tarantools) -> Iterator[Tarantool]:
    """One of its own: other tests list the shared one, which lacks such keys."""
    with tarantools.running() as instance:
        yield instance


@pytest.mark.parametrize("character", CHARACTERS, ids=ascii)
async def test_a_key_is_escaped_as_json_requires(
    account: asynctnt.Connection, caller: list[Any], character: str
) -> None:
    name = unique("key")
    keys = [character + name, name + character, f"{name}{character}{name}"]
    values = [f" [{number}] " for number in range(3)]
    await account.call("kv.v1.put", [caller, keys, values])
    (text,) = (await account.call("kv.v1.read", [caller, keys, LARGE])).body
    assert json.loads(f"{{{text}}}") == {
        key: json.loads(value) for key, value in zip(keys, values, strict=True)
    }
    assert all(f":{value}" in text for value in values)

    page = await account.call(
        "kv.v1.list_page", [caller, keys[0], None, 10, LARGE, {"values": True}]
    )
    _, _, listed, members, *_ = page.body
    assert listed == keys[:1]
    assert members == text[: len(members)]


@pytest.mark.parametrize("size", SIZES)
async def test_keys_and_values_may_have_any_size(
    account: asynctnt.Connection, caller: list[Any], size: int
) -> None:
    start = unique("")[:size]
    key = start + "k" * (size - len(start))
    value = "1" * size
    await account.call("kv.v1.put", [caller, [key], [value]])
    for missing in [], [unique("missing")]:
        read = [caller, [*missing, key, *missing], LARGE]
        assert (await account.call("kv.v1.read", read)).body == [f'"{key}":{value}']
    listed = [caller, key, None, 10, LARGE, {"values": True}]
    _, _, keys, members, *_ = (await account.call("kv.v1.list_page", listed)).body
    assert (keys, members) == ([key], f'"{key}":{value}')


async def test_missing_keys_have_no_member(
    account: asynctnt.Connection, caller: list[Any]
) -> None:
    read = [caller, [unique("missing"), unique("missing")], LARGE, True]
    body = (await account.call("kv.v1.read", read)).body
    assert body == ["", [None, None], [None, None]]


async def test_details_are_at_the_positions_of_the_keys(
    account: asynctnt.Connection, caller: list[Any]
) -> None:
    first, missing, last = unique("a"), unique("b"), unique("c")
    (one,) = (await account.call("kv.v1.put", [caller, [first], ["1"]])).body
    put = [caller, [last], ["2"], {"ttl": 1000}]
    (two,) = (await account.call("kv.v1.put", put)).body
    read = [caller, [first, missing, last], LARGE, True]
    text, revisions, ttls = (await account.call("kv.v1.read", read)).body
    assert text == f'"{first}":1,"{last}":2'
    assert revisions == [one, None, two]
    assert ttls[:2] == [None, None]
    assert 900 < ttls[2] <= 1000


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_revision_may_be_any_integer(
    tarantool: Tarantool,
    account: asynctnt.Connection,
    caller: list[Any],
    revision: int,
) -> None:
    key = unique("key")
    tarantool.console(f"box.space.kv:insert({{'{key}', '1', {revision}ULL}})")
    read = [caller, [key], LARGE, True]
    (_, revisions, _) = (await account.call("kv.v1.read", read)).body
    assert revisions == [revision]
    tarantool.console(f"box.space.kv:delete('{key}')")


@pytest.mark.parametrize("count", [2, 3, 40])
async def test_values_over_the_limit_are_answered_by_their_size(
    account: asynctnt.Connection, caller: list[Any], count: int
) -> None:
    keys = [unique("key") for _ in range(count)]
    await account.call("kv.v1.put", [caller, keys, ["x" * 600] * count])
    size = sum(map(len, keys)) + count * 600
    text = ",".join(f'"{key}":{"x" * 600}' for key in keys)
    for procedure, age in ("kv.v1.read", 0), ("kv.v1.read_stale", 2):
        too_much = (await account.call(procedure, [caller, keys, size - 1])).body
        assert too_much[age:] == [size]
        assert (await account.call(procedure, [caller, keys, size])).body[age:] == [
            text
        ]
    requests = [
        [caller, keys, size - 1],
        [caller, keys, size],
        [["nobody", 1], keys, 1],
    ]
    (each,) = (await account.call("kv.v1.read_each", [requests])).body
    assert each == [size, text, None]
    _, _, stale = (await account.call("kv.v1.read_stale_each", [requests])).body
    assert stale == [size, text, None]
