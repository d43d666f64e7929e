"""A leader that was paused, and does not know yet that another one was elected, returns
nothing outdated."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.cluster.test_confirmation import lead
from tests.support.cluster import Cluster, Node
from tests.support.machine import wait_until
from tests.support.procedures import prepare
from tests.support.tarantool import PASSWORD, connected, evaluated

pytestmark = pytest.mark.needs_election

ACCOUNT = {"username": "kv_service", "password": PASSWORD}
CALLER = ["ann", 1]

#: Requests that wait in the paused leader's socket.
REQUESTS = 500

#: A round without the lease need not be lost.
ROUNDS = 4
CONTROL_ROUNDS = 12

WITHOUT_LEASE = """
local lease = require('kv.base.lease')
lease.holds = function() return true end
"""

WITHOUT_WAIT = """
require('kv.base.promotion').await_lease = function() end
"""

#: Seconds that the requests have to arrive, less than a lease.
SHORT = 0.05


def value_of_member(results: list[str | None]) -> str | None:
    """The value in the first text of members, of the key `k`."""
    return results[0] and results[0].removeprefix('"k":')


#: By name: the arguments, and the value in the result.
READS: dict[str, tuple[list[Any], Any]] = {
    "kv.v1.get": ([CALLER, ["k"], 1000], lambda body: body[0][0]),
    "kv.v1.get_each": (
        [[[CALLER, ["k"], 1000]]],
        lambda body: body[0][0] and body[0][0][0],
    ),
    "kv.v1.read": ([CALLER, ["k"], 1000], value_of_member),
    "kv.v1.read_each": (
        [[[CALLER, ["k"], 1000]]],
        lambda body: value_of_member(body[0]),
    ),
    "kv.v1.list": (
        [CALLER, "k", None, 10, 1000, True],
        lambda body: body[3][0],
    ),
    "kv.v1.put": (
        [CALLER, ["x"], ["1"], {"conditions": [["k", [None], False]]}],
        lambda body: body[2][0] if body[0] is None else None,
    ),
}


async def elected(cluster: Cluster, leader: Node) -> Node:
    return await asyncio.to_thread(cluster.wait_for_leader, other_than=leader)


async def promoted(cluster: Cluster, leader: Node) -> Node:
    (node, _) = (node for node in cluster.nodes if node != leader)
    await asyncio.to_thread(node.console, "box.ctl.promote()")
    return node


async def outdated_replies(
    cluster: Cluster,
    leader: Node,
    value: str,
    *,
    succeed: Callable[[Cluster, Node], Awaitable[Node]] = elected,
    pause: float = 0.3,
) -> int:
    """Replies of a leader that was paused while another one was elected and wrote.

    :param succeed: has the other one elected
    :param pause: seconds that the requests have to arrive
    """
    connection = await connected(leader, **ACCOUNT)
    before = (await connection.call("kv.v1.get", [CALLER, ["k"], 1000, True])).body
    known = {before[0][0], before[1][0]}  # the value and its revision
    leader.kill(signal.SIGSTOP)
    other = await succeed(cluster, leader)
    wait_until(lambda: bool(evaluated(other, "kv.v1.status().leads")), 30)
    other.console(f"kv.v1.put({{'ann', 1}}, {{'k'}}, {{'{value}'}}, {{}})")
    assert evaluated(other, "box.space.kv:get('k').value") == value
    calls = [
        asyncio.ensure_future(connection.call(name, arguments))
        for _ in range(REQUESTS // len(READS))
        for name, (arguments, _) in READS.items()
    ]
    await asyncio.sleep(pause)
    leader.kill(signal.SIGCONT)
    replies = await asyncio.gather(*calls, return_exceptions=True)
    await connection.disconnect()
    outdated = 0
    for call, reply in enumerate(replies):
        if not isinstance(reply, BaseException):
            _, found = list(READS.values())[call % len(READS)]
            outdated += found(reply.body) in known
    return outdated


async def test_a_paused_leader_returns_nothing_outdated(cluster: Cluster) -> None:
    prepare(lead(cluster))
    for number in range(ROUNDS):
        leader = lead(cluster)
        assert await outdated_replies(cluster, leader, f"value {number}") == 0
        cluster.wait_until_whole()


async def test_without_a_lease_a_paused_leader_returns_outdated_data(
    cluster: Cluster,
) -> None:
    """The control of the one before."""
    prepare(lead(cluster))
    for node in cluster.nodes:
        node.console(WITHOUT_LEASE)
    for number in range(CONTROL_ROUNDS):
        leader = lead(cluster)
        if await outdated_replies(cluster, leader, f"value {number}") > 0:
            return
        cluster.wait_until_whole()
    pytest.fail("the pause has done no harm: this proves nothing")


async def test_a_leader_that_is_replaced_by_hand_returns_nothing_outdated(
    cluster: Cluster,
) -> None:
    prepare(lead(cluster))
    for number in range(ROUNDS):
        leader, value = lead(cluster), f"value {number}"
        found = await outdated_replies(
            cluster, leader, value, succeed=promoted, pause=SHORT
        )
        assert found == 0
        cluster.wait_until_whole()


async def test_without_a_wait_a_leader_that_is_replaced_by_hand_is_outdated(
    cluster: Cluster,
) -> None:
    """The control of the one before."""
    prepare(lead(cluster))
    for node in cluster.nodes:
        node.console(WITHOUT_WAIT)
    for number in range(CONTROL_ROUNDS):
        leader, value = lead(cluster), f"value {number}"
        if await outdated_replies(
            cluster, leader, value, succeed=promoted, pause=SHORT
        ):
            return
        cluster.wait_until_whole()
    pytest.fail("the promotion has done no harm: this proves nothing")
