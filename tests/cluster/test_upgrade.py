"""A rolling upgrade: nodes with another version of the code and of the migrations."""

from functools import partial
from pathlib import Path

import pytest

from tests.support.cluster import Cluster, Node
from tests.support.console import admin
from tests.support.machine import wait_until
from tests.support.tarantool import START_TIMEOUT, evaluated
from tests.support.upgrades import (
    ADDED,
    FILE_IS_MISSING,
    PROCEDURE,
    STATUS,
    is_upgraded,
    new_version,
    use,
    wait_for_duties,
)

pytestmark = pytest.mark.needs_election

HASH = "'$2b$12$2kX1uVfYH0rnKpdcYfVSsuTvVHOvHB8vY4d1PtyYN2yXlbZSsBnZK'"


def upgrade_followers(cluster: Cluster, lua: Path) -> tuple[Node, Node]:
    """Returns the node that keeps its code, and an upgraded one that leads."""
    old = wait_for_duties(cluster)
    for follower in cluster.followers():
        use(follower, lua)
        cluster.wait_until_whole()
        # it answers, and does not touch the schema
        assert evaluated(follower, STATUS)["leader"] == old.name
    assert evaluated(old, ADDED) is False

    admin(old, "step_down")
    return old, wait_for_duties(cluster, other_than=old)


def test_a_compatible_migration_needs_no_downtime(
    cluster: Cluster, tmp_path: Path
) -> None:
    old_lua = cluster.lua
    old, new = upgrade_followers(cluster, new_version(tmp_path, compatible=True))
    for node in (old, new):
        wait_until(partial(is_upgraded, node), START_TIMEOUT)

    # the old version starts on the new schema, and may lead
    use(old, old_lua)
    cluster.wait_until_whole()
    for follower in cluster.followers():
        if follower != old:
            follower.kill()
    admin(new, "step_down")
    assert wait_for_duties(cluster) in (old, new)
    admin(wait_for_duties(cluster), "create_account", "'dave'", HASH)


def test_an_old_node_that_leads_keeps_the_procedures_of_the_new_ones(
    cluster: Cluster, tmp_path: Path
) -> None:
    old, new = upgrade_followers(cluster, new_version(tmp_path, compatible=True))
    leader = new
    for _ in range(10):
        if leader == old:
            break
        cluster.wait_until_whole()
        admin(leader, "step_down")
        leader = wait_for_duties(cluster)
    assert leader == old
    assert evaluated(old, PROCEDURE) is True


def test_after_another_migration_the_old_version_does_not_start(
    cluster: Cluster, tmp_path: Path
) -> None:
    old_lua = cluster.lua
    old, _ = upgrade_followers(cluster, new_version(tmp_path, compatible=False))
    wait_until(lambda: bool(evaluated(old, ADDED)), START_TIMEOUT)
    with pytest.raises(RuntimeError, match=FILE_IS_MISSING):
        use(old, old_lua)
