"""Keys expire by one clock, which the next leader continues."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.test_confirmation import lead
from tests.support.background import Task
from tests.support.cluster import Cluster, Clusters, Node
from tests.support.console import admin
from tests.support.machine import wait_until
from tests.support.procedures import prepare
from tests.support.tarantool import evaluated

pytestmark = pytest.mark.needs_election

HOUR = 3600

#: Seconds of a life, and for an election on a busy machine.
LIFE, TOLERANCE = 100, 20

#: Seconds for which the whole cluster is stopped.
STOPPED = 3

#: Seconds, more than a stop and the next start take.
BEHIND = 120

#: Seconds between the clocks of two nodes on a busy machine.
APART = 0.25

#: The clock of the store against that of the machine.
OFFSET = "require('kv.data.clock').now() - require('clock').monotonic()"
RECORD_LATE = """box.space.kv_meta:replace({'time',
    math.ceil((require('kv.data.clock').now() - 1) * 1e6)})"""
WALL_CLOCK = "require('clock').time()"
LEFT = "kv.v1.get({'ann', 1}, {'k'}, 1000, true)"
#: In the module of the clock, at its end.
END = "\nreturn M\n"
IGNORE_RECORDS = """
function M.lead() end
function M.follow_leader() end
function M.catch_up() end
function M.watch() end
"""
OWN_CLOCK = """
local function wall_clock_at_start()
    return clock.time()
end
function M.lead"""
STOP_RECORDS = "box.space.kv_meta:before_replace(function(old, new) return old end)"


def environ(offset: int) -> dict[str, str]:
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{offset:+d}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


@contextlib.contextmanager
def running_skewed(cluster: Cluster) -> Iterator[Cluster]:
    """Each node is hours away from the others."""
    for number, node in enumerate(cluster.nodes):
        node.environ |= environ((number - 1) * 2 * HOUR)
    with cluster.running() as running:
        for number, node in enumerate(running.nodes):
            offset = (number - 1) * 2 * HOUR
            assert abs(evaluated(node, WALL_CLOCK) - time.time() - offset) < TOLERANCE
        yield running


@pytest.fixture
def skewed(clusters: Clusters) -> Iterator[Cluster]:
    with running_skewed(clusters.prepared()) as cluster:
        yield cluster


def left_after_a_stop(
    cluster: Cluster, offsets: list[int | None], stopped: float
) -> float | None:
    """Of a key that expires; the whole cluster is stopped in between.

    :param offsets: of the clock of each node when it is started; None: it is not
    :param stopped: seconds
    """
    leader = lead(cluster)
    prepare(leader)
    leader.console(f"kv.v1.put({{'ann', 1}}, {{'k'}}, {{'1'}}, {{ttl = {LIFE}}})")
    cluster.kill()
    time.sleep(stopped)
    first = cluster.nodes[0]
    started = []
    for node, offset in zip(cluster.nodes, offsets, strict=True):
        if offset is not None:
            started.append(node)
            node.environ |= environ(offset)
            if node != first:
                node.environ["TT_REPLICATION_ELECTION_MODE"] = "voter"
    cluster.start(*started)
    assert lead(cluster) == first
    return left(first)


def fail_over(cluster: Cluster, leader: Node) -> Node:
    leader.kill()
    cluster.wait_for_leader(other_than=leader)
    return lead(cluster)


def left(node: Node) -> float | None:
    (found,) = Task(node, LEFT).outcome().result[2]
    return None if found is None else float(found)


def test_a_change_of_leader_keeps_the_time_to_live(skewed: Cluster) -> None:
    leader = lead(skewed)
    prepare(leader)
    for _ in range(2):
        leader.console(f"kv.v1.put({{'ann', 1}}, {{'k'}}, {{'1'}}, {{ttl = {LIFE}}})")
        other = fail_over(skewed, leader)
        seconds = left(other)
        assert seconds is not None
        assert LIFE - TOLERANCE < seconds < LIFE + 2
        leader.start()
        skewed.wait_until_whole()
        leader = lead(skewed)


def test_a_record_that_arrives_late_does_not_set_the_clock_back(
    skewed: Cluster,
) -> None:
    leader = lead(skewed)
    for node in skewed.followers():
        node.console("require('kv.data.expiry').stop()")
    for record in ("require('kv.data.clock').record()", RECORD_LATE):
        leader.console(record)
        time.sleep(APART)
        for node in skewed.followers():
            assert abs(evaluated(node, OFFSET) - evaluated(leader, OFFSET)) < APART


def test_a_node_that_leads_soon_after_its_start_continues_the_time(
    cluster: Cluster,
) -> None:
    """Before the old leader has recorded its clock once more."""
    leader = lead(cluster)
    prepare(leader)
    leader.console(f"kv.v1.put({{'ann', 1}}, {{'k'}}, {{'1'}}, {{ttl = {LIFE}}})")
    restarted, other = (node for node in cluster.nodes if node != leader)
    leader.console(STOP_RECORDS)
    restarted.kill()
    restarted.environ |= environ(HOUR)
    restarted.start()
    cluster.wait_until_whole()
    other.console("box.cfg{election_mode = 'voter'}")
    admin(leader, "step_down")
    assert lead(cluster) == restarted
    seconds = left(restarted)
    assert seconds is not None
    assert LIFE - TOLERANCE < seconds < LIFE + 2


def test_without_the_leader_s_clock_the_time_to_live_changes(
    clusters: Clusters,
) -> None:
    """The control of the one before."""
    prepared = clusters.prepared()
    module = prepared.lua / "kv" / "data" / "clock.lua"
    code = module.read_text().removesuffix(END)
    module.write_text(code + IGNORE_RECORDS + END)
    with running_skewed(prepared) as cluster:
        leader = lead(cluster)
        prepare(leader)
        leader.console(f"kv.v1.put({{'ann', 1}}, {{'k'}}, {{'1'}}, {{ttl = {LIFE}}})")
        seconds = left(fail_over(cluster, leader))
        assert seconds is None or seconds > HOUR


@pytest.mark.parametrize(
    "offsets",
    [
        (HOUR, 0, 0),
        (0, HOUR, 0),
        (0, -HOUR, 0),
        (HOUR, 0, None),
        (0, HOUR, None),
    ],
)
def test_a_wrong_clock_does_no_harm_at_a_start_of_the_whole_cluster(
    cluster: Cluster, offsets: tuple[int | None, ...]
) -> None:
    seconds = left_after_a_stop(cluster, list(offsets), STOPPED)
    assert seconds is not None
    assert LIFE - TOLERANCE < seconds < LIFE - STOPPED + 1


def test_a_start_of_the_whole_cluster_continues_a_clock_that_is_behind(
    cluster: Cluster,
) -> None:
    """Here the wall clocks of all nodes have been set forward, one after the other."""
    leader = lead(cluster)
    for node in (*cluster.followers(), leader):
        node.kill()
        node.environ |= environ(BEHIND)
        node.start()
        cluster.wait_until_whole()
    seconds = left_after_a_stop(cluster, [BEHIND] * 3, STOPPED)
    assert seconds is not None
    assert LIFE - BEHIND < seconds < LIFE - STOPPED + 1


def test_with_its_own_clock_a_node_that_leads_first_expires_keys(
    clusters: Clusters,
) -> None:
    """The control of the one before."""
    prepared = clusters.prepared()
    module = prepared.lua / "kv" / "data" / "clock.lua"
    code = module.read_text()
    assert code.count("function M.lead") == 1
    module.write_text(code.replace("function M.lead", OWN_CLOCK))
    with prepared.running() as cluster:
        assert left_after_a_stop(cluster, [HOUR, 0, 0], STOPPED) is None


def test_a_key_reported_as_missing_stays_missing_under_the_next_leader(
    skewed: Cluster,
) -> None:
    leader = lead(skewed)
    prepare(leader)
    leader.console("kv.v1.put({'ann', 1}, {'k'}, {'1'}, {ttl = 0.2})")
    wait_until(lambda: left(leader) is None, 30)
    assert left(fail_over(skewed, leader)) is None


def test_an_expiry_that_is_not_confirmed_is_not_reported(skewed: Cluster) -> None:
    leader = lead(skewed)
    prepare(leader)
    for node in skewed.nodes:
        node.console("require('kv.data.transaction').delete_expired = function() end")
    leader.console("require('kv.data.clock').record_periodically = function() end")
    leader.console("kv.v1.put({'ann', 1}, {'k'}, {'1'}, {ttl = 0.2})")
    time.sleep(0.5)
    leader.console("require('kv.base.lease').configure(function() error('no', 0) end)")
    assert Task(leader, LEFT).outcome().kind == "Lua"
    for procedure in "get_each", "read_each":
        each = f"kv.v1.{procedure}({{{{{{'ann', 1}}, {{'k'}}, 1000}}}})"
        assert evaluated(leader, each) == [None]
    leader.console(
        "require('kv.base.lease').configure(require('kv.data.clock').record)"
    )
    assert left(leader) is None
