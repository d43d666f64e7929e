"""The connections to one Tarantool instance.

asynctnt's own reconnecting is not used: it knows one address only, never gives up at
the start, and leaks a descriptor with each attempt that a hanging instance does not
answer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Self, cast

import asynctnt
from asynctnt.exceptions import TarantoolNotConnectedError

from service.settings import Address
from service.storage.leadership import Status
from service.storage.refusals import NO_SUCH_API, WRONG_CREDENTIALS
from service.unix_socket import connectable

# asynctnt logs every attempt with a stack trace; node.py logs each change once
logging.getLogger("asynctnt").setLevel(logging.CRITICAL)

#: Seconds for one call. The largest batch takes a fraction of a second, and its fsync
#: on a busy disk some more.
CALL_TIMEOUT = 5.0

#: Seconds for one attempt to connect and log in.
CONNECT_TIMEOUT = 2.0


#: The bytes of a packet's length: a code of MessagePack and 32 bits.
LENGTH = 5

#: An empty array in MessagePack: the end of the packet of a call without arguments.
NO_ARGUMENTS = b"\x90"


class Unreachable(Exception):
    """An instance cannot be used.

    :param final: waiting does not help: the configuration is wrong
    """

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class PacketWriter:
    """The transport as asynctnt's protocol sees it.

    It completes a call with arguments that are encoded already. asynctnt encodes each
    text by way of a bytes object, which takes ten times as long as msgspec.

    :ivar arguments: of the next packet, an array in MessagePack; None: it has its own
    """

    arguments: bytes | None = None

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.get_extra_info = transport.get_extra_info
        self.close = transport.close

    def write(self, packet: memoryview) -> None:
        """Writes a packet; one without arguments of its own gets `arguments`."""
        arguments, self.arguments = self.arguments, None
        if arguments is None:
            self._transport.write(packet)
            return
        call = packet[LENGTH : -len(NO_ARGUMENTS)]
        size = len(call) + len(arguments)
        length = b"\xce" + size.to_bytes(LENGTH - 1, "big")
        self._transport.writelines((length + call, arguments))


class Protocol(asynctnt.iproto.protocol.Protocol):  # type: ignore[misc]  # no types
    """asynctnt's protocol, which fails at once when it is closed before the greeting.

    asynctnt would wait for the greeting of a closed connection, for a second. It keeps
    the transport, which is closed when connecting fails.
    """

    transport: PacketWriter | None = None
    connected: "asyncio.Future[object] | None" = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(PacketWriter(cast(asyncio.Transport, transport)))

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self.connected is not None and not self.connected.done():
            self.connected.set_exception(ConnectionResetError("closed the connection"))
            self.connected.exception()  # retrieved: nobody may be waiting for it


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
        self._on_lost = on_lost
        self._attempts: list[Protocol] = []

    async def open(self) -> Status:
        """Connects, logs in and reads the instance's status.

        :raises Exception: any exception: the instance cannot be used
        """
        try:
            await self._connect_to_address()
            return await self.status()
        except BaseException:
            self.close()
            for attempt in self._attempts:
                if attempt.transport is not None:
                    attempt.transport.close()
            raise

    def call_encoded(
        self, procedure: str, arguments: bytes, timeout: float
    ) -> Awaitable[asynctnt.Response]:
        """Calls a procedure.

        Relies on `_protocol`, which writes the packet before `call` returns.

        :param arguments: an array in MessagePack
        :raises TarantoolNetworkError: the connection is lost
        """
        if self._protocol is None:
            raise TarantoolNotConnectedError("Tarantool is not connected")
        writer = self._protocol.transport
        writer.arguments = arguments
        try:
            return cast(
                Awaitable[asynctnt.Response], self.call(procedure, (), timeout=timeout)
            )
        finally:
            writer.arguments = None  # where no packet was written

    async def status(self) -> Status:
        """Reads the instance's status."""
        (status,) = (await self.call("kv.v1.status")).body
        return Status.parse(status)

    async def _connect_to_address(self) -> None:
        if isinstance(self.address.port, int):
            await self.connect()
            return
        # asynctnt expects the path of a unix socket as the port
        with connectable(self.address.port) as self._port:
            await self.connect()

    def protocol_factory(
        self, connected: "asyncio.Future[object]", *args: Any
    ) -> Protocol:
        attempt: Protocol = super().protocol_factory(connected, *args, cls=Protocol)
        attempt.connected = connected
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
    :ivar has_led: whether calls were sent to it as to the leader
    :ivar is_dropped: whether this process has closed it
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
        self._user = user
        self._on_lost = on_lost
        self.is_open = False
        self.has_led = False
        self.is_dropped = False

    async def open(self) -> Status:
        """Opens both connections; returns the instance's status.

        :raises Unreachable: the instance cannot be used
        """
        try:
            status = await self.interactive.open()
            await self.bulk.open()
            if not self.interactive.is_connected:
                raise ConnectionResetError("lost while connecting")
        except Exception as error:  # whatever the reason
            self.close()
            raise self._unreachable(error) from None
        except BaseException:
            self.close()
            raise
        self.is_open = True
        return status

    def close(self) -> None:
        """Closes both: the calls in flight fail at once."""
        self.is_open = False
        self.interactive.close()
        self.bulk.close()

    async def disconnect(self) -> None:
        self.is_open = False
        await self.interactive.disconnect()
        await self.bulk.disconnect()

    def drop(self) -> None:
        """Closes both, as if the connection had been lost."""
        self.is_dropped = True
        self._lost(self.interactive)

    def _lost(self, _: Connection) -> None:
        """Closes both when one is lost."""
        if self.is_open:
            self.close()
            self._on_lost(self)

    def _unreachable(self, error: Exception) -> Unreachable:
        code = getattr(error, "code", None)
        if code in WRONG_CREDENTIALS:
            reason = f"wrong password for the user {self._user}, or no such user"
            return Unreachable(f"{self.address}: {reason}", final=True)
        if code in NO_SUCH_API:
            reason = f"does not offer kv.v1 to the user {self._user}"
        elif isinstance(error, TimeoutError):
            reason = "no answer"
        else:
            reason = getattr(error, "strerror", None) or str(error)
        return Unreachable(f"{self.address}: {reason}")
