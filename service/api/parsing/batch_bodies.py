"""Parsing of the bodies of requests on many keys."""

from collections.abc import Collection
from typing import NamedTuple

from service.api.parsing.json_body import check_utf_8, decode
from service.api.parsing.keys import check_key_length, check_keys, distinct_keys
from service.api.parsing.numbers import exact_integer
from service.api.parsing.values import value_texts
from service.api.schemas.members import Conditions
from service.api.schemas.requests import (
    DeleteBody,
    IncrementBody,
    ListBody,
    ReadBody,
    WriteBody,
)
from service.errors import InvalidRequest, NoData, quoted
from service.model import Condition, ListQuery
from service.settings import Settings

#: Keys of a page, unless a client asks for another number.
DEFAULT_PAGE = 1000


class WriteRequest(NamedTuple):
    """A write: keys and their values as JSON texts, in the same order.

    :ivar ttl: seconds that the keys live; None: they do not expire
    :ivar ttls: the same for each key, if they differ, and then in place of `ttl`
    :ivar deleted: keys to delete, each once
    """

    keys: list[str]
    values: list[str]
    conditions: list[Condition]
    ttl: float | None
    ttls: list[float | None]
    deleted: list[str]


class ReadRequest(NamedTuple):
    """A read of keys.

    :ivar detailed: whether the reply has revisions and times to live too
    :ivar is_stale: whether any node may answer
    """

    keys: list[str]
    detailed: bool
    is_stale: bool


class DeleteRequest(NamedTuple):
    keys: list[str]
    conditions: list[Condition]


class ListRequest(NamedTuple):
    """One page of a listing.

    :ivar is_stale: whether any node may answer
    """

    page: ListQuery
    is_stale: bool


def parse_write(body: bytes, limits: Settings) -> WriteRequest:
    """The keys and values to write, and the keys to delete.

    :raises InvalidJSON: the body is not JSON in UTF-8
    :raises InvalidRequest: a member is unknown or malformed, a key is to be written and
        deleted, or has a time to live but no value
    :raises NoData: there is nothing to write or to delete
    :raises TooManyKeys: there are too many
    :raises InvalidKey: one is empty or too long
    :raises ValueTooLarge: a value is too large
    """
    given = decode(body, WriteBody)
    data, deleted = given.data or {}, []
    if given.delete:
        check_keys([*data, *given.delete], limits, len(body))
        deleted = _deleted(given.delete, data)
    elif data:
        check_keys(data, limits, len(body))
    else:
        raise NoData()
    values = value_texts(data, limits, len(body))
    check_utf_8(body)
    return WriteRequest(
        list(data),
        values,
        _conditions(given.conditions, limits, len(body)),
        given.ttl,
        _ttls(given.ttls, given.ttl, data) if given.ttls else [],
        deleted,
    )


def parse_read(body: bytes, limits: Settings) -> ReadRequest:
    """The keys to read, each once.

    :raises InvalidJSON: the body is not JSON
    :raises InvalidRequest: a member is unknown or malformed
    :raises NoKeys: there is none
    :raises TooManyKeys: there are too many
    :raises InvalidKey: one is empty or too long
    """
    given = decode(body, ReadBody)
    keys = distinct_keys(given.keys, limits, len(body))
    return ReadRequest(keys, given.revisions, given.stale)


def parse_delete(body: bytes, limits: Settings) -> DeleteRequest:
    """The keys to delete, each once.

    :raises InvalidJSON: the body is not JSON
    :raises InvalidRequest: a member is unknown or malformed
    :raises NoKeys: there is none
    :raises TooManyKeys: there are too many
    :raises InvalidKey: one is empty or too long
    """
    given = decode(body, DeleteBody)
    keys = distinct_keys(given.keys, limits, len(body))
    return DeleteRequest(keys, _conditions(given.conditions, limits, len(body)))


def parse_list(body: bytes, limits: Settings) -> ListRequest:
    """The page to list.

    :raises InvalidJSON: the body is not JSON
    :raises InvalidRequest: a member is unknown or malformed, or the limit too large
    :raises InvalidKey: the prefix, the cursor or the delimiter is longer than a key may
        be
    """
    given = decode(body, ListBody)
    limit = min(DEFAULT_PAGE, limits.max_keys)
    if given.limit is not None:
        limit = exact_integer(given.limit, "/limit")
    if not 1 <= limit <= limits.max_keys:
        raise InvalidRequest(f"/limit is {limit}, the limit is {limits.max_keys}")
    for name in ("prefix", "after", "delimiter"):
        check_key_length(getattr(given, name) or "", limits, f"/{name}")
    page = ListQuery(
        given.prefix,
        given.after,
        limit,
        with_values=given.values,
        with_details=given.details,
        delimiter=given.delimiter,
    )
    return ListRequest(page, given.stale)


def parse_increment(body: bytes, limits: Settings) -> dict[str, int]:
    """The amounts to add, by counter.

    :raises InvalidJSON: the body is not JSON
    :raises InvalidRequest: a member is unknown or malformed
    :raises NoData: there is no counter
    :raises TooManyKeys: there are too many
    :raises InvalidKey: one is empty or too long
    """
    data = decode(body, IncrementBody).data
    if not data:
        raise NoData()
    check_keys(data, limits, len(body))
    return {key: exact_integer(delta, "/data/*") for key, delta in data.items()}


def _deleted(keys: list[str], data: Collection[str]) -> list[str]:
    """The keys to delete, each once."""
    for key in keys:
        if key in data:
            raise InvalidRequest(f"/delete: {quoted(key)} is in /data too")
    return list(dict.fromkeys(keys))


def _ttls(
    ttls: dict[str, float | None], default: float | None, data: Collection[str]
) -> list[float | None]:
    """The time to live of each key."""
    for key in ttls:
        if key not in data:
            raise InvalidRequest(f"/ttls: {quoted(key)} is not in /data")
    return [ttls.get(key, default) for key in data]


def _conditions(
    given: Conditions | None, limits: Settings, size: int
) -> list[Condition]:
    if not given:
        return []
    check_keys(given, limits, size)
    return [Condition(key, [_expected(revision)]) for key, revision in given.items()]


def _expected(revision: float | None) -> int | None:
    if revision is None:
        return None
    number = exact_integer(revision, "/if/*")
    if number < 1:
        raise InvalidRequest("/if/*: a revision is 1 or more, or null for no such key")
    return number
