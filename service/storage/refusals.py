"""Errors of the Lua procedures and of Tarantool, turned into the service's errors.

A procedure marks its error with a custom type (`kv.UserExists`). The type alone is
matched; the text becomes the detail. Refusals that are results, such as failed
conditions, are raised in client.py.
"""

import math
import re

from asynctnt.exceptions import ErrorCode, TarantoolDatabaseError

from service.errors import (
    Applied,
    BodyTooLarge,
    CounterOverflow,
    IdempotencyConflict,
    InvalidRequest,
    LastAdministrator,
    NotACounter,
    NotAnAdministrator,
    NotFound,
    NotGranted,
    Problem,
    RevisionAhead,
    SessionRequired,
    Stale,
    StorageFull,
    StorageUnavailable,
    TokenRevoked,
    TooManyAccessTokens,
    Unavailable,
    UserExists,
)

#: By the custom type of the error.
REFUSALS: dict[str, type[Problem]] = {
    "kv.UserExists": UserExists,
    "kv.TokenRevoked": TokenRevoked,
    "kv.SessionRequired": SessionRequired,
    "kv.NotGranted": NotGranted,
    "kv.NotAnAdministrator": NotAnAdministrator,
    "kv.LastAdministrator": LastAdministrator,
    "kv.NoSuchAccount": NotFound,
    "kv.NoSuchAccessToken": NotFound,
    "kv.InvalidGrants": InvalidRequest,
    "kv.TooManyAccessTokens": TooManyAccessTokens,
    "kv.ReplyTooLarge": BodyTooLarge,
    "kv.IdempotencyConflict": IdempotencyConflict,
    "kv.NotACounter": NotACounter,
    "kv.CounterOverflow": CounterOverflow,
    "kv.ChangesOff": NotFound,
    "kv.RevisionAhead": RevisionAhead,
}

#: Custom types of a procedure that has no capacity left. It has changed nothing.
FULL = {"kv.MemoryFull", "kv.RetriesFull", "kv.DiskFull"}

#: The custom type of a call to a node that does not lead. It has changed nothing.
NOT_LEADER = "kv.NotLeader"

#: The custom type of a call whose write may yet be confirmed by the other nodes.
NOT_CONFIRMED = "kv.NotConfirmed"

# error codes of Tarantool
READ_ONLY = {ErrorCode.ER_READONLY, ErrorCode.ER_NONMASTER}

#: A change of the leader has rolled the transaction back: it was not applied.
SYNC_ROLLBACK = 217
WAL_FAILED = {ErrorCode.ER_WAL_IO, ErrorCode.ER_CASCADE_ROLLBACK}
NO_SUCH_API = {ErrorCode.ER_NO_SUCH_PROC, ErrorCode.ER_ACCESS_DENIED}
WRONG_CREDENTIALS = {ErrorCode.ER_NO_SUCH_USER, ErrorCode.ER_PASSWORD_MISMATCH}

#: Where Tarantool 3 shows tuples, as in: Duplicate key exists in unique index "primary"
#: in space "kv" with old tuple - ["key", "value"] and new tuple - ["key", "other"].
TUPLES = re.compile(r"(tuple) - .*", re.DOTALL)


def problem_of(error: TarantoolDatabaseError, *, writes: bool) -> Problem | None:
    """The error reply for an error of Tarantool; None for a fault of the service.

    :param writes: whether the call writes: the reply says that nothing was applied
    """
    applied: Applied | None = "no" if writes else None
    custom_type = _custom_type(error)
    if custom_type in REFUSALS:
        return REFUSALS[custom_type](error.message)
    if custom_type in FULL:
        return StorageFull(error.message, applied=applied)
    code: int = error.code
    if code == ErrorCode.ER_MEMORY_ISSUE:
        return StorageFull("The storage's memory is full", applied=applied)
    if code in WAL_FAILED:
        return StorageFull("The storage cannot write to its disk", applied=applied)
    if code == ErrorCode.ER_MEMTX_MAX_TUPLE_SIZE:
        return BodyTooLarge("The batch is larger than the storage accepts")
    if custom_type == NOT_LEADER:
        return StorageUnavailable("The storage node does not lead", applied=applied)
    if custom_type == NOT_CONFIRMED:
        unknown: Applied | None = "unknown" if writes else None
        return StorageUnavailable("The storage has no confirmation", applied=unknown)
    if code in READ_ONLY:
        return StorageUnavailable("The storage is read-only", applied=applied)
    if code == SYNC_ROLLBACK:
        return StorageUnavailable("The storage's leader has changed", applied=applied)
    if code in NO_SUCH_API:
        return StorageUnavailable("The storage lacks a procedure", applied=applied)
    return None


def stale_problem_of(error: TarantoolDatabaseError) -> Problem | None:
    """The same for a stale read, which any node can answer."""
    custom_type = _custom_type(error)
    if custom_type == NOT_LEADER:
        return too_old(math.inf, 0)
    if custom_type == NOT_CONFIRMED:
        return Stale("A write of this data is not confirmed by a majority yet")
    return problem_of(error, writes=False)


def too_old(age: float, limit: float) -> Stale:
    """The error reply for stale data.

    :param age: of the most recent data, in seconds; infinite: not known
    :param limit: the largest age, in seconds
    """
    if age == math.inf:
        return Stale("No storage node that answers knows how old its data is")
    return Stale(f"The data is {age:.1f} s old, the limit is {limit} s")


def kind_of(error: Exception) -> str | None:
    """The kind of a failed call, for the metrics; None: a rule has refused it."""
    if isinstance(error, TimeoutError):
        return "timeout"
    if not isinstance(error, TarantoolDatabaseError):
        return "connection"
    if is_unconfirmed(error):
        return "unconfirmed"
    if is_refused_by_follower(error):
        return "not_leader"
    problem = problem_of(error, writes=False)
    if problem is None:
        return "fault"
    if isinstance(problem, StorageFull):
        return "full"
    return "unavailable" if isinstance(problem, Unavailable) else None


def is_refused_by_follower(error: TarantoolDatabaseError) -> bool:
    """Whether a node has not executed a call, or has undone it: it does not lead."""
    return (
        error.code in READ_ONLY
        or error.code == SYNC_ROLLBACK
        or _custom_type(error) == NOT_LEADER
    )


def is_unconfirmed(error: TarantoolDatabaseError) -> bool:
    """Whether the write of a call may yet be confirmed."""
    return _custom_type(error) == NOT_CONFIRMED


def is_ahead(error: TarantoolDatabaseError) -> bool:
    """Whether a revision is ahead of the node that was asked."""
    return _custom_type(error) == "kv.RevisionAhead"


def without_tuples(error: TarantoolDatabaseError) -> TarantoolDatabaseError:
    """The error, for the log, without the keys and values that its message may have."""
    message = TUPLES.sub(r"\1 - …", error.message)
    if message == error.message:
        return error
    return TarantoolDatabaseError(error.code, message, None)


def _custom_type(error: TarantoolDatabaseError) -> str | None:
    if error.error is None or not error.error.trace:
        return None
    fields = error.error.trace[0].fields or {}
    custom_type: str | None = fields.get("custom_type")
    return custom_type
