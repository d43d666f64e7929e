"""JSON texts, put together from values of ours and from texts of values."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

#: Bytes of a character.
MAX_UTF_8 = 4


def size_of(text: str) -> int:
    """Bytes in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def size_at_most(texts: Collection[str]) -> int:
    """Bytes of all in UTF-8, counted without a copy of any."""
    size = sum(map(len, texts))
    return size if all(map(str.isascii, texts)) else size * MAX_UTF_8


def encoded(value: object) -> str:
    """JSON text of a value of ours."""
    return msgspec.json.encode(value).decode()


def members_of(members: Iterable[tuple[str, str]]) -> list[str]:
    """JSON text of an object whose values are JSON texts already, in parts.

    Whoever joins them copies a long value once.
    """
    texts: list[str] = []
    for key, value in members:
        texts += (",", encoded(key), ":", value)
    texts[:1] = "{"  # in the place of the first comma
    texts.append("}")
    return texts


def data_of(values: Mapping[str, str]) -> bytes:
    """`{"data": …}` of keys and JSON texts, at once."""
    raw = {key: msgspec.Raw(value) for key, value in values.items()}
    return msgspec.json.encode({"data": raw})


def object_of(members: Iterable[tuple[str, str]]) -> str:
    """As `members_of`, in one."""
    return "".join(members_of(members))
