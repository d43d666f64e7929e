"""Parsing of values: their JSON text, unchanged, within the limit on its size."""

from itertools import repeat

import msgspec

from service.api.parsing.json_body import decode
from service.errors import InvalidJSON, ValueTooLarge, quoted
from service.settings import Settings


def parse_value(body: bytes, limits: Settings, what: str = "The body") -> str:
    """The JSON text of a body that is a value, without the white space around it.

    :param what: names the body in an error
    :raises InvalidJSON: the body is not JSON in UTF-8
    :raises ValueTooLarge: the value is too large
    """
    return value_text(decode(body, msgspec.Raw, what), limits)


def value_text(raw: msgspec.Raw, limits: Settings, key: str | None = None) -> str:
    """The JSON text of a value.

    :param key: names the value in an error
    :raises InvalidJSON: it is not UTF-8
    :raises ValueTooLarge: it is too large
    """
    _check_size(raw, limits, key)
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        raise InvalidJSON(f"{_name(key)} is not UTF-8") from None


def value_texts(data: dict[str, msgspec.Raw], limits: Settings, size: int) -> list[str]:
    """The JSON texts of the values of keys, in their order.

    :param size: bytes of all values, at most
    :raises InvalidJSON: one is not UTF-8
    :raises ValueTooLarge: one is too large
    """
    if size > limits.max_value:
        for key, raw in data.items():
            _check_size(raw, limits, key)
    try:
        return list(map(str, data.values(), repeat("utf-8")))
    except UnicodeDecodeError:  # names the key
        return [value_text(raw, limits, key) for key, raw in data.items()]


def _check_size(raw: msgspec.Raw, limits: Settings, key: str | None) -> None:
    size = memoryview(raw).nbytes
    if size > limits.max_value:
        raise ValueTooLarge(
            f"{_name(key)} is {size} bytes long, the limit is {limits.max_value}"
        )


def _name(key: str | None) -> str:
    return "The value" if key is None else f"The value of {quoted(key)}"
