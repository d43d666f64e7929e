"""The service behind nginx with a minimal configuration."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest

from service.api.changes import StreamTiming
from service.api.context import ADMISSION
from service.app import Tuning
from service.process.serving import running
from service.process.sockets import bind
from service.settings import Settings
from service.telemetry.log import Log
from service.web.admission import Admission
from tests.support.client import Client, unique
from tests.support.nginx import nginx
from tests.support.service import Serve, environ_for
from tests.support.sse import following, query
from tests.support.tarantool import Tarantool
from tests.support.verbatim import path_of, send

#: Seconds in which nothing that is buffered arrives.
LONG_ENOUGH = 1.0

#: Larger than what nginx buffers at most, by default.
LARGE = "x" * 128 * 1024

#: The control: events are buffered where nginx ignores the service's header.
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
        assert "X-Accel-Buffering" not in stream.response.headers  # nginx has used it
        for value in range(5):
            revision = await written(behind, prefix, value)
            assert (await stream.next()).id == revision


async def received(client: Client, prefix: str, since: str, count: int) -> list[str]:
    async with following(client, prefix=prefix, since=since) as stream:
        return [event.id for event in await stream.take(count)]


async def test_events_are_delayed_where_nginx_buffers(
    client: Client, tmp_path: Path
) -> None:
    """The control of the one before."""
    prefix = unique("nginx")
    since = await written(client, unique("other"), 1)
    with (
        nginx(tmp_path / "buffering", client.url, HOLD_BACK) as buffering,
        nginx(tmp_path / "default", client.url) as default,
    ):
        buffered, prompt = (
            asyncio.create_task(received(at(url, client), prefix, since, 3))
            for url in (buffering, default)
        )
        revisions = [await written(client, prefix, value) for value in range(3)]
        assert await prompt == revisions
        await asyncio.sleep(LONG_ENOUGH)
        assert not buffered.done()
        await written(client, prefix, LARGE)
        assert await buffered == revisions


async def test_a_silent_stream_has_a_heartbeat(
    serve: Serve, tarantool: Tarantool, tmp_path: Path
) -> None:
    tuning = Tuning(stream=StreamTiming(heartbeat=0.2))
    async with serve(tarantool, tuning=tuning) as client:
        await client.enter()
        with nginx(tmp_path / "nginx", client.url) as url:
            async with following(at(url, client), prefix=unique("silent")) as stream:
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


# The timeout of a proxy

#: Seconds: the 55 after which a poll is answered and the 60 of nginx, but shorter.
POLL, TIMEOUT = 1.0, 4.0


@contextlib.asynccontextmanager
async def answering_polls_after(
    seconds: float, tarantool: Tarantool
) -> AsyncIterator[Client]:
    settings = Settings.from_env(environ_for(tarantool))
    async with (
        running(settings, bind(settings), Log(settings)) as runner,
        aiohttp.ClientSession() as session,
    ):
        runner.app[ADMISSION].max_poll = seconds
        url = f"http://{settings.host}:{settings.port}"
        yield await Client(session, url).enter()


@pytest.mark.parametrize(
    ("max_poll", "status"), [(POLL, 200), (60.0, 504)], ids=["in-time", "control"]
)
async def test_a_long_poll_is_answered_before_the_proxy_gives_up(
    tarantool: Tarantool, tmp_path: Path, max_poll: float, status: int
) -> None:
    more = f"proxy_read_timeout {TIMEOUT:.0f}s;"
    async with answering_polls_after(max_poll, tarantool) as client:
        with nginx(tmp_path / "impatient", client.url, more) as url:
            path = query(prefix=unique("nothing"), wait=60)
            reply = await at(url, client).request("GET", path)
    assert reply.status == status
    if status == 200:
        assert reply.json["changes"] == []


async def test_a_poll_with_a_shorter_wait_is_not_delayed(
    tarantool: Tarantool,
) -> None:
    async with answering_polls_after(3600.0, tarantool) as client:
        reply = await client.request("GET", query(prefix=unique("none"), wait=0.5))
    assert reply.json["changes"] == []


def test_a_poll_is_answered_after_55_s_by_default(tarantool: Tarantool) -> None:
    admission = Admission(Settings.from_env(environ_for(tarantool)), max_delay=5.0)
    assert admission.max_poll == 55


# A proxy that compresses

#: nginx makes the tag of what it compresses a weak one.
COMPRESS = "gzip on; gzip_min_length 1; gzip_types application/json; gzip_proxied any;"


async def test_a_tag_weakened_by_a_compressing_proxy_matches(
    client: Client, tmp_path: Path
) -> None:
    path, value = path_of(unique("weak")), f'"{"x" * 1000}"'
    with nginx(tmp_path / "compressing", client.url, COMPRESS) as url:
        behind = at(url, client)
        for method, body in ("PUT", '"new"'), ("DELETE", None):
            await behind.request("PUT", path, value)
            read = await behind.request(
                "GET", path, headers={"Accept-Encoding": "gzip"}
            )
            assert read.headers["Content-Encoding"] == "gzip"
            weak = read.headers["ETag"]
            assert weak.startswith('W/"')
            unchanged = await behind.request(
                "GET", path, headers={"If-None-Match": weak}
            )
            assert unchanged.status == 304
            again = await behind.request("GET", path, headers={"If-Match": weak})
            assert again.text == value
            changed = await behind.request(
                method, path, body, headers={"If-Match": weak}
            )
            assert changed.status == 204
            # and what has changed since does not match
            await behind.request("PUT", path, '"other"')
            for late, value_now in ("GET", None), ("PUT", "1"), ("DELETE", None):
                refused = await behind.request(
                    late, path, value_now, headers={"If-Match": weak}
                )
                assert refused.status == 412


# A path of its own


@pytest.fixture
def below(client: Client, tmp_path: Path) -> Iterator[Client]:
    """Below a path of a proxy."""
    with nginx(tmp_path / "below", client.url, path="/kv/") as url:
        yield at(url, client)


@pytest.fixture
async def without_console(
    serve: Serve, tarantool: Tarantool, tmp_path: Path
) -> AsyncIterator[Client]:
    """Below a path of a proxy."""
    async with serve(tarantool, KV_CONSOLE="off") as client:
        with nginx(tmp_path / "without", client.url, path="/kv/") as url:
            yield at(url, client)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_without_a_console_the_root_leads_to_the_docs_below_a_path(
    without_console: Client, method: str
) -> None:
    root = f"{without_console.url}/"
    async with without_console.session.request(method, root) as response:
        assert response.status == 200
        assert str(response.url) == f"{without_console.url}/docs"
        (redirect,) = response.history
        assert redirect.status == 302


@pytest.mark.parametrize(("path", "least"), [("/", 2), ("/docs", 4)])
async def test_the_files_of_a_page_are_found_below_a_path(
    below: Client, path: str, least: int
) -> None:
    page = await below.request("GET", path)
    files = re.findall(r'(?:href|src)="([^"]*)"', page.text)
    assert len(files) >= least
    for file in files:
        assert (await below.request("HEAD", f"/{file}")).status == 200


async def test_the_document_names_the_server_below_a_path(below: Client) -> None:
    where = f"{below.url}/openapi.json"
    document = (await below.request("GET", "/openapi.json")).json
    (server,) = document["servers"]
    assert urljoin(where, server["url"]) == f"{below.url}/"


# What is passed on


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
