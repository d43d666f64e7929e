"""JSON texts, put together from values of ours and from texts of values."""

from collections.abc import Iterable

import msgspec


def encoded(value: object) -> str:
    """JSON text of a value of ours."""
    return msgspec.json.encode(value).decode()


def object_of(members: Iterable[tuple[str, str]]) -> str:
    """JSON text of an object whose values are JSON texts already."""
    return "{" + ",".join(f"{encoded(key)}:{value}" for key, value in members) + "}"
