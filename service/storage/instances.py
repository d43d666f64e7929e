"""The connections to Tarantool: the choice of the instance, reconnecting, failover.

asynctnt's own reconnecting is not used: it knows one address only, never gives up at
the start, and leaks a descriptor with each attempt that a hanging instance does not
answer.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Self

import asynctnt

from service.errors import StartError
from service.settings import Address
from service.storage.refusals import NO_SUCH_API, WRONG_CREDENTIALS
from service.unix_socket import connectable

log = logging.getLogger(__name__)

# asynctnt logs every attempt with a stack trace; this module logs each change once
logging.getLogger("asynctnt").setLevel(logging.CRITICAL)

#: Seconds for one call. The largest batch takes a fraction of a second, and its fsync
#: on a busy disk some more.
CALL_TIMEOUT = 5.0

#: Seconds for one attempt to connect and log in.
CONNECT_TIMEOUT = 2.0

#: Seconds between two attempts to connect to any of the addresses.
RECONNECT_INTERVAL = 0.1


class Unreachable(Exception):
    """An instance cannot be used.

    :param final: waiting does not help: the configuration is wrong
    """

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class Protocol(asynctnt.iproto.protocol.Protocol):  # type: ignore[misc]  # no types
    """asynctnt's protocol; keeps its transport, to close it when connecting fails."""

    transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        super().connection_made(transport)


class Connection(asynctnt.Connection):  # type: ignore[misc]  # no types
    """One connection to an instance, without asynctnt's reconnecting.

    :param on_lost: called when the connection is lost
    """

    def __init__(
        self,
        address: Address,
        user: str,
        password: str,
        on_lost: Callable[[Self], None],
    ) -> None:
        super().__init__(
            host=address.host,
            port=address.port,
            username=user,
            password=str(password),  # asynctnt requires a str, not a subclass of it
            fetch_schema=False,
            auto_refetch_schema=False,
            connect_timeout=CONNECT_TIMEOUT,
            request_timeout=CALL_TIMEOUT,
            reconnect_timeout=0,
            ping_timeout=0,
        )
        self.address = address
        self.read_only = False
        self._on_lost = on_lost
        self._attempts: list[Protocol] = []

    async def open(self) -> None:
        """Connects, logs in and reads the instance's status.

        :raises Exception: any exception: the instance cannot be used
        """
        try:
            await self._connect_to_address()
            (status,) = (await self.call("kv.v1.status")).body
        except BaseException:
            self.close()
            for attempt in self._attempts:
                if attempt.transport is not None:
                    attempt.transport.close()
            raise
        self.read_only = bool(status["read_only"])

    async def _connect_to_address(self) -> None:
        if isinstance(self.address.port, int):
            await self.connect()
            return
        # asynctnt expects the path of a unix socket as the port
        with connectable(self.address.port) as self._port:
            await self.connect()

    def protocol_factory(self, *args: Any) -> Protocol:
        attempt: Protocol = super().protocol_factory(*args, cls=Protocol)
        self._attempts.append(attempt)
        return attempt

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._on_lost(self)


class Instance:
    """Two connections to one instance: `interactive` for small calls, `bulk` for large.

    On one connection a small call would wait until the large requests and results
    before it had been transferred.

    :param on_lost: called when either connection is lost
    """

    def __init__(
        self,
        address: Address,
        user: str,
        password: str,
        on_lost: Callable[["Instance"], None],
    ) -> None:
        self.address = address
        self.interactive = Connection(address, user, password, self._lost)
        self.bulk = Connection(address, user, password, self._lost)
        self._on_lost = on_lost
        self.is_open = False

    @property
    def read_only(self) -> bool:
        return self.interactive.read_only

    async def open(self) -> None:
        """Opens both connections.

        :raises Exception: any exception: the instance cannot be used
        """
        try:
            await self.interactive.open()
            await self.bulk.open()
            if not self.interactive.is_connected:
                raise ConnectionResetError("lost while connecting")
        except BaseException:
            self.close()
            raise
        self.is_open = True

    def close(self) -> None:
        self.is_open = False
        self.interactive.close()
        self.bulk.close()

    async def disconnect(self) -> None:
        self.is_open = False
        await self.interactive.disconnect()
        await self.bulk.disconnect()

    def _lost(self, _: Connection) -> None:
        """Closes both when one is lost."""
        if self.is_open:
            self.close()
            self._on_lost(self)


class ConnectionKeeper:
    """The connection to one instance: to one that accepts writes, if there is any.

    :param addresses: tried in this order
    """

    def __init__(self, addresses: Sequence[Address], user: str, password: str) -> None:
        self._addresses = addresses
        self._user = user
        self._password = password
        self._current: Instance | None = None
        self._must_check = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def instance(self) -> Instance | None:
        """The connected instance, None while there is none."""
        current = self._current
        return current if current is not None and current.is_open else None

    async def open(self, max_wait: float) -> None:
        """Connects; tries again for `max_wait` seconds.

        :raises StartError: no instance can be reached
        """
        deadline = asyncio.get_running_loop().time() + max_wait
        while self.instance is None:
            try:
                self._use(await self._connect())
            except Unreachable as why:
                if why.final or asyncio.get_running_loop().time() > deadline:
                    raise StartError(f"cannot use Tarantool: {why}") from None
                await asyncio.sleep(RECONNECT_INTERVAL)
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        # asynctnt connects with asyncio.wait_for. That of Python 3.11 swallows a
        # cancellation at the moment its inner task ends: cancel again until it works
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=RECONNECT_INTERVAL)
        current, self._current = self._current, None
        if current is not None:
            await current.disconnect()

    def check_others(self) -> None:
        """Requests a check of the other addresses.

        The current instance hangs or is read-only.
        """
        if len(self._addresses) > 1:
            self._must_check.set()

    def _lost(self, instance: Instance) -> None:
        if instance is self._current:
            log.warning("lost the connection to Tarantool at %s", instance.address)
            self._must_check.set()

    async def _keep(self) -> None:
        logged = ""
        while True:
            if self.instance is not None:
                await self._must_check.wait()
            self._must_check.clear()
            try:
                self._use(await self._connect())
                logged = ""
            except Unreachable as why:
                if str(why) != logged:
                    log.warning("cannot use Tarantool: %s", why)
                    logged = str(why)
            await asyncio.sleep(RECONNECT_INTERVAL)

    def _use(self, instance: Instance) -> None:
        """Replaces the current instance, unless that one is as good."""
        current = self.instance
        if current is not None:
            if instance.read_only or instance.address == current.address:
                instance.close()
                return
            # calls in flight on it may still succeed
            asyncio.get_running_loop().call_later(CALL_TIMEOUT, current.close)
        self._current = instance
        log.info("connected to Tarantool at %s", instance.address)

    async def _connect(self) -> Instance:
        """The first instance that accepts writes; without one, the first that answers.

        :raises Unreachable: no instance answers
        """
        readable: list[Instance] = []
        failures: list[Unreachable] = []
        try:
            for address in self._addresses:
                try:
                    instance = await self._try(address)
                except Unreachable as why:
                    failures.append(why)
                    continue
                if not instance.read_only:
                    return instance
                readable.append(instance)
            if readable:
                return readable.pop(0)
        finally:
            for instance in readable:
                instance.close()
        raise Unreachable(
            "; ".join(map(str, failures)), final=all(why.final for why in failures)
        )

    async def _try(self, address: Address) -> Instance:
        instance = Instance(address, self._user, self._password, self._lost)
        try:
            await instance.open()
        except Exception as error:  # whatever the reason, the instance cannot be used
            raise self._unreachable(address, error) from None
        return instance

    def _unreachable(self, address: Address, error: Exception) -> Unreachable:
        code = getattr(error, "code", None)
        if code in WRONG_CREDENTIALS:
            reason = f"wrong password for the user {self._user}, or no such user"
            return Unreachable(f"{address}: {reason}", final=True)
        if code in NO_SUCH_API:
            reason = f"does not offer kv.v1 to the user {self._user}"
        elif isinstance(error, TimeoutError):
            reason = "no answer"
        else:
            reason = getattr(error, "strerror", None) or str(error)
        return Unreachable(f"{address}: {reason}")
