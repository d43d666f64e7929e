"""The table of errors, row by row: each is provoked, and each is documented."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from service.app import Tuning
from service.auth.passwords import THREADS
from service.errors import Problem
from service.web.problems import HTTP_CODES
from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, account_of, unique
from tests.support.console import set_grants
from tests.support.full_memory import TINY_MEMORY
from tests.support.raw_http import talk
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools

API_PAGE = Path(__file__).parents[2] / "docs/api.md"

#: A hash at this cost takes some 30 ms: the queue fills faster than it is worked off,
#: which takes 2 s.
SLOW_ROUNDS = "9"

#: Seconds that a service may take to notice that its Tarantool is gone.
NOTICE = 5.0


class Row(NamedTuple):
    status: int
    code: str
    provoke: Callable[[Client], Awaitable[Reply]]
    environ: dict[str, str] = {}  # noqa: RUF012 - a NamedTuple's default


async def _register_twice(client: Client) -> Reply:
    name = unique("user")
    assert (await client.register(name, "password")).status == 200
    return await client.register(name, "password")


async def _without_token(client: Client) -> Reply:
    return await Client(client.session, client.url).read(["k"])


async def _with_expired_token(client: Client) -> Reply:
    await asyncio.sleep(1.1)
    return await client.read(["k"])


async def _increment_a_text(client: Client) -> Reply:
    key = unique("text")
    await client.write({key: "text"})
    return await client.post("/api/increment", {"data": {key: 1}})


async def _increment_too_far(client: Client) -> Reply:
    key = unique("counter")
    await client.write({key: 2**63 - 1})
    return await client.post("/api/increment", {"data": {key: 1}})


async def _reuse_a_key(client: Client) -> Reply:
    headers = {"Idempotency-Key": unique("retry")}
    for value in (1, 2):
        body = {"data": {unique("key"): value}}
        reply = await client.post("/api/write", body, headers=headers)
    return reply


async def _write_on_a_false_condition(client: Client) -> Reply:
    key = unique("key")
    return await client.post("/api/write", {"data": {key: 1}, "if": {key: 1}})


TABLE = [
    Row(400, "invalid_json", lambda client: client.post("/api/read", "nope")),
    Row(400, "invalid_request", lambda client: client.post("/api/read", [])),
    Row(400, "no_data", lambda client: client.write({})),
    Row(400, "no_keys", lambda client: client.read([])),
    Row(400, "invalid_key", lambda client: client.read([""])),
    Row(400, "credentials_required", lambda client: client.register("", "")),
    Row(401, "invalid_credentials", lambda client: client.login(unique("no"), "p")),
    Row(403, "token_missing", _without_token),
    Row(
        403,
        "token_invalid",
        lambda client: client.post("/api/read", headers={"Authorization": "Bearer x"}),
    ),
    Row(403, "token_expired", _with_expired_token, {"KV_TOKEN_TTL": "1"}),
    Row(
        403,
        "not_an_administrator",
        lambda client: client.request("GET", "/api/admin/accounts"),
    ),
    Row(404, "not_found", lambda client: client.post("/api/nothing")),
    Row(405, "method_not_allowed", lambda client: client.request("GET", "/api/read")),
    Row(
        415,
        "unsupported_encoding",
        lambda client: client.post("/api/read", headers={"Content-Encoding": "x"}),
    ),
    Row(
        505,
        "http_version",
        lambda client: talk(client, b"GET /livez HTTP/2.0\r\nHost: kv\r\n\r\n"),
    ),
    Row(409, "user_exists", _register_twice),
    Row(409, "not_a_counter", _increment_a_text),
    Row(409, "counter_overflow", _increment_too_far),
    Row(409, "idempotency_conflict", _reuse_a_key),
    Row(
        409,
        "revision_ahead",
        lambda client: client.request("GET", f"/api/changes?since={2**63 - 1}"),
    ),
    Row(412, "condition_failed", _write_on_a_false_condition),
    Row(
        413,
        "body_too_large",
        lambda client: client.post("/api/read", " " * 101),
        {"KV_MAX_BODY": "100"},
    ),
    Row(
        414,
        "uri_too_long",
        lambda client: client.request("GET", "/" + "a" * 8192),
    ),
    Row(
        421,
        "misdirected_request",
        lambda client: client.request("GET", "/", headers={"Host": "evil.example"}),
    ),
    Row(
        431,
        "headers_too_large",
        lambda client: client.request("GET", "/livez", headers={"a": "b" * 16385}),
    ),
    Row(
        413,
        "too_many_keys",
        lambda client: client.read(["k", "l"]),
        {"KV_MAX_KEYS": "1"},
    ),
    Row(
        413,
        "value_too_large",
        lambda client: client.write({"k": 12}),
        {"KV_MAX_VALUE": "1"},
    ),
]

#: Those that need an account, or an instance of Tarantool, of their own.
ELSEWHERE = {
    "forbidden",
    "token_revoked",
    "registration_closed",
    "last_administrator",
    "too_many_access_tokens",
    "request_timeout",
    "revision_compacted",
    "stopping",
    "too_slow",
    "too_many_attempts",
    "internal",
    "storage_unavailable",
    "storage_full",
    "overloaded",
    "no_quorum",
    "stale",
}


def leaves(kind: type[Problem] = Problem) -> Iterator[type[Problem]]:
    children = kind.__subclasses__()
    if not children:
        yield kind
    for child in children:
        yield from leaves(child)


STATUSES: dict[str, int] = {
    **{code: status for status, code in HTTP_CODES.items()},
    **{leaf.code: leaf.status for leaf in leaves()},
}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.code)
async def test_each_row_of_the_table(
    serve: Serve, tarantool: Tarantool, row: Row
) -> None:
    async with serve(tarantool, **row.environ) as client:
        await client.enter()
        assert_problem(await row.provoke(client), row.status, row.code)


async def test_a_revoked_token(client: Client, tarantool: Tarantool) -> None:
    tarantool.console(f"box.space.users:delete('{account_of(client)}')")
    assert_problem(await client.read(["k"]), 403, "token_revoked")


async def test_a_key_that_is_not_granted(client: Client, tarantool: Tarantool) -> None:
    set_grants(tarantool, account_of(client))
    key = unique("key")
    detail = assert_problem(await client.write({key: 1}), 403, "forbidden")
    assert detail == f"The account has no right to write the key '{key}'"


async def test_registration_can_be_closed(serve: Serve, tarantool: Tarantool) -> None:
    admin, name = unique("admin"), unique("user")
    environ = {"ADMIN_LOGIN": admin, "ADMIN_PASSWORD": "password"}
    async with serve(tarantool, KV_REGISTRATION="closed", **environ) as client:
        reply = await client.register(name, "password")
        assert_problem(reply, 403, "registration_closed")
        assert (await client.login(name, "password")).status == 401
        assert (await client.login(admin, "password")).status == 200


async def test_an_unexpected_error_is_reported_without_its_text(
    serve: Serve, tarantools: Tarantools
) -> None:
    with tarantools.running() as tarantool:
        async with serve(tarantool) as client:
            await client.enter()
            tarantool.console("box.space.kv_meta:delete('revision')")
            reply = await client.write({unique("key"): 1})
            assert "revision" not in assert_problem(reply, 500, "internal")


async def test_a_storage_that_is_away(serve: Serve, tarantools: Tarantools) -> None:
    with tarantools.running() as tarantool:
        async with serve(tarantool) as client:
            await client.enter()
            tarantool.kill()
            assert_unavailable(await first_refusal(client), applied=None)
            assert_unavailable(await client.read(["k"]), applied=None)
            assert_unavailable(await client.login("user", "password"), applied=None)
            assert_unavailable(await client.write({"k": 1}), applied="no")
            reply = await client.register("another", "password")
            assert_unavailable(reply, applied="no")
            assert (await client.request("GET", "/livez")).status == 200


def assert_unavailable(
    reply: Reply, *, applied: str | None, code: str = "storage_unavailable"
) -> None:
    assert_problem(reply, 503, code)
    assert int(reply.headers["Retry-After"]) >= 1
    assert reply.json.get("applied") == applied


async def first_refusal(client: Client) -> Reply:
    async with asyncio.timeout(NOTICE):
        while (reply := await client.request("GET", "/readyz")).status == 200:
            pass
    return reply


async def test_a_full_storage_still_reads(serve: Serve, tarantools: Tarantools) -> None:
    first, last, large = unique("first"), unique("last"), "x" * 1_000_000
    with tarantools.running(KV_MEMTX_MEMORY=TINY_MEMORY) as tarantool:
        async with serve(tarantool) as client:
            await client.enter()
            assert (await client.write({first: "kept"})).status == 200
            while (reply := await client.write({unique("k"): large})).status == 200:
                pass
            assert_unavailable(reply, applied="no", code="storage_full")

            reply = await client.write({last: 1, unique("k"): large})
            assert_unavailable(reply, applied="no", code="storage_full")
            assert (await client.read([first, last])).json["data"] == {first: "kept"}


async def test_a_full_password_queue(serve: Serve, tarantool: Tarantool) -> None:
    max_waiting = 8 * THREADS
    taken = THREADS + max_waiting
    tuning = Tuning(max_waiting=max_waiting)
    async with (
        serve(tarantool, tuning=tuning, KV_BCRYPT_ROUNDS=SLOW_ROUNDS) as client,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        crowd = Client(session, client.url)
        logins = [crowd.login(f"nobody-{n}", "password") for n in range(taken + 10)]
        replies = await asyncio.gather(*logins)
        refused = [reply for reply in replies if reply.status != 401]
        assert len(refused) >= 1
        for reply in refused:
            assert_unavailable(reply, applied=None, code="overloaded")
            assert str(taken) in reply.json["detail"]
        assert (await client.login("nobody", "password")).status == 401


def test_every_code_is_provoked_here() -> None:
    assert {row.code for row in TABLE} | ELSEWHERE == set(STATUSES)


def test_every_kind_of_problem_has_a_code_of_its_own() -> None:
    counts = Counter(leaf.code for leaf in leaves())
    shared = {code for code, count in counts.items() if count > 1}
    assert shared == {"forbidden"}  # of a key, and of an access token


@pytest.mark.parametrize(("code", "status"), STATUSES.items(), ids=STATUSES.keys())
def test_the_api_page_documents_every_code(code: str, status: int) -> None:
    rows = API_PAGE.read_text().splitlines()
    documented = [row for row in rows if row.startswith(f"| {status:d} |")]
    assert [row for row in documented if f"`{code}`" in row]
