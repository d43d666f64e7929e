"""JSON texts, composed of encoded values and of texts that are JSON already."""

import json
from collections.abc import Collection, Iterable

import msgspec

#: Bytes of a character, at most.
MAX_UTF_8 = 4

_DECODER = json.JSONDecoder()


def size_of(text: str) -> int:
    """The bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def fits(texts: Collection[str], size: int) -> bool:
    """Whether texts in UTF-8 take at most this many bytes."""
    characters = sum(map(len, texts))
    if characters > size:
        return False
    return characters * MAX_UTF_8 <= size or sum(map(size_of, texts)) <= size


def encoded(value: object) -> str:
    """The JSON text of a Python value."""
    return msgspec.json.encode(value).decode()


def value_of(member: str) -> str:
    """The JSON text of the value of one member, `"key":value`."""
    _, end = _DECODER.raw_decode(member)
    return member[end + 1 :]


def object_of(members: Iterable[tuple[str, str]]) -> str:
    """The JSON text of an object whose values are JSON texts."""
    texts = (f"{encoded(key)}:{value}" for key, value in members)
    return f"{{{','.join(texts)}}}"
