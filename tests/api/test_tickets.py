"""Tickets: they open change streams only, and expire with their token."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest

from service.auth.signer import key_id
from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, account_of, unique
from tests.support.console import set_grants
from tests.support.service import JWT_SECRET, Serve, environ_for, service_process
from tests.support.sse import following, query
from tests.support.tarantool import Tarantool

HOUR = 3600
NEW_SECRET = "the secret that comes after it, as long"
EVENTS = {"Accept": "text/event-stream"}


async def made(client: Client) -> str:
    reply = await client.post("/api/tickets")
    assert reply.status == 200, reply.text
    assert reply.json.keys() == {"ticket", "expires_in"}
    return str(reply.json["ticket"])


def anonymous(client: Client) -> Client:
    """A client without a token."""
    return Client(client.session, client.url)


async def refused(
    client: Client, ticket: str, *, headers: dict[str, str] = EVENTS
) -> Reply:
    """The reply to a stream that does not begin."""
    path = query(ticket=ticket)
    return await anonymous(client).request("GET", path, headers=headers)


def claims(ticket: str) -> dict[str, Any]:
    part = ticket.split(".")[1]
    fields: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return fields


async def test_a_ticket_opens_a_stream(client: Client) -> None:
    prefix, ticket = unique("ticket"), await made(client)
    async with following(anonymous(client), ticket=ticket, prefix=prefix) as stream:
        await stream.start()
        first = (await client.write({prefix: 1})).revision
        event = await stream.next()
        assert (event.id, event.json["data"]) == (str(first), {prefix: 1})
    second = (await client.write({f"{prefix}/a": [2.0]})).revision
    again = following(
        anonymous(client), ticket=ticket, prefix=prefix, last_event_id=str(first)
    )
    async with again as stream:
        assert (await stream.next()).id == str(second)
    async with following(
        anonymous(client), ticket=ticket, prefix=prefix, since=first
    ) as stream:
        assert (await stream.next()).id == str(second)


async def test_the_reply_is_kept_nowhere(client: Client) -> None:
    reply = await client.post("/api/tickets", {})
    assert reply.headers["Cache-Control"] == "no-store"
    assert HOUR - 60 < reply.json["expires_in"] <= HOUR


@pytest.mark.parametrize(("ttl", "lives"), [("30", 30), ("3600", HOUR), ("9000", HOUR)])
async def test_a_ticket_lives_as_long_as_its_token_but_one_hour_at_most(
    serve: Serve, tarantool: Tarantool, ttl: str, lives: int
) -> None:
    async with serve(tarantool, KV_TOKEN_TTL=ttl) as client:
        await client.enter()
        ticket = await made(client)
        assert abs(claims(ticket)["exp"] - time.time() - lives) < 10
        token_ends = claims(str(client.token))["exp"]
        assert claims(ticket)["exp"] <= token_ends


async def test_only_a_caller_gets_a_ticket(client: Client) -> None:
    reply = await anonymous(client).post("/api/tickets")
    assert_problem(reply, 403, "token_missing")
    client.token = f"{client.token}x"
    assert_problem(await client.post("/api/tickets"), 403, "token_invalid")


@pytest.mark.parametrize("body", ['{"since":1}', "[]", "x", "null"])
async def test_a_body_that_says_anything_is_refused(client: Client, body: str) -> None:
    assert (await client.post("/api/tickets", body)).status == 400
    assert (await client.post("/api/tickets?x=1")).status == 400


# A ticket is for streams only


@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/json", "text/event-stream;q=0", "text/plain"]
)
async def test_a_ticket_opens_no_long_poll(client: Client, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    reply = await refused(client, await made(client), headers=headers)
    assert "streams only" in assert_problem(reply, 403, "token_invalid")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", "/api/read"), ("POST", "/api/write"), ("POST", "/api/tickets")),
        *(("POST", "/api/refresh"), ("POST", "/api/logout"), ("GET", "/api/me")),
        *(("GET", "/api/keys/k"), ("PUT", "/api/keys/k"), ("DELETE", "/api/keys/k")),
        ("GET", "/api/changes"),
    ],
)
async def test_a_ticket_is_no_token(client: Client, method: str, path: str) -> None:
    ticket = await made(client)
    for scheme in ("Bearer", "Ticket"):
        headers = {"Authorization": f"{scheme} {ticket}"} | EVENTS
        reply = await anonymous(client).request(method, path, headers=headers)
        assert_problem(reply, 403, "token_invalid")
    if path != "/api/changes":
        in_query = f"{path}?ticket={ticket}"
        reply = await anonymous(client).request(method, in_query, headers=EVENTS)
        assert_problem(reply, 403, "token_missing")
        reply = await client.request(method, in_query)
        assert reply.status == 400
        assert ticket not in reply.text


async def test_a_token_is_no_ticket(client: Client) -> None:
    assert_problem(await refused(client, str(client.token)), 403, "token_invalid")


async def test_a_ticket_and_a_header_are_refused(client: Client) -> None:
    path = query(ticket=await made(client))
    for header in (f"Bearer {client.token}", "Bearer x", "Basic dTpw", ""):
        headers = EVENTS | {"Authorization": header}
        reply = await anonymous(client).request("GET", path, headers=headers)
        assert_problem(reply, 400, "invalid_request")


async def test_a_ticket_parameter_is_given_once(client: Client) -> None:
    ticket = await made(client)
    for more in (f"&ticket={ticket}", "&ticket=", f"&%74icket={ticket}"):
        path = query(ticket=ticket) + more
        reply = await anonymous(client).request("GET", path, headers=EVENTS)
        detail = assert_problem(reply, 400, "invalid_request")
        assert "/ticket is given twice" in detail


@pytest.mark.parametrize("more", ["since=x", "tickets=1", "prefix=%ff", "wait=61"])
async def test_the_rest_of_the_query_is_checked(client: Client, more: str) -> None:
    path = f"{query(ticket=await made(client))}&{more}"
    reply = await anonymous(client).request("GET", path, headers=EVENTS)
    assert_problem(reply, 400, "invalid_request")


# A ticket that is not valid


@pytest.mark.parametrize(
    "ticket", ["", " ", "x", "..", "a.b.c", "null", "\U0001f600", "a" * 5000, "\0"]
)
async def test_what_is_no_ticket(client: Client, ticket: str) -> None:
    reply = await refused(client, ticket)
    assert_problem(reply, 403, "token_invalid")


async def test_a_changed_ticket(client: Client) -> None:
    header, payload, signature = (await made(client)).split(".")
    other = base64.urlsafe_b64encode(
        json.dumps(claims(f".{payload}.") | {"sub": "admin"}).encode()
    )
    for ticket in (
        f"{header}.{other.rstrip(b'=').decode()}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}.{payload}.{signature}A",
        f"{header}.{payload}.{signature[::-1]}",
    ):
        assert_problem(await refused(client, ticket), 403, "token_invalid")


@pytest.mark.parametrize("audience", ["changes", None, "other"])
@pytest.mark.parametrize("named", [True, False])
async def test_the_secret_of_tokens_signs_no_tickets(
    client: Client, audience: str | None, named: bool
) -> None:
    fields = claims(await made(client))
    del fields["aud"]
    if audience is not None:
        fields["aud"] = audience
    headers = {"kid": key_id(JWT_SECRET)} if named else {}
    for forged in (
        jwt.encode(fields, JWT_SECRET, "HS256", headers),
        jwt.encode(fields, None, "none", headers),
    ):
        assert_problem(await refused(client, forged), 403, "token_invalid")


async def test_an_expired_ticket(serve: Serve, tarantool: Tarantool) -> None:
    async with serve(tarantool, KV_TOKEN_TTL="2") as client:
        await client.enter()
        ticket = await made(client)
        async with following(anonymous(client), ticket=ticket) as stream:
            end = (await stream.rest())[-1]
            assert (end.kind, end.json["code"]) == ("end", "token_expired")
        detail = assert_problem(await refused(client, ticket), 403, "token_expired")
        assert "POST /api/tickets" in detail


# A ticket is revoked with its token


async def _log_out(client: Client) -> None:
    assert (await client.post("/api/logout")).status == 200


async def _change_password(client: Client) -> None:
    change = {"password": "password", "new_password": "another"}
    assert (await client.post("/api/password", change)).status == 200


async def _delete_account(client: Client) -> None:
    reply = await client.request("DELETE", "/api/me", {"password": "password"})
    assert reply.status == 200


@pytest.mark.parametrize("revoke", [_log_out, _change_password, _delete_account])
async def test_what_revokes_a_token_revokes_its_tickets(
    client: Client, revoke: Any
) -> None:
    ticket = await made(client)
    async with following(anonymous(client), ticket=ticket) as stream:
        await stream.start()
        await revoke(client)
        end = (await stream.rest())[-1]
        assert (end.kind, end.json["code"]) == ("end", "token_revoked")
    assert_problem(await refused(client, ticket), 403, "token_revoked")


async def test_a_revoked_token_gets_no_ticket(client: Client) -> None:
    await _log_out(client)
    assert_problem(await client.post("/api/tickets"), 403, "token_revoked")


async def test_a_ticket_of_another_account_lives_on(
    visitor: Client, client: Client
) -> None:
    other = await Client(visitor.session, visitor.url).enter()
    ticket = await made(other)
    await _log_out(client)
    async with following(anonymous(client), ticket=ticket) as stream:
        await stream.start()


async def test_a_ticket_shows_what_its_account_may_read(
    visitor: Client, client: Client, tarantool: Tarantool
) -> None:
    narrow, mine = await Client(visitor.session, visitor.url).enter(), unique("mine")
    set_grants(tarantool, account_of(narrow), (mine, "rw"))
    ticket = await made(narrow)
    async with following(anonymous(narrow), ticket=ticket) as stream:
        await stream.start()
        await client.write({unique("others"): 1})
        seen = (await client.write({mine: 1})).revision
        assert (await stream.next()).id == str(seen)


# Secrets, workers and logs


async def test_a_rotated_secret_ends_no_ticket(
    serve: Serve, tarantool: Tarantool, client: Client
) -> None:
    old = await made(client)
    rotated = {"KV_JWT_SECRET": NEW_SECRET, "KV_JWT_SECRET_PREVIOUS": JWT_SECRET}
    async with serve(tarantool, **rotated) as after:
        after.token = client.token
        new = await made(after)
        for ticket in (old, new):
            async with following(anonymous(after), ticket=ticket) as stream:
                await stream.start()
    async with serve(tarantool, KV_JWT_SECRET=NEW_SECRET) as done:
        async with following(anonymous(done), ticket=new) as stream:
            await stream.start()
        assert_problem(await refused(done, old), 403, "token_invalid")


async def test_every_worker_knows_a_ticket_and_no_log_shows_it(
    tmp_path: Path, tarantool: Tarantool
) -> None:
    environ = environ_for(tarantool, KV_WORKERS="2", KV_ACCESS_LOG="1")
    with service_process(tmp_path, **environ) as process:
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            client = await Client(session, process.url).enter()
            ticket = await made(client)
            for _ in range(16):
                async with following(anonymous(client), ticket=ticket) as stream:
                    await stream.start()
            assert (await refused(client, ticket, headers={})).status == 403
            headers = {"Referer": f"http://page.example/?ticket={ticket}"}
            reply = await client.request("GET", f"/docs?{ticket}", headers=headers)
            assert reply.status == 200
        process.stop()
        shown = process.stdout() + process.stderr()
        assert '"GET /api/changes HTTP/1.1" 200' in shown
        assert '"GET /docs HTTP/1.1" 200' in shown
        assert "page.example" not in shown
        assert "ticket=" not in shown
        assert ticket not in shown
