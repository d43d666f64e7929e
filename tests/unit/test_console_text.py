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
import { ExactText } from "./text/splice.js";

return input.map(([original, steps]) => {
  const text = new ExactText(original);
  const seen = [[text.shown, text.exact]];
  for (const [method, argument] of steps) {
    text[method](argument);
    seen.push([text.shown, text.exact]);
  }
  return seen;
});
"""


def shown(exact: str) -> str:
    """As a <textarea> has it."""
    return re.sub("\r\n|\r", "\n", exact)


Step = tuple[str, str]

STEPS = st.lists(
    TEXTS.map(lambda text: ("edit", shown(text)))
    | TEXTS.map(lambda text: ("replace", text)),
    max_size=6,
)


@many_texts
@given(st.lists(st.tuples(TEXTS, STEPS), min_size=1, max_size=60))
def test_an_edit_is_shown_and_undone(cases: list[tuple[str, list[Step]]]) -> None:
    """After any steps, the way back to the original ends at its bytes."""
    whole = [
        (original, [*steps, ("edit", shown(original))])
        for original, steps in cases
        if all(shown(text) != shown(original) for _, text in steps)
    ]
    results = evaluate(EDITS, whole)
    for (original, steps), seen in zip(whole, results, strict=True):
        assert seen[0] == [shown(original), original]
        for (method, text), (now, exact) in zip(steps, seen[1:], strict=True):
            assert now == shown(text) == shown(exact)
            assert method == "edit" or exact == text
        assert seen[-1][1] == original


@many_texts
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=200))
def test_an_edit_keeps_the_bytes_around_it(cases: list[tuple[str, str, str]]) -> None:
    cases = [(f"{a}<", old, f">{b}") for a, old, b in cases]
    steps = [(a + old + b, [("edit", shown(a + "new" + b))]) for a, old, b in cases]
    for (a, old, b), seen in zip(cases, evaluate(EDITS, steps), strict=True):
        assert seen[-1][1] == a + "new" + b, old


@pytest.mark.parametrize(
    ("original", "steps", "exact"),
    [
        ("a\r\nb\nc", [("edit", "a\nb\nx\nc")], "a\r\nb\nx\r\nc"),
        ("a\rb", [("edit", "a\nb\n")], "a\rb\r"),
        ("ab", [("edit", "a\nb")], "a\nb"),
        ("a\rb\nc", [("edit", "a\n\nc")], "a\r\n\nc"),
        ("\r\n😀", [("edit", "\n😁")], "\r\n😁"),
        ("[1,\r2]", [("replace", "[1,2]"), ("edit", "[1,\n2]")], "[1,\r2]"),
        (
            "[1]",
            [("replace", "[\r1]"), ("edit", "[\n12]"), ("edit", "[\n1]")],
            "[\r1]",
        ),
        (
            "[\r1\n]",
            [("edit", "[\n12\n]"), ("replace", "[12]"), ("edit", "[\n12\n]")],
            "[\r12\n]",
        ),
    ],
)
def test_the_exact_text_after_edits(
    original: str, steps: list[Step], exact: str
) -> None:
    [seen] = evaluate(EDITS, [[original, steps]])
    assert seen[-1][1] == exact


def test_the_original_is_never_forgotten() -> None:
    steps = [("replace", "x" * length) for length in range(100)]
    [seen] = evaluate(EDITS, [["a\rb", [*steps, ("edit", "a\nb")]]])
    assert seen[-1][1] == "a\rb"


DIFF = """
import { changedLines, diffLines } from "./text/diff.js";

return input.map(([a, b]) => [diffLines(a, b), [...changedLines(a, b)]]);
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
    for (a, b), (blocks, changed) in zip(cases, evaluate(DIFF, cases), strict=True):
        left: list[str] = []
        right: list[str] = []
        expected: list[int] = []
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
            else:
                start = block["rightLine"]
                expected += range(start, start + len(block["right"]))
        assert (left, right) == (a.split("\n"), b.split("\n"))
        assert all(kinds[at] != kinds[at + 1] for at in range(len(kinds) - 1))
        assert same == common_length(left, right)
        assert changed == expected


def test_too_many_differences_are_one_block() -> None:
    a, b = ("\n".join(["head", *map(str, lines), "tail"]) for lines in NUMBERED)
    [[blocks, changed]] = evaluate(DIFF, [[a, b]])
    assert [block["kind"] for block in blocks] == ["same", "changed", "same"]
    assert changed == [*range(2, 5002)]


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
