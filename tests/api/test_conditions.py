"""Conditional writes and deletes: optimistic concurrency by the keys' revisions."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, unique

MANY = 10_000
CLIENTS = 32
ROUNDS = 3

Call = Callable[..., Awaitable[Reply]]


def conflicts(reply: Reply) -> Any:
    """The reply to a refused call."""
    detail = assert_problem(reply, 412, "condition_failed")
    assert str(len(reply.json["conflicts"])) in detail
    return reply.json["conflicts"]


@pytest.fixture(params=["write", "delete", "both"])
def conditional(request: pytest.FixtureRequest, client: Client) -> Call:
    """Takes a key, and what must be true."""

    async def write(key: str, conditions: Any) -> Reply:
        return await client.write({key: "new"}, **{"if": conditions})

    async def delete(key: str, conditions: Any) -> Reply:
        return await client.delete([key], **{"if": conditions})

    async def both(key: str, conditions: Any) -> Reply:
        return await client.write({f"{key}#": 1}, delete=[key], **{"if": conditions})

    return {"write": write, "delete": delete, "both": both}[request.param]


async def is_untouched(client: Client, key: str) -> bool:
    return bool((await client.read([key])).json["data"] == {key: "old"})


async def test_a_call_with_met_conditions_is_applied(
    client: Client, conditional: Call
) -> None:
    key = unique("key")
    old = await client.write({key: "old"})
    reply = await conditional(key, {key: old.revision})
    assert reply.status == 200
    assert reply.revision == old.revision + 1
    assert not await is_untouched(client, key)


@pytest.mark.parametrize("step", [-1, 1, None])
async def test_a_call_with_unmet_conditions_changes_nothing(
    client: Client, conditional: Call, step: int | None
) -> None:
    key = unique("key")
    await client.write({key: "older"})
    old = await client.write({key: "old"})
    expected = None if step is None else old.revision + step
    assert conflicts(await conditional(key, {key: expected})) == {key: old.revision}
    assert await is_untouched(client, key)
    assert (await client.write({key: "next"})).revision == old.revision + 1


async def test_a_key_of_a_condition_need_not_be_one_of_the_call(
    client: Client, conditional: Call
) -> None:
    key, guard, missing = unique("key"), unique("guard"), unique("missing")
    await client.write({key: "old"})
    guarding = await client.write({guard: 1})
    refused = await conditional(key, {guard: guarding.revision + 1, missing: None})
    assert conflicts(refused) == {guard: guarding.revision}
    assert await is_untouched(client, key)
    reply = await conditional(key, {guard: guarding.revision, missing: None})
    assert reply.status == 200
    assert not await is_untouched(client, key)
    assert (await client.read([guard, missing])).json["data"] == {guard: 1}


async def test_null_requires_a_missing_key(client: Client) -> None:
    key = unique("new")
    first = await client.write({key: 1}, **{"if": {key: None}})
    assert first.status == 200
    again = await client.write({key: 2}, **{"if": {key: None}})
    assert conflicts(again) == {key: first.revision}
    assert (await client.read([key])).json["data"] == {key: 1}
    await client.delete([key])
    assert (await client.write({key: 3}, **{"if": {key: None}})).status == 200


async def test_a_deleted_key_has_no_revision(client: Client, conditional: Call) -> None:
    key, deleted = unique("key"), unique("deleted")
    await client.write({key: "old"})
    written = await client.write({deleted: 1})
    await client.delete([deleted])
    assert conflicts(await conditional(key, {deleted: written.revision})) == {
        deleted: None
    }
    assert await is_untouched(client, key)


async def test_the_text_null_is_a_value_that_is_there(client: Client) -> None:
    key = unique("null")
    written = await client.write({key: None})
    reply = await client.write({key: 1}, **{"if": {key: None}})
    assert conflicts(reply) == {key: written.revision}


async def test_all_conflicts_are_reported_and_nothing_else(
    client: Client, conditional: Call
) -> None:
    key, good, changed, missing, there = (unique(name) for name in "kgcmt")
    await client.write({key: "old"})
    first = (await client.write({good: 1, changed: 1, there: 1})).revision
    second = (await client.write({changed: 2})).revision
    conditions = {good: first, changed: first, missing: first, there: None}
    assert conflicts(await conditional(key, conditions)) == {
        changed: second,
        missing: None,
        there: first,
    }
    assert await is_untouched(client, key)


@pytest.mark.parametrize("given", [None, {}])
async def test_no_conditions_are_no_condition(
    client: Client, conditional: Call, given: Any
) -> None:
    key = unique("key")
    await client.write({key: "old"})
    assert (await conditional(key, given)).status == 200
    assert not await is_untouched(client, key)


async def test_a_delete_that_finds_nothing_still_has_conditions(
    client: Client,
) -> None:
    guard, missing = unique("guard"), unique("missing")
    written = await client.write({guard: 1})
    refused = await client.delete([missing], **{"if": {guard: None}})
    assert conflicts(refused) == {guard: written.revision}
    reply = await client.delete([missing], **{"if": {guard: written.revision}})
    assert (reply.status, reply.json["deleted"]) == (200, 0)
    assert reply.revision == written.revision


async def test_10_000_conditions(client: Client) -> None:
    prefix = unique("many")
    keys = [f"{prefix}-{number}" for number in range(MANY)]
    new = dict.fromkeys(keys, 0)
    first = await client.write(new, **{"if": dict.fromkeys(keys)})
    assert first.status == 200
    again = await client.write(new, **{"if": dict.fromkeys(keys)})
    assert conflicts(again) == dict.fromkeys(keys, first.revision)
    # one of them is another one by now
    second = await client.write({keys[-1]: 1})
    expected = dict.fromkeys(keys, first.revision)
    refused = await client.delete(keys[:5000], **{"if": expected})
    assert conflicts(refused) == {keys[-1]: second.revision}
    expected[keys[-1]] = second.revision
    reply = await client.delete(keys[:5000], **{"if": expected})
    assert (reply.status, reply.json["deleted"]) == (200, 5000)
    assert reply.revision == second.revision + 1


@pytest.mark.parametrize("step", [0, 1])
async def test_a_revision_may_be_spelled_as_an_integral_float(
    client: Client, conditional: Call, step: int
) -> None:
    key = unique("key")
    old = await client.write({key: "old"})
    reply = await conditional(key, {key: float(old.revision + step)})
    assert reply.status == (412 if step else 200)


@pytest.mark.parametrize(
    "given",
    [0, -1, "1", True, [1], {}, 2**63, -(2**63), 1.5, 0.0, -1.0, 2.0**53 + 2, 1e300],
    ids=str,
)
async def test_what_is_no_revision_is_refused(
    client: Client, conditional: Call, given: Any
) -> None:
    key = unique("key")
    await client.write({key: "old"})
    reply = await conditional(key, {key: given})
    assert "/if" in assert_problem(reply, 400, "invalid_request")
    assert await is_untouched(client, key)


@pytest.mark.parametrize("given", [[], "k", 1, True], ids=str)
async def test_conditions_that_are_no_object_are_refused(
    client: Client, conditional: Call, given: Any
) -> None:
    key = unique("key")
    await client.write({key: "old"})
    reply = await conditional(key, given)
    assert "/if" in assert_problem(reply, 400, "invalid_request")
    assert await is_untouched(client, key)


@pytest.mark.parametrize(
    ("guards", "status", "code"),
    [
        ([""], 400, "invalid_key"),
        (["x" * 1025], 400, "invalid_key"),
        ([f"{number}" for number in range(MANY + 1)], 413, "too_many_keys"),
    ],
    ids=["empty", "long", "many"],
)
async def test_the_keys_of_conditions_have_the_limits_of_all_keys(
    client: Client, conditional: Call, guards: list[str], status: int, code: str
) -> None:
    key = unique("key")
    await client.write({key: "old"})
    assert_problem(await conditional(key, dict.fromkeys(guards)), status, code)
    assert await is_untouched(client, key)


@pytest.mark.parametrize("path", ["/api/read", "/api/list", "/api/increment"])
async def test_other_calls_take_no_conditions(client: Client, path: str) -> None:
    reply = await client.post(path, {"if": {"k": None}})
    assert "if" in assert_problem(reply, 400, "invalid_request")


async def test_a_revision_that_no_store_will_reach_is_only_a_conflict(
    client: Client, conditional: Call
) -> None:
    key = unique("key")
    old = await client.write({key: "old"})
    for far in (2**53, 2**53 + 1, 2**63 - 1):
        assert conflicts(await conditional(key, {key: far})) == {key: old.revision}


# Many that add to one value


async def counted(client: Client, key: str, *, careful: bool) -> int:
    """The value after each of many clients has added to it, a few times each, by
    reading it and writing it; `careful` clients do so on a condition."""

    async def add() -> None:
        while True:
            read = (await client.read([key], revisions=True)).json
            conditions = {"if": read["revisions"]} if careful else {}
            reply = await client.write({key: read["data"][key] + 1}, **conditions)
            if reply.status == 200:
                return
            assert conflicts(reply).keys() == {key}

    async def add_on() -> None:
        for _ in range(ROUNDS):
            await add()

    await client.write({key: 0})
    await asyncio.gather(*(add_on() for _ in range(CLIENTS)))
    return int((await client.read([key])).json["data"][key])


async def test_no_addition_is_lost_on_conditions(client: Client) -> None:
    total = await counted(client, unique("careful"), careful=True)
    assert total == CLIENTS * ROUNDS


async def test_additions_are_lost_without_conditions(client: Client) -> None:
    """The control."""
    total = await counted(client, unique("careless"), careful=False)
    assert 0 < total < CLIENTS * ROUNDS
