"""JSON texts, composed of encoded values and of texts that are JSON already."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

#: Bytes of a character, at most.
MAX_UTF_8 = 4


def size_of(text: str) -> int:
    """The bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def size_at_most(texts: Collection[str]) -> int:
    """An upper bound of the bytes of texts in UTF-8, without encoding them."""
    size = sum(map(len, texts))
    return size if all(map(str.isascii, texts)) else size * MAX_UTF_8


def encoded(value: object) -> str:
    """The JSON text of a Python value."""
    return msgspec.json.encode(value).decode()


def members_of(members: Iterable[tuple[str, str]]) -> list[str]:
    """The JSON text of an object whose values are JSON texts, in parts.

    Joining the parts copies a long value only once.
    """
    texts: list[str] = []
    for key, value in members:
        texts += (",", encoded(key), ":", value)
    texts[:1] = "{"  # replaces the first comma
    texts.append("}")
    return texts


def data_of(values: Mapping[str, str]) -> bytes:
    """The JSON text `{"data": …}` of keys and JSON texts, encoded."""
    raw = {key: msgspec.Raw(value) for key, value in values.items()}
    return msgspec.json.encode({"data": raw})


def object_of(members: Iterable[tuple[str, str]]) -> str:
    """The JSON text of an object whose values are JSON texts."""
    return "".join(members_of(members))
