"""Parsing of keys, and the limits on their number and their length."""

import re
from collections.abc import Collection
from urllib.parse import unquote_to_bytes

from service.errors import InvalidKey, NoKeys, TooManyKeys, quoted
from service.json_text import MAX_UTF_8, size_of
from service.settings import Settings

BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def parse_key(path: str, limits: Settings) -> str:
    """The key of a path, percent-encoded as it was sent (RFC 3986, section 2.1).

    :raises InvalidKey: it is malformed, empty or too long
    """
    sent = path.encode("utf-8", "surrogateescape")
    if BAD_PERCENT.search(sent):
        raise InvalidKey("A % in the path is not followed by two hexadecimal digits")
    try:
        key = unquote_to_bytes(sent).decode()
    except UnicodeDecodeError:
        raise InvalidKey("The key in the path is not UTF-8") from None
    check_keys([key], limits, len(sent))
    return key


def distinct_keys(given: list[str] | None, limits: Settings, size: int) -> list[str]:
    """The keys in their order, each once.

    :param size: bytes of all keys, at most
    :raises NoKeys: there is none
    :raises TooManyKeys: there are too many
    :raises InvalidKey: one is empty or too long
    """
    if not given:
        raise NoKeys()
    check_keys(given, limits, size)
    return given if len(set(given)) == len(given) else list(dict.fromkeys(given))


def check_keys(keys: Collection[str], limits: Settings, size: int) -> None:
    """Checks at least one key against the limits.

    :param size: bytes of all keys, at most
    :raises TooManyKeys: there are too many
    :raises InvalidKey: one is empty or too long
    """
    count = len(keys)
    if count > limits.max_keys:
        raise TooManyKeys(f"{count} keys in one call, the limit is {limits.max_keys}")
    if "" in keys:
        raise InvalidKey("A key must not be empty")
    # a check of each is only needed where one may be refused
    if size > limits.max_key and max(map(len, keys)) * MAX_UTF_8 > limits.max_key:
        for key in keys:
            check_key_length(key, limits)


def check_key_length(text: str, limits: Settings, what: str = "The key") -> None:
    """Checks the length of a key, or of the beginning of one.

    :raises InvalidKey: it is too long
    """
    size = size_of(text)
    if size > limits.max_key:
        raise InvalidKey(
            f"{what} {quoted(text)} is {size} bytes long, the limit is {limits.max_key}"
        )
