"""Replacing, removing and adding a node, as docs/cluster.md describes it."""

import re
import shutil

import pytest

from service.process.local_cluster import NAMES
from tests.support.cluster import ELECTION_TIMEOUT, Cluster, Node
from tests.support.console import admin
from tests.support.machine import ROOT, wait_until
from tests.support.tarantool import evaluated

pytestmark = pytest.mark.needs_election

PAGE = ROOT / "docs" / "cluster.md"
HASH = "'$2b$12$2kX1uVfYH0rnKpdcYfVSsuTvVHOvHB8vY4d1PtyYN2yXlbZSsBnZK'"

MEMBERS = "#box.space._cluster:select()"

#: The name of a removed node is free on a follower when it knows that the removal is
#: confirmed.
CONFIRMED = f"box.info.synchro.queue.len == 0 and {MEMBERS} == {len(NAMES) - 1}"


def removal(node: Node) -> str:
    """The line that removes a node from the list of members."""
    (line,) = re.findall(
        r"^tarantool-1> (for _, m .*)$", PAGE.read_text(), re.MULTILINE
    )
    return str(line).replace("tarantool-3", node.name)


def lose_disk(node: Node) -> None:
    node.kill()
    shutil.rmtree(node.folder / "var")


def reload(cluster: Cluster, *nodes: Node, without: Node | None = None) -> None:
    for node in nodes:
        cluster.write_config(node, without=without)
        assert "error" not in node.console("require('config'):reload()")


def test_a_node_without_its_disk_is_replaced(cluster: Cluster) -> None:
    leader = cluster.wait_for_leader()
    lost, _ = cluster.followers()
    lose_disk(lost)
    admin(leader, "create_account", "'dave'", HASH)
    lost.start()
    cluster.wait_until_whole()
    assert evaluated(lost, "box.space.users:get('dave') ~= nil") is True
    assert evaluated(leader, MEMBERS) == len(NAMES)


def test_a_node_is_removed_and_added(cluster: Cluster) -> None:
    leader = cluster.wait_for_leader()
    removed, other = cluster.followers()
    lose_disk(removed)
    reload(cluster, other, leader, without=removed)
    leader.console(removal(removed))
    assert evaluated(leader, MEMBERS) == len(NAMES) - 1
    admin(leader, "create_account", "'dave'", HASH)
    wait_until(lambda: evaluated(other, CONFIRMED) is True, ELECTION_TIMEOUT)
    reload(cluster, other, leader)
    cluster.write_config(removed)
    removed.start()
    cluster.wait_until_whole()
    assert evaluated(removed, "box.space.users:get('dave') ~= nil") is True
    assert evaluated(leader, MEMBERS) == len(NAMES)
