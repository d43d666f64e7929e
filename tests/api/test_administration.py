"""Administrators: what they may do to accounts, who they are, and the last one."""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import pytest

from service import __version__
from service.app import Tuning
from service.auth.passwords import THREADS
from tests.support.access_tokens import program_of
from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, account_of, unique
from tests.support.console import admin, listed_account, lua, make_administrator
from tests.support.machine import wait_until
from tests.support.service import Serve
from tests.support.sse import following
from tests.support.tarantool import (
    START_TIMEOUT,
    Tarantool,
    Tarantools,
    evaluated,
)

ACCOUNTS = "/api/admin/accounts"
STATUS = "/api/admin/status"
EVERYTHING = [{"prefix": "", "rights": "rw"}]

#: Makes the write-ahead log slow: a change is in memory for a second before it is on
#: disk.
SLOW_COMMITS = """
(function()
    local atomic = box.atomic
    commits_on_disk = 0
    box.atomic = function(...)
        local result = atomic(...)
        require('fiber').sleep(1)
        commits_on_disk = commits_on_disk + 1
        return result
    end
    return true
end)()
"""

#: A hash at this cost takes some 60 ms: a full queue stays full for a while.
SLOW_ROUNDS = "10"

NAME_OF = "function(user) return user.username end"

#: Slows the rule about the last administrator down, between its check and the change.
YIELDING_RULE = """
(function()
    local accounts = require('kv.accounts.accounts')
    local has_other = accounts.has_other_administrator
    accounts.has_other_administrator = function(username)
        local found = has_other(username)
        require('fiber').sleep(0.05)
        return found
    end
    return true
end)()
"""


def path_of(username: str, path: str = "/api/admin/account") -> str:
    return f"{path}?username={quote(username, safe='')}"


def create(client: Client, username: str, **members: Any) -> Awaitable[Reply]:
    body = {"username": username, "password": "password"} | members
    return client.post(ACCOUNTS, body)


def show(client: Client, username: str) -> Awaitable[Reply]:
    return client.request("GET", path_of(username))


def change(client: Client, username: str, **members: Any) -> Awaitable[Reply]:
    return client.request("PATCH", path_of(username), members)


def delete(client: Client, username: str) -> Awaitable[Reply]:
    return client.request("DELETE", path_of(username))


def end_tokens(client: Client, username: str, body: Any = None) -> Awaitable[Reply]:
    return client.post(path_of(username, "/api/admin/end-tokens"), body)


Call = Callable[[Client, str], Awaitable[Reply]]

CALLS: dict[str, Call] = {
    "list": lambda client, _: client.request("GET", ACCOUNTS),
    "create": lambda client, _: create(client, unique("new")),
    "show": show,
    "disable": lambda client, name: change(client, name, disabled=True),
    "grants": lambda client, name: change(client, name, grants=[]),
    "promote": lambda client, name: change(client, name, administrator=True),
    "password": lambda client, name: change(client, name, password="another"),
    "nothing": change,
    "delete": delete,
    "end-tokens": end_tokens,
    "status": lambda client, _: client.request("GET", STATUS),
}

#: What would take the last administrator away.
REMOVALS: dict[str, Call] = {
    "demote": lambda client, name: change(client, name, administrator=False),
    "disable": lambda client, name: change(client, name, disabled=True),
    "both": lambda client, name: change(
        client, name, administrator=True, disabled=True
    ),
    "delete": delete,
    "leave": lambda client, _: client.request(
        "DELETE", "/api/me", {"password": "password"}
    ),
}


async def new_account(client: Client) -> Client:
    """Another client with an account of its own, at the same service."""
    return await Client(client.session, client.url).enter()


@pytest.fixture
async def boss(visitor: Client, tarantool: Tarantool) -> Client:
    """An administrator."""
    boss = await new_account(visitor)
    await asyncio.to_thread(make_administrator, tarantool, account_of(boss))
    return boss


@pytest.fixture(scope="module")
async def own(serve: Serve, tarantools: Tarantools) -> AsyncIterator[Client]:
    """A service whose store has no administrator."""
    with tarantools.running() as tarantool:
        async with serve(tarantool) as client:
            yield client


@pytest.fixture
async def alone(
    serve: Serve, tarantools: Tarantools
) -> AsyncIterator[tuple[Client, Tarantool]]:
    """The only administrator of a store of its own."""
    with tarantools.running() as tarantool:
        async with serve(tarantool) as client:
            await client.enter()
            name = account_of(client)
            await asyncio.to_thread(make_administrator, tarantool, name)
            yield client, tarantool


# Authorization


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_only_an_administrator_may(
    client: Client, boss: Client, tarantool: Tarantool, call: Call
) -> None:
    name = account_of(await new_account(boss))
    before = row_of(tarantool, name)
    assert_problem(await call(client, name), 403, "not_an_administrator")
    stranger = Client(client.session, client.url)
    assert_problem(await call(stranger, name), 403, "token_missing")
    assert row_of(tarantool, name) == before
    assert (await call(boss, name)).status == 200  # the control


def row_of(tarantool: Tarantool, username: str) -> Any:
    return evaluated(tarantool, f"box.space.users:get({lua(username)})")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_what_a_refusal_says_reveals_no_account(
    client: Client, boss: Client, call: Call
) -> None:
    known, unknown = account_of(boss), unique("nobody")
    replies = [await call(client, name) for name in (known, unknown)]
    assert {reply.text_without_id for reply in replies} == {replies[0].text_without_id}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_demoted_administrator_is_refused_at_the_next_call_on_every_worker(
    boss: Client, tarantool: Tarantool, serve: Serve, call: Call
) -> None:
    victim = account_of(await new_account(boss))
    demoted = await new_account(boss)
    name = account_of(demoted)
    await change(boss, name, administrator=True)
    async with serve(tarantool) as other:
        other.token = demoted.token
        assert (await show(other, victim)).status == 200
        reply = await change(boss, name, administrator=False)
        assert reply.json["administrator"] is False
        for worker in demoted, other:
            assert_problem(await call(worker, victim), 403, "not_an_administrator")
    assert (await demoted.read(["k"])).status == 200  # its token is still good


async def test_a_demotion_and_a_call_at_the_same_time_are_in_some_order(
    boss: Client,
) -> None:
    rival = await new_account(boss)
    one, other = account_of(boss), account_of(rival)
    assert (await change(boss, other, administrator=True)).status == 200
    for _ in range(10):
        replies = await asyncio.gather(
            change(boss, other, administrator=False),
            change(rival, one, administrator=False),
        )
        statuses = sorted(reply.status for reply in replies)
        assert statuses == [200, 403]
        winner = boss if replies[0].status == 200 else rival
        name = other if winner is boss else one
        assert (await change(winner, name, administrator=True)).status == 200


# The accounts


async def test_an_account_is_created_as_it_is_described(boss: Client) -> None:
    name = unique("created")
    grants = [{"prefix": "a/", "rights": "rw"}, {"prefix": "b", "rights": "r"}]
    reply = await create(boss, name, grants=grants, administrator=True)
    assert reply.status == 200
    created = reply.json
    assert isinstance(created.pop("created_at"), int)
    assert created == {
        "username": name,
        "disabled": False,
        "administrator": True,
        "grants": grants,
    }
    assert (await show(boss, name)).text == reply.text
    newcomer = Client(boss.session, boss.url)
    assert (await newcomer.login(name, "password")).status == 200
    assert (await newcomer.write({"a/1": 1})).status == 200
    assert_problem(await newcomer.write({"c": 1}), 403, "forbidden")
    assert (await show(newcomer, name)).status == 200


async def test_an_account_without_grants_gets_the_default(
    serve: Serve, tarantools: Tarantools
) -> None:
    grants = [{"prefix": "public/", "rights": "r"}]
    with tarantools.running(KV_DEFAULT_GRANTS=json.dumps(grants)) as tarantool:
        async with serve(tarantool) as client:
            await client.enter()
            make_administrator(tarantool, account_of(client))
            assert (await create(client, "dave")).json["grants"] == grants
            assert (await create(client, "erin", grants=[])).json["grants"] == []
            assert (await client.write({"k": 1})).status == 403


async def test_accounts_are_created_while_registration_is_closed(
    boss: Client, tarantool: Tarantool, serve: Serve
) -> None:
    name = unique("created")
    async with serve(tarantool, KV_REGISTRATION="closed") as closed:
        closed.token = boss.token
        refused = await closed.register(name, "password")
        assert_problem(refused, 403, "registration_closed")
        assert (await create(closed, name)).status == 200
        assert (await closed.login(name, "password")).status == 200


async def test_a_name_that_is_taken(boss: Client) -> None:
    name = account_of(boss)
    assert_problem(await create(boss, name), 409, "user_exists")
    fresh = unique("fresh")
    replies = await asyncio.gather(*(create(boss, fresh) for _ in range(5)))
    assert sorted(reply.status for reply in replies) == [200] + [409] * 4


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"username": ""}, "credentials_required"),
        ({"password": ""}, "credentials_required"),
        ({"password": "x" * 1025}, "invalid_request"),
        ({"username": "x" * 65}, "invalid_request"),
        ({"username": " a"}, "invalid_request"),
        ({"username": "a\tb"}, "invalid_request"),
        ({"administrator": 1}, "invalid_request"),
        ({"disabled": True}, "invalid_request"),
    ],
)
async def test_a_new_account_has_the_limits_of_a_registration(
    boss: Client, members: dict[str, Any], code: str
) -> None:
    reply = await create(boss, **({"username": unique("new")} | members))
    assert_problem(reply, 400, code)


async def test_a_name_is_one_account_however_it_is_typed(boss: Client) -> None:
    name = unique("zo")
    assert (await create(boss, name + "e\u0301")).json["username"] == name + "\u00e9"
    for form in name + "e\u0301", name + "\u00e9":
        assert (await show(boss, form)).json["username"] == name + "\u00e9"
    page = await accounts(boss, prefix=name + "e\u0301")
    assert [account["username"] for account in page["accounts"]] == [name + "\u00e9"]


@pytest.mark.parametrize("name", [".", "..", "a/b", "a&b=c", "a b", "%2f", "é😀"])
async def test_any_name_can_be_administered(boss: Client, name: str) -> None:
    name = unique(name) if len(name) > 2 else name
    assert (await create(boss, name)).status == 200
    assert (await change(boss, name, disabled=True)).json["username"] == name
    assert (await end_tokens(boss, name)).status == 200
    assert (await delete(boss, name)).text == '{"status":"success"}'
    detail = assert_problem(await show(boss, name), 404, "not_found")
    assert repr(name) in detail


@pytest.mark.parametrize("call", [show, change, delete, end_tokens])
async def test_an_account_that_is_not_there(boss: Client, call: Call) -> None:
    assert_problem(await call(boss, unique("nobody")), 404, "not_found")
    assert_problem(await call(boss, ""), 404, "not_found")
    assert_problem(await call(boss, "x" * 65), 400, "invalid_request")


async def test_the_account_has_to_be_named_once(boss: Client) -> None:
    for query in "", "?user=a", "?username=a&username=b", "?username=a&x=1":
        reply = await boss.request("GET", f"/api/admin/account{query}")
        assert_problem(reply, 400, "invalid_request")


# Lists


async def accounts(client: Client, **query: Any) -> Any:
    reply = await client.request("GET", f"{ACCOUNTS}?{urlencode(query)}")
    assert reply.status == 200, reply.text
    return reply.json


async def test_accounts_are_listed_page_by_page(boss: Client) -> None:
    prefix = unique("list")
    names = sorted(f"{prefix}-{end}" for end in ("a", "b", "b0", "c", "é"))
    for name in names:
        assert (await create(boss, name)).status == 200
    await change(boss, names[1], disabled=True, grants=[])
    whole = await accounts(boss, prefix=prefix)
    assert [account["username"] for account in whole["accounts"]] == names
    assert whole["next"] is None
    second = whole["accounts"][1]
    assert isinstance(second.pop("created_at"), int)
    assert second == {
        "username": names[1],
        "disabled": True,
        "administrator": False,
        "grants": [],
    }
    seen, query = [], {"prefix": prefix, "limit": 2}
    while True:
        page = await accounts(boss, **query)
        seen.append([account["username"] for account in page["accounts"]])
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert seen == [names[:2], names[2:4], names[4:]]
    assert await accounts(boss, prefix=prefix, after=names[-1]) == {
        "accounts": [],
        "next": None,
    }
    assert await accounts(boss, prefix=prefix, after="") == await accounts(
        boss, prefix=prefix, limit=5
    )
    assert len((await accounts(boss, prefix=prefix, after="!", limit=1))["accounts"])


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "x=1", "prefix=%ff", "after=a&after=b"],
)
async def test_a_bad_list(boss: Client, query: str) -> None:
    reply = await boss.request("GET", f"{ACCOUNTS}?{query}")
    assert_problem(reply, 400, "invalid_request")


async def test_a_list_of_very_many_grants_has_several_pages(boss: Client) -> None:
    prefix = unique("large")
    grants = [{"prefix": f"{i:0>1000}", "rights": "r"} for i in range(100)]
    for i in range(12):
        reply = await create(boss, f"{prefix}-{i:02}", grants=grants)
        assert reply.status == 200
    seen: list[Any] = []
    after = ""
    while after is not None:
        page = await accounts(boss, prefix=prefix, after=after, limit=1000)
        assert 0 < len(page["accounts"]) < 12
        seen += page["accounts"]
        after = page["next"]
    assert [account["username"] for account in seen] == [
        f"{prefix}-{i:02}" for i in range(12)
    ]
    assert all(account["grants"] == grants for account in seen)


# Changes


async def test_all_changes_are_made_or_none(boss: Client, tarantool: Tarantool) -> None:
    user = await new_account(boss)
    name = account_of(user)
    grants = [{"prefix": "x", "rights": "w"}]
    all_of_them = {
        "disabled": False,
        "grants": grants,
        "administrator": True,
        "password": "another",
    }
    reply = await change(boss, name, **all_of_them)
    assert (reply.status, reply.json["administrator"]) == (200, True)
    assert reply.json["grants"] == grants
    assert_problem(await user.read(["x"]), 403, "token_revoked")
    assert (await user.login(name, "password")).status == 401
    assert (await user.login(name, "another")).status == 200
    before = row_of(tarantool, name)
    for bad in (
        {"disabled": None},
        {"grants": None},
        {"administrator": "yes"},
        {"password": ""},
        {"password": "x" * 1025},
        {"grants": [{"prefix": "x", "rights": "x"}]},
        {"unknown": 1},
    ):
        reply = await change(boss, name, **({"disabled": True, "grants": []} | bad))
        assert_problem(reply, 400, "invalid_request")
    assert row_of(tarantool, name) == before


async def test_a_change_of_nothing_changes_nothing(
    boss: Client, tarantool: Tarantool
) -> None:
    name = account_of(await new_account(boss))
    before = row_of(tarantool, name)
    assert (await change(boss, name)).text == (await show(boss, name)).text
    assert row_of(tarantool, name) == before


BAD_GRANTS = {
    "no-list": ({}, "/grants: "),
    "no-object": (["a"], "/grants/0: "),
    "no-prefix": ([{"rights": "r"}], "/grants/0: "),
    "no-rights": ([*EVERYTHING, {"prefix": "a"}], "/grants/1: "),
    "other-rights": (
        [*EVERYTHING, {"prefix": "", "rights": "wr"}],
        "/grants/1/rights: ",
    ),
    "number": ([{"prefix": 1, "rights": "r"}], "/grants/0/prefix: "),
    "unknown-member": ([{"prefix": "", "rights": "r", "x": 1}], "/grants/0: "),
    "too-many": (EVERYTHING * 101, "/grants has 101 grants, the limit is 100"),
}


@pytest.mark.parametrize(("grants", "where"), BAD_GRANTS.values(), ids=BAD_GRANTS)
async def test_bad_grants_are_refused_with_their_place(
    boss: Client, grants: Any, where: str
) -> None:
    name = account_of(await new_account(boss))
    for reply in (
        await change(boss, name, grants=grants),
        await create(boss, unique("new"), grants=grants),
    ):
        detail = assert_problem(reply, 400, "invalid_request")
        assert detail.startswith(where)
    assert (await show(boss, name)).json["grants"] == EVERYTHING


async def test_a_prefix_is_as_long_as_a_key_at_most(boss: Client) -> None:
    name = account_of(await new_account(boss))
    longest = [{"prefix": "é" * 512, "rights": "r"}]
    assert (await change(boss, name, grants=longest)).json["grants"] == longest
    longer = [*longest, {"prefix": "é" * 512 + "x", "rights": "r"}]
    detail = assert_problem(await change(boss, name, grants=longer), 400, "invalid_key")
    assert detail.startswith("/grants/1/prefix ")
    assert "is 1025 bytes long, the limit is 1024" in detail


async def test_the_storage_checks_grants_too(
    boss: Client, tarantool: Tarantool
) -> None:
    name = account_of(boss)
    caller = f"{{{lua(name)}, {row_of(tarantool, name)[2]}}}"
    given = "{grants = {{prefix = '', rights = 'x'}}}"
    call = f"pcall(kv.v1.change_account, {caller}, {lua(name)}, {given})"
    refusal = f"(function() local _, e = {call} return {{e.type, e.message}} end)()"
    kind, message = evaluated(tarantool, refusal)
    assert kind == "kv.InvalidGrants"
    assert message == "/grants: grant 1: rights are r, w or rw"


async def test_grants_apply_from_the_next_call_and_to_open_streams(
    boss: Client,
) -> None:
    user, area = await new_account(boss), unique("area")
    name, a, b = account_of(user), f"{area}a", f"{area}b"

    async def grant(prefix: str) -> None:
        grants = [{"prefix": prefix, "rights": "r"}]
        assert (await change(boss, name, grants=grants)).status == 200

    await grant(a)
    assert_problem(await user.read([b]), 403, "forbidden")
    async with following(user) as stream:
        await stream.start()
        await boss.write({a: 1, b: 1})
        assert json.loads((await stream.next()).data)["data"] == {a: 1}
        await grant(b)
        assert (await user.read([b])).status == 200
        assert_problem(await user.read([a]), 403, "forbidden")
        await boss.write({a: 2, b: 2})
        assert json.loads((await stream.next()).data)["data"] == {b: 2}


ENDS: dict[str, Call] = {
    "disable": lambda boss, name: change(boss, name, disabled=True),
    "password": lambda boss, name: change(boss, name, password="password"),
    "end-tokens": end_tokens,
    "delete": delete,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_tokens_and_open_streams_end(boss: Client, end: Call) -> None:
    user = await new_account(boss)
    async with following(user) as stream:
        await stream.start()
        assert (await end(boss, account_of(user))).status == 200
        event = await stream.next()
    assert (event.kind, event.json["code"]) == ("end", "token_revoked")
    assert_problem(await user.read(["k"]), 403, "token_revoked")


async def test_a_disabled_account_logs_in_when_it_is_enabled(boss: Client) -> None:
    user = await new_account(boss)
    name = account_of(user)
    await change(boss, name, disabled=True)
    assert (await user.login(name, "password")).status == 401
    assert (await change(boss, name, disabled=False)).json["disabled"] is False
    assert_problem(await user.read(["k"]), 403, "token_revoked")
    assert (await user.login(name, "password")).status == 200


async def test_other_changes_leave_tokens_alone(boss: Client) -> None:
    user = await new_account(boss)
    name = account_of(user)
    for members in (
        {"administrator": True},
        {"grants": EVERYTHING},
        {"disabled": False},
        {"administrator": False},
        {},
    ):
        assert (await change(boss, name, **members)).status == 200
        assert (await user.read(["k"])).status == 200


async def test_an_administrator_changes_its_own_password(boss: Client) -> None:
    name = account_of(boss)
    assert (await change(boss, name, password="another")).status == 200
    assert_problem(await show(boss, name), 403, "token_revoked")
    assert (await boss.login(name, "another")).status == 200
    assert (await show(boss, name)).status == 200


async def test_the_keys_of_a_deleted_account_stay(boss: Client) -> None:
    user, key = await new_account(boss), unique("key")
    await user.write({key: 1})
    assert (await delete(boss, account_of(user))).status == 200
    assert (await boss.read([key])).json["data"] == {key: 1}
    reply = await boss.request("DELETE", path_of("x"), {"password": "x"})
    assert_problem(reply, 400, "invalid_request")


async def test_the_body_of_end_tokens_is_optional(boss: Client) -> None:
    name = account_of(await new_account(boss))
    for body in None, {}, {"keep_access_tokens": True}, {"keep_access_tokens": False}:
        assert (await end_tokens(boss, name, body)).text == '{"status":"success"}'
    bodies: list[Any] = [[], {"keep_access_tokens": 1}, {"keep": True}]
    for bad in bodies:
        reply = await end_tokens(boss, name, bad)
        assert_problem(reply, 400, "invalid_request")


async def test_a_full_password_queue_refuses_before_anything_is_changed(
    boss: Client, tarantool: Tarantool, serve: Serve
) -> None:
    name = account_of(await new_account(boss))
    ordinary = await new_account(boss)
    before = row_of(tarantool, name)
    waiting = 16 * THREADS
    tuning = Tuning(max_waiting=waiting)
    async with (
        serve(tarantool, tuning=tuning, KV_BCRYPT_ROUNDS=SLOW_ROUNDS) as client,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        crowd = Client(session, client.url)
        logins = [
            asyncio.create_task(crowd.login(unique("nobody"), "password"))
            for _ in range(2 * waiting)
        ]
        # those that the queue has no entry for are refused
        await asyncio.wait(logins, return_when=asyncio.FIRST_COMPLETED)
        client.token = ordinary.token
        reply = await change(client, name, password="another")
        assert_problem(reply, 403, "not_an_administrator")
        client.token = boss.token
        for reply in (
            await change(client, name, password="another", disabled=True),
            await create(client, unique("new")),
        ):
            assert_problem(reply, 503, "overloaded")
            assert reply.json["applied"] == "no"
        assert (await change(client, name, disabled=False)).status == 200  # needs none
        await asyncio.gather(*logins)
    assert row_of(tarantool, name) == before


# Access tokens


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_an_access_token_of_an_administrator_may_not(
    boss: Client, tarantool: Tarantool, call: Call
) -> None:
    name = account_of(await new_account(boss))
    program = await program_of(boss)
    before = row_of(tarantool, name)
    assert_problem(await call(program, name), 403, "forbidden")
    assert row_of(tarantool, name) == before
    assert (await program.read(["k"])).status == 200  # the control
    assert "administrator" not in (await program.request("GET", "/api/me")).json


async def test_the_storage_refuses_an_access_token_too(
    boss: Client, tarantool: Tarantool
) -> None:
    token = str((await program_of(boss)).token)
    caller = f"{{'', '{hashlib.sha256(token.encode()).hexdigest()}'}}"
    for procedure in (
        f"list_accounts, {caller}, '', nil, 10, 1000",
        f"show_account, {caller}, 'x'",
        f"create_account, {caller}, 'x', 'hash'",
        f"change_account, {caller}, 'x', {{}}",
        f"delete_account, {caller}, 'x'",
        f"end_account_tokens, {caller}, 'x'",
        f"statistics, {caller}",
    ):
        call = f"pcall(kv.v1.{procedure})"
        kind = evaluated(
            tarantool, f"(function() local _, e = {call} return e.type end)()"
        )
        assert kind == "kv.SessionRequired"


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("end", ["disable", "password", "end-tokens"])
async def test_access_tokens_end_unless_they_are_kept(
    boss: Client, end: str, *, keep: bool
) -> None:
    user = await new_account(boss)
    name, program = account_of(user), await program_of(user)
    kept = {"keep_access_tokens": keep}
    if end == "end-tokens":
        reply = await end_tokens(boss, name, kept)
    elif end == "password":
        reply = await change(boss, name, password="another", **kept)
    else:
        reply = await change(boss, name, disabled=True, **kept)
        assert_problem(await program.read(["k"]), 403, "token_revoked")
        await change(boss, name, disabled=False)
    assert reply.status == 200
    assert_problem(await user.read(["k"]), 403, "token_revoked")
    reply = await program.read(["k"])
    if keep:
        assert reply.status == 200
    else:
        assert_problem(reply, 403, "token_revoked")


async def test_other_changes_leave_access_tokens_alone(boss: Client) -> None:
    user = await new_account(boss)
    name, program = account_of(user), await program_of(user)
    for members in {"grants": EVERYTHING}, {"administrator": True}:
        assert (await change(boss, name, **members)).status == 200
        assert (await program.read(["k"])).status == 200
    await change(boss, name, grants=[])
    assert_problem(await program.read(["k"]), 403, "forbidden")
    await delete(boss, name)
    assert_problem(await program.read(["k"]), 403, "token_revoked")


# The last administrator


@pytest.mark.parametrize("removal", REMOVALS.values(), ids=REMOVALS)
async def test_the_last_enabled_administrator_remains(
    alone: tuple[Client, Tarantool], removal: Call
) -> None:
    boss, tarantool = alone
    name = account_of(boss)
    other = account_of(await new_account(boss))
    await change(boss, other, administrator=True)
    await change(boss, other, disabled=True)  # one that does not count
    before = row_of(tarantool, name)
    detail = assert_problem(await removal(boss, name), 409, "last_administrator")
    assert detail == "The account is the last enabled administrator"
    assert row_of(tarantool, name) == before
    assert (await show(boss, name)).status == 200
    # the control: with another one it is no problem
    await change(boss, other, disabled=False)
    assert (await removal(boss, name)).status == 200


async def test_a_refused_change_changes_nothing_else(
    alone: tuple[Client, Tarantool],
) -> None:
    boss, tarantool = alone
    name = account_of(boss)
    before = row_of(tarantool, name)
    reply = await change(boss, name, administrator=False, grants=[], password="another")
    assert_problem(reply, 409, "last_administrator")
    assert row_of(tarantool, name) == before


async def test_the_last_administrator_may_change_otherwise(
    alone: tuple[Client, Tarantool],
) -> None:
    boss, _ = alone
    name = account_of(boss)
    changes: list[Any] = [{"grants": []}, {"administrator": True}, {"disabled": False}]
    for members in changes:
        assert (await change(boss, name, **members)).status == 200
    assert (await end_tokens(boss, name)).status == 200


async def race(boss: Client, tarantool: Tarantool) -> list[Reply]:
    """Two administrators, the last ones, are demoted at the same time."""
    rival = await new_account(boss)
    one, other = account_of(boss), account_of(rival)
    assert (await change(boss, other, administrator=True)).status == 200
    # each demotes itself: the right to do so is still there
    return list(
        await asyncio.gather(
            change(boss, one, administrator=False),
            change(rival, other, administrator=False),
        )
    )


def administrators(tarantool: Tarantool) -> list[str]:
    found = "box.space.users.index.administrator:pairs({true})"
    return list(evaluated(tarantool, f"{found}:map({NAME_OF}):totable()"))


async def test_one_of_two_concurrent_demotions_fails(
    alone: tuple[Client, Tarantool],
) -> None:
    boss, tarantool = alone
    for _ in range(10):
        replies = await race(boss, tarantool)
        assert sorted(reply.status for reply in replies) == [200, 409]
        (refused,) = [reply for reply in replies if reply.status == 409]
        assert_problem(refused, 409, "last_administrator")
        (left,) = administrators(tarantool)
        if left != account_of(boss):
            make_administrator(tarantool, account_of(boss))
            assert (await change(boss, left, administrator=False)).status == 200


async def test_a_rule_that_yields_lets_both_demotions_pass(
    alone: tuple[Client, Tarantool],
) -> None:
    """The control of the test above."""
    boss, tarantool = alone
    assert evaluated(tarantool, YIELDING_RULE) is True
    replies = await race(boss, tarantool)
    assert [reply.status for reply in replies] == [200, 200]
    assert administrators(tarantool) == []


@pytest.mark.parametrize(
    ("decide", "code"),
    [
        # the caller is demoted
        (lambda boss, rival: change(rival, account_of(boss)), "not_an_administrator"),
        # the other administrator is demoted
        (
            lambda boss, _: change(boss, account_of(boss), disabled=True),
            "last_administrator",
        ),
        # the account is demoted
        (lambda boss, rival: show(boss, account_of(rival)), None),
    ],
    ids=["caller", "last", "account"],
)
async def test_nothing_is_decided_by_a_change_that_is_not_on_disk_yet(
    alone: tuple[Client, Tarantool],
    decide: Callable[[Client, Client], Awaitable[Reply]],
    code: str | None,
) -> None:
    boss, tarantool = alone
    rival = await new_account(boss)
    name = account_of(rival)
    assert (await change(boss, name, administrator=True)).status == 200
    assert evaluated(tarantool, SLOW_COMMITS) is True
    demotion = asyncio.ensure_future(change(boss, name, administrator=False))
    in_memory = f"not box.space.users:get({lua(name)}).administrator"
    await asyncio.to_thread(
        wait_until, lambda: evaluated(tarantool, in_memory), START_TIMEOUT
    )
    assert not demotion.done()
    reply = await decide(boss, rival)
    assert evaluated(tarantool, "commits_on_disk") == 1
    assert (await demotion).status == 200
    if code is not None:
        assert reply.json["code"] == code
    else:
        assert reply.json["administrator"] is False


async def test_where_there_is_none_nothing_is_blocked(own: Client) -> None:
    user = await new_account(own)
    assert_problem(await show(user, account_of(user)), 403, "not_an_administrator")
    assert (await REMOVALS["leave"](user, "")).status == 200


# The state


async def test_the_status_shows_the_state(alone: tuple[Client, Tarantool]) -> None:
    boss, tarantool = alone
    await boss.write({"a": 1, "b": 2})
    await boss.write({"c": 3}, ttl=100)
    shown = (await boss.request("GET", STATUS)).json
    assert shown["version"] == __version__
    assert shown["tarantool"]["version"] == evaluated(tarantool, "box.info.version")
    assert 0 <= shown["tarantool"]["uptime"] < 600
    numbers = {name: shown[name] for name in ("keys", "expiring", "accounts")}
    assert numbers == {"keys": 3, "expiring": 1, "accounts": 1}
    assert shown["revision"] == 2
    changes = shown["changes"]
    assert (changes["enabled"], changes["writes"], changes["oldest"]) == (True, 2, 0)
    assert 0 < changes["bytes"] < changes["limit"]
    assert shown["idempotency"] == {"records": 0, "bytes": 0}
    memory = shown["memory"]
    assert 0 < memory["used"] <= memory["allocated"] <= memory["limit"]
    assert (shown["wal"]["mode"], shown["wal"]["files"]) == ("fsync", 1)
    assert shown["wal"]["bytes"] > 0
    assert shown["snapshots"]["files"] == 1
    assert shown["snapshots"]["newest"] > 1_700_000_000
    assert shown["accepts_writes"] is True
    assert shown["nodes"] == []
    console = admin(tarantool, "statistics")
    assert re.search(r"^keys +3, 1 of them expire$", console, re.MULTILINE)
    reply = await boss.request("GET", STATUS + "?x=1")
    assert_problem(reply, 400, "invalid_request")


async def test_me_names_an_administrator(client: Client, boss: Client) -> None:
    assert (await boss.request("GET", "/api/me")).json["administrator"] is True
    shown = (await client.request("GET", "/api/me")).json
    assert set(shown) == {"username", "created_at", "grants"}


# The console


def test_the_console_makes_and_demotes_administrators(
    tarantool: Tarantool, password_hash: str
) -> None:
    name = unique("user")
    for other in name, unique("other"):
        admin(tarantool, "create_account", lua(other), lua(password_hash))
        shown = admin(tarantool, "make_administrator", lua(other))
        assert shown == f"account '{other}' is an administrator"
    assert state_of(tarantool, name) == "enabled, administrator"
    admin(tarantool, "disable_account", lua(name))
    assert state_of(tarantool, name) == "disabled, administrator"
    shown = admin(tarantool, "demote_administrator", lua(name))
    assert shown == f"account '{name}' is no administrator"
    assert state_of(tarantool, name) == "disabled"


@pytest.fixture(scope="module")
def password_hash() -> str:
    return "$2b$04$.tN/sriDW7/UJh1LMy6OQOoubgUpLPNcxf6iloOreiZ.ewFjWBPq2"


def state_of(tarantool: Tarantool, name: str) -> str:
    line = listed_account(tarantool, name)
    _, _, state, _ = re.split(r" {2,}", line, maxsplit=3)
    return state
