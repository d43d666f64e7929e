"""Stale reads of a cluster over HTTP, while nodes fail."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply
from tests.support.cluster import Cluster, Clusters, Node
from tests.support.machine import wait_until
from tests.support.service import Serve
from tests.support.tarantool import evaluated

pytestmark = pytest.mark.needs_election

#: Seconds for a reply that waits for nothing, on a busy machine.
AT_ONCE = 0.9

#: Seconds until the nodes and the service have noted a failure, on a busy machine.
NOTED = 20.0

SEEN = "require('json').decode((box.space.kv:get('k') or {value = 'null'}).value)"

#: The details of replies.
UNCONFIRMED = "A write of this data is not confirmed by a majority yet"
UNKNOWN_AGE = "No storage node that answers knows how old its data is"


@asynccontextmanager
async def entered(
    serve: Serve, cluster: Cluster, *nodes: Node, **settings: str
) -> AsyncIterator[Client]:
    """A client of a service before these nodes, or all."""
    uris = ",".join(node.address for node in nodes or cluster.nodes)
    async with serve(
        cluster.nodes[0], KV_TARANTOOL_URI=uris, KV_FAILOVER_WAIT="1", **settings
    ) as client:
        yield client


async def until_ready(client: Client, status: int, query: str = "") -> Reply:
    async with asyncio.timeout(NOTED):
        while True:
            reply = await client.request("GET", f"/readyz{query}")
            if reply.status == status:
                return reply
            await asyncio.sleep(0.05)


def stale_reads(client: Client, key: str = "k") -> list[Awaitable[Reply]]:
    return [
        client.read([key], stale=True),
        client.read([key, *(f"none/{i}" for i in range(40))], stale=True),
        client.request("GET", f"/api/keys/{key}?stale"),
        client.list_keys(key, stale=True),
        client.list_keys(key, stale=True, details=True),
        client.list_keys(key, stale=True, delimiter=key[-1]),
    ]


@asynccontextmanager
async def unconfirmed(
    cluster: Cluster, serve: Serve, **settings: str
) -> AsyncIterator[tuple[Client, Node, Node]]:
    """A client of a cluster without a majority: the leader is dead, one follower has a
    write of the key `k` that is not confirmed, the other one lacks it.

    :return: the client and the followers
    """
    async with entered(serve, cluster, **settings) as client:
        await client.enter()
        await client.write({"k": 1, "other": 1})
        leader = await asyncio.to_thread(cluster.wait_for_leader)
        follower, other = cluster.followers()
        for node in follower, other:
            await saw(node, 1)
        await asyncio.sleep(0.5)  # they learn that the write is confirmed
        cluster.links.isolate(other)
        cluster.links.block(follower, leader)
        write = asyncio.create_task(client.write({"k": 2}))
        await saw(follower, 2)  # the control
        cluster.links.isolate(follower)
        leader.kill()
        for node in follower, other:
            await until(node, "not kv.v1.status().quorum")
        await until_ready(client, 503)
        yield client, follower, other
        assert (await write).json["applied"] == "unknown"


async def saw(node: Node, value: object) -> None:
    """Waits until the node has this value of the key `k`."""
    await asyncio.to_thread(wait_until, lambda: evaluated(node, SEEN) == value, NOTED)


async def until(node: Node, condition: str) -> None:
    await asyncio.to_thread(wait_until, lambda: bool(evaluated(node, condition)), NOTED)


async def test_without_a_majority_an_unconfirmed_write_is_reported_at_once(
    clusters: Clusters, serve: Serve
) -> None:
    with clusters.prepared(proxied=True).running() as cluster:
        async with unconfirmed(cluster, serve) as (client, follower, other):
            other.kill()
            await saw(follower, 2)
            for call in stale_reads(client):
                began = time.monotonic()
                assert assert_problem(await call, 503, "stale") == UNCONFIRMED
                assert time.monotonic() - began < AT_ONCE
            for call in stale_reads(client, "other"):
                assert (await call).status == 200
            assert (await client.request("GET", "/readyz?reads")).status == 200


async def test_a_node_without_the_unconfirmed_write_answers(
    clusters: Clusters, serve: Serve
) -> None:
    with clusters.prepared(proxied=True).running() as cluster:
        async with unconfirmed(cluster, serve, KV_STALE_LIMIT="60") as (client, *_):
            for call in stale_reads(client):
                began = time.monotonic()
                reply = await call
                assert reply.status == 200, reply.text
                assert time.monotonic() - began < AT_ONCE
            assert (await client.read(["k"], stale=True)).json == {"data": {"k": 1}}


async def test_no_node_has_heard_from_a_leader_since_its_start(
    cluster: Cluster, serve: Serve
) -> None:
    async with entered(serve, cluster) as client:
        await client.enter()
        await client.write({"k": 1})
        node, *others = cluster.followers()
        await saw(node, 1)
        await asyncio.to_thread(cluster.kill)
        await asyncio.to_thread(node.start)
        ready = await until_ready(client, 503, "?reads")
        async with asyncio.timeout(NOTED):
            while ready.json["code"] != "stale":  # the service has to connect
                ready = await client.request("GET", "/readyz?reads")
        assert assert_problem(ready, 503, "stale") == UNKNOWN_AGE
        for call in stale_reads(client):
            assert assert_problem(await call, 503, "stale") == UNKNOWN_AGE
        await asyncio.to_thread(cluster.start, *others)
        await until_ready(client, 200, "?reads")
        assert (await client.read(["k"], stale=True)).json == {"data": {"k": 1}}


async def test_stale_reads_that_share_a_call(cluster: Cluster, serve: Serve) -> None:
    """Of a follower, each with the result of its keys."""
    async with entered(serve, cluster) as leading:
        await leading.enter()
        for n in range(30):
            await leading.write({f"k{n}": n})
        await leading.write({"k": "last"})
        for node in cluster.followers():
            await saw(node, "last")
            async with entered(serve, cluster, node) as client:
                client.token = leading.token
                reads = [client.read([f"k{n}"], stale=True) for n in range(30)]
                replies = await asyncio.gather(*reads)
                for n, reply in enumerate(replies):
                    assert reply.json == {"data": {f"k{n}": n}}
                    assert 0 <= float(reply.headers["KV-Age"]) < 5
                    assert reply.revision >= 30
