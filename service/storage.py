"""The procedures of the storage, a method each; the only caller of Tarantool.

Every method raises `StorageUnavailable` when Tarantool cannot be asked or does not
answer in time, and `StorageFull` when it has no room left.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from asynctnt.exceptions import (
    ErrorCode,
    TarantoolDatabaseError,
    TarantoolNetworkError,
)

from service.connection import CALL_TIMEOUT, NO_SUCH_API, ConnectionKeeper
from service.errors import (
    Applied,
    BodyTooLarge,
    Problem,
    StorageFull,
    StorageUnavailable,
    TokenRevoked,
    Unavailable,
    UserExists,
    ValueTooLarge,
)
from service.settings import Address

log = logging.getLogger(__name__)

#: Seconds in which the log does not repeat itself.
TELL_INTERVAL = 10.0

#: The refusals of the procedures, by the custom type of the error.
REFUSALS: dict[str, type[Problem]] = {
    "kv.UserExists": UserExists,
    "kv.TokenRevoked": TokenRevoked,
    "kv.ReplyTooLarge": BodyTooLarge,
}

READ_ONLY = {ErrorCode.ER_READONLY, ErrorCode.ER_NONMASTER}
LOG_FAILED = {ErrorCode.ER_WAL_IO, ErrorCode.ER_CASCADE_ROLLBACK}


class Caller(NamedTuple):
    """Who calls, as a token says; the procedures check its standing with the data."""

    username: str
    credentials_version: int


class User(NamedTuple):
    """What is known of an account for its login."""

    password_hash: str
    credentials_version: int


class Storage:
    """The procedures of `kv.v1`, of the instance that is connected at the moment."""

    def __init__(self, addresses: Sequence[Address], user: str, password: str) -> None:
        self._keeper = ConnectionKeeper(addresses, user, password)
        self._told: dict[str, float] = {}

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

    async def create_user(self, username: str, password_hash: str) -> None:
        """:raises UserExists:"""
        await self._call("kv.v1.create_user", username, password_hash, writes=True)

    async def find_user(self, username: str) -> User | None:
        password_hash, *rest = await self._call("kv.v1.find_user", username)
        return User(password_hash, *rest) if password_hash is not None else None

    async def put(
        self, caller: Caller, keys: Sequence[str], values: Sequence[str]
    ) -> int:
        """Writes all keys or none; returns the revision.

        :param values: JSON texts, one for each key
        :raises TokenRevoked:
        """
        revision: int
        (revision,) = await self._call("kv.v1.put", caller, keys, values, writes=True)
        return revision

    async def get(
        self, caller: Caller, keys: Sequence[str], max_bytes: int
    ) -> list[str | None]:
        """The values of one moment, as JSON texts; None for a key that is not there.

        :raises TokenRevoked:
        :raises BodyTooLarge: they take more than `max_bytes`
        """
        values: list[str | None]
        (values,) = await self._call("kv.v1.get", caller, keys, max_bytes)
        return values

    async def _call(self, procedure: str, *args: Any, writes: bool = False) -> Any:
        connection = self._keeper.connection
        if connection is None:
            raise StorageUnavailable(applied="no" if writes else None)
        # asynctnt's request and response refer to each other: what they hold, perhaps a
        # batch of many megabytes, would stay until the next full garbage collection
        sent = list(args)
        try:
            response = await connection.call(procedure, sent)
            body = list(response.body)
            response.body.clear()
            return body
        except TarantoolDatabaseError as error:
            if error.code in READ_ONLY:
                self._keeper.look_for_better()
            problem = _problem(error, writes=writes)
            if problem is None:
                raise
            if isinstance(problem, Unavailable):
                self._tell(str(problem))
            raise problem from None
        except (TarantoolNetworkError, OSError) as error:
            if isinstance(error, TimeoutError):
                self._tell(f"No answer within {CALL_TIMEOUT:g} s")
                self._keeper.look_for_better()
            raise StorageUnavailable(applied="unknown" if writes else None) from None
        finally:
            sent.clear()

    def _tell(self, reason: str) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._told.get(reason, -TELL_INTERVAL) >= TELL_INTERVAL:
            self._told[reason] = now
            log.warning("calls are refused: %s", reason)


def _problem(error: TarantoolDatabaseError, *, writes: bool) -> Problem | None:
    """What a refusal means to the caller; None when it is a fault of ours."""
    applied: Applied | None = "no" if writes else None
    kind = _custom_type(error)
    if kind in REFUSALS:
        return REFUSALS[kind](error.message)
    code: int = error.code
    if code == ErrorCode.ER_MEMORY_ISSUE:
        return StorageFull("The storage's memory is full", applied=applied)
    if code in LOG_FAILED:
        return StorageFull("The storage's disk takes no more writes", applied=applied)
    if code == ErrorCode.ER_MEMTX_MAX_TUPLE_SIZE:
        return ValueTooLarge("A value is larger than the storage takes")
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
