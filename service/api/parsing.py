"""From the bytes of a request to what is asked for; where every limit is checked."""

import codecs
import json
import re
from collections.abc import Collection
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from service.api.schemas.members import MAX_INT64, Conditions
from service.api.schemas.requests import (
    ChangesQuery,
    CredentialsBody,
    DeleteBody,
    IncrementBody,
    ListBody,
    NoBody,
    NoQuery,
    PasswordBody,
    PasswordChangeBody,
    PutQuery,
    ReadBody,
    WriteBody,
)
from service.auth.credentials import (
    Credentials,
    check_credentials,
    check_new_username,
    check_password,
)
from service.errors import (
    MAX_QUOTED,
    CredentialsRequired,
    InvalidJSON,
    InvalidKey,
    InvalidRequest,
    NoData,
    NoKeys,
    TooManyKeys,
    ValueTooLarge,
    quoted,
    shortened,
)
from service.json_text import MAX_UTF_8, size_of
from service.model import Condition
from service.settings import Settings

MAX_EXACT = 2**53  # from there a double stands for several integers
DEFAULT_PAGE = 1000  # keys
MAX_REASON = 200  # characters of a detail that may quote a client's member name

REVISION = re.compile(r"0|[1-9][0-9]{0,18}")
BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Batch(NamedTuple):
    """Keys and their values as JSON texts, in the same order."""

    keys: list[str]
    values: list[str]
    conditions: list[Condition]
    ttl: float | None


class Reading(NamedTuple):
    keys: list[str]
    detailed: bool


class Deletion(NamedTuple):
    keys: list[str]
    conditions: list[Condition]


class Page(NamedTuple):
    prefix: str
    after: str | None
    limit: int
    with_values: bool


class Following(NamedTuple):
    """:ivar since: the revision to go on from, None: the newest one
    :ivar wait: seconds
    """

    since: int | None
    prefix: str
    wait: float


T = TypeVar("T")


def parse_credentials(body: bytes) -> Credentials:
    """:raises InvalidJSON, InvalidRequest, CredentialsRequired:"""
    given = _decode(body, CredentialsBody)
    if not given.username or not given.password:
        raise CredentialsRequired()
    return check_credentials(given.username, given.password)


def parse_new_credentials(body: bytes) -> Credentials:
    """Those of an account that is to be created.

    :raises InvalidJSON, InvalidRequest, CredentialsRequired:
    """
    credentials = parse_credentials(body)
    check_new_username(credentials.username)
    return credentials


def parse_password(body: bytes) -> str:
    """:raises InvalidJSON, InvalidRequest, CredentialsRequired:"""
    given = _decode(body, PasswordBody)
    if not given.password:
        raise CredentialsRequired("The password is required")
    return check_password(given.password, "/password")


def parse_password_change(body: bytes) -> tuple[str, str]:
    """The old password and the new one.

    :raises InvalidJSON, InvalidRequest, CredentialsRequired:
    """
    given = _decode(body, PasswordChangeBody)
    if not given.password or not given.new_password:
        raise CredentialsRequired("The password and a new_password are required")
    return (
        check_password(given.password, "/password"),
        check_password(given.new_password, "/new_password"),
    )


def parse_nothing(body: bytes) -> None:
    """Of a call that takes no members: no body, or an empty object.

    :raises InvalidJSON, InvalidRequest:
    """
    if body:
        _decode(body, NoBody)


def parse_write(body: bytes, limits: Settings) -> Batch:
    """:raises InvalidJSON, InvalidRequest, NoData:
    :raises InvalidKey, TooManyKeys, ValueTooLarge: a limit is not kept
    """
    given = _decode(body, WriteBody)
    if not given.data:
        raise NoData()
    _check_keys(given.data, limits)
    values = _values(given.data, limits)
    _check_utf_8(body)
    conditions = _conditions(given.conditions, limits)
    return Batch(list(given.data), values, conditions, given.ttl)


def parse_read(body: bytes, limits: Settings) -> Reading:
    """The keys, each once.

    :raises InvalidJSON, InvalidRequest, NoKeys:
    :raises InvalidKey, TooManyKeys: a limit is not kept
    """
    given = _decode(body, ReadBody)
    return Reading(_keys(given.keys, limits), given.revisions)


def parse_delete(body: bytes, limits: Settings) -> Deletion:
    """The keys, each once.

    :raises InvalidJSON, InvalidRequest, NoKeys:
    :raises InvalidKey, TooManyKeys: a limit is not kept
    """
    given = _decode(body, DeleteBody)
    keys = _keys(given.keys, limits)
    return Deletion(keys, _conditions(given.conditions, limits))


def parse_list(body: bytes, limits: Settings) -> Page:
    """:raises InvalidJSON, InvalidRequest:
    :raises InvalidKey: the prefix or the cursor is longer than a key
    """
    given = _decode(body, ListBody)
    limit = min(DEFAULT_PAGE, limits.max_keys)
    if given.limit is not None:
        limit = _integer(given.limit, "/limit")
    if not 1 <= limit <= limits.max_keys:
        raise InvalidRequest(f"/limit is {limit}, the limit is {limits.max_keys}")
    for name, text in ("prefix", given.prefix), ("after", given.after or ""):
        _check_length(text, limits, f"/{name}")
    return Page(given.prefix, given.after, limit, given.values)


def parse_increment(body: bytes, limits: Settings) -> dict[str, int]:
    """:raises InvalidJSON, InvalidRequest, NoData:
    :raises InvalidKey, TooManyKeys: a limit is not kept
    """
    data = _decode(body, IncrementBody).data
    if not data:
        raise NoData()
    _check_keys(data, limits)
    return {key: _integer(delta, "/data/*") for key, delta in data.items()}


def parse_value(body: bytes, limits: Settings) -> str:
    """The JSON text of a body that is a value, without the white space around it.

    :raises InvalidJSON, InvalidRequest, ValueTooLarge:
    """
    return _value(_decode(body, msgspec.Raw), limits)


def parse_key(path: str, limits: Settings) -> str:
    """The key of a path segment as it was sent, percent-encoded (RFC 3986, 2.1).

    :raises InvalidKey:
    """
    sent = path.encode("utf-8", "surrogateescape")
    if BAD_PERCENT.search(sent):
        raise InvalidKey("A % in the path is not followed by two hexadecimal digits")
    try:
        key = unquote_to_bytes(sent).decode()
    except UnicodeDecodeError:
        raise InvalidKey("The key in the path is not UTF-8") from None
    _check_keys([key], limits)
    return key


def parse_put_query(query: str) -> float | None:
    """The seconds that the key is to live.

    :raises InvalidRequest:
    """
    ttl = _convert(query, PutQuery).ttl
    return None if ttl is msgspec.UNSET else ttl


def refuse_query(query: str) -> None:
    """:raises InvalidRequest: there is one"""
    if query:
        _convert(query, NoQuery)


def parse_changes_query(
    query: str, last_event_id: str | None, limits: Settings
) -> Following:
    """What to follow; a browser that comes back tells where in `Last-Event-ID`.

    :raises InvalidRequest:
    :raises InvalidKey: the prefix is longer than a key
    """
    given = _convert(query, ChangesQuery)
    _check_length(given.prefix, limits, "/prefix")
    since = None if given.since is msgspec.UNSET else given.since
    if last_event_id is not None:
        since = _revision(last_event_id, "The header Last-Event-ID")
    return Following(since, given.prefix, given.wait)


def parse_ticket(query: str) -> str | None:
    """The ticket of a query, whatever else is in it.

    :raises InvalidRequest:
    """
    return _parameters(query).get("ticket") if query else None


def _revision(text: str, what: str) -> int:
    if not REVISION.fullmatch(text) or int(text) > MAX_INT64:
        raise InvalidRequest(f"{what} is {quoted(text)}, not a revision")
    return int(text)


def _keys(given: list[str] | None, limits: Settings) -> list[str]:
    if not given:
        raise NoKeys()
    _check_keys(given, limits)
    return list(dict.fromkeys(given))


def _values(data: dict[str, msgspec.Raw], limits: Settings) -> list[str]:
    """Looks at each only where one of them may be refused, to name it."""
    try:
        values = [str(raw, "utf-8") for raw in data.values()]
    except UnicodeDecodeError:
        return [_value(raw, limits, key) for key, raw in data.items()]
    if values and max(map(len, values)) * MAX_UTF_8 > limits.max_value:
        for key, raw in data.items():
            _check_value_size(raw, limits, key)
    return values


def _check_value_size(raw: msgspec.Raw, limits: Settings, key: str | None) -> None:
    size = memoryview(raw).nbytes
    if size > limits.max_value:
        raise ValueTooLarge(
            f"{_whose(key)} is {size} bytes long, the limit is {limits.max_value}"
        )


def _value(raw: msgspec.Raw, limits: Settings, key: str | None = None) -> str:
    _check_value_size(raw, limits, key)
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        raise InvalidJSON(f"{_whose(key)} is not UTF-8") from None


def _check_utf_8(body: bytes) -> None:
    """For the values that a later one of the same key has taken the place of.

    :raises InvalidJSON:
    """
    try:
        if not body.isascii():
            body.decode()
    except UnicodeDecodeError:
        raise InvalidJSON("The body is not UTF-8") from None


def _whose(key: str | None) -> str:
    return "The value" if key is None else f"The value of {quoted(key)}"


def _conditions(given: Conditions | None, limits: Settings) -> list[Condition]:
    if not given:
        return []
    _check_keys(given, limits)
    return [Condition(key, [_wanted(revision)]) for key, revision in given.items()]


def _wanted(revision: float | None) -> int | None:
    if revision is None:
        return None
    number = _integer(revision, "/if/*")
    if number < 1:
        raise InvalidRequest("/if/*: a revision is 1 or more, or null for no such key")
    return number


def _integer(number: float, where: str) -> int:
    if number != (integer := int(number)) or (
        isinstance(number, float) and abs(number) >= MAX_EXACT
    ):
        raise InvalidRequest(f"{where}: {number} is not an exact integer")
    return integer


def _convert(query: str, shape: type[T]) -> T:
    """:param query: as it was sent
    :raises InvalidRequest:
    """
    try:
        return msgspec.convert(_parameters(query), shape, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRequest(_explained(error, "The query")) from None


def _parameters(query: str) -> dict[str, str]:
    try:
        sent = query.encode()
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except UnicodeError:
        raise InvalidRequest("The query is not UTF-8") from None
    if BAD_PERCENT.search(sent):
        raise InvalidRequest("The query has a % without two hexadecimal digits")
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in given:
            raise InvalidRequest(f"/{shortened(name, MAX_QUOTED)} is given twice")
        given[name] = value
    return given


def _decode(body: bytes, shape: type[T], *, is_marked: bool = False) -> T:
    """:param is_marked: a byte order mark was in front of it, which is skipped
    :raises InvalidJSON, InvalidRequest:
    """
    if not body:
        raise InvalidJSON("The body is empty, expected JSON")
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        _check_encoding(body)  # `1` in UTF-16 begins with a number
        raise InvalidRequest(_explained(error)) from None
    except msgspec.DecodeError as error:
        if body.startswith(codecs.BOM_UTF8) and not is_marked:
            return _decode(body[len(codecs.BOM_UTF8) :], shape, is_marked=True)
        _check_encoding(body)
        reason = str(error).removeprefix("JSON is malformed: ")
        if reason == "Input data was truncated":  # what it says of a lone surrogate too
            reason = "it is cut short, or has half of a surrogate pair"
        raise InvalidJSON(f"The body is not JSON: {reason}") from None
    except UnicodeDecodeError:
        raise InvalidJSON("The body is not UTF-8") from None
    except RecursionError:
        raise InvalidJSON("The body is nested too deeply") from None


def _check_encoding(body: bytes) -> None:
    """:raises InvalidJSON: it is UTF-16 or UTF-32"""
    encoding = json.detect_encoding(body)
    if not encoding.startswith("utf-8"):
        name = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
        raise InvalidJSON(f"The body is {name}, expected UTF-8")


def _explained(error: msgspec.ValidationError, whole: str = "The body") -> str:
    """The validator's sentence, its path as a JSON pointer (RFC 6901) in front."""
    reason, _, path = str(error).partition(" - at `$")
    path = path.rstrip("`").replace("[...]", ".*")
    pointer = re.sub(r"\.|\[(\d+)\]", r"/\1", path)
    where = pointer or whole
    return f"{where}: {reason[:1].lower()}{shortened(reason[1:], MAX_REASON)}"


def _check_keys(keys: Collection[str], limits: Settings) -> None:
    count = len(keys)
    if count > limits.max_keys:
        raise TooManyKeys(f"{count} keys in one call, the limit is {limits.max_keys}")
    # looks at each only where one of them may be refused
    if min(map(len, keys)) > 0 and max(map(len, keys)) * MAX_UTF_8 <= limits.max_key:
        return
    for key in keys:
        if not key:
            raise InvalidKey("A key must not be empty")
        _check_length(key, limits)


def _check_length(key: str, limits: Settings, what: str = "The key") -> None:
    size = size_of(key)
    if size > limits.max_key:
        raise InvalidKey(
            f"{what} {quoted(key)} is {size} bytes long, the limit is {limits.max_key}"
        )
