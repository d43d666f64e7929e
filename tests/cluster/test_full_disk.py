"""A follower whose disk is full: nobody waits for it, and it catches up by itself."""

import pytest

from tests.support.cluster import ELECTION_TIMEOUT, Cluster
from tests.support.console import admin
from tests.support.full_disk import full_disk
from tests.support.machine import wait_until
from tests.support.tarantool import evaluated

pytestmark = pytest.mark.needs_election

HASH = "'$2b$12$2kX1uVfYH0rnKpdcYfVSsuTvVHOvHB8vY4d1PtyYN2yXlbZSsBnZK'"
ACCOUNTS = "box.space.users:len()"

#: More than the disk takes.
WRITES = 20


def test_a_follower_with_a_full_disk_catches_up(cluster: Cluster) -> None:
    leader = cluster.wait_for_leader()
    follower = cluster.followers()[0]
    with full_disk(follower, free=500):
        for number in range(WRITES):
            admin(leader, "create_account", f"'dave{number}'", HASH)
        assert evaluated(follower, ACCOUNTS) < WRITES
    wait_until(lambda: evaluated(follower, ACCOUNTS) == WRITES, ELECTION_TIMEOUT)
    assert cluster.wait_until_whole() == leader
