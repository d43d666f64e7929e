"""Access tokens: what they are, what they may do, and what ends them."""

import asyncio
import gzip
import hashlib
import json
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.api.authentication import by_session
from service.api.routes import ROUTES, Route
from tests.support.access_tokens import (
    PASSWORD,
    created,
    creation,
    delete_token,
    program_of,
    tokens_of,
    using,
)
from tests.support.assertions import assert_problem
from tests.support.client import Client, account_of, unique
from tests.support.confidential import leaks_in
from tests.support.console import (
    admin,
    disable,
    end_tokens,
    lua,
    mistake,
    set_grants,
)
from tests.support.machine import wait_until
from tests.support.raw_http import http, talk
from tests.support.service import Serve, environ_for, service_process
from tests.support.sse import Stream, following, query
from tests.support.tarantool import Tarantool, Tarantools, evaluated

MINUTE = 60
HOUR = 3600

#: Routes that serve a session only: everything about accounts and tokens.
OF_SESSIONS = {
    "POST /api/refresh",
    "POST /api/logout",
    "POST /api/password",
    "DELETE /api/me",
    "GET /api/tokens",
    "POST /api/tokens",
    "DELETE /api/tokens/{id}",
    "GET /api/admin/accounts",
    "POST /api/admin/accounts",
    "GET /api/admin/account",
    "PATCH /api/admin/account",
    "DELETE /api/admin/account",
    "POST /api/admin/end-tokens",
    "GET /api/admin/status",
}

#: Routes that an access token has a right to, with the status of their examples.
OF_PROGRAMS = {
    "POST /api/write": 200,
    "POST /api/read": 200,
    "POST /api/delete": 200,
    "POST /api/list": 200,
    "POST /api/increment": 200,
    "GET /api/keys/{key}": 404,
    "PUT /api/keys/{key}": 204,
    "DELETE /api/keys/{key}": 404,
    "GET /api/changes": 200,
    "GET /api/history": 200,
    "GET /api/export": 200,
    "POST /api/import": 200,
    "POST /api/tickets": 200,
    "GET /api/me": 200,
}

#: What the examples of some routes lack: a query, a body.
QUERIES = {"/api/history": "?key=k", "/api/export": "?prefix=none"}
BODIES = {"/api/import": '{"key": "imported", "value": 1}\n'}

#: Routes that need a token.
WITH_CALLER = [route for route in ROUTES if route.authenticate is not None]

EVENTS = {"Accept": "text/event-stream"}

Revoke = Callable[[Client, Tarantool, int], Awaitable[object]]


def name(route: Route) -> str:
    return f"{route.method} {re.sub(r':.*}', '}', route.path)}"


def now() -> int:
    return int(time.time())


async def end_of(stream: Stream) -> str:
    """The code that a stream ends with."""
    end = (await stream.rest())[-1]
    assert end.kind == "end"
    return str(end.json["code"])


# What it is


async def test_a_token_is_shown_once(client: Client) -> None:
    begin = now()
    token = await created(client, "backup")
    assert token.keys() == {
        *("id", "token", "name", "grants", "created_at", "expires_at"),
    }
    assert re.fullmatch(r"kvt_[A-Za-z0-9_-]{43}", token["token"])
    assert (token["name"], token["grants"], token["expires_at"]) == (
        *("backup", None, None),
    )
    assert begin - 1 <= token["created_at"] <= now() + 1
    listed = await tokens_of(client)
    del token["token"]
    assert listed == [token | {"last_used_at": None}]


async def test_the_store_has_only_the_hash(
    client: Client, tarantool: Tarantool
) -> None:
    token = (await created(client))["token"]
    digest = hashlib.sha256(token.encode()).hexdigest()
    rows = f"box.space.access_tokens:select('{digest}')"
    assert len(evaluated(tarantool, rows)) == 1
    found = evaluated(
        tarantool,
        f"""
        (function()
            local found = {{}}
            for _, space in pairs(box.space) do
                for _, row in space:pairs() do
                    if tostring(row):find({lua(token[4:])}, 1, true) then
                        table.insert(found, space.name)
                    end
                end
            end
            return found
        end)()
        """,
    )
    assert found == []


async def test_no_two_tokens_are_the_same(client: Client) -> None:
    tokens = [await created(client, "twin") for _ in range(3)]
    assert len({token["token"] for token in tokens}) == 3
    ids = [token["id"] for token in tokens]
    assert sorted(set(ids)) == ids
    assert [token["id"] for token in await tokens_of(client)] == ids


async def test_accounts_do_not_see_each_others_tokens(client: Client) -> None:
    other = await Client(client.session, client.url).enter()
    token = await created(client)
    assert await tokens_of(other) == []
    reply = await other.request("DELETE", f"/api/tokens/{token['id']}")
    assert_problem(reply, 404, "not_found")
    assert len(await tokens_of(client)) == 1


# What it may do


def test_every_route_with_a_caller_is_decided() -> None:
    assert {name(route) for route in WITH_CALLER} == OF_SESSIONS | OF_PROGRAMS.keys()


@pytest.mark.parametrize("route", WITH_CALLER, ids=name)
async def test_a_token_has_a_right_to_data_and_to_nothing_else(
    client: Client, route: Route
) -> None:
    program = await program_of(client)
    path = re.sub(r"{key.*}", unique("key"), route.path).replace("{id}", "1")
    assert route.operation is not None
    example = route.operation.example
    body = None if example is None else json.dumps(example)
    body = BODIES.get(path, body)
    path += QUERIES.get(path, "")
    reply = await program.request(route.method, path, body)
    if name(route) in OF_SESSIONS:
        assert "log in" in assert_problem(reply, 403, "forbidden")
        assert route.authenticate is by_session
    else:
        assert reply.status == OF_PROGRAMS[name(route)], reply.text
    assert len(await tokens_of(client)) == 1


#: Procedures about accounts and tokens, with the arguments after the caller.
PROCEDURES = {
    "check_session": "",
    "end_tokens": "",
    "set_password": ", 'a hash'",
    "change_password": ", 'a hash', false",
    "delete_user": "",
    "create_access_token": ", ('0'):rep(64), 'name'",
    "list_access_tokens": "",
    "delete_access_token": ", 1",
}


@pytest.mark.parametrize("procedure", PROCEDURES)
async def test_a_procedure_about_accounts_refuses_a_token_too(
    client: Client, tarantool: Tarantool, procedure: str
) -> None:
    token = (await created(client))["token"]
    digest = hashlib.sha256(token.encode()).hexdigest()
    arguments = f"{{'', '{digest}'}}{PROCEDURES[procedure]}"
    kind = f"""
    (function()
        local ok, err = pcall(kv.v1.{procedure}, {arguments})
        return {{ok, err.type}}
    end)()
    """
    assert evaluated(tarantool, kind) == [False, "kv.SessionRequired"]
    assert (await client.read(["k"])).status == 200


async def test_it_does_what_its_account_may_do(client: Client) -> None:
    program, prefix = await program_of(client), unique("data")
    assert (await program.write({prefix: [1.0, None]})).status == 200
    assert (await client.read([prefix])).json["data"] == {prefix: [1.0, None]}
    assert (await program.read([prefix], revisions=True)).status == 200
    assert (await program.read([prefix], stale=True)).status == 200
    listed = await program.list_keys(prefix, values=True)
    assert listed.json["data"] == {prefix: [1.0, None]}
    assert (await program.increment({f"{prefix}#": 2})).json["data"] == {
        f"{prefix}#": 2
    }
    key = f"/api/keys/{prefix}"
    assert (await program.request("GET", key)).text == "[1.0, null]"
    assert (await program.request("PUT", key, "1")).status == 204
    assert (await program.request("DELETE", key)).status == 204
    repeated = {"Idempotency-Key": prefix}
    for _ in range(2):
        body = {"data": {prefix: 1}}
        reply = await program.post("/api/write", body, headers=repeated)
        assert reply.status == 200
    reply = await program.request("GET", query(prefix=prefix, wait=0))
    assert reply.status == 200


async def test_an_idempotency_key_belongs_to_the_account(client: Client) -> None:
    program, key = await program_of(client), unique("key")
    sent = {"headers": {"Idempotency-Key": "1"}}
    first = await client.post("/api/increment", {"data": {key: 1}}, **sent)
    again = await program.post("/api/increment", {"data": {key: 1}}, **sent)
    assert (first.json, first.revision) == (again.json, again.revision)


async def test_the_account_is_shown_with_the_rights_of_the_token(
    client: Client, tarantool: Tarantool
) -> None:
    set_grants(tarantool, account_of(client), ("a/", "rw"), ("b/", "r"))
    both = [{"prefix": "a/", "rights": "rw"}, {"prefix": "b/", "rights": "r"}]
    own = (await client.request("GET", "/api/me")).json
    program = await program_of(client)
    assert (await program.request("GET", "/api/me")).json == own | {"grants": both}
    narrow = await program_of(client, grants=[{"prefix": "", "rights": "r"}])
    shown = (await narrow.request("GET", "/api/me")).json
    assert shown == own | {
        "grants": [{"prefix": "a/", "rights": "r"}, {"prefix": "b/", "rights": "r"}]
    }


#: Grants of the account, of the token, and the rights that are left, by key.
INTERSECTIONS = {
    "all-of-all": ([("", "rw")], [("", "rw")], {"k": "rw"}),
    "none": ([("", "rw")], [], {"k": ""}),
    "an-account-without": ([], [("", "rw")], {"k": ""}),
    "a-part": ([("", "rw")], [("a/", "r")], {"a/1": "r", "b": ""}),
    "wider-than-the-account": ([("a/", "r")], [("", "rw")], {"a/1": "r", "b": ""}),
    "side-by-side": ([("a/", "rw")], [("b/", "rw")], {"a/1": "", "b/1": ""}),
    "different-rights": ([("a/", "r")], [("a/", "w")], {"a/1": ""}),
    "deeper": ([("a/", "rw")], [("a/b/", "r")], {"a/1": "", "a/b/1": "r"}),
    "rights-that-add-up": (
        [("a/", "r"), ("a/b/", "w")],
        [("", "rw")],
        {"a/1": "r", "a/b/1": "rw"},
    ),
    "a-prefix-with-two": (
        [("a/", "r"), ("a/", "w")],
        [("a/", "rw")],
        {"a/1": "rw", "a": ""},
    ),
    "several": (
        [("a/", "rw"), ("b/", "r"), ("c/", "w")],
        [("a/x/", "r"), ("b/", "rw"), ("", "w")],
        {"a/1": "w", "a/x/1": "rw", "b/1": "r", "c/1": "w"},
    ),
}


@pytest.mark.parametrize("case", INTERSECTIONS.values(), ids=INTERSECTIONS)
async def test_its_rights_are_those_of_both(
    client: Client, tarantool: Tarantool, case: Any
) -> None:
    own, given, rights = case
    area = unique("area") + "/"
    set_grants(
        tarantool, account_of(client), *((f"{area}{p}", rights) for p, rights in own)
    )
    grants = [{"prefix": f"{area}{p}", "rights": rights} for p, rights in given]
    program = await program_of(client, grants=grants)
    for key, expected in rights.items():
        read = await program.read([area + key])
        written = await program.write({area + key: 1})
        assert (read.status == 200, written.status == 200) == (
            "r" in expected,
            "w" in expected,
        ), key


async def test_a_refusal_names_the_token_and_not_the_account(client: Client) -> None:
    """The account has the right."""
    program = await program_of(client, grants=[{"prefix": "a", "rights": "r"}])
    detail = assert_problem(await program.write({"a": 1}), 403, "forbidden")
    assert detail == "The access token has no right to write the key 'a'"
    reply = await program.request("POST", "/api/list", {"prefix": "b"})
    detail = assert_problem(reply, 403, "forbidden")
    whole = "The access token has no right to read any key with the prefix 'b'"
    assert detail == whole


async def test_grants_of_the_account_count_from_the_next_call(
    client: Client, tarantool: Tarantool
) -> None:
    account, area = account_of(client), unique("area")
    whole = await program_of(client)
    part = await program_of(client, grants=[{"prefix": area, "rights": "rw"}])
    for given, status in (("r", 403), ("rw", 200), ("r", 403), ("rw", 200)):
        set_grants(tarantool, account, (area, given))
        for program in whole, part:
            assert (await program.write({area: 1})).status == status
            assert (await program.read([area])).status == 200


async def test_narrowed_grants_apply_to_open_streams(
    client: Client, tarantool: Tarantool
) -> None:
    area = unique("area")
    other = await Client(client.session, client.url).enter()
    program = await program_of(client, grants=[{"prefix": area, "rights": "r"}])
    async with following(program, prefix=area) as stream:
        await stream.start()
        await other.write({f"{area}/a": 1})
        assert (await stream.next()).json["data"] == {f"{area}/a": 1}
        set_grants(tarantool, account_of(client), (f"{area}/b", "rw"))
        await other.write({f"{area}/a": 2, f"{area}/b": 2})
        assert (await stream.next()).json["data"] == {f"{area}/b": 2}
        set_grants(tarantool, account_of(client), ("elsewhere", "rw"))
        assert await end_of(stream) == "forbidden"


# What ends it


async def _delete(client: Client, _: Tarantool, token_id: int) -> None:
    await delete_token(client, token_id)


async def _change_password(client: Client, _: Tarantool, __: int) -> None:
    change = {"password": PASSWORD, "new_password": "another"}
    assert (await client.post("/api/password", change)).status == 200


async def _delete_account(client: Client, _: Tarantool, __: int) -> None:
    reply = await client.request("DELETE", "/api/me", {"password": PASSWORD})
    assert reply.status == 200


async def _disable(client: Client, tarantool: Tarantool, _: int) -> None:
    await asyncio.to_thread(disable, tarantool, account_of(client))


async def _end_tokens(client: Client, tarantool: Tarantool, _: int) -> None:
    await asyncio.to_thread(end_tokens, tarantool, account_of(client))


async def _delete_on_the_console(
    _: Client, tarantool: Tarantool, token_id: int
) -> None:
    await asyncio.to_thread(admin, tarantool, "delete_access_token", str(token_id))


REVOCATIONS = [
    _delete,
    _change_password,
    _delete_account,
    _disable,
    _end_tokens,
    _delete_on_the_console,
]


@pytest.mark.parametrize("revoke", REVOCATIONS)
async def test_a_revoked_token_is_refused_with_its_streams_and_tickets(
    client: Client, tarantool: Tarantool, revoke: Revoke
) -> None:
    token = await created(client)
    program = using(client, token["token"])
    ticket = (await program.post("/api/tickets")).json["ticket"]
    anonymous = Client(client.session, client.url)
    async with (
        following(program) as stream,
        following(anonymous, ticket=ticket) as of_ticket,
    ):
        await stream.start()
        await of_ticket.start()
        poll = asyncio.create_task(
            program.request("GET", query(prefix=unique("none"), wait=30))
        )
        await asyncio.sleep(0.1)
        await revoke(client, tarantool, token["id"])
        assert await end_of(stream) == "token_revoked"
        assert await end_of(of_ticket) == "token_revoked"
        assert_problem(await poll, 403, "token_revoked")
    for path in "/api/me", "/api/changes", "/api/keys/k", "/api/keys/k?stale":
        reply = await program.request("GET", path)
        assert_problem(reply, 403, "token_revoked")
    assert_problem(await program.post("/api/tickets"), 403, "token_revoked")
    reply = await anonymous.request("GET", query(ticket=ticket), headers=EVENTS)
    assert_problem(reply, 403, "token_revoked")


async def test_another_token_lives_on(client: Client) -> None:
    one, other = await created(client), await created(client)
    async with following(using(client, other["token"])) as stream:
        await stream.start()
        await delete_token(client, one["id"])
        key = unique("key")
        assert (await client.write({key: 1})).status == 200
        while key not in (await stream.next()).json["data"]:
            pass
    assert [token["id"] for token in await tokens_of(client)] == [other["id"]]


async def test_a_token_is_deleted_once(client: Client) -> None:
    token = await created(client)
    await delete_token(client, token["id"])
    reply = await client.request("DELETE", f"/api/tokens/{token['id']}")
    assert str(token["id"]) in assert_problem(reply, 404, "not_found")


@pytest.mark.parametrize("text", ["x", "-1", "1.0", "01", "9" * 30, "", "1/2", "%31x"])
async def test_what_is_no_id_is_not_found(client: Client, text: str) -> None:
    reply = await client.request("DELETE", f"/api/tokens/{text}")
    assert_problem(reply, 404, "not_found")


async def test_the_largest_id_is_quoted_as_it_was_sent(client: Client) -> None:
    reply = await client.request("DELETE", f"/api/tokens/{2**63 - 1}")
    detail = assert_problem(reply, 404, "not_found")
    assert detail == f"The account has no access token {2**63 - 1}"


async def test_a_logout_keeps_access_tokens(client: Client) -> None:
    program = await program_of(client)
    async with following(program) as stream:
        await stream.start()
        assert (await client.post("/api/logout")).status == 200
        key = unique("key")
        assert (await program.write({key: 1})).status == 200
        while key not in (await stream.next()).json["data"]:
            pass


async def test_a_new_password_keeps_access_tokens_on_request(client: Client) -> None:
    program = await program_of(client)
    change = {
        "password": PASSWORD,
        "new_password": PASSWORD,
        "keep_access_tokens": True,
    }
    reply = await client.post("/api/password", change)
    assert reply.status == 200
    assert (await program.read(["k"])).status == 200
    client.token = reply.json["token"]
    assert len(await tokens_of(client)) == 1
    reply = await client.post("/api/password", change | {"keep_access_tokens": False})
    assert_problem(await program.read(["k"]), 403, "token_revoked")
    client.token = reply.json["token"]
    assert await tokens_of(client) == []


async def test_an_account_of_the_same_name_gets_nothing(client: Client) -> None:
    account, program = account_of(client), await program_of(client)
    await _delete_account(client, NotImplemented, 0)
    assert (await client.register(account, PASSWORD)).status == 200
    assert (await client.login(account, PASSWORD)).status == 200
    assert await tokens_of(client) == []
    assert_problem(await program.read(["k"]), 403, "token_revoked")


async def test_an_expired_token_is_refused_and_deleted(client: Client) -> None:
    token = await created(client, expires_in=2)
    assert 1 <= token["expires_at"] - token["created_at"] <= 3
    program = using(client, token["token"])
    async with following(program) as stream:
        await stream.start()
        assert (await program.read(["k"])).status == 200
        assert await end_of(stream) == "token_revoked"
    assert_problem(await program.read(["k"]), 403, "token_revoked")
    assert await tokens_of(client) == []


async def test_an_expired_token_that_is_still_there_is_refused(
    client: Client, tarantool: Tarantool
) -> None:
    token = await created(client, expires_in=HOUR)
    program = using(client, token["token"])
    assert (await program.read(["k"])).status == 200
    digest = hashlib.sha256(token["token"].encode()).hexdigest()
    statuses = f"""
    (function()
        local accounts = require('kv.accounts.access_tokens')
        local time = require('kv.data.clock').now()
        accounts.configure(function() return time + {HOUR} + 10 end)
        local ok, err = pcall(kv.v1.get, {{'', '{digest}'}}, {{'k'}}, 1000)
        accounts.configure(function() return time + {HOUR} - 10 end)
        local before = pcall(kv.v1.get, {{'', '{digest}'}}, {{'k'}}, 1000)
        accounts.configure(require('kv.data.clock').now)
        return {{ok, err.type, before}}
    end)()
    """
    assert evaluated(tarantool, statuses) == [False, "kv.TokenRevoked", True]


async def test_a_ticket_lives_no_longer_than_its_token(client: Client) -> None:
    for ttl, expected in ((30, 30), (2 * HOUR, HOUR), (None, HOUR)):
        program = await program_of(client, expires_in=ttl)
        ticket = (await program.post("/api/tickets")).json
        assert expected - 5 <= ticket["expires_in"] <= expected + 1


async def test_no_call_succeeds_after_the_reply_to_the_deletion(
    client: Client,
) -> None:
    token, other = await created(client), await created(client)
    late = await _successes_after(client, using(client, token["token"]), token["id"])
    assert late == 0
    # the control: of another token calls do succeed
    token = await created(client)
    late = await _successes_after(client, using(client, token["token"]), other["id"])
    assert late > 0


async def _successes_after(client: Client, program: Client, token_id: int) -> int:
    """Calls of a program that begin after a token was deleted, and succeed."""
    deleted_at, late = float("inf"), 0

    async def call(number: int) -> None:
        nonlocal late
        key = unique("key")
        for _ in range(40):
            begin = asyncio.get_running_loop().time()
            if number % 2:
                reply = await program.write({key: 1})
            else:
                reply = await program.read([key])
            assert reply.status in (200, 403)
            late += reply.status == 200 and begin > deleted_at

    async with asyncio.TaskGroup() as calling:
        for number in range(8):
            calling.create_task(call(number))
        await asyncio.sleep(0.05)
        await delete_token(client, token_id)
        deleted_at = asyncio.get_running_loop().time()
    return late


# Its creation


async def test_a_creation_requires_the_password(visitor: Client) -> None:
    await visitor.enter()
    reply = await creation(visitor, password="wrong")
    assert_problem(reply, 401, "invalid_credentials")
    for body in ({"name": "x"}, {"name": "x", "password": ""}):
        reply = await visitor.post("/api/tokens", body)
        assert_problem(reply, 400, "credentials_required")
    for _ in range(15):
        reply = await creation(visitor, password="wrong")
    assert_problem(reply, 429, "too_many_attempts")
    assert await tokens_of(visitor) == []


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": None},
        {"name": 1},
        {"name": "x" * 65},
        {"name": " x"},
        {"name": "x "},
        {"name": "a\nb"},
        {"grants": {}},
        {"grants": [{"prefix": "a"}]},
        {"grants": [{"prefix": "a", "rights": "x"}]},
        {"grants": [{"prefix": "a", "rights": "r", "more": 1}]},
        {"grants": [{"prefix": "a", "rights": "r"}] * 101},
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": 1.5},
        {"expires_in": 2**31},
        {"expires_in": "1"},
        {"expires_in": 1e300},
        {"more": 1},
    ],
    ids=str,
)
async def test_a_malformed_creation_is_refused(
    client: Client, body: dict[str, Any]
) -> None:
    reply = await creation(client, **{"name": "program"} | body)
    assert_problem(reply, 400, "invalid_request")
    assert await tokens_of(client) == []


async def test_a_prefix_is_no_longer_than_a_key(client: Client) -> None:
    grants = [{"prefix": "", "rights": "r"}, {"prefix": "x" * 1025, "rights": "r"}]
    reply = await creation(client, grants=grants)
    assert "/grants/1/prefix" in assert_problem(reply, 400, "invalid_key")


async def test_the_limits_are_reached(client: Client) -> None:
    grants = [{"prefix": f"{i:01024}", "rights": "rw"} for i in range(100)]
    token = await created(client, "n" * 64, grants=grants, expires_in=float(2**31 - 1))
    assert (token["grants"], len(token["name"])) == (grants, 64)
    assert (await created(client, "Zoe\u0301"))["name"] == "Zoé"
    assert (await created(client, "e", grants=[]))["grants"] == []


async def test_an_account_has_a_limited_number_of_tokens(client: Client) -> None:
    replies = await asyncio.gather(*(creation(client) for _ in range(110)))
    statuses = [reply.status for reply in replies]
    assert (statuses.count(200), statuses.count(409)) == (100, 10)
    reply = await creation(client)
    assert "100" in assert_problem(reply, 409, "too_many_access_tokens")
    tokens = await tokens_of(client)
    assert len(tokens) == 100
    await delete_token(client, tokens[0]["id"])
    assert (await creation(client)).status == 200


@pytest.mark.parametrize(
    "token", ["kvt_", "kvt_x", "kvt_" + "x" * 42, "kvt_" + "x" * 44, "kvt_" + "é" * 43]
)
async def test_a_malformed_token_is_invalid(visitor: Client, token: str) -> None:
    for path in "/api/me", "/api/tokens":
        reply = await using(visitor, token).request("GET", path)
        assert_problem(reply, 403, "token_invalid")


async def test_an_unknown_token_is_revoked(visitor: Client) -> None:
    program = using(visitor, "kvt_" + "x" * 43)
    for reply in await program.read(["k"]), await program.write({"k": 1}):
        detail = assert_problem(reply, 403, "token_revoked")
        assert detail == "The token is no longer valid: create another access token"


async def test_a_token_is_no_ticket_and_no_password(client: Client) -> None:
    token = (await created(client))["token"]
    anonymous = Client(client.session, client.url)
    reply = await anonymous.request("GET", query(ticket=token), headers=EVENTS)
    assert_problem(reply, 403, "token_invalid")
    reply = await anonymous.login(account_of(client), token)
    assert_problem(reply, 401, "invalid_credentials")


# Its last use


async def test_the_last_use_is_shown_to_the_minute(client: Client) -> None:
    used, unused = await created(client), await created(client)
    before = now() - 1
    assert (await using(client, used["token"]).read(["k"])).status == 200
    first, second = await tokens_of(client)
    assert first["last_used_at"] % MINUTE == 0
    assert before - MINUTE < first["last_used_at"] <= now() + 1
    assert (second["id"], second["last_used_at"]) == (unused["id"], None)


def stored_use(tarantool: Tarantool, token_id: int) -> Any:
    return evaluated(
        tarantool, f"box.space.access_token_uses:get({token_id}) or box.NULL"
    )


async def test_uses_are_stored_by_the_collector_once_a_minute(
    client: Client, tarantool: Tarantool
) -> None:
    begun = now() // MINUTE
    token = await created(client)
    program = using(client, token["token"])
    for _ in range(3):
        assert (await program.read(["k"])).status == 200
    await asyncio.to_thread(
        wait_until, lambda: stored_use(tarantool, token["id"]) is not None, 10.0
    )
    (listed,) = await tokens_of(client)
    assert stored_use(tarantool, token["id"])[1] == listed["last_used_at"]
    before = evaluated(tarantool, "box.info.lsn")
    for _ in range(20):
        assert (await program.read(["k"])).status == 200
    await asyncio.sleep(1.5)
    if now() // MINUTE == begun:  # otherwise there was another use to store
        assert evaluated(tarantool, "box.info.lsn") == before
    await delete_token(client, token["id"])
    assert stored_use(tarantool, token["id"]) is None


#: Makes the memory or the disk seem short, or not.
SHORTAGE = "require('kv.capacity').admits = function() return {fits} end"


async def test_a_use_is_stored_when_there_is_capacity_again(
    tarantools: Tarantools, serve: Serve
) -> None:
    with tarantools.running() as own:
        async with serve(own) as client:
            await client.enter()
            token = await created(client)
            await asyncio.to_thread(own.console, SHORTAGE.format(fits="false"))
            assert (await using(client, token["token"]).read(["k"])).status == 200
            await asyncio.sleep(1.5)
            assert stored_use(own, token["id"]) is None
            (listed,) = await tokens_of(client)
            assert listed["last_used_at"] is not None
            await asyncio.to_thread(own.console, SHORTAGE.format(fits="true"))
            await asyncio.to_thread(
                wait_until, lambda: stored_use(own, token["id"]) is not None, 10.0
            )
            assert "are not deleted" not in own.log()


async def test_a_token_and_its_last_use_survive_a_restart(
    tarantools: Tarantools, serve: Serve
) -> None:
    with tarantools.running() as own:
        async with serve(own) as client:
            await client.enter()
            token = await created(client, grants=[{"prefix": "a", "rights": "rw"}])
            program = using(client, token["token"])
            assert (await program.write({"a": 1})).status == 200
            await asyncio.to_thread(
                wait_until, lambda: stored_use(own, token["id"]) is not None, 10.0
            )
            before = await tokens_of(client)
            assert before[0]["last_used_at"] is not None
            own.kill()
            own.start()
        async with serve(own) as again:
            program = using(again, token["token"])
            assert await tokens_of(using(again, str(client.token))) == before
            assert (await program.read(["a"])).json["data"] == {"a": 1}
            assert_problem(await program.read(["b"]), 403, "forbidden")


# The console


async def test_the_console_lists_and_deletes_tokens(
    client: Client, tarantool: Tarantool
) -> None:
    account = lua(account_of(client))
    empty = admin(tarantool, "list_access_tokens", account)
    assert empty.endswith("has no access tokens")
    token = await created(
        client, "it's", grants=[{"prefix": "a/", "rights": "r"}], expires_in=HOUR
    )
    whole = await created(client)
    head, rows = admin(tarantool, "list_access_tokens", account).split("\n\n")
    first, second = rows.splitlines()
    assert head.split() == [
        *("id", "name", "created", "expires", "last", "used", "grants"),
    ]
    assert first.startswith(f"{token['id']} ")
    assert "'it\\'s'" in first
    assert first.endswith("never      r 'a/'")
    assert second.endswith("those of the account")
    done = admin(tarantool, "delete_access_token", str(token["id"]))
    assert (
        done
        == f"access token {token['id']} of account '{account_of(client)}' is deleted"
    )
    assert [t["id"] for t in await tokens_of(client)] == [whole["id"]]
    again = mistake(tarantool, "delete_access_token", str(token["id"]))
    assert again == f"there is no access token {token['id']}"
    for bad in "nil", "'1'", "{}":
        found = mistake(tarantool, "delete_access_token", bad)
        assert found == "id: expected a number"


async def test_the_access_log_has_no_name_and_no_token(
    tmp_path: Path, tarantool: Tarantool
) -> None:
    log = tmp_path / "kv.log"
    environ = environ_for(tarantool, KV_ACCESS_LOG="all", KV_LOG_FILE=str(log))
    with service_process(tmp_path, **environ) as service:
        async with aiohttp.ClientSession() as session:
            client = await Client(session, service.url).enter()
            program = await program_of(client)
            assert (await program.read(["k"])).status == 200
            assert (await program.post("/api/logout")).status == 403
    lines = log.read_text().splitlines()
    (read,) = [line for line in lines if "/api/read" in line]
    assert "user=" not in read
    (creation_line,) = [line for line in lines if "/api/tokens" in line]
    assert f'user="{account_of(client)}"' in creation_line
    assert str(program.token)[4:] not in log.read_text()
    assert leaks_in("\n".join(lines)) == []


@pytest.mark.parametrize(
    "headers",
    [
        [b"Content-Length: 1000000"],
        [b"Transfer-Encoding: chunked"],
        [b"Content-Length: 1000", b"Content-Encoding: gzip"],
    ],
    ids=str,
)
async def test_a_large_body_is_not_read_for_a_token_that_is_made_up(
    client: Client, headers: list[bytes]
) -> None:
    head = http("POST", "/api/write", *headers, token="kvt_" + "x" * 43)
    assert_problem(await talk(client, head), 403, "token_revoked")
    # the control: of a token that exists the body is awaited
    token = (await created(client))["token"]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await talk(client, http("POST", "/api/write", *headers, token=token))


async def test_a_large_body_is_read_for_a_token(client: Client) -> None:
    program, keys = await program_of(client), [unique("key") for _ in range(20)]
    data = {key: "x" * 50_000 for key in keys}
    assert (await program.write(data)).status == 200
    body = gzip.compress(json.dumps({"keys": keys}).encode())
    coded = {"Content-Encoding": "gzip"}
    reply = await program.post("/api/read", body, headers=coded)
    assert reply.json["data"] == data
