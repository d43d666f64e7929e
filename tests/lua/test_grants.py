"""Grants: the rights of prefixes, and what of the keys they cover."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.lua_modules import evaluate

Grants = list[tuple[str, str]]

MIXED: Grants = [("a/", "rw"), ("a/b/", "r"), ("log/", "w"), ("é", "r")]


def refusal(grants: Grants, rights: str, *keys: str) -> str | None:
    """The message; None: all keys are granted."""
    code = """
        local user = { prefixes = grants.prefixes(input[1]) }
        local ok, err = pcall(grants.check, user, input[2], input[3])
        return not ok and tostring(err) or nil
    """
    found: str | None = evaluate(code, [grants, rights, keys])
    return found


@pytest.mark.parametrize(
    ("rights", "key", "is_granted"),
    [
        ("r", "a/", True),
        ("rw", "a/b", True),
        ("rw", "a/b/c", True),
        ("r", "é/x", True),
        ("w", "é/x", False),
        ("w", "log/1", True),
        ("r", "log/1", False),
        ("rw", "log/1", False),
        ("r", "a", False),
        ("r", "", False),
        ("r", "A/", False),
    ],
)
def test_the_rights_to_a_key_are_those_of_its_prefixes(
    rights: str, key: str, *, is_granted: bool
) -> None:
    assert (refusal(MIXED, rights, key) is None) == is_granted


def test_the_first_key_without_a_grant_is_named() -> None:
    message = refusal(MIXED, "r", "a/1", "b'", "c")
    assert message is not None
    assert "'b\\''" in message or "b'" in message
    assert "'c'" not in message


def test_without_grants_nothing_is_granted_and_with_all_everything() -> None:
    assert refusal([], "r", "k") is not None
    assert refusal([("", "rw")], "rw", "k", "") is None
    assert refusal([("", "r")], "rw", "k") is not None


@pytest.mark.parametrize(
    ("prefix", "readable"),
    [
        ("", ["a/", "é"]),
        ("a", ["a/"]),
        ("a/", ["a/"]),
        ("a/b", ["a/b"]),
        ("a/b/c", ["a/b/c"]),
        ("log/", None),
        ("x", None),
    ],
)
def test_a_listing_is_narrowed_to_the_prefixes_that_may_be_read(
    prefix: str, readable: list[str] | None
) -> None:
    code = """
        local user = { prefixes = grants.prefixes(input[1]) }
        local ok, found = pcall(grants.readable, user, input[2])
        return ok and found or nil
    """
    assert evaluate(code, [MIXED, prefix]) == readable


WRONG = {
    "no list": ({"prefix": "", "rights": "r"}, "list of"),
    "no prefix": ([{"rights": "r"}], "grant 1: "),
    "a number": ([{"prefix": 1, "rights": "r"}], "grant 1: "),
    "no rights": ([{"prefix": "", "rights": "r"}, {"prefix": ""}], "grant 2: "),
    "unknown rights": ([{"prefix": "", "rights": "wr"}], "grant 1: "),
    "unknown member": ([{"prefix": "", "rights": "r", "x": 1}], "grant 1: x"),
    "too many": ([{"prefix": "", "rights": "r"}] * 101, "101 grants"),
}


@pytest.mark.parametrize(("given", "reason"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_named(given: object, reason: str) -> None:
    code = """
        local ok, err = pcall(grants.parse, input)
        return not ok and tostring(err) or nil
    """
    message = evaluate(code, given)
    assert message is not None
    assert reason in message


def test_grants_are_shown_as_they_are_given() -> None:
    given = [{"prefix": "é", "rights": "rw"}, {"prefix": "", "rights": "r"}]
    code = "return grants.to_objects(grants.parse(input))"
    assert evaluate(code, given) == given
    assert evaluate(code, []) == []


PREFIXES = ["", "a", "ab", "abc", "b", "ba"]
SOME_KEYS = ["", "a", "ab", "abc", "abcd", "ac", "b", "ba", "bb", "c"]
GRANTS = st.lists(
    st.tuples(st.sampled_from(PREFIXES), st.sampled_from(["r", "w", "rw"])), max_size=5
)


def rights_to(key: str, grants: Grants) -> set[str]:
    return {
        right for prefix, rights in grants if key.startswith(prefix) for right in rights
    }


@settings(deadline=None, max_examples=100)
@given(pairs=st.lists(st.tuples(GRANTS, GRANTS), min_size=1, max_size=20))
def test_an_intersection_gives_the_rights_that_both_give(
    pairs: list[tuple[Grants, Grants]],
) -> None:
    code = """
        local found = {}
        for i, pair in ipairs(input) do
            found[i] = grants.intersect(pair[1], pair[2])
        end
        return found
    """
    for (some, others), found in zip(pairs, evaluate(code, pairs), strict=True):
        for key in SOME_KEYS:
            expected = rights_to(key, some) & rights_to(key, others)
            assert rights_to(key, found) == expected, (some, others, found)
        prefixes = [prefix for prefix, _ in found]
        assert prefixes == sorted(set(prefixes))
        for i, (prefix, rights) in enumerate(found):
            shorter = [g for g in found[:i] if prefix.startswith(g[0])]
            assert not any(set(rights) <= set(r) for _, r in shorter)
