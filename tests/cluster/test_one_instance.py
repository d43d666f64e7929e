"""From a single instance to a cluster, and back, as docs/cluster.md describes it."""

import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support import backups
from tests.support.cluster import Clusters, Node
from tests.support.console import admin
from tests.support.machine import ROOT, wait_until
from tests.support.tarantool import LocalTarantool, Tarantools, evaluated

pytestmark = pytest.mark.needs_election

PAGE = ROOT / "docs" / "cluster.md"
HASH = "'$2b$12$2kX1uVfYH0rnKpdcYfVSsuTvVHOvHB8vY4d1PtyYN2yXlbZSsBnZK'"

#: Seconds until the spaces are no longer synchronous.
DUTIES_TIMEOUT = 10.0


def commands(heading: str) -> list[str]:
    """The lines for the console in this section of the page."""
    (section,) = re.findall(
        rf"^## {heading}\n(.*?)(?=^## )", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    return re.findall(r"^> (.*)$", section, re.MULTILINE)


def move_data(source: LocalTarantool | Node, target: LocalTarantool | Node) -> None:
    target.data.mkdir(parents=True)
    for path in [*source.data.glob("*.snap"), *source.data.glob("*.xlog")]:
        shutil.move(path, target.data)


def end_replication(instance: LocalTarantool) -> None:
    """Makes a former node of a cluster a single instance that takes writes."""
    assert evaluated(instance, "box.info.ro") is True
    for line in commands("From a cluster to one instance"):
        instance.console(line)
    wait_until(
        lambda: evaluated(instance, "box.space.kv.is_sync") is False, DUTIES_TIMEOUT
    )


def accounts(instance: Any) -> set[str]:
    rows = evaluated(instance, "box.space.users:select()")
    return {row[0] for row in rows}


def test_a_single_instance_becomes_a_cluster_and_one_again(
    tarantools: Tarantools, clusters: Clusters
) -> None:
    (to_cluster,) = commands("From one instance to a cluster")
    cluster = clusters.prepared()
    first, *others = cluster.nodes
    with tarantools.local() as before, tarantools.local() as after:
        before.start()
        admin(before, "create_account", "'dave'", HASH)
        before.console(to_cluster)
        before.kill(signal.SIGTERM)
        move_data(before, first)
        try:
            first.start()
            assert cluster.wait_for_leader() == first
            cluster.start(*others)
            cluster.wait_until_whole()
            assert accounts(others[0]) == {"dave"}
            admin(first, "create_account", "'erin'", HASH)
            assert evaluated(others[0], "box.space.kv.is_sync") is True
            cluster.kill(signal.SIGTERM)
        finally:
            cluster.kill()
        move_data(first, after)
        after.start()
        end_replication(after)
        admin(after, "create_account", "'frank'", HASH)
        after.kill(signal.SIGKILL)
        after.start()
        assert accounts(after) == {"dave", "erin", "frank"}
        admin(after, "create_account", "'grace'", HASH)
        assert evaluated(after, "#box.space._cluster:select()") == 1


def test_a_backup_of_a_cluster_is_restored_into_a_cluster(
    tmp_path: Path, tarantools: Tarantools, clusters: Clusters
) -> None:
    with clusters.prepared().running() as cluster:
        admin(cluster.wait_for_leader(), "create_account", "'dave'", HASH)
        follower = cluster.followers()[0]
        admin(follower, "backup", f"'{tmp_path}/backup'")
    restored = clusters.prepared()
    (first,) = (node for node in restored.nodes if node.name == follower.name)
    with tarantools.local() as single:
        backups.restored(tmp_path / "backup", single.data)
        single.start()
        end_replication(single)
        single.kill(signal.SIGTERM)
        move_data(single, first)
    try:
        first.start()
        assert restored.wait_for_leader() == first
        restored.start(*(node for node in restored.nodes if node != first))
        restored.wait_until_whole()
        assert [accounts(node) for node in restored.nodes] == [{"dave"}] * 3
        admin(first, "create_account", "'erin'", HASH)
    finally:
        restored.kill()
