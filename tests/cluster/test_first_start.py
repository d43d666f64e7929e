"""The first start of a cluster whose nodes miss each other, as on a busy machine."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from service.process.local_cluster import DIFFERENT_LEADER
from tests.support.cluster import Clusters
from tests.support.machine import wait_until
from tests.support.tarantool import START_TIMEOUT

pytestmark = pytest.mark.needs_election

GAVE_UP = "failed to connect to one or more replicas"


def test_nodes_that_do_not_agree_on_the_first_leader_are_all_started_again(
    clusters: Clusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = clusters.prepared()
    disagreeing = cluster.nodes[1]
    start, attempts = disagreeing.start, []

    def start_later() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            wait_until(lambda: cluster.nodes[0].is_running, START_TIMEOUT)
            raise RuntimeError(f"Replica 1 {DIFFERENT_LEADER} 2")
        start()

    monkeypatch.setattr(disagreeing, "start", start_later)
    with cluster.running():
        assert len(attempts) == 2


def test_a_node_that_gave_up_on_the_others_is_started_again(clusters: Clusters) -> None:
    cluster = clusters.prepared()
    first, *others = cluster.nodes
    try:
        with ThreadPoolExecutor() as threads:
            starting = threads.submit(first.start)
            wait_until(lambda: GAVE_UP in first.log(), START_TIMEOUT)
            cluster.start(*others)
            starting.result()
        cluster.wait_until_whole()
    finally:
        cluster.kill()
