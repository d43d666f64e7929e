"""The console's edits of a text, its differences, and its sizes and times."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.javascript import evaluate

#: A run of Node.js takes a tenth of a second: an example is many texts.
many_texts = settings(deadline=None, database=None, max_examples=20)

PIECES = ["a", "b", " ", "\n", "\r", "\r\n", "😀", "😁"]

TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)

EDITS = """
import { shownText, withLineEnds } from "./text/diff.js";

return input.map(([original, shown]) => {
  const edited = withLineEnds(original, shown);
  return [withLineEnds(original, shownText(original)), edited, shownText(edited)];
});
"""


def shown(exact: str) -> str:
    """As a <textarea> has it."""
    return re.sub("\r\n|\r", "\n", exact)


@many_texts
@given(st.lists(st.tuples(TEXTS, TEXTS.map(shown)), min_size=1, max_size=200))
def test_an_edit_is_stored_as_it_is_shown(cases: list[tuple[str, str]]) -> None:
    for (original, text), found in zip(cases, evaluate(EDITS, cases), strict=True):
        untouched, _, again = found
        assert untouched == original
        assert again == text


@many_texts
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=200))
def test_an_edit_keeps_the_lines_around_it(cases: list[tuple[str, str, str]]) -> None:
    whole = [(f"{a}\r\n{old}\r\n{b}", shown(f"{a}\nnew\n{b}")) for a, old, b in cases]
    for (a, old, b), found in zip(cases, evaluate(EDITS, whole), strict=True):
        assert found[1].startswith(a), old
        assert found[1].endswith(b), old


@pytest.mark.parametrize(
    ("original", "text", "exact"),
    [
        ("a\r\nb\nc", "a\nb\nx\nc", "a\r\nb\nx\r\nc"),
        ("a\rb", "a\nb\n", "a\rb\r"),
        ("ab", "a\nb", "a\nb"),
        ("a\rb\n\nc", "a\n\nc", "a\r\r\nc"),
        ("\r\n😀", "\n😁", "\r\n😁"),
    ],
)
def test_the_line_ends_after_an_edit(original: str, text: str, exact: str) -> None:
    assert evaluate(EDITS, [[original, text]])[0][1] == exact


DIFF = """
import { diffLines } from "./text/diff.js";

return input.map(([a, b]) => diffLines(a, b));
"""

LINES = st.lists(st.sampled_from("abc"), max_size=10).map("\n".join)


def common_length(a: list[str], b: list[str]) -> int:
    """Of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for line in a:
        before = row
        row = [0]
        for at, other in enumerate(b):
            longer = before[at] + 1 if line == other else 0
            row.append(max(longer, before[at + 1], row[at]))
    return row[-1]


@many_texts
@given(st.lists(st.tuples(LINES, LINES), min_size=1, max_size=200))
def test_differences_are_the_fewest(cases: list[tuple[str, str]]) -> None:
    for (a, b), blocks in zip(cases, evaluate(DIFF, cases), strict=True):
        left: list[str] = []
        right: list[str] = []
        kinds, same = [], 0
        for block in blocks:
            assert (block["leftLine"], block["rightLine"]) == (
                len(left) + 1,
                len(right) + 1,
            )
            left += block["left"]
            right += block["right"]
            kinds.append(block["kind"])
            if block["kind"] == "same":
                assert block["left"] == block["right"] != []
                same += len(block["left"])
        assert (left, right) == (a.split("\n"), b.split("\n"))
        assert all(kinds[at] != kinds[at + 1] for at in range(len(kinds) - 1))
        assert same == common_length(left, right)


def test_too_many_differences_are_one_block() -> None:
    a, b = ("\n".join(["head", *map(str, lines), "tail"]) for lines in NUMBERED)
    [blocks] = evaluate(DIFF, [[a, b]])
    assert [block["kind"] for block in blocks] == ["same", "changed", "same"]
    assert blocks[1]["rightLine"] == 2
    assert len(blocks[1]["right"]) == 5000


NUMBERED = (range(5000), range(5000, 10000))

FORMAT = """
import * as format from "./text/format.js";

return input.map(([name, ...values]) => format[name](...values));
"""


def test_sizes_counts_and_times_in_english() -> None:
    cases = {
        ("size", 0): "0 B",
        ("size", 1000): "1,000 B",
        ("size", 1023): "1,023 B",
        ("size", 1024): "1 KiB",
        ("size", 1229): "1.2 KiB",
        ("size", 102_348): "99.9 KiB",
        ("size", 102_349): "100 KiB",
        ("size", 1024**2 - 1): "1 MiB",
        ("size", 3 * 1024**3): "3 GiB",
        ("size", 5000 * 1024**3): "5,000 GiB",
        ("count", None): "1,000+",
        ("count", 999_999): "999,999",
        ("duration", 0): "0 s",
        ("duration", 59.9): "59 s",
        ("duration", 60): "1 min",
        ("duration", 3661): "1 h 1 min",
        ("duration", 3600): "1 h",
        ("duration", 86400 * 3 + 3600 * 4 + 59): "3 d 4 h",
        ("duration", 86400): "1 d",
        ("duration", -1): "0 s",
    }
    assert evaluate(FORMAT, [*cases]) == [*cases.values()]
    date, time = evaluate(FORMAT, [["dateTime", 1795913987.4], ["time", 1795913987.4]])
    assert re.fullmatch(r"\d\d:\d\d:47", time)
    assert re.fullmatch(rf"Nov \d+, 2026, {time}", date)
