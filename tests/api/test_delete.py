"""Delete: any number of keys in one call, atomically."""

import asyncio
from typing import Any

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, unique

MANY = 10_000
CLIENTS = 20


async def test_what_is_deleted_is_gone(client: Client) -> None:
    key, other = unique("gone"), unique("kept")
    await client.write({key: 1, other: 2})
    reply = await client.delete([key])
    assert (reply.status, reply.json) == (200, {"status": "success", "deleted": 1})
    assert (await client.read([key, other])).json["data"] == {other: 2}


async def test_a_deleted_key_can_be_written_again(client: Client) -> None:
    key = unique("again")
    await client.write({key: 1})
    await client.delete([key])
    await client.write({key: 2})
    assert (await client.read([key])).json["data"] == {key: 2}
    assert (await client.delete([key])).json["deleted"] == 1


async def test_10_000_keys_are_deleted_at_one_revision(client: Client) -> None:
    prefix = unique("many")
    keys = [f"{prefix}-{number}" for number in range(MANY)]
    written = await client.write(dict.fromkeys(keys, 0))
    deleted = await client.delete(keys)
    assert (deleted.status, deleted.json["deleted"]) == (200, MANY)
    assert deleted.revision == written.revision + 1
    assert (await client.read(keys)).json == {"data": {}}


async def test_what_was_there_is_counted_once(client: Client) -> None:
    a, b, missing = unique("a"), unique("b"), unique("missing")
    await client.write({a: 1, b: None})
    reply = await client.delete([a, missing, b, a, missing])
    assert (reply.status, reply.json["deleted"]) == (200, 2)


async def test_a_delete_that_finds_nothing_does_not_increment_the_revision(
    client: Client,
) -> None:
    key = unique("key")
    written = await client.write({key: 1})
    nothing = await client.delete([unique("missing"), unique("missing")])
    assert (nothing.status, nothing.json["deleted"]) == (200, 0)
    assert nothing.revision == written.revision
    assert (await client.delete([key])).revision == written.revision + 1


async def test_keys_that_many_delete_are_counted_by_one_of_them(
    client: Client,
) -> None:
    keys = [unique("wanted") for _ in range(100)]
    await client.write(dict.fromkeys(keys, 0))
    replies = await asyncio.gather(*(client.delete(keys) for _ in range(CLIENTS)))
    counts = sorted(reply.json["deleted"] for reply in replies)
    assert counts == [0] * (CLIENTS - 1) + [len(keys)]
    assert len({reply.revision for reply in replies}) == 1


#: What is sent next to, or instead of, the key KEY; the code; a word of the detail.
BAD: dict[str, tuple[int, Any, str, str]] = {
    "nothing": (400, {}, "no_keys", "/keys"),
    "null": (400, {"keys": None}, "no_keys", "/keys"),
    "no-keys": (400, {"keys": []}, "no_keys", "/keys"),
    "a-string": (400, {"keys": "KEY"}, "invalid_request", "/keys"),
    "an-object": (400, {"keys": {"KEY": 1}}, "invalid_request", "/keys"),
    "a-number-in-it": (400, {"keys": ["KEY", 1]}, "invalid_request", "/keys/"),
    "unknown-field": (400, {"keys": ["KEY"], "tll": 1}, "invalid_request", "tll"),
    "ttl": (400, {"keys": ["KEY"], "ttl": 1}, "invalid_request", "ttl"),
    "empty-key": (400, {"keys": ["KEY", ""]}, "invalid_key", "empty"),
    "long-key": (400, {"keys": ["KEY", "x" * 1025]}, "invalid_key", "1025"),
    "10,001": (413, {"keys": ["KEY"] * 10_001}, "too_many_keys", "10000"),
    "if-a-list": (400, {"keys": ["KEY"], "if": []}, "invalid_request", "/if"),
    "if-empty-key": (400, {"keys": ["KEY"], "if": {"": 1}}, "invalid_key", "empty"),
}


@pytest.mark.parametrize(("status", "body", "code", "word"), BAD.values(), ids=BAD)
async def test_what_is_refused_deletes_nothing(
    client: Client, status: int, body: Any, code: str, word: str
) -> None:
    key = unique("kept")
    await client.write({key: 1})
    reply = await client.post("/api/delete", replaced(body, key))
    assert word in assert_problem(reply, status, code)
    assert (await client.read([key])).json["data"] == {key: 1}


def replaced(part: Any, key: str) -> Any:
    """The part of a request with the name of a key instead of KEY."""
    match part:
        case dict():
            return {replaced(name, key): replaced(x, key) for name, x in part.items()}
        case list():
            return [replaced(item, key) for item in part]
        case _:
            return key if part == "KEY" else part


async def test_a_delete_requires_a_token(visitor: Client) -> None:
    assert_problem(await visitor.delete(["k"]), 403, "token_missing")
