"""A listener whose connections begin with a TLS handshake, not too many at a time.

The server knows nothing of a connection before its handshake is over: those who come
and say nothing would take every descriptor. There is no hook in between, hence an
accept of our own.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from typing import Any

from aiohttp import web

log = logging.getLogger(__name__)

#: For each connection that may be open, how many more may be in their handshake.
HANDSHAKES = 1 / 4

#: Seconds for a handshake: two round trips on the slowest line.
HANDSHAKE_TIMEOUT = 5.0

#: Seconds without a new connection when the system gives no descriptor.
PAUSE = 0.1


class TlsSite(web.SockSite):
    """:param patience: seconds for the end of a connection"""

    def __init__(
        self,
        *args: Any,
        context: ssl.SSLContext,
        most_handshakes: int,
        patience: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, ssl_context=context, **kwargs)
        self._context = context
        self._most = max(1, most_handshakes)
        self._patience = patience
        self._handshakes: dict[asyncio.Task[None], None] = {}  # the oldest comes first
        self._accepting: asyncio.Task[None] | None = None

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
                log.warning("no connection is accepted: %s", error.strerror)
                await asyncio.sleep(PAUSE)
                continue
            if len(self._handshakes) >= self._most:
                oldest = next(iter(self._handshakes))
                oldest.cancel()
                await asyncio.wait([oldest])
            task = asyncio.create_task(self._shake(connection))
            self._handshakes[task] = None
            task.add_done_callback(self._handshakes.pop)

    async def _shake(self, connection: socket.socket) -> None:
        server = self._runner.server
        if server is None:
            raise RuntimeError("the runner has not been set up")
        with contextlib.suppress(OSError):  # whatever is sent instead of a handshake
            await asyncio.get_running_loop().connect_accepted_socket(
                server,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=min(HANDSHAKE_TIMEOUT, self._patience),
                ssl_shutdown_timeout=self._patience,
            )
