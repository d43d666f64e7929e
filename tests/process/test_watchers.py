"""Many watchers, slow watchers, and ends of streams; pytest -rP shows the figures."""

import asyncio
import contextlib
import resource
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from service.api.changes import StreamTiming
from service.app import Tuning
from service.storage.feed import TAIL_WAIT
from service.storage.watcher import RETRY_INTERVAL
from service.web.runner import GRACE
from tests.support.assertions import assert_problem
from tests.support.client import Client, unique
from tests.support.machine import wait_until, wait_until_ready
from tests.support.raw_http import http
from tests.support.service import Serve, ServiceProcess, environ_for, service_process
from tests.support.sse import Event, Parser, Stream, following, query
from tests.support.tarantool import Tarantool, Tarantools, evaluated

KIB = 1024
MIB = 1024 * KIB

TIMING = StreamTiming()

WATCHERS = 5_000

#: Connections that are opened at a time.
AT_A_TIME = 200

#: Seconds in which the calls of one watcher are counted, and those of all: what each
#: did with its heartbeat would be among them.
ONE, ALL = 2 * TAIL_WAIT, TIMING.heartbeat + 1

#: Bytes of the service's memory that a watcher may take.
BYTES_PER_WATCHER = 200 * KIB

#: Seconds for something to reach all of them, on a busy machine.
TIMEOUT = 60.0

PREFIXES = 200

BREAK_THE_TAIL = """
rawset(_G, 'follow', kv.v1.follow_changes)
kv.v1.follow_changes = function() error('a fault') end
"""
MEND_THE_TAIL = "kv.v1.follow_changes = follow"

TAKE_THE_PAGES_AWAY = """
rawset(_G, 'changes', kv.v1.read_changes)
kv.v1.read_changes = nil
"""
BRING_THE_PAGES_BACK = "kv.v1.read_changes = changes"

#: Its watchers then request a page, to learn what they may still see.
TOUCH_ALL_ACCOUNTS = """
for _, row in box.space.users:pairs() do box.space.users:replace(row) end
"""

#: What is written while a watcher is slow: far more than may be kept for it.
VALUE = "x" * (256 * KIB)
COUNT = 100


@pytest.fixture
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    """An instance whose calls are counted, or that is killed."""
    with tarantools.running() as instance:
        yield instance


@pytest.fixture(autouse=True)
def descriptors() -> Iterator[None]:
    """Raises the limit of descriptors to the maximum: each watcher has a connection."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))


@contextlib.asynccontextmanager
async def process(
    tarantool: Tarantool, folder: Path, **environ: str
) -> AsyncIterator[tuple[ServiceProcess, Client]]:
    """A service of its own, and a client."""
    with service_process(folder, **environ_for(tarantool, **environ)) as service:
        async with any_number(service.url) as client:
            yield service, client


@contextlib.asynccontextmanager
async def any_number(url: str) -> AsyncIterator[Client]:
    """A client that may have any number of connections."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield await Client(session, url).enter()


async def watching(
    stack: contextlib.AsyncExitStack, client: Client, count: int
) -> list[Stream]:
    """This many streams that have begun."""
    gate = asyncio.Semaphore(AT_A_TIME)

    async def one() -> Stream:
        async with gate:
            stream = await stack.enter_async_context(following(client))
            await stream.start()
            return stream

    return await asyncio.gather(*(one() for _ in range(count)))


async def calls(tarantool: Tarantool) -> int:
    """The number of calls that Tarantool has answered."""
    return int(await asyncio.to_thread(evaluated, tarantool, "box.stat().CALL.total"))


def calls_of_a_tail(seconds: float) -> float:
    """Calls of one follower: one for each wait, and one for the start."""
    return seconds / TAIL_WAIT + 1


async def calls_of_idle_watchers(tarantool: Tarantool, seconds: float) -> int:
    """Counted when those that had come last have found their place."""
    async with asyncio.timeout(TIMEOUT):
        before = 0
        while (now := await calls(tarantool)) - before > calls_of_a_tail(1):
            before = now
            await asyncio.sleep(1)
    begin, before = time.monotonic(), await calls(tarantool)
    await asyncio.sleep(seconds)
    made, seconds = await calls(tarantool) - before, time.monotonic() - begin
    print(f"{made} calls in {seconds:.1f} s")
    assert made <= calls_of_a_tail(seconds)
    return made


def descriptors_of(service: ServiceProcess) -> int:
    return len(list(Path(f"/proc/{service.pid}/fd").iterdir()))


def memory(service: ServiceProcess) -> int:
    """Bytes of it that are in the machine's memory."""
    status = Path(f"/proc/{service.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * KIB


async def test_5000_idle_watchers_cost_tarantool_what_one_does(
    own: Tarantool, tmp_path: Path
) -> None:
    async with (
        process(own, tmp_path) as (service, client),
        contextlib.AsyncExitStack() as stack,
    ):
        (first,) = await watching(stack, client, 1)
        assert await calls_of_idle_watchers(own, ONE) >= 1
        before = memory(service)
        streams = [first, *await watching(stack, client, WATCHERS - 1)]
        await calls_of_idle_watchers(own, ALL)
        each = (memory(service) - before) / (WATCHERS - 1)
        print(f"memory of a watcher: {each / KIB:.1f} KiB")
        assert each < BYTES_PER_WATCHER

        begin = time.monotonic()
        written = await client.write({"k": 1})
        events = await asyncio.gather(*(stream.next(TIMEOUT) for stream in streams))
        print(f"a write reaches all: {time.monotonic() - begin:.2f} s")
        assert {event.id for event in events} == {written.headers["KV-Revision"]}
        assert len(events) == WATCHERS


async def test_a_call_for_each_watcher_is_noticed(
    own: Tarantool, tmp_path: Path
) -> None:
    """The control of the one before: this many polls are as many calls."""
    async with process(own, tmp_path) as (_, client):
        begin = await calls(own)
        await asyncio.gather(*(client.request("GET", query()) for _ in range(50)))
        assert await calls(own) - begin >= 50 > calls_of_a_tail(ALL)


# Slow ones


class SlowWatcher:
    """Reads on demand only; its kernel buffer is small."""

    def __init__(self, port: int, token: str | None) -> None:
        self.parser = Parser()
        self.events: list[Event] = []
        self._socket = socket.socket()
        self._socket.settimeout(TIMEOUT)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
        self._socket.connect(("127.0.0.1", port))
        request = http("GET", "/api/changes", b"Accept: text/event-stream", token=token)
        # the reply to HTTP/1.0 comes without chunks
        self._socket.sendall(request.replace(b"HTTP/1.1", b"HTTP/1.0"))
        headers = b""
        while not headers.endswith(b"\r\n\r\n"):
            headers += self._socket.recv(1)
        while not self.parser.comments:  # then it waits like the others
            self.take(KIB)

    def take(self, size: int) -> bool:
        """Returns whether there may be more."""
        try:
            received = self._socket.recv(size)
        except ConnectionError:
            return False
        self.events += self.parser.feed(received)
        return received != b""

    def take_slowly(self, stop: threading.Event) -> None:
        while not stop.wait(0.01) and self.take(4 * KIB):
            pass

    def take_rest(self) -> None:
        while self.take(MIB):
            pass

    def close(self) -> None:
        self._socket.close()


@contextlib.asynccontextmanager
async def slow_watcher(port: int, client: Client) -> AsyncIterator[SlowWatcher]:
    with contextlib.closing(
        await asyncio.to_thread(SlowWatcher, port, client.token)
    ) as watcher:
        yield watcher


@contextlib.asynccontextmanager
async def taking_slowly(watcher: SlowWatcher, *, at_all: bool) -> AsyncIterator[None]:
    stop = threading.Event()
    if not at_all:
        stop.set()
    taking = asyncio.create_task(asyncio.to_thread(watcher.take_slowly, stop))
    try:
        yield
    finally:
        stop.set()
        await taking


@pytest.mark.parametrize("reads", [False, True], ids=["never-reads", "reads-slowly"])
@pytest.mark.parametrize(
    ("max_body", "is_dropped"),
    [(MIB, True), (64 * MIB, False)],
    ids=["dropped", "control"],
)
async def test_a_slow_watcher_is_dropped_without_affecting_the_others(
    own: Tarantool, tmp_path: Path, max_body: int, is_dropped: bool, reads: bool
) -> None:
    async with (
        process(own, tmp_path, KV_MAX_BODY=str(max_body)) as (service, client),
        following(client) as fast,
    ):
        for _ in range(5):  # what a first write takes is taken
            await client.write({"k": VALUE})
            await fast.next()
        without = descriptors_of(service)
        async with slow_watcher(service.port, client) as slow:
            before = most = memory(service)
            revisions = []
            async with taking_slowly(slow, at_all=reads):
                for _ in range(COUNT):
                    revisions.append(str((await client.write({"k": VALUE})).revision))
                    assert (await fast.next()).id == revisions[-1]
                    most = max(most, memory(service))
            print(f"memory grew by {(most - before) / MIB:.1f} MiB")
            assert (most - before < COUNT * len(VALUE) / 2) is is_dropped
            if not is_dropped:
                return

            def is_closed() -> bool:
                return descriptors_of(service) <= without

            # whether or not it reads what the kernel has buffered for it
            await asyncio.to_thread(wait_until, is_closed, TIMING.send_timeout / 2)
            await asyncio.to_thread(slow.take_rest)
        messages = [event.id for event in slow.events if event.kind == "message"]
        assert len(messages) < COUNT
        seen = slow.parser.last_event_id
        missed = [revision for revision in revisions if int(revision) > int(seen)]
        async with following(client, last_event_id=seen) as back:
            events = await back.take(len(missed))
        assert [event.id for event in events] == missed


async def test_a_dropped_watcher_receives_the_reason(
    serve: Serve, tarantool: Tarantool
) -> None:
    tuning = Tuning(stream=StreamTiming(end_grace=TIMEOUT))
    async with serve(tarantool, tuning=tuning, KV_MAX_BODY=str(512 * KIB)) as client:
        await client.enter()
        port = int(client.url.rpartition(":")[2])
        async with slow_watcher(port, client) as slow:
            for _ in range(COUNT):
                assert (await client.write({unique("slow"): VALUE})).status == 200
            await asyncio.to_thread(slow.take_rest)
        *events, end = slow.events
        assert 0 < len(events) < COUNT
        assert (end.kind, end.json["code"]) == ("end", "too_slow")
        assert end.id == events[-1].id
        async with following(client, last_event_id=end.id) as back:
            assert int((await back.next()).id) == int(end.id) + 1


# Prefixes


async def test_every_watcher_gets_its_own_prefix_and_no_other(service: Client) -> None:
    base = unique("prefix")
    # one is the beginning of another: -1, -10, -100
    prefixes = [base, *(f"{base}-{number}" for number in range(PREFIXES))]
    keys = [f"{prefix}/x" for prefix in prefixes]
    async with (
        any_number(service.url) as client,
        contextlib.AsyncExitStack() as stack,
    ):
        streams = {
            prefix: await stack.enter_async_context(following(client, prefix=prefix))
            for prefix in prefixes
        }
        for stream in streams.values():
            await stream.start()
        batches = [
            *([key] for key in keys[::7]),  # fewer keys than prefixes
            keys,
            keys[::2],
            [f"other-{base}"],
            [base],  # the last one that all of them may wait for
        ]
        for batch in batches:
            assert (await client.write(dict.fromkeys(batch, 1))).status == 200
        deleted = await client.post("/api/delete", {"keys": keys})
        last = deleted.headers["KV-Revision"]
        for prefix, stream in streams.items():
            expected = [
                {key for key in batch if key.startswith(prefix)} for batch in batches
            ]
            events = await stream.take(sum(map(bool, expected)) + 1)
            received = [set(event.json["data"]) for event in events[:-1]]
            assert received == [keys for keys in expected if keys]
            assert events[-1].id == last
            gone = {key for key in keys if key.startswith(prefix)}
            assert set(events[-1].json["deleted"]) == gone


# Ends


async def test_a_stop_ends_every_stream_and_poll_at_once(
    own: Tarantool, tmp_path: Path
) -> None:
    async with (
        process(own, tmp_path) as (service, client),
        contextlib.AsyncExitStack() as stack,
    ):
        streams = await watching(stack, client, 100)
        path = query(since=0, prefix="none", wait=60)
        polls = [asyncio.create_task(client.request("GET", path)) for _ in range(100)]
        # the last one of them has been received when this is answered
        await asyncio.sleep(1)
        await client.write({"k": 1})
        received = [await stream.next() for stream in streams]
        begin = time.monotonic()
        service.send(signal.SIGTERM)
        async with asyncio.timeout(TIMEOUT):
            for stream, event in zip(streams, received, strict=True):
                (end,) = await stream.rest()
                assert (end.kind, end.json["code"]) == ("end", "stopping")
                assert end.id == event.id
            for reply in await asyncio.gather(*polls):
                assert_problem(reply, 503, "stopping")
                assert int(reply.headers["Retry-After"]) >= 1
        assert await asyncio.to_thread(service.exit_code) == 0
        assert time.monotonic() - begin < GRACE
        assert "Traceback" not in service.stderr()


async def test_a_stream_outlives_a_kill_of_tarantool(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own) as client:
        await client.enter()
        async with following(client) as stream:
            poll = asyncio.create_task(
                client.request("GET", query(prefix="polled", wait=60))
            )
            revisions = []
            for number in range(3):
                for value in range(20):
                    written = await client.write({f"k{number}": value})
                    revisions.append(written.headers["KV-Revision"])
                if number < 2:
                    await asyncio.to_thread(own.kill)
                    reply = await client.request("GET", query())
                    assert_problem(reply, 503, "storage_unavailable")
                    await asyncio.to_thread(own.start)
                    await wait_until_ready(client, TIMEOUT)
            events = await stream.take(len(revisions))
            assert [event.id for event in events] == revisions
            written = await client.write({"polled": 1})
            (change,) = (await poll).json["changes"]
            assert str(change["revision"]) == written.headers["KV-Revision"]


async def test_watcher_waits_out_a_storage_outage(own: Tarantool, serve: Serve) -> None:
    async with serve(own) as client:
        await client.enter()
        async with following(client) as stream:
            await stream.start()
            assert "error" not in own.console(TAKE_THE_PAGES_AWAY)
            own.console(TOUCH_ALL_ACCOUNTS)
            await asyncio.sleep(3 * RETRY_INTERVAL)
            refused = await client.request("GET", query())
            assert_problem(refused, 503, "storage_unavailable")
            assert "error" not in own.console(BRING_THE_PAGES_BACK)
            written = await client.write({"k": 1})
            assert (await stream.next()).id == str(written.revision)


async def test_a_fault_of_the_storage_silences_no_watcher(
    own: Tarantool, serve: Serve
) -> None:
    """A stream resumes after it, or ends: its client does not wait forever."""
    async with serve(own) as client:
        await client.enter()
        revisions, received, seen = [], list[str](), None
        async with following(client) as stream:
            await stream.start()
            own.console(BREAK_THE_TAIL)
            for value in range(3):
                reply = await client.write({"k": value})
                revisions.append(reply.headers["KV-Revision"])
                await asyncio.sleep(TAIL_WAIT)
            own.console(MEND_THE_TAIL)
            reply = await client.write({"k": "last"})
            revisions.append(reply.headers["KV-Revision"])
            while received != revisions:
                event = await stream.next()
                if event.kind == "end":
                    break
                received.append(event.id)
            seen = stream.parser.last_event_id
        if received != revisions:
            async with following(client, last_event_id=seen) as back:
                received += [event.id for event in await back.take(4 - len(received))]
        assert received == revisions


async def test_a_stop_does_not_wait_for_watchers_that_never_read(
    own: Tarantool, tmp_path: Path
) -> None:
    async with (
        process(own, tmp_path) as (service, client),
        slow_watcher(service.port, client),
        slow_watcher(service.port, client),
    ):
        for _ in range(COUNT):
            await client.write({unique("slow"): VALUE})
        begin = time.monotonic()
        service.send(signal.SIGTERM)
        assert await asyncio.to_thread(service.exit_code) == 0
        assert time.monotonic() - begin < GRACE
