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
