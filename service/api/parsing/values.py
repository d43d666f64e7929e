"""Parsing of values: their JSON text, unchanged, within the limit on its size."""

import msgspec

from service.api.parsing.json_body import decode
from service.errors import InvalidJSON, ValueTooLarge, quoted
from service.json_text import MAX_UTF_8
from service.settings import Settings


def parse_value(body: bytes, limits: Settings, what: str = "The body") -> str:
    """The JSON text of a body that is a value, without the white space around it.

    :param what: names the body in an error
    :raises InvalidJSON: the body is not JSON in UTF-8
    :raises ValueTooLarge: the value is too large
    """
    return _text(decode(body, msgspec.Raw, what), limits)


def value_texts(data: dict[str, msgspec.Raw], limits: Settings) -> list[str]:
    """The JSON texts of the values of keys, in their order.

    :raises InvalidJSON: one is not UTF-8
    :raises ValueTooLarge: one is too large
    """
    try:
        values = [str(raw, "utf-8") for raw in data.values()]
    except UnicodeDecodeError:
        return [_text(raw, limits, key) for key, raw in data.items()]  # names the key
    # a check of each is only needed where one may be refused
    if values and max(map(len, values)) * MAX_UTF_8 > limits.max_value:
        for key, raw in data.items():
            _check_size(raw, limits, key)
    return values


def _text(raw: msgspec.Raw, limits: Settings, key: str | None = None) -> str:
    _check_size(raw, limits, key)
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        raise InvalidJSON(f"{_name(key)} is not UTF-8") from None


def _check_size(raw: msgspec.Raw, limits: Settings, key: str | None) -> None:
    size = memoryview(raw).nbytes
    if size > limits.max_value:
        raise ValueTooLarge(
            f"{_name(key)} is {size} bytes long, the limit is {limits.max_value}"
        )


def _name(key: str | None) -> str:
    return "The value" if key is None else f"The value of {quoted(key)}"
