"""Tests of the judge of exports."""

from typing import Any

import msgspec
import pytest

from tests.torture.history import Change, History, Operation
from tests.torture.judge.checker import check, report
from tests.torture.judge.samples import did

W1 = did("write", 0, 1, {"a": "1", "b": "2", "c": "3"}, revision=1)
W2 = did("write", 2, 3, {"a": "4"}, revision=2)
FEED = [
    Change(1, {"a": "1", "b": "2", "c": "3"}, []),
    Change(2, {"a": "4"}, []),
]
LAST = {"a": ("4", 2), "b": ("2", 1), "c": ("3", 1)}
MIXED = did("write", 2, 20, {"a": "4", "b": None}, revision=2, ttls=[1.0, None])
MIXED_FEED = [FEED[0], Change(2, {"a": "4"}, ["b"])]


def exported(
    rows: dict[str, tuple[str, int]],
    revision: int,
    start: float = 4,
    end: float = 5,
    **members: Any,
) -> Operation:
    return did(
        "export",
        start,
        end,
        dict.fromkeys(rows),
        revision=revision,
        prefix=members.pop("prefix", ""),
        found=[value for value, _ in rows.values()],
        revisions=[written for _, written in rows.values()],
        **members,
    )


TRUE = {
    "all": exported(LAST, 2),
    "a prefix": exported({"a": LAST["a"]}, 2, prefix="a"),
    "what is granted": exported(
        {"b": LAST["b"]}, 2, grants={"b": "r", "c": "w", "d": "r"}
    ),
    "while a key is written": exported(LAST | {"a": ("1", 1)}, 1, 1.5, 5),
    "incomplete": did("export", 4, 5, {}, "failed", prefix=""),
}

FALSE = {
    "older than what was known": exported(LAST | {"a": ("1", 1)}, 1),
    "newer than what was asked for": exported(LAST, 2, 1.2, 1.5),
    "without a key": exported({"a": LAST["a"], "b": LAST["b"]}, 2),
    "with a key of nobody": exported(LAST | {"d": ("5", 2)}, 2),
    "a value of another revision": exported(LAST | {"a": ("1", 1)}, 2),
    "another revision of a value": exported(LAST | {"a": ("4", 1)}, 2),
    "beyond the prefix": exported(LAST, 2, prefix="a"),
    "beyond the grants": exported(LAST, 2, grants={"a": "r", "b": "rw"}),
    "damaged": did("export", 4, 5, {}, "failed", prefix="", damage="the hash differs"),
}


@pytest.mark.parametrize("name", TRUE)
def test_a_true_export_is_let_pass(name: str) -> None:
    assert check(History([W1, W2, TRUE[name]], FEED, None)) == []


@pytest.mark.parametrize("name", FALSE)
def test_a_wrong_export_is_caught_and_shown(name: str) -> None:
    history = History([W1, W2, FALSE[name]], FEED, None)
    found = check(history)
    assert "export" in {violation.rule for violation in found}
    assert "export: " in report(found, history)


def test_an_export_has_what_has_expired_until_it_is_collected() -> None:
    rows = {"a": ("4", 2), "c": ("3", 1)}
    late = exported(rows, 2, 25, 26)
    assert check(History([W1, MIXED, late], MIXED_FEED, None)) == []
    collected = [*MIXED_FEED, Change(3, {}, ["a"])]
    later = exported({"c": ("3", 1)}, 3, 25, 26)
    assert check(History([W1, MIXED, later], collected, None)) == []
    history = History([W1, MIXED, exported(rows, 3, 25, 26)], collected, None)
    assert {violation.rule for violation in check(history)} == {"export"}


def test_what_an_export_shows_is_known_to_the_next_read() -> None:
    write = msgspec.structs.replace(W2, end=20)
    stale = did("read", 6, 7, {"a": "1"})
    history = History([W1, write, exported(LAST, 2), stale], FEED, None)
    assert "stale read" in {violation.rule for violation in check(history)}
