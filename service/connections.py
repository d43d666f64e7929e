"""The connections of the server, all of them: how many, and how slow.

The time that a client takes is looked at once a second, for all connections in one go:
a timer for each request would cost each request.
"""

import asyncio
import heapq
import logging
from typing import Any, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from service.load import Load
from service.protocol import LOOK_INTERVAL, ProblemHandler

log = logging.getLogger(__name__)

#: Of the connections that may be open, the part that is closed when one more comes:
#: to choose them takes a look at all.
CLOSED_AT_A_TIME = 1 / 64

#: Seconds that a stop waits for the next requests of connections that are kept alive:
#: for those on their way, and for clients that send one after the other.
LINGER = 1.0

#: Seconds between looks whether they have come.
DRAIN_INTERVAL = 0.05

#: Seconds in which the log does not repeat itself.
TELL_INTERVAL = 10.0


class ProblemServer(web.Server):
    def __init__(self, *args: Any, load: Load, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._load = load
        self._told = -TELL_INTERVAL

    def __call__(self) -> RequestHandler:
        return ProblemHandler(
            self,
            loop=self._loop,
            load=self._load,
            make_room=self.make_room,
            **self._kwargs,
        )

    def make_room(self, newcomer: ProblemHandler) -> None:
        """Closes those that have waited longest for their client, or the newcomer.

        An address has no bound of its own: behind a proxy all clients have one.
        """
        if len(self._connections) <= self._load.max_connections:
            return
        idle = [
            (seconds, id(connection), connection)
            for connection in self._connections
            if connection is not newcomer
            and (seconds := cast(ProblemHandler, connection).idle_seconds) is not None
        ]
        count = max(1, int(self._load.max_connections * CLOSED_AT_A_TIME))
        for _, _, connection in heapq.nlargest(count, idle):
            self._connections.pop(connection).abort()
        if not idle:
            self._connections.pop(newcomer).abort()
        now = self._loop.time()
        if now - self._told >= TELL_INTERVAL:
            self._told = now
            limit = self._load.max_connections
            log.warning("%d connections are open, the limit: idle ones go", limit)

    async def drain(self) -> None:
        """Answers what comes yet, and each connection's last reply says that it is.

        Who is told sends the next request on another connection; a connection that is
        closed while a request is on its way loses it.
        """
        self._load.is_stopping = True
        for _ in range(round(LINGER / DRAIN_INTERVAL)):
            if not self._connections:
                return
            await asyncio.sleep(DRAIN_INTERVAL)

    async def look_after_connections(self) -> None:
        before = self._loop.time()
        while True:
            await asyncio.sleep(LOOK_INTERVAL)
            now = self._loop.time()
            try:
                for connection, transport in list(self._connections.items()):
                    cast(ProblemHandler, connection).look(transport, now - before)
            except Exception:  # whatever it is, the others are looked at again
                log.exception("the look at the connections failed")
            before = now
