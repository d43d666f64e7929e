"""Faults of a cluster that change its leader, under load: no guarantee is violated."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.reporting import FIGURES
from tests.torture.figures import Figures
from tests.torture.judge.checker import report
from tests.torture.judge.verdict import judge
from tests.torture.run.cluster_faults import CLUSTER_FAULTS
from tests.torture.run.cluster_system import ClusterSystem
from tests.torture.run.round import Round

pytestmark = pytest.mark.needs_election

#: `make torture CLUSTER=3` injects all of them.
CHOSEN = (
    "kill -9 of the leader",
    "SIGSTOP of the leader, long",
    "leader and a worker cut off from the others",
    "follower hears nothing",
    "rolling restart",
)


async def test_a_short_round_of_a_cluster(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seed = os.environ.get("SEED") or str(random.randrange(10**6))
    begin = time.monotonic()
    one = Round(ClusterSystem(tmp_path), random.Random(seed))
    evidence = await one.run({name: CLUSTER_FAULTS[name] for name in CHOSEN})
    violations = judge(evidence)
    figures = Figures()
    figures.add(evidence, violations, time.monotonic() - begin)
    record_property(FIGURES, f"Cluster, seed {seed}\n\n{figures.markdown()}")
    assert not violations, report(violations, evidence.history)
