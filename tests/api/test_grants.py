"""What an account may touch: a refused call changes nothing and reveals nothing."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, account_of, unique
from tests.support.console import set_grants
from tests.support.service import Serve
from tests.support.sse import following
from tests.support.tarantool import Tarantool, Tarantools
from tests.support.verbatim import path_of

Call = Callable[[Client, str], Awaitable[Reply]]


class Need(NamedTuple):
    """:ivar call: that names a key
    :ivar rights: to the key that it requires
    """

    call: Call
    rights: str


def one_key(method: str, body: Any = None, **headers: str) -> Call:
    def call(client: Client, key: str) -> Awaitable[Reply]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.request(method, path_of(key), body, headers=sent)

    return call


NEEDS = {
    "write": Need(lambda client, key: client.write({key: "new"}), "w"),
    "read": Need(lambda client, key: client.read([key]), "r"),
    "read-more": Need(lambda client, key: client.read([key], revisions=True), "r"),
    "delete": Need(lambda client, key: client.delete([key]), "w"),
    "list": Need(lambda client, key: client.list_keys(key), "r"),
    "increment": Need(lambda client, key: client.increment({key + "#": 1}), "rw"),
    "write-if": Need(
        lambda client, key: client.write({key: "new"}, **{"if": {key: None}}), "rw"
    ),
    "write-and-delete": Need(
        lambda client, key: client.write({key + "#": 1}, delete=[key]), "w"
    ),
    "delete-in-write": Need(
        lambda client, key: client.post("/api/write", {"delete": [key]}), "w"
    ),
    "write-ttls": Need(
        lambda client, key: client.write({key: "new"}, ttls={key: 3600}), "w"
    ),
    "delete-if": Need(
        lambda client, key: client.delete([key], **{"if": {key: None}}), "rw"
    ),
    "get": Need(one_key("GET"), "r"),
    "head": Need(one_key("HEAD"), "r"),
    "put": Need(one_key("PUT", '"new"'), "w"),
    "delete-one": Need(one_key("DELETE"), "w"),
    "put-if": Need(one_key("PUT", '"new"', If_None_Match="*"), "rw"),
    "put-if-match": Need(one_key("PUT", '"new"', If_Match='"1"'), "rw"),
    "history": Need(
        lambda client, key: client.request("GET", f"/api/history?key={key}"), "r"
    ),
    "changes": Need(
        lambda client, key: client.request("GET", f"/api/changes?prefix={key}"), "r"
    ),
}


@pytest.fixture
async def owner(visitor: Client) -> Client:
    """A client with all rights."""
    return await Client(visitor.session, visitor.url).enter()


@pytest.fixture
def area() -> str:
    return unique("area") + "/"


@pytest.mark.parametrize("need", NEEDS.values(), ids=NEEDS)
@pytest.mark.parametrize("rights", ["", "r", "w", "rw"])
async def test_a_call_requires_its_rights_to_the_key_that_it_names(
    client: Client,
    owner: Client,
    tarantool: Tarantool,
    area: str,
    need: Need,
    rights: str,
) -> None:
    key = f"{area}key"
    await owner.write({key: "old"})
    set_grants(tarantool, account_of(client), *([(area, rights)] if rights else []))
    before = (await owner.write({unique("mark"): 1})).revision
    reply = await need.call(client, key)
    if set(need.rights) <= set(rights):
        assert reply.status in (200, 204, 412)
        return
    assert reply.status == 403
    if reply.text:
        detail = assert_problem(reply, 403, "forbidden")
        assert key in detail
        assert "old" not in reply.text
    assert "KV-Revision" not in reply.headers
    assert "ETag" not in reply.headers
    assert (await owner.read([key])).json["data"] == {key: "old"}
    assert (await owner.write({unique("mark"): 1})).revision == before + 1


@pytest.mark.parametrize("need", NEEDS.values(), ids=NEEDS)
async def test_a_refusal_does_not_reveal_whether_the_key_exists(
    client: Client, owner: Client, tarantool: Tarantool, area: str, need: Need
) -> None:
    lacking = "r" if need.rights == "w" else "w" if need.rights == "r" else ""
    set_grants(tarantool, account_of(client), *([(area, lacking)] if lacking else []))
    replies = []
    for _ in range(2):
        reply = await need.call(client, f"{area}key")
        replies.append((reply.status, reply.same_headers, reply.text_without_id))
        await owner.write({f"{area}key": 1, f"{area}key#": 1})
    assert replies[0] == replies[1]
    assert replies[0][0] == 403


async def test_the_first_refused_key_is_named_and_nothing_is_done(
    client: Client, owner: Client, tarantool: Tarantool, area: str
) -> None:
    set_grants(tarantool, account_of(client), (f"{area}mine/", "rw"))
    mine, first, second = f"{area}mine/a", f"{area}theirs/1", f"{area}theirs/2"
    for call in (
        client.write({mine: 1, first: 1, second: 1}),
        client.read([mine, first, second]),
        client.delete([mine, first, second]),
        client.write({mine: 1}, delete=[first, second]),
        client.increment({mine: 1, first: 1, second: 1}),
        client.write({mine: 1}, **{"if": {mine: None, first: None, second: None}}),
    ):
        detail = assert_problem(await call, 403, "forbidden")
        assert first in detail
        assert second not in detail
    assert (await owner.read([mine, first, second])).json == {"data": {}}


async def test_a_grant_is_of_a_prefix_to_the_byte(
    client: Client, tarantool: Tarantool, area: str
) -> None:
    set_grants(
        tarantool, account_of(client), (f"{area}a", "rw"), (f"{area}\u00e9", "r")
    )
    for key, status in {
        f"{area}a": 200,
        f"{area}ab": 200,
        f"{area}A": 403,
        f"{area}\u00e9": 403,
        area: 403,
        "a": 403,
        f"x{area}a": 403,
    }.items():
        assert (await client.write({key: 1})).status == status, key
    assert (await client.read([f"{area}\u00e9a"])).status == 200


async def test_rights_of_several_grants_add_up(
    client: Client, tarantool: Tarantool, area: str
) -> None:
    set_grants(tarantool, account_of(client), (area, "r"), (f"{area}counter", "w"))
    assert (await client.increment({f"{area}counter": 1})).status == 200
    assert (await client.increment({f"{area}other": 1})).status == 403


async def test_a_grant_holds_from_the_next_call_on(
    client: Client, tarantool: Tarantool, area: str
) -> None:
    key, name = f"{area}key", account_of(client)
    for grants, status in (
        ([], 403),
        ([(area, "rw")], 200),
        ([(area, "r")], 403),
        ([("", "rw")], 200),
    ):
        set_grants(tarantool, name, *grants)
        assert (await client.write({key: 1})).status == status
    assert (await client.request("GET", "/api/me")).json["grants"] == [
        {"prefix": "", "rights": "rw"}
    ]


async def test_a_retry_is_not_answered_when_the_grant_is_gone(
    client: Client, tarantool: Tarantool, area: str
) -> None:
    async def increment() -> Reply:
        return await client.post(
            "/api/increment",
            {"data": {f"{area}counter": 1}},
            headers={"Idempotency-Key": "once"},
        )

    assert (await increment()).status == 200
    set_grants(tarantool, account_of(client))
    assert_problem(await increment(), 403, "forbidden")


# Lists


@pytest.fixture
async def keys(owner: Client, area: str) -> list[str]:
    keys = [f"{area}{middle}/{i}" for middle in "abcd" for i in range(5)]
    await owner.write(dict.fromkeys(keys, "value"))
    return keys


GRANTS = {
    "one": [("b/", "r")],
    "two": [("d/", "rw"), ("b/", "r")],
    "inner": [("b/", "r"), ("b/3", "r"), ("b", "r")],
    "single-keys": [("a/4", "r"), ("c/0", "rw"), ("c/00", "r")],
    "with-writes-between": [("a/", "r"), ("b/", "w"), ("c/", "rw")],
    "all": [("", "r")],
}


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
@pytest.mark.parametrize("grants", GRANTS.values(), ids=GRANTS)
async def test_a_list_shows_only_what_may_be_read(
    client: Client,
    tarantool: Tarantool,
    area: str,
    keys: list[str],
    grants: list[tuple[str, str]],
    limit: int,
) -> None:
    own = [(area + prefix, rights) for prefix, rights in grants]
    set_grants(tarantool, account_of(client), *own)
    readable = [prefix for prefix, rights in own if "r" in rights]
    expected = [key for key in keys if key.startswith(tuple(readable))]
    for prefix in "", area:
        found = [
            key
            async for page in client.pages(prefix, limit=limit)
            for key in page["keys"]
        ]
        assert found == expected
    valued = await client.list_keys("", values=True)
    assert list(valued.json["data"]) == expected


async def test_a_list_resumes_after_any_key(
    client: Client, tarantool: Tarantool, area: str, keys: list[str]
) -> None:
    set_grants(tarantool, account_of(client), (f"{area}b/", "r"), (f"{area}d/", "r"))
    readable = [key for key in keys if key[len(area)] in "bd"]
    for after in [*keys, area, f"{area}b/", f"{area}b/2x", f"{area}c", "\U0010ffff"]:
        reply = await client.list_keys("", after=after)
        left = [key for key in readable if key.encode() > after.encode()]
        assert reply.json == {"keys": left, "next": None}


# Changes


async def test_changes_show_only_what_may_be_read(
    client: Client, owner: Client, tarantool: Tarantool, area: str
) -> None:
    set_grants(tarantool, account_of(client), (f"{area}a/", "r"), (f"{area}c/", "rw"))
    since = (await owner.write({unique("mark"): 1})).revision
    batch = {f"{area}{name}/1": name for name in "abc"}
    first = (await owner.write(batch)).revision
    await owner.write({f"{area}b/2": "unseen"})
    last = (await owner.delete([f"{area}b/1", f"{area}c/1"])).revision
    reply = await client.request("GET", f"/api/changes?since={since}")
    assert reply.json == {
        "changes": [
            {
                "revision": first,
                "data": {f"{area}a/1": "a", f"{area}c/1": "c"},
                "deleted": [],
            },
            {"revision": last, "data": {}, "deleted": [f"{area}c/1"]},
        ],
        "revision": last,
    }


async def test_a_stream_follows_the_grants_of_its_account(
    client: Client, owner: Client, tarantool: Tarantool, area: str
) -> None:
    name = account_of(client)
    a, b = f"{area}a", f"{area}b"
    set_grants(tarantool, name, (a, "r"))
    async with following(client) as stream:
        await stream.start()

        async def next_data() -> Any:
            return json.loads((await stream.next()).data)["data"]

        await owner.write({a: 1, b: 1})
        assert await next_data() == {a: 1}
        await asyncio.to_thread(set_grants, tarantool, name, (b, "r"))
        await owner.write({a: 2, b: 2})
        assert await next_data() == {b: 2}
        await asyncio.to_thread(set_grants, tarantool, name, (a, "r"), (b, "r"))
        await owner.write({a: 3, b: 3})
        assert await next_data() == {a: 3, b: 3}


# New accounts


async def test_a_new_account_gets_the_default_grants(
    tarantools: Tarantools, serve: Serve
) -> None:
    grants = [
        {"prefix": "public/", "rights": "r"},
        {"prefix": "in,box/", "rights": "w"},
    ]
    admin = {"ADMIN_LOGIN": "admin", "ADMIN_PASSWORD": "password"}
    with tarantools.running(KV_DEFAULT_GRANTS=json.dumps(grants)) as own:
        async with serve(own, **admin) as client:
            await client.enter()
            assert (await client.request("GET", "/api/me")).json["grants"] == grants
            assert (await client.read(["public/a"])).status == 200
            assert (await client.write({"in,box/a": 1})).status == 200
            assert (await client.write({"public/a": 1})).status == 403
            # the operator's own account is not a new one like others
            await client.login("admin", "password")
            assert (await client.write({"public/a": 1})).status == 200
