"""What the tests' own cluster promises: elections, failures, links."""

import signal

import pytest

from tests.support.cluster import Cluster, Clusters
from tests.support.tarantool import evaluated

pytestmark = pytest.mark.needs_election


def test_another_node_leads_when_the_leader_is_killed(cluster: Cluster) -> None:
    leader = cluster.wait_for_leader()
    leader.kill()
    other = cluster.wait_for_leader(other_than=leader)
    assert other != leader
    leader.start()
    assert cluster.wait_for_leader() == other


def test_another_node_leads_when_the_leader_hangs(cluster: Cluster) -> None:
    leader = cluster.wait_for_leader()
    leader.kill(signal.SIGSTOP)
    other = cluster.wait_for_leader(other_than=leader)
    leader.kill(signal.SIGCONT)
    assert cluster.wait_for_leader() == other


def test_a_leader_that_is_cut_off_resigns(clusters: Clusters) -> None:
    with clusters.prepared(proxied=True).running() as cluster:
        leader = cluster.wait_for_leader()
        cluster.links.isolate(leader)
        other = cluster.wait_for_leader(other_than=leader)
        assert evaluated(leader, "box.info.ro") is True
        cluster.links.heal()
        assert cluster.wait_for_leader() == other
