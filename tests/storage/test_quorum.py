"""Commits and the lease of a cluster, on an instance that takes itself for a leader.

tests/cluster/ has the tests of real nodes.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.background import Task
from tests.support.machine import wait_until
from tests.support.procedures import REVISION, prepare
from tests.support.tarantool import Tarantool, Tarantools, evaluated

#: Without the functions of 3.x.
PRETEND = """
(function()
    local leader = require('kv.base.leader')
    leader.is_clustered = function() return true end
    leader.leads = function() return true end
    leader.check = function() end
    leader.name = function() return 'another' end
    leader.complete(1)
    require('kv.base.lease').configure(function() error('not replaced', 0) end)
    return true
end)()
"""

COMMIT = """
(function()
    local outcomes = {{}}
    local function note(outcome) table.insert(outcomes, outcome) end
    local ok, result = pcall(require('kv.base.quorum').commit, note, function()
        {body}
    end)
    return {{ok, not ok and result.type or result, outcomes}}
end)()
"""

#: Replaces the write that renews the lease. It waits until it is let go.
RENEWAL = """
(function()
    writes, gate = 0, require('fiber').channel()
    require('kv.base.lease').configure(function()
        writes = writes + 1
        local ok = gate:get()
        if not ok then box.error({type = 'kv.DiskFull', reason = 'full'}) end
        require('kv.base.quorum').commit(function() end, function()
            box.space.kv_meta:update('revision', {{'=', 2, 2}})
        end)
    end)
    return true
end)()
"""
CHECK = "require('kv.base.lease').check(1)"
HOLDS = "require('kv.base.lease').holds({})"


@pytest.fixture
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    with tarantools.running() as instance:
        prepare(instance)
        assert evaluated(instance, PRETEND)
        yield instance


WRITE = "box.space.kv_meta:update('revision', {{'+', 2, 1}})"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"{WRITE} return 1", [True, 1, [True]]),
        ("return 1", [True, 1, [True]]),
        (f"{WRITE} box.error(box.error.READONLY)", [False, "kv.NotLeader", [False]]),
        (
            f"{WRITE} box.error(box.error.TRANSACTION_CONFLICT)",
            [False, "kv.NotLeader", [False]],
        ),
        (f"{WRITE} box.error(box.error.WAL_IO)", [False, "ClientError", [False]]),
    ],
    ids=["written", "nothing-written", "read-only", "conflict", "other-failure"],
)
def test_a_commit_reports_its_outcome_once(
    own: Tarantool, body: str, expected: list[Any]
) -> None:
    before = evaluated(own, REVISION)
    assert evaluated(own, COMMIT.format(body=body)) == expected
    written = expected[0] and WRITE in body
    assert evaluated(own, REVISION) == before + written


@pytest.mark.parametrize(
    ("kind", "refused"), [("NotConfirmed", True), ("NotLeader", False)]
)
def test_coalesced_puts_with_an_unknown_outcome_are_not_left_out(
    own: Tarantool, kind: str, refused: bool
) -> None:
    """A call of their own would apply them twice."""
    own.console(
        "require('kv.base.quorum').commit = function() "
        f"require('kv.base.errors').raise('{kind}', '') end"
    )
    task = Task(own, "kv.v1.put_each({{{'ann', 1}, {'k'}, {'new'}}})")
    outcome = task.outcome()
    if refused:
        assert outcome.kind == "kv.NotConfirmed"
    else:
        assert outcome.result == [[None]]


def test_waiting_reads_share_a_renewal_that_begins_after_them(own: Tarantool) -> None:
    assert evaluated(own, RENEWAL)
    own.console("box.cfg{replication_timeout = 0.1}")
    first = Task(own, CHECK)
    wait_until(lambda: evaluated(own, "writes") == 1, 5)
    later = [Task(own, CHECK) for _ in range(3)]
    own.console("require('fiber').sleep(0.3)")
    own.console("gate:put(true)")
    assert first.outcome().kind is None
    wait_until(lambda: evaluated(own, "writes") == 2, 5)
    assert not any(task.is_done() for task in later)
    own.console("gate:put(true)")
    assert all(task.outcome().kind is None for task in later)
    assert evaluated(own, "writes") == 2


def test_a_renewed_lease_lasts_while_it_is_used(own: Tarantool) -> None:
    """The lease takes 2 s, its renewal is due every 0.5 s."""
    assert evaluated(own, RENEWAL)
    own.console("box.cfg{replication_timeout = 1}")
    holds = HOLDS.format(1)
    assert not evaluated(own, holds)
    own.console(
        "require('fiber').create(function() while true do gate:put(true) end end)"
    )
    used = """
    (function()
        local lease, fiber = require('kv.base.lease'), require('fiber')
        lease.check(1)
        for _ = 1, 150 do
            if not lease.holds(1) then return false end
            fiber.sleep(0.02)
        end
        return true
    end)()
    """
    assert evaluated(own, used)
    own.console("require('fiber').sleep(1)")
    count = evaluated(own, "writes")
    own.console("require('fiber').sleep(2)")
    assert evaluated(own, "writes") == count
    assert not evaluated(own, holds)


def test_a_failed_renewal_fails_the_reads(own: Tarantool) -> None:
    assert evaluated(own, RENEWAL)
    task = Task(own, CHECK)
    own.console("gate:put(false)")
    assert task.outcome().kind == "kv.DiskFull"


def test_reads_that_wait_for_a_renewal_end_with_the_leadership(own: Tarantool) -> None:
    assert evaluated(own, RENEWAL)
    task = Task(own, CHECK)
    wait_until(lambda: evaluated(own, "writes") == 1, 5)
    own.console("require('kv.base.leader').resign()")
    assert task.outcome().kind == "kv.NotLeader"
    own.console("gate:put(true)")
    own.console("require('kv.base.leader').complete(2)")
    assert Task(own, CHECK).outcome().kind == "kv.NotLeader"
    assert not evaluated(own, HOLDS.format(1))
