"""The procedures of the storage, a method each; the only caller of Tarantool.

Every method raises `StorageUnavailable` when Tarantool cannot be asked or does not
answer in time, and `StorageFull` when it has no room left.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from asynctnt.exceptions import (
    ErrorCode,
    TarantoolDatabaseError,
    TarantoolNetworkError,
)

from service.errors import (
    Applied,
    BodyTooLarge,
    ConditionFailed,
    CounterOverflow,
    IdempotencyConflict,
    NotACounter,
    NotFound,
    NotGranted,
    Problem,
    ReplyTooLarge,
    RevisionAhead,
    RevisionCompacted,
    StorageFull,
    StorageUnavailable,
    TokenRevoked,
    TooManyAttempts,
    Unavailable,
    UserExists,
)
from service.json_text import size_at_most
from service.model import (
    Account,
    AllChanges,
    Caller,
    Change,
    Changes,
    Condition,
    Grant,
    Listing,
    Retry,
    Row,
    User,
)
from service.settings import Address
from service.sizes import SMALL
from service.storage.coalescer import Grouped
from service.storage.instances import CALL_TIMEOUT, NO_SUCH_API, ConnectionKeeper
from service.yielding import yield_loop

log = logging.getLogger(__name__)

#: Bytes of a call and its answer beyond which it travels apart from smaller ones. What
#: asks a little, and for no more than is not counted, is none of them.
LARGE = SMALL + 8 * 1024

#: Seconds in which the log does not repeat itself.
TELL_INTERVAL = 10.0

#: The refusals of the procedures, by the custom type of the error.
REFUSALS: dict[str, type[Problem]] = {
    "kv.UserExists": UserExists,
    "kv.TokenRevoked": TokenRevoked,
    "kv.NotGranted": NotGranted,
    "kv.ReplyTooLarge": BodyTooLarge,
    "kv.IdempotencyConflict": IdempotencyConflict,
    "kv.NotACounter": NotACounter,
    "kv.CounterOverflow": CounterOverflow,
    "kv.ChangesOff": NotFound,
    "kv.RevisionAhead": RevisionAhead,
}

#: What the procedures refuse before anything is touched.
FULL = {"kv.MemoryFull", "kv.RetriesFull", "kv.DiskFull"}

#: Keys, and bytes of their values, up to which a read or a write is small: it travels
#: in one call with others of its turn of the event loop. What a call costs is little
#: beside the work of a larger one, which would only make the others wait.
FEW, SHORT = 16, 8 * 1024

#: Small ones that travel in one call: with more, the first wait longer than they gain.
MOST_IN_CALL = 16

READ_ONLY = {ErrorCode.ER_READONLY, ErrorCode.ER_NONMASTER}
LOG_FAILED = {ErrorCode.ER_WAL_IO, ErrorCode.ER_CASCADE_ROLLBACK}

SmallPut = tuple[Caller, Sequence[str], Sequence[str]]
SmallGet = tuple[Caller, Sequence[str], int]

#: The values; the bytes that they take, if these are too many; None if the values must
#: be waited for or are refused.
SmallResult = list[str | None] | int | None

#: The last argument of a read: its size is returned where it is too large.
SIZED = True


class Storage:
    """The procedures of `kv.v1`, of the instance that is connected at the moment."""

    def __init__(self, addresses: Sequence[Address], user: str, password: str) -> None:
        self._keeper = ConnectionKeeper(addresses, user, password)
        self._told: dict[str, float] = {}
        self._gets = Grouped(self._get_each, MOST_IN_CALL)
        self._puts = Grouped(self._put_each, MOST_IN_CALL)

    async def open(self, patience: float) -> None:
        """Connects; tries again for `patience` seconds.

        :raises StartError: Tarantool could not be reached
        """
        await self._keeper.open(patience)

    async def close(self) -> None:
        await self._keeper.close()

    async def is_ready(self) -> bool:
        """Whether Tarantool answers and offers the procedures this service calls."""
        try:
            await self._call("kv.v1.status")
        except StorageUnavailable:
            return False
        return True

    async def has_user(self, username: str) -> bool:
        (found,) = await self._call("kv.v1.has_user", username)
        return bool(found)

    async def create_user(
        self, username: str, password_hash: str, *, everything: bool = False
    ) -> None:
        """:param everything: granted to it, whatever a new account gets
        :raises UserExists:
        """
        await self._call(
            "kv.v1.create_user", username, password_hash, everything, writes=True
        )

    async def begin_sign_up(self, address: str) -> None:
        """:raises TooManyAttempts:"""
        try:
            (wait,) = await self._call("kv.v1.begin_sign_up", address)
        except StorageUnavailable as problem:
            # the account that this was for was not made
            raise StorageUnavailable(str(problem), applied="no") from None
        if wait is not None:
            raise TooManyAttempts(wait)

    async def begin_login(
        self, username: str, address: str
    ) -> tuple[User | None, list[int]]:
        """Counts a failure; tells the account, and what `PasswordHasher.check` wants.

        :raises TooManyAttempts:
        """
        wait, *known = await self._call("kv.v1.begin_login", username, address)
        if wait is not None:
            raise TooManyAttempts(wait)
        costs, password_hash, *rest = known
        user = User(password_hash, *rest) if password_hash is not None else None
        return user, costs

    async def end_login(self, username: str, address: str, *, succeeded: bool) -> None:
        """Takes back the failure; `succeeded` forgives the others of that name too."""
        await self._call("kv.v1.end_login", username, address, succeeded)

    async def rehash(self, username: str, known_hash: str, new_hash: str) -> None:
        """Keeps another hash of a password, unless that has been changed."""
        await self._call("kv.v1.rehash", username, known_hash, new_hash, writes=True)

    async def account(self, caller: Caller) -> Account:
        """:raises TokenRevoked:"""
        created_at, grants = await self._call("kv.v1.account", caller)
        return Account(created_at, [Grant(**grant) for grant in grants])

    async def end_tokens(self, caller: Caller) -> None:
        """Ends every token of the caller's account.

        :raises TokenRevoked:
        """
        await self._call("kv.v1.end_tokens", caller, writes=True)

    async def set_password(self, caller: Caller, password_hash: str) -> Caller:
        """Ends every token of the account, too; returns the caller of a new one.

        :raises TokenRevoked:
        """
        (version,) = await self._call(
            "kv.v1.set_password", caller, password_hash, writes=True
        )
        return Caller(caller.username, version)

    async def delete_user(self, caller: Caller) -> None:
        """:raises TokenRevoked:"""
        await self._call("kv.v1.delete_user", caller, writes=True)

    async def put(
        self,
        caller: Caller,
        keys: Sequence[str],
        values: Sequence[str],
        *,
        conditions: Sequence[Condition] = (),
        ttl: float | None = None,
        retry: Retry | None = None,
    ) -> int:
        """Writes all keys or none; returns the revision.

        :param values: JSON texts, one for each key
        :param ttl: seconds until all these keys expire
        :raises TokenRevoked, NotGranted, ConditionFailed, IdempotencyConflict:
        """
        options = _options(conditions=conditions, ttl=ttl, retry=retry)
        if not options and len(keys) <= FEW and size_at_most(values) <= SHORT:
            revision = await self._puts.ask((caller, keys, values))
            if revision is not None:
                return revision
        outcome = await self._call(
            "kv.v1.put",
            caller,
            keys,
            values,
            *options,
            writes=True,
            size=size_at_most(keys) + size_at_most(values),
        )
        return _revision(outcome)

    async def delete(
        self,
        caller: Caller,
        keys: Sequence[str],
        *,
        conditions: Sequence[Condition] = (),
        retry: Retry | None = None,
    ) -> tuple[int, int]:
        """Deletes those that are there; returns the revision and their number.

        :param keys: each once
        :raises TokenRevoked, NotGranted, ConditionFailed, IdempotencyConflict:
        """
        options = _options(conditions=conditions, retry=retry)
        outcome = await self._call(
            "kv.v1.delete",
            caller,
            keys,
            *options,
            writes=True,
            size=size_at_most(keys),
        )
        return _revision(outcome), outcome[1]

    async def increment(
        self, caller: Caller, deltas: Mapping[str, int], *, retry: Retry | None = None
    ) -> tuple[int, list[str]]:
        """Adds to all counters or none; returns the revision and their new values.

        :param deltas: integers of 64 bits
        :raises TokenRevoked, NotGranted, NotACounter, CounterOverflow:
        :raises IdempotencyConflict:
        """
        keys, added = list(deltas), list(deltas.values())
        options = _options(retry=retry)
        revision, values = await self._call(
            "kv.v1.increment",
            caller,
            keys,
            added,
            *options,
            writes=True,
            size=size_at_most(keys),
        )
        return revision, values

    async def get_small(
        self, caller: Caller, keys: Sequence[str], max_bytes: int
    ) -> list[str | None] | int:
        """Like `get`, in one call with others; for at most `FEW` keys.

        :return: instead of the values the bytes for `get`, which has to be called if
            they take more than `SHORT`, must be waited for, or are refused
        """
        most = min(max_bytes, SHORT)
        found = await self._gets.ask((caller, keys, most))
        return most if found is None else found

    async def get(
        self, caller: Caller, keys: Sequence[str], max_bytes: int
    ) -> list[str | None]:
        """The values of one moment, as JSON texts; None for a key that is not there.

        :raises TokenRevoked, NotGranted:
        :raises ReplyTooLarge: they take more than `max_bytes`
        """
        (values,) = await self._get(caller, keys, max_bytes, detailed=False)
        return values

    async def get_rows(
        self, caller: Caller, keys: Sequence[str], max_bytes: int
    ) -> list[Row | None]:
        """Like `get`, with all that is known of the keys.

        :raises TokenRevoked, NotGranted:
        :raises ReplyTooLarge: they take more than `max_bytes`
        """
        columns = await self._get(caller, keys, max_bytes, detailed=True)
        return [
            Row(value, revision, ttl) if value is not None else None
            for value, revision, ttl in zip(*columns, strict=True)
        ]

    async def _get(
        self, caller: Caller, keys: Sequence[str], max_bytes: int, *, detailed: bool
    ) -> list[list[Any]]:
        size = max_bytes + size_at_most(keys)
        columns: list[list[Any]] = await self._call(
            "kv.v1.get", caller, keys, max_bytes, detailed, SIZED, size=size
        )
        if isinstance(columns[0], int):
            raise ReplyTooLarge(columns[0], max_bytes)
        return columns

    async def list_keys(
        self,
        caller: Caller,
        prefix: str,
        after: str | None,
        limit: int,
        max_bytes: int,
        *,
        with_values: bool,
    ) -> Listing:
        """A page of the keys that begin with a prefix, of those that may be read.

        :raises TokenRevoked, NotGranted:
        """
        return Listing(
            *await self._call(
                "kv.v1.list",
                caller,
                prefix,
                after,
                limit,
                max_bytes,
                with_values,
                size=max_bytes,
            )
        )

    async def changes(
        self, caller: Caller, since: int | None, prefix: str, max_bytes: int
    ) -> Changes:
        """What changed after a revision; None: after the newest one, that is nothing.

        :param max_bytes: of the changes looked at, but for the first one
        :raises TokenRevoked, NotGranted, RevisionCompacted:
        :raises NotFound: changes are not kept
        :raises RevisionAhead: the store has not come to that revision
        """
        page = await self._call(
            "kv.v1.changes", caller, since, prefix, max_bytes, size=max_bytes
        )
        return Changes(*_kept(page))

    async def follow(
        self, since: int, epoch: int, max_bytes: int, wait: float
    ) -> AllChanges:
        """What anybody changed after a revision, and which accounts after an epoch.

        :param wait: seconds to wait for it at the most
        :raises RevisionCompacted, NotFound, RevisionAhead: as `changes`
        """
        page = await self._call(
            "kv.v1.follow", since, epoch, max_bytes, wait, size=max_bytes
        )
        return AllChanges(*_kept(page))

    async def _put_each(self, puts: list[SmallPut]) -> list[int | None]:
        """The revisions; None for what needs a call to itself, and was not written."""
        revisions: list[int | None]
        (revisions,) = await self._call("kv.v1.put_each", puts, writes=True)
        return revisions

    async def _get_each(self, gets: list[SmallGet]) -> list[SmallResult]:
        results: list[SmallResult]
        (results,) = await self._call("kv.v1.get_each", gets, SIZED)
        return results

    async def _call(
        self, procedure: str, *args: Any, writes: bool = False, size: int = 0
    ) -> Any:
        """:param size: bytes of the texts, and of what the answer may be"""
        await yield_loop(size)
        instance = self._keeper.instance
        if instance is None:
            raise StorageUnavailable(applied="no" if writes else None)
        connection = instance.for_large if size > LARGE else instance.for_small
        # asynctnt's request and response refer to each other: what they hold, perhaps a
        # batch of many megabytes, would stay until the next full garbage collection
        sent = list(args)
        try:
            response = await connection.call(procedure, sent)
            body = list(response.body)
            response.body.clear()
            await yield_loop(size)
            return body
        except TarantoolDatabaseError as error:
            # in no variable: its traceback has this frame, and that would have it
            raise self._refusal(error, writes=writes) from None
        except (TarantoolNetworkError, OSError) as error:
            if isinstance(error, TimeoutError):
                self._tell(f"No answer within {CALL_TIMEOUT:g} s")
                self._keeper.look_for_better()
            raise StorageUnavailable(applied="unknown" if writes else None) from None
        finally:
            sent.clear()

    def _refusal(self, error: TarantoolDatabaseError, *, writes: bool) -> Exception:
        """What to raise: the error itself when it is a fault of ours."""
        if error.code in READ_ONLY:
            self._keeper.look_for_better()
        problem = _problem(error, writes=writes)
        if isinstance(problem, Unavailable):
            self._tell(str(problem))
        return problem or error

    def _tell(self, reason: str) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._told.get(reason, -TELL_INTERVAL) >= TELL_INTERVAL:
            self._told[reason] = now
            log.warning("calls are refused: %s", reason)


def _options(**given: Any) -> list[dict[str, Any]]:
    """The last argument of a write, left out when it would be empty."""
    options = {name: value for name, value in given.items() if value}
    return [options] if options else []


def _revision(outcome: list[Any]) -> int:
    revision: int | None = outcome[0]
    if revision is None:
        _, keys, revisions = outcome
        raise ConditionFailed(dict(zip(keys, revisions, strict=True)))
    return revision


def _kept(page: list[Any]) -> list[Any]:
    changes, through, *rest = page
    if changes is None:
        raise RevisionCompacted(oldest=through)
    return [[Change(*change) for change in changes], through, *rest]


def _problem(error: TarantoolDatabaseError, *, writes: bool) -> Problem | None:
    """What a refusal means to the caller; None when it is a fault of ours."""
    applied: Applied | None = "no" if writes else None
    kind = _custom_type(error)
    if kind in REFUSALS:
        return REFUSALS[kind](error.message)
    if kind in FULL:
        return StorageFull(error.message, applied=applied)
    code: int = error.code
    if code == ErrorCode.ER_MEMORY_ISSUE:
        return StorageFull("The storage's memory is full", applied=applied)
    if code in LOG_FAILED:
        return StorageFull("The storage's disk takes no more writes", applied=applied)
    if code == ErrorCode.ER_MEMTX_MAX_TUPLE_SIZE:
        return BodyTooLarge("The batch is larger than the storage takes")
    if code in READ_ONLY:
        return StorageUnavailable("The storage is read-only", applied=applied)
    if code in NO_SUCH_API:
        return StorageUnavailable("The storage lacks a procedure", applied=applied)
    return None


def _custom_type(error: TarantoolDatabaseError) -> str | None:
    if error.error is None or not error.error.trace:
        return None
    fields = error.error.trace[0].fields or {}
    custom_type: str | None = fields.get("custom_type")
    return custom_type
