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
from service.model import ManagedAccount
from service.web.headers import KV_AGE, KV_REVISION, KV_TTL


class Operation(NamedTuple):
    """An operation of the OpenAPI document, without what its route defines.

    :ivar reply: the struct of a 200's body; None: the status is 204
    :ivar example: a body that Swagger UI offers, and that a new store accepts
    :ivar is_body_optional: whether the body may be missing
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
    is_body_optional: bool = False


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

#: The errors of administrators' requests, and of those for one account.
ADMINISTRATION = (errors.SessionRequired, errors.NotAnAdministrator)
OF_AN_ACCOUNT = (*ADMINISTRATION, errors.NotFound)

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
    "End every token of the account, except access tokens",
    reply=replies.Status,
    raises=[errors.StorageFull],
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
    raises=[*PASSWORD, errors.LastAdministrator, errors.StorageFull],
)
ADMIN_LIST_ACCOUNTS = Operation(
    "List accounts in the order of their names",
    reply=replies.Accounts,
    query=requests.AccountsQuery,
    raises=ADMINISTRATION,
)
ADMIN_CREATE_ACCOUNT = Operation(
    "Create an account, also while registration is closed",
    reply=ManagedAccount,
    body=requests.NewAccountBody,
    example={
        "username": "dave",
        "password": "a first password",
        "grants": [{"prefix": "dave/", "rights": "rw"}],
    },
    raises=[
        *ADMINISTRATION,
        errors.CredentialsRequired,
        errors.InvalidKey,
        errors.UserExists,
        errors.StorageFull,
    ],
)
ADMIN_SHOW_ACCOUNT = Operation(
    "Show an account",
    reply=ManagedAccount,
    query=requests.AccountQuery,
    raises=OF_AN_ACCOUNT,
)
ADMIN_CHANGE_ACCOUNT = Operation(
    "Change an account; disabling it and a new password revoke its tokens",
    reply=ManagedAccount,
    query=requests.AccountQuery,
    body=requests.AccountChangeBody,
    example={"disabled": True},
    raises=[
        *OF_AN_ACCOUNT,
        errors.InvalidKey,
        errors.LastAdministrator,
        errors.StorageFull,
    ],
)
ADMIN_DELETE_ACCOUNT = Operation(
    "Delete an account, but not its keys",
    reply=replies.Status,
    query=requests.AccountQuery,
    raises=[*OF_AN_ACCOUNT, errors.LastAdministrator, errors.StorageFull],
)
ADMIN_END_TOKENS = Operation(
    "Revoke every token of an account",
    reply=replies.Status,
    query=requests.AccountQuery,
    body=requests.EndTokensBody,
    example={"keep_access_tokens": True},
    is_body_optional=True,
    raises=[*OF_AN_ACCOUNT, errors.StorageFull],
)
ADMIN_STATUS = Operation(
    "Show the state of the store", reply=replies.StoreState, raises=ADMINISTRATION
)
CREATE_TOKEN = Operation(
    "Create an access token for a program",
    reply=replies.NewAccessToken,
    body=requests.AccessTokenBody,
    example={
        "password": "battery staple",
        "name": "backup",
        "grants": [{"prefix": "", "rights": "r"}],
        "expires_in": 86400,
    },
    raises=[
        *PASSWORD,
        errors.InvalidKey,
        errors.TooManyAccessTokens,
        errors.StorageFull,
    ],
)
LIST_TOKENS = Operation("List the access tokens", reply=replies.AccessTokens)
DELETE_TOKEN = Operation(
    "Revoke an access token",
    reply=replies.Status,
    raises=[errors.NotFound, errors.StorageFull],
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
    example={"prefix": "key", "values": True, "details": True, "delimiter": "/"},
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
