"""The server: limits the number of its connections, and checks their timeouts."""

import asyncio
import heapq
import logging
from collections.abc import Collection, Container, Iterable, Iterator
from operator import itemgetter
from typing import Any, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from service.errors import Overloaded
from service.repeated_messages import RepeatedMessages
from service.telemetry.families import Counter, Family, gauge
from service.web.admission import Admission, is_read
from service.web.client_timeouts import CHECK_INTERVAL
from service.web.connection import HttpConnection, OnAnswered, connection_of
from service.web.problems import response_to

log = logging.getLogger(__name__)

#: The part of the permitted connections that is closed for one more: all have to be
#: compared to choose them.
CLOSED_AT_A_TIME = 1 / 64

#: The reason for it, as a label of `kv_connections_closed_total`.
EVICTED = "evicted"

#: Seconds that a stop waits for the next requests of connections that are kept alive:
#: those already sent, and those of clients that send one after the other.
LINGER = 1.0

#: Seconds between checks whether all connections are closed.
DRAIN_INTERVAL = 0.05


class HttpServer(web.Server):
    """aiohttp's server, with a limit of its connections.

    Relies on `_connections`, `_loop` and `_kwargs`.

    :param exempt: paths of the routes that are answered when every connection is busy
    :param reading: method and path of the routes that write nothing
    :param on_answered: called with each request and its reply once it has ended
    :param closed: connections that the server closed, by reason
    """

    def __init__(
        self,
        *args: Any,
        admission: Admission,
        on_answered: OnAnswered,
        closed: Counter,
        exempt: Collection[str],
        reading: Container[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._admission = admission
        self._on_answered = on_answered
        self._closed = closed
        self._exempt = exempt
        self._reading = reading
        self._reserved: dict[RequestHandler, None] = {}  # the oldest is the first
        self._repeated = RepeatedMessages(log)

    def __call__(self) -> RequestHandler:
        """Creates this package's connection: there is no parameter for its class."""
        return HttpConnection(
            self,
            loop=self._loop,
            admission=self._admission,
            on_connected=self.admit,
            on_answered=self._on_answered,
            closed=self._closed,
            **self._kwargs,
        )

    def connection_lost(
        self, handler: RequestHandler, exc: BaseException | None = None
    ) -> None:
        super().connection_lost(handler, exc)
        self._reserved.pop(handler, None)

    def admit(self, connection: HttpConnection) -> None:
        """Closes the connections that have been idle longest, if there are too many.

        If all are busy the new one joins the reserve. There is no limit per address:
        behind a proxy all clients have the same one.
        """
        if self._make_capacity(connection):
            return
        connection.set_handler(self._answer_health_checks)
        others, reserve = list(self._reserved), self._admission.health_reserve
        self._reserved[connection] = None
        if len(others) >= reserve and not self._close_idle(1, others):
            self._close(connection)

    def _make_capacity(self, connection: HttpConnection) -> bool:
        """Closes idle connections if needed; returns whether this one is permitted."""
        limit = self._admission.max_connections
        reserved = self._reserved.keys() - {connection}
        if len(self._connections) - len(reserved) <= limit:
            return True
        self._repeated.log(
            logging.WARNING,
            "%d connections are open, the limit: closing idle ones",
            limit,
        )
        count = max(1, int(limit * CLOSED_AT_A_TIME))
        reserved.add(connection)
        return self._close_idle(
            count, (each for each in self._connections if each not in reserved)
        )

    def _close_idle(self, count: int, among: Iterable[RequestHandler]) -> bool:
        """Closes at most `count` idle connections; returns whether there was any."""
        idle = [
            (seconds, connection)
            for connection in among
            if (seconds := cast(HttpConnection, connection).idle_seconds) is not None
        ]
        for _, connection in heapq.nlargest(count, idle, key=itemgetter(0)):
            self._close(connection)
        return bool(idle)

    def _close(self, connection: RequestHandler) -> None:
        self._reserved.pop(connection, None)
        self._connections.pop(connection).abort()
        self._closed.add(EVICTED)

    async def _answer_health_checks(
        self, request: web.BaseRequest
    ) -> web.StreamResponse:
        """The handler of connections in the reserve while all others are busy.

        Other requests are refused, and their clients connect again.
        """
        connection = connection_of(request)
        if self._make_capacity(connection):
            connection.set_handler(self.request_handler)
            self._reserved.pop(connection, None)
        elif request.path not in self._exempt:
            problem = Overloaded(
                f"{self._admission.max_connections} connections are busy, the limit",
                applied=None if is_read(request, self._reading) else "no",
            )
            refused = response_to(request, problem)
            refused.force_close()
            return refused
        return await self.request_handler(request)

    def collect(self) -> Iterator[Family]:
        """The connections as a metric."""
        yield gauge("kv_connections", "Open connections.", len(self._connections))

    async def drain(self) -> None:
        """Answers the next requests with `Connection: close`.

        A client that gets it sends its next request on another connection. A connection
        that is closed at once loses a request that is already sent.
        """
        self._admission.is_stopping = True
        for _ in range(round(LINGER / DRAIN_INTERVAL)):
            if not self._connections:
                return
            await asyncio.sleep(DRAIN_INTERVAL)

    async def check_connections(self) -> None:
        before = self._loop.time()
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            now = self._loop.time()
            try:
                for connection, transport in list(self._connections.items()):
                    cast(HttpConnection, connection).check(transport, now - before)
            except Exception:  # the other connections are checked all the same
                log.exception("the check of the connections failed")
            before = now
