"""The exceptions that become error replies, with their HTTP statuses and codes.

Problem
├── BadRequest 400      InvalidJSON, InvalidRequest, NoData, NoKeys, InvalidKey,
│                       CredentialsRequired
├── InvalidCredentials 401
├── Forbidden 403       TokenMissing, TokenInvalid, TokenExpired, TokenRevoked,
│                       SessionRequired, NotGranted, NotAnAdministrator,
│                       RegistrationClosed
├── NotFound 404
├── RequestTimeout 408
├── Conflict 409        UserExists, NotACounter, CounterOverflow, IdempotencyConflict,
│                       RevisionAhead, LastAdministrator, TooManyAccessTokens
├── RevisionCompacted 410
│   └── ValueNotKept 410
├── ConditionFailed 412
├── TooLarge 413        BodyTooLarge, ReplyTooLarge, TooManyKeys, ValueTooLarge
├── UriTooLong 414
├── UnsupportedEncoding 415
├── MisdirectedRequest 421
├── TooManyAttempts 429
├── HeadersTooLarge 431
├── Internal 500
├── Unavailable 503     StorageUnavailable, StorageFull, NoQuorum, Stale, Overloaded,
│                       Stopping, TooSlow
└── HttpVersionNotSupported 505

A leaf has one stable `code`. The detail names the problem and its location; for a limit
it states the limit and the actual figure. `service.web.problems` renders the reply.
"""

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import ClassVar, Literal

#: Of a write without a result: whether it was certainly not applied.
Applied = Literal["no", "unknown"]

#: Characters of a client's text that a detail quotes.
MAX_QUOTED = 48

#: Seconds, for the header `Retry-After`: about as long as Tarantool takes to restart.
RETRY_AFTER = 1


class StartError(Exception):
    """The service cannot start; the message is one line."""


class Problem(Exception):
    """An error reply.

    :param detail: shown to the client: a sentence of this service, never the text of a
        library's exception
    """

    status: ClassVar[HTTPStatus]
    code: ClassVar[str]
    default: ClassVar[str] = ""

    #: More members of the problem, of one that has ended a stream: how far it got.
    progress: Mapping[str, object] = {}

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.default)

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the reply."""
        return {}

    @property
    def members(self) -> Mapping[str, object]:
        """Extension members of the problem (RFC 9457, section 3.2)."""
        return {}


class BadRequest(Problem):
    status = HTTPStatus.BAD_REQUEST


class InvalidJSON(BadRequest):
    code = "invalid_json"


class InvalidRequest(BadRequest):
    code = "invalid_request"


class NoData(BadRequest):
    code = "no_data"
    default = "No data: /data must have at least one key with its value"


class NoKeys(BadRequest):
    code = "no_keys"
    default = "No keys: /keys must have at least one key"


class InvalidKey(BadRequest):
    code = "invalid_key"


class CredentialsRequired(BadRequest):
    code = "credentials_required"
    default = "Username and password are required"


class InvalidCredentials(Problem):
    status = HTTPStatus.UNAUTHORIZED
    code = "invalid_credentials"
    default = "Wrong username or password"

    @property
    def headers(self) -> Mapping[str, str]:
        # RFC 9110, section 15.5.2: required in a 401
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(Problem):
    status = HTTPStatus.FORBIDDEN


class TokenMissing(Forbidden):
    code = "token_missing"
    default = "A token is required: Authorization: Bearer <token>"


class TokenInvalid(Forbidden):
    code = "token_invalid"
    default = "The token is not valid"


class TokenExpired(Forbidden):
    code = "token_expired"
    default = "The token has expired: log in again"


class TokenRevoked(Forbidden):
    code = "token_revoked"


class NotGranted(Forbidden):
    code = "forbidden"


class SessionRequired(Forbidden):
    code = "forbidden"
    default = "An access token has no right to this: log in"


class NotAnAdministrator(Forbidden):
    code = "not_an_administrator"


class RegistrationClosed(Forbidden):
    code = "registration_closed"
    default = "Registration is closed: ask the operator for an account"


class NotFound(Problem):
    """Nothing is there.

    :param headers: of the reply
    """

    status = HTTPStatus.NOT_FOUND
    code = "not_found"

    def __init__(
        self, detail: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self._headers = headers or {}

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers


class RequestTimeout(Problem):
    status = HTTPStatus.REQUEST_TIMEOUT
    code = "request_timeout"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Connection": "close"}


class Conflict(Problem):
    status = HTTPStatus.CONFLICT


class UserExists(Conflict):
    code = "user_exists"
    default = "User already exists"


class NotACounter(Conflict):
    code = "not_a_counter"


class CounterOverflow(Conflict):
    code = "counter_overflow"


class IdempotencyConflict(Conflict):
    code = "idempotency_conflict"


class RevisionAhead(Conflict):
    code = "revision_ahead"


class LastAdministrator(Conflict):
    code = "last_administrator"


class TooManyAccessTokens(Conflict):
    code = "too_many_access_tokens"


class RevisionCompacted(Problem):
    """The change log does not reach back to the revision.

    :param oldest: the oldest revision after which the change log is complete
    """

    status = HTTPStatus.GONE
    code = "revision_compacted"

    def __init__(self, oldest: int, detail: str = "") -> None:
        super().__init__(
            detail
            or f"The change log begins after revision {oldest}: "
            "list the keys and resume from the KV-Revision of that reply"
        )
        self.oldest = oldest

    @property
    def members(self) -> Mapping[str, object]:
        return {"oldest": self.oldest}


class ValueNotKept(RevisionCompacted):
    """The change log does not have the value of a key at a revision.

    :param oldest: the first revision after that at which the key can be read
    """

    def __init__(self, revision: int, oldest: int) -> None:
        super().__init__(
            oldest,
            f"The value at revision {revision} is not kept: "
            f"the key can be read from revision {oldest} on",
        )


class ConditionFailed(Problem):
    """A condition of a write does not hold.

    :param conflicts: the current revision of each key in conflict, None: no such key
    """

    status = HTTPStatus.PRECONDITION_FAILED
    code = "condition_failed"

    def __init__(self, conflicts: Mapping[str, int | None], detail: str = "") -> None:
        super().__init__(detail or f"Conditions that do not hold: {len(conflicts)}")
        self.conflicts = conflicts

    @property
    def members(self) -> Mapping[str, object]:
        return {"conflicts": self.conflicts}


class TooLarge(Problem):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class BodyTooLarge(TooLarge):
    code = "body_too_large"


class ReplyTooLarge(BodyTooLarge):
    """A read whose result exceeds the limit.

    :param size: bytes that are enough for the result
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"The keys and their values take about {size} bytes, "
            f"the limit of a reply is {limit}: read fewer keys at a time"
        )
        self.size = size


class TooManyKeys(TooLarge):
    code = "too_many_keys"


class ValueTooLarge(TooLarge):
    code = "value_too_large"


class UnsupportedEncoding(Problem):
    """The content coding of a body is not supported.

    :param supported: the codings that can be decoded
    """

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_encoding"

    def __init__(self, detail: str, supported: Iterable[str]) -> None:
        super().__init__(detail)
        self.supported = ", ".join(supported)

    @property
    def headers(self) -> Mapping[str, str]:
        # RFC 9110, section 15.5.16: the codings that are accepted
        return {"Accept-Encoding": self.supported}


class TooManyAttempts(Problem):
    """Too many failed logins or sign-ups.

    :param wait: seconds until the next attempt is allowed
    """

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_attempts"

    def __init__(self, wait: float) -> None:
        self.retry_after = math.ceil(wait)
        super().__init__(f"Too many attempts: try again in {self.retry_after} s")

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.retry_after)}


class UriTooLong(Problem):
    status = HTTPStatus.REQUEST_URI_TOO_LONG
    code = "uri_too_long"


class MisdirectedRequest(Problem):
    status = HTTPStatus.MISDIRECTED_REQUEST
    code = "misdirected_request"


class HeadersTooLarge(Problem):
    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    code = "headers_too_large"


class Internal(Problem):
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "internal"
    default = "The service failed to answer this request"


class Unavailable(Problem):
    """The same request may succeed later. Subclasses keep these parameters.

    :param applied: for a write: whether it was certainly not applied
    """

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, detail: str = "", *, applied: Applied | None = None) -> None:
        super().__init__(detail)
        self.applied = applied

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(RETRY_AFTER)}

    @property
    def members(self) -> Mapping[str, object]:
        return {} if self.applied is None else {"applied": self.applied}


@contextlib.contextmanager
def before_write() -> Iterator[None]:
    """The context of what a request does before it sends its write.

    An error reply from here says that the write was not applied.
    """
    try:
        yield
    except Unavailable as problem:
        # a copy: the requests that share a password check share its exception
        raise type(problem)(str(problem), applied="no") from None


class StorageUnavailable(Unavailable):
    code = "storage_unavailable"
    default = "The storage does not answer"


class StorageFull(Unavailable):
    code = "storage_full"


class NoQuorum(Unavailable):
    code = "no_quorum"
    default = "The storage nodes see no majority of their cluster"


class Stale(Unavailable):
    code = "stale"


class Overloaded(Unavailable):
    code = "overloaded"


class Stopping(Unavailable):
    code = "stopping"
    default = "The service is stopping: reconnect and resume"


class TooSlow(Unavailable):
    code = "too_slow"
    default = "The client reads changes too slowly: reconnect and resume"


class HttpVersionNotSupported(Problem):
    """The version of HTTP is not supported.

    :param version: like `HTTP/3.0`
    """

    status = HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
    code = "http_version"

    def __init__(self, version: str = "The version") -> None:
        super().__init__(f"{version} is not supported: expected HTTP/1.0 or HTTP/1.1")


def quoted(text: str) -> str:
    """Quotes a client's text, such as a key, in a detail."""
    return repr(shortened(text, MAX_QUOTED))


def shortened(text: str, limit: int) -> str:
    """The first `limit` characters, with an ellipsis if there are more."""
    return text if len(text) <= limit else f"{text[:limit]}…"
