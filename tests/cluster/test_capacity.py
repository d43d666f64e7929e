"""The leader refuses what a follower has no disk space for."""

import pytest

from tests.cluster.test_confirmation import SEEN, lead
from tests.cluster.test_members import reload, removal
from tests.support.background import Task
from tests.support.cluster import Cluster
from tests.support.machine import free_port, wait_until
from tests.support.procedures import prepare
from tests.support.tarantool import evaluated

pytestmark = pytest.mark.needs_election

PUT = "kv.v1.put({'ann', 1}, {'k'}, {'new'})"
DELETE = "kv.v1.delete({'ann', 1}, {'n'})"
FULL = "disk = require('kv.capacity.disk') disk.available = function() return 0 end"
FREE = "disk.available = function() return 1e9 end"


def test_a_full_disk_of_a_follower_refuses_additions_only(cluster: Cluster) -> None:
    leader = lead(cluster)
    prepare(leader)
    follower = cluster.followers()[0]
    follower.console(FULL)
    wait_until(lambda: Task(leader, PUT).outcome().kind == "kv.DiskFull", 30)
    assert Task(leader, DELETE).outcome().kind is None
    follower.console(FREE)
    wait_until(lambda: Task(leader, PUT).outcome().kind is None, 30)


def test_a_follower_that_has_failed_refuses_nothing(cluster: Cluster) -> None:
    leader = lead(cluster)
    prepare(leader)
    follower = cluster.followers()[0]
    follower.console(FULL)
    wait_until(lambda: Task(leader, PUT).outcome().kind == "kv.DiskFull", 30)
    follower.kill()
    wait_until(lambda: Task(leader, PUT).outcome().kind is None, 30)
    follower.start()
    wait_until(lambda: evaluated(follower, SEEN) == "new", 30)


def test_a_node_that_has_moved_is_watched_at_its_new_address(cluster: Cluster) -> None:
    leader = lead(cluster)
    prepare(leader)
    moved, other = cluster.followers()
    moved.kill()
    moved.move(free_port())
    reload(cluster, other, leader)
    cluster.write_config(moved)
    moved.start()
    assert cluster.wait_until_whole() == leader
    moved.console(FULL)
    wait_until(lambda: Task(leader, PUT).outcome().kind == "kv.DiskFull", 30)


def test_a_node_that_was_removed_refuses_nothing(cluster: Cluster) -> None:
    """It was not stopped before, and reports a full disk."""
    leader = lead(cluster)
    prepare(leader)
    removed, other = cluster.followers()
    removed.console(FULL)
    wait_until(lambda: Task(leader, PUT).outcome().kind == "kv.DiskFull", 30)
    reload(cluster, other, leader, without=removed)
    leader.console(removal(removed))
    wait_until(lambda: Task(leader, PUT).outcome().kind is None, 30)
    assert evaluated(removed, "require('kv.capacity.disk').available()") == 0
