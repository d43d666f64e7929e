"""The metrics of a cluster: every node answers for itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from service.settings import Address
from service.storage.metrics import MAX_AGE, StorageMetrics
from service.telemetry.families import Family
from tests.support.cluster import ELECTION_TIMEOUT, Cluster, Node
from tests.support.families import observations_of, samples_of
from tests.support.tarantool import PASSWORD, evaluated

pytestmark = pytest.mark.needs_election

CREATE = "kv.v1.create_user('ann', 'a hash')"
LEADER = 2  # the state of an election, as Tarantool's rock has it


@contextlib.asynccontextmanager
async def opened(cluster: Cluster) -> AsyncIterator[StorageMetrics]:
    addresses = [Address("127.0.0.1", node.port) for node in cluster.nodes]
    metrics = StorageMetrics(addresses, "kv_service", PASSWORD)
    await metrics.open()
    try:
        yield metrics
    finally:
        await metrics.close()


async def collected_when(
    metrics: StorageMetrics, node: Node, name: str, value: float
) -> list[Family]:
    """The families, as soon as a metric of a node has this value."""
    async with asyncio.timeout(ELECTION_TIMEOUT):
        while True:
            families = await metrics.collect()
            names = {family.name for family in families}
            if name in names and samples_of(families, name).get((node.name,)) == value:
                return families
            await asyncio.sleep(MAX_AGE / 2)


async def test_each_node_answers_for_itself(cluster: Cluster) -> None:
    leader = await asyncio.to_thread(cluster.wait_until_whole)
    names = [node.name for node in cluster.nodes]
    async with opened(cluster) as metrics:
        families = await collected_when(metrics, leader, "kv_writes_accepted", 1)
        before = observations_of(families, "kv_wal_wait_seconds", leader.name)
        evaluated(leader, f"{{{CREATE}}}")
        evaluated(leader, "kv.v1.put({'ann', 1}, {'a'}, {'1'})")
        for node in cluster.nodes:
            families = await collected_when(metrics, node, "kv_keys", 1)
    assert samples_of(families, "kv_accounts") == {(name,): 1 for name in names}
    assert samples_of(families, "kv_storage_up") == {(name,): 1 for name in names}
    accepted = samples_of(families, "kv_writes_accepted")
    assert accepted == {(name,): float(name == leader.name) for name in names}
    states = samples_of(families, "tnt_election_state")
    assert [alias for (alias,), state in states.items() if state == LEADER] == [
        leader.name
    ]
    assert observations_of(families, "kv_wal_wait_seconds", leader.name) == before + 1
    status = samples_of(families, "tnt_replication_status")
    assert len(status) == len(names) * 2 * 2  # both streams to both others
    assert set(status.values()) == {1}
    for name in "tnt_replication_lag", "tnt_replication_lsn":
        assert {alias for alias, *_ in samples_of(families, name)} == {*names}


async def test_a_leader_that_is_killed_is_down_and_another_accepts_writes(
    cluster: Cluster,
) -> None:
    leader = await asyncio.to_thread(cluster.wait_until_whole)
    async with opened(cluster) as metrics:
        await collected_when(metrics, leader, "kv_writes_accepted", 1)
        leader.kill()
        other = await asyncio.to_thread(cluster.wait_for_leader, other_than=leader)
        families = await collected_when(metrics, other, "kv_writes_accepted", 1)
    up = samples_of(families, "kv_storage_up")
    assert up == {(node.name,): float(node != leader) for node in cluster.nodes}
    assert (leader.name,) not in samples_of(families, "kv_keys")
