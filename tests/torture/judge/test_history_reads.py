"""Tests of the judge of histories and of values at revisions."""

import random
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.torture.history import Change, Entry, History, Operation
from tests.torture.judge.checker import check, report
from tests.torture.judge.samples import chosen, did
from tests.torture.judge.simulator import Simulator

NAME = "client-0"

W1 = did("write", 0, 1, {"a": "1", "b": "2"}, revision=1, ttl=3.0)
W2 = did("write", 2, 3, {"a": "3"}, revision=2)
D3 = did("delete", 4, 5, {"a": None}, revision=3, deleted=1)
FEED = [
    Change(1, {"a": "1", "b": "2"}, []),
    Change(2, {"a": "3"}, []),
    Change(3, {}, ["a"]),
    Change(4, {}, ["b"]),
]
ENTRIES = [
    Entry(3, None, "deleted", NAME),
    Entry(2, "3", None, NAME),
    Entry(1, "1", None, NAME),
]
OTHERS = [W1, W2, D3]


def page(start: float, end: float, *entries: Entry, **members: object) -> Operation:
    given = {"entries": list(entries), "oldest": 0} | members
    return did("history", start, end, {"a": None}, **given)  # type: ignore[arg-type]


def value_at(
    at: int, value: str | None, revision: int | None, **members: object
) -> Operation:
    given = {"found": [value], "revisions": [revision]} | members
    return did("value at", 6, 7, {"a": None}, at=at, **given)  # type: ignore[arg-type]


def changed(place: int, **members: object) -> list[Entry]:
    """The entries with another one at a place."""
    entries = list(ENTRIES)
    entries[place] = msgspec.structs.replace(entries[place], **members)
    return entries


TRUE = {
    "all of it": page(6, 7, *ENTRIES),
    "in the middle of a write": page(4.5, 7, *ENTRIES[1:]),
    "as far as a page": page(6, 7, *ENTRIES[:2], next_before=2),
    "the next page": page(6, 7, ENTRIES[2], before=2),
    "a page of nothing": page(6, 7, before=1),
    "of another client": page(
        6, 7, *(msgspec.structs.replace(e, by=None) for e in ENTRIES), client=1
    ),
    "a value": value_at(2, "3", 2),
    "a value of before": value_at(1, "1", 1),
    "no value": value_at(3, None, None),
    "before the feed": value_at(0, None, None),
    "ahead": value_at(
        5, None, None, outcome="failed", code="revision_ahead", status=409
    ),
    "an expiry": did(
        "history",
        6,
        7,
        {"b": None},
        entries=[Entry(4, None, "expired", None), Entry(1, "2", None, NAME)],
        oldest=0,
    ),
}

FALSE = {
    "without the newest": page(6, 7, *ENTRIES[1:]),
    "without one in the middle": page(6, 7, ENTRIES[0], ENTRIES[2]),
    "without the oldest": page(6, 7, *ENTRIES[:2]),
    "without what the page should have": page(6, 7, ENTRIES[0], next_before=2),
    "the oldest first": page(6, 7, *ENTRIES[::-1]),
    "of nobody": page(6, 7, Entry(4, "9", None, None), *ENTRIES),
    "not asked for yet": page(3.2, 3.5, *ENTRIES),
    "beyond `before`": page(6, 7, *ENTRIES[1:], before=2),
    "another value": page(6, 7, *changed(1, value="1")),
    "an expiry that was a deletion": page(6, 7, *changed(0, cause="expired", by=None)),
    "without its author": page(6, 7, *changed(1, by=None)),
    "of another author": page(6, 7, *changed(1, by="client-1")),
    "shown to another client": page(6, 7, *ENTRIES, client=1),
    "a log that is shorter than the feed": page(6, 7, ENTRIES[0], oldest=2),
    "an older value": value_at(2, "1", 1),
    "a value that was deleted": value_at(3, "3", 2),
    "a value that is missing": value_at(2, None, None),
    "a value of another revision": value_at(2, "3", 1),
    "ahead of what was known": value_at(
        3, None, None, outcome="failed", code="revision_ahead", status=409
    ),
    "not kept, and in the feed": value_at(
        2, None, None, outcome="failed", code="revision_compacted", status=410
    ),
    "not asked for yet, at a revision": did(
        "value at", 3.2, 3.5, {"a": None}, at=3, found=[None], revisions=[None]
    ),
    "a deletion that was an expiry": did(
        "history",
        6,
        7,
        {"b": None},
        entries=[Entry(4, None, "deleted", None), Entry(1, "2", None, NAME)],
        oldest=0,
    ),
}


@pytest.mark.parametrize("name", TRUE)
def test_a_read_of_the_past_is_let_pass(name: str) -> None:
    assert check(History([*OTHERS, TRUE[name]], FEED, {})) == []


@pytest.mark.parametrize("name", FALSE)
def test_a_wrong_read_of_the_past_is_caught_and_shown(name: str) -> None:
    history = History([*OTHERS, FALSE[name]], FEED, {})
    found = check(history)
    assert {violation.rule for violation in found} == {"history"}
    assert "history: " in report(found, history)


def test_a_page_of_nothing_in_a_feed_against_time_is_judged() -> None:
    late = did("write", 10, 11, {"b": "1"}, revision=1)
    early = did("write", 0, 1, {"b": "2"}, revision=2)
    feed = [Change(1, {"b": "1"}, []), Change(2, {"b": "2"}, [])]
    found = check(History([late, early, page(4, 5)], feed, None))
    assert "real time" in {violation.rule for violation in found}


def test_what_a_history_shows_is_known_to_the_next_read() -> None:
    write = msgspec.structs.replace(W2, end=20)
    shown = page(4, 5, *ENTRIES[1:])
    stale = did("read", 6, 7, {"a": "1"})
    history = History([W1, write, shown, stale], FEED[:2], None)
    assert "stale read" in {violation.rule for violation in check(history)}


def without_an_entry(entries: list[Entry], rng: random.Random) -> None:
    """Of the last page, the last one may be of any revision."""
    del entries[rng.randrange(len(entries))]


def with_an_entry_twice(entries: list[Entry], rng: random.Random) -> None:
    entries.insert(0, rng.choice(entries))


def with_another_revision(entries: list[Entry], rng: random.Random) -> None:
    place = rng.randrange(len(entries))
    revision = entries[place].revision + rng.choice([-1, 1])
    entries[place] = msgspec.structs.replace(entries[place], revision=revision)


def with_another_value(entries: list[Entry], rng: random.Random) -> None:
    place = rng.randrange(len(entries))
    value = "7" if entries[place].value != "7" else "8"
    entries[place] = msgspec.structs.replace(entries[place], value=value)


def with_another_author(entries: list[Entry], rng: random.Random) -> None:
    place = rng.randrange(len(entries))
    by = "somebody" if entries[place].by is None else None
    entries[place] = msgspec.structs.replace(entries[place], by=by)


def with_another_cause(entries: list[Entry], rng: random.Random) -> None:
    gone = [place for place, entry in enumerate(entries) if entry.value is None]
    assume(gone)
    place = rng.choice(gone)
    cause = "deleted" if entries[place].cause == "expired" else "expired"
    entries[place] = msgspec.structs.replace(entries[place], cause=cause)


@pytest.mark.parametrize(
    "change",
    [
        without_an_entry,
        with_an_entry_twice,
        with_another_revision,
        with_another_value,
        with_another_author,
        with_another_cause,
    ],
    ids=lambda change: change.__name__,
)
@given(st.integers(0))
@settings(max_examples=50, deadline=None)
def test_whatever_is_changed_in_a_true_page_is_caught(
    change: Callable[[list[Entry], random.Random], None], seed: int
) -> None:
    """Calls do not overlap, and none is of unknown outcome: there is one truth."""
    rng = random.Random(seed)
    history = Simulator(rng, spread=0, doubt=0, mortal=0).run(40)
    place, operation = chosen(history, rng, lambda operation: bool(operation.entries))
    entries = list(operation.entries or [])
    change(entries, rng)
    history.operations[place] = msgspec.structs.replace(operation, entries=entries)
    assert "history" in {violation.rule for violation in check(history)}
