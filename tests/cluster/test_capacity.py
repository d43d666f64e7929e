"""The leader refuses what a follower has no disk space for."""

import pytest

from tests.cluster.test_confirmation import SEEN, lead
from tests.support.background import Task
from tests.support.cluster import Cluster
from tests.support.machine import wait_until
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
