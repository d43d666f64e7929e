"""A write with an Idempotency-Key can be made again, and is applied once."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, unique
from tests.support.machine import wait_until_ready
from tests.support.service import Serve
from tests.support.tarantool import Tarantools
from tests.support.verbatim import path_of
from tests.support.writes import (
    Write,
    delete,
    delete_one,
    increment,
    put,
    write,
    write_and_delete,
)

HEADER = "Idempotency-Key"

Call = Callable[[str], Write]

#: Calls on a key that is 0, and what it is then; None: it is gone.
CALLS: dict[str, tuple[Call, int | None]] = {
    "write": (write, 1),
    "write-and-delete": (write_and_delete, None),
    "delete": (delete, None),
    "increment": (increment, 1),
    "put": (put, 1),
    "delete-one": (delete_one, None),
}
every_call = pytest.mark.parametrize(
    "call", [call for call, _ in CALLS.values()], ids=CALLS.keys()
)
retry_or_not = pytest.mark.parametrize("safe", [True, False], ids=["retry", "control"])

#: Requests that a PUT of 1 is not.
OTHERS: dict[str, Call] = {
    "body": lambda key: put(key)._replace(body="2"),
    "space-in-body": lambda key: put(key)._replace(body="1 "),
    "path": lambda key: put(f"{key}-other"),
    "query": lambda key: put(key)._replace(path=f"{path_of(key)}?ttl=3600"),
    "method": delete_one,
    "If-Match": lambda key: put(key, ("If-Match", "*")),
    "If-None-Match": lambda key: put(key, ("If-None-Match", '"x"')),
    "call": write,
    "another-call": increment,
}
BAD_REQUESTS = {
    "not-JSON": write("k")._replace(body="{"),
    "field": write("k", tll=1),
    "long-key": write("k" * 1025),
    "ttls": write("k", ttls={"k": 0}),
    "written-and-deleted": write("k", delete=["k"]),
    "no-keys": Write("POST", "/api/delete", '{"keys": []}'),
    "delta": Write("POST", "/api/increment", '{"data": {"k": 1.5}}'),
    "path": Write("PUT", "/api/keys/%", "1"),
    "ttl": Write("PUT", "/api/keys/k?ttl=0", "1"),
    "tags": put("k", ("If-Match", "x")),
    "body-of-DELETE": Write("DELETE", "/api/keys/k", "1"),
    "method": Write("POST", "/api/keys/k", "1"),
}

GOOD_KEYS = ["a", "!~", '"quoted"', "x" * 255, "a,b;c=d", "\\", "{}", "0", " a "]
BAD_KEYS = ["", " ", "a b", "a\tb", '"a b"', "é", "x" * 256, "x" * 5000]

AT_ONCE = 20


def retry(name: str | None = None) -> tuple[str, str]:
    return HEADER, unique("retry") if name is None else name


async def key_set_to(client: Client, value: object) -> str:
    key = unique("key")
    await set_to(client, key, value)
    return key


async def set_to(client: Client, key: str, value: object) -> None:
    assert (await client.write({key: value})).status == 200


async def found(client: Client, key: str) -> object:
    """None: there is no such key."""
    return (await client.read([key])).json["data"].get(key)


def as_sent(reply: Reply) -> tuple[int, str, dict[str, str]]:
    """All of it but the time and the id of the request."""
    return reply.status, reply.text_without_id, dict(reply.same_headers)


async def revision(client: Client) -> int:
    """The revision of the store."""
    return (await client.list_keys(unique("none"))).revision


@pytest.mark.parametrize(("call", "left"), CALLS.values(), ids=CALLS.keys())
async def test_the_same_request_again_gets_the_same_reply(
    client: Client, call: Call, left: int | None
) -> None:
    key, header = await key_set_to(client, 0), retry()
    first = await call(key).by(client, header)
    assert first.status in (200, 204)
    assert first.revision == await revision(client)
    assert as_sent(await call(key).by(client, header)) == as_sent(first)
    assert await found(client, key) == left
    assert await revision(client) == first.revision


@retry_or_not
@every_call
async def test_a_retry_does_not_touch_what_was_written_since(
    client: Client, call: Call, safe: bool
) -> None:
    key, headers = await key_set_to(client, 0), [retry()] if safe else []
    first = await call(key).by(client, *headers)
    await set_to(client, key, 7)
    again = await call(key).by(client, *headers)
    assert (as_sent(again) == as_sent(first)) is safe
    assert (await found(client, key) == 7) is safe


@pytest.mark.parametrize("call", [delete, delete_one], ids=["delete", "delete-one"])
async def test_a_delete_that_found_nothing_deletes_nothing_later(
    client: Client, call: Call
) -> None:
    key, header = unique("key"), retry()
    first = await call(key).by(client, header)
    await set_to(client, key, 1)
    again = await call(key).by(client, header)
    assert again.status == first.status
    assert again.text_without_id == first.text_without_id
    assert await found(client, key) == 1


async def test_a_delete_with_an_empty_object_is_the_same_request(
    client: Client,
) -> None:
    key, header = await key_set_to(client, 0), retry()
    first = await delete_one(key).by(client, header)
    await set_to(client, key, 7)
    for body in "{}", " {}\n":
        again = await delete_one(key)._replace(body=body).by(client, header)
        assert as_sent(again) == as_sent(first)
    assert await found(client, key) == 7


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
async def test_another_request_with_the_same_key_is_refused(
    client: Client, other: Call
) -> None:
    key, header = unique("key"), retry()
    first = await put(key).by(client, header)
    refused = await other(key).by(client, header)
    assert_problem(refused, 409, "idempotency_conflict")
    assert await revision(client) == first.revision
    assert (await found(client, key), await found(client, f"{key}-other")) == (1, None)
    # nor has what is kept changed
    assert as_sent(await put(key).by(client, header)) == as_sent(first)
    # the control: by itself it is as good as any
    assert (await other(key).by(client, retry())).status in (200, 204)


async def test_a_precondition_of_the_other_kind_is_another_request(
    client: Client,
) -> None:
    key, header = await key_set_to(client, 0), retry()
    first = put(key, ("If-None-Match", '"x"'))
    assert (await first.by(client, header)).status == 204
    second = put(key, ("If-Match", '"x"'))
    assert_problem(await second.by(client, header), 409, "idempotency_conflict")


async def test_equal_keys_of_two_accounts_are_apart(
    service: Client, client: Client
) -> None:
    other = await Client(service.session, service.url).enter()
    key, header = unique("counter"), retry()
    for account in (client, other, client, other):
        assert (await increment(key).by(account, header)).status == 200
    assert await found(client, key) == 2


async def test_keys_that_look_alike_are_different_keys(client: Client) -> None:
    key, name = unique("counter"), unique("retry")
    tails = ["", "x", "X", '"', "0", "%00"]
    for tail in tails:
        assert (await increment(key).by(client, retry(name + tail))).status == 200
    assert await found(client, key) == len(tails)


@retry_or_not
@every_call
async def test_one_of_many_concurrent_retries_is_applied(
    client: Client, call: Call, safe: bool
) -> None:
    key, headers = await key_set_to(client, 0), [retry()] if safe else []
    before = await revision(client)
    calls = (call(key).by(client, *headers) for _ in range(AT_ONCE))
    replies = [as_sent(reply) for reply in await asyncio.gather(*calls)]
    steps = await revision(client) - before
    assert all(reply == replies[0] for reply in replies) is safe
    if safe:
        assert replies[0][2]["KV-Revision"] == str(before + 1)
        assert steps == 1


async def test_one_of_different_concurrent_requests_is_applied(client: Client) -> None:
    key, header = unique("key"), retry()
    calls = (write(key, number).by(client, header) for number in range(AT_ONCE))
    statuses = [reply.status for reply in await asyncio.gather(*calls)]
    assert Counter(statuses) == {200: 1, 409: AT_ONCE - 1}
    assert await found(client, key) == statuses.index(200)


# What is refused is not kept


@pytest.mark.parametrize(
    "call",
    [
        lambda key: write(key, **{"if": {key: None}}),
        lambda key: put(key, ("If-None-Match", "*")),
    ],
    ids=["write", "put"],
)
async def test_a_condition_that_failed_may_hold_the_next_time(
    client: Client, call: Call
) -> None:
    key, header = await key_set_to(client, 0), retry()
    for _ in range(2):
        refused = await call(key).by(client, header)
        assert_problem(refused, 412, "condition_failed")
    assert (await delete_one(key).by(client)).status == 204
    applied = await call(key).by(client, header)
    assert applied.status in (200, 204)
    assert as_sent(await call(key).by(client, header)) == as_sent(applied)


async def test_what_was_no_counter_may_become_one(client: Client) -> None:
    key, header = await key_set_to(client, "text"), retry()
    refused = await increment(key).by(client, header)
    assert_problem(refused, 409, "not_a_counter")
    await set_to(client, key, 1)
    for _ in range(2):
        assert (await increment(key).by(client, header)).json["data"] == {key: 2}


@pytest.mark.parametrize("bad", BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
async def test_a_bad_request_does_not_use_up_its_key(
    client: Client, bad: Write
) -> None:
    key, header = unique("key"), retry()
    assert (await bad.by(client, header)).status in (400, 405)
    assert (await increment(key).by(client, header)).json["data"] == {key: 1}


# The header


@pytest.mark.parametrize("name", GOOD_KEYS, ids=lambda name: name[:20])
async def test_a_key_is_any_visible_ascii(client: Client, name: str) -> None:
    key = unique("counter")
    for _ in range(2):
        reply = await increment(key).by(client, retry(name))
        assert reply.json["data"] == {key: 1}


@pytest.mark.parametrize("name", BAD_KEYS, ids=lambda name: ascii(name[:20]))
@every_call
async def test_what_is_no_idempotency_key_is_refused(
    client: Client, call: Call, name: str
) -> None:
    key = await key_set_to(client, 0)
    refused = await call(key).by(client, retry(name))
    assert HEADER in assert_problem(refused, 400, "invalid_request")
    assert await found(client, key) == 0


@pytest.mark.parametrize("second", ["a", "b", ""])
@every_call
async def test_two_idempotency_keys_are_refused(
    client: Client, call: Call, second: str
) -> None:
    key = await key_set_to(client, 0)
    refused = await call(key).by(client, retry("a"), retry(second))
    assert HEADER in assert_problem(refused, 400, "invalid_request")
    assert await found(client, key) == 0


# A restart


async def test_idempotency_records_survive_a_kill(
    tarantools: Tarantools, serve: Serve
) -> None:
    with tarantools.running() as own:
        async with serve(own) as client:
            await client.enter()
            await client.write(dict.fromkeys(CALLS, 0))

            async def called() -> list[tuple[int, str, dict[str, str]]]:
                return [
                    as_sent(await call(name).by(client, retry(name)))
                    for name, (call, _) in CALLS.items()
                ]

            first = await called()
            await asyncio.to_thread(own.kill)
            await asyncio.to_thread(own.start)
            await wait_until_ready(client, 30)
            assert await called() == first
            for name, (_, left) in CALLS.items():
                assert await found(client, name) == left
