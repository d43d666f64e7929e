"""The operations of the OpenAPI document: what each route takes and replies."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from aiohttp import hdrs

from service import errors
from service.api.idempotency import IDEMPOTENCY_KEY
from service.api.preconditions import PRECONDITIONS
from service.api.schemas import replies, requests
from service.api.sse import LAST_EVENT_ID
from service.api.transfer_lines import MEDIA_TYPE
from service.web.headers import KV_AGE, KV_REVISION, KV_TTL


class Operation(NamedTuple):
    """An operation of the OpenAPI document, without what its route defines.

    :ivar reply: the struct of a 200's body; None: the status is 204
    :ivar example: a body that Swagger UI offers, and that a new store accepts
    :ivar optional_headers: of a success, in addition to `reply_headers`
    :ivar raises: its errors, in addition to the errors of every route
    :ivar body_type: the media type of the body; None: that of JSON
    :ivar media_type: of a 200's body; None: that of JSON
    :ivar events: whether it replies with a stream of events too, if asked to
    """

    summary: str
    reply: Any = None
    body: Any = None
    example: Any = None
    query: type | None = None
    headers: Sequence[str] = ()
    reply_headers: Sequence[str] = ()
    optional_headers: Sequence[str] = ()
    raises: Sequence[type[errors.Problem]] = ()
    body_type: str | None = None
    media_type: str | None = None
    events: bool = False


#: The errors of a request with an `Idempotency-Key`, with a key, with many keys.
IDEMPOTENCY = (errors.IdempotencyConflict,)
KEY = (errors.InvalidKey, errors.NotGranted)
KEYS = (*KEY, errors.TooManyKeys)

#: The headers of the reply to a stale read.
STALE_HEADERS = (KV_REVISION, KV_AGE)
CREDENTIALS = {"username": "alice", "password": "correct horse"}

#: The errors of a request that checks a password.
PASSWORD = (
    errors.CredentialsRequired,
    errors.InvalidCredentials,
    errors.TooManyAttempts,
    errors.Overloaded,
)

REGISTER = Operation(
    "Create an account",
    reply=replies.Status,
    body=requests.CredentialsBody,
    example=CREDENTIALS,
    raises=[
        errors.CredentialsRequired,
        errors.RegistrationClosed,
        errors.UserExists,
        errors.TooManyAttempts,
        errors.Overloaded,
    ],
)
LOGIN = Operation(
    "Get a token",
    reply=replies.Token,
    body=requests.CredentialsBody,
    example=CREDENTIALS,
    raises=PASSWORD,
)
REFRESH = Operation("Get a new token for a good one", reply=replies.Token)
LOGOUT = Operation(
    "End every token of the account", reply=replies.Status, raises=[errors.StorageFull]
)
CHANGE_PASSWORD = Operation(
    "Change the password, and end every other token",
    reply=replies.Token,
    body=requests.PasswordChangeBody,
    example={"password": "correct horse", "new_password": "battery staple"},
    raises=[*PASSWORD, errors.StorageFull],
)
SHOW_ACCOUNT = Operation("Show the account", reply=replies.Account)
DELETE_ACCOUNT = Operation(
    "Delete the account, but not its keys",
    reply=replies.Status,
    body=requests.PasswordBody,
    example={"password": "battery staple"},
    raises=[*PASSWORD, errors.StorageFull],
)
WRITE = Operation(
    "Write many keys, all or none",
    reply=replies.Status,
    body=requests.WriteBody,
    example={"data": {"key1": "value1", "key2": {"a": [1.5, None]}}},
    headers=[IDEMPOTENCY_KEY],
    reply_headers=[KV_REVISION],
    raises=[
        errors.NoData,
        *KEYS,
        *IDEMPOTENCY,
        errors.ConditionFailed,
        errors.ValueTooLarge,
        errors.StorageFull,
    ],
)
READ = Operation(
    "Read many keys at one moment",
    reply=replies.Found,
    body=requests.ReadBody,
    example={"keys": ["key1", "key2", "missing"]},
    optional_headers=STALE_HEADERS,
    raises=[errors.NoKeys, *KEYS, errors.Stale],
)
DELETE = Operation(
    "Delete many keys, all or none",
    reply=replies.Deleted,
    body=requests.DeleteBody,
    example={"keys": ["key1", "missing"]},
    headers=[IDEMPOTENCY_KEY],
    reply_headers=[KV_REVISION],
    raises=[
        errors.NoKeys,
        *KEYS,
        *IDEMPOTENCY,
        errors.ConditionFailed,
        errors.StorageFull,
    ],
)
LIST_KEYS = Operation(
    "List keys in the order of their bytes",
    reply=replies.Listing,
    body=requests.ListBody,
    example={"prefix": "key", "values": True},
    reply_headers=[KV_REVISION],
    optional_headers=[KV_AGE],
    raises=[*KEY, errors.Stale],
)
INCREMENT = Operation(
    "Add to many counters, all or none",
    reply=replies.Counted,
    body=requests.IncrementBody,
    example={"data": {"visits": 1}},
    headers=[IDEMPOTENCY_KEY],
    reply_headers=[KV_REVISION],
    raises=[
        errors.NoData,
        *KEYS,
        *IDEMPOTENCY,
        errors.NotACounter,
        errors.CounterOverflow,
        errors.StorageFull,
    ],
)
GET_KEY = Operation(
    "Read one key",
    reply=replies.Value,
    query=requests.KeyQuery,
    headers=PRECONDITIONS,
    reply_headers=[hdrs.ETAG],
    optional_headers=[KV_TTL, *STALE_HEADERS],
    raises=[
        *KEY,
        errors.Stale,
        errors.NotFound,
        errors.RevisionAhead,
        errors.ValueNotKept,
        errors.ConditionFailed,
        errors.BodyTooLarge,
    ],
)
PUT_KEY = Operation(
    "Write one key",
    body=replies.Value,
    example="red",
    query=requests.PutQuery,
    headers=[IDEMPOTENCY_KEY, *PRECONDITIONS],
    reply_headers=[hdrs.ETAG, KV_REVISION],
    raises=[
        *KEY,
        *IDEMPOTENCY,
        errors.ConditionFailed,
        errors.ValueTooLarge,
        errors.StorageFull,
    ],
)
DELETE_KEY = Operation(
    "Delete one key",
    headers=[IDEMPOTENCY_KEY, *PRECONDITIONS],
    reply_headers=[hdrs.ETAG, KV_REVISION],
    raises=[
        *KEY,
        errors.NotFound,
        *IDEMPOTENCY,
        errors.ConditionFailed,
        errors.StorageFull,
    ],
)
CHANGES = Operation(
    "Follow changes",
    reply=replies.Changes,
    query=requests.ChangesQuery,
    headers=[LAST_EVENT_ID],
    raises=[
        *KEY,
        errors.NotFound,
        errors.RevisionAhead,
        errors.RevisionCompacted,
        errors.Stopping,
        errors.TooSlow,
    ],
    events=True,
)
IMPORT = Operation(
    "Import lines, in batches",
    reply=replies.ImportReport,
    body=Annotated[requests.ImportLine, requests.ONE_CONTENT],
    example={"key": "key1", "value": "value1"},
    body_type=MEDIA_TYPE,
    media_type=MEDIA_TYPE,
    query=requests.ImportQuery,
    raises=[
        errors.NoData,
        *KEY,
        errors.ConditionFailed,
        errors.RevisionAhead,
        errors.ValueTooLarge,
        errors.StorageFull,
        errors.Stopping,
    ],
)
EXPORT = Operation(
    "Export keys with their values, one line each",
    reply=replies.Lines,
    query=requests.ExportQuery,
    raises=[*KEY, errors.NotFound],
    media_type=MEDIA_TYPE,
)
HISTORY = Operation(
    "List the changes of a key, the newest first",
    reply=replies.HistoryChanges,
    query=requests.HistoryQuery,
    raises=[*KEY, errors.NotFound],
)
CREATE_TICKET = Operation(
    "Get a ticket, with which an EventSource follows changes", reply=replies.Ticket
)
LIVEZ = Operation("Whether the process lives", reply=replies.Status)
READYZ = Operation(
    "Whether the storage answers too", reply=replies.Status, query=requests.ReadyQuery
)
