"""What each route takes and answers, as data for the OpenAPI document."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from aiohttp import hdrs
from aiohttp.typedefs import Handler
from msgspec import Meta

from service import errors
from service.api import accounts, batches, changes, health, keys, schemas, tickets
from service.api.idempotency import IDEMPOTENCY_KEY, PRECONDITIONS
from service.model import Grant
from service.web.responses import REVISION


class Problem(msgspec.Struct):
    """RFC 9457; `error` repeats `detail`."""

    status: int
    title: str
    detail: str
    code: str
    error: str
    applied: errors.Applied | None = None
    conflicts: dict[str, int | None] | msgspec.UnsetType = msgspec.UNSET
    oldest: int | msgspec.UnsetType = msgspec.UNSET


class Status(msgspec.Struct):
    status: str


class Token(msgspec.Struct):
    token: str


class Ticket(msgspec.Struct):
    ticket: str
    expires_in: Annotated[int, Meta(description="Seconds")]


class Account(msgspec.Struct):
    username: str
    created_at: Annotated[int, Meta(description="Seconds since 1970")]
    grants: list[Grant]


class Found(msgspec.Struct):
    data: dict[str, msgspec.Raw]
    revisions: dict[str, schemas.Revision] | msgspec.UnsetType = msgspec.UNSET
    ttl: (
        Annotated[dict[str, float], Meta(description="Seconds left")]
        | msgspec.UnsetType
    ) = msgspec.UNSET


class Deleted(msgspec.Struct):
    status: str
    deleted: int


class Listing(msgspec.Struct):
    next: Annotated[
        str | None, Meta(description="What to go on after; null: that was all")
    ]
    keys: list[str] | msgspec.UnsetType = msgspec.UNSET
    data: dict[str, msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET


class Counted(msgspec.Struct):
    data: dict[str, schemas.Int64]


class Change(msgspec.Struct):
    revision: int
    data: dict[str, msgspec.Raw]
    deleted: list[str]


class Changes(msgspec.Struct):
    changes: list[Change]
    revision: int


#: Any JSON value.
Value = msgspec.Raw


class Operation(NamedTuple):
    """A route's half of the document that the route itself does not tell.

    :ivar reply: the shape of a 200's body; None: the answer is 204
    :ivar example: a body that Swagger UI offers, and that a new store accepts
    :ivar raises: what it may answer beside the problems that any route has
    :ivar ticket: whether a ticket is accepted in place of a token
    """

    summary: str
    reply: Any = None
    body: Any = None
    example: Any = None
    query: type | None = None
    headers: Sequence[str] = ()
    reply_headers: Sequence[str] = ()
    raises: Sequence[type[errors.Problem]] = ()
    events: bool = False
    ticket: bool = False


RETRY = (errors.IdempotencyConflict,)
KEY = (errors.InvalidKey, errors.NotGranted)
KEYS = (*KEY, errors.TooManyKeys)
CREDENTIALS = {"username": "alice", "password": "correct horse"}
#: Of a call that checks a password.
PASSWORD = (
    errors.CredentialsRequired,
    errors.InvalidCredentials,
    errors.TooManyAttempts,
    errors.Overloaded,
)

OPERATIONS: dict[Handler, Operation] = {
    accounts.register: Operation(
        "Create an account",
        reply=Status,
        body=schemas.CredentialsBody,
        example=CREDENTIALS,
        raises=[
            errors.CredentialsRequired,
            errors.RegistrationClosed,
            errors.UserExists,
            errors.TooManyAttempts,
            errors.Overloaded,
        ],
    ),
    accounts.login: Operation(
        "Get a token",
        reply=Token,
        body=schemas.CredentialsBody,
        example=CREDENTIALS,
        raises=PASSWORD,
    ),
    accounts.refresh: Operation("Get a new token for a good one", reply=Token),
    accounts.logout: Operation(
        "End every token of the account", reply=Status, raises=[errors.StorageFull]
    ),
    accounts.change_password: Operation(
        "Change the password, and end every other token",
        reply=Token,
        body=schemas.PasswordChangeBody,
        example={"password": "correct horse", "new_password": "battery staple"},
        raises=[*PASSWORD, errors.StorageFull],
    ),
    accounts.show: Operation("Show the account", reply=Account),
    accounts.delete: Operation(
        "Delete the account, but not its keys",
        reply=Status,
        body=schemas.PasswordBody,
        example={"password": "battery staple"},
        raises=[*PASSWORD, errors.StorageFull],
    ),
    batches.write: Operation(
        "Write many keys, all or none",
        reply=Status,
        body=schemas.WriteBody,
        example={"data": {"key1": "value1", "key2": {"a": [1.5, None]}}},
        headers=[IDEMPOTENCY_KEY],
        reply_headers=[REVISION],
        raises=[
            errors.NoData,
            *KEYS,
            *RETRY,
            errors.ConditionFailed,
            errors.ValueTooLarge,
            errors.StorageFull,
        ],
    ),
    batches.read: Operation(
        "Read many keys at one moment",
        reply=Found,
        body=schemas.ReadBody,
        example={"keys": ["key1", "key2", "missing"]},
        raises=[errors.NoKeys, *KEYS],
    ),
    batches.delete: Operation(
        "Delete many keys, all or none",
        reply=Deleted,
        body=schemas.DeleteBody,
        example={"keys": ["key1", "missing"]},
        headers=[IDEMPOTENCY_KEY],
        reply_headers=[REVISION],
        raises=[
            errors.NoKeys,
            *KEYS,
            *RETRY,
            errors.ConditionFailed,
            errors.StorageFull,
        ],
    ),
    batches.list_keys: Operation(
        "List keys in the order of their bytes",
        reply=Listing,
        body=schemas.ListBody,
        example={"prefix": "key", "values": True},
        reply_headers=[REVISION],
        raises=KEY,
    ),
    batches.increment: Operation(
        "Add to many counters, all or none",
        reply=Counted,
        body=schemas.IncrementBody,
        example={"data": {"visits": 1}},
        headers=[IDEMPOTENCY_KEY],
        reply_headers=[REVISION],
        raises=[
            errors.NoData,
            *KEYS,
            *RETRY,
            errors.NotACounter,
            errors.CounterOverflow,
            errors.StorageFull,
        ],
    ),
    keys.get: Operation(
        "Read one key",
        reply=Value,
        headers=PRECONDITIONS,
        reply_headers=[hdrs.ETAG, keys.TTL],
        raises=[
            *KEY,
            errors.NotFound,
            errors.ConditionFailed,
            errors.BodyTooLarge,
        ],
    ),
    keys.put: Operation(
        "Write one key",
        body=Value,
        example="red",
        query=schemas.PutQuery,
        headers=[IDEMPOTENCY_KEY, *PRECONDITIONS],
        reply_headers=[hdrs.ETAG, REVISION],
        raises=[
            *KEY,
            *RETRY,
            errors.ConditionFailed,
            errors.ValueTooLarge,
            errors.StorageFull,
        ],
    ),
    keys.delete: Operation(
        "Delete one key",
        headers=[IDEMPOTENCY_KEY, *PRECONDITIONS],
        reply_headers=[hdrs.ETAG, REVISION],
        raises=[
            *KEY,
            errors.InvalidJSON,
            errors.NotFound,
            *RETRY,
            errors.ConditionFailed,
            errors.RequestTimeout,
            errors.BodyTooLarge,
            errors.StorageFull,
        ],
    ),
    changes.changes: Operation(
        "Follow changes",
        reply=Changes,
        query=schemas.ChangesQuery,
        headers=[changes.LAST_EVENT_ID],
        raises=[
            *KEY,
            errors.NotFound,
            errors.RevisionAhead,
            errors.RevisionCompacted,
            errors.Stopping,
            errors.TooSlow,
        ],
        events=True,
        ticket=True,
    ),
    tickets.create: Operation(
        "Get a ticket, with which an EventSource follows changes", reply=Ticket
    ),
    health.livez: Operation("Whether the process lives", reply=Status),
    health.readyz: Operation("Whether the storage answers too", reply=Status),
}
