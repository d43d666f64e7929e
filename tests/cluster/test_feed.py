"""The change feed over a change of leader: no gap, no duplicate, nothing taken back."""

import signal
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.test_confirmation import EPOCH, REVISION, lead
from tests.support.background import Task
from tests.support.cluster import Cluster, Clusters, Node
from tests.support.machine import wait_until
from tests.support.procedures import prepare
from tests.support.tarantool import evaluated

pytestmark = pytest.mark.needs_election

#: Seconds in which a watcher that is not woken would still wait.
LONG = 60

#: Seconds in which a watcher learns that its leader has stepped down.
AT_ONCE = 3.0

#: Writes numbers as fast as it can, until a write fails.
WRITE = """
(function(first)
    for number = first, 1e6 do
        local value = tostring(number)
        local ok, failure = pcall(kv.v1.put, {{'ann', 1}}, {{'n'}}, {{value}})
        if not ok then return {{number, failure.type}} end
    end
end)({first})
"""

#: Notes what the feed returns, call by call, until a call fails.
WATCH = """
(function(since)
    local seen, epoch = {{}}, require('kv.accounts.accounts').epoch()
    while true do
        local ok, batches, through = pcall(kv.v1.follow, since, epoch, 1e6, 60)
        if not ok then return {{seen, batches.type}} end
        for _, batch in ipairs(batches) do
            table.insert(seen, {{tonumber(batch[1]), batch[3] and batch[3][1]}})
        end
        since = through
    end
end)({since})
"""


@pytest.fixture
def proxied(clusters: Clusters) -> Iterator[Cluster]:
    with clusters.prepared(proxied=True).running() as cluster:
        yield cluster


def wait_for_revision(node: Node, revision: int) -> None:
    wait_until(lambda: bool(evaluated(node, f"{REVISION} > {revision}")), 30)


def step_down(cluster: Cluster, leader: Node) -> None:
    leader.console("kv.admin.step_down()")


def hang(cluster: Cluster, leader: Node) -> None:
    leader.kill(signal.SIGSTOP)
    cluster.wait_for_leader(other_than=leader)
    leader.kill(signal.SIGCONT)


def cut_off(cluster: Cluster, leader: Node) -> None:
    cluster.links.isolate(leader)
    cluster.wait_for_leader(other_than=leader)
    cluster.links.heal()


@pytest.mark.parametrize("change", [step_down, hang, cut_off])
def test_the_next_leader_continues_the_feed(
    proxied: Cluster, change: Callable[[Cluster, Node], None]
) -> None:
    leader = lead(proxied)
    prepare(leader)
    since = evaluated(leader, REVISION)
    seen: list[tuple[int, str]] = []
    first = 1
    for _ in range(2):
        writer = Task(leader, WRITE.format(first=first))
        watcher = Task(leader, WATCH.format(since=since + len(seen)))
        wait_for_revision(leader, since + len(seen) + 100)
        change(proxied, leader)
        (found, kind), *_ = watcher.outcome().result
        assert kind == "kv.NotLeader"
        seen += [(revision, value) for revision, value in found]
        (number, failure), *_ = writer.outcome().result
        assert failure in ("kv.NotLeader", "kv.NotConfirmed")
        proxied.wait_until_whole()
        leader = lead(proxied)
        first = number + 1
    final = evaluated(leader, REVISION)
    rest = Task(leader, f"kv.v1.follow({since + len(seen)}, 0, 1e8, 1)").outcome()
    seen += [(batch[0], batch[2][0]) for batch in rest.result[0]]
    assert [revision for revision, _ in seen] == list(range(since + 1, final + 1))
    values = [int(value) for _, value in seen]
    assert values == sorted(set(values))
    assert str(values[-1]) == evaluated(leader, "box.space.kv:get('n').value")


def test_a_watcher_that_waits_learns_of_a_demotion_at_once(cluster: Cluster) -> None:
    leader = lead(cluster)
    prepare(leader)
    watcher = Task(leader, f"kv.v1.follow({REVISION}, {EPOCH}, 1000, {LONG})")
    leader.console("kv.admin.step_down()")
    assert watcher.outcome(AT_ONCE).kind == "kv.NotLeader"


def test_without_the_check_a_watcher_sleeps_on(cluster: Cluster) -> None:
    """The control of the one before."""
    leader = lead(cluster)
    prepare(leader)
    leader.console("require('kv.base.leader').check = function() end")
    watcher = Task(leader, f"kv.v1.follow({REVISION}, {EPOCH}, 1000, {LONG})")
    leader.console("box.ctl.demote()")
    cluster.wait_for_leader(other_than=leader)
    with pytest.raises(TimeoutError):
        watcher.outcome(AT_ONCE)


def test_the_next_leader_has_every_account_checked(cluster: Cluster) -> None:
    leader = lead(cluster)
    prepare(leader)
    epoch = evaluated(leader, EPOCH)
    leader.console("kv.v1.end_tokens({'ann', 1})")
    names = f"kv.v1.follow({REVISION}, {epoch}, 1000, 0)"
    assert Task(leader, names).outcome().result[4] == ["ann"]
    leader.console("kv.admin.step_down()")
    cluster.wait_for_leader(other_than=leader)
    other = lead(cluster)
    result = Task(other, names).outcome().result
    assert result[3] != epoch
    assert len(result) == 4 or result[4] is None
