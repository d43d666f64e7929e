"""The rule for the names of accounts: that of the service, in Lua."""

import random
import unicodedata

import pytest

from service.auth.credentials import check_credentials, check_new_username
from service.errors import Problem
from tests.support import unicode_data
from tests.support.lua_modules import evaluate

NAMES = {
    "one": ("a", True),
    "longest": ("é" * 64, True),
    "spaces inside": ("Ann of  Kiev", True),
    "Hangul": ("각", True),
    "empty": ("", False),
    "too long": ("é" * 65, False),
    "space before": (" a", False),
    "space behind": ("a ", False),
    "no-break space": ("a\u00a0b", False),
    "line end": ("a\n", False),
    "decomposed": ("e\u0301", False),
    "decomposed Hangul": ("\u1100\u1161", False),
    "marks out of order": ("a\u0301\u0323", False),
    "private use": ("\ue000", False),
    "no character": ("\U0010ffff", False),
}


def faults(names: list[str]) -> list[str]:
    """The fault of each name; empty: none."""
    code = """
        local found = setmetatable({}, { __serialize = 'seq' })
        for i, name in ipairs(input) do found[i] = names.fault(name) or '' end
        return found
    """
    return list(evaluate(code, names))


def is_accepted_by_the_service(name: str) -> bool:
    try:
        check_new_username(name)
        return check_credentials(name, "password").username == name != ""
    except Problem:
        return False


def test_names_that_are_accepted_and_refused() -> None:
    found = faults([name for name, _ in NAMES.values()])
    for (kind, (name, is_good)), fault in zip(NAMES.items(), found, strict=True):
        assert (fault == "") == is_good, (kind, fault)
        assert is_accepted_by_the_service(name) == is_good, kind


def test_texts_of_composed_and_decomposed_characters() -> None:
    """At random, of characters that meet each other in NFC."""
    parts = [unicodedata.normalize("NFD", chr(code)) for code in range(0xC0, 0x24F)]
    marks = [chr(code) for code in range(0x300, 0x316)]
    syllables = [chr(code) for code in range(0xAC00, 0xAC40)]
    jamo = [chr(code) for code in [*range(0x1100, 0x1104), *range(0x1161, 0x1165)]]
    source = [character for part in parts for character in part] + marks
    source += syllables + jamo + [chr(code) for code in range(0xC0, 0x24F)]
    generator = random.Random(1)
    texts = ["".join(generator.choices(source, k=4)) for _ in range(3000)]
    # also such as are in NFC, of which few come by chance
    texts += [unicodedata.normalize("NFC", text) for text in texts]
    allowed = [t for t in texts if all(unicode_data.is_allowed(c) for c in t)]
    found = faults(allowed)
    wrong = [
        (text, fault)
        for text, fault in zip(allowed, found, strict=True)
        if (fault == "") != (unicodedata.normalize("NFC", text) == text)
    ]
    assert wrong == []
    assert 0 < sum(fault == "" for fault in found) < len(found)


@pytest.mark.parametrize("control", ["composed", "decomposed"])
def test_composed_and_decomposed_texts_differ(control: str) -> None:
    text = unicodedata.normalize("NFC" if control == "composed" else "NFD", "éǘ각")
    codes = [ord(character) for character in text]
    assert evaluate("return normal_form.is_nfc(input)", codes) is (
        control == "composed"
    )
