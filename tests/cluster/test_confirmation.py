"""Nothing is returned that a majority has not confirmed, and no outcome is invented."""

import signal
import time
from collections.abc import Iterator

import pytest

from tests.support.background import Task
from tests.support.cluster import Cluster, Clusters, Node
from tests.support.machine import wait_until
from tests.support.procedures import prepare
from tests.support.tarantool import evaluated

pytestmark = pytest.mark.needs_election

PUT = "kv.v1.put({'ann', 1}, {'k'}, {'new'}, {})"
PUT_EACH = "kv.v1.put_each({{{'ann', 1}, {'k'}, {'new'}}})"
GET = "kv.v1.get({'ann', 1}, {'k'}, 1000)"
GET_STALE = "kv.v1.get_stale({'ann', 1}, {'k'}, 1000)"
LIST = "kv.v1.list({'ann', 1}, '', nil, 10, 1000, true)"
SEEN = "(box.space.kv:get('k') or {}).value"
EPOCH = "require('kv.accounts.accounts').epoch()"
#: To the knowledge of the node.
ALL_CONFIRMED = """(function()
    local moment = require('kv.data.replica').moment()
    return moment.confirmed == moment.revision
end)()"""
REVISION = "box.space.kv_meta:get('revision').value"

#: Seconds in which a call that does not wait ends.
SOON = 0.3

#: A leader without a majority resigns after 4 seconds: a busy machine starts a call in
#: that time.
PATIENT = {"TT_REPLICATION_TIMEOUT": "2", "TT_REPLICATION_CONNECT_TIMEOUT": "20"}

#: Seconds on the node, between those of a read that does not wait for a pending write
#: and of one that does: the latter gives up after 2.
PENDING = 1.5


def lead(cluster: Cluster) -> Node:
    """The leader, when it accepts calls."""
    leader = cluster.wait_for_leader()
    wait_until(lambda: bool(evaluated(leader, "kv.v1.status().leads")), 30)
    return leader


@pytest.fixture
def unfenced(clusters: Clusters) -> Iterator[Cluster]:
    """A leader that remains one without a majority."""
    changes = {"election_fencing_mode: strict": "election_fencing_mode: 'off'"}
    with clusters.prepared(changes=changes).running() as cluster:
        yield cluster


@pytest.mark.parametrize("write", [PUT, PUT_EACH], ids=["put", "put_each"])
def test_a_cancelled_write_is_unknown_until_a_majority_decides(
    unfenced: Cluster, write: str
) -> None:
    leader = lead(unfenced)
    prepare(leader)
    revision = evaluated(leader, REVISION)
    followers = unfenced.followers()
    for node in followers:
        node.kill(signal.SIGSTOP)
    task = Task(leader, write)
    time.sleep(SOON)
    task.cancel()
    assert task.outcome().kind == "kv.NotConfirmed"
    assert evaluated(leader, SEEN) == "new"  # the control
    reads = [Task(leader, GET), Task(leader, LIST)]
    time.sleep(SOON)
    assert not any(read.is_done() for read in reads)
    for node in followers:
        node.kill(signal.SIGCONT)
    assert reads[0].outcome().result == [["new"]]
    assert reads[1].outcome().result[3] == ["new", "1"]
    assert evaluated(leader, REVISION) == revision + 1


def test_a_write_that_the_next_leader_lacks_was_not_applied(clusters: Clusters) -> None:
    with clusters.prepared(proxied=True).running() as cluster:
        leader = lead(cluster)
        prepare(leader)
        cluster.links.isolate(leader)
        write, read = Task(leader, PUT), Task(leader, GET)
        stale = Task(leader, GET_STALE)
        follow = Task(leader, f"kv.v1.follow({REVISION} - 1, {EPOCH}, 1000, 60)")
        assert evaluated(leader, SEEN) == "new"  # the control
        assert read.outcome().kind == "kv.NotLeader"
        assert follow.outcome().kind == "kv.NotLeader"
        assert stale.outcome().kind == "kv.NotConfirmed"
        assert not write.is_done()
        other = cluster.wait_for_leader(other_than=leader)
        cluster.links.heal()
        assert write.outcome().kind == "kv.NotLeader"
        wait_until(lambda: bool(evaluated(leader, f"{SEEN} == 'old'")), 30)
        assert evaluated(other, SEEN) == "old"


def test_a_refused_write_is_not_applied(cluster: Cluster) -> None:
    leader = lead(cluster)
    prepare(leader)
    for node in cluster.followers():
        for call in (PUT, GET, LIST, "kv.v1.has_user('ann')"):
            assert Task(node, call).outcome().kind == "kv.NotLeader"


def test_a_follower_returns_only_confirmed_rows(clusters: Clusters) -> None:
    with clusters.prepared(proxied=True, environ=PATIENT).running() as cluster:
        leader = lead(cluster)
        prepare(leader)
        follower, lost = cluster.followers()
        wait_until(lambda: evaluated(follower, SEEN) == "old", 30)
        wait_until(lambda: bool(evaluated(follower, ALL_CONFIRMED)), 30)
        lost.kill(signal.SIGSTOP)
        cluster.links.block(follower, leader)
        write = Task(leader, PUT)
        wait_until(lambda: evaluated(follower, SEEN) == "new", 30)  # the control
        stale = "kv.v1.get_stale({{'ann', 1}}, {{'{}'}}, 1000)"
        listed = "kv.v1.list_stale({{'ann', 1}}, '{}', nil, 10, 1000, true)"
        level = "kv.v1.list_level_stale({'ann', 1}, '', nil, 10, 1000, '/', {})"
        members = "kv.v1.read_stale({{'ann', 1}}, {{'{}'}}, 1000)"
        page = "kv.v1.list_page_stale({'ann', 1}, '', nil, 10, 1000, {})"
        pending = [
            Task(follower, call)
            for call in (
                *(stale.format("k"), listed.format(""), level),
                *(members.format("k"), page),
            )
        ]
        others = [Task(follower, stale.format(key)) for key in ("n", "none")]
        others.append(Task(follower, listed.format("n")))
        others.append(Task(follower, members.format("n")))
        gets = "{{'ann', 1}, {'k'}, 1000}, {{'ann', 1}, {'n'}, 1000}"
        each = evaluated(follower, f"{{kv.v1.get_stale_each({{{gets}}})}}")
        assert each[2] == [None, [["1"], [1], [None]]]
        assert evaluated(follower, f"{{kv.v1.read_stale_each({{{gets}}})}}")[2] == [
            *(None, '"n":1')
        ]
        outcomes = [read.outcome() for read in others]
        one, none, some, text = [outcome.result for outcome in outcomes]
        assert (one[2], none[2], some[3]) == (["1"], [None], ["n"])
        assert text[2] == '"n":1'
        assert max(outcome.seconds for outcome in outcomes) < PENDING
        for read in pending:
            assert read.outcome().kind == "kv.NotConfirmed"
            assert read.outcome().seconds > PENDING
        assert not write.is_done()
        cluster.links.heal()
        lost.kill(signal.SIGCONT)
        wait_until(lambda: write.is_done(), 30)
        for node in cluster.nodes:
            wait_until(
                lambda node=node: (  # type: ignore[misc]
                    Task(node, stale.format("k")).outcome().result[2:] == [["new"]]
                ),
                30,
            )


def test_a_stale_read_has_the_age_of_its_data(clusters: Clusters) -> None:
    age = "(kv.v1.get_stale({'ann', 1}, {'k'}, 1000))"
    with clusters.prepared(proxied=True).running() as cluster:
        leader = lead(cluster)
        prepare(leader)
        lost = cluster.followers()[0]
        wait_until(lambda: evaluated(lost, SEEN) == "old", 30)
        time.sleep(1)
        assert evaluated(leader, age) < 0.1
        assert evaluated(lost, age) < 1
        begin = time.monotonic()
        cluster.links.isolate(lost)
        leader.console(PUT)
        time.sleep(2)
        isolated = time.monotonic() - begin
        found = evaluated(lost, "{kv.v1.get_stale({'ann', 1}, {'k'}, 1000)}")
        assert found[2] == ["old"]
        assert isolated - 0.5 < found[0] < isolated + 2
        cluster.links.heal()
        wait_until(lambda: evaluated(lost, SEEN) == "new", 30)
        wait_until(lambda: evaluated(lost, age) < 1, 30)


def test_a_node_that_has_heard_from_no_leader_answers_no_stale_read(
    cluster: Cluster,
) -> None:
    prepare(lead(cluster))
    node, *others = cluster.followers()
    wait_until(lambda: evaluated(node, "box.space.kv:get('k') ~= nil"), 30)
    cluster.kill()
    node.start()
    wait_until(lambda: evaluated(node, "rawget(_G, 'kv') ~= nil"), 30)
    each = "kv.v1.get_stale_each({{{'ann', 1}, {'k'}, 1000}})"
    members = each.replace("get_stale_each", "read_stale_each")
    for read in GET_STALE, each, members:
        assert Task(node, read).outcome().kind == "kv.NotLeader"
    cluster.start(*others)
    wait_until(lambda: Task(node, GET_STALE).outcome().result[2:] == [["old"]], 30)
