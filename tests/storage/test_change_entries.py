"""The entries of the change log: what each write records, and how readers get it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.machine import wait_until
from tests.support.procedures import REVISION, number, prepare
from tests.support.tarantool import Tarantool, Tarantools, evaluated

HOUR = 3600.0

#: Keys of a batch, each of which is in the index.
INDEXED = 50

#: Seconds for the collector, on a busy machine.
COLLECT_TIMEOUT = 20.0

ANN = "{'ann', 1}"
ID = "box.space.users:get('ann').id"
NEWEST = "box.space.kv_changes.index.revision:max()"
BY_KEY = "box.space.kv_changes.index.key"

#: Writes b, which expires, and c; deletes k; there is no key "missing".
MIXED = """
kv.v1.write({'ann', 1}, {'b', 'k', 'c', 'missing'}, {'1', box.NULL, '2', box.NULL},
    {ttls = {3600, box.NULL, box.NULL, box.NULL}})
"""

READ = "kv.v1.{procedure}({{'ann', 1}}, {since}, '{prefix}', 1000000)"
FOLLOW = """
kv.v1.{procedure}({since}, require('kv.accounts.accounts').epoch(), 1000000, 0.5)
"""

#: A batch of which the only key has been removed.
FORGOTTEN = """
box.space.kv_changes:update({revision}, {{
    {{'=', 'keys', {{}}}}, {{'=', 'values', {{}}}}, {{'=', 8, {{}}}},
}})
"""

#: What a version before these fields has written, and the revision with it.
OLD_ENTRIES = """
box.atomic(function()
    local revision = box.space.kv_meta:get('revision').value
    box.space.kv_changes:insert({ revision + 1, { 'x', 'y' }, { '1', '2' } })
    box.space.kv_changes:insert({ revision + 2, { 'y' } })
    box.space.kv_meta:update('revision', {{'+', 'value', 2}})
end)
"""


@pytest.fixture
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    """An instance with the account ann and the keys k and n, at revision 1."""
    with tarantools.running() as instance:
        prepare(instance)
        yield instance


class Entry:
    """The newest entry of the log."""

    def __init__(self, tarantool: Tarantool) -> None:
        row: list[Any] = evaluated(tarantool, NEWEST)
        self.revision, self.keys, self.values, self.at = row[:4]
        self.by, self.account, self.expiries, self.indexed_keys = row[4:]
        self.has_expiries = self.expiries is not None


def entry_after(tarantool: Tarantool, call: str) -> Entry:
    """Also checks the fields that all writes of a caller record."""
    began, before = time.time(), number(tarantool, REVISION)
    evaluated(tarantool, f"{{{call}}}")
    entry = Entry(tarantool)
    assert entry.revision == before + 1
    assert began - 1 < entry.at < time.time() + 1
    assert (entry.by, entry.account) == ("ann", number(tarantool, ID))
    return entry


def batches(tarantool: Tarantool, reading: str, **given: object) -> Any:
    given = {"since": 1, "prefix": ""} | given
    return evaluated(tarantool, f"({reading.format(**given)})")


# What a write records


@pytest.mark.parametrize(
    "call",
    [
        f"kv.v1.put({ANN}, {{'a', 'b'}}, {{'1', '2'}})",
        f"kv.v1.put({ANN}, {{'a', 'b'}}, {{'1', '2'}}, {{conditions = {{}}}})",
        f"kv.v1.put_each({{{{{ANN}, {{'a', 'b'}}, {{'1', '2'}}}}}})",
        f"kv.v1.write({ANN}, {{'a', 'b'}}, {{'1', '2'}})",
    ],
    ids=["put", "put-with-options", "put-each", "write"],
)
def test_a_write_records_its_values(own: Tarantool, call: str) -> None:
    entry = entry_after(own, call)
    assert (entry.keys, entry.values) == (["a", "b"], ["1", "2"])
    assert not entry.has_expiries


@pytest.mark.parametrize(
    "call",
    [
        f"kv.v1.delete({ANN}, {{'missing', 'k'}})",
        f"kv.v1.write({ANN}, {{'missing', 'k'}}, {{box.NULL, box.NULL}})",
    ],
    ids=["delete", "write"],
)
def test_a_deletion_records_its_keys(own: Tarantool, call: str) -> None:
    entry = entry_after(own, call)
    assert (entry.keys, entry.values, entry.has_expiries) == (["k"], None, False)


@pytest.mark.parametrize("count", [1, 50, 51])
def test_the_index_has_the_keys_of_writes_that_are_not_large(
    own: Tarantool, count: int
) -> None:
    keys = [f"key {n}" for n in range(count)]
    listed = ", ".join(f"'{key}'" for key in keys)
    indexed = keys if count <= 50 else [""]
    for call in (
        f"kv.v1.put({ANN}, {{{listed}}}, {{{listed}}})",
        f"kv.v1.delete({ANN}, {{{listed}}})",
    ):
        before = number(own, f"{BY_KEY}:len()")
        entry = entry_after(own, call)
        assert (entry.keys, entry.indexed_keys) == (keys, indexed)
        assert number(own, f"{BY_KEY}:len()") == before + len(indexed)


def test_a_write_that_deletes_records_both(own: Tarantool) -> None:
    entry = entry_after(own, MIXED)
    assert (entry.keys, entry.values) == (["b", "c", "k"], ["1", "2", None])
    first, *others = entry.expiries
    assert abs(first - (entry.at + HOUR)) < 1
    assert others == [None, None]
    assert evaluated(own, "box.space.kv:get('c')") == ["c", "2", entry.revision]


def test_a_ttl_records_the_expiry_of_each_key(own: Tarantool) -> None:
    entry = entry_after(own, f"kv.v1.put({ANN}, {{'a', 'b'}}, {{'1', '2'}}, {{ttl=5}})")
    rows = "{box.space.kv:get('a').expires_at, box.space.kv:get('b').expires_at}"
    assert entry.expiries == evaluated(own, rows)


def test_an_increment_records_the_expiry_that_it_keeps(own: Tarantool) -> None:
    evaluated(own, f"kv.v1.put({ANN}, {{'expiring'}}, {{'1'}}, {{ttl = 3600}})")
    call = f"kv.v1.increment({ANN}, {{'n', 'expiring', 'new'}}, {{1, 1, 1}})"
    entry = entry_after(own, call)
    assert entry.values == ["2", "2", "1"]
    kept = evaluated(own, "box.space.kv:get('expiring').expires_at")
    assert entry.expiries == [None, kept, None]
    without = entry_after(own, f"kv.v1.increment({ANN}, {{'n'}}, {{1}})")
    assert not without.has_expiries


def test_the_collector_records_no_account(own: Tarantool) -> None:
    put = f"kv.v1.put({ANN}, {{'short'}}, {{'1'}}, {{ttl = 0.01}})"
    revision = number(own, put)
    wait_until(lambda: number(own, REVISION) > revision, COLLECT_TIMEOUT)
    entry = Entry(own)
    assert (entry.keys, entry.values) == (["short"], None)
    assert (entry.by, entry.account, entry.has_expiries) == (None, None, False)
    assert abs(entry.at - time.time()) < COLLECT_TIMEOUT


# How readers get it


def test_readers_get_a_write_that_deletes_as_one_batch(own: Tarantool) -> None:
    evaluated(own, f"{{{MIXED}}}")
    whole = [2, ["b", "c", "k"], ["1", "2", None]]
    (read,) = batches(own, READ, procedure="read_changes")
    (followed,) = batches(own, FOLLOW, procedure="follow_changes")
    assert read[:3] == followed[:3] == whole
    reduced = {"b": ["1"], "k": [None]}
    for prefix, values in reduced.items():
        evaluated(own, "kv.admin.set_grants('ann', {{prefix = '', rights = 'rw'}})")
        found = batches(own, READ, procedure="read_changes", prefix=prefix)
        assert found == [[2, [prefix], values]]


def test_the_first_versions_get_it_as_two_batches(own: Tarantool) -> None:
    """With the members that they have always returned, and no others."""
    evaluated(own, f"{{{MIXED}}}")
    evaluated(own, f"kv.v1.put({ANN}, {{'k'}}, {{'3'}}, {{ttl = 3600}})")
    evaluated(own, f"{{kv.v1.delete({ANN}, {{'k', 'b'}})}}")
    expected = [
        [2, ["b", "c"], ["1", "2"]],
        [2, ["k"]],
        [3, ["k"], ["3"]],
        [4, ["k", "b"]],
    ]
    assert batches(own, READ, procedure="changes") == expected
    assert batches(own, FOLLOW, procedure="follow") == expected
    assert batches(own, READ, procedure="changes", prefix="k") == [
        [2, ["k"]],
        [3, ["k"], ["3"]],
        [4, ["k"]],
    ]


@pytest.mark.parametrize(
    ("reading", "procedure"),
    [
        (READ, "changes"),
        (READ, "read_changes"),
        (FOLLOW, "follow"),
        (FOLLOW, "follow_changes"),
    ],
)
def test_readers_skip_what_has_no_keys_left(
    own: Tarantool, reading: str, procedure: str
) -> None:
    for key in "a", "b", "c":
        evaluated(own, f"kv.v1.put({ANN}, {{'{key}'}}, {{'1'}})")
    own.console(FORGOTTEN.format(revision=3))
    found = batches(own, reading, procedure=procedure)
    assert [batch[:3] for batch in found] == [[2, ["a"], ["1"]], [4, ["c"], ["1"]]]
    through = f"(select(2, {reading.format(procedure=procedure, since=2, prefix='')}))"
    assert number(own, through) == 4


def test_entries_of_the_versions_before_are_read_as_they_were(own: Tarantool) -> None:
    own.console(OLD_ENTRIES)
    evaluated(own, f"kv.v1.put({ANN}, {{'x'}}, {{'3'}})")
    old = [[2, ["x", "y"], ["1", "2"]], [3, ["y"]]]
    for procedure in "changes", "read_changes":
        found = batches(own, READ, procedure=procedure)
        assert found[:2] == old
        assert found[2][:3] == [4, ["x"], ["3"]]
        # reduced to a prefix
        reduced = batches(own, READ, procedure=procedure, prefix="y")
        assert reduced == [[2, ["y"], ["2"]], [3, ["y"]]]


def test_a_write_of_10_000_keys_is_one_entry(own: Tarantool) -> None:
    fill = """
    (function()
        local keys, values = {}, {}
        for i = 1, 10000 do
            keys[i], values[i] = 'key ' .. i, i % 2 == 0 and '1' or box.NULL
        end
        kv.v1.put({'ann', 1}, keys, keys)
        return (kv.v1.write({'ann', 1}, keys, values))
    end)()
    """
    assert number(own, fill) == 3
    (batch,) = batches(own, READ, procedure="read_changes", since=2)
    written = [value for value in batch[2] if value is not None]
    assert (len(batch[1]), len(written)) == (10_000, 5_000)


def test_the_limit_of_the_log_counts_its_index(own: Tarantool) -> None:
    size = "{require('kv.data.change_log').size()}"
    _, before, _ = evaluated(own, size)
    bare = "tonumber(box.space.kv_changes:bsize()) + 48 * box.space.kv_changes:len()"
    without = number(own, bare)
    keys = ", ".join(f"'key {n}'" for n in range(50))
    evaluated(own, f"kv.v1.put({ANN}, {{{keys}}}, {{{keys}}})")
    _, after, _ = evaluated(own, size)
    assert after - before > number(own, bare) - without + 50 * 19


@pytest.mark.parametrize(
    "call", ["changes({'ann', 1}, 0, '', 1000)", "follow(0, 0, 1000, 0)"]
)
def test_a_released_procedure_returns_no_more_than_before(
    own: Tarantool, call: str
) -> None:
    """A service of the version before expects five results."""
    evaluated(own, f"({MIXED})")
    assert number(own, f"select('#', kv.v1.{call})") == 5
