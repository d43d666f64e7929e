"""A rolling upgrade: nodes with another version of the code and of the migrations."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from service.process.local_cluster import node_environ
from tests.support.cluster import Cluster, Node
from tests.support.console import admin
from tests.support.machine import ROOT, wait_until
from tests.support.tarantool import START_TIMEOUT, evaluated

pytestmark = pytest.mark.needs_election

STATUS = "kv.v1.status()"
ADDED = "box.space.added ~= nil"
PROCEDURE = "box.space._func.index.name:get('kv.v1.added') ~= nil"
HASH = "'$2b$12$2kX1uVfYH0rnKpdcYfVSsuTvVHOvHB8vY4d1PtyYN2yXlbZSsBnZK'"

MIGRATION = """
return {{
    up = function()
        box.schema.space.create('added'):create_index('primary')
    end,
    compatible = {compatible},
}}
"""

#: At the end of the module of the procedures.
NEW_PROCEDURE = "\n\nfunction M.added()\n    return 'added'\nend\n\nreturn M\n"


def new_version(folder: Path, *, compatible: bool) -> Path:
    """The folder lua/ of a version with another procedure and another migration."""
    lua = folder / "lua"
    shutil.copytree(ROOT / "lua", lua)
    shutil.copytree(ROOT / "migrations", folder / "migrations")
    (folder / "migrations" / "9999_added.lua").write_text(
        MIGRATION.format(compatible=str(compatible).lower())
    )
    procedures = lua / "kv" / "api" / "v1.lua"
    text = procedures.read_text().rstrip().removesuffix("return M").rstrip()
    procedures.write_text(text + NEW_PROCEDURE)
    return lua


def use(node: Node, lua: Path) -> None:
    """Restarts a node with this code."""
    node.kill()
    node.environ |= node_environ(node.port, lua)
    node.start()


def leads(node: Node) -> bool:
    return bool(evaluated(node, STATUS)["leads"])


def wait_for_duties(cluster: Cluster, *, other_than: Node | None = None) -> Node:
    node = cluster.wait_for_leader(other_than=other_than)
    wait_until(lambda: leads(node), START_TIMEOUT)
    return node


def is_upgraded(node: Node) -> bool:
    return bool(evaluated(node, f"{ADDED} and {PROCEDURE}"))


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
    with pytest.raises(RuntimeError, match="9999_added was applied here, but its file"):
        use(old, old_lua)
