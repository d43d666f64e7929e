"""Stale reads of a single instance: as strict as other reads, with headers."""

import pytest

from tests.support.client import Client, unique


async def test_a_stale_read_has_an_age_and_a_revision(client: Client) -> None:
    key = unique("key")
    written = await client.write({key: 1.0})
    found = await client.read([key, unique("missing")], stale=True)
    assert (found.status, found.text) == (200, f'{{"data":{{"{key}":1.0}}}}')
    assert found.headers["KV-Age"] == "0.000"
    assert found.revision >= written.revision


async def test_a_strict_read_has_no_age(client: Client) -> None:
    key = unique("key")
    await client.write({key: 1})
    for stale in (False,):
        found = await client.read([key], stale=stale)
        assert found.json == {"data": {key: 1}}
        assert "KV-Age" not in found.headers
        assert "KV-Revision" not in found.headers


async def test_a_stale_read_with_details(client: Client) -> None:
    key = unique("key")
    written = await client.write({key: 1}, ttl=60)
    found = await client.read([key], stale=True, revisions=True)
    strict = await client.read([key], revisions=True)
    assert found.json["revisions"] == strict.json["revisions"]
    assert found.json["revisions"] == {key: written.revision}
    assert 50 < found.json["ttl"][key] <= 60
    assert "KV-Age" in found.headers


@pytest.mark.parametrize("size", [100, 40_000])
async def test_a_stale_read_of_any_size(client: Client, size: int) -> None:
    keys = {unique("key"): "v" * size for _ in range(20)}
    await client.write(keys)
    found = await client.read(list(keys), stale=True)
    assert found.json == {"data": keys}


async def test_a_stale_list(client: Client) -> None:
    prefix = unique("prefix")
    written = await client.write({f"{prefix}/a": 1, f"{prefix}/b": 2})
    found = await client.list_keys(prefix, stale=True, values=True)
    assert found.json["data"] == {f"{prefix}/a": 1, f"{prefix}/b": 2}
    assert found.headers["KV-Age"] == "0.000"
    assert found.revision >= written.revision
    assert "KV-Age" not in (await client.list_keys(prefix)).headers


@pytest.mark.parametrize("query", ["stale", "stale=", "stale=true"])
async def test_a_stale_read_of_one_key(client: Client, query: str) -> None:
    key = unique("key")
    written = await client.write({key: 1})
    for method in ("GET", "HEAD"):
        found = await client.request(method, f"/api/keys/{key}?{query}")
        assert found.status == 200
        assert found.headers["ETag"] == f'"{written.revision}"'
        assert found.headers["KV-Age"] == "0.000"
        assert found.revision >= written.revision
    unchanged = await client.request(
        "GET",
        f"/api/keys/{key}?{query}",
        headers={"If-None-Match": f'"{written.revision}"'},
    )
    assert (unchanged.status, unchanged.headers["KV-Age"]) == (304, "0.000")
    missing = await client.request("GET", f"/api/keys/{unique('key')}?{query}")
    assert (missing.status, missing.headers["KV-Age"]) == (404, "0.000")


@pytest.mark.parametrize("query", ["", "?stale=false"])
async def test_a_strict_read_of_one_key_has_no_age(client: Client, query: str) -> None:
    key = unique("key")
    await client.write({key: 1})
    found = await client.request("GET", f"/api/keys/{key}{query}")
    assert found.status == 200
    assert "KV-Age" not in found.headers


@pytest.mark.parametrize("query", ["stale=1", "stale&stale", "stal", "stale&ttl=1"])
async def test_another_query_is_refused(client: Client, query: str) -> None:
    found = await client.request("GET", f"/api/keys/k?{query}")
    assert (found.status, found.json["code"]) == (400, "invalid_request")


async def test_stale_is_a_boolean(client: Client) -> None:
    for reply in (
        await client.read(["k"], stale=1),
        await client.list_keys("", stale="true"),
        await client.write({"k": 1}, stale=True),
    ):
        assert (reply.status, reply.json["code"]) == (400, "invalid_request")


async def test_a_revoked_token_is_refused(client: Client) -> None:
    await client.post("/api/logout")
    for reply in (
        await client.read(["k"], stale=True),
        await client.list_keys("", stale=True),
        await client.request("GET", "/api/keys/k?stale"),
    ):
        assert (reply.status, reply.json["code"]) == (403, "token_revoked")


async def test_a_single_instance_is_ready_for_stale_reads(client: Client) -> None:
    assert (await client.request("GET", "/readyz?reads")).status == 200
