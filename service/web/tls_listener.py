"""A listener for TLS that limits the number of handshakes.

aiohttp gets a connection after its handshake: without a limit, clients that connect and
send nothing would take every descriptor. It has no hook before the handshake, so this
listener accepts connections by itself.
"""

import asyncio
import logging
import socket
import ssl
from typing import Any

from aiohttp import web

from service.repeated_messages import RepeatedMessages
from service.telemetry.families import Counter

log = logging.getLogger(__name__)

#: Connections in their handshake, as a part of those that may be open.
HANDSHAKES = 1 / 4

#: Seconds for a handshake: two round trips on the slowest network.
HANDSHAKE_TIMEOUT = 5.0

#: The reason to close a connection, as a label of `kv_connections_closed_total`.
HANDSHAKE = "handshake"

#: Seconds between two attempts to accept when the system has no descriptor left.
PAUSE = 0.1


class TlsSite(web.SockSite):
    """aiohttp's site, with TLS and a limit of the handshakes.

    Relies on `_sock`, `_backlog` and `_runner`.

    :param max_handshakes: handshakes at a time; one more ends the oldest
    :param shutdown_timeout: seconds for the end of a TLS connection
    :param closed: connections that the server closed, by reason
    """

    def __init__(
        self,
        *args: Any,
        context: ssl.SSLContext,
        max_handshakes: int,
        shutdown_timeout: float,
        closed: Counter,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, ssl_context=context, **kwargs)
        self._context = context
        self._max_handshakes = max(1, max_handshakes)
        self._shutdown_timeout = shutdown_timeout
        self._closed = closed
        self._handshakes: dict[asyncio.Task[None], None] = {}  # the oldest is the first
        self._accepting: asyncio.Task[None] | None = None
        self._repeated = RepeatedMessages(log)

    async def start(self) -> None:
        await web.BaseSite.start(self)
        self._sock.setblocking(False)
        self._sock.listen(self._backlog)
        self._accepting = asyncio.create_task(self._accept())

    async def stop(self) -> None:
        await super().stop()
        if self._accepting is not None:
            tasks = [self._accepting, *self._handshakes]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._sock)
            except OSError as error:
                self._repeated.log(
                    logging.WARNING, "cannot accept connections: %s", error.strerror
                )
                await asyncio.sleep(PAUSE)
                continue
            if len(self._handshakes) >= self._max_handshakes:
                oldest = next(iter(self._handshakes))
                oldest.cancel()
                self._closed.add(HANDSHAKE)
                await asyncio.wait([oldest])
            task = asyncio.create_task(self._handshake(connection))
            self._handshakes[task] = None
            task.add_done_callback(self._handshakes.pop)

    async def _handshake(self, connection: socket.socket) -> None:
        server = self._runner.server
        if server is None:
            raise RuntimeError("the runner has not been set up")
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                server,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=min(HANDSHAKE_TIMEOUT, self._shutdown_timeout),
                ssl_shutdown_timeout=self._shutdown_timeout,
            )
        except ConnectionResetError:
            pass  # the client has left
        except OSError:  # it takes too long, or receives anything but a handshake
            self._closed.add(HANDSHAKE)
