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
