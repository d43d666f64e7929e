"""The service before a cluster, as its clients see it when nodes fail."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.client import Client, Reply
from tests.support.cluster import Cluster, Clusters, Node
from tests.support.service import Serve

pytestmark = pytest.mark.needs_election

#: Seconds without a write that a failover may take here, on a busy machine.
FAILOVER = 8.0

#: Seconds for a reply that waits for nothing.
AT_ONCE = 1.0


@asynccontextmanager
async def entered(
    serve: Serve, cluster: Cluster, **settings: str
) -> AsyncIterator[Client]:
    """A client of a service before the cluster."""
    uris = {"KV_TARANTOOL_URI": cluster.uris}
    async with serve(cluster.nodes[0], **(uris | settings)) as client:
        await client.enter()
        yield client


def kill(leader: Node) -> None:
    leader.kill()


def kill_followers(cluster: Cluster) -> None:
    for node in cluster.followers():
        node.kill()


def stop(leader: Node) -> None:
    leader.kill(signal.SIGSTOP)


def cont(leader: Node) -> None:
    if leader.is_stopped:
        leader.kill(signal.SIGCONT)


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(2 * FAILOVER):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.005)


class Writes:
    """A client that writes increasing numbers, one after the other.

    :ivar replies: each with the seconds that it took, in the order of the writes
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.replies: list[tuple[Reply, float]] = []
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            began = time.monotonic()
            number = len(self.replies)
            reply = await self._client.write({"number": number, f"n/{number}": number})
            self.replies.append((reply, time.monotonic() - began))

    async def more(self, count: int) -> None:
        """Waits for this many more replies."""
        expected = len(self.replies) + count

        async def are_there() -> bool:
            return len(self.replies) >= expected or self._task.done()

        await eventually(are_there)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def confirmed(self) -> list[int]:
        return [i for i, (reply, _) in enumerate(self.replies) if reply.status == 200]

    @property
    def refused(self) -> list[Any]:
        return [reply.json for reply, _ in self.replies if reply.status != 200]


async def assert_none_was_lost_or_slow(client: Client, writes: Writes) -> None:
    assert max(seconds for _, seconds in writes.replies) < FAILOVER
    found = await client.read([f"n/{i}" for i in writes.confirmed])
    assert set(found.json["data"].values()) == set(writes.confirmed)


@pytest.mark.parametrize("fail", [kill, stop])
async def test_a_failover_is_a_pause(
    cluster: Cluster, serve: Serve, fail: Callable[[Node], None]
) -> None:
    """At most the write that was in flight is refused, and no confirmed one is lost."""
    async with entered(serve, cluster) as client:
        writes = Writes(client)
        await writes.more(50)
        leader = await asyncio.to_thread(cluster.wait_for_leader)
        await asyncio.to_thread(fail, leader)
        await writes.more(50)
        await writes.stop()
        cont(leader)
        assert len(writes.refused) <= 1
        for problem in writes.refused:
            assert problem["code"] == "storage_unavailable"
            assert problem["applied"] == "unknown"
        await assert_none_was_lost_or_slow(client, writes)


async def test_without_a_wait_a_failover_is_a_burst_of_refusals(
    cluster: Cluster, serve: Serve
) -> None:
    """The control of the one before."""
    async with entered(serve, cluster, KV_FAILOVER_WAIT="0") as client:
        writes = Writes(client)
        await writes.more(20)
        leader = await asyncio.to_thread(cluster.wait_for_leader)
        await asyncio.to_thread(kill, leader)
        await writes.more(20)
        await writes.stop()
        assert len(writes.refused) > 3
        assert {problem["applied"] for problem in writes.refused[1:]} == {"no"}


@pytest.mark.parametrize("fail", [kill, stop])
async def test_writes_with_an_idempotency_key_are_all_confirmed(
    cluster: Cluster, serve: Serve, fail: Callable[[Node], None]
) -> None:
    async with entered(serve, cluster) as client:
        count, in_flight, made = 200, asyncio.Semaphore(8), []

        async def increment(number: int) -> Reply:
            async with in_flight:
                reply = await client.post(
                    "/api/increment",
                    {"data": {"counter": 1}},
                    headers={"Idempotency-Key": f"number-{number}"},
                )
            made.append(number)
            return reply

        calls = [asyncio.ensure_future(increment(i)) for i in range(count)]
        leader = await asyncio.to_thread(cluster.wait_for_leader)

        async def are_some_made() -> bool:
            return len(made) >= count // 4

        await eventually(are_some_made)
        await asyncio.to_thread(fail, leader)
        assert len(made) < count
        replies = await asyncio.gather(*calls)
        cont(leader)
        assert {reply.status for reply in replies} == {200}
        assert (await client.read(["counter"])).json == {"data": {"counter": count}}


@pytest.mark.parametrize("fail", [kill, stop])
async def test_reads_wait_for_the_next_leader(
    cluster: Cluster, serve: Serve, fail: Callable[[Node], None]
) -> None:
    async with entered(serve, cluster) as client:
        await client.write({"k": 1})
        leader = await asyncio.to_thread(cluster.wait_for_leader)
        await asyncio.to_thread(fail, leader)
        replies = await asyncio.gather(*(client.read(["k"]) for _ in range(20)))
        cont(leader)
        assert {reply.text for reply in replies} == {'{"data":{"k":1}}'}


async def test_a_lost_follower_is_not_noticed(cluster: Cluster, serve: Serve) -> None:
    async with entered(serve, cluster) as client:
        writes = Writes(client)
        await writes.more(20)
        for fail in (stop, kill):
            follower, _ = await asyncio.to_thread(cluster.followers)
            await asyncio.to_thread(fail, follower)
            await writes.more(50)
            cont(follower)
            if fail is stop:
                await asyncio.to_thread(cluster.wait_until_whole)
        await writes.stop()
        assert writes.refused == []
        assert max(seconds for _, seconds in writes.replies) < AT_ONCE


async def test_a_leader_that_steps_down_refuses_nothing(
    cluster: Cluster, serve: Serve
) -> None:
    async with entered(serve, cluster) as client:
        writes = Writes(client)
        await writes.more(20)
        leader = await asyncio.to_thread(cluster.wait_for_leader)
        await asyncio.to_thread(leader.console, "box.ctl.demote()")
        await writes.more(50)
        await writes.stop()
        assert writes.refused == []


@pytest.fixture
def unfenced(clusters: Clusters) -> Iterator[Cluster]:
    """A leader that remains one without a majority."""
    changes = {"election_fencing_mode: strict": "election_fencing_mode: 'off'"}
    with clusters.prepared(changes=changes).running() as cluster:
        yield cluster


async def test_without_fencing_calls_hang_without_a_majority(
    unfenced: Cluster, serve: Serve
) -> None:
    """The control of `test_without_a_majority_only_stale_reads_are_answered`."""
    async with entered(serve, unfenced, KV_FAILOVER_WAIT="3") as client:
        await client.write({"k": 1})
        await asyncio.to_thread(kill_followers, unfenced)
        began = time.monotonic()
        while time.monotonic() - began < FAILOVER:
            refused = await client.write({"other": 1})
            assert refused.json["code"] == "storage_unavailable"
            assert refused.json["applied"] == "unknown"


@pytest.fixture
def proxied(clusters: Clusters) -> Iterator[Cluster]:
    with clusters.prepared(proxied=True).running() as cluster:
        yield cluster


async def test_a_leader_that_is_cut_off_is_left_for_the_next_one(
    proxied: Cluster, serve: Serve
) -> None:
    """The service still reaches it."""
    async with entered(serve, proxied) as client:
        writes = Writes(client)
        await writes.more(20)
        leader = await asyncio.to_thread(proxied.wait_for_leader)
        await asyncio.to_thread(proxied.links.isolate, leader)
        await writes.more(50)
        await writes.stop()
        await asyncio.to_thread(proxied.links.heal)
        assert len(writes.refused) <= 1
        await assert_none_was_lost_or_slow(client, writes)


async def test_without_a_majority_only_stale_reads_are_answered(
    cluster: Cluster, serve: Serve
) -> None:
    async with entered(serve, cluster, KV_FAILOVER_WAIT="3") as client:
        await client.write({"k": 1})
        await asyncio.to_thread(kill_followers, cluster)
        # another key: a write that is not confirmed delays stale reads of its key
        other = {"other": 1}
        async with asyncio.timeout(2 * FAILOVER):
            while (refused := await client.write(other)).json["code"] != "no_quorum":
                pass
        assert (refused.status, refused.json["applied"]) == (503, "no")
        began = time.monotonic()
        for call in (client.write(other), client.read(["k"]), client.list_keys("")):
            assert (await call).json["code"] == "no_quorum"
        assert time.monotonic() - began < AT_ONCE
        stale = await client.read(["k"], stale=True)
        assert stale.json == {"data": {"k": 1}}
        assert float(stale.headers["KV-Age"]) > 0

        async def is_not_ready() -> bool:
            return (await client.request("GET", "/readyz")).status == 503

        await eventually(is_not_ready)
        assert (await client.request("GET", "/readyz?reads")).status == 200
        killed = [node for node in cluster.nodes if not node.is_running]
        await asyncio.to_thread(cluster.start, *killed)
        await asyncio.to_thread(cluster.wait_for_leader)

        async def is_written() -> bool:
            return (await client.write({"k": 3})).status == 200

        await eventually(is_written)
        assert (await client.request("GET", "/readyz")).status == 200


async def test_stale_reads_have_a_limit(cluster: Cluster, serve: Serve) -> None:
    limits = {"KV_STALE_LIMIT": "2", "KV_FAILOVER_WAIT": "1"}
    async with entered(serve, cluster, **limits) as client:
        await client.write({"k": 1})
        await asyncio.to_thread(kill_followers, cluster)
        ages = []
        async with asyncio.timeout(2 * FAILOVER):
            while (reply := await client.read(["k"], stale=True)).status == 200:
                ages.append(float(reply.headers["KV-Age"]))
                await asyncio.sleep(0.05)
        assert reply.json["code"] == "stale"
        assert 1 < max(ages) <= 2

        async def is_not_ready() -> bool:
            return (await client.request("GET", "/readyz?reads")).status == 503

        await eventually(is_not_ready)


async def test_stale_reads_are_answered_by_every_node(
    cluster: Cluster, serve: Serve
) -> None:
    """Also by a follower, with the data of the leader."""
    async with entered(serve, cluster) as client:
        written = await client.write({"k": 1})
        for node in cluster.nodes:
            async with serve(node, KV_STALE_LIMIT="60") as one:
                one.token = client.token
                async with asyncio.timeout(FAILOVER):
                    while True:
                        reply = await one.read(["k"], stale=True)
                        if reply.status == 200 and reply.revision >= written.revision:
                            break
                assert reply.json == {"data": {"k": 1}}
                assert 0 <= float(reply.headers["KV-Age"]) < 5


@pytest.mark.parametrize("fail", [kill, stop])
async def test_the_change_feed_survives_a_failover(
    cluster: Cluster, serve: Serve, fail: Callable[[Node], None]
) -> None:
    """No gap, no duplicate, and no change that is not in the store."""
    async with entered(serve, cluster) as client:
        since = (await client.write({"begin": 1})).revision
        stream = asyncio.create_task(events(client, since))
        writes = Writes(client)
        await writes.more(50)
        leader = await asyncio.to_thread(cluster.wait_for_leader)
        await asyncio.to_thread(fail, leader)
        await writes.more(50)
        await writes.stop()
        cont(leader)
        last = (await client.write({"end": 1})).revision
        async with asyncio.timeout(FAILOVER):
            seen = await stream
        assert seen == list(range(since + 1, last + 1))


async def events(client: Client, since: int) -> list[int]:
    """The revisions of the stream of changes, until the key `end` is written."""
    seen: list[int] = []
    headers = {
        "Authorization": f"Bearer {client.token}",
        "Accept": "text/event-stream",
    }
    url = f"{client.url}/api/changes?since={since}"
    async with client.session.get(url, headers=headers) as response:
        is_event = False
        async for line in response.content:
            assert not line.startswith(b"event: end"), seen
            if line.startswith(b"id: "):
                number = int(line[4:])
            is_event = line.startswith(b"data: ")
            if is_event:
                seen.append(number)
                if b'"end"' in line:
                    return seen
    raise AssertionError("the stream has ended")
