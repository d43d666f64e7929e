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
from tests.torture.judge.violations import Violation
from tests.torture.run.cluster_faults import (
    CLUSTER_FAULTS,
    Here,
    leader_and_worker_cut_off,
    leader_and_worker_stopped,
)
from tests.torture.run.cluster_system import ClusterSystem
from tests.torture.run.faults import WHILE, Fault
from tests.torture.run.round import CHECK_INTERVAL, EXPIRY, Round

pytestmark = pytest.mark.needs_election

#: As in tests/torture/test_controls.py.
THINK_TIME = 0.005

QUIET = 0.5

#: Seconds in which a leader acknowledges what no follower receives: less than the time
#: after which they elect another one.
UNHEARD = 0.5


#: A leader without a lease returned something stale after half of them.
SUSPENSIONS = 6


#: Seconds without a write that a failover may take, as in tests/cluster/.
FAILOVER = 8.0

#: Of the writes that show whether a service works again.
PROBE = {"probe": '"a value"'}


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


async def suspended_again_and_again(scene: Here) -> float:
    """A leader that notices at once that it was suspended returns nothing stale."""
    for _ in range(SUSPENSIONS):
        over = await leader_and_worker_stopped(scene)
    return over


async def accepted_write(scene: Here, url: str) -> None:
    """Returns when the service has accepted a write."""
    while True:
        if (await scene.session.write(PROBE, url=url)).outcome == "ok":
            return
        await asyncio.sleep(CHECK_INTERVAL)


async def leader_killed_before_it_is_deployed(scene: Here) -> float:
    """The next leader has not published its procedures.

    :raises TimeoutError: a service accepts no write in the time of a failover
    """
    leader = await scene.system.leader()
    others = [node for node in scene.system.cluster.nodes if node != leader]
    for node in others:
        await asyncio.to_thread(node.console, "require('kv.exports').withdraw()")
    await asyncio.to_thread(leader.kill)
    killed = time.monotonic()
    await scene.system.next_leader(leader)
    try:
        async with asyncio.timeout(FAILOVER):
            for url in scene.session.urls:
                await accepted_write(scene, url)
    finally:
        for node in others:
            await asyncio.to_thread(node.console, "require('kv.exports').publish()")
        await scene.system.start_nodes(leader)
        await scene.system.whole()
    return killed


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

NO_FENCING = {"election_fencing_mode: strict": "election_fencing_mode: 'off'"}

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
    "promotion-without-deploy": Control(
        leader_killed_before_it_is_deployed, {"trouble"}
    ),
    "no-lease": Control(suspended_again_and_again, STALE, code=(NO_LEASE,)),
    "no-lease-no-fencing": Control(
        leader_and_worker_cut_off, STALE | LOST, config=NO_FENCING, code=(NO_LEASE,)
    ),
    "reads-by-followers": Control(no_fault, STALE, reads_stale=True),
}


async def violations_of(
    folder: Path, control: Control, settle: float = 0.0
) -> list[Violation]:
    """What the judge finds in a round with the fault.

    :param settle: as in `Round.run`
    """
    system = ClusterSystem(folder, control.seed, changes=control.config)
    one = Round(
        system, Random(0), think_time=THINK_TIME, reads_stale=control.reads_stale
    )
    evidence = await one.run({"the fault": control.fault}, quiet=QUIET, settle=settle)
    return judge(evidence)


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
async def test_a_cluster_that_breaks_a_promise_is_seen(
    tmp_path: Path, control: Control
) -> None:
    broken = {found.rule for found in await violations_of(tmp_path, control)}
    assert broken & control.rules, broken


async def test_without_fencing_alone_no_reply_is_wrong(tmp_path: Path) -> None:
    """The lease and the majority suffice for that.

    Fencing decides how soon calls are refused: tests/cluster/test_failover.py.
    """
    control = Control(leader_and_worker_cut_off, set(), config=NO_FENCING)
    # followers of the feed receive the last keys that expire, or not
    found = await violations_of(tmp_path, control, settle=EXPIRY)
    assert [violation.sentence for violation in found] == []
