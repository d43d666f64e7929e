"""The connections to Tarantool: which instance, and what when one is lost.

asynctnt can reconnect by itself, but only to one address, for ever at the start, and
with a leak: a descriptor for each attempt that a hanging instance does not answer.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Self

import asynctnt
from asynctnt.exceptions import ErrorCode

from service.errors import StartError
from service.settings import Address
from service.unix_socket import connectable

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

WRONG_CREDENTIALS = {ErrorCode.ER_NO_SUCH_USER, ErrorCode.ER_PASSWORD_MISMATCH}
NO_SUCH_API = {ErrorCode.ER_NO_SUCH_PROC, ErrorCode.ER_ACCESS_DENIED}


class Unreachable(Exception):
    """Why an instance cannot be used; `final` when waiting will not mend it."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class Protocol(asynctnt.iproto.protocol.Protocol):  # type: ignore[misc]  # no types
    """Keeps its transport, which asynctnt forgets when an attempt to connect fails."""

    transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        super().connection_made(transport)


class Connection(asynctnt.Connection):  # type: ignore[misc]  # no types
    """Tells when it is lost; does not reconnect."""

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
            password=str(password),  # asynctnt wants a str and no subclass of it
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
        """:raises Exception: of many kinds: the instance cannot be used"""
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
        # asynctnt takes the path of a unix socket for its port
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
    """Two connections to an instance: what is small does not queue behind what is
    large, neither on its way nor on the way back.
    """

    def __init__(
        self,
        address: Address,
        user: str,
        password: str,
        on_lost: Callable[["Instance"], None],
    ) -> None:
        self.address = address
        self.for_small = Connection(address, user, password, self._lost)
        self.for_large = Connection(address, user, password, self._lost)
        self._on_lost = on_lost
        self.is_open = False

    @property
    def read_only(self) -> bool:
        return self.for_small.read_only

    async def open(self) -> None:
        """:raises Exception: of many kinds: the instance cannot be used"""
        try:
            await self.for_small.open()
            await self.for_large.open()
            if not self.for_small.is_connected:
                raise ConnectionResetError("lost at once")
        except BaseException:
            self.close()
            raise
        self.is_open = True

    def close(self) -> None:
        self.is_open = False
        self.for_small.close()
        self.for_large.close()

    async def disconnect(self) -> None:
        self.is_open = False
        await self.for_small.disconnect()
        await self.for_large.disconnect()

    def _lost(self, _: Connection) -> None:
        """Without the one there is no use for the other."""
        if self.is_open:
            self.close()
            self._on_lost(self)


class ConnectionKeeper:
    """Keeps connected: to an instance that takes writes, if any does.

    :param addresses: tried in this order
    """

    def __init__(self, addresses: Sequence[Address], user: str, password: str) -> None:
        self._addresses = addresses
        self._user = user
        self._password = password
        self._present: Instance | None = None
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def instance(self) -> Instance | None:
        """The present instance, None while there is none."""
        present = self._present
        return present if present is not None and present.is_open else None

    async def open(self, patience: float) -> None:
        """Connects; tries again for `patience` seconds.

        :raises StartError: no instance could be reached
        """
        deadline = asyncio.get_running_loop().time() + patience
        while self.instance is None:
            try:
                self._take(await self._connect())
            except Unreachable as why:
                if why.final or asyncio.get_running_loop().time() > deadline:
                    raise StartError(f"cannot use Tarantool: {why}") from None
                await asyncio.sleep(RECONNECT_INTERVAL)
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        # more than once: asyncio.wait_for of Python 3.11, with which asynctnt connects,
        # swallows a cancellation that meets the end of what it waits for
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=RECONNECT_INTERVAL)
        present, self._present = self._present, None
        if present is not None:
            await present.disconnect()

    def look_for_better(self) -> None:
        """The present instance hangs or takes no writes: of several, another may."""
        if len(self._addresses) > 1:
            self._look.set()

    def _lost(self, instance: Instance) -> None:
        if instance is self._present:
            log.warning("lost Tarantool at %s", instance.address)
            self._look.set()

    async def _keep(self) -> None:
        told = ""
        while True:
            if self.instance is not None:
                await self._look.wait()
            self._look.clear()
            try:
                self._take(await self._connect())
                told = ""
            except Unreachable as why:
                if str(why) != told:
                    log.warning("cannot use Tarantool: %s", why)
                    told = str(why)
            await asyncio.sleep(RECONNECT_INTERVAL)

    def _take(self, instance: Instance) -> None:
        """Instead of the present one, unless that is as good."""
        present = self.instance
        if present is not None:
            if instance.read_only or instance.address == present.address:
                instance.close()
                return
            # the calls under way on it get their time
            asyncio.get_running_loop().call_later(CALL_TIMEOUT, present.close)
        self._present = instance
        log.info("connected to Tarantool at %s", instance.address)

    async def _connect(self) -> Instance:
        """The first instance that takes writes; without one, the first that answers."""
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
        except Exception as error:  # whatever it is, this instance cannot be used
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
