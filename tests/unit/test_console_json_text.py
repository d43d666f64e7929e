"""The console's modules of text: JSON that is never converted, edits, differences."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.javascript import evaluate

#: A run of Node.js takes a tenth of a second: an example is many texts.
many_texts = settings(
    deadline=None,
    database=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

IMPORT = """
import { check, tokenize } from "./text/tokenizer.js";
import { elements, entries, format, memberText } from "./text/json-text.js";
"""

SPACE = st.text(" \t\n\r", max_size=3)

NUMBERS = st.sampled_from(
    ["0", "-0", "1.0", "1e400", "248480010225057793", "-12.50E+07", "1E-2", "0e0", "10"]
)

#: Escapes and characters as they may be written.
STRINGS = st.lists(
    st.sampled_from(
        ["\\u0041", "\\n", "\\/", '\\"', "\\\\", "\\ud83d", "\\ud83d\\ude00"]
    )
    | st.characters(exclude_characters='"\\', exclude_categories=["Cs", "Cc"]),
    max_size=4,
).map(lambda parts: '"' + "".join(parts) + '"')


def spaced(tokens: list[str]) -> st.SearchStrategy[str]:
    """The tokens, with white space where the grammar allows it."""
    spaces = st.lists(SPACE, min_size=len(tokens) + 1, max_size=len(tokens) + 1)
    return spaces.map(
        lambda between: (
            "".join(a + b for a, b in zip(between, tokens, strict=False)) + between[-1]
        )
    )


def separated(items: list[list[str]]) -> list[str]:
    return [token for item in items for token in [",", *item]][1:]


def containers(tokens: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    arrays = st.lists(tokens, max_size=3)
    objects = st.lists(
        st.tuples(STRINGS, tokens).map(lambda member: [member[0], ":", *member[1]]),
        max_size=3,
    )
    return arrays.map(lambda items: ["[", *separated(items), "]"]) | objects.map(
        lambda items: ["{", *separated(items), "}"]
    )


SCALARS = (NUMBERS | STRINGS | st.sampled_from(["true", "false", "null"])).map(
    lambda token: [token]
)

#: The tokens of valid texts.
TOKENS = st.recursive(SCALARS, containers, max_leaves=12)


def is_json(text: str) -> bool:
    """According to the strict parser of Python, which has no NaN here."""

    def refused(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(text, parse_constant=refused)
    except ValueError:
        return False
    return True


@st.composite
def spaced_texts(draw: st.DrawFn) -> tuple[list[str], str]:
    tokens = draw(TOKENS)
    return tokens, draw(spaced(tokens))


@many_texts
@given(st.lists(spaced_texts(), min_size=1, max_size=40))
def test_layout_moves_white_space_only(cases: list[tuple[list[str], str]]) -> None:
    code = """
    const tokens = (text) =>
      [...tokenize(text)].map(({ start, end }) => text.slice(start, end));
    return input.map((text) => ({
      tokens: tokens(text),
      error: check(text),
      format: format(text),
      again: format(format(text)),
      compact: format(text, true),
      formatCompacted: format(format(text), true),
    }));
    """
    results = evaluate(IMPORT + code, [text for _, text in cases])
    for (tokens, text), found in zip(cases, results, strict=True):
        assert found["error"] is None
        assert found["tokens"] == tokens
        assert found["compact"] == "".join(tokens) == found["formatCompacted"]
        assert found["again"] == found["format"]
        parsed = json.loads(text, object_pairs_hook=Members, parse_float=str)
        layout = json.dumps(plain(parsed), indent=2)
        assert without_scalars(found["format"]) == without_scalars(layout)


class Members(list[tuple[str, Any]]):
    """The members of an object, with duplicates."""


def plain(value: Any) -> Any:
    """Numbered names, since an object of Python has no duplicates."""
    if isinstance(value, Members):
        return {str(at): plain(member) for at, (_, member) in enumerate(value)}
    return [plain(item) for item in value] if isinstance(value, list) else value


def without_scalars(text: str) -> list[str]:
    """The indentation and the punctuation of each line of a formatted text."""
    lines = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        start = line.lstrip()[:1] if line.lstrip()[:1] in "]}" else ""
        lines.append(indent + start + (line[-1:] if line[-1:] in "[]{}," else ""))
    return lines


#: Tokens that do not fit, or are none.
ODD = [*'[]{},:"-', "", "01", "1.", "1e", "+1", ".5", "NaN", "-Infinity", "tru", "'"]
ODD += ['"\\x"', '"\\u12"', '"\t"', "\ufeff", "\xa0"]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Almost JSON: a token is added or replaced."""
    tokens = list(draw(TOKENS))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(tokens)))
        tokens[at : at + draw(st.integers(0, 1))] = [draw(st.sampled_from(ODD))]
    return draw(spaced(tokens))


@many_texts
@given(st.lists(damaged(), min_size=1, max_size=200))
def test_check_agrees_with_a_strict_parser(texts: list[str]) -> None:
    code = "return input.map((text) => check(text));"
    for text, error in zip(texts, evaluate(IMPORT + code, texts), strict=True):
        assert (error is None) is is_json(text), text
        assert (
            error is None or 0 <= error["offset"] <= len(text.encode("utf-16-le")) / 2
        )


@many_texts
@given(
    st.lists(
        st.lists(st.tuples(STRINGS, TOKENS.flatmap(spaced)), max_size=5),
        min_size=1,
        max_size=40,
    ),
    SPACE,
)
def test_members_and_elements_are_cut_exactly(
    objects: list[list[tuple[str, str]]], space: str
) -> None:
    code = """
    return input.map(([object, array]) => {
      const members = entries(object);
      const first = members.map(([name]) => memberText(object, name));
      return [members, first, memberText(object, "absent") ?? null, elements(array)];
    });
    """
    texts = [
        (
            f"{space}{{{space}"
            + ",".join(f"{space}{name}{space}:{raw}" for name, raw in members)
            + f"{space}}}{space}",
            f"{space}[{space}"
            + ",".join(raw for _, raw in members)
            + f"{space}]{space}",
        )
        for members in objects
    ]
    results = evaluate(IMPORT + code, texts)
    for members, (found, first, none, items) in zip(objects, results, strict=True):
        expected = [[json.loads(name), raw.strip(" \t\n\r")] for name, raw in members]
        assert found == expected
        names = [name for name, _ in expected]
        assert first == [expected[names.index(name)][1] for name in names]
        assert none is None
        assert items == [raw for _, raw in expected]


@pytest.mark.parametrize(
    ("text", "line", "column", "expected"),
    [
        ("", 1, 1, "expected a value"),
        (" \n ", 2, 2, "expected a value"),
        ("[1,]", 1, 4, "expected a value"),
        ("NaN", 1, 1, "expected a value"),
        ("[", 1, 2, "expected a value or ]"),
        ("[1 2]", 1, 4, "expected a comma or ]"),
        ('{"a":1 "b"}', 1, 8, "expected a comma or }"),
        ('{"a":1,}', 1, 8, "expected a name"),
        ("{1:2}", 1, 2, "expected a name or }"),
        ('{"a" 1}', 1, 6, "expected a colon"),
        ("{}\r\n\r1", 3, 1, "expected the end of the text"),
        ('["😀",\r\n"é😀", x]', 2, 7, "expected a value"),
        ("[-]", 1, 2, "expected a value"),
        ("[1, -01]", 1, 5, "expected a value"),
        ("1.5.0", 1, 1, "expected a value"),
        ('["a', 1, 2, "this string has no end"),
        ('"\\', 1, 2, "unknown escape in a string"),
        ('["a\\x"]', 1, 4, "unknown escape in a string"),
        ('["a\nb"]', 1, 4, "control character in a string"),
    ],
)
def test_an_error_has_its_place(
    text: str, line: int, column: int, expected: str
) -> None:
    found = evaluate(IMPORT + "return check(input).message;", text)
    assert found == f"Line {line}, column {column}: {expected}"


def test_deep_nesting_is_no_recursion() -> None:
    code = """
    const text = "[".repeat(input) + "]".repeat(input);
    const [inner] = elements(text);
    return [check(text), format(format(text), true) === text, inner.length];
    """
    assert evaluate(IMPORT + code, 100_000) == [None, True, 199_998]


def test_an_unfinished_string_is_found_quickly() -> None:
    code = "return check('[\"' + 'a\\\\n'.repeat(input)).message;"
    expected = "Line 1, column 2: this string has no end"
    assert evaluate(IMPORT + code, 300_000) == expected
