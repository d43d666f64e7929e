"""Clusters whose configuration or code breaks a promise: the judge sees it.

Without the change the judge finds nothing in the same faults: they are in the rounds of
tests/torture/test_cluster.py and of `make torture CLUSTER=3`.
"""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from tests.torture.judge.verdict import judge
from tests.torture.run.cluster_faults import (
    CLUSTER_FAULTS,
    Here,
    leader_and_worker_cut_off,
)
from tests.torture.run.cluster_system import ClusterSystem
from tests.torture.run.faults import WHILE, Fault
from tests.torture.run.round import Round

pytestmark = pytest.mark.needs_election

#: As in tests/torture/test_controls.py.
THINK_TIME = 0.005

QUIET = 0.5

#: Seconds in which a leader acknowledges what no follower receives: less than the time
#: after which they elect another one.
UNHEARD = 0.5


class Control(NamedTuple):
    """
    :ivar fault: that brings it to light
    :ivar rules: one of these is broken
    :ivar config: texts of config.yaml, and the texts in their place
    :ivar code: file, text, and the text instead of it
    :ivar reads_stale: as in `Round`
    """

    fault: Fault[ClusterSystem]
    rules: set[str]
    config: Mapping[str, str] = {}
    code: tuple[tuple[str, str, str], ...] = ()
    reads_stale: bool = False

    def seed(self, lua: Path) -> None:
        for file, text, instead in self.code:
            source = (lua / file).read_text()
            assert source.count(text) == 1, f"{file}: {text}"
            (lua / file).write_text(source.replace(text, instead))


async def unheard_leader_killed(scene: Here) -> float:
    """Its last writes are on its own disk only."""
    leader = await scene.system.leader()
    links = scene.system.cluster.links
    links.isolate(leader, receives=False)
    await asyncio.sleep(UNHEARD)
    await asyncio.to_thread(leader.kill)
    links.cut()  # what is on its way is lost
    links.heal()
    await scene.system.next_leader(leader)
    return time.monotonic()


async def no_fault(scene: Here) -> float:
    await asyncio.sleep(2 * WHILE)
    return time.monotonic()


LOST = {"lost write", "phantom read", "stale read", "early read", "replay", "trouble"}
STALE = {"stale read", "torn read", "linearizability", "early read"}

NO_LEASE = (
    "kv/base/lease.lua",
    "and age() < DURATION * box.cfg.replication_timeout",
    "",
)

CONTROLS = {
    "asynchronous-replication": Control(
        unheard_leader_killed,
        LOST,
        code=(
            (
                "kv/leadership.lua",
                "M.set_synchronous(leader.is_clustered())",
                "M.set_synchronous(false)",
            ),
        ),
    ),
    "quorum-of-one": Control(
        unheard_leader_killed,
        LOST,
        config={"synchro_quorum: 'N / 2 + 1'": "synchro_quorum: 1"},
    ),
    "compat-old": Control(
        CLUSTER_FAULTS["SIGSTOP of the leader, long"],
        LOST,
        config={
            "replication_synchro_timeout: new": "replication_synchro_timeout: old",
            # not accepted with it
            "txn_synchro_timeout: 3153600000": "use_mvcc_engine: false",
        },
    ),
    # The service stops calling a silent leader before another one is elected, so that
    # only without both it is caught. tests/cluster/test_lease.py calls the procedures.
    "no-lease-no-fencing": Control(
        leader_and_worker_cut_off,
        STALE | LOST,
        config={"election_fencing_mode: strict": "election_fencing_mode: 'off'"},
        code=(NO_LEASE,),
    ),
    "reads-by-followers": Control(no_fault, STALE, reads_stale=True),
}


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
async def test_a_cluster_that_breaks_a_promise_is_seen(
    tmp_path: Path, control: Control
) -> None:
    system = ClusterSystem(tmp_path, control.seed, changes=control.config)
    one = Round(
        system, Random(0), think_time=THINK_TIME, reads_stale=control.reads_stale
    )
    evidence = await one.run({"the fault": control.fault}, quiet=QUIET, settle=0.0)
    broken = {violation.rule for violation in judge(evidence)}
    assert broken & control.rules, broken
