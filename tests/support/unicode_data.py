"""Generates lua/kv/accounts/unicode.lua: `python -m tests.support.unicode_data`.

It is made with the oldest Python that the service runs on, so that a name accepted on
the console is accepted by every service.
"""

import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator

from tests.support.machine import ROOT

FILE = ROOT / "lua" / "kv" / "accounts" / "unicode.lua"

#: Of Python 3.11.
VERSION = "14.0.0"

SURROGATES = range(0xD800, 0xE000)

#: Columns, as luacheck has it.
WIDTH = 100

MODULE = """\
--- Unicode {version}, in hexadecimal. From `python -m tests.support.unicode_data`.
return {{
    version = '{version}',

    --- Ranges of the characters that are printable, and their own form NFC.
    allowed = [[
{allowed}
]],

    --- Ranges of the canonical combining classes other than 0: first-last=class.
    classes = [[
{classes}
]],

    --- Characters that NFC composes, with their canonical decomposition.
    composites = [[
{composites}
]],
}}
"""


def code_points() -> Iterator[int]:
    return (code for code in range(sys.maxunicode + 1) if code not in SURROGATES)


def is_allowed(character: str) -> bool:
    return (
        character.isprintable() and unicodedata.normalize("NFC", character) == character
    )


def allowed() -> list[int]:
    return [code for code in code_points() if is_allowed(chr(code))]


def classes() -> dict[int, int]:
    """The combining classes of the allowed characters that are no starters."""
    found = ((code, unicodedata.combining(chr(code))) for code in allowed())
    return {code: combining for code, combining in found if combining}


def composites() -> dict[int, tuple[int, int]]:
    """A composite that is allowed consists of two characters."""
    found = {}
    for code in allowed():
        mapping = unicodedata.decomposition(chr(code))
        if mapping and "<" not in mapping:
            first, second = mapping.split()
            found[code] = int(first, 16), int(second, 16)
    return found


def ranges(codes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The first and the last of the code points that follow each other."""
    first = last = None
    for code in codes:
        if first is None or last is None or code != last + 1:
            if first is not None and last is not None:
                yield first, last
            first = code
        last = code
    if first is not None and last is not None:
        yield first, last


def _ranges(codes: Iterable[int]) -> list[str]:
    return [
        f"{first:X}" if first == last else f"{first:X}-{last:X}"
        for first, last in ranges(codes)
    ]


def _of_class(wanted: int, of: dict[int, int]) -> list[str]:
    same = (code for code, combining in of.items() if combining == wanted)
    return [f"{text}={wanted:X}" for text in _ranges(same)]


def module() -> str:
    """The text of the file."""
    of = classes()
    data = {
        "allowed": _ranges(allowed()),
        "classes": [
            text for each in sorted({*of.values()}) for text in _of_class(each, of)
        ],
        "composites": [f"{c:X}={a:X}+{b:X}" for c, (a, b) in composites().items()],
    }
    texts = {
        name: textwrap.fill(" ".join(words), WIDTH, break_on_hyphens=False)
        for name, words in data.items()
    }
    return MODULE.format(version=unicodedata.unidata_version, **texts)


if __name__ == "__main__":
    assert unicodedata.unidata_version == VERSION
    FILE.write_text(module())
