"""Tests of the judge of accounts, and of access tokens, with few rights."""

import pytest

from tests.torture.history import Entry, History
from tests.torture.judge.grants import TOKEN_REFUSED, judge_grants
from tests.torture.judge.samples import did

GRANTS = {"a": "rw", "b": "r"}

ENTRY = Entry(1, "1", None, None)

#: What was answered, or refused, as it should be; what was not, and the rule.
TRUE = {
    "a read": did("read", 0, 1, {"a": "1", "b": "2"}, grants=GRANTS),
    "a refused read": did(
        "read", 0, 1, {"c": None}, "failed", code="forbidden", grants=GRANTS
    ),
    "a refused deletion": did(
        "write", 0, 1, {"a": "1", "b": None}, "failed", code="forbidden", grants=GRANTS
    ),
    "a refused export": did(
        "export", 0, 1, {}, "failed", code="forbidden", grants=GRANTS
    ),
    "everything": did("read", 0, 1, {"c": "1"}),
}

FALSE = {
    "a write": ("grant", did("write", 0, 1, {"b": "1"}, grants=GRANTS)),
    "a write that deletes": (
        "grant",
        did("write", 0, 1, {"a": "1", "b": None}, grants=GRANTS),
    ),
    "an import": ("grant", did("import", 0, 1, {"b": "1"}, grants=GRANTS)),
    "a history": (
        "grant",
        did("history", 0, 1, {"c": None}, entries=[ENTRY], grants=GRANTS),
    ),
    "a value at a revision": (
        "grant",
        did("value at", 0, 1, {"c": None}, found=["1"], at=1, grants=GRANTS),
    ),
    "an export": ("grant", did("export", 0, 1, {"c": "1"}, grants=GRANTS)),
    "a refusal": (
        "grant",
        did("history", 0, 1, {"b": None}, "failed", code="forbidden", grants=GRANTS),
    ),
    **{
        code: ("token", did("read", 0, 1, {"a": None}, "failed", code=code))
        for code in sorted(TOKEN_REFUSED)
    },
}


@pytest.mark.parametrize("name", TRUE)
def test_what_is_granted_is_let_pass(name: str) -> None:
    assert list(judge_grants(History([TRUE[name]], [], None))) == []


@pytest.mark.parametrize("name", FALSE)
def test_what_is_not_granted_is_caught(name: str) -> None:
    rule, operation = FALSE[name]
    (found,) = judge_grants(History([operation], [], None))
    assert found.rule == rule
