"""The duties of an elected leader, and what the other nodes refuse."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import asynctnt
import pytest
from asynctnt.exceptions import TarantoolDatabaseError

from tests.support.cluster import Cluster, Clusters, Node
from tests.support.console import admin, mistake
from tests.support.machine import wait_until
from tests.support.tarantool import (
    PASSWORD,
    START_TIMEOUT,
    caller_of,
    connected,
    evaluated,
)
from tests.support.upgrades import leads, wait_for_duties

pytestmark = pytest.mark.needs_election

STATUS = "kv.v1.status()"
HASH = "'$2b$12$2kX1uVfYH0rnKpdcYfVSsuTvVHOvHB8vY4d1PtyYN2yXlbZSsBnZK'"

#: Whether the writes of each replicated space need a majority.
SYNCHRONOUS = """(function()
    local found = {}
    for _, space in box.space._space:pairs({512}, {iterator = 'GE'}) do
        found[space.name] = box.space[space.id].is_sync
    end
    return found
end)()"""

#: Whether one node is left out of the list for a moment.
IS_CONNECTING = "#box.cfg.replication < 3"

REMOVE_THE_ROLE = "roles: [roles.kv]"


@contextlib.asynccontextmanager
async def calling(node: Node) -> AsyncIterator[asynctnt.Connection]:
    """As the service does."""
    connection = await connected(node, username="kv_service", password=PASSWORD)
    try:
        yield connection
    finally:
        await connection.disconnect()


async def call(node: Node, name: str, *arguments: Any) -> Any:
    async with calling(node) as connection:
        return (await connection.call(f"kv.v1.{name}", list(arguments))).body


def is_prepared(node: Node) -> bool:
    """Whether the migrations have arrived, and the node has prepared itself."""
    code = "(box.space.kv_reserve and box.space.kv_reserve:len() or 0) > 0"
    return bool(evaluated(node, code))


def has_dave(node: Node) -> bool:
    return bool(evaluated(node, "box.space.users:get('dave') ~= nil"))


async def test_each_leader_accepts_calls_and_the_others_name_it(
    cluster: Cluster,
) -> None:
    leader = wait_for_duties(cluster)
    await call(leader, "create_user", "ann", "a hash")
    caller = caller_of(leader, "ann")
    for number in range(2):
        await call(leader, "put", caller, [f"key {number}"], ["1"], {})
        for follower in cluster.followers():
            (status,) = await call(follower, "status")
            assert status["read_only"]
            assert (status["leads"], status["leader"]) == (False, leader.name)
            with pytest.raises(TarantoolDatabaseError, match=leader.name):
                await call(follower, "get", caller, ["key 0"], 1000)
        leader.kill()
        died, leader = leader, wait_for_duties(cluster, other_than=leader)
        died.start()
        cluster.wait_until_whole()
    values = (await call(leader, "get", caller, ["key 0", "key 1"], 1000))[0]
    assert values == ["1", "1"]
    assert "this node leads, term" in leader.log()


def test_every_replicated_space_is_synchronous(cluster: Cluster) -> None:
    wait_for_duties(cluster)
    for node in cluster.nodes:
        wait_until(partial(is_prepared, node), START_TIMEOUT)
        assert evaluated(node, SYNCHRONOUS) == {
            "kv": True,
            "kv_changes": True,
            "kv_expiry": True,
            "kv_meta": True,
            "idempotency": True,
            "migrations": True,
            "users": True,
            "access_tokens": True,
            "access_token_uses": True,
            "kv_reserve": False,
        }


def test_all_nodes_come_back_with_the_data(cluster: Cluster) -> None:
    admin(wait_for_duties(cluster), "create_account", "'dave'", HASH)
    cluster.kill()
    cluster.start()
    leader = wait_for_duties(cluster)
    assert "dave" in admin(leader, "list_accounts")


def test_a_leader_steps_down(cluster: Cluster) -> None:
    leader = wait_for_duties(cluster)
    for follower in cluster.followers():
        assert mistake(follower, "step_down") == (
            f"this node does not lead: call it on {leader.name}"
        )
    said = admin(leader, "step_down")
    other = wait_for_duties(cluster, other_than=leader)
    assert said == f"{other.name} leads"
    assert not leads(leader)


def test_a_node_without_a_majority_does_not_lead(cluster: Cluster) -> None:
    leader = wait_for_duties(cluster)
    for follower in cluster.followers():
        follower.kill()
    wait_until(lambda: not leads(leader), START_TIMEOUT)
    status = evaluated(leader, STATUS)
    assert (status["quorum"], status["leader"]) == (False, None)
    assert mistake(leader, "step_down") == "this node does not lead"


def test_statistics_show_the_nodes(cluster: Cluster) -> None:
    leader = wait_for_duties(cluster)
    for node in cluster.nodes:
        shown = admin(node, "statistics").splitlines()
        (line,) = [line for line in shown if f"node {leader.name} " in line]
        assert line.endswith("leads")
        assert len([line for line in shown if line.startswith("node ")]) == 3
        writes = next(line for line in shown if line.startswith("writes"))
        assert ("accepted" in writes) == (node == leader)


def test_a_backup_is_made_on_any_node(cluster: Cluster, tmp_path: Path) -> None:
    admin(wait_for_duties(cluster), "create_account", "'dave'", HASH)
    for node in cluster.nodes:
        wait_until(partial(has_dave, node), START_TIMEOUT)
        made = admin(node, "backup", f"'{tmp_path / node.name}'")
        assert made["accounts"] == 1


def test_a_reload_changes_settings_and_keeps_the_leader(cluster: Cluster) -> None:
    leader = wait_for_duties(cluster)
    term = evaluated(leader, STATUS)["term"]
    config = leader.folder / "config.yaml"
    text = config.read_text()
    assert "changes_bytes: 67108864" in text
    config.write_text(text.replace("changes_bytes: 67108864", "changes_bytes: 0"))
    assert "error" not in leader.console("require('config'):reload()")
    wait_until(lambda: leads(leader), START_TIMEOUT)
    assert evaluated(leader, STATUS)["term"] == term
    assert "off" in admin(leader, "statistics")


def test_without_the_role_there_are_no_procedures(cluster: Cluster) -> None:
    wait_for_duties(cluster)
    node, _ = cluster.followers()
    config = node.folder / "config.yaml"
    text = config.read_text()
    config.write_text(text.replace(REMOVE_THE_ROLE, "roles: []"))
    assert "error" not in node.console("require('config'):reload()")
    assert evaluated(node, "rawget(_G, 'kv') == nil") is True

    config.write_text(text)
    assert "error" not in node.console("require('config'):reload()")
    wait_until(lambda: "status" in node.console("kv.v1"), START_TIMEOUT)
    assert evaluated(node, STATUS)["leads"] is False


@pytest.mark.parametrize(
    ("text", "instead", "sentence"),
    [
        (
            "max_tuple_size: 33554432",
            "max_tuple_size: 1048576",
            "memtx.max_tuple_size is 1048576, expected at least 33554432",
        ),
        (
            "memory: 268435456",
            "memory: 67108864",
            "memtx.memory is 67108864, expected at least 84",
        ),
        (
            "failover: election\n",
            "failover: 'off'\n",
            "replication.failover is off, expected election",
        ),
        ("max_body: 16777216", "max_body: 0", 'max_body is "0": expected a number'),
    ],
)
def test_a_node_that_cannot_work_does_not_start(
    cluster: Cluster, text: str, instead: str, sentence: str
) -> None:
    wait_for_duties(cluster)
    node, _ = cluster.followers()
    wait_until(partial(is_prepared, node), START_TIMEOUT)
    node.kill()
    config = node.folder / "config.yaml"
    config.write_text(config.read_text().replace(text, instead))
    with pytest.raises(RuntimeError, match=sentence):
        node.start()


def test_a_setting_that_may_lose_writes_is_reported(clusters: Clusters) -> None:
    changes = {"election_fencing_mode: strict": "election_fencing_mode: soft"}
    with clusters.prepared(changes=changes).running() as cluster:
        for node in cluster.nodes:
            assert "replication.election_fencing_mode is soft" in node.log()


def test_a_leader_that_connects_to_a_follower_again_still_leads(
    cluster: Cluster,
) -> None:
    leader = cluster.wait_until_whole()
    term = evaluated(leader, STATUS)["term"]
    for follower in cluster.followers():
        peer = f"replicator@{follower.address}"
        leader.console(f"require('kv.base.upstream').reconnect('{peer}')")
        wait_until(lambda: evaluated(leader, IS_CONNECTING) is False, START_TIMEOUT)
        assert cluster.wait_until_whole() == leader
    assert evaluated(leader, STATUS)["term"] == term
