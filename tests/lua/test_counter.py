"""Counters: integers of 64 bits with a sign."""

import pytest

from tests.support.lua_modules import evaluate

MAX = 2**63 - 1


def sum_of(one: str, other: str) -> str | None:
    """The sum of JSON texts, as a JSON text; None: one of them is no counter."""
    code = """
        local one, other = counter.parse(input[1]), counter.parse(input[2])
        if one == nil or other == nil then return nil end
        local sum = counter.sum(one, other)
        return sum and counter.text(sum)
    """
    found: str | None = evaluate(code, [one, other])
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [(0, 0), (1, -1), (MAX, -MAX - 1), (MAX - 1, 1), (-MAX, -1), (2**53, 2**53 + 1)],
)
def test_a_sum_is_exact_to_both_ends(one: int, other: int) -> None:
    assert sum_of(str(one), str(other)) == str(one + other)


@pytest.mark.parametrize(("one", "other"), [(MAX, 1), (-MAX - 1, -1), (MAX, MAX)])
def test_a_sum_beyond_64_bits_is_none(one: int, other: int) -> None:
    assert sum_of(str(one), str(other)) is None
    assert sum_of(str(other), str(one)) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "+1", "01", "-01", "1.0", "1e2", " 1", "1 ", "0x1", '"1"', "null"),
        *(str(MAX + 1), str(-MAX - 2), str(2**64 - 1), "9" * 21),
    ],
)
def test_what_is_no_integer_of_64_bits_is_no_counter(text: str) -> None:
    assert sum_of(text, "0") is None


def test_minus_zero_is_zero() -> None:
    assert sum_of("-0", "0") == "0"
