"""The shapes of request bodies, and their limits.

A value is never decoded: it is cut out of the body as JSON text (`msgspec.Raw`), which
is what is stored and what comes back, byte for byte.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

import msgspec

from service.errors import (
    CredentialsRequired,
    InvalidJSON,
    InvalidKey,
    InvalidRequest,
    NoData,
    NoKeys,
    TooManyKeys,
    ValueTooLarge,
)
from service.settings import Settings

MAX_USERNAME = 64  # characters, in NFC
MAX_DECOMPOSED = 4  # characters that become one in NFC (UAX #15, expansion factors)
MAX_PASSWORD = 1024  # bytes
MAX_QUOTED = 48  # characters of a client's key in a detail
MAX_REASON = 200  # characters of a detail that may quote a client's member name


class CredentialsBody(msgspec.Struct, forbid_unknown_fields=True):
    username: str | None = None
    password: str | None = None


class WriteBody(msgspec.Struct, forbid_unknown_fields=True):
    data: dict[str, msgspec.Raw] | None = None


class ReadBody(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[str] | None = None


class Credentials(NamedTuple):
    username: str
    password: str


class Batch(NamedTuple):
    """Keys and their values as JSON texts, in the same order."""

    keys: list[str]
    values: list[str]


Body = TypeVar("Body", CredentialsBody, WriteBody, ReadBody)


def parse_credentials(body: bytes) -> Credentials:
    """:raises InvalidJSON, InvalidRequest, CredentialsRequired:"""
    given = _decode(body, CredentialsBody)
    if not given.username or not given.password:
        raise CredentialsRequired()
    return check_credentials(given.username, given.password)


def check_credentials(username: str, password: str) -> Credentials:
    """The name in NFC, so that one name is one account however it was typed.

    :raises InvalidRequest: a limit of the name or the password is not kept
    """
    # normalising takes the square of the length of a run of combining marks
    if len(username) <= MAX_USERNAME * MAX_DECOMPOSED:
        username = unicodedata.normalize("NFC", username)
    if len(username) > MAX_USERNAME:
        raise InvalidRequest(
            f"/username is {len(username)} characters long, the limit is {MAX_USERNAME}"
        )
    if not username.isprintable():
        raise InvalidRequest("/username has a character that is not printable")
    size = len(password.encode())
    if size > MAX_PASSWORD:
        raise InvalidRequest(
            f"/password is {size} bytes long, the limit is {MAX_PASSWORD}"
        )
    return Credentials(username, password)


def parse_write(body: bytes, limits: Settings) -> Batch:
    """:raises InvalidJSON, InvalidRequest, NoData:
    :raises InvalidKey, TooManyKeys, ValueTooLarge: a limit is not kept
    """
    data = _decode(body, WriteBody).data
    if not data:
        raise NoData()
    _check_keys(data, len(data), limits)
    values = []
    for key, raw in data.items():
        size = memoryview(raw).nbytes
        if size > limits.max_value:
            raise ValueTooLarge(
                f"The value of {_quoted(key)} is {size} bytes long, "
                f"the limit is {limits.max_value}"
            )
        try:
            values.append(str(raw, "utf-8"))
        except UnicodeDecodeError:
            raise InvalidJSON(f"The value of {_quoted(key)} is not UTF-8") from None
    return Batch(list(data), values)


def parse_read(body: bytes, limits: Settings) -> list[str]:
    """The keys, each once.

    :raises InvalidJSON, InvalidRequest, NoKeys:
    :raises InvalidKey, TooManyKeys: a limit is not kept
    """
    keys = _decode(body, ReadBody).keys
    if not keys:
        raise NoKeys()
    _check_keys(keys, len(keys), limits)
    return list(dict.fromkeys(keys))


def _decode(body: bytes, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise InvalidRequest(_explained(error)) from None
    except msgspec.DecodeError as error:
        reason = str(error).removeprefix("JSON is malformed: ")
        if reason == "Input data was truncated":  # what it says of a lone surrogate too
            reason = "it is cut short, or has half of a surrogate pair"
        raise InvalidJSON(f"The body is not JSON: {reason}") from None
    except UnicodeDecodeError:
        raise InvalidJSON("The body is not UTF-8") from None
    except RecursionError:
        raise InvalidJSON("The body is nested too deeply") from None


def _explained(error: msgspec.ValidationError) -> str:
    """The validator's sentence, its path as a JSON pointer (RFC 6901) in front."""
    reason, _, path = str(error).partition(" - at `$")
    pointer = re.sub(r"\.|\[(\d+)\]", r"/\1", path.rstrip("`"))
    where = pointer or "The body"
    return f"{where}: {reason[:1].lower()}{_shortened(reason[1:], MAX_REASON)}"


def _check_keys(keys: Iterable[str], count: int, limits: Settings) -> None:
    if count > limits.max_keys:
        raise TooManyKeys(f"{count} keys in one call, the limit is {limits.max_keys}")
    for key in keys:
        size = len(key) if key.isascii() else len(key.encode())
        if not size:
            raise InvalidKey("A key must not be empty")
        if size > limits.max_key:
            raise InvalidKey(
                f"The key {_quoted(key)} is {size} bytes long, "
                f"the limit is {limits.max_key}"
            )


def _quoted(key: str) -> str:
    return repr(_shortened(key, MAX_QUOTED))


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
