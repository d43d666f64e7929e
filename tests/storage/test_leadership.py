"""What an instance does when it begins to take writes.

A switch by hand over Tarantool's own replication, which every version has; for
elections see tests/cluster.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.machine import wait_until
from tests.support.tarantool import (
    START_TIMEOUT,
    LocalTarantool,
    Tarantools,
    evaluated,
)
from tests.support.tarantool import follow as prepare_follower

DEPLOYED = "box.space._func.index.name:get('kv.v1.stale') ~= nil"
STATUS = "kv.v1.status()"

HAS_ACCOUNT = "box.space.users:get('ann') ~= nil"

#: The grants of a caller, as a call on the leader finds them.
GRANTS = "require('kv.accounts.authorize').check({'ann', 1}).grants"
NEW_GRANTS = [["x", "r"]]

#: As where the call began while the node led, and the change is one of the next leader.
CHECK_WHAT_IS_TAKEN_BACK = f"""
(function()
    box.cfg({{read_only = false}})
    box.begin()
    box.space.users:update('ann', {{{{'=', 'grants', {{{{'x', 'r'}}}}}}}})
    local found = {GRANTS}
    box.rollback()
    box.cfg({{read_only = true}})
    return found
end)()
"""


@pytest.fixture
def pair(
    tarantools: Tarantools, tmp_path: Path
) -> Iterator[tuple[LocalTarantool, LocalTarantool]]:
    """A leader and its follower."""
    with tarantools.local() as leader, tarantools.local() as follower:
        leader.start()
        prepare_follower(leader, follower, tmp_path)
        follower.start()
        yield leader, follower


def switch(leader: LocalTarantool, follower: LocalTarantool) -> None:
    leader.console("box.cfg({read_only = true})")
    follower.console("box.cfg({read_only = false})")


def test_a_follower_does_the_duties_of_a_leader_when_it_is_promoted(
    pair: tuple[LocalTarantool, LocalTarantool],
) -> None:
    leader, follower = pair
    leader.console("box.schema.func.create('kv.v1.stale', {setuid = true})")
    wait_until(lambda: bool(evaluated(follower, DEPLOYED)), START_TIMEOUT)
    assert evaluated(follower, STATUS)["leads"] is False

    switch(leader, follower)
    wait_until(lambda: not evaluated(follower, DEPLOYED), START_TIMEOUT)
    assert evaluated(follower, STATUS)["leads"] is True
    assert evaluated(leader, STATUS)["leads"] is False


def test_a_new_leader_checks_callers_against_its_accounts_again(
    pair: tuple[LocalTarantool, LocalTarantool],
) -> None:
    """Before, it may have seen changes of them that the next leader took back."""
    leader, follower = pair
    leader.console("kv.v1.create_user('ann', 'a hash')")
    wait_until(lambda: bool(evaluated(follower, HAS_ACCOUNT)), START_TIMEOUT)
    assert evaluated(follower, CHECK_WHAT_IS_TAKEN_BACK) == NEW_GRANTS
    assert evaluated(follower, GRANTS) == NEW_GRANTS  # a control: it is kept

    switch(leader, follower)
    wait_until(lambda: evaluated(follower, GRANTS) == [["", "rw"]], START_TIMEOUT)


def test_without_a_promotion_a_follower_leaves_everything_as_it_is(
    pair: tuple[LocalTarantool, LocalTarantool],
) -> None:
    """The control of the test above."""
    leader, follower = pair
    leader.console("box.schema.func.create('kv.v1.stale', {setuid = true})")
    wait_until(lambda: bool(evaluated(follower, DEPLOYED)), START_TIMEOUT)
    leader.console("box.cfg({read_only = true})")
    with pytest.raises(TimeoutError):
        wait_until(lambda: not evaluated(follower, DEPLOYED), 2.0)


def test_a_single_instance_leads_without_an_election(
    pair: tuple[LocalTarantool, LocalTarantool],
) -> None:
    status = evaluated(pair[0], STATUS)
    assert status["leads"] is True
    assert status["quorum"] is True
    assert status["read_only"] is False
    assert (status["leader"], status["term"], status["lag"]) == (None, 0, 0)
    assert status["newest"] == 0
