"""JSON with a line for each member: the same document, and readable."""

import json
import re

import pytest

from tests.support.lua_modules import evaluate
from tests.support.samples import VALUES


def indented(*texts: str) -> list[str]:
    code = """
        local found = {}
        for i, text in ipairs(input) do found[i] = pretty_json.indented(text) end
        return found
    """
    return list(evaluate(code, texts))


def test_members_and_elements_have_lines_of_their_own() -> None:
    (text,) = indented('{"a":[1,{"b" : "x,y:[{"}],"c":{ },"d":[ ]}')
    assert text == "\n".join(
        [
            "{",
            '  "a": [',
            "    1,",
            "    {",
            '      "b": "x,y:[{"',
            "    }",
            "  ],",
            '  "c": {},',
            '  "d": []',
            "}",
        ]
    )


def test_no_character_outside_the_white_space_changes() -> None:
    for text, shown in zip(VALUES, indented(*VALUES), strict=True):
        assert tokens(shown) == tokens(text)


def tokens(text: str) -> str:
    """The tokens, without the white space between them."""
    return "".join(re.findall(r'"(?:[^"\\]|\\.)*"|[^\s"]+', text))


@pytest.mark.parametrize("depth", [1, 100, 300])
def test_many_tokens(depth: int) -> None:
    """More than are worked on without a yield."""
    text = "[" * depth + ",".join(map(str, range(2000))) + "]" * depth
    (shown,) = indented(text)
    assert json.loads(shown) == json.loads(text)


def test_json_that_would_become_far_longer_is_not_indented() -> None:
    text = "[" * 20_000 + "]" * 20_000
    assert indented(text) == [text]
