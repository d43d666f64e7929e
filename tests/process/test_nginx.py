"""Behind nginx, with nothing said in its configuration but where the service is."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client import Client, unique
from tests.events import following, query
from tests.process.nginx import nginx
from tests.verbatim import path_of, send

#: Seconds in which nothing comes that is held back.
LONG_ENOUGH = 1.0

#: What nginx holds back at the most, by default, is less.
LARGE = "x" * 128 * 1024

#: The control: events are held back where nginx does not heed our header.
HOLD_BACK = "proxy_ignore_headers X-Accel-Buffering;"

PATHS = [
    *("a%2Fb", "a/b", "a//b", "%2F", "/", "a%2F%2Fb", "a%252Fb", "%25", "a%20b"),
    *("a+b", "a%2Bb", "a;b=c", "a%3Fb", "a%23b", "a/../b", "a%2F..%2Fb", "%C3%A9"),
    *("%0A", "a&b=c", "a:b@c", "%E2%80%A8", "..%2F", "x" * 1024),
]


@pytest.fixture
def behind(client: Client, tmp_path: Path) -> Iterator[Client]:
    with nginx(tmp_path / "nginx", client.url) as url:
        yield at(url, client)


def at(url: str, client: Client) -> Client:
    """The same account, by another way."""
    other = Client(client.session, url)
    other.token = client.token
    return other


async def written(client: Client, key: str, value: object) -> str:
    """Returns the revision."""
    reply = await client.write({key: value})
    assert reply.status == 200
    return reply.headers["KV-Revision"]


async def test_events_come_one_by_one(behind: Client) -> None:
    prefix = unique("nginx")
    async with following(behind, prefix=prefix) as stream:
        assert "X-Accel-Buffering" not in stream.response.headers  # nginx has heeded it
        for value in range(5):
            revision = await written(behind, prefix, value)
            assert (await stream.next()).id == revision


async def told(client: Client, prefix: str, since: str, count: int) -> list[str]:
    async with following(client, prefix=prefix, since=since) as stream:
        return [event.id for event in await stream.take(count)]


async def test_events_are_held_back_where_nginx_buffers(
    client: Client, tmp_path: Path
) -> None:
    """The control of the one before."""
    prefix = unique("nginx")
    since = await written(client, unique("other"), 1)
    with (
        nginx(tmp_path / "buffering", client.url, HOLD_BACK) as buffering,
        nginx(tmp_path / "default", client.url) as default,
    ):
        held_back, prompt = (
            asyncio.create_task(told(at(url, client), prefix, since, 3))
            for url in (buffering, default)
        )
        revisions = [await written(client, prefix, value) for value in range(3)]
        assert await prompt == revisions
        await asyncio.sleep(LONG_ENOUGH)
        assert not held_back.done()
        await written(client, prefix, LARGE)
        assert await held_back == revisions


async def test_a_silent_stream_has_a_heartbeat(
    behind: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.handlers.changes.HEARTBEAT", 0.2)
    async with following(behind, prefix=unique("silent")) as stream:
        assert await stream.comments(5) == ["heartbeat"] * 5


async def test_a_client_comes_back_with_its_last_event_id(behind: Client) -> None:
    prefix = unique("left")
    async with following(behind, prefix=prefix) as stream:
        revision = await written(behind, prefix, 1)
        assert (await stream.next()).id == revision
    async with following(behind, prefix=prefix, last_event_id=revision) as stream:
        revision = await written(behind, prefix, 2)
        assert (await stream.next()).id == revision


async def test_a_poll_wakes_with_the_change(behind: Client) -> None:
    key = unique("nginx")
    since = await written(behind, unique("other"), 1)
    waiting = asyncio.create_task(
        behind.request("GET", query(since=since, prefix=key, wait=30))
    )
    await asyncio.sleep(0.5)
    assert not waiting.done()
    revision = await written(behind, key, 1)
    (change,) = (await waiting).json["changes"]
    assert str(change["revision"]) == revision


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:20])
async def test_a_path_is_passed_on_as_it_is(
    behind: Client, client: Client, path: str
) -> None:
    value = f'"{unique("value")}"'
    written = await send(behind, "PUT", f"/api/keys/{path}", value)
    assert written.status == 204
    found = await send(client, "GET", f"/api/keys/{path}")
    assert (found.text, found.headers["ETag"]) == (value, written.headers["ETag"])
    unchanged = ("If-None-Match", found.headers["ETag"])
    again = await send(behind, "GET", f"/api/keys/{path}", None, unchanged)
    assert again.status == 304


async def test_a_key_keeps_its_headers(behind: Client) -> None:
    key = unique("nginx")
    await send(behind, "PUT", f"{path_of(key)}?ttl=3600", "1.0")
    found = await send(behind, "GET", path_of(key))
    assert found.text == "1.0"
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    assert float(found.headers["KV-TTL"]) > 3500
    deleted = await send(behind, "DELETE", path_of(key))
    assert deleted.revision > 0
