"""Tests of how the clients read the file of an export."""

import hashlib
import json

import pytest

from tests.torture.run.transfers import Export


def file(lines: list[dict[str, object]], **end: object) -> bytes:
    """An export with these lines, and an end that is true unless given."""
    content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    last = {
        "end": True,
        "revision": 2,
        "keys": len(lines) - 1,
        "changes": 0,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return content + json.dumps(last | end).encode() + b"\n"


HEADER: dict[str, object] = {"kv_export": 1, "revision": 1, "prefix": "", "made_at": 1}
LINES: list[dict[str, object]] = [
    HEADER,
    {"key": "a", "value": 1, "revision": 1},
    {"key": "b", "value": [2], "revision": 1},
    {"key": "a", "text": "[\n4]", "revision": 2},
    {"key": "b", "deleted": True, "revision": 2},
]


def test_the_last_line_of_a_key_counts() -> None:
    found = Export(file(LINES))
    assert found.damage is None
    assert found.rows == {"a": ("[\n4]", 2)}


@pytest.mark.parametrize(
    ("raw", "damage"),
    [
        (file(LINES, sha256="0"), "the hash differs"),
        (file(LINES, keys=3), "it says 3 + 0, and has 4"),
        (file(LINES[1:], keys=4), "it has no header"),
    ],
    ids=["hash", "count", "header"],
)
def test_a_damaged_file_is_noticed(raw: bytes, damage: str) -> None:
    assert Export(raw).damage == damage


@pytest.mark.parametrize("cut", [0, 1, 5, 100])
def test_a_file_that_breaks_off_has_no_end(cut: int) -> None:
    raw = file(LINES)
    whole = Export(raw[: len(raw) - cut])
    assert (whole.last is not None) is (cut == 0)
    assert whole.damage is None


def test_an_export_that_failed_says_why() -> None:
    raw = json.dumps({"status": 503, "code": "overloaded"}).encode() + b"\n"
    last = Export(json.dumps(HEADER).encode() + b"\n" + raw).last
    assert last is not None
    assert (last.end, last.status, last.code) == (False, 503, "overloaded")
