"""Tests of the checker: histories that it must accept, and reject."""

import itertools
import math
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.torture.history import Change, History, Operation
from tests.torture.judge.checker import check, report
from tests.torture.judge.linearizability import (
    ANYTHING,
    THERE,
    Any,
    Call,
    Kind,
    Search,
    State,
    step,
)
from tests.torture.judge.samples import chosen, did
from tests.torture.judge.simulator import Simulator

#: Calls of which all orders are tried.
FEW = 6


W1 = did("write", 0, 1, {"a": "1", "b": "2"}, revision=1)
W2 = did("write", 2, 3, {"a": "3", "b": "4"}, revision=2)
C1 = Change(1, {"a": "1", "b": "2"}, [])
C2 = Change(2, {"a": "3", "b": "4"}, [])
TWO = {"a": "3", "b": "4"}
MORTAL = did("write", 0, 1, {"a": "1", "b": "2"}, revision=1, ttl=10.0)
#: Writes one key, and deletes two, of which one is there.
MIXED = did("write", 2, 3, {"a": "3", "b": None, "c": None}, revision=2)
MIXED_CHANGE = Change(2, {"a": "3"}, ["b"])
#: Keys with times to live of their own, and one that does not expire.
TTLS = did(
    "write", 0, 1, {"a": "1", "b": "2", "c": "3"}, revision=1, ttls=[10.0, 20.0, None]
)
TTLS_CHANGE = Change(1, {"a": "1", "b": "2", "c": "3"}, [])
ADDED = did("increment", 0, 1, {"n": "5"}, found=["5"], revision=1)


class Case(NamedTuple):
    """:ivar rules: that it breaks, among others"""

    rules: set[str]
    operations: list[Operation]
    changes: list[Change]
    final: dict[str, str] | None


KEPT = {
    "nothing": Case(set(), [], [], {}),
    "reads": Case(
        set(),
        [W1, did("read", 0.5, 2.5, {"a": None}), did("read", 2, 4, {"b": "4"}), W2],
        [C1, C2],
        TWO,
    ),
    "a write of unknown outcome that was seen": Case(
        set(),
        [W1, did("write", 2, 3, TWO, "unknown"), did("read", 9, 10, {"b": "4"})],
        [C1, C2],
        TWO,
    ),
    "a write of unknown outcome that never was": Case(
        set(),
        [W1, did("write", 2, 3, TWO, "unknown"), did("read", 9, 10, {"b": "2"})],
        [C1],
        {"a": "1", "b": "2"},
    ),
    "a request that was made again": Case(
        set(),
        [
            did("increment", 0, 1, {"n": "5"}, "unknown", retry="r"),
            did("read", 2, 3, {"n": "5"}),
            did("increment", 4, 5, {"n": "5"}, found=["5"], revision=1, retry="r"),
        ],
        [Change(1, {"n": "5"}, [])],
        {"n": "5"},
    ),
    "a condition that held, and one that did not": Case(
        set(),
        [
            W1,
            msgspec.structs.replace(W2, conditions={"a": 1, "c": None}),
            did(
                "write",
                4,
                5,
                {"a": "9"},
                "failed",
                conditions={"a": 1},
                code="condition_failed",
            ),
        ],
        [C1, C2],
        TWO,
    ),
    "a deletion and one of nothing": Case(
        set(),
        [
            W1,
            did("delete", 2, 3, {"a": None, "c": None}, revision=2, deleted=1),
            did("delete", 4, 5, {"a": None}, revision=2, deleted=0),
            did("list", 4, 5, {"b": "2"}, prefix="", revision=2),
        ],
        [C1, Change(2, {}, ["a"])],
        {"b": "2"},
    ),
    "an expiry": Case(
        set(),
        [
            MORTAL,
            did("read", 9, 12, {"a": "1", "b": "2"}),
            did("read", 9, 12, {"a": None, "b": None}),
            did("read", 12, 13, {"a": None, "b": None}),
        ],
        [C1, Change(2, {}, ["a", "b"])],
        {},
    ),
    "a write that deletes": Case(
        set(),
        [
            W1,
            MIXED,
            did("read", 2.5, 4, {"a": "1", "b": "2"}),
            did("read", 2.5, 4, {"a": "3", "b": None}),
            did("list", 4, 5, {"a": "3"}, prefix="", revision=2),
        ],
        [C1, MIXED_CHANGE],
        {"a": "3"},
    ),
    "a write that deletes, of unknown outcome, that was seen": Case(
        set(),
        [
            W1,
            did("write", 2, 3, {"a": "3", "b": None}, "unknown"),
            did("read", 4, 5, {"b": None}),
        ],
        [C1, MIXED_CHANGE],
        {"a": "3"},
    ),
    "a write that deletes what may have expired": Case(
        set(),
        [
            MORTAL,
            did("write", 10, 12, {"c": "3", "a": None, "b": None}, revision=2),
        ],
        [C1, Change(2, {"c": "3"}, ["a"]), Change(3, {}, ["b"])],
        {"c": "3"},
    ),
    "an import": Case(
        set(),
        [
            W1,
            did("import", 2, 3, {"a": "3", "b": None}, revision=2),
            did("import", 2, 3, {"a": "4"}, "unknown"),
        ],
        [C1, MIXED_CHANGE, Change(3, {"a": "4"}, [])],
        {"a": "4"},
    ),
    "keys that expire one after the other": Case(
        set(),
        [
            TTLS,
            did("read", 10.5, 11.5, {"a": None, "b": "2", "c": "3"}),
            did("read", 20.5, 30, {"a": None, "b": None, "c": "3"}),
        ],
        [TTLS_CHANGE, Change(2, {}, ["a"]), Change(3, {}, ["b"])],
        {"c": "3"},
    ),
}

BROKEN = {
    "a stale read": Case(
        {"stale read", "linearizability"},
        [W1, W2, did("read", 4, 5, {"a": "1"})],
        [C1, C2],
        TWO,
    ),
    "older than somebody saw": Case(
        {"stale read", "linearizability"},
        [
            W1,
            did("write", 2, 9, TWO, revision=2),
            did("read", 3, 4, {"a": "3"}),
            did("read", 5, 6, {"a": "1"}),
        ],
        [C1, C2],
        TWO,
    ),
    "older than somebody saw of another key": Case(
        {"stale read"},
        [
            W1,
            did("write", 2, 9, TWO, revision=2),
            did("read", 3, 4, {"a": "3"}),
            did("read", 5, 6, {"b": "2"}),
        ],
        [C1, C2],
        TWO,
    ),
    "a read of what was not yet asked for": Case(
        {"early read", "linearizability"},
        [W1, did("read", 1.2, 1.5, {"a": "3"}), W2],
        [C1, C2],
        TWO,
    ),
    "a read that was taken back": Case(
        {"phantom read", "linearizability"},
        [
            W1,
            did("write", 2, 3, TWO, "unknown"),
            did("read", 2, 3, {"a": "3"}),
            did("read", 4, 5, {"a": "1"}),
        ],
        [C1],
        {"a": "1", "b": "2"},
    ),
    "a lost write": Case(
        {"lost write", "linearizability"},
        [W1, W2],
        [C1],
        {"a": "1", "b": "2"},
    ),
    "a write that is in the feed only": Case(
        {"final", "linearizability"},
        [W1, W2],
        [C1, C2],
        {"a": "1", "b": "2"},
    ),
    "a torn batch": Case(
        {"torn batch"}, [W1, W2], [C1, Change(2, {"a": "3"}, [])], {"a": "3", "b": "2"}
    ),
    "a torn batch that nobody heard of": Case(
        {"torn batch"},
        [W1, did("write", 2, 3, TWO, "unknown")],
        [C1, Change(2, {"a": "3"}, [])],
        {"a": "3", "b": "2"},
    ),
    "a batch seen in part": Case(
        {"torn read"},
        [
            W1,
            did("write", 2, 9, TWO, revision=2),
            did("read", 3, 4, {"a": "3", "b": "2"}),
        ],
        [C1, C2],
        TWO,
    ),
    "a list in part": Case(
        {"torn read"},
        [
            W1,
            did("write", 2, 9, {"a": "3", "c": "4"}, revision=2),
            did("list", 3, 4, {"a": "3", "b": "2"}, prefix=""),
        ],
        [C1, Change(2, {"a": "3", "c": "4"}, [])],
        {"a": "3", "b": "2", "c": "4"},
    ),
    "a list without a key": Case(
        {"stale read"},
        [W1, did("list", 2, 3, {"a": "1"}, prefix="")],
        [C1],
        {"a": "1", "b": "2"},
    ),
    "a list of another revision": Case(
        {"stale read"},
        [W1, W2, did("list", 4, 5, TWO, prefix="", revision=1)],
        [C1, C2],
        TWO,
    ),
    "a refused write in the feed": Case(
        {"refused write"},
        [W1, did("write", 2, 3, TWO, "failed")],
        [C1, C2],
        TWO,
    ),
    "a refused write in a read": Case(
        {"refused write", "linearizability"},
        [W1, did("write", 2, 3, TWO, "failed"), did("read", 4, 5, {"a": "3"})],
        [C1],
        {"a": "1", "b": "2"},
    ),
    "a write of nobody": Case({"phantom write"}, [W1], [C1, C2], TWO),
    "a retry applied twice": Case(
        {"applied twice", "linearizability"},
        [
            did("increment", 0, 1, {"n": "5"}, "unknown", retry="r"),
            did("increment", 2, 3, {"n": "5"}, found=["10"], revision=2, retry="r"),
        ],
        [Change(1, {"n": "5"}, []), Change(2, {"n": "10"}, [])],
        {"n": "10"},
    ),
    "a retry applied twice, after it was acknowledged": Case(
        {"applied twice", "linearizability"},
        [msgspec.structs.replace(ADDED, retry="r")],
        [Change(1, {"n": "5"}, []), Change(2, {"n": "10"}, [])],
        {"n": "10"},
    ),
    "an unknown write applied twice": Case(
        {"applied twice"},
        [did("increment", 0, 1, {"n": "5"}, "unknown")],
        [Change(1, {"n": "5"}, []), Change(2, {"n": "10"}, [])],
        {"n": "10"},
    ),
    "two answers to one request": Case(
        {"retry"},
        [
            did("write", 0, 1, TWO, revision=1, retry="r"),
            did("write", 2, 3, TWO, revision=2, retry="r"),
        ],
        [Change(1, TWO, []), Change(2, TWO, [])],
        TWO,
    ),
    "a lost increment": Case(
        {"counter", "linearizability"},
        [ADDED, did("increment", 2, 3, {"n": "2"}, found=["2"], revision=2)],
        [Change(1, {"n": "5"}, []), Change(2, {"n": "2"}, [])],
        {"n": "2"},
    ),
    "a deletion undone": Case(
        {"stale read", "linearizability"},
        [
            W1,
            did("delete", 2, 3, {"a": None}, revision=2, deleted=1),
            did("read", 4, 5, {"a": "1"}),
        ],
        [C1, Change(2, {}, ["a"])],
        {"b": "2"},
    ),
    "a deletion that left a key": Case(
        {"delete", "linearizability"},
        [
            W1,
            did("delete", 2, 3, {"a": None, "b": None}, revision=2, deleted=1),
            did("read", 4, 5, {"b": "2"}),
            did("delete", 6, 7, {"b": None}, revision=2, deleted=0),
        ],
        [C1, Change(2, {}, ["a"])],
        {"b": "2"},
    ),
    "a deletion of more keys than it says": Case(
        {"feed"},
        [W1, did("delete", 2, 3, {"a": None, "b": None}, revision=2, deleted=1)],
        [C1, Change(2, {}, ["a", "b"])],
        {},
    ),
    "a feed that disagrees": Case(
        {"feed"}, [W1, W2], [C1, Change(2, {"a": "3", "b": "5"}, [])], TWO
    ),
    "a feed with a gap": Case(
        {"feed gap"},
        [W1, msgspec.structs.replace(W2, revision=3)],
        [C1, Change(3, TWO, [])],
        TWO,
    ),
    "a feed that goes back": Case({"feed order"}, [W1, W2], [C2, C1], TWO),
    "one revision for two writes": Case(
        {"order"}, [W1, msgspec.structs.replace(W2, revision=1)], [C1], TWO
    ),
    "an order against time": Case(
        {"real time", "linearizability"},
        [
            msgspec.structs.replace(W1, revision=2),
            msgspec.structs.replace(W2, revision=1),
        ],
        [Change(1, TWO, []), Change(2, {"a": "1", "b": "2"}, [])],
        {"a": "1", "b": "2"},
    ),
    "an unknown write before it was asked for": Case(
        {"real time"},
        [
            msgspec.structs.replace(W1, revision=2),
            did("write", 4, 5, TWO, "unknown"),
        ],
        [Change(1, TWO, []), Change(2, {"a": "1", "b": "2"}, [])],
        {"a": "1", "b": "2"},
    ),
    "a condition that did not hold": Case(
        {"condition", "linearizability"},
        [W1, msgspec.structs.replace(W2, conditions={"a": None})],
        [C1, C2],
        TWO,
    ),
    "a refusal though conditions held": Case(
        {"refusal"},
        [
            W1,
            did(
                "write",
                2,
                3,
                {"a": "9"},
                "failed",
                conditions={"a": 1},
                code="condition_failed",
            ),
        ],
        [C1],
        {"a": "1", "b": "2"},
    ),
    "another revision than the feed's": Case(
        {"phantom read", "linearizability"},
        [W1, did("read", 2, 3, {"a": "1"}, revisions=[7])],
        [C1],
        {"a": "1", "b": "2"},
    ),
    "an early expiry": Case(
        {"early expiry", "linearizability"},
        [MORTAL, did("read", 5, 9, {"a": None, "b": None})],
        [C1, Change(2, {}, ["a", "b"])],
        {},
    ),
    "an early expiry in the feed": Case(
        {"early expiry"},
        [MORTAL, did("write", 5, 6, {"c": "3"}, revision=3)],
        [C1, Change(2, {}, ["a", "b"]), Change(3, {"c": "3"}, [])],
        {"c": "3"},
    ),
    "a late expiry": Case(
        {"late expiry", "linearizability"},
        [MORTAL, did("read", 12, 13, {"a": "1", "b": "2"})],
        [C1, Change(2, {}, ["a", "b"])],
        {},
    ),
    "a revived key": Case(
        {"revived key", "linearizability"},
        [
            MORTAL,
            did("read", 10, 10.2, {"a": None}),
            did("read", 10.3, 10.5, {"a": "1"}),
        ],
        [C1, Change(2, {}, ["a", "b"])],
        {},
    ),
    "a write that deletes, seen in part": Case(
        {"torn read"},
        [W1, MIXED, did("read", 2.2, 2.8, {"a": "3", "b": "2"})],
        [C1, MIXED_CHANGE],
        {"a": "3"},
    ),
    "a write that deletes, with two changes": Case(
        {"delete"},
        [W1, MIXED],
        [C1, Change(2, {"a": "3"}, []), Change(3, {}, ["b"])],
        {"a": "3"},
    ),
    "a write that deletes, of unknown outcome, in part": Case(
        {"torn batch"},
        [W1, did("write", 2, 3, {"a": "3", "b": None}, "unknown")],
        [C1, Change(2, {"a": "3"}, [])],
        {"a": "3", "b": "2"},
    ),
    "only the deletions of a write of unknown outcome": Case(
        {"torn batch"},
        [W1, did("write", 2, 3, {"a": "3", "b": None}, "unknown")],
        [C1, Change(2, {}, ["b"])],
        {"a": "1"},
    ),
    "a write that deletes another key": Case(
        {"feed"},
        [W1, did("write", 2, 3, {"c": "3", "b": None}, revision=2)],
        [C1, Change(2, {"c": "3"}, ["a"])],
        {"b": "2", "c": "3"},
    ),
    "a write that deletes on a condition that did not hold": Case(
        {"condition", "linearizability"},
        [W1, msgspec.structs.replace(MIXED, conditions={"b": None})],
        [C1, MIXED_CHANGE],
        {"a": "3"},
    ),
    "a write that deletes, applied twice": Case(
        {"applied twice"},
        [W1, msgspec.structs.replace(MIXED, retry="r")],
        [C1, MIXED_CHANGE, Change(3, {"a": "3"}, [])],
        {"a": "3"},
    ),
    "a key deleted by a write, and read": Case(
        {"stale read", "linearizability"},
        [W1, MIXED, did("read", 4, 5, {"b": "2"})],
        [C1, MIXED_CHANGE],
        {"a": "3"},
    ),
    "a lost import": Case(
        {"lost write", "linearizability"},
        [W1, did("import", 2, 3, {"a": "3"})],
        [C1],
        {"a": "1", "b": "2"},
    ),
    "a key that expires with another one": Case(
        {"early expiry", "linearizability"},
        [TTLS, did("read", 12, 13, {"a": None, "b": None})],
        [TTLS_CHANGE, Change(2, {}, ["a", "b"])],
        {"c": "3"},
    ),
    "a key that lives as long as another one": Case(
        {"late expiry", "linearizability"},
        [TTLS, did("read", 12, 13, {"a": "1", "b": "2"})],
        [TTLS_CHANGE, Change(2, {}, ["a", "b"])],
        {"c": "3"},
    ),
    "an expiry of a key that does not expire": Case(
        {"stale read", "phantom write"},
        [TTLS, did("read", 30, 31, {"c": None}), did("read", 32, 33, {"c": "3"})],
        [TTLS_CHANGE, Change(2, {}, ["c"]), Change(3, {}, ["a", "b"])],
        {},
    ),
    "an expiry in part": Case(
        {"torn read"},
        [MORTAL, did("read", 10, 11, {"a": None, "b": "2"})],
        [C1, Change(2, {}, ["a", "b"])],
        {},
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_store_that_keeps_its_promises_is_let_pass(name: str) -> None:
    case = KEPT[name]
    assert check(History(case.operations, case.changes, case.final)) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise_is_caught_and_shown(name: str) -> None:
    case = BROKEN[name]
    history = History(case.operations, case.changes, case.final)
    found = check(history)
    assert case.rules <= {violation.rule for violation in found}
    text = report(found, history)
    assert all(f"{rule}: " in text for rule in case.rules)


#: Of the leader, and the time from which the mortal keys are gone.
CHANGES = {
    "before the write": ([(-2.0, -1.0)], 11.05),
    "one in their life": ([(5.0, 6.0)], 12.05),
    "two in their life": ([(2.0, 3.0), (5.0, 6.0)], 13.05),
    "one as they expire": ([(11.0, 15.0)], 12.05),
    "after it": ([(11.1, 15.0)], 11.05),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_leader_delays_an_expiry(name: str) -> None:
    leader_changes, latest = CHANGES[name]
    for begin, is_late in ((latest - 0.01, False), (latest + 0.01, True)):
        read = did("read", begin, begin + 1, {"a": "1", "b": "2"})
        feed = [C1, Change(2, {}, ["a", "b"])]
        history = History([MORTAL, read], feed, {}, leader_changes)
        rules = {violation.rule for violation in check(history)}
        assert rules == ({"late expiry", "linearizability"} if is_late else set())


def test_the_history_shown_is_the_shortest() -> None:
    history = Simulator(random.Random(0), doubt=0).run(300)
    end = max(operation.end for operation in history.operations)
    keys = {"x": "1", "y": "2"}
    revision = history.changes[-1].revision + 1
    history.operations.extend(
        [
            did("write", end + 1, end + 2, keys, revision=revision),
            did("read", end + 3, end + 4, {"r0": None, "y": None}),
        ]
    )
    history.changes.append(Change(revision, keys, []))
    text = report(check(msgspec.structs.replace(history, final=None)), history)
    title, *lines = next(
        part for part in text.split("\n\n") if "stale read" in part
    ).splitlines()
    assert "no 'y'" in title
    assert [line.split()[2:5] for line in lines] == [
        ["call", "keys", "outcome"],
        ["write", "y=2", "ok"],
        ["read", "y", "->"],
    ]


@given(st.integers(0), st.integers(1, 4), st.floats(0, 0.5))
@settings(max_examples=300, deadline=None)
def test_no_promise_of_a_true_store_is_called_broken(
    seed: int, keys: int, doubt: float
) -> None:
    history = Simulator(random.Random(seed), keys=keys, doubt=doubt).run(40)
    assert check(history) == []


def with_another_value(history: History, rng: random.Random) -> None:
    """A read shows what another one was shown."""
    place, operation = chosen(history, rng, lambda operation: bool(operation.found))
    assert operation.found is not None
    key = rng.choice(operation.keys)
    shown = {o.shown.get(key) for o in history.operations if key in o.shown}
    others = shown - {operation.shown[key]}
    assume(others)
    found = {**operation.shown, key: rng.choice(sorted(others, key=str))}
    history.operations[place] = msgspec.structs.replace(
        operation, found=list(found.values())
    )


def with_another_revision(history: History, rng: random.Random) -> None:
    place, operation = chosen(
        history, rng, lambda operation: operation.revision is not None
    )
    assert operation.revision is not None
    revision = operation.revision + rng.choice([-1, 1])
    history.operations[place] = msgspec.structs.replace(operation, revision=revision)


def with_another_count(history: History, rng: random.Random) -> None:
    place, operation = chosen(
        history, rng, lambda operation: operation.deleted is not None
    )
    assert operation.deleted is not None
    history.operations[place] = msgspec.structs.replace(
        operation, deleted=operation.deleted + 1
    )


def with_a_refusal(history: History, rng: random.Random) -> None:
    """Of a write that was made."""
    place, operation = chosen(history, rng, lambda operation: operation.call == "write")
    history.operations[place] = msgspec.structs.replace(
        operation, outcome="failed", revision=None
    )


def without_a_change(history: History, rng: random.Random) -> None:
    del history.changes[rng.randrange(len(history.changes))]


def with_changes_exchanged(history: History, rng: random.Random) -> None:
    place = rng.randrange(len(history.changes) - 1)
    one, other = history.changes[place : place + 2]
    assume((one.data, one.deleted) != (other.data, other.deleted))
    history.changes[place : place + 2] = [
        Change(one.revision, other.data, other.deleted),
        Change(other.revision, one.data, one.deleted),
    ]


def with_another_end(history: History, rng: random.Random) -> None:
    assert history.final is not None
    assume(history.final)
    del history.final[rng.choice(sorted(history.final))]


@pytest.mark.parametrize(
    "change",
    [
        with_another_value,
        with_another_revision,
        with_another_count,
        with_a_refusal,
        without_a_change,
        with_changes_exchanged,
        with_another_end,
    ],
    ids=lambda change: change.__name__,
)
@given(st.integers(0))
@settings(max_examples=50, deadline=None)
def test_whatever_is_changed_in_a_true_history_is_caught(
    change: Callable[[History, random.Random], None], seed: int
) -> None:
    """Calls do not overlap, and none is of unknown outcome: there is one truth."""
    rng = random.Random(seed)
    history = Simulator(rng, spread=0, doubt=0, mortal=0).run(40)
    change(history, rng)
    assert check(history) != []


VALUES = ["1", "2", "3"]
REVISIONS = st.none() | st.integers(1, FEW)


@st.composite
def calls(draw: st.DrawFn, revision: int) -> Call:
    """:param revision: that it may have returned"""
    kind: Kind = draw(st.sampled_from(["read", "write", "delete", "increment"]))
    start = draw(st.integers(0, 9))
    optional = kind != "read" and draw(st.booleans())
    wanted: list[str | Any | None] = [ANYTHING]
    if kind == "read" or (kind == "delete" and not optional):
        wanted += [*VALUES, None, THERE]
    elif kind == "increment" and not optional:
        wanted += VALUES
    is_known = kind != "read" and not optional and draw(st.booleans())
    return Call(
        owner=0,
        kind=kind,
        start=start,
        end=math.inf if optional else start + draw(st.integers(1, 9)),
        optional=optional,
        value=draw(st.sampled_from(VALUES)),
        wanted=draw(st.sampled_from(wanted)),
        wanted_revision=draw(st.just(ANYTHING) | REVISIONS),
        revision=revision if is_known else None,
        lease=revision if kind == "write" and draw(st.booleans()) else None,
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Call]:
    """With the expiries of those writes that have a lease."""
    revisions = draw(st.permutations(range(1, FEW + 1)))
    count = draw(st.integers(0, FEW))
    found = [draw(calls(revision)) for revision in revisions[:count]]
    expiries = [
        call._replace(
            kind="expire",
            start=call.start + 2,
            end=call.end + 2,
            wanted=ANYTHING,
            wanted_revision=ANYTHING,
            revision=None,
        )
        for call in found
        if call.lease is not None
    ]
    return [*found, *expiries][:FEW]


def has_an_order(history: Sequence[Call]) -> bool:
    """All orders of all choices of the calls of unknown outcome are tried."""
    must = [call for call in history if not call.optional]
    may = [call for call in history if call.optional]
    return any(
        is_explained(order)
        for count in range(len(may) + 1)
        for chosen in itertools.combinations(may, count)
        for order in itertools.permutations([*must, *chosen])
    )


def is_explained(order: Sequence[Call]) -> bool:
    for earlier, later in itertools.combinations(order, 2):
        if later.end < earlier.start:
            return False
        if (later.revision or math.inf) < (earlier.revision or 0):
            return False
        if earlier.kind == "expire" and (later.kind, later.lease) == (
            "write",
            earlier.lease,
        ):
            return False
    state = State()
    for call in order:
        after = step(call, state)
        if after is None:
            return False
        state = after
    return True


@given(histories())
@settings(max_examples=1_000, deadline=None)
def test_the_search_agrees_with_all_orders(history: list[Call]) -> None:
    assert Search(history).run(State()) == has_an_order(history)
