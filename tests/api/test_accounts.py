"""The life cycle of accounts and tokens, seen at once by every worker."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, account_of, unique
from tests.support.console import disable, end_tokens
from tests.support.service import Serve
from tests.support.tarantool import Tarantool

Call = Callable[[Client], Awaitable[Reply]]
End = Callable[[Client, Tarantool], Awaitable[Any]]

WITH_TOKEN: dict[str, Call] = {
    "write": lambda client: client.write({unique("key"): 1}),
    "read": lambda client: client.read(["k"]),
    "delete": lambda client: client.delete(["k"]),
    "list": lambda client: client.list_keys("k"),
    "increment": lambda client: client.increment({unique("key"): 1}),
    "get": lambda client: client.request("GET", "/api/keys/k"),
    "put": lambda client: client.request("PUT", f"/api/keys/{unique('key')}", 1),
    "delete-one": lambda client: client.request("DELETE", "/api/keys/k"),
    "changes": lambda client: client.request("GET", "/api/changes"),
    "refresh": lambda client: client.post("/api/refresh"),
    "logout": lambda client: client.post("/api/logout"),
    "password": lambda client: change(client, "password", "new"),
    "me": lambda client: client.request("GET", "/api/me"),
    "delete-me": lambda client: leave(client, "password"),
}

ENDS: dict[str, End] = {
    "logout": lambda client, _: client.post("/api/logout"),
    "password": lambda client, _: change(client, "password", "new password"),
    "deletion": lambda client, _: leave(client, "password"),
    "disabled": lambda client, tarantool: operator(disable, client, tarantool),
    "ended": lambda client, tarantool: operator(end_tokens, client, tarantool),
}


def change(client: Client, old: str, new: str) -> Awaitable[Reply]:
    return client.post("/api/password", {"password": old, "new_password": new})


def leave(client: Client, password: str) -> Awaitable[Reply]:
    return client.request("DELETE", "/api/me", {"password": password})


async def operator(
    action: Callable[[Tarantool, str], None], client: Client, tarantool: Tarantool
) -> None:
    await asyncio.to_thread(action, tarantool, account_of(client))


class Workers(NamedTuple):
    """Clients of two services on one Tarantool, with one account and one token."""

    one: Client
    other: Client


@pytest.fixture(scope="module")
async def second_service(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    async with serve(tarantool) as client:
        yield client


@pytest.fixture
async def workers(client: Client, second_service: Client) -> Workers:
    other = Client(client.session, second_service.url)
    other.token = client.token
    return Workers(client, other)


async def test_me_is_the_own_account(client: Client) -> None:
    reply = await client.request("GET", "/api/me")
    assert reply.status == 200
    shown = reply.json
    assert abs(shown.pop("created_at") - time.time()) < 60
    everything = [{"prefix": "", "rights": "rw"}]
    assert shown == {"username": account_of(client), "grants": everything}


async def test_a_refreshed_token_is_as_good_as_the_old_one(client: Client) -> None:
    old = client.token
    await asyncio.sleep(1.0)  # a token is as old as its whole second says
    reply = await client.post("/api/refresh")
    assert (reply.status, list(reply.json)) == (200, ["token"])
    assert reply.json["token"] != old
    for token in old, reply.json["token"]:
        client.token = token
        assert (await client.read(["k"])).status == 200


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("call", WITH_TOKEN.values(), ids=WITH_TOKEN)
async def test_an_ended_token_is_refused_at_the_next_call_on_every_worker(
    workers: Workers,
    tarantool: Tarantool,
    end: End,
    call: Call,
) -> None:
    assert (await workers.other.read(["k"])).status == 200
    await end(workers.one, tarantool)
    for worker in workers:
        assert_problem(await call(worker), 403, "token_revoked")


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_change_to_one_account_leaves_the_others_alone(
    client: Client,
    service: Client,
    tarantool: Tarantool,
    end: End,
) -> None:
    other = await Client(service.session, service.url).enter()
    await end(client, tarantool)
    for call in WITH_TOKEN.values():
        assert (await call(other)).status in (200, 204, 404)
        if (await other.read(["k"])).status == 403:  # by its own call
            await other.enter()


async def test_a_new_password_takes_the_place_of_the_old_one(client: Client) -> None:
    name, old = account_of(client), client.token
    reply = await change(client, "password", "new password")
    assert (reply.status, list(reply.json)) == (200, ["token"])
    assert_problem(await client.read(["k"]), 403, "token_revoked")
    client.token = reply.json["token"]
    assert client.token != old
    assert (await client.read(["k"])).status == 200
    reply = await client.login(name, "password")
    assert_problem(reply, 401, "invalid_credentials")
    assert (await client.login(name, "new password")).status == 200


@pytest.mark.parametrize("call", [lambda c: change(c, "wrong", "new"),
                                  lambda c: leave(c, "wrong")],
                         ids=["password", "deletion"])  # fmt: skip
async def test_a_token_alone_does_not_change_or_delete_the_account(
    client: Client, call: Call
) -> None:
    assert_problem(await call(client), 401, "invalid_credentials")
    assert (await client.read(["k"])).status == 200
    assert (await client.login(account_of(client), "password")).status == 200


async def test_one_of_two_concurrent_password_changes_succeeds(
    client: Client,
) -> None:
    replies = await asyncio.gather(
        *(change(client, "password", f"new {i}") for i in range(5))
    )
    assert sorted(reply.status for reply in replies)[:2] in ([200, 401], [200, 403])
    (made,) = (i for i, reply in enumerate(replies) if reply.status == 200)
    name = account_of(client)
    assert (await client.login(name, f"new {made}")).status == 200


async def test_a_deleted_account_cannot_log_in_and_its_keys_stay(
    client: Client, service: Client
) -> None:
    name, key = account_of(client), unique("key")
    await client.write({key: 1})
    reply = await leave(client, "password")
    assert (reply.status, reply.json) == (200, {"status": "success"})
    reply = await client.login(name, "password")
    assert_problem(reply, 401, "invalid_credentials")
    other = await Client(service.session, service.url).enter()
    assert (await other.read([key])).json["data"] == {key: 1}


async def test_an_account_of_the_same_name_is_another_one(client: Client) -> None:
    name, key, old = account_of(client), unique("counter"), client.token
    retry = {"Idempotency-Key": "the-first"}
    body = {"data": {key: 1}}
    await client.post("/api/increment", body, headers=retry)
    await leave(client, "password")
    client.token = None
    assert (await client.register(name, "password")).status == 200
    client.token = old
    assert_problem(await client.read(["k"]), 403, "token_revoked")
    await client.login(name, "password")
    # nor does it get the reply of the first one
    reply = await client.post("/api/increment", body, headers=retry)
    assert reply.status == 200, reply.text
    assert reply.json["data"] == {key: 2}


async def test_a_disabled_account_logs_in_like_a_wrong_password(
    client: Client, tarantool: Tarantool
) -> None:
    name = account_of(client)
    wrong = await client.login(name, "wrong")
    await operator(disable, client, tarantool)
    reply = await client.login(name, "password")
    assert_problem(reply, 401, "invalid_credentials")
    assert reply.text_without_id == wrong.text_without_id


async def test_closed_registration_leaves_existing_accounts_alone(
    client: Client, serve: Serve, tarantool: Tarantool
) -> None:
    async with serve(tarantool, KV_REGISTRATION="closed") as closed:
        reply = await closed.register(unique("user"), "password")
        assert_problem(reply, 403, "registration_closed")
        assert (await closed.login(account_of(client), "password")).status == 200
        assert (await closed.read(["k"])).status == 200


@pytest.mark.parametrize("path", ["/api/refresh", "/api/logout"])
async def test_a_call_without_members_takes_an_empty_object_and_no_other(
    client: Client, path: str
) -> None:
    assert_problem(await client.post(path, {"all": 1}), 400, "invalid_request")
    assert_problem(await client.post(path + "?all=1"), 400, "invalid_request")
    assert_problem(await client.post(path, "not JSON"), 400, "invalid_json")
    assert (await client.post(path, {})).status == 200


PASSWORD_BODIES = {
    "nothing": ({}, "credentials_required"),
    "old-alone": ({"password": "password"}, "credentials_required"),
    "new-alone": ({"new_password": "new"}, "credentials_required"),
    "empty": ({"password": "password", "new_password": ""}, "credentials_required"),
    "too-long": (
        {"password": "password", "new_password": "x" * 1025},
        "invalid_request",
    ),
    "number": ({"password": "password", "new_password": 1}, "invalid_request"),
    "unknown": (
        {"password": "password", "new_password": "n", "username": "u"},
        "invalid_request",
    ),
}


@pytest.mark.parametrize(
    ("body", "code"), PASSWORD_BODIES.values(), ids=PASSWORD_BODIES
)
async def test_a_bad_change_of_the_password_changes_nothing(
    client: Client, body: dict[str, Any], code: str
) -> None:
    assert_problem(await client.post("/api/password", body), 400, code)
    assert (await client.login(account_of(client), "password")).status == 200


# Streams


async def stream_end(client: Client, doing: Awaitable[Any]) -> str:
    """The rest of a stream that is open while `doing` runs."""
    headers = {
        "Authorization": f"Bearer {client.token}",
        "Accept": "text/event-stream",
    }
    async with client.session.get(
        f"{client.url}/api/changes", headers=headers
    ) as response:
        await response.content.readuntil(b"\n\n")  # a heartbeat: it is attached
        await doing
        async with asyncio.timeout(5):
            return (await response.content.read()).decode()


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_an_open_stream_ends_with_its_token(
    workers: Workers,
    tarantool: Tarantool,
    end: End,
) -> None:
    received = await stream_end(workers.other, end(workers.one, tarantool))
    assert "event: end" in received
    assert '"code":"token_revoked"' in received


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_long_poll_ends_with_its_token(
    workers: Workers,
    tarantool: Tarantool,
    end: End,
) -> None:
    path = f"/api/changes?wait=30&prefix={unique('none')}"
    poll = asyncio.create_task(workers.other.request("GET", path))
    await asyncio.sleep(0.3)
    await end(workers.one, tarantool)
    async with asyncio.timeout(5):
        assert_problem(await poll, 403, "token_revoked")
