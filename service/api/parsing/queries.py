"""Parsing of query strings."""

from typing import NamedTuple, TypeVar
from urllib.parse import parse_qsl

import msgspec

from service.api.parsing.json_body import explanation
from service.api.parsing.keys import BAD_PERCENT, check_key_length, check_keys
from service.api.parsing.numbers import parse_revision
from service.api.schemas.members import ImportMode
from service.api.schemas.requests import (
    AccountQuery,
    AccountsQuery,
    ChangesQuery,
    ExportQuery,
    HistoryQuery,
    ImportQuery,
    KeyQuery,
    NoQuery,
    PutQuery,
)
from service.auth.credentials import MAX_USERNAME, check_username, normalized
from service.errors import MAX_QUOTED, InvalidRequest, shortened
from service.settings import Settings

#: Changes of a page of a history, unless a client asks for another number.
DEFAULT_PAGE = 100

T = TypeVar("T")


class ImportRequest(NamedTuple):
    """The arguments of an import.

    :ivar since: a key whose revision is at most this one exists; None: the newest one
    """

    mode: ImportMode
    since: int | None


class ChangesRequest(NamedTuple):
    """The arguments of a request for changes.

    :ivar since: the revision after which the changes begin; None: the newest one
    :ivar wait: seconds that a long poll waits for a change
    """

    since: int | None
    prefix: str
    wait: float


class AccountsRequest(NamedTuple):
    """The page of accounts to list.

    :ivar after: the name to continue after, None for the first page
    """

    prefix: str
    after: str | None
    limit: int


class KeyRequest(NamedTuple):
    """The arguments of a read of one key.

    :ivar is_stale: whether any node may answer
    :ivar revision: at which the value is read; None: now
    """

    is_stale: bool = False
    revision: int | None = None


class HistoryRequest(NamedTuple):
    """The arguments of a request for the history of a key.

    :ivar before: the changes of lower revisions; None: all
    """

    key: str
    before: int | None
    limit: int


def refuse_query(query: str) -> None:
    """Checks that there is no query.

    :raises InvalidRequest: there is one
    """
    if query:
        _convert(query, NoQuery)


def parse_key_query(query: str) -> KeyRequest:
    """Which value of a key is read, and where.

    :raises InvalidRequest: the query is malformed, or has another parameter
    """
    if not query:
        return KeyRequest()
    given = _convert(query, KeyQuery)
    is_stale = given.stale in ("", "true")
    if given.revision is msgspec.UNSET:
        return KeyRequest(is_stale)
    if is_stale:
        raise InvalidRequest("/stale and /revision cannot be combined")
    return KeyRequest(revision=given.revision)


def parse_history_query(query: str, limits: Settings) -> HistoryRequest:
    """The arguments of a request for the history of a key.

    :raises InvalidRequest: the query is malformed, or the limit too large
    :raises InvalidKey: the key is empty or too long
    """
    given = _convert(query, HistoryQuery)
    check_keys([given.key], limits, len(query.encode()))
    before = None if given.before is msgspec.UNSET else given.before
    limit = min(DEFAULT_PAGE, limits.max_keys)
    if given.limit is not msgspec.UNSET:
        limit = given.limit
    if limit > limits.max_keys:
        raise InvalidRequest(f"/limit is {limit}, the limit is {limits.max_keys}")
    return HistoryRequest(given.key, before, limit)


def parse_put_query(query: str) -> float | None:
    """The key's time to live in seconds; None: it does not expire.

    :raises InvalidRequest: the query is malformed, or has another parameter
    """
    ttl = _convert(query, PutQuery).ttl
    return None if ttl is msgspec.UNSET else ttl


def parse_changes_query(
    query: str, last_event_id: str | None, limits: Settings
) -> ChangesRequest:
    """The arguments of a request for changes.

    :param last_event_id: where a browser resumes its stream; it precedes `since`
    :raises InvalidRequest: the query or the header is malformed
    :raises InvalidKey: the prefix is longer than a key may be
    """
    given = _convert(query, ChangesQuery)
    check_key_length(given.prefix, limits, "/prefix")
    since = None if given.since is msgspec.UNSET else given.since
    if last_event_id is not None:
        since = parse_revision(last_event_id, "The header Last-Event-ID")
    return ChangesRequest(since, given.prefix, given.wait)


def parse_account_query(query: str) -> str:
    """The name of an account, in NFC.

    :raises InvalidRequest: the query is malformed, or the name breaks a limit
    """
    return check_username(_convert(query, AccountQuery).username)


def parse_accounts_query(query: str) -> AccountsRequest:
    """The page of accounts to list.

    :raises InvalidRequest: the query is malformed, or a name is too long
    """
    given = _convert(query, AccountsQuery)
    prefix = normalized(given.prefix)
    after = None if given.after is msgspec.UNSET else given.after
    for name, text in ("prefix", prefix), ("after", after or ""):
        if len(text) > MAX_USERNAME:
            raise InvalidRequest(
                f"/{name} is {len(text)} characters long, the limit is {MAX_USERNAME}"
            )
    return AccountsRequest(prefix, after, given.limit)


def parse_import_query(query: str) -> ImportRequest:
    """The arguments of an import.

    :raises InvalidRequest: the query is malformed, or has another parameter
    """
    given = _convert(query, ImportQuery)
    return ImportRequest(
        given.mode, None if given.since is msgspec.UNSET else given.since
    )


def parse_export_query(query: str, limits: Settings) -> str:
    """The prefix of the keys to export.

    :raises InvalidRequest: the query is malformed, or has another parameter
    :raises InvalidKey: the prefix is longer than a key may be
    """
    prefix = _convert(query, ExportQuery).prefix
    check_key_length(prefix, limits, "/prefix")
    return prefix


def parse_ticket(query: str) -> str | None:
    """The ticket in a query, whatever else the query has.

    :raises InvalidRequest: the query is malformed
    """
    return _parameters(query).get("ticket") if query else None


def _convert(query: str, shape: type[T]) -> T:
    """A query as a struct.

    :param query: percent-encoded, as it was sent
    """
    try:
        return msgspec.convert(_parameters(query), shape, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRequest(explanation(error, "The query")) from None


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
