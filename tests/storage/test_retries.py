"""The outcome of a write with an idempotency key is kept for a day, then collected."""

import pytest

from tests.support.client import unique
from tests.support.machine import wait_until
from tests.support.tarantool import Tarantool, Tarantools, evaluated

DAY = 24 * 3600

#: Seconds for the collector, which runs every second, on a busy machine.
COLLECT_TIMEOUT = 30.0

#: More than are collected in one transaction.
MANY = 1_200

CUTS = 6

INCREMENT = """
{{kv.v1.increment(
    {{'{name}', box.space.users:get('{name}').credentials_version}},
    {{'{key}'}}, {{1}}, {options}
)}}
"""
RETRY = "{retry = {'retry', 'a request'}}"
OTHER_RETRY = "{retry = {'retry', 'another request'}}"

LEFT = """
box.space.idempotency:get({{'{name}', 'retry'}}).expires_at - require('clock').time()
"""
LET_IT_END = """
(function()
    box.space.idempotency:update({{'{name}', 'retry'}}, {{{{'=', 'expires_at', 1}}}})
    return {then_}
end)()
"""
KEEP_MANY = """
(function()
    box.atomic(function()
        for i = 1, {count} do
            box.space.idempotency:insert({{'{name}', 'old ' .. i, 'f', {{1}}, i}})
        end
    end)
    return true
end)()
"""


@pytest.fixture
def name(tarantool: Tarantool) -> str:
    """The name of an account."""
    name = unique("user")
    tarantool.console(f"kv.v1.create_user('{name}', 'a hash')")
    return name


@pytest.fixture
def key() -> str:
    return unique("counter")


@pytest.fixture
def increment(name: str, key: str) -> str:
    return INCREMENT.format(name=name, key=key, options=RETRY)


def kept(tarantool: Tarantool, name: str) -> int:
    """How many outcomes of the account there are."""
    count = evaluated(tarantool, f"box.space.idempotency:count({{'{name}'}})")
    return int(count)


def test_an_outcome_is_kept_for_a_day(
    tarantool: Tarantool, name: str, increment: str
) -> None:
    first = evaluated(tarantool, increment)
    assert evaluated(tarantool, increment) == first
    assert DAY - COLLECT_TIMEOUT < evaluated(tarantool, LEFT.format(name=name)) <= DAY
    assert kept(tarantool, name) == 1


@pytest.mark.parametrize("options", [RETRY, OTHER_RETRY], ids=["same", "another"])
def test_after_a_day_a_request_with_its_key_is_a_new_one(
    tarantool: Tarantool, name: str, key: str, increment: str, options: str
) -> None:
    revision, values = evaluated(tarantool, increment)
    again = INCREMENT.format(name=name, key=key, options=options)
    code = LET_IT_END.format(name=name, then_=again)
    later, sums = evaluated(tarantool, code)
    assert (values, sums) == (["1"], ["2"])
    assert later > revision
    assert evaluated(tarantool, again) == [later, sums]


def test_an_outcome_is_collected_after_a_day(
    tarantool: Tarantool, name: str, increment: str
) -> None:
    evaluated(tarantool, increment)
    evaluated(tarantool, KEEP_MANY.format(name=name, count=MANY))
    wait_until(lambda: kept(tarantool, name) == 1, COLLECT_TIMEOUT)
    # the one whose time is not over
    first = evaluated(tarantool, increment)
    assert first[1] == ["1"]
    evaluated(tarantool, LET_IT_END.format(name=name, then_="true"))
    wait_until(lambda: kept(tarantool, name) == 0, COLLECT_TIMEOUT)


def test_a_log_cut_anywhere_has_a_write_with_its_outcome_or_neither(
    tarantools: Tarantools,
) -> None:
    increment = INCREMENT.format(name="ann", key="counter", options=RETRY)
    with tarantools.local() as source:
        source.start()
        source.console("kv.v1.create_user('ann', 'a hash')")
        (log,) = source.data.glob("*.xlog")
        begin = log.stat().st_size
        first = evaluated(source, increment)
        end = log.stat().st_size
        source.kill()

        found = {}
        for length, crashed in tarantools.cut_off(source, begin, end, CUTS):
            found[length] = kept(crashed, "ann")
            # the request is made again
            assert evaluated(crashed, increment) == first
        assert set(found.values()) == {0, 1}
        assert (found[begin], found[end]) == (0, 1)
