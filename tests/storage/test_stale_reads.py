"""Stale reads on a single instance, whose data are never outdated."""

from collections.abc import Iterator

import pytest

from tests.support.procedures import REVISION, prepare
from tests.support.tarantool import Tarantool, Tarantools, evaluated

GET = "{{kv.v1.get_stale({{'ann', {version}}}, {{{keys}}}, {limit}, {detailed})}}"
LIST = "{kv.v1.list_stale({'ann', 1}, '', nil, 10, 1000, true)}"

KIND = """
(function()
    local ok, failure = pcall(kv.v1.get_stale, {'ann', 2}, {'k'}, 1000)
    return not ok and failure.type
end)()
"""

#: The results of requests that share a call: found, too large, of another account, not
#: granted, missing.
EACH = """{kv.v1.get_stale_each({
    {{'ann', 1}, {'k', 'none', 't'}, 1000}, {{'ann', 1}, {'k', 'n'}, 4},
    {{'ann', 2}, {'k'}, 1000}, {{'bob', 2}, {'k'}, 1000}, {{'bob', 2}, {'mine'}, 1000},
})}"""

#: The same request while a write of the key, or of the account, is not in the WAL yet.
MEANWHILE = """
(function()
    require('fiber').new({write})
    require('fiber').yield()
    local _, revision, found = kv.v1.get_stale_each({{
        {{{{'ann', 1}}, {{'k'}}, 1000}}, {{{{'ann', 1}}, {{'n'}}, 1000}} }})
    return {{ revision, found }}
end)()
"""


@pytest.fixture
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    with tarantools.running() as instance:
        prepare(instance)
        yield instance


def get(keys: str, *, limit: int = 1000, detailed: bool = False) -> str:
    return GET.format(version=1, keys=keys, limit=limit, detailed=str(detailed).lower())


def test_a_stale_read_of_a_single_instance_has_no_age(own: Tarantool) -> None:
    revision = evaluated(own, REVISION)
    own.console("kv.v1.put({'ann', 1}, {'t'}, {'2'}, {ttl = 100})")
    assert evaluated(own, get("'k', 'none', 'n'")) == [
        0,
        revision + 1,
        ["old", None, "1"],
    ]
    age, at, values, revisions, left = evaluated(own, get("'k', 't'", detailed=True))
    assert (age, at, values) == (0, revision + 1, ["old", "2"])
    assert revisions == [revision, revision + 1]
    assert left[0] is None
    assert 90 < left[1] <= 100
    assert evaluated(own, LIST) == [
        0,
        revision + 1,
        None,
        ["k", "n", "t"],
        ["old", "1", "2"],
    ]


def test_a_stale_read_over_the_limit_returns_its_size(own: Tarantool) -> None:
    age, _, size = evaluated(own, get("'k', 'n'", limit=4))
    assert age == 0
    assert size > 4


def test_a_stale_read_checks_its_caller(own: Tarantool) -> None:
    assert evaluated(own, KIND) == "kv.TokenRevoked"


def test_stale_reads_that_share_a_call_have_results_of_their_own(
    own: Tarantool,
) -> None:
    own.console("kv.v1.put({'ann', 1}, {'t'}, {'2'}, {ttl = 100})")
    own.console("kv.v1.create_user('bob', 'a hash')")
    own.console("kv.admin.set_grants('bob', {{prefix = 'm', rights = 'r'}})")
    revision = evaluated(own, REVISION)
    age, at, results = evaluated(own, EACH)
    assert (age, at) == (0, revision)
    (values, revisions, left), size, revoked, refused, missing = results
    assert values == ["old", None, "2"]
    assert revisions == [revision - 1, None, revision]
    assert left[:2] == [None, None]
    assert 90 < left[2] <= 100
    assert size > 4
    assert (revoked, refused) == (None, None)
    assert missing == [[None], [None], [None]]


@pytest.mark.parametrize(
    ("write", "are_left_out"),
    [
        ("function() kv.v1.put({'ann', 1}, {'k'}, {'new'}) end", [True, False]),
        ("function() kv.v1.delete({'ann', 1}, {'k'}) end", [True, False]),
        ("function() kv.v1.end_tokens({'ann', 1}) end", [True, True]),
        ("function() end", [False, False]),
    ],
    ids=["put", "delete", "end-tokens", "control"],
)
def test_what_has_to_wait_needs_a_call_of_its_own(
    own: Tarantool, write: str, are_left_out: list[bool]
) -> None:
    revision = evaluated(own, REVISION)
    at, found = evaluated(own, MEANWHILE.format(write=write))
    assert at == revision
    assert [one is None for one in found] == are_left_out
