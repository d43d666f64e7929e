"""The choice of the leader from the statuses of the nodes, and the wait for it."""

import asyncio
import math

import pytest

from service.errors import NoQuorum, StorageUnavailable, Unavailable
from service.settings import Address
from service.storage.connection import Instance
from service.storage.leadership import (
    Status,
    View,
    choose_instance,
    choose_leader,
)
from service.storage.nodes import ELECTION_TIMEOUT, Nodes
from service.telemetry.metrics import Metrics

ADDRESSES = [Address("127.0.0.1", port) for port in (1, 2, 3)]


def leads(term: int) -> Status:
    return Status(read_only=False, leads=True, leader="n", term=term)


def follows(term: int, leader: str | None = "n", *, quorum: bool = True) -> Status:
    return Status(True, leads=False, leader=leader, term=term, quorum=quorum)


def views(*statuses: Status | None) -> list[View]:
    return [View(status) for status in statuses]


WRITABLE = Status(read_only=False, leads=True)
READ_ONLY = Status(read_only=True, leads=False)


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        (views(follows(2), leads(2), follows(2)), 1),
        (views(follows(2), follows(2), None), None),
        (views(None, None, None), None),
        # a leader that was paused still says so
        (views(leads(2), leads(3), follows(3)), 1),
        # it is all that this process can reach, but another one leads
        (views(leads(2), follows(3), None), None),
        # a candidate has a higher term, and no leader yet
        (views(leads(2), follows(3, None), follows(2)), 0),
        ([View(leads(2), is_silent=True), *views(follows(2), follows(2))], None),
        # what a silent node reported last does not count
        ([View(follows(3), is_silent=True), *views(leads(2), follows(2))], 1),
    ],
)
def test_calls_go_to_the_leader_of_the_highest_term(
    given: list[View], chosen: int | None
) -> None:
    for current in (None, 0, 1, 2):
        assert choose_leader(given, current) == chosen


@pytest.mark.parametrize(
    ("given", "current", "chosen"),
    [
        (views(READ_ONLY, WRITABLE), None, 1),
        (views(READ_ONLY, WRITABLE), 0, 1),
        (views(WRITABLE, WRITABLE), None, 0),
        (views(WRITABLE, WRITABLE), 1, 1),
        (views(READ_ONLY, READ_ONLY), None, 0),
        (views(READ_ONLY, READ_ONLY), 1, 1),
        (views(None, READ_ONLY), 0, 1),
        (views(None, None), 0, None),
        ([View(WRITABLE, is_silent=True), View(WRITABLE)], 0, 1),
        # a silent instance is better than one that refuses writes
        ([View(WRITABLE, is_silent=True), View(READ_ONLY)], 0, 0),
        ([View(WRITABLE, is_silent=True)], 0, 0),
    ],
)
def test_without_elections_calls_go_to_an_instance_that_accepts_writes(
    given: list[View], current: int | None, chosen: int | None
) -> None:
    assert choose_instance(given, current) == chosen


@pytest.mark.parametrize("read_only", [False, True])
def test_an_old_instance_is_a_single_one(read_only: bool) -> None:
    status = Status.parse({"read_only": read_only})
    assert status == Status(read_only=read_only, leads=not read_only)
    assert (status.term, status.quorum, status.lag) == (0, True, 0)


def test_a_node_that_never_heard_from_a_leader_is_infinitely_behind() -> None:
    assert Status.parse({"read_only": True, "lag": None}).lag == math.inf


class FakeNodes(Nodes):
    """Nodes that are never connected: a test sets their statuses."""

    def __init__(self, failover_wait: float = 0.3) -> None:
        super().__init__(ADDRESSES, "user", "password", failover_wait, Metrics())
        self._is_open = True

    def set(self, *statuses: Status | None) -> None:
        for node, status in zip(self._nodes, statuses, strict=True):
            node.status = status
            node._polled_at = self._clock()
            if status is None:
                node.instance = None
            elif node.instance is None:
                node.instance = Instance(node.address, "", "", lambda _: None)
        self._update()

    async def refusal(self) -> tuple[Unavailable, float]:
        """Why a call is refused, and after how many seconds."""
        clock = asyncio.get_running_loop().time
        began = clock()
        with pytest.raises(Unavailable) as refused:
            await self.next_leader(self.deadline(), "no")
        return refused.value, clock() - began


async def test_a_call_waits_for_the_next_leader() -> None:
    nodes = FakeNodes(failover_wait=5)
    nodes.set(leads(1), follows(1), follows(1))
    first = nodes.leader
    nodes.set(None, follows(1, None), follows(1, None))
    assert nodes.leader is None
    waiting = asyncio.ensure_future(nodes.next_leader(nodes.deadline(), "no"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    nodes.set(None, follows(2), leads(2))
    assert await waiting is nodes.leader is not first


async def test_a_call_waits_no_longer_than_allowed() -> None:
    nodes = FakeNodes()
    nodes.set(follows(1, None), follows(1, None), follows(1, None))
    why, seconds = await nodes.refusal()
    assert type(why) is StorageUnavailable
    assert str(why) == "No storage node leads"
    assert why.applied == "no"
    assert 0.2 < seconds < 2
    nodes.set(None, follows(1), follows(1))
    why, _ = await nodes.refusal()
    assert str(why) == "The storage's leader does not answer"


async def test_a_call_without_a_majority_is_refused_at_once_after_an_election() -> None:
    nodes = FakeNodes(failover_wait=5)
    nodes.set(follows(1), None, None)
    nodes.set(follows(1, None, quorum=False), None, None)
    why, seconds = (await asyncio.gather(nodes.refusal(), updates(nodes)))[0]
    assert type(why) is NoQuorum
    assert ELECTION_TIMEOUT - 0.1 < seconds < 4
    why, seconds = await nodes.refusal()
    assert type(why) is NoQuorum
    assert seconds < 0.2
    nodes.set(follows(1, None), follows(1, None), None)
    nodes.set(follows(1, None, quorum=False), None, None)
    waiting = asyncio.ensure_future(nodes.refusal())
    await asyncio.sleep(0.05)
    assert not waiting.done()  # there was a majority: the time begins again
    waiting.cancel()


async def updates(nodes: FakeNodes) -> None:
    """Updates as the polls of reachable nodes cause them."""
    for _ in range(30):
        await asyncio.sleep(0.05)
        nodes._update()


async def test_without_any_node_the_storage_is_unavailable() -> None:
    nodes = FakeNodes()
    nodes.set(leads(1), follows(1), follows(1))
    nodes.set(None, None, None)
    why, seconds = (await asyncio.gather(nodes.refusal(), updates(nodes)))[0]
    assert type(why) is StorageUnavailable
    assert seconds > 0.2
    why, seconds = await nodes.refusal()
    assert seconds < 0.1


async def test_readiness_outlasts_a_failover_only() -> None:
    nodes = FakeNodes()
    nodes.set(follows(1, None), follows(1, None), follows(1, None))
    with pytest.raises(StorageUnavailable, match="No storage node leads"):
        nodes.check_leader()  # no node has led yet
    nodes.set(leads(1), follows(1), follows(1))
    nodes.check_leader()
    nodes.set(None, follows(1), follows(1))
    nodes.check_leader()
    await asyncio.sleep(0.4)
    with pytest.raises(StorageUnavailable, match="leader does not answer"):
        nodes.check_leader()


async def test_without_elections_no_call_waits() -> None:
    nodes = FakeNodes(failover_wait=5)
    nodes.set(WRITABLE, READ_ONLY, None)
    nodes.set(None, None, None)
    _, seconds = await nodes.refusal()
    assert seconds < 0.2


async def test_calls_on_a_former_leader_end_when_another_leads() -> None:
    nodes = FakeNodes()
    nodes.set(leads(1), follows(1), follows(1))
    former = nodes.leader
    assert former is not None
    former.is_open = True
    nodes._nodes[0]._is_silent = True
    nodes.set(leads(1), leads(2), follows(2))
    assert nodes.leader is not former
    assert not former.is_open


async def test_a_leader_that_steps_down_may_still_answer_for_a_moment() -> None:
    """The control of the one before."""
    nodes = FakeNodes()
    nodes.set(leads(1), follows(1), follows(1))
    former = nodes.leader
    assert former is not None
    former.is_open = True
    nodes.set(follows(2), leads(2), follows(2))
    assert former.is_open
    await asyncio.sleep(0.7)
    assert not former.is_open


async def test_the_nearest_node_with_fresh_data_comes_first() -> None:
    nodes = FakeNodes()
    nodes.set(leads(1), follows(1)._replace(lag=20), follows(1))
    for node, latency in zip(nodes._nodes, (0.3, 0.1, 0.2), strict=True):
        node.latency = latency
    assert [i.address.port for i in nodes.nearest(10)] == [3, 1, 2]
    assert [i.address.port for i in nodes.nearest(30)] == [2, 3, 1]
    nodes._nodes[2]._is_silent = True
    assert [i.address.port for i in nodes.nearest(10)] == [1, 2]


async def test_each_change_of_the_leader_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    nodes = FakeNodes()
    for _ in range(2):
        nodes.set(leads(1), follows(1), follows(1))
    for _ in range(2):
        nodes.set(None, follows(1), follows(1))
    nodes.set(None, follows(2), leads(2))
    assert [record.getMessage() for record in caplog.records] == [
        "Tarantool at 127.0.0.1:1 leads in term 1",
        "no Tarantool leads",
        "Tarantool at 127.0.0.1:3 leads in term 2",
    ]
