"""The leader refuses what a follower has no memory for; no node stops replicating."""

import random
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.cluster.test_confirmation import lead
from tests.cluster.test_failover import entered, eventually
from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply
from tests.support.cluster import ELECTION_TIMEOUT, LINKS, Cluster, Node
from tests.support.machine import wait_until
from tests.support.service import Serve
from tests.support.tarantool import evaluated

pytestmark = pytest.mark.needs_election

#: Bytes: less than the other nodes have.
MEMORY = 160 * 1024 * 1024

#: Bytes of the values that fill it, far more than it takes in all.
TOTAL = 2 * MEMORY

KEYS = "box.space.kv:len()"
WITHOUT_CHECK = """
require('kv.capacity.peers').shortage = function() end
"""
STOPPED = "require('kv.base.upstream').lacks_memory()"
OUT_OF_MEMORY = "Failed to allocate"

#: The sizes of values, by the name of a test. Of larger ones the page promises less.
SIZES: dict[str, Callable[[random.Random], int]] = {
    "small": lambda _: 300,
    "mixed": lambda random: random.randrange(10, 20_000),
}

#: Bytes of a batch, and keys of one at most.
BATCH, MAX_KEYS = 500_000, 1000


def batches(size: Callable[[random.Random], int]) -> Iterator[dict[str, str]]:
    """New keys with values, in all more than a node takes."""
    numbers, total = random.Random(1), 0
    count = 0
    while total < TOTAL:
        batch: dict[str, str] = {}
        left = BATCH
        while left > 0 and len(batch) < MAX_KEYS:
            length = size(numbers)
            batch[f"key {count}"] = "x" * length
            count, left, total = count + 1, left - length, total + length
        yield batch


@pytest.fixture
def small(cluster: Cluster) -> Node:
    """A follower with less memory than the other nodes."""
    node = cluster.followers()[0]
    node.kill()
    node.environ |= {"TT_MEMTX_MEMORY": str(MEMORY)}
    node.start()
    cluster.wait_until_whole()
    lead(cluster)
    return node


async def is_written(client: Client, batch: dict[str, str]) -> bool:
    return (await client.write(batch)).status == 200


async def fill(
    client: Client, size: Callable[[random.Random], int]
) -> tuple[list[str], Reply | None]:
    """Writes until a write is refused.

    :returns: the keys, and the refusal
    """
    first, *others = batches(size)
    await eventually(partial(is_written, client, first))  # when a report has arrived
    keys = list(first)
    for batch in others:
        reply = await client.write(batch)
        if reply.status != 200:
            return keys, reply
        keys += batch
    return keys, None


async def delete(client: Client, keys: list[str]) -> None:
    for begin in range(0, len(keys), MAX_KEYS):
        reply = await client.delete(keys[begin : begin + MAX_KEYS])
        assert reply.status == 200


def has_keys(node: Node, count: int) -> bool:
    return bool(evaluated(node, f"{KEYS} == {count}"))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
async def test_a_full_memory_of_a_follower_refuses_additions_only(
    cluster: Cluster, small: Node, serve: Serve, size: Callable[[random.Random], int]
) -> None:
    async with entered(serve, cluster) as client:
        for _ in range(2):
            keys, refusal = await fill(client, size)
            assert refusal is not None
            assert "memory" in assert_problem(refusal, 503, "storage_full")
            wait_until(partial(has_keys, small, len(keys)), 30)
            random.Random(1).shuffle(keys)
            half = len(keys) // 2
            await delete(client, keys[half:])
            await eventually(partial(is_written, client, {keys[0]: "again"}))
            await delete(client, keys[:half])
            wait_until(partial(has_keys, small, 0), 30)
    cluster.wait_until_whole()


async def test_without_the_check_a_follower_stops_replicating(
    cluster: Cluster, small: Node, serve: Serve
) -> None:
    """The control of the one before."""
    cluster.wait_for_leader().console(WITHOUT_CHECK)
    async with entered(serve, cluster) as client:
        await fill(client, SIZES["mixed"])
        wait_until(lambda: bool(evaluated(small, STOPPED)), ELECTION_TIMEOUT)
        assert OUT_OF_MEMORY in str(evaluated(small, LINKS))
