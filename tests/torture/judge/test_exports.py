"""Tests of the judge of exports."""

import hashlib
import json
from typing import Any

import msgspec
import pytest

from tests.torture.history import Change, History, Operation
from tests.torture.judge.checker import check, report
from tests.torture.judge.samples import did
from tests.torture.run.transfers import Export

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


def file(lines: list[dict[str, object]], **end: object) -> bytes:
    """An export with these lines, and an end that is true unless given."""
    content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    last = {
        "end": True,
        "revision": 2,
        "keys": len(lines) - 1,
        "changes": 0,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return content + json.dumps(last | end).encode() + b"\n"


HEADER: dict[str, object] = {"kv_export": 1, "revision": 1, "prefix": "", "made_at": 1}
LINES: list[dict[str, object]] = [
    HEADER,
    {"key": "a", "value": 1, "revision": 1},
    {"key": "b", "value": [2], "revision": 1},
    {"key": "a", "text": "[\n4]", "revision": 2},
    {"key": "b", "deleted": True, "revision": 2},
]


def test_the_last_line_of_a_key_counts() -> None:
    found = Export(file(LINES))
    assert found.damage is None
    assert found.rows == {"a": ("[\n4]", 2)}


@pytest.mark.parametrize(
    ("raw", "damage"),
    [
        (file(LINES, sha256="0"), "the hash differs"),
        (file(LINES, keys=3), "it says 3 + 0, and has 4"),
        (file(LINES[1:], keys=4), "it has no header"),
    ],
    ids=["hash", "count", "header"],
)
def test_a_damaged_file_is_noticed(raw: bytes, damage: str) -> None:
    assert Export(raw).damage == damage


@pytest.mark.parametrize("cut", [0, 1, 5, 100])
def test_a_file_that_breaks_off_has_no_end(cut: int) -> None:
    raw = file(LINES)
    whole = Export(raw[: len(raw) - cut])
    assert (whole.last is not None) is (cut == 0)
    assert whole.damage is None


def test_an_export_that_failed_says_why() -> None:
    raw = json.dumps({"status": 503, "code": "overloaded"}).encode() + b"\n"
    last = Export(json.dumps(HEADER).encode() + b"\n" + raw).last
    assert last is not None
    assert (last.end, last.status, last.code) == (False, 503, "overloaded")
