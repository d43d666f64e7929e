"""Parsing of query strings."""

from typing import NamedTuple, TypeVar
from urllib.parse import parse_qsl

import msgspec

from service.api.parsing.json_body import explanation
from service.api.parsing.keys import BAD_PERCENT, check_key_length
from service.api.parsing.numbers import parse_revision
from service.api.schemas.requests import (
    AccountQuery,
    AccountsQuery,
    ChangesQuery,
    KeyQuery,
    NoQuery,
    PutQuery,
)
from service.auth.credentials import MAX_USERNAME, check_username, normalized
from service.errors import MAX_QUOTED, InvalidRequest, shortened
from service.settings import Settings

T = TypeVar("T")


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


def refuse_query(query: str) -> None:
    """Checks that there is no query.

    :raises InvalidRequest: there is one
    """
    if query:
        _convert(query, NoQuery)


def parse_key_query(query: str) -> bool:
    """Whether any node may answer the read of a key.

    :raises InvalidRequest: the query is malformed, or has another parameter
    """
    return bool(query) and _convert(query, KeyQuery).stale in ("", "true")


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
