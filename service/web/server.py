"""The connections of the server, all of them: how many, and how slow.

The time that a client takes is looked at once a second, for all connections in one go:
a timer for each request would cost each request.
"""

import asyncio
import heapq
import logging
from collections.abc import Collection, Container, Iterable
from operator import itemgetter
from typing import Any, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from service.errors import Overloaded
from service.web.admission import Load, is_read
from service.web.connection import LOOK_INTERVAL, ProblemHandler
from service.web.problems import response_to

log = logging.getLogger(__name__)

#: Of the connections that may be open, the part that is closed when one more comes:
#: to choose them takes a look at all.
CLOSED_AT_A_TIME = 1 / 64

#: Connections beyond the limit, for health checks when all others are busy: several
#: probes at a time.
HEALTH_RESERVE = 16

#: Seconds that a stop waits for the next requests of connections that are kept alive:
#: for those on their way, and for clients that send one after the other.
LINGER = 1.0

#: Seconds between looks whether they have come.
DRAIN_INTERVAL = 0.05

#: Seconds in which the log does not repeat itself.
TELL_INTERVAL = 10.0


class ProblemServer(web.Server):
    """:param health_paths: what is answered when every connection is busy, too
    :param reading: method and path of the routes that write nothing
    """

    def __init__(
        self,
        *args: Any,
        load: Load,
        health_paths: Collection[str],
        reading: Container[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._load = load
        self._health_paths = health_paths
        self._reading = reading
        self._reserved: dict[RequestHandler, None] = {}  # the oldest comes first
        self._told = -TELL_INTERVAL

    def __call__(self) -> RequestHandler:
        return ProblemHandler(
            self,
            loop=self._loop,
            load=self._load,
            make_room=self.make_room,
            **self._kwargs,
        )

    def connection_lost(
        self, handler: RequestHandler, exc: BaseException | None = None
    ) -> None:
        super().connection_lost(handler, exc)
        self._reserved.pop(handler, None)

    def make_room(self, newcomer: ProblemHandler) -> None:
        """Closes the connections that have been idle longest.

        Where all are busy the newcomer is one of the reserve. An address has no bound
        of its own: behind a proxy all clients have one.
        """
        if self._has_room(newcomer):
            return
        newcomer.set_handler(self._answer_health_checks)
        others = list(self._reserved)
        self._reserved[newcomer] = None
        if len(others) >= HEALTH_RESERVE and not self._close_idle(1, others):
            self._close(newcomer)

    def _has_room(self, newcomer: ProblemHandler) -> bool:
        """Whether the limit admits the connection; idle ones are closed for it."""
        limit = self._load.max_connections
        reserved = self._reserved.keys() - {newcomer}
        if len(self._connections) - len(reserved) <= limit:
            return True
        now = self._loop.time()
        if now - self._told >= TELL_INTERVAL:
            self._told = now
            log.warning("%d connections are open, the limit: idle ones go", limit)
        count = max(1, int(limit * CLOSED_AT_A_TIME))
        reserved.add(newcomer)
        return self._close_idle(
            count, (c for c in self._connections if c not in reserved)
        )

    def _close_idle(self, count: int, among: Iterable[RequestHandler]) -> bool:
        """Closes at most `count` of them, if there are any."""
        idle = [
            (seconds, connection)
            for connection in among
            if (seconds := cast(ProblemHandler, connection).idle_seconds) is not None
        ]
        for _, connection in heapq.nlargest(count, idle, key=itemgetter(0)):
            self._close(connection)
        return bool(idle)

    def _close(self, connection: RequestHandler) -> None:
        self._reserved.pop(connection, None)
        self._connections.pop(connection).abort()

    async def _answer_health_checks(
        self, request: web.BaseRequest
    ) -> web.StreamResponse:
        """The handler of a connection of the reserve, as long as all others are busy.

        Other requests are refused, and their clients connect again.
        """
        connection = cast(ProblemHandler, request.protocol)
        if self._has_room(connection):
            connection.set_handler(self.request_handler)
            self._reserved.pop(connection, None)
        elif request.path not in self._health_paths:
            problem = Overloaded(
                f"{self._load.max_connections} connections are busy, the limit",
                applied=None if is_read(request, self._reading) else "no",
            )
            refused = response_to(problem)
            refused.force_close()
            return refused
        return await self.request_handler(request)

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
