"""Clients that are slow, too many or too large harm no others.

Each attack has a control: the same one without the limit, to show that it does harm.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from service.app import DEFAULT_TUNING, Tuning
from service.web.admission import HEALTH_RESERVE
from service.web.connection import HttpConnection
from tests.support.assertions import assert_problem
from tests.support.certificates import Authority, Pair
from tests.support.client import Client, Reply, unique
from tests.support.machine import POLL_INTERVAL, is_read, wait_until
from tests.support.raw_http import REPLY_TIMEOUT, http, left_waiting, talk
from tests.support.service import Serve, ServiceProcess, environ_for, service_process
from tests.support.sse import following, query
from tests.support.tarantool import Tarantool, Tarantools, evaluated

KIB = 1024
MIB = 1024 * KIB

#: Seconds that a client gets where it is cut off, and where it is not.
SHORT, LONG = "1", "3600"

#: Seconds in which a client that gets one is cut off, on a busy machine; and in which
#: one that gets an hour is not.
CUT_OFF, NOT_CUT_OFF = 10.0, 2.5

ATTACKERS = 300
MAX_CONNECTIONS = 100

#: Values that are read at once, and the bytes of each.
READERS, LARGE = 30, 8 * MIB


class Slow:
    """Connections that send these bytes and then one more from time to time."""

    def __init__(self, client: Client, sent: bytes, more: bytes = b"a") -> None:
        url = urlsplit(client.url)
        self._host, self._port = url.hostname, url.port
        self._sent, self._more = sent, more
        self.open = 0
        self.answers: list[bytes] = []

    @contextlib.asynccontextmanager
    async def attacking(self, count: int) -> AsyncIterator[None]:
        """A client that is cut off connects again."""
        tasks = [asyncio.create_task(self._keep_on()) for _ in range(count)]
        try:
            await until(lambda: self.open >= min(count, MAX_CONNECTIONS))
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_on(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                self.answers.append(await self.one())
            await asyncio.sleep(POLL_INTERVAL)

    async def one(self) -> bytes:
        """The reply that it gets before it is cut off."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        answer = asyncio.create_task(_received(reader))
        self.open += 1
        try:
            writer.write(self._sent)
            while not (await asyncio.wait([answer], timeout=0.2))[0]:
                writer.write(self._more)
            return await answer
        finally:
            self.open -= 1
            answer.cancel()
            writer.close()


async def _received(reader: asyncio.StreamReader) -> bytes:
    """All up to the end; a reset may follow a reply to a client that sends more."""
    received = b""
    try:
        while part := await reader.read(64 * 1024):
            received += part
    except ConnectionError:
        if not received:
            raise
    return received


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(REPLY_TIMEOUT):
        while True:
            if condition():
                return
            await asyncio.sleep(POLL_INTERVAL)


async def until_answered(ask: Callable[[], Awaitable[Reply]], status: int) -> None:
    async with asyncio.timeout(REPLY_TIMEOUT):
        while True:
            if (await ask()).status == status:
                return
            await asyncio.sleep(POLL_INTERVAL)


async def is_served(client: Client, count: int, seconds: float) -> bool:
    """Whether this many requests, each on a new connection, succeed in that time."""
    end = time.monotonic() + seconds
    while count and time.monotonic() < end:
        timeout = min(REPLY_TIMEOUT, end - time.monotonic())
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(timeout), alone(client) as visitor:
                count -= (await visitor.read(["k"])).status == 200
        await asyncio.sleep(POLL_INTERVAL)
    return count == 0


def slow_head(client: Client) -> Slow:
    return Slow(client, b"GET /livez HTTP/1.1\r\nHost: kv\r\na: ")


def slow_body(client: Client) -> Slow:
    return Slow(client, http("POST", "/api/login", b"Content-Length: 8000"), b" ")


def stalled_body(client: Client) -> Slow:
    """A body of which a part comes fast, and the rest not at all."""
    head = http("POST", "/api/write", b"Content-Length: %d" % MIB, token=client.token)
    return Slow(client, head + b" " * (MIB // 2), b"")


def silence(client: Client) -> Slow:
    return Slow(client, b"", b"")


def assert_overloaded(reply: Reply, *, applied: str | None = None) -> None:
    assert_problem(reply, 503, "overloaded")
    assert int(reply.headers["Retry-After"]) >= 1
    assert reply.json.get("applied") == applied


# Slow ones


@pytest.mark.parametrize("attack", [slow_head, slow_body, stalled_body])
async def test_a_client_that_sends_too_slowly_is_refused_and_cut_off(
    serve: Serve, tarantool: Tarantool, attack: Callable[[Client], Slow]
) -> None:
    async with serve(tarantool, KV_CLIENT_TIMEOUT=SHORT) as client:
        await client.enter()
        begin = time.monotonic()
        async with asyncio.timeout(CUT_OFF):
            answer = await attack(client).one()
        assert time.monotonic() - begin >= float(SHORT)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] == b"408"
    assert b"connection: close" in head.lower()
    assert json.loads(body)["code"] == "request_timeout"


@pytest.mark.parametrize("attack", [slow_head, slow_body, stalled_body])
async def test_a_slow_client_is_served_without_the_limit(
    serve: Serve, tarantool: Tarantool, attack: Callable[[Client], Slow]
) -> None:
    """The control of the one before."""
    async with serve(tarantool, KV_CLIENT_TIMEOUT=LONG) as client:
        await client.enter()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(NOT_CUT_OFF):
                await attack(client).one()


async def test_a_body_that_comes_at_a_steady_rate_is_waited_for(
    serve: Serve, tarantool: Tarantool
) -> None:
    key = unique("steady")
    async with serve(tarantool, KV_CLIENT_TIMEOUT="2") as client:  # it takes three
        await client.enter()

        async def steadily() -> AsyncIterator[bytes]:
            body = json.dumps({"data": {key: 1}}).encode().ljust(128 * KIB)
            for begin in range(0, len(body), 8 * KIB):
                yield body[begin : begin + 8 * KIB]
                await asyncio.sleep(0.2)

        headers = {"Authorization": f"Bearer {client.token}"}
        async with client.session.post(
            f"{client.url}/api/write", data=steadily(), headers=headers
        ) as response:
            assert response.status == 200


@pytest.mark.parametrize("is_protected", [True, False], ids=["protected", "control"])
@pytest.mark.parametrize("attack", [slow_head, slow_body, silence])
async def test_hundreds_of_slow_clients_do_not_block_others(
    serve: Serve,
    tarantool: Tarantool,
    attack: Callable[[Client], Slow],
    is_protected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not is_protected:  # an open connection stays open
        monkeypatch.setattr(HttpConnection, "idle_seconds", None)
    async with serve(
        tarantool,
        KV_CLIENT_TIMEOUT=SHORT if is_protected else LONG,
        KV_MAX_CONNECTIONS=str(MAX_CONNECTIONS),
    ) as client:
        await client.enter()
        await client.session.close()
        async with attack(client).attacking(ATTACKERS):
            seconds = CUT_OFF if is_protected else NOT_CUT_OFF
            assert await is_served(client, 3, seconds) is is_protected


async def test_a_stream_is_not_taken_for_an_idle_connection(
    serve: Serve, tarantool: Tarantool
) -> None:
    async with serve(tarantool, KV_MAX_CONNECTIONS=str(MAX_CONNECTIONS)) as client:
        await client.enter()
        async with following(client) as stream:
            await stream.start()
            async with silence(client).attacking(ATTACKERS):
                written = await client.write({unique("k"): 1})
                assert (await stream.next()).id == str(written.revision)


async def test_an_idle_connection_is_closed(serve: Serve, tarantool: Tarantool) -> None:
    async with serve(tarantool, KV_KEEPALIVE_TIMEOUT=SHORT) as client:
        url = urlsplit(client.url)
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        with contextlib.closing(writer):
            writer.write(http("GET", "/livez"))
            assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 ")
            async with asyncio.timeout(CUT_OFF):
                assert await reader.read() == b""


@pytest.fixture(params=["plain", "tls"])
def secured(request: pytest.FixtureRequest) -> Pair | None:
    return None if request.param == "plain" else request.getfixturevalue("pair")


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
@pytest.mark.parametrize(
    ("client_timeout", "is_cut_off"),
    [(SHORT, True), (LONG, False)],
    ids=["cut", "control"],
)
async def test_a_client_that_does_not_read_its_reply_is_cut_off(
    tarantool: Tarantool,
    authority: Authority,
    secured: Pair | None,
    tmp_path: Path,
    client_timeout: str,
    is_cut_off: bool,
) -> None:
    key = unique("large")
    sizes = {"KV_MAX_VALUE": LARGE, "KV_MAX_BODY": 2 * LARGE, "KV_MAX_HELD": 2 * LARGE}
    environ = {name: str(size) for name, size in sizes.items()}
    environ["KV_CLIENT_TIMEOUT"] = client_timeout
    environ |= secured.environ() if secured else {}
    context = authority.context() if secured else None
    connector = aiohttp.TCPConnector(ssl=context or True)
    with service_process(tmp_path, **environ_for(tarantool, **environ)) as process:
        async with aiohttp.ClientSession(connector=connector) as session:
            url = process.url.replace("http:", "https:" if secured else "http:")
            client = await Client(session, url).enter()
            written = await client.request("PUT", f"/api/keys/{key}", large_value())
            assert written.status == 204
            async with left_waiting(client, reads(client, key), context) as reader:
                await reader.readexactly(KIB)  # its reply has begun
                assert_overloaded(await client.read([key]))
                seconds = CUT_OFF if is_cut_off else NOT_CUT_OFF
                assert await is_read(client, [key], seconds) is is_cut_off


# Too many, too large


@contextlib.asynccontextmanager
async def uploading(
    client: Client, announced: int, sent: int = 0
) -> AsyncIterator[None]:
    """A write in flight whose body does not come, or stops on the way."""
    url = urlsplit(client.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    with contextlib.closing(writer):
        headers = b"Content-Length: %d\r\nExpect: 100-continue" % announced
        writer.write(http("POST", "/api/write", headers, token=client.token))
        assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
        writer.write(b" " * sent)
        await writer.drain()
        yield


async def test_requests_beyond_the_limit_are_refused_at_once(
    serve: Serve, own: Tarantool
) -> None:
    async with serve(own, KV_MAX_IN_FLIGHT="5") as client:
        await client.enter()
        await refused_at_the_limit(client, own)


async def refused_at_the_limit(client: Client, own: Tarantool) -> None:
    """Expects refusals with five requests in flight, the limit."""
    async with uploading(client, 100), busy(client, own, 5):
        assert_overloaded(await client.read(["k"]))
        assert_overloaded(await client.login("nobody", "password"))
        assert_overloaded(await client.request("GET", "/api/keys/k"))
        assert_overloaded(await client.request("GET", "/nothing"))
        for reply in (
            await client.write({"k": 1}),
            await client.register(unique("user"), "password"),
            await client.request("PUT", "/api/keys/k", "1"),
            await client.request("DELETE", "/api/keys/k"),
        ):
            assert_overloaded(reply, applied="no")
        for path in ("/livez", "/readyz"):
            assert (await client.request("GET", path)).status == 200
    await until_answered(lambda: client.read(["k"]), 200)


async def test_watchers_have_a_limit_of_their_own(
    serve: Serve, tarantool: Tarantool
) -> None:
    async with (
        serve(tarantool, KV_MAX_IN_FLIGHT="1", KV_MAX_WATCHERS="3") as client,
        contextlib.AsyncExitStack() as stack,
    ):
        await client.enter()
        streams = [await stack.enter_async_context(following(client)) for _ in range(3)]
        for stream in streams:
            await stream.start()
        assert_overloaded(await client.request("GET", query()))
        assert (await client.read(["k"])).status == 200
        await stack.aclose()
        await until_answered(lambda: client.request("GET", query()), 200)


# Every connection is busy

#: A list takes as long as the test likes.
LISTS_WAIT = """
waiting, released = 0, false
local list, fiber = kv.v1.list_page, require('fiber')
kv.v1.list_page = function(...)
    waiting = waiting + 1
    while not released do fiber.sleep(0.01) end
    return list(...)
end
"""

#: Of a small service: three quarters of them are for watchers.
CONNECTIONS, FOR_WATCHERS = 8, 6

#: Connections that come and say nothing, more than are in reserve.
SILENT = 3 * HEALTH_RESERVE


@contextlib.asynccontextmanager
async def alone(service: Client) -> AsyncIterator[Client]:
    """A client with the token and connections of its own."""
    async with aiohttp.ClientSession() as session:
        client = Client(session, service.url)
        client.token = service.token
        yield client


async def ask_alone(service: Client, path: str) -> Reply:
    async with alone(service) as client, asyncio.timeout(REPLY_TIMEOUT):
        return await client.request("GET", path)


async def assert_healthy(service: Client) -> None:
    for path in ("/livez", "/readyz"):
        assert (await ask_alone(service, path)).status == 200


@contextlib.asynccontextmanager
async def long_poll(service: Client) -> AsyncIterator[None]:
    """A long poll that waits for a change."""
    url = urlsplit(service.url)
    path = query(prefix=unique("nothing"), wait=60)
    sent = http("GET", path, b"Expect: 100-continue", token=service.token)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    with contextlib.closing(writer):
        writer.write(sent)
        # sent as the handler is called
        assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
        yield


@contextlib.asynccontextmanager
async def watchers(service: Client, count: int) -> AsyncIterator[None]:
    """This many watchers, every other one a long poll."""
    async with contextlib.AsyncExitStack() as stack:
        for number in range(count):
            if number % 2:
                await stack.enter_async_context(long_poll(service))
            else:
                client = await stack.enter_async_context(alone(service))
                stream = await stack.enter_async_context(following(client))
                await stream.start()
        yield


@contextlib.asynccontextmanager
async def busy(service: Client, own: Tarantool, count: int) -> AsyncIterator[None]:
    """This many requests are in flight, until the end."""
    own.console(LISTS_WAIT)
    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for _ in range(count):
            client = await stack.enter_async_context(alone(service))
            group.create_task(client.list_keys(""))
        try:
            await asyncio.to_thread(
                wait_until,
                lambda: int(evaluated(own, "waiting")) == count,
                REPLY_TIMEOUT,
            )
            yield
        finally:
            own.console("released = true")


@contextlib.asynccontextmanager
async def silent_newcomers(service: Client, count: int) -> AsyncIterator[None]:
    """This many connections are open and silent."""
    url = urlsplit(service.url)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(count):
            _, writer = await asyncio.open_connection(url.hostname, url.port)
            stack.callback(writer.close)
        yield


@contextlib.asynccontextmanager
async def small(
    serve: Serve, own: Tarantool, tuning: Tuning = DEFAULT_TUNING
) -> AsyncIterator[Client]:
    """A service with few connections, none of which is open."""
    environ = {"KV_MAX_CONNECTIONS": str(CONNECTIONS)}
    async with serve(own, tuning=tuning, **environ) as client:
        await client.enter()
        await client.session.close()
        yield client


@pytest.fixture
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    """An instance whose procedures a test replaces."""
    with tarantools.running() as instance:
        yield instance


@pytest.mark.parametrize(
    ("connections", "most"), [(4, 3), (8, 6), (9, 6), (100, 5)], ids=str
)
async def test_watchers_leave_a_quarter_of_the_connections(
    serve: Serve, tarantool: Tarantool, connections: int, most: int
) -> None:
    async with serve(
        tarantool,
        KV_MAX_CONNECTIONS=str(connections),
        KV_MAX_WATCHERS="5" if connections == 100 else "1000",
    ) as client:
        await client.enter()
        await client.session.close()
        async with watchers(client, most), alone(client) as another:
            refused = await another.request("GET", query())
            assert_overloaded(refused)
            assert f"the limit is {most}" in refused.json["detail"]
            assert (await another.read(["k"])).status == 200
            await assert_healthy(client)


async def test_a_health_check_is_answered_when_every_connection_is_busy(
    serve: Serve, own: Tarantool
) -> None:
    async with small(serve, own) as client:
        async with (
            watchers(client, FOR_WATCHERS),
            busy(client, own, CONNECTIONS - FOR_WATCHERS),
        ):
            for _ in range(SILENT):
                await assert_healthy(client)
            async with alone(client) as another:
                assert_overloaded(await another.write({"k": 1}), applied="no")
                assert_overloaded(await another.read(["k"]))
                assert_overloaded(await another.post("/api/login", {}))
                refused = await another.request("GET", "/api/keys/k")
                assert_overloaded(refused)
                assert refused.headers["Connection"] == "close"
                assert (await another.request("HEAD", "/livez")).status == 200
        await until_answered(lambda: ask_alone(client, "/api/me"), 200)


async def test_silent_new_connections_do_not_block_health_checks(
    serve: Serve, own: Tarantool
) -> None:
    async with small(serve, own) as client, busy(client, own, CONNECTIONS):
        for _ in range(10):
            async with silent_newcomers(client, SILENT):
                await assert_healthy(client)


async def test_without_the_reserve_a_health_check_is_reset(
    serve: Serve, own: Tarantool
) -> None:
    """The control of the two before."""
    async with (
        small(serve, own, Tuning(health_reserve=0)) as client,
        busy(client, own, CONNECTIONS),
    ):
        with pytest.raises(aiohttp.ClientError):
            await ask_alone(client, "/livez")


async def test_a_connection_of_the_reserve_becomes_an_ordinary_one(
    serve: Serve, own: Tarantool
) -> None:
    async with small(serve, own) as client, alone(client) as another:
        async with busy(client, own, CONNECTIONS):
            assert (await another.request("GET", "/livez")).status == 200
        async with silent_newcomers(client, CONNECTIONS - 1):
            assert (await another.read(["k"])).status == 200


async def test_idle_connections_do_not_block_health_checks(
    serve: Serve, own: Tarantool
) -> None:
    async with small(serve, own) as client, watchers(client, FOR_WATCHERS):
        for _ in range(10):
            async with silent_newcomers(client, SILENT):
                await assert_healthy(client)


async def test_bodies_beyond_the_buffer_limit_are_refused_at_once(
    serve: Serve, tarantool: Tarantool
) -> None:
    environ = {"KV_MAX_BODY": str(MIB), "KV_MAX_HELD": str(MIB)}
    large = b" " * (MIB // 2 + 1)
    async with serve(tarantool, **environ) as client:
        await client.enter()
        async with uploading(client, MIB, sent=MIB // 2):
            await until_answered(lambda: client.post("/api/write", large), 503)
            assert_overloaded(await client.post("/api/write", large), applied="no")
            chunks = http(
                "POST", "/api/write", b"Transfer-Encoding: chunked", token=client.token
            )
            chunk = b"%x\r\n%s\r\n" % (len(large), large)
            assert_overloaded(await talk(client, chunks, chunk), applied="no")
            assert (await client.write({unique("k"): 1})).status == 200
        await until_answered(lambda: client.post("/api/write", large), 400)


async def test_a_body_that_is_only_announced_reserves_nothing(
    serve: Serve, tarantool: Tarantool
) -> None:
    environ = {"KV_MAX_BODY": str(MIB), "KV_MAX_HELD": str(MIB)}
    large = json.dumps({"data": {unique("k"): 1}}).encode().ljust(MIB)
    async with serve(tarantool, **environ) as client, contextlib.AsyncExitStack() as on:
        await client.enter()
        for _ in range(8):
            await on.enter_async_context(uploading(client, MIB))
        assert (await client.post("/api/write", large)).status == 200


def reads(client: Client, key: str) -> bytes:
    body = json.dumps({"keys": [key]}).encode()
    return http("POST", "/api/read", body=body, token=client.token)


def large_value() -> bytes:
    return b'"%s"' % (b"x" * (LARGE - 2))


async def write_large(client: Client, keys: list[str]) -> None:
    for key in keys:
        body = b'{"data":{"%s":%s}}' % (key.encode(), large_value())
        reply = await talk(
            client, http("POST", "/api/write", body=body, token=client.token)
        )
        assert reply.status == 200, reply.text


@contextlib.asynccontextmanager
async def reading(client: Client, key: str) -> AsyncIterator[bytes]:
    """A reply that has begun and is not taken: its first line."""
    async with left_waiting(client, reads(client, key)) as reader:
        async with asyncio.timeout(REPLY_TIMEOUT):
            status = await reader.readline()
        yield status


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
@pytest.mark.parametrize(("max_held", "status"), [(24, 200), (16, 503)])
async def test_a_waiting_reply_reserves_its_own_size_and_not_the_largest(
    serve: Serve, tarantool: Tarantool, max_held: int, status: int
) -> None:
    """Of three, of 5 MiB each, and one more; the limit of each is 16."""
    sizes = {"KV_MAX_VALUE": 8, "KV_MAX_BODY": 16, "KV_MAX_HELD": max_held}
    environ = {name: str(size * MIB) for name, size in sizes.items()}
    key = unique("waiting")
    async with serve(tarantool, **environ) as client, contextlib.AsyncExitStack() as on:
        await client.enter()
        assert (await client.write({key: "x" * 5 * MIB})).status == 200
        for _ in range(3):
            begun = await on.enter_async_context(reading(client, key))
            assert b" 200 " in begun
        assert (await client.read([key])).status == status


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_requests_that_wait_for_a_slot_reserve_nothing(
    serve: Serve, tarantool: Tarantool
) -> None:
    sizes = {"KV_MAX_VALUE": 8, "KV_MAX_BODY": 16, "KV_MAX_HELD": 32}
    environ = {name: str(size * MIB) for name, size in sizes.items()}
    key = unique("asked-for")
    async with serve(tarantool, **environ) as client:
        await client.enter()
        assert (await client.write({key: "x" * 5 * MIB})).status == 200
        replies = await asyncio.gather(*(client.read([key]) for _ in range(READERS)))
        assert {reply.status for reply in replies} == {200}


def peak_memory(service: ServiceProcess) -> int:
    status = Path(f"/proc/{service.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * KIB


@pytest.mark.parametrize(
    ("max_held", "is_bounded"),
    [(4 * LARGE, True), (1000 * LARGE, False)],
    ids=["bounded", "control"],
)
async def test_large_replies_beyond_the_buffer_limit_are_refused_at_once(
    tarantools: Tarantools, tmp_path: Path, max_held: int, is_bounded: bool
) -> None:
    sizes = {"KV_MAX_VALUE": LARGE, "KV_MAX_BODY": 2 * LARGE, "KV_MAX_HELD": max_held}
    environ = {name: str(size) for name, size in sizes.items()}
    connector = aiohttp.TCPConnector(limit=0)
    with (
        tarantools.running(KV_MAX_BODY=environ["KV_MAX_BODY"]) as tarantool,
        service_process(tmp_path, **environ_for(tarantool, **environ)) as process,
    ):
        async with aiohttp.ClientSession(connector=connector) as session:
            client = await Client(session, process.url).enter()
            await write_large(client, ["large"])
            before = peak_memory(process)
            begin = time.monotonic()
            async with contextlib.AsyncExitStack() as stack:
                replies = [
                    await stack.enter_async_context(reading(client, "large"))
                    for _ in range(READERS)
                ]
                took, grew = time.monotonic() - begin, peak_memory(process) - before
            refused = [reply for reply in replies if b" 503 " in reply]
            print(f"{len(refused)} refused, {took:.1f} s, {grew / MIB:.0f} MiB more")
            assert len(refused) < READERS
            assert bool(refused) is is_bounded
            assert (grew < READERS * LARGE / 2) is is_bounded
            await until_answered(lambda: client.read(["large"]), 200)
