"""The procedures of the storage, a method each; the only importer of asynctnt.

Every method raises `StorageUnavailable` when Tarantool cannot be asked or does not
answer in time, and `StorageFull` when it has no room left.
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import asynctnt
from asynctnt.exceptions import (
    ErrorCode,
    TarantoolDatabaseError,
    TarantoolNetworkError,
)

from service.errors import (
    Applied,
    BodyTooLarge,
    Problem,
    StartError,
    StorageFull,
    StorageUnavailable,
    TokenRevoked,
    UserExists,
    ValueTooLarge,
)
from service.settings import Address

log = logging.getLogger(__name__)

# it would log every attempt and a stack trace; what matters is said here, once
logging.getLogger("asynctnt").setLevel(logging.CRITICAL)

#: Seconds for one call: the largest batch takes a fraction of one, its fsync on a busy
#: disk some more.
CALL_TIMEOUT = 5.0

#: Seconds for one attempt to connect and log in.
CONNECT_TIMEOUT = 2.0

#: Seconds between two rounds over the addresses.
RECONNECT_INTERVAL = 0.1

#: The refusals of the procedures, by the custom type of the error.
REFUSALS: dict[str, type[Problem]] = {
    "kv.UserExists": UserExists,
    "kv.TokenRevoked": TokenRevoked,
    "kv.ReplyTooLarge": BodyTooLarge,
}

WRONG_CREDENTIALS = {ErrorCode.ER_NO_SUCH_USER, ErrorCode.ER_PASSWORD_MISMATCH}
NO_SUCH_API = {ErrorCode.ER_NO_SUCH_PROC, ErrorCode.ER_ACCESS_DENIED}
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


class Unreachable(Exception):
    """Why an instance cannot be used; `final` when waiting will not mend it."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class Connection(asynctnt.Connection):  # type: ignore[misc]  # it has no types
    """Tells when it is lost; mending that is its owner's."""

    def __init__(self, address: Address, user: str, password: str) -> None:
        super().__init__(
            host=address.host,
            port=address.port,
            username=user,
            password=str(password),  # asynctnt wants a str and no subclass of it
            fetch_schema=False,
            auto_refetch_schema=False,
            connect_timeout=CONNECT_TIMEOUT,
            request_timeout=CALL_TIMEOUT,
            reconnect_timeout=0,
            ping_timeout=0,
        )
        self.address = address
        self.lost = asyncio.Event()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self.lost.set()

    async def is_read_only(self) -> bool:
        (status,) = (await self.call("kv.v1.status")).body
        return bool(status["read_only"])


class Storage:
    """Stays connected to one of its addresses: one that takes writes, if any does."""

    def __init__(self, addresses: Sequence[Address], user: str, password: str) -> None:
        self._addresses = addresses
        self._user = user
        self._password = password
        self._connection: Connection | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def open(self, patience: float) -> None:
        """Connects; tries again for `patience` seconds.

        :raises StartError: no instance could be reached
        """
        deadline = asyncio.get_running_loop().time() + patience
        while self._connection is None:
            try:
                self._connection = await self._connect()
            except Unreachable as why:
                if why.final or asyncio.get_running_loop().time() > deadline:
                    raise StartError(f"cannot use Tarantool: {why}") from None
                await asyncio.sleep(RECONNECT_INTERVAL)
        log.info("connected to Tarantool at %s", self._connection.address)
        self._keeper = asyncio.create_task(self._keep(self._connection))

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        if self._connection is not None:
            await self._connection.disconnect()

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
        (revision,) = await self._call("kv.v1.put", caller, keys, values, writes=True)
        return int(revision)

    async def get(
        self, caller: Caller, keys: Sequence[str], max_bytes: int
    ) -> list[str | None]:
        """The values of one moment, as JSON texts; None for a key that is not there.

        :raises TokenRevoked:
        :raises BodyTooLarge: they take more than `max_bytes`
        """
        (values,) = await self._call("kv.v1.get", caller, keys, max_bytes)
        return list(values)

    async def _call(self, procedure: str, *args: Any, writes: bool = False) -> Any:
        connection = self._connection
        if connection is None or not connection.is_connected:
            raise StorageUnavailable(applied="no" if writes else None)
        try:
            return (await connection.call(procedure, args)).body
        except TarantoolDatabaseError as error:
            if error.code in READ_ONLY:
                self._leave(connection)
            raise _problem(error, writes=writes) from error
        except (TarantoolNetworkError, OSError):
            self._leave(connection)
            raise StorageUnavailable(applied="unknown" if writes else None) from None

    def _leave(self, connection: Connection) -> None:
        """Another instance may be better, where there are others."""
        if len(self._addresses) > 1:
            connection.close()

    async def _keep(self, connection: Connection) -> None:
        while True:
            await connection.lost.wait()
            log.warning("lost Tarantool at %s", connection.address)
            connection = self._connection = await self._reconnect()
            log.info("connected to Tarantool at %s again", connection.address)

    async def _reconnect(self) -> Connection:
        while True:
            try:
                return await self._connect()
            except Unreachable:
                await asyncio.sleep(RECONNECT_INTERVAL)

    async def _connect(self) -> Connection:
        """The first instance that takes writes; without one, the first that answers."""
        readable: Connection | None = None
        failures: list[Unreachable] = []
        for address in self._addresses:
            try:
                connection, read_only = await self._try(address)
            except Unreachable as why:
                failures.append(why)
                continue
            if not read_only:
                if readable is not None:
                    readable.close()
                return connection
            if readable is None:
                readable = connection
            else:
                connection.close()
        if readable is not None:
            return readable
        raise Unreachable(
            "; ".join(map(str, failures)), final=all(why.final for why in failures)
        )

    async def _try(self, address: Address) -> tuple[Connection, bool]:
        connection = Connection(address, self._user, self._password)
        try:
            await connection.connect()
            return connection, await connection.is_read_only()
        except Exception as error:  # whatever it is, this instance cannot be used
            connection.close()
            raise self._unreachable(address, error) from None

    def _unreachable(self, address: Address, error: Exception) -> Unreachable:
        code = getattr(error, "code", None)
        if code in WRONG_CREDENTIALS:
            reason = f"wrong password for the user {self._user}, or no such user"
            return Unreachable(f"{address}: {reason}", final=True)
        if code in NO_SUCH_API:
            reason = f"does not offer kv.v1 to the user {self._user}"
        elif isinstance(error, TimeoutError):
            reason = "no answer"
        elif isinstance(error, OSError) and error.errno:
            reason = os.strerror(error.errno)
        else:
            reason = str(error)
        return Unreachable(f"{address}: {reason}")


def _problem(error: TarantoolDatabaseError, *, writes: bool) -> Exception:
    """What a refusal of Tarantool means to the caller; nothing was applied."""
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
    failure: Exception = error
    return failure


def _custom_type(error: TarantoolDatabaseError) -> str | None:
    if error.error is None or not error.error.trace:
        return None
    fields = error.error.trace[0].fields or {}
    custom_type: str | None = fields.get("custom_type")
    return custom_type
